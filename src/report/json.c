/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "report/json.h"

#include "report/fields.h"
#include "report/verdict.h"

#define U64 "%" APR_UINT64_T_FMT

/* A literal with gaps, whose texts become JSON strings. */
#define put(s, ...) svb_sink_fill((s), svb_sink_json, __VA_ARGS__)

static void put_time(svb_sink *s, apr_time_t t)
{
    svb_sink_raw(s, "\"");
    if (t > 0) {
        svb_sink_time(s, t);
    }
    svb_sink_raw(s, "\"");
}

static void put_members(svb_sink *s, const apr_array_header_t *members)
{
    svb_sink_raw(s, "[");
    for (int i = 0; i < members->nelts; i++) {
        const svb_snap_member *member =
            APR_ARRAY_IDX(members, i, svb_snap_member *);

        if (i > 0) {
            svb_sink_raw(s, ", ");
        }
        put(s,
            "{\"balancer\": %s, \"worker\": %s, \"status\": %s, "
            "\"busy\": " U64 ", \"lbset\": %d, \"up\": ",
            member->balancer, member->worker, member->status, member->busy,
            member->lbset);
        svb_sink_either(s, member->up, "true", "false");
        put(s, ", \"reason\": %s}", member->reason);
    }
    svb_sink_raw(s, "]");
}

static void put_moved(svb_sink *s, const apr_array_header_t *moved)
{
    svb_sink_raw(s, "[");
    for (int i = 0; i < moved->nelts; i++) {
        const svb_snap_move *move = &APR_ARRAY_IDX(moved, i, svb_snap_move);

        if (i > 0) {
            svb_sink_raw(s, ", ");
        }
        put(s, "{\"to\": %s, \"clients\": " U64 "}", move->to, move->clients);
    }
    svb_sink_raw(s, "]");
}

/* A time that there need not be. */
static void put_until(svb_sink *s, apr_time_t t)
{
    if (t > 0) {
        put_time(s, t);
    }
    else {
        svb_sink_raw(s, "null");
    }
}

static void put_value(svb_sink *s, const svb_field *field,
                      const svb_snap_node *node)
{
    svb_value value = svb_fields_read(field, node);

    switch (field->kind) {
    case SVB_VALUE_TEXT:
        svb_sink_json(s, value.text);
        break;
    case SVB_VALUE_FRACTION:
        svb_sink_double(s, value.fraction);
        break;
    case SVB_VALUE_FLAG:
        svb_sink_either(s, value.flag, "true", "false");
        break;
    case SVB_VALUE_TIME:
        put_time(s, value.time);
        break;
    case SVB_VALUE_UNTIL:
        put_until(s, value.time);
        break;
    case SVB_VALUE_STATE:
        svb_sink_json(
            s, value.state == SVB_STATES ? "" : svb_state_name(value.state));
        break;
    case SVB_VALUE_MOVED:
        put_moved(s, value.moved);
        break;
    case SVB_VALUE_MEMBERS:
        put_members(s, value.members);
        break;
    case SVB_VALUE_GAUGE:
    case SVB_VALUE_COUNTER:
    case SVB_VALUE_BYTES:
        svb_sink_uint(s, value.number);
        break;
    }
}

static void put_history(svb_sink *s, apr_time_t step, const unsigned *clients,
                        int n)
{
    put(s, ", \"history\": {\"step_s\": " U64 ", \"clients\": [",
        (apr_uint64_t)apr_time_sec(step));
    for (int i = 0; i < n; i++) {
        if (i > 0) {
            svb_sink_raw(s, ", ");
        }
        svb_sink_uint(s, clients[i]);
    }
    svb_sink_raw(s, "]}");
}

