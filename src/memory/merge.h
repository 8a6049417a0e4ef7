/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What another front end has told of a client, put into the table as if it had been seen
 * here. The later sighting wins; what was seen in the same second is settled so that all
 * come to the same, whoever hears of what first:
 *
 *     gone, remembered, windowed, web, smart, assumed, pending
 *
 * in this order; and of two nodes the one to which it was put then, since the other one
 * has only been seen to have it.
 *
 * What a node had before it was last found to have lost its clients here counts for
 * nothing, as does what is older than it may be. Nobody is told of what comes in this way.
 *
 * Takes no lock; any thread of any process.
 */
#ifndef SVB_MEMORY_MERGE_H
#define SVB_MEMORY_MERGE_H

#include "memory/slots.h"

/** How it was told; bits. */
#define SVB_MERGE_STAYS                                                        \
    1 /**< of one that is gone: others may still tell of it as it was before */
#define SVB_MERGE_PUT 2 /**< it came, moved, or became of another kind */

/**
 * @param client what was told; seen is by the clock here
 * @param how    bits of SVB_MERGE_...
 * @param now    time of day
 * @return whether the table has changed
 */
int svb_merge(const svb_slots *slots, const svb_client *client, unsigned how,
              apr_time_t now);

#endif /* SVB_MEMORY_MERGE_H */
