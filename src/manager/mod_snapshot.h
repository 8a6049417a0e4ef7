/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * How things stand: the states of nodes as mod_proxy's members have them, and
 * the snapshot that the manager's writers show.
 *
 * A node is in the best state that any of its members is in. Everything is read
 * without locks from memory that others write meanwhile, so that a snapshot is
 * a set of true numbers, if not all of the very same instant.
 */
#ifndef SVB_MANAGER_MOD_SNAPSHOT_H
#define SVB_MANAGER_MOD_SNAPSHOT_H

#include "config/mod_model.h"
#include "manager/snapshot.h"

/**
 * Copy everything that can be shown, and note the nodes' states, so that the
 * time of each change is known; the watchdog does it for that every second.
 * @param p       pool of the snapshot
 * @param model   the configuration
 * @param server  name to show for the server
 * @param actions may the page change anything
 */
svb_snapshot *svb_snapshot_take(apr_pool_t *p, const svb_model *model,
                                const char *server, int actions);

#endif /* SVB_MANAGER_MOD_SNAPSHOT_H */
