/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a node can do now. What was seen of it is judged by condition.h; here it is
 * put together with what mod_proxy knows of its members and what an administrator
 * has said. Election, failover, launches, second chances, the page and the log ask
 * here, and nowhere else.
 *
 * Everything is read from memory that others write meanwhile. Nothing is changed but
 * where it is said. No function takes a lock; the balancer's thread mutex
 * (mod_proxy's own), which is held in an lbmethod, may be held or not.
 */
#ifndef SVB_NODES_MOD_CONDITION_H
#define SVB_NODES_MOD_CONDITION_H

#include "nodes/condition.h"
#include "nodes/mod_members.h"

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

/**
 * Since when the member's node, which can serve, has been up: for its slow start.
 * Any thread.
 * @param member one with a node
 * @param now    the answer when it was down when last noted, and comes up just now
 * @return a time of day, or 0: it was never down
 */
apr_time_t svb_condition_up_since(const svb_member *member, apr_time_t now);

/** The rules of a balancer. Any thread. */
svb_rules svb_condition_rules(const svb_balancer *balancer);

/**
 * What the node behind a member can do, as far as this member leads there: of its
 * other members it counts what was seen of them. Any thread.
 */
svb_condition svb_condition_of_member(const svb_balancer *balancer,
                                      const svb_member *member, apr_time_t now);

/**
 * Is it plain to see that the node behind a member is ready, as this member shows it? 0
 * also where svb_condition_of_member(), which costs more, would have to be asked. Any
 * thread. @param member one with a node
 */
int svb_condition_is_plain(const svb_balancer *balancer,
                           const svb_member *member);

/** Does the node behind a member take new clients, as svb_condition_of_member() has it?
 *  Quick where it is plain to see. Any thread. */
int svb_condition_takes_new(const svb_balancer *balancer,
                            const svb_member *member);

/** The bits of a member's status by which mod_proxy brings it in for others only. */
#define SVB_CONDITION_RESERVE                                                  \
    (PROXY_WORKER_HOT_STANDBY | PROXY_WORKER_HOT_SPARE)

/** Note in what elections compare (svb_brief) whether there is anything to be said
 *  against the node; every second or so. That there is, is noted at once. */
void svb_condition_brief(int node);

/** What the members of a node come to. Begin with all zero but for the node. Of
 *  balancers that differ the more patient rule holds. */
typedef struct svb_condition_sum {
    int node;       /**< in svb_records, or -1: nothing is known but members */
    int added;      /**< how many were added */
    svb_state word; /**< the best that was set for any */
    int members;    /**< how many were not taken out */
    int usable;     /**< how many of them mod_proxy would use */
    int maxclients; /**< 0: no limit */
    int url_slot;   /**< plus 1, or 0 */
    apr_interval_time_t slow_start;
    svb_rules rules;
    const char *names[SVB_CONDITION_MEMBERS]; /**< by slot, or NULL */
} svb_condition_sum;

/** Add a member of the node. Any thread. */
void svb_condition_add(svb_condition_sum *sum, const svb_balancer *balancer,
                       const svb_member *member);

/** Add those members of a balancer that are of the node. Any thread. */
void svb_condition_add_members(svb_condition_sum *sum, svb_balancer *balancer);

/** What the node can do, once all its members were added. Any thread. */
svb_condition svb_condition_of_node(const svb_condition_sum *sum,
                                    apr_time_t now);

/** Why, as a short sentence with its facts, from p. Any thread. */
const char *svb_condition_reason(apr_pool_t *p, const svb_condition_sum *sum,
                                 const svb_condition *c);

/** Does the node, in this state, take no new clients and have none? Never one that
 *  is down; none while it is not known what clients other front ends have. Any
 *  thread. */
int svb_condition_is_safe_to_stop(int node, svb_state state);

#endif /* SVB_NODES_MOD_CONDITION_H */
