/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "report/mod_snapshot.h"

#include <apr_strings.h>

#include "memory/clients.h"
#include "memory/events.h"
#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "memory/history.h"
#include "memory/moves.h"
#include "memory/rows.h"
#include "nodes/condition.h"
#include "nodes/mod_admin.h"
#include "nodes/mod_condition.h"
#include "nodes/mod_members.h"
#include "nodes/probe.h"
#include "share/mod_sharing.h"

/* How many of the last events are shown. */
#define EVENTS_SHOWN 50

/* A node under construction. */
typedef struct {
    svb_snap_node *snap;
    svb_condition_sum sum; /* of its members */
} node_view;

/* What is known of the member itself: its connection, as seen by us and by
 * mod_proxy. */
static void fill_reach(apr_pool_t *p, svb_snap_member *member,
                       const svb_member *m)
{
    svb_seen seen = {.level = SVB_LEVEL_ANSWERS};
    svb_reach reach = SVB_REACH_OK;
    int is_used = svb_condition_can_serve(m->worker);

    if (m->node >= 0 && m->slot >= 0) {
        svb_condition_see(svb_segments_records(), m->node,
                          svb_members_of_node(m->node), &seen);
        reach = seen.members[m->slot];
    }
    member->up = is_used && svb_condition_is_up(reach);
    member->reason =
        reach != SVB_REACH_OK ? apr_psprintf(
            p, "%s %s", svb_condition_reach_text(reach), m->worker->s->name_ex)
        : is_used
            ? "answers"
            : apr_psprintf(p, "not used by mod_proxy: %s", member->status);
}

static void add_member(apr_pool_t *p, node_view *view,
                       const svb_balancer *balancer, const svb_member *m)
{
    proxy_worker *worker = m->worker;
    svb_snap_member *member = svb_snap_node_add_member(p, view->snap);
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
    fill_reach(p, member, m);
    svb_condition_add(&view->sum, balancer, m);
}

static node_view *new_node(apr_pool_t *p, svb_snap_fleet *fleet,
                           const svb_member *m)
{
    node_view *view = apr_pcalloc(p, sizeof(*view));

    view->sum.node = m->node;
    view->snap = svb_snap_fleet_add_node(p, fleet, m->worker->s->route);
    view->snap->url = m->facts.url;
    view->snap->group = m->facts.group;
    view->snap->host = m->worker->s->hostname_ex;
    view->snap->maxclients = (apr_uint64_t)m->facts.maxclients;
    view->snap->loadfactor = m->worker->s->lbfactor / 100.0;
    return view;
}

/* Where its clients went. */
static void fill_moved(apr_pool_t *p, svb_snap_node *snap, int node)
{
    svb_records *records = svb_segments_records();
    svb_move moves[SVB_MOVES_MAX];
    int n = svb_moves_of(svb_segments_moves(), node, moves);

    for (int i = 0; i < n; i++) {
        APR_ARRAY_PUSH(snap->moved, svb_snap_move) = (svb_snap_move){
            moves[i].to < 0
                ? ""
                : apr_pstrdup(p, svb_records_route(records, moves[i].to)),
            moves[i].clients};
    }
}

/* How it was before. */
static void fill_past(apr_pool_t *p, svb_snap_node *snap, int node,
                      apr_time_t now)
{
    svb_records *records = svb_segments_records();
    unsigned *hour = apr_palloc(p, SVB_HISTORY_HOUR * sizeof(*hour));
    apr_uint64_t before = svb_records_get(records, node, SVB_WORD_BEFORE);

    int noted = svb_condition_noted(records, node);

    if (noted == (int)snap->state || noted < 0) {
        snap->before = before ? (svb_state)(before - 1) : SVB_STATES;
        snap->had = svb_records_get(records, node, SVB_WORD_HAD);
    }
    else { /* is about to be noted */
        snap->before = (svb_state)noted;
        snap->had = svb_records_get(records, node, SVB_WORD_LOST_NOW);
        snap->had = snap->had ? snap->had : svb_clients_load(node);
    }
    snap->hour_n =
        svb_history_hour(svb_segments_history(), records, node, now, hour);
    snap->hour = hour;
    snap->recent_errors =
        svb_history_errors(svb_segments_history(), records, node, now);
    fill_moved(p, snap, node);
}

/* Whether its clients are about to go. */
static void fill_survey(svb_snap_node *snap, int node)
{
    svb_records *records = svb_segments_records();

    snap->idle = svb_records_get(records, node, SVB_WORD_IDLE);
    snap->held = svb_records_get(records, node, SVB_WORD_HELD);
    if (!snap->held && svb_clients_load(node) > 0) {
        snap->empty_by =
            (apr_time_t)svb_records_get(records, node, SVB_WORD_LAST_UNTIL);
    }
    if (snap->safe_to_stop) {
        snap->empty_since =
            (apr_time_t)svb_records_get(records, node, SVB_WORD_EMPTY_SINCE);
    }
}

