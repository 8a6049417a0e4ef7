/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The periodic work, done about once a second by one process of the server:
 * noting when nodes change their state (nodes/mod_census.h), keeping the clients of
 * requests in flight alive, sweeping the client table, clearing up after dead
 * children. Two things that have to wait for others are done in threads of their
 * own, perhaps of other processes: probing nodes (nodes/mod_probe.h), and looking
 * up their names (nodes/mod_addresses.h).
 *
 * When that process is killed, another takes over after some ten seconds, so
 * nothing that has to be prompt may depend on this alone.
 */
#ifndef SVB_MOD_WATCHDOG_H
#define SVB_MOD_WATCHDOG_H

#include "config/mod_model.h"

/**
 * Start the periodic work. In the second pass of post_config, before
 * mod_watchdog's own (which is APR_HOOK_LAST).
 */
apr_status_t svb_watchdog_start(apr_pool_t *pconf, const svb_model *model);

#endif /* SVB_MOD_WATCHDOG_H */
