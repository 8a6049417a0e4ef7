/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The shared memory of the server: two anonymous segments, made by the parent
 * at its first start and kept through every restart, so that children of all
 * generations, the ones that are ending included, work on the same state. One
 * holds the nodes and never changes its size; the other holds the client table.
 *
 * The first begins with a header that says what layout it has. A new version
 * of the module that is loaded by a graceful restart and lays things out
 * otherwise starts with segments of its own. When the table's size changes, its
 * clients move to a new segment; children of the old generation go on with the
 * old one, from which what they still learn is fetched for as long as they may
 * live (svb_segments_follow()).
 */
#ifndef SVB_MEMORY_MOD_SEGMENTS_H
#define SVB_MEMORY_MOD_SEGMENTS_H

#include "mod_log.h"
#include "memory/clients.h"
#include "memory/records.h"
#include "memory/rows.h"

/** Words that the server's processes share besides nodes and clients. */
typedef struct svb_shared {
    apr_uint64_t magic, size; /**< of the layout */
    apr_time_t started;       /**< when the segments were made */
    unsigned char secret[SVB_CLIENTS_SECRET];
    char nonce[33];                      /**< what actions must carry */
    _Atomic apr_int64_t assumed_room;    /**< see memory/mod_clients.h */
    _Atomic apr_uint64_t confirmed_peak; /**< likewise */
    _Atomic apr_time_t probed;           /**< when nodes were last probed */
} svb_shared;

/**
 * Make the segments, or find the ones that are there. In post_config of the
 * pass that counts, in the parent.
 * @param capacity how many clients the table is to hold
 * @param secret   key of the clients' ids when the segments are made, or NULL
 *                 for a random one
 * @param is_new   set to whether the segments were made now
 * @return APR_SUCCESS or why there is no memory; logged
 */
apr_status_t svb_segments_attach(apr_pool_t *pconf, server_rec *main_server,
                                 apr_size_t capacity,
                                 const unsigned char *secret, int *is_new);

/** Are there segments from before a restart? In post_config, before attach. */
int svb_segments_exists(void);

/**
 * Claim this child's row for requests in flight; it is given back when pchild
 * is destroyed. In child_init.
 */
void svb_segments_child_init(apr_pool_t *pchild);

/** @return the nodes; valid from post_config on, in parent and children */
svb_records *svb_segments_records(void);

/** @return the rows of requests in flight; likewise */
svb_rows *svb_segments_rows(void);

/** @return the client table; likewise */
svb_clients *svb_segments_clients(void);

/** @return the shared words; likewise */
svb_shared *svb_segments_shared(void);

/** @return this child's row, for svb_rows_enter() and svb_rows_leave() */
int svb_segments_row(void);

/** Free the rows of dead children; from the watchdog. */
void svb_segments_sweep(void);

/** Fetch what children of an earlier generation put into a table of another
 *  size; from the watchdog. */
void svb_segments_follow(apr_time_t now);

/** Look in the table of before a change of size, for what was not fetched yet;
 *  what is found is put into the table. @return whether it was */
int svb_segments_find_old(apr_uint64_t id, apr_time_t now, svb_client *client);

/** A client goes, or gets another id: it must not be fetched again. */
void svb_segments_remove_old(apr_uint64_t id);

#endif /* SVB_MEMORY_MOD_SEGMENTS_H */
