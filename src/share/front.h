/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The other front ends, as they are known here: a table in shared memory, of which one
 * thread of one process at a time writes, and all others look.
 *
 * Whoever gives a sign of life gets a place. One that is gone keeps its own for an hour,
 * as its users' records may still be read; then the place is given back, and before that
 * to somebody who is alive, when there is no other: whoever has been gone for the longest
 * gives way.
 *
 * FORMATS. Each says which formats of batches it reads, from the lowest to the highest.
 * What is written is the highest that all who are alive can read, so that versions may be
 * changed one front end at a time, in either order. Those who have none in common with us
 * are incompatible: what they tell is passed over, and nobody waits for them.
 *
 *     we read 1 to 2; a reads 1 to 2, b 1, c 3 to 4: c is incompatible, and 1 is written
 *     until b is gone, or has become one that reads 2
 *
 * Pure: no locks; times are the store's, in milliseconds.
 */
#ifndef SVB_SHARE_FRONT_H
#define SVB_SHARE_FRONT_H

#include <stdatomic.h>

#include "memory/names.h"
#include "share/expect.h"
#include "share/notes.h"

/** How many other front ends there may be. */
#define SVB_FRONTS_MAX 64

/** A front end that does not give a sign of life for so long lags, or is gone; or its
 *  place is given back. */
#define SVB_FRONT_LAGS_MS 2000
#define SVB_FRONT_GONE_MS 10000
#define SVB_FRONT_FORGOTTEN_MS (3600 * 1000)

/** Whether something of another front end's is missing here. */
typedef enum svb_walk {
    SVB_WALK_NONE,     /**< no */
    SVB_WALK_WANTED,   /**< it is to be asked to announce all it has */
    SVB_WALK_ASKED,    /**< it was */
    SVB_WALK_UNDER_WAY /**< it does so */
} svb_walk;

/** What another front end is. */
typedef enum svb_front_state {
    SVB_FRONT_GONE,
    SVB_FRONT_LAGGING,
    SVB_FRONT_HERE,
    SVB_FRONT_INCOMPATIBLE /**< here, but it reads no format that we read */
} svb_front_state;

/** Another front end. */
typedef struct svb_front {
    _Atomic int used; /**< its name is complete */
    char name[SVB_NAME_MAX + 1];
    char version[SVB_HEARTBEAT_VERSION + 1];
    _Atomic apr_uint64_t id_ms, id_seq; /**< its log is read up to here */
    _Atomic apr_uint64_t boot, number;  /**< of its last batch */
    _Atomic apr_uint64_t beat;          /**< its last heartbeat; 0: none */
    _Atomic apr_uint64_t beat_boot, clients;
    _Atomic apr_uint32_t elections, lag;
    _Atomic apr_uint64_t rejected;
    _Atomic unsigned least, most; /**< formats that it reads */
    _Atomic int walk;             /**< svb_walk */
    _Atomic apr_time_t walk_at;   /**< by the clock here */
    _Atomic int told;             /**< svb_front_state that the log knows */
} svb_front;

/** @return the front end of that name, or NULL: there is none */
svb_front *svb_front_find(svb_front fronts[SVB_FRONTS_MAX], const char *name);

/**
 * A heartbeat was read: note what it says, unless it is older than what is known.
 * @param now the store's clock
 * @return the front end, or NULL: there is no place for it
 */
svb_front *svb_front_beat(svb_front fronts[SVB_FRONTS_MAX], const char *name,
                          const svb_heartbeat *beat, apr_uint64_t now);

/** Give the places back of those that are gone for good. */
void svb_front_give_back(svb_front fronts[SVB_FRONTS_MAX], apr_uint64_t now);

/** @return whether it reads a format that we read */
int svb_front_speaks(const svb_front *front);

/** What is it now? Any thread. */
svb_front_state svb_front_is(const svb_front *front, apr_uint64_t now);

/** Is it there, whether it is late or not, and do we understand each other? */
int svb_front_is_with_us(const svb_front *front, apr_uint64_t now);

/** @return the highest format that all read who are with us; the lowest of ours, where
 *          they have none in common */
unsigned svb_front_format(const svb_front fronts[SVB_FRONTS_MAX],
                          apr_uint64_t now);

/** Add up what elections those hold who are with us. @param own our name: who comes
 *  before us? @param expect others, before and front_ends are set */
void svb_front_elections(const svb_front fronts[SVB_FRONTS_MAX],
                         const char *own, svb_expect *expect, apr_uint64_t now);

#endif /* SVB_SHARE_FRONT_H */
