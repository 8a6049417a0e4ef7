/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The nodes of all fleets, in shared memory.
 *
 * A node is one Servoy Application Server, identified by (fleet, route). Its
 * record is found by open addressing on a 64-bit key made of both names, is
 * never moved and never given to another node while the server runs, so that
 * its index is its identity in every process and every generation.
 *
 * Rules that keep the region whole, whoever dies at whatever instruction:
 *
 *  - A record is claimed by one compare-and-swap of its key. Two processes that
 *    add the same node at once therefore get the same record, and a process
 *    killed right after the swap leaves a record that the next one completes:
 *    the names are written by whoever finds them missing, always to the same
 *    bytes.
 *  - Everything else in a record is a word that is changed by one atomic
 *    operation. No word says something about another one, except that a count
 *    of clients carries the epoch it belongs to, so that it is void the moment
 *    the epoch grows.
 *  - Requests in flight are counted in rows, one for each child process, and so
 *    are the ids of their clients kept there. The row of a dead child is cleared
 *    as a whole; nothing has to be decremented on behalf of the dead.
 *
 * No function here takes a lock, logs or allocates, but for svb_records_open().
 * All are safe in any thread of any process, in any phase after it.
 */
#ifndef SVB_MEMORY_RECORDS_H
#define SVB_MEMORY_RECORDS_H

#include <stdint.h>

#include <apr_pools.h>
#include <apr_time.h>

/** Longest name of a fleet and longest route, without the NUL (mod_proxy's). */
#define SVB_NAME_MAX 63

/** How many nodes the region holds, all fleets together. */
#define SVB_RECORDS_MAX 2048

/** How many child processes count their requests in flight one by one. */
#define SVB_ROWS_MAX 1024

/** What is counted for each node since the start (or the last reset). */
enum svb_counter {
    SVB_CTR_ELECTED,          /**< new clients given to the node */
    SVB_CTR_STICKY,           /**< requests of clients that it already had */
    SVB_CTR_LAUNCHES,         /**< GET requests for a Smart Client's JNLP */
    SVB_CTR_FAILED_OVER_FROM, /**< requests meant for it that went elsewhere */
    SVB_CTR_FAILED_OVER_TO,   /**< requests meant for another that it got */
    SVB_CTR_MAINTENANCE_HITS, /**< new clients that it refused in maintenance */
    SVB_CTR_ERRORS,           /**< attempts that failed: no answer came of it */
    SVB_COUNTERS
};

/** What a client is. */
enum svb_kind {
    SVB_KIND_PENDING, /**< a new client whose first answer is not here yet */
    SVB_KIND_WEB,     /**< an HTTP session */
    SVB_KIND_SMART,   /**< a Smart Client, launched and never seen again */
    SVB_KIND_ASSUMED, /**< an HTTP session by the client's own account: no node
                         has told us of it */
    SVB_KINDS
};

/** Process-local handle on the region. */
typedef struct svb_records svb_records;

/** @return bytes of shared memory that the region takes */
apr_size_t svb_records_size(void);

/**
 * Make a handle on the region.
 * @param fleet the new handle, from p
 * @param mem   svb_records_size() bytes, 64-byte aligned, all zero when new
 * @param p     pool of the handle; mem must outlive it
 */
apr_status_t svb_records_open(svb_records **fleet, void *mem, apr_pool_t *p);

/**
 * The record of a node, added when there is none.
 * @param name  the fleet's name, at most SVB_NAME_MAX bytes
 * @param route the node's route, likewise; not empty
 * @return its index, or -1: a name is too long or empty, or the region is full
 */
int svb_records_add(svb_records *fleet, const char *name, const char *route);

/** Like svb_records_add(), but -1 when the node has no record yet. */
int svb_records_find(svb_records *fleet, const char *name, const char *route);

/** The node's fleet and route, in shared memory; they never change again. */
const char *svb_records_name(svb_records *fleet, int node);
const char *svb_records_route(svb_records *fleet, int node);

