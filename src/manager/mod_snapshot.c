/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "manager/mod_snapshot.h"

#include <apr_strings.h>

#include "memory/clients.h"
#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "memory/rows.h"
#include "nodes/condition.h"
#include "nodes/mod_admin.h"
#include "nodes/mod_members.h"
#include "nodes/probe.h"

/* In this order: what an administrator has set counts before what happened. */
static svb_state state_of(const proxy_worker *worker)
{
    static const struct {
        unsigned bits;
        svb_state state;
    } states[] = {
        {PROXY_WORKER_STOPPED, SVB_STATE_STOPPED},
        {PROXY_WORKER_DISABLED, SVB_STATE_DISABLED},
        {PROXY_WORKER_IN_ERROR | PROXY_WORKER_HC_FAIL
             | PROXY_WORKER_IN_SHUTDOWN,
         SVB_STATE_ERROR},
        {PROXY_WORKER_DRAIN, SVB_STATE_DRAINING},
        {PROXY_WORKER_HOT_STANDBY, SVB_STATE_STANDBY},
        {PROXY_WORKER_HOT_SPARE, SVB_STATE_SPARE},
    };
    unsigned status = worker->s->status;
    apr_size_t i;

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (status & states[i].bits) {
            return states[i].state;
        }
    }
    return SVB_STATE_READY;
}

/* A node under construction. */
typedef struct {
    svb_snap_node *snap;
    int index; /* in svb_records, or -1 */
    apr_interval_time_t slow_start;
} node_view;

static void add_member(apr_pool_t *p, node_view *view,
                       const svb_balancer *balancer, proxy_worker *worker)
{
    svb_snap_member *member = svb_snap_node_add_member(p, view->snap);
    svb_state state = state_of(worker);
    char *status = ap_proxy_parse_wstatus(p, worker);
    apr_size_t len = strlen(status);

    while (len && status[len - 1] == ' ') {
        status[--len] = '\0';
    }
    member->balancer = balancer->name;
    member->worker = ap_proxy_worker_name(p, worker);
    member->status = status;
    member->busy = worker->s->busy;
    member->lbset = worker->s->lbset;
    view->snap->bytes_to += (apr_uint64_t)worker->s->transferred;
    view->snap->bytes_from += (apr_uint64_t)worker->s->read;
    view->snap->state = view->snap->members->nelts == 1
                            ? state
                            : svb_state_best(view->snap->state, state);
}

static node_view *new_node(apr_pool_t *p, svb_snap_fleet *fleet,
                           const svb_member *m)
{
    node_view *view = apr_pcalloc(p, sizeof(*view));

    view->index = m->node;
    view->snap = svb_snap_fleet_add_node(p, fleet, m->worker->s->route);
    view->snap->url = m->facts.url;
    view->snap->group = m->facts.group;
    view->snap->maxclients = (apr_uint64_t)m->facts.maxclients;
    view->snap->loadfactor = m->worker->s->lbfactor / 100.0;
    return view;
}

/* A node that comes back begins its slow start. */
static void note_state(int node, svb_state state, apr_time_t now)
{
    svb_records *fleet = svb_segments_records();
    int before = svb_condition_note(fleet, node, (int)state, now);

    if (before >= 0 && !svb_state_describe((svb_state)before)->can_serve
        && svb_state_describe(state)->can_serve) {
        svb_records_set(fleet, node, SVB_WORD_UP_SINCE, (apr_uint64_t)(now));
    }
}

/* What mod_proxy does not know of: only a node that is ready otherwise can be
 * starting slowly, or be full. */
static svb_state refined(const node_view *view, apr_time_t now)
{
    const svb_snap_node *snap = view->snap;
    apr_time_t up_since = (apr_time_t)svb_records_get(
        svb_segments_records(), view->index, SVB_WORD_UP_SINCE);

    if (snap->state != SVB_STATE_READY) {
        return snap->state;
    }
    if (svb_admin_in_maintenance(view->index)
        || svb_condition_maintenance(svb_segments_records(), view->index)) {
        return SVB_STATE_MAINTENANCE;
    }
    if (snap->maxclients && svb_clients_load(view->index) >= snap->maxclients) {
        return SVB_STATE_FULL;
    }
    return up_since && now < up_since + view->slow_start ? SVB_STATE_SLOWSTART
                                                         : SVB_STATE_READY;
}

