/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Live clients that a table has dropped for want of room: how many, when last, and
 * what the log has told of them.
 *
 * They are words in the table's own memory, all zero when it is new: a table that
 * takes the place of one that was too small has dropped nobody, and what was told
 * outlives whoever told it.
 *
 * No function takes a lock, logs or allocates, and all are safe in any thread of any
 * process, in any phase.
 */
#ifndef SVB_MEMORY_EVICTIONS_H
#define SVB_MEMORY_EVICTIONS_H

#include "memory/client.h"

/** In shared memory. */
typedef struct svb_evictions {
    _Atomic apr_uint64_t count;    /**< how many, since the table was made */
    _Atomic apr_time_t at;         /**< when the last of them was; 0: never */
    _Atomic apr_time_t session_at; /**< likewise, of those with a session */
    _Atomic apr_time_t launch_at;  /**< likewise, of smart clients */
    _Atomic apr_uint64_t told;     /**< how many of them the log knows */
    _Atomic apr_time_t told_at;    /**< when it was told */
} svb_evictions;

/**
 * One more.
 * @param kind what it was; remembered ones are no clients and not counted, but an id
 *             that is forgotten may be one that a node still honours
 * @param now  time of day
 */
void svb_evictions_add(svb_evictions *evictions, svb_kind kind, apr_time_t now);

/** @return when a session or a launch was last dropped; 0: never */
apr_time_t svb_evictions_last(const svb_evictions *evictions);

/** Sessions and launches were dropped until then, by the table that this one has the
 *  clients of. */
void svb_evictions_restore(svb_evictions *evictions, apr_time_t last);

/**
 * Is there something to tell that is new? Of several processes that ask, one is to
 * tell it, and no two within a minute.
 * @param now time of day
 * @return how many there were so far, or 0: nothing new, or told lately
 */
apr_uint64_t svb_evictions_to_tell(svb_evictions *evictions, apr_time_t now);

#endif /* SVB_MEMORY_EVICTIONS_H */
