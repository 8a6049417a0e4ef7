/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Several front ends act as one: each tells the others of its clients, by logs in a store
 * that all can reach, and puts what they tell into its own table. Requests look at the
 * table alone; none ever waits for the store.
 *
 *     mod_share     rounds: when, and what comes of the store's being away
 *     mod_fronts    heartbeats, the store's      front          who there is, in which
 *                   clock, logs                                 format we can talk
 *     mod_send      what this one tells          ring           who has changed
 *     mod_read      what others tell             told, missing  what they say, or have said
 *     mod_hints     ... of nodes                 hints          whether to ask a node
 *     mod_said      what administrators said     number         whose word is the later
 *     mod_sharing   what is remembered           expect         what others elect
 *     mod_notices   what the log is told         batch, notes, mac   all as bytes
 *
 * A round is one pipeline with one deadline, from one thread of one child, five to ten
 * times a second. While the store is away, rounds become rarer, nothing is lost but for
 * what a walk makes up for, and clients that others may have seen since do not end.
 */
#ifndef SVB_SHARE_MOD_SHARE_H
#define SVB_SHARE_MOD_SHARE_H

#include "config/mod_model.h"
#include "share/mod_sharing.h"

/** Begin to share, if the configuration says so; in post_config, in the parent, after
 *  svb_clients_start(). @return APR_SUCCESS, or why not; logged */
apr_status_t svb_share_start(apr_pool_t *pconf, const svb_model *model);

/** A round, if it is time. From the watchdog's one thread; waits no longer than the
 *  store's time-out. @param p for the duration of the call */
void svb_share_tick(const svb_model *model, apr_pool_t *p);

#endif /* SVB_SHARE_MOD_SHARE_H */