static int is_safe_to_stop(const node_view *view)
{
    switch (view->snap->state) {
    case SVB_STATE_DRAINING:
    case SVB_STATE_MAINTENANCE:
    case SVB_STATE_ERROR:
    case SVB_STATE_DISABLED:
    case SVB_STATE_STOPPED:
        return svb_clients_load(view->index) == 0;
    default:
        return 0;
    }
}

static void fill_shared(node_view *view, apr_time_t now)
{
    svb_records *fleet = svb_segments_records();
    svb_snap_node *snap = view->snap;
    int node = view->index, i;
    svb_reach reach = svb_condition_reach(fleet, node);

    /* One that is down has no clients any more, whoever notices it first. Of those
     * that do not answer, nodes/mod_probe knows who may still have some. */
    if (snap->state == SVB_STATE_ERROR) {
        svb_clients_node_down(node);
    }
    if (reach != SVB_REACH_OK) {
        snap->no_answer = svb_probe_reach_text(reach);
        if (svb_state_describe(snap->state)->can_serve) {
            snap->state = SVB_STATE_ERROR;
        }
    }
    note_state(node, snap->state, now);
    snap->state = refined(view, now);
    snap->safe_to_stop = is_safe_to_stop(view);
    snap->last_change = svb_condition_since(fleet, node);
    snap->in_flight = svb_rows_in_flight(svb_segments_rows(), node);
    snap->web = svb_clients_web(node);
    snap->smart = svb_records_clients(fleet, node, SVB_KIND_SMART);
    for (i = 0; i < SVB_COUNTERS; i++) {
        snap->counters[i] = svb_records_counter(fleet, node, i);
    }
}

/* The members of one balancer, put to the nodes they are connections to. A
 * member without a route is a node of its own, of which nothing is counted. */
static void add_members(apr_pool_t *p, svb_snap_fleet *fleet,
                        svb_balancer *balancer, apr_hash_t *by_route,
                        apr_array_header_t *views)
{
    const svb_members *members = svb_members_refresh(balancer);
    int i;

    svb_snap_fleet_add_balancer(fleet, balancer->name);
    for (i = 0; i < members->n; i++) {
        const svb_member *m = &members->all[i];
        node_view *view = apr_hash_get(by_route, m->route, APR_HASH_KEY_STRING);

        if (!view || !*m->route) {
            view = new_node(p, fleet, m);
            APR_ARRAY_PUSH(views, node_view *) = view;
            apr_hash_set(by_route, m->route, APR_HASH_KEY_STRING, view);
        }
        add_member(p, view, balancer, m->worker);
        if (view->slow_start < balancer->set.slow_start) {
            view->slow_start = balancer->set.slow_start;
        }
    }
}

static void add_fleet(apr_pool_t *p, svb_snapshot *snap, const svb_fleet *conf)
{
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(p, snap, conf->name);
    apr_hash_t *by_route = apr_hash_make(p);
    apr_array_header_t *views = apr_array_make(p, 8, sizeof(node_view *));
    int i;

    for (i = 0; i < conf->balancers->nelts; i++) {
        if (!svb_model_repeats(conf->balancers, i)) {
            add_members(p, fleet,
                        APR_ARRAY_IDX(conf->balancers, i, svb_balancer *),
                        by_route, views);
        }
    }
    for (i = 0; i < views->nelts; i++) {
        node_view *view = APR_ARRAY_IDX(views, i, node_view *);

        if (view->index >= 0) {
            fill_shared(view, snap->time);
        }
    }
}

svb_snapshot *svb_snapshot_take(apr_pool_t *p, const svb_model *model,
                                const char *server, int actions)
{
    svb_snapshot *snap = svb_snapshot_make(p);
    int i;

    snap->module = "mod_servoy_balancer/" MOD_SERVOY_BALANCER_VERSION;
    snap->server = server;
    snap->time = apr_time_now();
    snap->started = svb_segments_shared()->started;
    snap->nonce = actions ? svb_segments_shared()->nonce : "";
    snap->actions = actions;
    snap->table.capacity = svb_clients_capacity(svb_segments_clients());
    snap->table.clients = svb_clients_count(svb_segments_clients());
    snap->table.evicted = svb_clients_evicted(svb_segments_clients());
    snap->table.evicted_at = svb_clients_evicted_at();
    snap->table.bytes = svb_clients_bytes(svb_segments_clients());
    for (i = 0; i < model->fleets->nelts; i++) {
        add_fleet(p, snap, APR_ARRAY_IDX(model->fleets, i, svb_fleet *));
    }
    return snap;
}
