/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The nodes of all fleets, in shared memory.
 *
 * A node is one Servoy Application Server, identified by (fleet, route). Its
 * record is found by open addressing on a 64-bit key made of both names and never
 * moves, so that its index is its identity in every process that knows the node.
 *
 * Rules that keep the region whole, whoever dies at whatever instruction:
 *
 *  - A record is claimed by one compare-and-swap of its key. Two processes that
 *    add the same node at once therefore get the same record, and a process
 *    killed right after the swap leaves a record that the next one completes:
 *    the names are written by whoever finds them missing, always to the same
 *    bytes. A fleet's count of elections is claimed likewise, by the hash of its
 *    name, and never given to another.
 *  - Everything else in a record is a word that is changed by one atomic
 *    operation. No word says something about another one, except that a count
 *    of clients carries the epoch it belongs to, so that it is void the moment
 *    the epoch grows.
 *
 * USED AGAIN. While there are free records, every node that there ever was keeps
 * its own, and finds all of it again when it is back. When none is left, that of a
 * node which nobody needs any more is given to another one (svb_records_reuse()),
 * by the parent alone, between two generations of children. Of whom it is:
 *
 *  - A record says which generation last named its node: the configuration of it,
 *    or a child of it that met a member which was added at run time. A generation's
 *    children know its nodes by index until the last of them has ended, however
 *    long it takes. So a record may go when all processes that live are of later
 *    generations: they have never had its index, and get it by its names alone.
 *  - It may not go while the table has a live client of the node, or a row a
 *    request; who calls knows.
 *  - Of those that may go, the one that was named longest ago goes first; those of
 *    which an administrator has said something, after all others.
 *
 * How it goes, in steps between which the parent may die:
 *
 *     1. swap the generation for "retired", unless it has changed: a child that
 *        names the node just now has either swapped first, and keeps it, or finds
 *        it retired, and goes on looking. Nobody finds a retired record, or counts
 *        it among those in use
 *     2. a new epoch: what the client table has of the old node is dead, as are the
 *        counts of its clients
 *     3. all other words to zero
 *     4. the key, then the names
 *     5. swap "retired" for this generation: the record is the other node's
 *
 * A record that stays retired, as its parent was killed, is the first to be used by
 * the next one, from step 2 on. The key never becomes 0 again, so that whoever looks
 * for another record goes on past this one. Since no record is free any more, every
 * search passes all of them, and finds this one wherever the hash of its new names
 * would have it.
 *
 * No function here takes a lock, logs or allocates, but for svb_records_open().
 * All are safe in any thread of any process, in any phase after it.
 */
#ifndef SVB_MEMORY_RECORDS_H
#define SVB_MEMORY_RECORDS_H

#include <stdatomic.h>
#include <stdint.h>

#include <apr_pools.h>
#include <apr_time.h>

#include "memory/client.h"
#include "memory/names.h"

/** How many nodes the region holds, all fleets together. */
#define SVB_RECORDS_MAX 2048

/** How many members of a node have a slot of their own. */
#define SVB_RECORDS_MEMBERS 8

/** What is counted for each node since the start (or the last reset). */
typedef enum svb_counter {
    SVB_CTR_ELECTED,          /**< new clients given to the node */
    SVB_CTR_STICKY,           /**< requests of clients that it already had */
    SVB_CTR_LAUNCHES,         /**< GET requests for a Smart Client's JNLP */
    SVB_CTR_FAILED_OVER_FROM, /**< requests meant for it that went elsewhere */
    SVB_CTR_FAILED_OVER_TO,   /**< requests meant for another that it got */
    SVB_CTR_MAINTENANCE_HITS, /**< new clients that it refused in maintenance */
    SVB_CTR_ERRORS,           /**< attempts that failed: no answer came of it */
    SVB_COUNTERS
} svb_counter;

/**
 * What an election compares of a node, four nodes to a cache line. It follows from
 * other words and is changed right after them: who is killed in between leaves it
 * behind them, until svb_records_mend() and svb_records_doubt() the next second. Whoever
 * has won by it is to be looked at more closely.
 */
