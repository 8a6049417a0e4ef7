/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * How things stand: what mod_proxy, the shared memory and nodes/ say, put into
 * the snapshot that the manager's writers show.
 *
 * To take one is to look: nothing changes by it, however often it is done. When
 * a node's state has changed, and what follows from that, is noted by nodes/
 * (mod_census). Everything is read without locks from memory that others write
 * meanwhile, so that a snapshot is a set of true numbers, if not all of the very
 * same instant.
 */
#ifndef SVB_REPORT_MOD_SNAPSHOT_H
#define SVB_REPORT_MOD_SNAPSHOT_H

#include "config/mod_model.h"
#include "report/snapshot.h"

/**
 * Copy everything that can be shown. In any thread, after post_config; takes no
 * lock.
 * @param p       pool of the snapshot
 * @param model   the configuration
 * @param server  name to show for the server
 * @param actions may the page change anything
 */
svb_snapshot *svb_snapshot_take(apr_pool_t *p, const svb_model *model,
                                const char *server, int actions);

/** Add the nodes' history of a week, which is large and asked for by few. */
void svb_snapshot_add_week(apr_pool_t *p, svb_snapshot *snap);

#endif /* SVB_REPORT_MOD_SNAPSHOT_H */