static void fill_other_route(apr_pool_t *p, svb_snap_node *snap, int node)
{
    svb_records *records = svb_segments_records();
    char text[SVB_RECORDS_TEXT + 1];

    snap->other_route_at =
        (apr_time_t)svb_records_get(records, node, SVB_WORD_OTHER_AT);
    if (snap->other_route_at) {
        svb_records_noted(records, node, SVB_TEXT_OTHER_ROUTE, text);
        snap->other_route = apr_pstrdup(p, text);
    }
}

static void fill_shared(apr_pool_t *p, const node_view *view, apr_time_t now)
{
    char said[SVB_RECORDS_TEXT + 1];
    svb_records *records = svb_segments_records();
    svb_snap_node *snap = view->snap;
    int node = view->sum.node;

    snap->safe_to_stop = svb_condition_is_safe_to_stop(node, snap->state);
    snap->last_change = svb_condition_since(records, node);
    snap->in_flight = svb_rows_in_flight(svb_segments_rows(), node);
    snap->web = svb_clients_web(node);
    snap->smart = svb_records_clients(records, node, SVB_KIND_SMART);
    snap->windowed = svb_clients_windowed(node);
    fill_past(p, snap, node, now);
    fill_survey(snap, node);
    fill_other_route(p, snap, node);
    if (svb_admin_has_word(node)) {
        svb_records_said(records, node, said);
        snap->said = apr_pstrdup(p, said);
    }
    for (int i = 0; i < SVB_COUNTERS; i++) {
        snap->counters[i] = svb_records_counter(records, node, i);
    }
}

static int are_up(const apr_array_header_t *members)
{
    for (int i = 0; i < members->nelts; i++) {
        if (!APR_ARRAY_IDX(members, i, svb_snap_member *)->up) {
            return 0;
        }
    }
    return 1;
}

static void fill_condition(apr_pool_t *p, const node_view *view, apr_time_t now)
{
    svb_snap_node *snap = view->snap;
    svb_condition c = svb_condition_of_node(&view->sum, now);

    snap->state = c.state;
    snap->up = c.serves && are_up(snap->members);
    snap->reason = svb_condition_reason(p, &view->sum, &c);
    snap->until = c.until;
}

/* The members of one balancer, put to the nodes they are connections to. A
 * member without a route is a node of its own, of which nothing is counted. */
static void add_members(apr_pool_t *p, svb_snap_fleet *fleet,
                        svb_balancer *balancer, apr_hash_t *by_route,
                        apr_array_header_t *views)
{
    const svb_members *members = svb_members_refresh(balancer);

    svb_snap_fleet_add_balancer(fleet, balancer->name);
    for (int i = 0; i < members->n; i++) {
        const svb_member *m = &members->all[i];
        node_view *view = apr_hash_get(by_route, m->route, APR_HASH_KEY_STRING);

        if (!view || !*m->route) {
            view = new_node(p, fleet, m);
            APR_ARRAY_PUSH(views, node_view *) = view;
            apr_hash_set(by_route, m->route, APR_HASH_KEY_STRING, view);
        }
        add_member(p, view, balancer, m);
    }
}

/* What the fleet has counted, and lately. */
static void fill_recent(svb_snapshot *snap, svb_snap_fleet *fleet)
{
    svb_records *records = svb_segments_records();
    int number = svb_records_fleet(records, fleet->name);
    svb_history_recent recent = svb_history_recent_of(
        svb_segments_history(), records, number, snap->time);

    fleet->refused =
        svb_records_fleet_counter(records, number, SVB_FLEET_REFUSED);
    snap->refused += fleet->refused;
    fleet->recent = (svb_snap_recent){.refused = recent.refused,
                                      .new_per_min = recent.begun,
                                      .new_hour_ago = recent.begun_before,
                                      .moved = recent.moved};
}

static void add_fleet(apr_pool_t *p, svb_snapshot *snap, const svb_fleet *conf)
{
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(p, snap, conf->name);
    apr_hash_t *by_route = apr_hash_make(p);
    apr_array_header_t *views = apr_array_make(p, 8, sizeof(node_view *));

    for (int i = 0; i < conf->balancers->nelts; i++) {
        if (!svb_model_repeats(conf->balancers, i)) {
            add_members(p, fleet,
                        APR_ARRAY_IDX(conf->balancers, i, svb_balancer *),
                        by_route, views);
        }
    }
    for (int i = 0; i < views->nelts; i++) {
        node_view *view = APR_ARRAY_IDX(views, i, node_view *);

        fill_condition(p, view, snap->time);
        if (view->sum.node >= 0) {
            fill_shared(p, view, snap->time);
        }
    }
    fill_recent(snap, fleet);
}

static const char *kind_of(svb_event_kind kind)
{
    return kind == SVB_EVENT_STATE    ? "state"
           : kind == SVB_EVENT_ACTION ? "action"
                                      : "server";
}

static const char *state_of(int state)
{
    return state < 0 ? "" : svb_state_name((svb_state)state);
}