typedef struct svb_brief {
    _Atomic apr_uint64_t clients; /**< svb_brief_clients() */
    _Atomic apr_uint64_t turn; /**< svb_brief_turn(), svb_brief_is_in_doubt() */
} svb_brief;

#define SVB_BRIEF_CLIENTS 0x7ffffffu

/** @return svb_records_clients_all() */
static inline unsigned svb_brief_clients(const svb_brief *brief)
{
    return (unsigned)atomic_load_explicit(&brief->clients, memory_order_relaxed)
           & SVB_BRIEF_CLIENTS;
}

/** @return svb_records_last_turn() */
static inline apr_uint64_t svb_brief_turn(const svb_brief *brief)
{
    return atomic_load_explicit(&brief->turn, memory_order_relaxed) >> 1;
}

/** @return what was said with svb_records_doubt() */
static inline int svb_brief_is_in_doubt(const svb_brief *brief)
{
    return (int)(atomic_load_explicit(&brief->turn, memory_order_relaxed) & 1);
}

/** Process-local handle on the region. */
typedef struct svb_records svb_records;

/** @return bytes of shared memory that the region takes */
apr_size_t svb_records_size(void);

/**
 * Make a handle on the region.
 * @param records the new handle, from p
 * @param mem     svb_records_size() bytes, 64-byte aligned, all zero when new
 * @param p       pool of the handle; mem must outlive it
 */
apr_status_t svb_records_open(svb_records **records, void *mem, apr_pool_t *p);

/** This process is of that generation, and so are the children that it will have; 0
 *  until then. In post_config, before another thread uses the handle. */
void svb_records_begin(svb_records *records, unsigned generation);

/**
 * The record of a node, added when there is none. The caller's generation names it.
 * @param name  the fleet's name, at most SVB_NAME_MAX bytes
 * @param route the node's route, likewise; not empty
 * @return its index, or -1: a name is too long or empty, or the region is full
 */
int svb_records_add(svb_records *records, const char *name, const char *route);

/** Like svb_records_add(), but -1 when the node has no record yet. */
int svb_records_keep(svb_records *records, const char *name, const char *route);

/** Likewise, but for a look: the record may be used again all the same. */
int svb_records_find(svb_records *records, const char *name, const char *route);

/**
 * Give the record of another node to this one, which has none, when there is no free
 * one. All nodes of the configuration that have one must have been kept before. In
 * post_config, in the parent.
 * @param oldest the oldest generation of which there are processes, this one included
 * @param held   SVB_RECORDS_MAX bytes, not 0 for nodes with clients or requests
 * @return its index, or -1: a name is too long or empty, or there is none that may go
 */
int svb_records_reuse(svb_records *records, const char *name, const char *route,
                      unsigned oldest, const unsigned char *held);

/** The node's fleet and route, in shared memory; they do not change as long as there
 *  is a process of a generation that names it. */
const char *svb_records_name(svb_records *records, int node);
const char *svb_records_route(svb_records *records, int node);

/** Add 1 to a counter of the node. */
void svb_records_count(svb_records *records, int node, svb_counter counter);

/** @return the counter's value */
apr_uint64_t svb_records_counter(svb_records *records, int node,
                                 svb_counter counter);

/** Set a counter: to zero, or to what it was before the server was stopped. */
void svb_records_set_counter(svb_records *records, int node,
                             svb_counter counter, apr_uint64_t value);

/** @return whether the record is one of a node, for walks over all records from
 *          0 to SVB_RECORDS_MAX - 1 */
int svb_records_used(svb_records *records, int node);

/**
 * The slot of a member in its node's record: claimed where it has none yet, and the
 * same in all processes and generations.
 * @param key a hash of the member's name, not 0
 * @return from 0 to SVB_RECORDS_MEMBERS - 1, or -1: all are taken
 */
int svb_records_slot(svb_records *records, int node, apr_uint64_t key);

