/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The slots of the client table: memory/clients.h says how they are laid out, and
 * what happens when processes meet in one. Every change to the table goes
 * through here; only clients.c does so.
 *
 * No function takes a lock, logs or allocates, and all are safe in any thread
 * of any process.
 */
#ifndef SVB_MEMORY_SLOTS_H
#define SVB_MEMORY_SLOTS_H

#include "memory/client.h"
#include "memory/entry.h"
#include "memory/evictions.h"
#include "memory/records.h"

/** How many slots a bucket has. */
#define SVB_SLOTS 4

/** A slot, in shared memory. */
typedef struct svb_slot svb_slot;

/** Process-local handle, filled in by svb_clients. */
typedef struct svb_slots {
    void *shm;                       /**< svb_slots_size() bytes */
    apr_size_t buckets;              /**< svb_slots_buckets() */
    svb_records *records;            /**< whose counts are kept */
    svb_clients_timeout_fn *timeout; /**< NULL: clients live for ever */
    void *baton;                     /**< the timeout's */
    _Atomic apr_int64_t *room; /**< for unconfirmed clients; NULL: any number */
    const _Atomic apr_time_t
        *frozen_at; /**< see svb_clients_set_frozen(); or NULL */
} svb_slots;

/** A slot as it was when looked at. */
typedef struct svb_slot_view {
    svb_slot *slot;
    apr_uint64_t tag;  /**< id of the client, if the word is bound to it */
    apr_uint64_t word; /**< 0 for a free slot */
} svb_slot_view;

/** What taking a slot would mean. */
typedef enum svb_slot_rank {
    SVB_SLOT_USABLE,     /**< nothing: it is free, or was left by the dead */
    SVB_SLOT_REMEMBERED, /**< forgetting where somebody was who may not return */
    SVB_SLOT_DOUBTFUL, /**< dropping a live client that nobody has confirmed */
    SVB_SLOT_LIVE,     /**< dropping one that is known to exist */
    SVB_SLOT_CLAIMED   /**< it cannot be: somebody else is taking it */
} svb_slot_rank;

/** @return how many buckets there are for so many clients */
apr_size_t svb_slots_buckets(apr_size_t capacity);

/** @return bytes of shared memory for so many clients */
apr_size_t svb_slots_size(apr_size_t capacity);

/** @return the word of a client, in its node's present epoch */
apr_uint64_t svb_slots_word(const svb_slots *slots, const svb_client *client);

/** @return whether the client's word is of its node's present epoch */
int svb_slots_is_current(const svb_slots *slots, apr_uint64_t word);

/** @return whether the client's word is that, and not timed out: a windowed client
 *          that is, is remembered for a while. One that is gone is not live */
int svb_slots_is_live(const svb_slots *slots, apr_uint64_t word,
                      apr_time_t now);

/** @return whether it is live, or lately gone */
int svb_slots_is_there(const svb_slots *slots, apr_uint64_t word,
                       apr_time_t now);

/** @return how long a client of the word's node would live as one of this kind; below
 *          zero for ever */
apr_interval_time_t svb_slots_timeout(const svb_slots *slots, apr_uint64_t word,
                                      svb_kind kind);

/** @return the word of a live client, as it is by now: that of a windowed one whose
 *          time is up says remembered, and is to be swapped for the one there is */
apr_uint64_t svb_slots_aged(const svb_slots *slots, apr_uint64_t word,
                            apr_time_t now);

/**
 * Say in full what is known of a client.
 * @param view   of a slot with a client
 * @param client filled in
 */
void svb_slots_read(const svb_slot_view *view, apr_time_t now,
                    svb_client *client);

/** Look at one slot, by its number: SVB_SLOTS for each bucket. */
void svb_slots_look(const svb_slots *slots, apr_size_t n, svb_slot_view *view);

/**
 * Pass over free slots, quickly.
 * @param n   number of a slot; set to the next one that is not free
 * @param end number of the slot to stop at
 * @return whether there is one before that
 */
int svb_slots_next(const svb_slots *slots, apr_size_t *n, apr_size_t end);

/** Have the processor fetch the buckets of a client. */
void svb_slots_prefetch(const svb_slots *slots, apr_uint64_t id);

/** @return what taking the slot would mean */
svb_slot_rank svb_slots_rank(const svb_slots *slots, const svb_slot_view *view,
                             apr_time_t now);

/** Find a client's first slot, live or dead. @return whether it has one */
int svb_slots_find(const svb_slots *slots, apr_uint64_t id,
                   svb_slot_view *found);

/**
 * Swap the word of a slot, unless it has changed since it was looked at, and
 * have the counts in svb_records follow. They are never below what is there, so
 * that a client which another process takes away at once is not missing.
 * @param next the new word, 0 to free the slot
 * @return whether it was swapped
 */
int svb_slots_swap(const svb_slots *slots, const svb_slot_view *view,
                   apr_uint64_t next);

/**
 * Write the word of a client, to the slot it has or to a new one. Nobody confirmed is
 * dropped for one that is not.
 * @return whether there was room
 */
int svb_slots_put(const svb_slots *slots, apr_uint64_t id, apr_uint64_t word,
                  apr_time_t now);

/** The same of an id that has no slot and that nobody else puts. */
int svb_slots_put_new(const svb_slots *slots, apr_uint64_t id,
                      apr_uint64_t word, apr_time_t now);

/** Leave of a client that it is gone, since now. @return whether it had a slot, and was
 *  not gone */
int svb_slots_bury(const svb_slots *slots, apr_uint64_t id, apr_time_t now);

/** Free all slots of a client. @return whether it had any */
int svb_slots_remove(const svb_slots *slots, apr_uint64_t id);

/** @return the live clients dropped for want of room, in shared memory */
svb_evictions *svb_slots_evictions(const svb_slots *slots);

#endif /* SVB_MEMORY_SLOTS_H */
