/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "report/snapshot.h"

#include <string.h>

#include <apr_strings.h>

svb_snapshot *svb_snapshot_make(apr_pool_t *p)
{
    svb_snapshot *snap = apr_pcalloc(p, sizeof(*snap));

    snap->p = p;
    snap->module = snap->server = snap->nonce = "";
    snap->whole = snap;
    snap->fleets = apr_array_make(p, 1, sizeof(svb_snap_fleet *));
    snap->store.state = "off";
    snap->fronts = apr_array_make(p, 4, sizeof(svb_snap_front));
    snap->events = apr_array_make(p, 16, sizeof(svb_snap_event));
    return snap;
}

svb_snap_fleet *svb_snapshot_add_fleet(apr_pool_t *p, svb_snapshot *snap,
                                       const char *name)
{
    svb_snap_fleet *fleet = apr_pcalloc(p, sizeof(*fleet));

    fleet->name = name;
    fleet->recent.new_hour_ago = -1;
    fleet->balancers = apr_array_make(p, 2, sizeof(const char *));
    fleet->nodes = apr_array_make(p, 8, sizeof(svb_snap_node *));
    APR_ARRAY_PUSH(snap->fleets, svb_snap_fleet *) = fleet;
    return fleet;
}

void svb_snap_fleet_add_balancer(svb_snap_fleet *fleet, const char *balancer)
{
    APR_ARRAY_PUSH(fleet->balancers, const char *) = balancer;
}

svb_snap_node *svb_snap_fleet_add_node(apr_pool_t *p, svb_snap_fleet *fleet,
                                       const char *route)
{
    svb_snap_node *node = apr_pcalloc(p, sizeof(*node));

    node->route = route;
    node->loadfactor = 1.0;
    node->before = SVB_STATES;
    node->members = apr_array_make(p, 2, sizeof(svb_snap_member *));
    node->moved = apr_array_make(p, 2, sizeof(svb_snap_move));
    node->host = node->said = node->other_route = "";
    APR_ARRAY_PUSH(fleet->nodes, svb_snap_node *) = node;
    return node;
}

svb_snap_member *svb_snap_node_add_member(apr_pool_t *p, svb_snap_node *node)
{
    svb_snap_member *member = apr_pcalloc(p, sizeof(*member));

    member->balancer = member->worker = member->status = "";
    APR_ARRAY_PUSH(node->members, svb_snap_member *) = member;
    return member;
}

static int same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

svb_snap_fleet *svb_snapshot_fleet(const svb_snapshot *snap, const char *name)
{
    for (int i = 0; i < snap->fleets->nelts; i++) {
        svb_snap_fleet *fleet =
            APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *);
        if (same(fleet->name, name)) {
            return fleet;
        }
    }
    return NULL;
}

svb_snap_node *svb_snap_fleet_node(const svb_snap_fleet *fleet,
                                   const char *route)
{
    for (int i = 0; i < fleet->nodes->nelts; i++) {
        svb_snap_node *node = APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *);
        if (same(node->route, route)) {
            return node;
        }
    }
    return NULL;
}

/* The fleet with one of its nodes alone, or NULL. */
static svb_snap_fleet *with_node(apr_pool_t *p, const svb_snap_fleet *fleet,
                                 const char *route)
{
    svb_snap_node *node = *route ? svb_snap_fleet_node(fleet, route) : NULL;
    svb_snap_fleet *part;

    if (!node) {
        return NULL;
    }
    part = apr_pmemdup(p, fleet, sizeof(*fleet));
    part->nodes = apr_array_make(p, 1, sizeof(svb_snap_node *));
    APR_ARRAY_PUSH(part->nodes, svb_snap_node *) = node;
    return part;
}

static int is_nobodys(const char *name)
{
    return !name || !*name;
}

static int is_asked_for(const char *name, const char *asked)
{
    return !asked || is_nobodys(name) || strcmp(name, asked) == 0;
}

static void add_events(svb_snapshot *part, const apr_array_header_t *events,
                       const char *node)
{
    for (int i = 0; i < events->nelts; i++) {
        const svb_snap_event *event = &APR_ARRAY_IDX(events, i, svb_snap_event);

        if (is_asked_for(event->node, node)
            && (is_nobodys(event->fleet)
                || svb_snapshot_fleet(part, event->fleet))) {
            APR_ARRAY_PUSH(part->events, svb_snap_event) = *event;
        }
    }
}

svb_snapshot *svb_snapshot_part(apr_pool_t *p, const svb_snapshot *snap,
                                const char *fleet, const char *node)
{
    svb_snapshot *part = apr_pmemdup(p, snap, sizeof(*snap));

    part->fleets = apr_array_make(p, 1, sizeof(svb_snap_fleet *));
    part->events = apr_array_make(p, 16, sizeof(svb_snap_event));
    for (int i = 0; i < snap->fleets->nelts; i++) {
        svb_snap_fleet *one = APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *);

        if (!fleet || same(one->name, fleet)) {
            one = node ? with_node(p, one, node) : one;
            if (one) {
                APR_ARRAY_PUSH(part->fleets, svb_snap_fleet *) = one;
            }
        }
    }
    add_events(part, snap->events, node);
    return part->fleets->nelts > 0 ? part : NULL;
}

void svb_snap_fleet_totals(const svb_snap_fleet *fleet, svb_snap_totals *totals)
{
    memset(totals, 0, sizeof(*totals));
    for (int i = 0; i < fleet->nodes->nelts; i++) {
        const svb_snap_node *node =
            APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *);
        const svb_state_info *info = svb_state_describe(node->state);

        totals->nodes++;
        totals->in_state[node->state]++;
        totals->serving += info->can_serve;
        totals->takes_new += info->takes_new;
        totals->web += node->web;
        totals->windowed += node->windowed;
        totals->smart += node->smart;
        totals->in_flight += node->in_flight;
    }
    if (totals->takes_new == 0) {
        totals->takes_new = totals->in_state[SVB_STATE_STANDBY]
                            + totals->in_state[SVB_STATE_SPARE];
    }
}
