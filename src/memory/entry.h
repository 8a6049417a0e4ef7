/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The word of a slot: all that the client table knows of a client but its id, so that
 * one compare-and-swap changes it. From the lowest bit:
 *
 *      4   kind + 1; 0: no client, but a claim of the slot
 *     11   node
 *     16   epoch of the node
 *     23   second when last seen, modulo 97 days
 *     10   of the id, to tell that the word belongs to the slot's tag
 *
 * A word of zero is a free slot. Where a clock was set back, or that of another process
 * is ahead, what seems to be more than half of the 97 days ago is taken to lie ahead.
 *
 * Pure: no state, no locks; any thread, any phase.
 */
#ifndef SVB_MEMORY_ENTRY_H
#define SVB_MEMORY_ENTRY_H

#include "memory/client.h"
#include "memory/records.h"

#define SVB_ENTRY_KIND_MASK 0xfu
#define SVB_ENTRY_NODE_SHIFT 4
#define SVB_ENTRY_EPOCH_SHIFT 15
#define SVB_ENTRY_SEEN_SHIFT 31
#define SVB_ENTRY_CHECK_SHIFT 54
#define SVB_ENTRY_NODE_MASK 0x7ffu
#define SVB_ENTRY_EPOCH_MASK 0xffffu
#define SVB_ENTRY_SEEN_MASK 0x7fffffu
#define SVB_ENTRY_CHECK_MASK 0x3ffu

/** The bits of what is counted: kind, node and epoch. */
#define SVB_ENTRY_COUNTED (((apr_uint64_t)1 << SVB_ENTRY_SEEN_SHIFT) - 1)

_Static_assert(SVB_RECORDS_MAX <= SVB_ENTRY_NODE_MASK + 1,
               "a node fits in its bits");
_Static_assert(SVB_KINDS <= SVB_ENTRY_KIND_MASK, "a kind + 1 fits in its bits");

static inline apr_uint64_t svb_entry_check(apr_uint64_t id)
{
    return (id & SVB_ENTRY_CHECK_MASK) << SVB_ENTRY_CHECK_SHIFT;
}

static inline apr_uint64_t svb_entry_second(apr_time_t now)
{
    return ((apr_uint64_t)apr_time_sec(now) & SVB_ENTRY_SEEN_MASK)
           << SVB_ENTRY_SEEN_SHIFT;
}

/** @return the word of a client, in this epoch of its node */
static inline apr_uint64_t svb_entry_of(const svb_client *client,
                                        apr_uint64_t epoch)
{
    return ((apr_uint64_t)client->kind + 1)
           | (apr_uint64_t)client->node << SVB_ENTRY_NODE_SHIFT
           | epoch << SVB_ENTRY_EPOCH_SHIFT | svb_entry_second(client->seen)
           | svb_entry_check(client->id);
}

/** @return the word of a slot that is being taken: no kind, and an epoch so that it is not
 *          zero */
static inline apr_uint64_t svb_entry_claim(apr_uint64_t id, apr_time_t now)
{
    return (apr_uint64_t)1 << SVB_ENTRY_EPOCH_SHIFT | svb_entry_second(now)
           | svb_entry_check(id);
}

/** @return the word of a client, seen now; otherwise as it was */
static inline apr_uint64_t svb_entry_seen(apr_uint64_t word, apr_time_t now)
{
    return (word & ~((apr_uint64_t)SVB_ENTRY_SEEN_MASK << SVB_ENTRY_SEEN_SHIFT))
           | svb_entry_second(now);
}

/** @return the word with another kind, otherwise as it was */
static inline apr_uint64_t svb_entry_of_kind(apr_uint64_t word, svb_kind kind)
{
    return (word & ~(apr_uint64_t)SVB_ENTRY_KIND_MASK)
           | ((apr_uint64_t)kind + 1);
}

/** @return whether the word is one of a client: no claim, no free slot */
static inline int svb_entry_is_client(apr_uint64_t word)
{
    return (word & SVB_ENTRY_KIND_MASK) != 0;
}

/** @return the kind of a client's word; its node; the epoch */
static inline svb_kind svb_entry_kind(apr_uint64_t word)
{
    return (svb_kind)((word & SVB_ENTRY_KIND_MASK) - 1);
}

static inline int svb_entry_node(apr_uint64_t word)
{
    return (int)(word >> SVB_ENTRY_NODE_SHIFT & SVB_ENTRY_NODE_MASK);
}

static inline unsigned svb_entry_epoch(apr_uint64_t word)
{
    return (unsigned)(word >> SVB_ENTRY_EPOCH_SHIFT & SVB_ENTRY_EPOCH_MASK);
}

/** @return whether the word is that of this client */
static inline int svb_entry_is_of(apr_uint64_t word, apr_uint64_t id)
{
    return svb_entry_is_client(word)
           && word >> SVB_ENTRY_CHECK_SHIFT == (id & SVB_ENTRY_CHECK_MASK);
}

/** @return seconds since it was seen; below zero where the clock was set back, or that of
 *          the process which wrote it is ahead */
static inline apr_int64_t svb_entry_age(apr_uint64_t word, apr_time_t now)
{
    apr_int64_t age =
        (apr_time_sec(now) - (apr_int64_t)(word >> SVB_ENTRY_SEEN_SHIFT))
        & SVB_ENTRY_SEEN_MASK;

    return age < (SVB_ENTRY_SEEN_MASK + 1) / 2
               ? age
               : age - ((apr_int64_t)SVB_ENTRY_SEEN_MASK + 1);
}

#endif /* SVB_MEMORY_ENTRY_H */
