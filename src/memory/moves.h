/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Where the clients of a node went that could not serve them, in shared memory: how many
 * to which other node, since the node came to be in its present state.
 *
 * Of each node the first few destinations have a word of their own, the last word has
 * all others. A client counts once, though several of its requests may move at the same
 * time: those who have moved of late are remembered, by a hash, in one place each; where
 * two of them share it, one may count twice.
 *
 * Each word is changed by one atomic operation; a process that is killed in between
 * leaves a client that was not counted. No locks, no logging, no allocation but for
 * svb_moves_open(); any thread of any process, in any phase after it.
 */
#ifndef SVB_MEMORY_MOVES_H
#define SVB_MEMORY_MOVES_H

#include <apr_pools.h>
#include <apr_time.h>

/** How many destinations are told of, all others being one of them. */
#define SVB_MOVES_MAX 16

/** So many clients went there. */
typedef struct svb_move {
    int to; /**< node, or -1: several others */
    unsigned clients;
} svb_move;

/** Process-local handle. */
typedef struct svb_moves svb_moves;

/** @return bytes of shared memory that they take */
apr_size_t svb_moves_size(void);

/**
 * Make a handle.
 * @param moves the new handle, from p
 * @param mem   svb_moves_size() bytes, 64-byte aligned, all zero when new
 * @param p     pool of the handle; mem must outlive it
 */
apr_status_t svb_moves_open(svb_moves **moves, void *mem, apr_pool_t *p);

/**
 * A client of a node is at another one from now on.
 * @param client its id where it came from, not 0
 * @param now    time of day
 * @return whether it counts: not if the same was told of lately
 */
int svb_moves_add(svb_moves *moves, int from, int to, apr_uint64_t client,
                  apr_time_t now);

/**
 * The node is in another state.
 * @param is_down it cannot serve any more: who moved in the last seconds did so because
 *                of that, and is kept; else nobody is
 * @return how many are kept
 */
unsigned svb_moves_begin(svb_moves *moves, int node, int is_down,
                         apr_time_t now);

/**
 * Copy out where the clients of a node went, most first.
 * @return how many destinations there are
 */
int svb_moves_of(const svb_moves *moves, int node,
                 svb_move list[SVB_MOVES_MAX]);

#endif /* SVB_MEMORY_MOVES_H */
