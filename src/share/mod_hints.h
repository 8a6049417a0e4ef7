/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What front ends tell each other of nodes (share/hints.h): noticed and heard in the thread
 * that makes rounds with the store, asked about in another one, which may wait for nodes.
 *
 * Takes no lock.
 */
#ifndef SVB_SHARE_MOD_HINTS_H
#define SVB_SHARE_MOD_HINTS_H

#include "config/mod_model.h"
#include "share/mod_sharing.h"
#include "share/told.h"

/** Begin; in post_config. */
void svb_hints_start(const svb_model *model);

/** Tell others of nodes that are not what they were when this was last called. */
void svb_hints_notice(apr_time_t now);

/** Another front end has told of a node. */
void svb_hints_hear(const svb_told_batch *batch, const svb_record *record);

/** Ask the nodes of which others have told. From a watchdog of its own, since it waits for
 *  answers. @param p for the duration of the call */
void svb_hints_ask(const svb_model *model, apr_pool_t *p);

#endif /* SVB_SHARE_MOD_HINTS_H */
