/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The members of a balancer, indexed by route: which member, which node record
 * in shared memory, what is known about the node.
 *
 * Every process has its own index of each balancer. It is made in post_config
 * and inherited; when members come or routes change at run time (mod_proxy's
 * balancer-manager), the process that notices makes a new one and publishes it
 * with one pointer swap. The old one stays for those who still read it: this
 * happens at an administrator's pace, and costs some kilobytes each time.
 *
 * mod_proxy's own array of members is read here alone, once the server runs:
 * while it adds a member, there are places in it with nothing behind them, or
 * with half a member. Such a one is not in the index, which is made anew when it
 * is there as a whole.
 *
 * An index is checked when it is used: a route is compared with the member's,
 * so that a stale index is a cost, never a wrong answer.
 *
 * No function takes a lock, mod_proxy's included. All but svb_members_init() may
 * be called in any thread, in any phase after it. What they return stays valid
 * as long as the process.
 */
#ifndef SVB_NODES_MOD_MEMBERS_H
#define SVB_NODES_MOD_MEMBERS_H

#include "config/mod_model.h"
#include "memory/records.h"

/** What the name of a node without a route begins with, in its record: no route
 *  has it. */
#define SVB_MEMBERS_NO_ROUTE ';'

/** A member, and the node behind it. */
typedef struct svb_member {
    proxy_worker *worker;
    const char *route; /**< as it was when the index was made; "" for none */
    int node;          /**< index in svb_records, or -1: there is no room */
    int slot;          /**< in the node's record, or -1 */
    int url_slot;      /**< of its direct URL, where that is asked; or -1 */
    svb_facts facts;
} svb_member;

/** What an election looks at of a member that has a node. */
typedef struct svb_stand {
    const proxy_worker_shared *shared;
    const svb_member *member;
    int node;
    int maxclients; /**< INT_MAX for any number */
} svb_stand;

typedef struct svb_members {
    int n;
    svb_member *all;      /**< in mod_proxy's order */
    apr_hash_t *by_route; /**< route -> svb_member *, the first of its route */
    const svb_member **by_node; /**< the first of each node, or NULL */
    svb_stand *stands;          /**< in the same order */
    int n_stands;
    int from_start; /**< how many places there were at the start */
} svb_members;

/**
 * Make the first index; in post_config, after svb_segments_attach().
 * @param p pool of the index, to live as long as the balancer
 */
void svb_members_init(apr_pool_t *p, svb_balancer *balancer);

/** Before and after the first indexes are made, in post_config, in the parent: nodes
 *  that are gone may lose their records to others, and members their slots. Nodes
 *  without room are told of. @param p to last until the end */
void svb_members_begin(apr_pool_t *p, const svb_model *model);
void svb_members_end(const svb_model *model);

/** @return mask of the slots of the node's members, as condition.h has it */
unsigned svb_members_of_node(int node);

/** @return the index as it is now; a new one when members were added */
const svb_members *svb_members_get(svb_balancer *balancer);

/** @return the same, but a new one as well when any route has changed */
const svb_members *svb_members_refresh(svb_balancer *balancer);

/** @return the member with this route now, or NULL */
const svb_member *svb_members_by_route(const svb_members *members,
                                       const char *route, apr_size_t len);

/** @return the member that leads to this node, or NULL */
const svb_member *svb_members_by_node(const svb_members *members, int node);

/** @return the member of this worker, or NULL: it came after the index */
const svb_member *svb_members_by_worker(const svb_members *members,
                                        const proxy_worker *worker);

/** @return a member's loadfactor as it is now, times 100, above zero */
unsigned svb_members_hundredths(const proxy_worker_shared *shared);

/** @return the same, as a number */
double svb_members_weight(const svb_member *member);

#endif /* SVB_NODES_MOD_MEMBERS_H */
