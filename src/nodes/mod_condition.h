/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a node can do now: by what mod_proxy knows of the members that lead to it,
 * what an administrator has said, and what was seen of the node (condition.h).
 * The one place where that is concluded: election, failover, launches and second
 * chances ask here about a member; what is shown and noted (svb_condition_sum) is
 * about a node with all its members.
 *
 * Everything is read from memory that others write meanwhile. Nothing is changed but
 * where it is said. No function takes a lock; the balancer's
 * thread mutex (mod_proxy's own), which is held in an lbmethod, may be held or not.
 */
#ifndef SVB_NODES_MOD_CONDITION_H
#define SVB_NODES_MOD_CONDITION_H

#include "nodes/mod_members.h"
#include "nodes/state.h"

/** Find mod_proxy's optional functions; in post_config, in the parent. */
void svb_condition_start(void);

/* --------------------------------------------------------- of one member */

/** May this worker serve: is it neither in error nor taken out? Any thread. */
int svb_condition_can_serve(const proxy_worker *worker);

/**
 * May it serve, after one whose retry time has come was given its chance? May
 * end the worker's error, in all processes; in a request's thread.
 */
int svb_condition_can_serve_now(proxy_worker *worker, request_rec *r);

/**
 * Before a member is chosen elsewhere than in mod_proxy_balancer's own handling,
 * which does the same: when all members are in error, they are given another
 * chance before their retry time, unless forcerecovery=Off says otherwise. Ends
 * the members' errors, in all processes; in a request's thread.
 * @return whether it has, although nothing says that any of them is there
 */
int svb_condition_recover(svb_balancer *balancer, request_rec *r);

/** Does the member's node answer those who ask whether it is there? Any thread. */
int svb_condition_answers(const svb_member *member);

/** Is the member's node in maintenance: has an administrator put it there, or
 *  has it refused a new client of late? Any thread. */
int svb_condition_in_maintenance(const svb_member *member);

/** May the member take a new client now: usable, not draining, not full, and
 *  its node neither in maintenance nor found dead? Any thread. */
int svb_condition_may_take_new(const svb_member *member);

/** The same, but for having refused a new client, or not answering: better than
 *  nobody. Any thread. */
int svb_condition_may_be_tried(const svb_member *member);

/**
 * Since when the member's node, which can serve, has been up: for its slow start.
 * Any thread.
 * @param member one with a node
 * @param now    the answer when it was down when last noted, and comes up just now
 * @return a time of day, or 0: it was never down
 */
apr_time_t svb_condition_up_since(const svb_member *member, apr_time_t now);

/* ----------------------------------------------------------- of one node */

/** What the members of a node come to: begin with all zero but for the node. */
typedef struct svb_condition_sum {
    int node;       /**< in svb_records, or -1: nothing is known but members */
    int members;    /**< how many were added */
    svb_state best; /**< of the members, as mod_proxy has them */
    int maxclients; /**< 0: no limit */
    apr_interval_time_t slow_start;
} svb_condition_sum;

/** Add a member of the node. Any thread. */
void svb_condition_add(svb_condition_sum *sum, const svb_balancer *balancer,
                       const svb_member *member);

/** @return the state to note, once all members were added: what they and those
 *          who ask the node say. Any thread */
svb_state svb_condition_seen(const svb_condition_sum *sum);

/** @return the state to show: the same, with what mod_proxy does not know of
 *          (maintenance, full, slow start). Any thread */
svb_state svb_condition_state(const svb_condition_sum *sum, apr_time_t now);

/** Does the node, in this state, take no new clients and have none? Any thread. */
int svb_condition_is_safe_to_stop(int node, svb_state state);

/**
 * Something says that the node is gone, and its clients with it: they are
 * forgotten, unless one of its members, in any balancer of the fleet, can still
 * serve. Any thread; a few atomic operations on shared memory.
 */
void svb_condition_forget_unless_served(const svb_fleet *fleet, int node);

#endif /* SVB_NODES_MOD_CONDITION_H */
