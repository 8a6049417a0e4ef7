/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Which clients have changed: ids that all processes write, in shared memory, and that
 * one at a time takes out, to tell other front ends.
 *
 * A place in the ring is two words: the id, and the number that it was written as. To
 * write is one addition, which gives a number of one's own, and two stores, the number
 * last, so that a place with the number that is expected is whole:
 *
 *     numbers        5          6          7          8
 *     places      [id 5]     [id .]     [id 7]     [free]
 *                   |          |
 *                 read on   a writer that has its number, but has not stored it
 *                 from 5    yet; perhaps it never will
 *
 * Whoever reads takes 5, and waits for 6, for a while. A writer that is killed or stopped
 * there is passed over then, and what it had to say is lost: so the ring says, and who
 * reads has to look at everybody (a walk through the table). It is the same where there
 * is no room any more: nobody waits, what comes then is not written, and who reads next
 * finds nothing but that something is lost. A writer that wakes up after a round of the
 * ring spoils one place, which is passed over like that of a dead one.
 *
 * svb_ring_push() takes no lock, for any thread of any process. The others are for one
 * thread of one process at a time; who is killed between two of them has changed nothing
 * but by svb_ring_drain().
 */
#ifndef SVB_SHARE_RING_H
#define SVB_SHARE_RING_H

#include <apr_pools.h>
#include <apr_time.h>

#include "memory/journal.h"

/** How many changes there is room for. */
#define SVB_RING_ENTRIES 65536

/** So long a writer is waited for. */
#define SVB_RING_PATIENCE apr_time_from_msec(500)

/** A change, taken out. */
typedef struct svb_ring_entry {
    apr_uint64_t id;
    svb_change what;
} svb_ring_entry;

/** Process-local handle on a ring. */
typedef struct svb_ring svb_ring;

/** @return bytes of shared memory that it takes */
apr_size_t svb_ring_size(void);

/**
 * Make a handle on the ring.
 * @param ring the new handle, from p
 * @param mem  svb_ring_size() bytes, 64-byte aligned, all zero when new
 * @param p    pool of the handle; mem must outlive it
 */
apr_status_t svb_ring_open(svb_ring **ring, void *mem, apr_pool_t *p);

/** A client has changed. */
void svb_ring_push(svb_ring *ring, apr_uint64_t id, svb_change what);

/** @return how many changes have been pushed, and not taken out */
unsigned svb_ring_waiting(const svb_ring *ring);

/**
 * Take changes out, the oldest first.
 * @param list room for most of them
 * @param now  time of day
 * @return how many there are in the list
 */
unsigned svb_ring_drain(svb_ring *ring, svb_ring_entry *list, unsigned most,
                        apr_time_t now);

/** Of changes that were taken out, keep one of each client: the one that says most of it
 *  (the highest svb_change). @return how many are left, by id */
unsigned svb_ring_without_repeats(svb_ring_entry *list, unsigned n);

/** @return whether changes were lost since this was last asked */
int svb_ring_has_lost(svb_ring *ring);

#endif /* SVB_SHARE_RING_H */