static void put_node(svb_sink *s, const svb_snap_node *node,
                     svb_snap_history history)
{
    const char *object = NULL; /* the one that is open within the node's */
    int first = 1;

    svb_sink_raw(s, "{");
    for (const svb_field *f = svb_fields; f < svb_fields + SVB_FIELDS; f++) {
        if (!f->key) {
            continue;
        }
        if (object && !f->object) {
            svb_sink_raw(s, "}");
        }
        if (!first) {
            svb_sink_raw(s, ", ");
        }
        if (f->object && !object) {
            put(s, "%s: {", f->object);
        }
        put(s, "%s: ", f->key);
        put_value(s, f, node);
        object = f->object;
        first = 0;
    }
    if (history == SVB_SNAP_OF_HOUR) {
        put_history(s, SVB_SNAP_HOUR_STEP, node->hour, node->hour_n);
    }
    else if (history == SVB_SNAP_OF_WEEK) {
        put_history(s, SVB_SNAP_WEEK_STEP, node->week, node->week_n);
    }
    svb_sink_raw(s, "}");
}

static void put_recent(svb_sink *s, const svb_snap_recent *recent)
{
    put(s, "\"recent\": {\"refused\": " U64 ", \"new_per_min\": ",
        recent->refused);
    svb_sink_double(s, recent->new_per_min);
    svb_sink_raw(s, ", \"new_hour_ago\": ");
    if (recent->new_hour_ago < 0) {
        svb_sink_raw(s, "null");
    }
    else {
        svb_sink_double(s, recent->new_hour_ago);
    }
    put(s, ", \"moved\": " U64 "}", recent->moved);
}

static void put_fleet(svb_sink *s, const svb_snap_fleet *fleet,
                      svb_snap_history history)
{
    svb_snap_totals totals;

    svb_snap_fleet_totals(fleet, &totals);
    put(s, "{\"name\": %s,\n  \"balancers\": [", fleet->name);
    for (int i = 0; i < fleet->balancers->nelts; i++) {
        if (i > 0) {
            svb_sink_raw(s, ", ");
        }
        svb_sink_json(s, APR_ARRAY_IDX(fleet->balancers, i, const char *));
    }
    put(s,
        "],\n  \"clients\": {\"web\": " U64 ", \"smart\": " U64
        ", \"windowed\": " U64 "},\n"
        "  \"nodes\": [",
        totals.web, totals.smart, totals.windowed);
    for (int i = 0; i < fleet->nodes->nelts; i++) {
        if (i > 0) {
            svb_sink_raw(s, ",\n    ");
        }
        put_node(s, APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *), history);
    }
    put(s, "],\n  \"refused\": " U64 ", ", fleet->refused);
    put_recent(s, &fleet->recent);
    svb_sink_raw(s, "}");
}

static void put_events(svb_sink *s, const apr_array_header_t *events)
{
    svb_sink_raw(s, "[");
    for (int i = 0; i < events->nelts; i++) {
        const svb_snap_event *event = &APR_ARRAY_IDX(events, i, svb_snap_event);

        if (i > 0) {
            svb_sink_raw(s, ",\n  ");
        }
        svb_sink_raw(s, "{\"time\": ");
        put_time(s, event->time);
        put(s,
            ", \"kind\": %s, \"fleet\": %s, \"node\": %s, \"from\": %s, "
            "\"to\": %s, \"reason\": %s}",
            event->kind, event->fleet, event->node, event->from, event->to,
            event->reason);
    }
    svb_sink_raw(s, "]");
}

static void put_front(svb_sink *s, const svb_snap_front *front)
{
    put(s, "{\"name\": %s, \"self\": ", front->name);
    svb_sink_either(s, front->self, "true", "false");
    put(s, ", \"version\": %s, \"state\": %s, \"seen\": ", front->version,
        front->state);
    put_time(s, front->seen);
    put(s, ", \"lag_ms\": " U64 ", \"clients\": " U64 ", \"elections_per_s\": ",
        front->lag_ms, front->clients);
    svb_sink_double(s, front->elections_per_s);
    put(s, ", \"rejected\": " U64 "}", front->rejected);
}

static void put_store(svb_sink *s, const svb_snap_store *store)
{
    put(s, "{\"url\": %s, \"state\": %s, \"since\": ", store->url,
        store->state);
    put_time(s, store->since);
    svb_sink_raw(s, ", \"round_trip_ms\": ");
    svb_sink_double(s, (double)store->round_trip / 1000);
    put(s, ", \"unsent\": " U64 ", \"walks\": " U64 ", \"gaps\": " U64 "}",
        store->unsent, store->walks, store->gaps);
}

