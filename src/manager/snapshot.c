/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "manager/snapshot.h"

#include <string.h>

/* Indexed by svb_state. "error" is the only bad one: disabled and stopped were
 * somebody's decision, and a page that cries for those hides the real ones. */
static const svb_state_info states[SVB_STATES] = {
    [SVB_STATE_READY] = {"ready", "ready", SVB_SEVERITY_OK, 1, 1,
                         "Serves its clients and takes new ones."},
    [SVB_STATE_SLOWSTART] = {"slowstart", "starting slowly", SVB_SEVERITY_BUSY,
                             1, 1,
                             "Came up lately: its share of new clients grows "
                             "to the full one."},
    [SVB_STATE_DRAINING] = {"draining", "draining", SVB_SEVERITY_BUSY, 1, 0,
                            "Serves the clients it has and takes no new ones, "
                            "until it is enabled."},
    [SVB_STATE_MAINTENANCE] = {"maintenance", "in maintenance",
                               SVB_SEVERITY_WARN, 1, 0,
                               "Serves the clients it has and refuses new "
                               "ones: maintenance mode."},
    [SVB_STATE_FULL] = {"full", "full", SVB_SEVERITY_WARN, 1, 0,
                        "Holds as many clients as it may: takes no new ones."},
    [SVB_STATE_STANDBY] = {"standby", "on standby", SVB_SEVERITY_BUSY, 1, 0,
                           "Hot standby: takes new clients only when no "
                           "other node can."},
    [SVB_STATE_SPARE] = {"spare", "spare", SVB_SEVERITY_BUSY, 1, 0,
                         "Hot spare: steps in for a node that cannot serve."},
    [SVB_STATE_ERROR] = {"error", "in error", SVB_SEVERITY_BAD, 0, 0,
                         "Cannot be reached or failed its health check: "
                         "serves nobody."},
    [SVB_STATE_DISABLED] = {"disabled", "disabled", SVB_SEVERITY_WARN, 0, 0,
                            "Disabled by an administrator: serves nobody."},
    [SVB_STATE_STOPPED] = {"stopped", "stopped", SVB_SEVERITY_WARN, 0, 0,
                           "Stopped by an administrator: serves nobody."},
};

static const char *const severities[SVB_SEVERITIES] = {
    [SVB_SEVERITY_OK] = "ok",
    [SVB_SEVERITY_BUSY] = "busy",
    [SVB_SEVERITY_WARN] = "warn",
    [SVB_SEVERITY_BAD] = "bad",
};

svb_snapshot *svb_snapshot_make(apr_pool_t *p)
{
    svb_snapshot *snap = apr_pcalloc(p, sizeof(*snap));

    snap->module = snap->server = snap->nonce = "";
    snap->fleets = apr_array_make(p, 1, sizeof(svb_snap_fleet *));
    return snap;
}

svb_snap_fleet *svb_snapshot_add_fleet(apr_pool_t *p, svb_snapshot *snap,
                                       const char *name)
{
    svb_snap_fleet *fleet = apr_pcalloc(p, sizeof(*fleet));

    fleet->name = name;
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
    node->members = apr_array_make(p, 2, sizeof(svb_snap_member *));
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
    int i;

    for (i = 0; i < snap->fleets->nelts; i++) {
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
    int i;

    for (i = 0; i < fleet->nodes->nelts; i++) {
        svb_snap_node *node = APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *);
        if (same(node->route, route)) {
            return node;
        }
    }
    return NULL;
}

void svb_snap_fleet_totals(const svb_snap_fleet *fleet, svb_snap_totals *totals)
{
    int i;

    memset(totals, 0, sizeof(*totals));
    for (i = 0; i < fleet->nodes->nelts; i++) {
        const svb_snap_node *node =
            APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *);
        const svb_state_info *info = svb_state_describe(node->state);

        totals->nodes++;
        totals->in_state[info - states]++;
        totals->serving += info->can_serve;
        totals->takes_new += info->takes_new;
        totals->web += node->web;
        totals->smart += node->smart;
        totals->in_flight += node->in_flight;
    }
    if (totals->takes_new == 0) {
        totals->takes_new = totals->in_state[SVB_STATE_STANDBY]
                            + totals->in_state[SVB_STATE_SPARE];
    }
}

svb_state svb_state_best(svb_state a, svb_state b)
{
    return a < b ? a : b;
}

const svb_state_info *svb_state_describe(svb_state state)
{
    if ((unsigned int)state >= SVB_STATES) {
        state = SVB_STATE_ERROR;
    }
    return &states[state];
}

const char *svb_state_name(svb_state state)
{
    return svb_state_describe(state)->name;
}

const char *svb_state_severity_name(svb_severity severity)
{
    if ((unsigned int)severity >= SVB_SEVERITIES) {
        severity = SVB_SEVERITY_BAD;
    }
    return severities[severity];
}
