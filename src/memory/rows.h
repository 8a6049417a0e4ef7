/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Requests in flight, in shared memory: a row for each child process, in which it
 * counts its requests on each node and keeps the ids of their clients. The row of
 * a dead child is cleared as a whole; nothing has to be decremented on behalf of
 * the dead.
 *
 * No function here takes a lock, logs or allocates, but for svb_rows_open().
 * All are safe in any thread of any process, in any phase after it.
 */
#ifndef SVB_MEMORY_ROWS_H
#define SVB_MEMORY_ROWS_H

#include <apr_pools.h>
#include <apr_time.h>

/** How many child processes count their requests in flight one by one. */
#define SVB_ROWS_MAX 1024

/** Process-local handle on the rows. */
typedef struct svb_rows svb_rows;

/** @return bytes of shared memory that the rows take */
apr_size_t svb_rows_size(void);

/**
 * Make a handle on the rows.
 * @param rows the new handle, from p
 * @param mem  svb_rows_size() bytes, 64-byte aligned, all zero when new
 * @param p    pool of the handle; mem must outlive it
 */
apr_status_t svb_rows_open(svb_rows **rows, void *mem, apr_pool_t *p);

/** How many requests a child can hold at a time. */
#define SVB_ROWS_HELD 1024

/** Is the process alive? Processes are numbers above zero, no two of which are ever
 *  the same (memory/process.h). */
typedef int svb_rows_alive_fn(apr_int64_t process);

/**
 * Claim a row to count this child's requests in flight in.
 * @param process the child
 * @param alive   asked about the owners of rows that are taken
 * @return the row; 0 is the row shared by those for whom none was left, and
 *         is not cleared when one of them dies
 */
int svb_rows_claim(svb_rows *rows, apr_int64_t process,
                   svb_rows_alive_fn *alive);

/** Give the row back, cleared; a child calls it when it ends in good order. */
void svb_rows_free(svb_rows *rows, int row, apr_int64_t process);

/**
 * Clear and free the rows of dead processes.
 * @param process the calling one, whose own row is left alone
 */
void svb_rows_sweep(svb_rows *rows, apr_int64_t process,
                    svb_rows_alive_fn *alive);

/** A request of this row's child enters (leaves) the node. */
void svb_rows_enter(svb_rows *rows, int row, int node);
void svb_rows_leave(svb_rows *rows, int row, int node);

/** A request in flight, or an open WebSocket, of a client. */
typedef struct svb_held {
    apr_uint64_t id;  /**< the client's in the table, not 0 */
    int node;         /**< where it is served */
    int is_window;    /**< it is a WebSocket that its client lives by */
    apr_time_t since; /**< when it began, in whole milliseconds */
} svb_held;

/**
 * Note that a request is in flight. As long as the child lives and does not release
 * it, svb_rows_held() tells of it.
 * @return its place in the row, or -1 when none is free
 */
int svb_rows_hold(svb_rows *rows, int row, const svb_held *held);

/** Give a place back; -1 is allowed. */
void svb_rows_release(svb_rows *rows, int row, int place);

/** Call for each request that is held; rows of the dead are to be swept before. */
typedef void svb_rows_held_fn(void *baton, const svb_held *held);
void svb_rows_held(svb_rows *rows, svb_rows_held_fn *fn, void *baton);

/** @return requests in flight at the node, summed over all rows */
unsigned svb_rows_in_flight(svb_rows *rows, int node);

#endif /* SVB_MEMORY_ROWS_H */
