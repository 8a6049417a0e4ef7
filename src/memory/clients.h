/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The client table: which node each client is on, in shared memory.
 *
 * The table is an array of buckets of 64 bytes, a cache line, with four slots
 * each. A client may stand in any slot of four buckets that its id names; it is
 * put in the first of them while that has room, so that looking it up reads one
 * line as a rule, and in one of the others otherwise, so that practically nobody
 * is dropped while there are no more clients than the capacity: the number that
 * the table was made for. There are ten slots for every seven of those, or the
 * last ones would not find a place; beyond the capacity clients begin to be
 * dropped. Nothing ever moves to another slot, and no call looks at more than four
 * buckets, however many clients there are.
 *
 * A slot is two words. The tag is the client's id, a hash of the session id
 * under a secret key; the session id itself is not stored. The other word is
 * all that is known of the client, so that one compare-and-swap changes it:
 *
 *     kind, node, the node's epoch, second last seen, 10 bits of the id
 *
 * A word of zero is a free slot. The bits of the id bind the word to the tag: a
 * word that stands under another client's tag is void, so that a process that
 * was stopped between two steps can spoil a slot, but not mix up two clients.
 *
 * A client is live while its node's epoch is the one in its word and it was
 * seen within the timeout of its kind. All others are dead: nobody finds them,
 * and their slots are for the taking. Only a windowed client whose time is up is
 * not dead, but has ended: it is remembered, for as long after it was seen as others
 * that are. A node that goes down thus loses all its
 * clients at once, by the change of one number in svb_records.
 *
 * How a new client gets a slot, in three steps:
 *
 *     1. swap the word, free or dead, for a claim: no client, but the second
 *        and the id's bits
 *     2. set the tag
 *     3. swap the claim for the client's word
 *
 * A claim is left alone by others for a few seconds. It is theirs after that,
 * since whoever made it is dead, or so late that step 3 will fail, upon which
 * it begins again. A change to a client that has a slot is one swap of its
 * word, and so is its removal. For each client that a swap brings, the node's
 * count in svb_records grows before it; for each that a swap takes away, it
 * shrinks after it. A process that dies in between leaves the count too high by
 * one, until the sweep has counted.
 *
 * EXAMPLE. Client 7 has failed over from node A, and two of its requests arrive
 * at once, in children P and Q. Neither finds 7 in the table; both compute, by
 * hashing, that it goes to B, and both put it there. Its first bucket reads
 *
 *     slot 0 [tag 5, on C]   slot 1 [free]   slot 2 [free]   slot 3 [free]
 *
 *     P  step 1 in slot 1         slot 1 [tag 0, claim]
 *     Q  finds slot 1 claimed,
 *        step 1 in slot 2         slot 2 [tag 0, claim]
 *     Q  steps 2 and 3            slot 2 [tag 7, on B]      B has 1 client more
 *     P  steps 2 and 3            slot 1 [tag 7, on B]      B has 2 more
 *
 * Whoever has finished step 3 looks for its client in other slots, and keeps
 * the first one. One of the two at least sees both, and here both do:
 *
 *     P  swaps slot 2 for free    slot 2 [free]             B has 1 more
 *     Q  fails to swap it: done
 *
 * Had both tried slot 1, one swap would have failed, and that child would have
 * looked again, and found what to take next. Now let P be killed:
 *
 *   after step 1   slot 1 is a claim. Q is not in its way. Five seconds later
 *                  the slot is free for the next client or for the sweep.
 *   after step 2   the same; the tag says nothing while the word is a claim.
 *   before step 3  and after it had raised B's count: B has 2 clients more,
 *                  one of which is not there. The next sweep puts that right.
 *   after step 3   two slots have 7. Everyone finds the first one; the sweep
 *                  removes the other.
 *
 * And let P not be killed but stopped before step 2 for ten seconds, long
 * enough for client 9 to get slot 1. When P goes on, the tag is not the one it
 * had read any more: its step 2 fails, so does its step 3, it begins again and
 * finds 7 in slot 2.
 *
 * The time of day that is passed in has to be the present one, not that of the
 * request's beginning.
 *
 * No function here takes a lock, logs or allocates, but for svb_clients_open().
 * All are safe in any thread of any process, in any phase after it, but for
 * svb_clients_sweep(), which one thread of a process may use at a time.
 */
#ifndef SVB_MEMORY_CLIENTS_H
#define SVB_MEMORY_CLIENTS_H

#include "memory/client.h"
#include "memory/evictions.h"
#include "memory/journal.h"
#include "memory/merge.h"
#include "memory/records.h"

/** Bytes in the secret key of ids. */
#define SVB_CLIENTS_SECRET 16