/** Add 1 to a counter of the node. */
void svb_records_count(svb_records *fleet, int node, enum svb_counter counter);

/** @return the counter's value */
apr_uint64_t svb_records_counter(svb_records *fleet, int node,
                                 enum svb_counter counter);

/** Set a counter: to zero, or to what it was before the server was stopped. */
void svb_records_set_counter(svb_records *fleet, int node,
                             enum svb_counter counter, apr_uint64_t value);

/** @return whether the record is one of a node, for walks over all records from
 *          0 to SVB_RECORDS_MAX - 1 */
int svb_records_used(svb_records *fleet, int node);

/**
 * What the administrator has set for the node: one word, of which only who sets
 * it knows the meaning; 0 is nothing.
 */
apr_uint64_t svb_records_admin(svb_records *fleet, int node);
void svb_records_set_admin(svb_records *fleet, int node, apr_uint64_t word);

/**
 * The node was elected: it takes the next turn, and its count of recent
 * elections grows by one. That count halves every half_life.
 * @param now       time of day
 * @param half_life in microseconds, above zero
 */
void svb_records_elected(svb_records *fleet, int node, apr_time_t now,
                         apr_interval_time_t half_life);

/** @return the decayed count of recent elections, at time now */
double svb_records_recent(svb_records *fleet, int node, apr_time_t now,
                          apr_interval_time_t half_life);

/** @return number of the node's last turn, 0 for none: less is longer ago */
apr_uint64_t svb_records_last_turn(svb_records *fleet, int node);

/**
 * Note the state in which a node was seen.
 * @param state any small number that means a state, less than 255
 * @return the state noted before, or -1 when this is the first; where the two
 *         differ, the caller is the one process that saw the change
 */
int svb_records_note_state(svb_records *fleet, int node, int state,
                           apr_time_t now);

/** @return the state noted last, or -1 for none */
int svb_records_state(svb_records *fleet, int node);

/** The node came up, after it had been down. */
void svb_records_set_up_since(svb_records *fleet, int node, apr_time_t when);

/** @return when the node last came up, 0 when it has not been down so far */
apr_time_t svb_records_up_since(svb_records *fleet, int node);

/** @return when the noted state last changed, 0 for never noted */
apr_time_t svb_records_last_change(svb_records *fleet, int node);

/**
 * Until when the node takes no new clients because it has refused one.
 * @return a time of day, perhaps past; 0 when it has not refused any since it
 *         last took one
 */
apr_time_t svb_records_maintenance(svb_records *fleet, int node);
void svb_records_set_maintenance(svb_records *fleet, int node,
                                 apr_time_t until);

/** What asking a node whether it is there has come to. */
enum svb_reach {
    SVB_REACH_UNKNOWN = -1, /**< nobody could ask; not noted, see below */
    SVB_REACH_OK,           /**< it answers, or nobody has asked */
    SVB_REACH_SILENT,       /**< it takes too long: hangs, or is cut off */
    SVB_REACH_REFUSED       /**< its machine says that it is not there */
};

/** @return the words for one that is not OK: "connection refused", "timed out" */
const char *svb_records_reach_text(enum svb_reach reach);

/** What was found last; one word, that only who asks the node writes. */
enum svb_reach svb_records_reach(svb_records *fleet, int node);

/** Note what was found. @param reach not SVB_REACH_UNKNOWN
 *  @return what had been found before */
enum svb_reach svb_records_set_reach(svb_records *fleet, int node,
                                     enum svb_reach reach);

/** The node has given a sign of life: an answer to a request, or to a probe. */
void svb_records_hear(svb_records *fleet, int node, apr_time_t now);

/** @return when the node last gave one, to the second, rounded down; 0: never */
apr_time_t svb_records_heard(svb_records *fleet, int node);

/**
 * A node has refused new clients and its time is up: one client may try it.
 * @param until how long the others are to wait meanwhile
 * @return whether the caller is the one
 */
int svb_records_claim_trial(svb_records *fleet, int node, apr_time_t now,
                            apr_time_t until);

