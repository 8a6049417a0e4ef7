/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a node can do now: by what mod_proxy knows of the member that leads to it,
 * what an administrator has said, and what was seen of the node (condition.h).
 * Election, failover, launches and second chances ask here.
 *
 * Nothing here takes a lock of ours. Called in a request's thread; where the
 * balancer's thread mutex is held, as it is in an lbmethod, that is no matter.
 */
#ifndef SVB_NODES_MOD_CONDITION_H
#define SVB_NODES_MOD_CONDITION_H

#include "nodes/mod_members.h"

/** Find mod_proxy's optional functions; in post_config. */
void svb_condition_start(void);

/** May this worker serve: is it neither in error nor taken out? */
int svb_condition_can_serve(const proxy_worker *worker);

/** May it take new clients as well, as far as mod_proxy knows? */
int svb_condition_takes_new(const proxy_worker *worker);

/** May it serve, after one whose retry time has come was given its chance? */
int svb_condition_can_serve_now(proxy_worker *worker, request_rec *r);

/** Does the member's node hold as many clients as it may (maxclients=)? */
int svb_condition_is_full(const svb_member *member);

/** Does the member's node answer those who ask whether it is there? */
int svb_condition_answers(const svb_member *member);

/** Is the member's node in maintenance: has an administrator put it there, or
 *  has it refused a new client of late? */
int svb_condition_in_maintenance(const svb_member *member);

/** May the member take a new client now: usable, not draining, not full, and
 *  its node neither in maintenance nor found dead? */
int svb_condition_may_take_new(const svb_member *member);

/** The same, but for having refused a new client, or not answering: better than
 *  nobody. */
int svb_condition_may_be_tried(const svb_member *member);

#endif /* SVB_NODES_MOD_CONDITION_H */