/** Give the slots back that no key of these has: members that are gone. In
 *  post_config, in the parent. @param mask of the slots to keep */
void svb_records_keep_slots(svb_records *records, int node, unsigned mask);

/**
 * Words about a node of which only those who set them know the meaning; all are
 * 0 at first.
 */
typedef enum svb_word {
    SVB_WORD_MARK,       /**< how far it is ahead of its pace (rate) */
    SVB_WORD_UP_SINCE,   /**< when it last came up; 0: it was never down */
    SVB_WORD_CONNECTION, /**< what those who connect have met (condition) */
    SVB_WORD_SERVICE,    /**< what new clients have met (condition) */
    SVB_WORD_ADMIN,      /**< what the administrator has set (mod_admin) */
    SVB_WORD_HEARD,      /**< second of its last sign of life (condition) */
    SVB_WORD_BEGAN,      /**< second when a new client last began (condition) */
    SVB_WORD_WARNED,     /**< when it was last warned about (condition) */
    SVB_WORD_STATE,     /**< the state last noted, and since when (condition) */
    SVB_WORD_STATELESS, /**< number of its last stateless turn (mod_stateless) */
    SVB_WORD_CLOSES,  /**< how often its WebSockets were ended (mod_windows) */
    SVB_WORD_LOST,    /**< when it was last found to have lost its clients */
    SVB_WORD_SAID_AT, /**< number of SVB_WORD_ADMIN (share/mod_said) */
    SVB_WORD_FORGOT_AT, /**< likewise, when its clients were last forgotten */
    SVB_WORD_CLOSED_AT, /**< likewise, when its windows were last closed */
    SVB_WORD_BEFORE,    /**< the state before the one noted (mod_census) */
    SVB_WORD_HAD,       /**< clients that it had when that began (mod_census) */
    SVB_WORD_LOST_NOW,  /**< clients that it lost just now (mod_clients) */
    SVB_WORD_IDLE, /**< of its clients (memory/survey), likewise the next two */
    SVB_WORD_HELD,
    SVB_WORD_LAST_UNTIL,
    SVB_WORD_EMPTY_SINCE, /**< it is safe to stop since then (mod_census) */
    SVB_WORD_OTHER_AT, /**< when a session in another route began; 0: in its own */
    SVB_WORDS
} svb_word;

/** Longest text about a node, without the NUL; what is longer is cut off. */
#define SVB_RECORDS_TEXT 119

/** Texts about a node. */
typedef enum svb_text {
    SVB_TEXT_SAID,        /**< who has set its word of an administrator */
    SVB_TEXT_OTHER_ROUTE, /**< in which sessions of it ended: SVB_WORD_OTHER_AT */
    SVB_TEXTS
} svb_text;

/**
 * Note a text. Two who do so at once may leave none, as a process does that is killed
 * here.
 */
void svb_records_note(svb_records *records, int node, svb_text which,
                      const char *text);

/** @param text filled in: what was noted last, or "" */
void svb_records_noted(svb_records *records, int node, svb_text which,
                       char text[SVB_RECORDS_TEXT + 1]);

/** Note who has set the node's word of an administrator. */
static inline void svb_records_say(svb_records *records, int node,
                                   const char *text)
{
    svb_records_note(records, node, SVB_TEXT_SAID, text);
}

/** @param text filled in: who has, or "" */
static inline void svb_records_said(svb_records *records, int node,
                                    char text[SVB_RECORDS_TEXT + 1])
{
    svb_records_noted(records, node, SVB_TEXT_SAID, text);
}

/** @return a word of the node */
apr_uint64_t svb_records_get(svb_records *records, int node, svb_word word);

/** Set a word. @return what it was before */
apr_uint64_t svb_records_set(svb_records *records, int node, svb_word word,
                             apr_uint64_t value);

/**
 * Set a word, unless it is not any more what it was when looked at.
 * @return whether it was set: of several who try, one succeeds
 */
