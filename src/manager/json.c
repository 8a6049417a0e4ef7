/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "manager/json.h"

/* The keys of the counters, in the order in which they are written. */
static const struct {
    const char *key;
    svb_counter counter;
} counters[] = {
    {"elected", SVB_CTR_ELECTED},
    {"sticky", SVB_CTR_STICKY},
    {"launches", SVB_CTR_LAUNCHES},
    {"failed_over_from", SVB_CTR_FAILED_OVER_FROM},
    {"failed_over_to", SVB_CTR_FAILED_OVER_TO},
    {"maintenance_hits", SVB_CTR_MAINTENANCE_HITS},
    {"errors", SVB_CTR_ERRORS},
};

static void put_bool(svb_sink *s, int value)
{
    if (value) {
        svb_sink_raw(s, "true");
    }
    else {
        svb_sink_raw(s, "false");
    }
}

static void put_time(svb_sink *s, apr_time_t t)
{
    svb_sink_raw(s, "\"");
    if (t > 0) {
        svb_sink_time(s, t);
    }
    svb_sink_raw(s, "\"");
}

static void put_clients(svb_sink *s, apr_uint64_t web, apr_uint64_t smart)
{
    svb_sink_raw(s, "\"clients\": {\"web\": ");
    svb_sink_uint(s, web);
    svb_sink_raw(s, ", \"smart\": ");
    svb_sink_uint(s, smart);
    svb_sink_raw(s, "}");
}

static void put_member(svb_sink *s, const svb_snap_member *member)
{
    svb_sink_raw(s, "{\"balancer\": ");
    svb_sink_json(s, member->balancer);
    svb_sink_raw(s, ", \"worker\": ");
    svb_sink_json(s, member->worker);
    svb_sink_raw(s, ", \"status\": ");
    svb_sink_json(s, member->status);
    svb_sink_raw(s, ", \"busy\": ");
    svb_sink_uint(s, member->busy);
    svb_sink_raw(s, ", \"lbset\": ");
    svb_sink_int(s, member->lbset);
    svb_sink_raw(s, "}");
}

static void put_members(svb_sink *s, const apr_array_header_t *members)
{
    int i;

    svb_sink_raw(s, "\"members\": [");
    for (i = 0; i < members->nelts; i++) {
        if (i > 0) {
            svb_sink_raw(s, ", ");
        }
        put_member(s, APR_ARRAY_IDX(members, i, svb_snap_member *));
    }
    svb_sink_raw(s, "]");
}

static void put_counters(svb_sink *s, const apr_uint64_t *values)
{
    apr_size_t i;

    for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        svb_sink_json(s, counters[i].key);
        svb_sink_raw(s, ": ");
        svb_sink_uint(s, values[counters[i].counter]);
        svb_sink_raw(s, ", ");
    }
}

static void put_node(svb_sink *s, const svb_snap_node *node)
{
    svb_sink_raw(s, "{\"route\": ");
    svb_sink_json(s, node->route);
    svb_sink_raw(s, ", \"state\": ");
    svb_sink_json(s, svb_state_name(node->state));
    svb_sink_raw(s, ", \"url\": ");
    svb_sink_json(s, node->url);
    svb_sink_raw(s, ", \"group\": ");
    svb_sink_json(s, node->group);
    svb_sink_raw(s, ", \"loadfactor\": ");
    svb_sink_double(s, node->loadfactor);
    svb_sink_raw(s, ", \"maxclients\": ");
    svb_sink_uint(s, node->maxclients);
    svb_sink_raw(s, ", ");
    put_members(s, node->members);
    svb_sink_raw(s, ", ");
    put_clients(s, node->web, node->smart);
    svb_sink_raw(s, ", \"in_flight\": ");
    svb_sink_uint(s, node->in_flight);
    svb_sink_raw(s, ", ");
    put_counters(s, node->counters);
    svb_sink_raw(s, "\"bytes_to\": ");
    svb_sink_uint(s, node->bytes_to);
    svb_sink_raw(s, ", \"bytes_from\": ");
    svb_sink_uint(s, node->bytes_from);
    svb_sink_raw(s, ", \"safe_to_stop\": ");
    put_bool(s, node->safe_to_stop);
    svb_sink_raw(s, ", \"last_change\": ");
    put_time(s, node->last_change);
    svb_sink_raw(s, "}");
}

static void put_fleet(svb_sink *s, const svb_snap_fleet *fleet)
{
    svb_snap_totals totals;
    int i;

    svb_snap_fleet_totals(fleet, &totals);
    svb_sink_raw(s, "{\"name\": ");
    svb_sink_json(s, fleet->name);
    svb_sink_raw(s, ",\n  \"balancers\": [");
    for (i = 0; i < fleet->balancers->nelts; i++) {
        if (i > 0) {
            svb_sink_raw(s, ", ");
        }
        svb_sink_json(s, APR_ARRAY_IDX(fleet->balancers, i, const char *));
    }
    svb_sink_raw(s, "],\n  ");
    put_clients(s, totals.web, totals.smart);
    svb_sink_raw(s, ",\n  \"nodes\": [");
    for (i = 0; i < fleet->nodes->nelts; i++) {
        if (i > 0) {
            svb_sink_raw(s, ",\n    ");
        }
        put_node(s, APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *));
    }
    svb_sink_raw(s, "]}");
}

static void put_table(svb_sink *s, const svb_snap_table *table)
{
    svb_sink_raw(s, "\"table\": {\"capacity\": ");
    svb_sink_uint(s, table->capacity);
    svb_sink_raw(s, ", \"clients\": ");
    svb_sink_uint(s, table->clients);
    svb_sink_raw(s, ", \"evicted\": ");
    svb_sink_uint(s, table->evicted);
    svb_sink_raw(s, ", \"bytes\": ");
    svb_sink_uint(s, table->bytes);
    svb_sink_raw(s, "}");
}

apr_status_t svb_json_snapshot(const svb_snapshot *snap, svb_sink *s)
{
    apr_interval_time_t uptime = snap->time - snap->started;
    int i;

    svb_sink_raw(s, "{\"module\": ");
    svb_sink_json(s, snap->module);
    svb_sink_raw(s, ", \"server\": ");
    svb_sink_json(s, snap->server);
    svb_sink_raw(s, ", \"time\": ");
    put_time(s, snap->time);
    svb_sink_raw(s, ",\n \"uptime_s\": ");
    svb_sink_uint(s, uptime > 0 ? (apr_uint64_t)apr_time_sec(uptime) : 0);
    svb_sink_raw(s, ", \"nonce\": ");
    svb_sink_json(s, snap->nonce);
    svb_sink_raw(s, ", \"actions\": ");
    put_bool(s, snap->actions);
    svb_sink_raw(s, ",\n ");
    put_table(s, &snap->table);
    svb_sink_raw(s, ",\n \"fleets\": [");
    for (i = 0; i < snap->fleets->nelts; i++) {
        if (i > 0) {
            svb_sink_raw(s, ",\n ");
        }
        put_fleet(s, APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *));
    }
    svb_sink_raw(s, "]}\n");
    return svb_sink_flush(s);
}

apr_status_t svb_json_node(const svb_snap_node *node, svb_sink *s)
{
    put_node(s, node);
    svb_sink_raw(s, "\n");
    return svb_sink_flush(s);
}