static void add_events(apr_pool_t *p, svb_snapshot *snap)
{
    svb_event *latest = apr_palloc(p, EVENTS_SHOWN * sizeof(*latest));
    int n = svb_events_latest(svb_segments_events(), latest, EVENTS_SHOWN);

    for (int i = 0; i < n; i++) {
        svb_snap_event *event = apr_array_push(snap->events);

        event->time = latest[i].time;
        event->kind = kind_of(latest[i].kind);
        event->fleet = latest[i].fleet;
        event->node = latest[i].route;
        event->from = state_of(latest[i].from);
        event->to = state_of(latest[i].to);
        event->reason = latest[i].reason;
    }
    for (int i = 0; i < SVB_STATES; i++) {
        snap->state_events[i] = svb_events_to_state(svb_segments_events(), i);
    }
}

/* ------------------------------------------------------------------- front ends */

static void add_self(svb_snapshot *snap, const svb_sharing_words *words)
{
    svb_snap_front *front = apr_array_push(snap->fronts);

    *front = (svb_snap_front){.name = svb_store_get()->front_end,
                              .self = 1,
                              .version = MOD_SERVOY_BALANCER_VERSION,
                              .state = "here",
                              .seen = snap->time,
                              .clients = snap->table.clients,
                              .elections_per_s = words->expect.own / 1000.0};
}

static void add_front(apr_pool_t *p, svb_snapshot *snap, const svb_front *other)
{
    static const char *const states[] = {[SVB_FRONT_GONE] = "gone",
                                         [SVB_FRONT_LAGGING] = "lagging",
                                         [SVB_FRONT_HERE] = "here",
                                         [SVB_FRONT_INCOMPATIBLE] =
                                             "incompatible"};
    svb_snap_front *front = apr_array_push(snap->fronts);

    *front = (svb_snap_front){
        .name = apr_pstrdup(p, other->name),
        .version = apr_pstrdup(p, other->version),
        .state = states[svb_sharing_of_front(other)],
        .seen = other->beat ? svb_sharing_local(other->beat) : 0,
        .lag_ms = other->lag,
        .clients = other->clients,
        .elections_per_s = other->elections / 1000.0,
        .rejected = other->rejected};
}

static void fill_store(apr_pool_t *p, svb_snapshot *snap)
{
    const svb_sharing_words *words = svb_sharing();

    if (!words) {
        return;
    }
    snap->store = (svb_snap_store){
        .url = svb_store_get()->url,
        .state = words->link == SVB_LINK_CONNECTED ? "connected" : "lost",
        .since = words->since,
        .known = words->good,
        .round_trip = words->round_trip,
        .unsent = words->unsent,
        .walks = words->walks,
        .gaps = words->gaps,
        .failures = words->failures,
        .sent = words->sent,
        .received = words->received,
        .rejected = words->rejected};
    add_self(snap, words);
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        if (words->fronts[i].used) {
            add_front(p, snap, &words->fronts[i]);
        }
    }
}

svb_snapshot *svb_snapshot_take(apr_pool_t *p, const svb_model *model,
                                const char *server, int actions)
{
    svb_snapshot *snap = svb_snapshot_make(p);

    snap->module = "mod_servoy_balancer/" MOD_SERVOY_BALANCER_VERSION;
    snap->server = server;
    snap->time = apr_time_now();
    snap->started = svb_segments_shared()->started;
    snap->actions = actions;
    snap->table.capacity = svb_clients_capacity(svb_segments_clients());
    snap->table.clients = svb_clients_count(svb_segments_clients());
    snap->table.evicted = svb_clients_evicted(svb_segments_clients());
    snap->table.evicted_at = svb_clients_evictions(svb_segments_clients())->at;
    snap->table.bytes = svb_clients_bytes(svb_segments_clients());
    add_events(p, snap);
    snap->front_end = svb_store_get()->front_end;
    fill_store(p, snap);
    for (int i = 0; i < model->fleets->nelts; i++) {
        add_fleet(p, snap, APR_ARRAY_IDX(model->fleets, i, svb_fleet *));
    }
    return snap;
}

void svb_snapshot_add_week(apr_pool_t *p, svb_snapshot *snap)
{
    svb_records *records = svb_segments_records();

    snap->history = SVB_SNAP_OF_WEEK;
    for (int i = 0; i < snap->fleets->nelts; i++) {
        svb_snap_fleet *fleet =
            APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *);

        for (int j = 0; j < fleet->nodes->nelts; j++) {
            svb_snap_node *node =
                APR_ARRAY_IDX(fleet->nodes, j, svb_snap_node *);
            int number = svb_records_find(records, fleet->name, node->route);

            if (number >= 0) {
                unsigned *week =
                    apr_palloc(p, SVB_HISTORY_WEEK * sizeof(*week));

                node->week_n = svb_history_week(svb_segments_history(), records,
                                                number, snap->time, week);
                node->week = week;
            }
        }
    }
}

_Static_assert(SVB_SNAP_HOUR == SVB_HISTORY_HOUR
                   && SVB_SNAP_WEEK == SVB_HISTORY_WEEK
                   && SVB_SNAP_RECENT
                          == SVB_HISTORY_LATELY * SVB_HISTORY_HOUR_STEP,
               "what is kept is what is shown");