/** Process-local handle on the table. */
typedef struct svb_clients svb_clients;

/**
 * @param capacity how many clients the table is to hold
 * @return bytes of shared memory that takes: 23 for each client, or a little
 *         more where they are fewer than 25
 */
apr_size_t svb_clients_size(apr_size_t capacity);

/**
 * Make a handle on the table.
 * @param clients  the new handle, from p
 * @param mem      svb_clients_size(capacity) bytes, 64-byte aligned, all zero
 *                 when new
 * @param capacity the one that mem was made for
 * @param secret   SVB_CLIENTS_SECRET random bytes, the same in all processes;
 *                 copied
 * @param records  the nodes, whose counts of clients the table keeps
 * @param p        pool of the handle; mem and records must outlive it
 */
apr_status_t svb_clients_open(svb_clients **clients, void *mem,
                              apr_size_t capacity, const unsigned char *secret,
                              svb_records *records, apr_pool_t *p);

/**
 * Say how long clients live; until then, for ever. To be called before another
 * thread uses the handle.
 */
void svb_clients_set_timeout(svb_clients *clients,
                             svb_clients_timeout_fn *timeout, void *baton);

/**
 * Bound the clients that nobody has confirmed: pending, smart and assumed ones. Each
 * that is put takes one from room; while that is zero or less, a new one takes the
 * place of another such, or finds none. To be called before another thread uses the
 * handle. @param room in shared memory; whoever owns it fills it up again
 */
void svb_clients_set_room(svb_clients *clients, _Atomic apr_int64_t *room);

/**
 * Tell others of changes from now on. To be called before another thread uses the
 * handle. @param journal must outlive the handle
 */
void svb_clients_set_journal(svb_clients *clients, const svb_journal *journal);

/**
 * What was last seen before a certain time stays as old as it was then: nobody can tell
 * whether others have seen it since. To be called before another thread uses the handle.
 * @param at that time, in shared memory; 0 in it: time passes as ever
 */
void svb_clients_set_frozen(svb_clients *clients, const _Atomic apr_time_t *at);

/**
 * The id under which a session, a launch or the like is kept. Where the same
 * text can name clients of two fleets, the caller adds (by exclusive or) a
 * number of the fleet's to tell them apart.
 * @return a keyed hash, never 0
 */
apr_uint64_t svb_clients_id(const svb_clients *clients, const char *text,
                            apr_size_t len);

/**
 * The id of a client that has no text, and that nobody outside gets to see.
 * @param number another one each time
 * @return likewise never 0; no more the same as one of svb_clients_id() than chance
 *         has it
 */
apr_uint64_t svb_clients_number_id(const svb_clients *clients,
                                   apr_uint64_t number);

/**
 * Look up a live client.
 * @param now    time of day
 * @param client filled in when found
 * @return whether it was
 */
int svb_clients_find(svb_clients *clients, apr_uint64_t id, apr_time_t now,
                     svb_client *client);

/**
 * Put a client on a node, seen now: a new one, one that moves, or one that
 * becomes of another kind. A new client without a session yet is of kind
 * pending, under a random number as id.
 * @param now time of day
 * @return 1, or 0 when there was no room for it, which takes a dozen other
 *         processes to be at the same spot, or when only such are in its buckets
 *         as it may not drop. Where these are full, room is made by dropping a
 *         remembered client, else one that nobody has confirmed, or, for one that
 *         a node has, the one not seen for longest; see svb_clients_evicted()
 */
int svb_clients_put(svb_clients *clients, apr_uint64_t id, int node,
                    svb_kind kind, apr_time_t now);

/** The same, quicker, for a client whose id was never put before, and is put by nobody
 *  else. */
int svb_clients_put_new(svb_clients *clients, apr_uint64_t id, int node,
                        svb_kind kind, apr_time_t now);

/**
 * A live client was seen. Writes only when the second is another one, and never for
 * a windowed client, which requests do not keep alive.
 * @return whether there is such a client
 */
int svb_clients_touch(svb_clients *clients, apr_uint64_t id, apr_time_t now);

/**
 * A window of the client, or a request that takes long, is open now: of a windowed
 * client as well, that it is there.
 * @return as svb_clients_touch()
 */
int svb_clients_hold(svb_clients *clients, apr_uint64_t id, apr_time_t now);

/**
 * A window that has been open for a while makes the client of it a windowed one, seen
 * now; one that the table does not know is put on the node. A smart client stays one.
 * @return whether it is in the table
 */
int svb_clients_window(svb_clients *clients, apr_uint64_t id, int node,
                       apr_time_t now);