int svb_records_swap(svb_records *records, int node, svb_word word,
                     apr_uint64_t seen, apr_uint64_t value);

/**
 * How many elections the node's fleet has had: its clock. Nodes of one fleet, in
 * whatever balancers, have one.
 */
apr_uint64_t svb_records_elections(svb_records *records, int node);

/** What is counted for a whole fleet, since the start; some of it by nodes, too. */
typedef enum svb_fleet_counter {
    SVB_FLEET_REFUSED, /**< requests that got 503 from us, and no node's answer */
    SVB_FLEET_MOVED,   /**< clients that another node than theirs took over */
    SVB_FLEET_COUNTERS
} svb_fleet_counter;

/** @return the fleet's number, from 0 to SVB_RECORDS_MAX - 1, the same in all processes;
 *          given where it has none yet */
int svb_records_fleet(svb_records *records, const char *name);

/** @return that of the node's fleet */
int svb_records_fleet_of(svb_records *records, int node);

/** Add 1 to a counter of a fleet. @param fleet from svb_records_fleet() */
void svb_records_fleet_count(svb_records *records, int fleet,
                             svb_fleet_counter counter);

/** @return the counter's value */
apr_uint64_t svb_records_fleet_counter(svb_records *records, int fleet,
                                       svb_fleet_counter counter);

/** Set a counter to what it was before the server was stopped. */
void svb_records_set_fleet_counter(svb_records *records, int fleet,
                                   svb_fleet_counter counter,
                                   apr_uint64_t value);

/**
 * The node was elected: one more election of its fleet, whose number is its turn.
 * @return how many there had been before; no two elections get the same number
 */
apr_uint64_t svb_records_elected(svb_records *records, int node);

/** @return number of the node's last turn, in its fleet, 0 for none: less is
 *          longer ago */
apr_uint64_t svb_records_last_turn(svb_records *records, int node);

/** @return what elections compare, by index of the node */
const svb_brief *svb_records_briefs(const svb_records *records);

/** Is there, perhaps, something to be said against giving the node a new client? */
void svb_records_doubt(svb_records *records, int node, int is_in_doubt);

/** Put the brief's count right where somebody has died; every second or so. While
 *  others change it, it may be wrong by what they were about to, until the next time. */
void svb_records_mend(svb_records *records, int node);

/**
 * The node's epoch: a 16-bit number that changes when the node goes down. What
 * was learned of its clients in another epoch is void.
 */
unsigned svb_records_epoch(svb_records *records, int node);

/** The node went down: a new epoch begins, in which it has no clients. */
void svb_records_next_epoch(svb_records *records, int node);

/**
 * Add to the count of the node's clients.
 * @param epoch the epoch of the clients; the call does nothing when it is not
 *              the node's present one
 * @param delta how many more, or, below zero, fewer; a count stops at zero
 */
void svb_records_clients_add(svb_records *records, int node, unsigned epoch,
                             svb_kind kind, int delta);

/** @return a mark of the count as it is now, to correct it by later */
apr_uint64_t svb_records_clients_mark(svb_records *records, int node,
                                      svb_kind kind);

/**
 * Correct the count of the node's clients by one taken by looking at them all.
 * Does nothing where the difference may come from what others have added since
 * the mark, or where a new epoch has begun: a count that many processes keep is
 * not to be made wrong by one that took a while.
 * @param mark  taken with svb_records_clients_mark() before looking
 * @param own   by how much the caller itself has changed the count since, the
 *              sizes of all its deltas together
 * @param count the clients that were found
 */
void svb_records_clients_correct(svb_records *records, int node, svb_kind kind,
                                 apr_uint64_t mark, unsigned own,
                                 unsigned count);

/** @return the count of the node's clients of this kind */
unsigned svb_records_clients(svb_records *records, int node, svb_kind kind);

/** @return the count of the node's clients of all kinds but remembered ones */
unsigned svb_records_clients_all(svb_records *records, int node);

#endif /* SVB_MEMORY_RECORDS_H */