/* Who shares with whom, if anybody does. */
static void put_sharing(svb_sink *s, const svb_snapshot *snap)
{
    put(s, ",\n \"front_end\": %s,\n \"front_ends\": [", snap->front_end);
    for (int i = 0; i < snap->fronts->nelts; i++) {
        if (i > 0) {
            svb_sink_raw(s, ",\n  ");
        }
        put_front(s, &APR_ARRAY_IDX(snap->fronts, i, svb_snap_front));
    }
    svb_sink_raw(s, "],\n \"store\": ");
    put_store(s, &snap->store);
}

/* ------------------------------------------------------ what it amounts to */

static void put_time_or_null(svb_sink *s, apr_time_t t)
{
    if (t > 0) {
        put_time(s, t);
    }
    else {
        svb_sink_raw(s, "null");
    }
}

static void put_trouble(svb_sink *s, const svb_trouble *trouble)
{
    put(s,
        "{\"kind\": %s, \"severity\": %s, \"fleet\": %s, \"node\": %s, "
        "\"what\": %s, \"since\": ",
        svb_trouble_name(trouble->kind),
        svb_state_severity_name(trouble->severity), trouble->fleet,
        trouble->node, trouble->what);
    put_time_or_null(s, trouble->since);
    put(s, ", \"effect\": %s, \"next\": %s, \"next_at\": ", trouble->effect,
        trouble->next);
    put_time_or_null(s, trouble->next_at);
    put(s, ", \"todo\": %s}", trouble->todo);
}

static void put_verdict(svb_sink *s, const svb_verdict *verdict)
{
    put(s,
        ",\n \"verdict\": {\"severity\": %s, \"title\": %s, "
        "\"headline\": %s, \"rest\": %s},\n \"troubles\": [",
        svb_state_severity_name(verdict->severity), verdict->title,
        verdict->headline, verdict->rest);
    for (int i = 0; i < verdict->troubles->nelts; i++) {
        if (i > 0) {
            svb_sink_raw(s, ",\n  ");
        }
        put_trouble(s, &APR_ARRAY_IDX(verdict->troubles, i, svb_trouble));
    }
    svb_sink_raw(s, "]");
}

apr_status_t svb_json_snapshot(const svb_snapshot *snap, svb_sink *s)
{
    apr_time_t uptime = apr_time_sec(snap->time - snap->started);

    put(s, "{\"module\": %s, \"server\": %s, \"time\": ", snap->module,
        snap->server);
    put_time(s, snap->time);
    put(s, ",\n \"uptime_s\": " U64 ", \"nonce\": %s, \"actions\": ",
        (apr_uint64_t)(uptime > 0 ? uptime : 0), snap->nonce);
    svb_sink_either(s, snap->actions, "true", "false");
    put(s,
        ",\n \"table\": {\"capacity\": " U64 ", \"clients\": " U64
        ", \"evicted\": " U64 ", \"bytes\": " U64 "},\n \"fleets\": [",
        snap->table.capacity, snap->table.clients, snap->table.evicted,
        snap->table.bytes);
    for (int i = 0; i < snap->fleets->nelts; i++) {
        if (i > 0) {
            svb_sink_raw(s, ",\n ");
        }
        put_fleet(s, APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *),
                  snap->history);
    }
    svb_sink_raw(s, "],\n \"events\": ");
    put_events(s, snap->events);
    put_sharing(s, snap);
    put(s, ",\n \"refused\": " U64, snap->refused);
    put_verdict(s, svb_verdict_of(snap->p, snap));
    svb_sink_raw(s, "}\n");
    return svb_sink_flush(s);
}

apr_status_t svb_json_node(const svb_snap_node *node, svb_sink *s)
{
    put_node(s, node, SVB_SNAP_NO_HISTORY);
    svb_sink_raw(s, "\n");
    return svb_sink_flush(s);
}

apr_status_t svb_json_error(const char *what, svb_sink *s)
{
    put(s, "{\"error\": %s}\n", what);
    return svb_sink_flush(s);
}
