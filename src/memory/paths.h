/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The paths at which clients have begun sessions of late, in shared memory: a few
 * for each fleet, as hashes. What fails at such a path is a client that could not
 * begin; what fails at any other may be anything.
 *
 * Only what a node has answered with a new session is noted, so nobody can crowd out
 * the others by making up paths. Two paths may meet in one place: the later stays.
 *
 * No locks, no allocation but for svb_paths_open(); any thread of any process, in any
 * phase after it.
 */
#ifndef SVB_MEMORY_PATHS_H
#define SVB_MEMORY_PATHS_H

#include <apr_pools.h>
#include <apr_time.h>

/** How many places there are, for all fleets together. */
#define SVB_PATHS_MAX 1024

/** Process-local handle. */
typedef struct svb_paths svb_paths;

/** @return bytes of shared memory that they take */
apr_size_t svb_paths_size(void);

/**
 * Make a handle.
 * @param paths the new handle, from p
 * @param mem   svb_paths_size() bytes, 64-byte aligned, all zero when new
 * @param p     pool of the handle; mem must outlive it
 */
apr_status_t svb_paths_open(svb_paths **paths, void *mem, apr_pool_t *p);

/**
 * A client has begun a session.
 * @param salt the fleet's number
 * @param path as the node sees it, without parameters and query
 * @param len  its length
 */
void svb_paths_note(svb_paths *paths, apr_uint64_t salt, const char *path,
                    apr_size_t len, apr_time_t now);

/** Has one begun there within this time? */
int svb_paths_knows(svb_paths *paths, apr_uint64_t salt, const char *path,
                    apr_size_t len, apr_interval_time_t within, apr_time_t now);

#endif /* SVB_MEMORY_PATHS_H */