/**
 * May a warning about the node be given? Once in a while, by one process.
 * @param every how long to be silent after one
 */
int svb_records_may_warn(svb_records *fleet, int node, apr_time_t now,
                         apr_interval_time_t every);

/**
 * The node's epoch: a 16-bit number that changes when the node goes down. What
 * was learned of its clients in another epoch is void.
 */
unsigned svb_records_epoch(svb_records *fleet, int node);

/** The node went down: a new epoch begins, in which it has no clients. */
void svb_records_next_epoch(svb_records *fleet, int node);

/**
 * Add to the count of the node's clients.
 * @param epoch the epoch of the clients; the call does nothing when it is not
 *              the node's present one
 * @param delta how many more, or, below zero, fewer; a count stops at zero
 */
void svb_records_clients_add(svb_records *fleet, int node, unsigned epoch,
                             enum svb_kind kind, int delta);

/** @return a mark of the count as it is now, to correct it by later */
apr_uint64_t svb_records_clients_mark(svb_records *fleet, int node,
                                      enum svb_kind kind);

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
void svb_records_clients_correct(svb_records *fleet, int node,
                                 enum svb_kind kind, apr_uint64_t mark,
                                 unsigned own, unsigned count);

/** @return the count of the node's clients of this kind */
unsigned svb_records_clients(svb_records *fleet, int node, enum svb_kind kind);

/** @return the count of the node's clients of all kinds */
unsigned svb_records_clients_all(svb_records *fleet, int node);

/** What an election looks at: the same as the functions for each would say. */
typedef struct svb_records_load {
    unsigned clients;       /**< svb_records_clients_all() */
    double recent;          /**< svb_records_recent() */
    apr_uint64_t last_turn; /**< svb_records_last_turn() */
    apr_time_t up_since;    /**< svb_records_up_since() */
} svb_records_load;

/**
 * Look at a node in one call, which reads one cache line.
 * @param load filled in
 */
void svb_records_look(svb_records *fleet, int node, apr_time_t now,
                      apr_interval_time_t half_life, svb_records_load *load);

/** How many ids of clients a child can hold at a time. */
#define SVB_ROWS_HELD 1024

/** Is the process alive? */
typedef int svb_rows_alive_fn(apr_int64_t pid);

/**
 * Claim a row to count this child's requests in flight in.
 * @param pid   the child's process id
 * @param alive asked about the owners of rows that are taken
 * @return the row; 0 is the row shared by those for whom none was left, and
 *         is not cleared when one of them dies
 */
int svb_rows_claim(svb_records *fleet, apr_int64_t pid,
                   svb_rows_alive_fn *alive);

/** Give the row back, cleared; a child calls it when it ends in good order. */
void svb_rows_free(svb_records *fleet, int row, apr_int64_t pid);

/**
 * Clear and free the rows of dead processes.
 * @param pid the calling process, whose own row is left alone
 */
void svb_rows_sweep(svb_records *fleet, apr_int64_t pid,
                    svb_rows_alive_fn *alive);

/** A request of this row's child enters (leaves) the node. */
void svb_rows_enter(svb_records *fleet, int row, int node);
void svb_rows_leave(svb_records *fleet, int row, int node);

/**
 * Note the id of a client that a request in flight is of. As long as the child
 * lives and does not release it, svb_rows_held() tells of it.
 * @param id not 0
 * @return its place in the row, or -1 when none is free
 */
int svb_rows_hold(svb_records *fleet, int row, apr_uint64_t id);

/** Give a place back; -1 is allowed. */
void svb_rows_release(svb_records *fleet, int row, int place);

/** Call for each id that is held; rows of the dead are to be swept before. */
typedef void svb_rows_held_fn(void *baton, apr_uint64_t id);
void svb_rows_held(svb_records *fleet, svb_rows_held_fn *fn, void *baton);

/** @return requests in flight at the node, summed over all rows */
unsigned svb_rows_in_flight(svb_records *fleet, int node);

#endif /* SVB_MEMORY_RECORDS_H */