/**
 * Count the client no more, but remember where it was. A smart one stays as it is; a
 * pending one goes.
 * @return whether there was such a client, live
 */
int svb_clients_remember(svb_clients *clients, apr_uint64_t id, apr_time_t now);

/**
 * Remove a client. Where others are told of changes, it stays known for a while that it
 * is gone. @return whether it was there, live or dead
 */
int svb_clients_remove(svb_clients *clients, apr_uint64_t id, apr_time_t now);

/**
 * A client has a new id: a pending one got its session, or a session changed
 * its id, which is remembered then: it may be of another application. The new id is
 * put before the old one goes, so that a process killed in between leaves one client
 * too many, which expires, and loses none.
 * @param old its id so far, which need not be in the table
 * @return as svb_clients_put() of the new id
 */
int svb_clients_rename(svb_clients *clients, apr_uint64_t old, apr_uint64_t id,
                       int node, svb_kind kind, apr_time_t now);

/** Drop all clients of a node, by giving it a new epoch. */
void svb_clients_forget(svb_clients *clients, int node, apr_time_t now);

/** A node has lost whatever clients others may tell of that were seen until now. */
void svb_clients_lost(svb_clients *clients, int node, apr_time_t now);

/**
 * Put what another front end has told of a client into the table; see merge.h. Nobody is
 * told of it.
 * @param how bits of SVB_MERGE_...
 * @return whether the table has changed
 */
int svb_clients_merge(svb_clients *clients, const svb_client *client,
                      unsigned how, apr_time_t now);

/** Like svb_clients_find(), but also one that is gone, for as long as that is known. */
int svb_clients_trace(svb_clients *clients, apr_uint64_t id, apr_time_t now,
                      svb_client *client);

/**
 * Let the next sweep begin a pass of its own. A handle that was opened before a
 * fork has a pass of the parent's in it, whose marks are no good in the child:
 * to be called in every new process before it sweeps.
 */
void svb_clients_begin_pass(svb_clients *clients);

/**
 * Sweep the next buckets: free the slots of dead clients and dead processes,
 * and count the live ones. When a pass through the table ends, the counts in
 * svb_records are corrected by what was found: exactly, where no other process
 * has changed them during the pass, and otherwise when they are further off
 * than such changes explain; and it is noted of each node how many of its web clients
 * are idle, and when the last of its clients ends if nobody comes back
 * (SVB_WORD_IDLE, SVB_WORD_LAST_UNTIL: 0 for none, or for one that never ends). A pass
 * that was not gone on with for ten seconds is
 * begun anew.
 * @param buckets how many at most; the call stops at the end of a pass
 * @param now     time of day
 * @return whether this was the end of a pass
 */
int svb_clients_sweep(svb_clients *clients, apr_size_t buckets, apr_time_t now);

/**
 * Copy out the live clients, one at a time, in no order.
 * @param pos    where to go on; 0 to begin with
 * @param client filled in
 * @return 0 when there are no more
 */
int svb_clients_next(svb_clients *clients, apr_size_t *pos, apr_time_t now,
                     svb_client *client);

/** The same, but for the buckets before this one only. */
int svb_clients_next_below(svb_clients *clients, apr_size_t *pos,
                           apr_size_t bucket, apr_time_t now,
                           svb_client *client);

/** This client will be looked for: have the processor fetch where it may stand. */
void svb_clients_prefetch(const svb_clients *clients, apr_uint64_t id);

/**
 * Put back a client that svb_clients_next() gave, perhaps from another table
 * with the same secret, unless it is dead by now, or is here and was not seen
 * earlier. Where the counts in svb_records know these clients already, they are
 * too high until the next pass of the sweep has ended.
 * @return whether the client is in the table now
 */
int svb_clients_restore(svb_clients *clients, const svb_client *client,
                        apr_time_t now);

/** @return the capacity the table was opened with */
apr_size_t svb_clients_capacity(const svb_clients *clients);

/** @return how many buckets there are to sweep */
apr_size_t svb_clients_buckets(const svb_clients *clients);

/** @return the bytes of shared memory it takes */
apr_size_t svb_clients_bytes(const svb_clients *clients);

/** @return clients of all kinds but remembered, by the counts in svb_records; looks
 *          at every node, so it is for pages and not for requests */
apr_size_t svb_clients_count(const svb_clients *clients);

/** @return the live clients dropped for want of room, in the table's memory */
svb_evictions *svb_clients_evictions(const svb_clients *clients);

/** @return how many live clients were dropped for want of room since the table
 *          was made */
apr_uint64_t svb_clients_evicted(const svb_clients *clients);

#endif /* SVB_MEMORY_CLIENTS_H */
