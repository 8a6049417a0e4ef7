/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The shared memory of the server: one anonymous segment, made by the parent
 * at its first start and kept through every restart, so that children of all
 * generations, the ones that are ending included, work on the same state.
 *
 * The segment begins with a header that says what layout it has. A new version
 * of the module that is loaded by a graceful restart and lays things out
 * otherwise starts a segment of its own.
 */
#ifndef MOD_SVB_SHM_H
#define MOD_SVB_SHM_H

#include "mod_svb.h"
#include "svb_fleet.h"

/**
 * Make the segment, or find the one that is there. In post_config of the pass
 * that counts, in the parent.
 * @return APR_SUCCESS or why there is no memory; logged
 */
apr_status_t svb_shm_attach(apr_pool_t *pconf, server_rec *main_server);

/**
 * Claim this child's row for requests in flight; it is given back when pchild
 * is destroyed. In child_init.
 */
void svb_shm_child_init(apr_pool_t *pchild);

/** @return the nodes; valid from post_config on, in parent and children */
svb_fleet *svb_shm_fleet(void);

/** @return this child's row, for svb_fleet_enter() and svb_fleet_leave() */
int svb_shm_row(void);

/** @return when the segment was made: the start of the server */
apr_time_t svb_shm_started(void);

/** Free the rows of dead children; from the watchdog. */
void svb_shm_sweep(void);

#endif /* MOD_SVB_SHM_H */
