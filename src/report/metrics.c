/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "report/metrics.h"

#include <string.h>

#include "report/fields.h"

/* A literal with gaps, whose texts become values of labels. */
#define put(s, ...) svb_sink_fill((s), svb_sink_label, __VA_ARGS__)

static void put_head(svb_sink *s, const char *name, const char *type,
                     const char *help)
{
    put(s, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

/* The node's route or, where it has none, what else tells it from others. */
static void put_node_label(svb_sink *s, const svb_snap_node *node)
{
    if (node->route && *node->route) {
        svb_sink_label(s, node->route);
    }
    else if (node->members->nelts > 0) {
        const svb_snap_member *member =
            APR_ARRAY_IDX(node->members, 0, svb_snap_member *);

        put(s, "%s %s", member->balancer, member->worker);
    }
}

/* Up to where the sample's value begins. */
static void put_labels(svb_sink *s, const svb_field *field, const char *fleet,
                       const svb_snap_node *node, const char *value)
{
    put(s, "%s{fleet=\"%s\",node=\"", field->metric, fleet);
    put_node_label(s, node);
    if (field->label) {
        put(s, "\",%s=\"%s", field->label, value);
    }
    svb_sink_raw(s, "\"} ");
}

/* All states, of which one is 1. */
static void put_states(svb_sink *s, const svb_field *field, const char *fleet,
                       const svb_snap_node *node)
{
    const char *is = svb_state_name(svb_fields_read(field, node).state);

    for (int i = 0; i < SVB_STATES; i++) {
        const char *name = svb_state_name((svb_state)i);

        put_labels(s, field, fleet, node, name);
        put(s, "%d\n", strcmp(name, is) == 0);
    }
}

static void put_sample(svb_sink *s, const svb_field *field, const char *fleet,
                       const svb_snap_node *node)
{
    svb_value value = svb_fields_read(field, node);

    if (field->kind == SVB_VALUE_STATE) {
        put_states(s, field, fleet, node);
        return;
    }
    if (field->kind == SVB_VALUE_TIME && value.time <= 0) {
        return; /* unknown: as a number it would be 1970 */
    }
    put_labels(s, field, fleet, node, field->value);
    switch (field->kind) {
    case SVB_VALUE_FRACTION:
        svb_sink_double(s, value.fraction);
        break;
    case SVB_VALUE_FLAG:
        svb_sink_int(s, value.flag != 0);
        break;
    case SVB_VALUE_TIME:
        svb_sink_int(s, apr_time_sec(value.time));
        break;
    default:
        svb_sink_uint(s, value.number);
        break;
    }
    svb_sink_raw(s, "\n");
}

/* A family: n fields from this one on. */
static void put_family(svb_sink *s, const svb_field *first, int n,
                       const apr_array_header_t *fleets)
{
    int counts =
        first->kind == SVB_VALUE_COUNTER || first->kind == SVB_VALUE_BYTES;

    put_head(s, first->metric, counts ? "counter" : "gauge", first->help);
    for (int i = 0; i < fleets->nelts; i++) {
        const svb_snap_fleet *fleet =
            APR_ARRAY_IDX(fleets, i, svb_snap_fleet *);

        for (int j = 0; j < fleet->nodes->nelts; j++) {
            for (int k = 0; k < n; k++) {
                put_sample(s, first + k, fleet->name,
                           APR_ARRAY_IDX(fleet->nodes, j, svb_snap_node *));
            }
        }
    }
}

/* ------------------------------------------------------ fleets, and all of them */

static void put_build(svb_sink *s, const char *module)
{
    const char *slash = strchr(module, '/');

    put_head(s, "servoy_build_info", "gauge",
             "The version of mod_servoy_balancer; always 1");
    put(s, "servoy_build_info{version=\"%s\"} 1\n", slash ? slash + 1 : "");
}

/* Of those that are called the same, as virtual hosts may have balancers of one
 * name: is the first of them this one, and are all of them up? */
static int is_first(const apr_array_header_t *members, int which, int *up)
{
    const svb_snap_member *one =
        APR_ARRAY_IDX(members, which, svb_snap_member *);

    *up = 1;
    for (int i = 0; i < members->nelts; i++) {
        const svb_snap_member *other =
            APR_ARRAY_IDX(members, i, svb_snap_member *);

        if (strcmp(one->balancer, other->balancer) == 0
            && strcmp(one->worker, other->worker) == 0) {
            if (i < which) {
                return 0;
            }
            *up &= other->up != 0;
        }
    }
    return 1;
}

static void put_members(svb_sink *s, const char *fleet,
                        const svb_snap_node *node)
{
    for (int i = 0; i < node->members->nelts; i++) {
        const svb_snap_member *member =
            APR_ARRAY_IDX(node->members, i, svb_snap_member *);
        int up;

        if (!is_first(node->members, i, &up)) {
            continue;
        }
        put(s, "servoy_member_up{fleet=\"%s\",node=\"", fleet);
        put_node_label(s, node);
        put(s, "\",balancer=\"%s\",worker=\"%s\"} %d\n", member->balancer,
            member->worker, up);
    }
}

static void put_fleets(svb_sink *s, const apr_array_header_t *fleets)
{
    put_head(s, "servoy_member_up", "gauge",
             "Whether the BalancerMember can be used, as far as is known");
    for (int i = 0; i < fleets->nelts; i++) {
        const svb_snap_fleet *fleet =
            APR_ARRAY_IDX(fleets, i, svb_snap_fleet *);

        for (int j = 0; j < fleet->nodes->nelts; j++) {
            put_members(s, fleet->name,
                        APR_ARRAY_IDX(fleet->nodes, j, svb_snap_node *));
        }
    }
    put_head(s, "servoy_refused_total", "counter",
             "Requests that no node could take: the balancer itself answered "
             "503");
    for (int i = 0; i < fleets->nelts; i++) {
        const svb_snap_fleet *fleet =
            APR_ARRAY_IDX(fleets, i, svb_snap_fleet *);

        put(s, "servoy_refused_total{fleet=\"%s\"} %" APR_UINT64_T_FMT "\n",
            fleet->name, fleet->refused);
    }
}

static void put_events(svb_sink *s, const apr_uint64_t *state_events)
{
    put_head(s, "servoy_events_total", "counter",
             "Changes of a node's state, by the state that they led to");
    for (int i = 0; i < SVB_STATES; i++) {
        put(s, "servoy_events_total{state=\"%s\"} %" APR_UINT64_T_FMT "\n",
            svb_state_name((svb_state)i), state_events[i]);
    }
}

static void put_table(svb_sink *s, const svb_snap_table *table)
{
    const struct {
        const char *name, *type, *help;
        apr_uint64_t value;
    } families[] = {
        {"servoy_client_table_capacity", "gauge",
         "Clients that the client table can hold", table->capacity},
        {"servoy_client_table_clients", "gauge",
         "Clients that the client table holds now", table->clients},
        {"servoy_client_table_evictions_total", "counter",
         "Live clients dropped from the client table for lack of room",
         table->evicted},
    };

    for (int i = 0; i < 3; i++) {
        put_head(s, families[i].name, families[i].type, families[i].help);
        put(s, "%s %" APR_UINT64_T_FMT "\n", families[i].name,
            families[i].value);
    }
}

/* ------------------------------------------------------------------- the store */

/* To the microsecond: a store that is near takes few. */
static void put_seconds(svb_sink *s, apr_uint64_t us)
{
    put(s, "%" APR_UINT64_T_FMT ".", us / APR_USEC_PER_SEC);
    for (apr_uint64_t unit = APR_USEC_PER_SEC / 10; unit; unit /= 10) {
        put(s, "%d", (int)(us / unit % 10));
    }
}

static void put_store(svb_sink *s, const svb_snap_store *store)
{
    const struct {
        const char *name, *type, *direction, *help;
        apr_uint64_t value;
        int is_time; /* the value is in microseconds */
    } families[] = {
        {"servoy_store_up", "gauge", NULL,
         "Whether the store is there by which front ends share",
         strcmp(store->state, "connected") == 0, 0},
        {"servoy_store_round_trip_seconds", "gauge", NULL,
         "How long the last exchange with the store took",
         (apr_uint64_t)store->round_trip, 1},
        {"servoy_store_failures_total", "counter", NULL,
         "Exchanges with the store that failed", store->failures, 0},
        {"servoy_store_records_total", "counter", "out",
         "What was told of clients, to and by other front ends", store->sent,
         0},
        {"servoy_store_records_total", NULL, "in", NULL, store->received, 0},
        {"servoy_store_rejected_total", "counter", NULL,
         "What was in the store, and is none of our front ends'",
         store->rejected, 0},
        {"servoy_store_walks_total", "counter", NULL,
         "How often all clients were told", store->walks, 0},
    };

    for (apr_size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (families[i].type) {
            put_head(s, families[i].name, families[i].type, families[i].help);
        }
        put(s, "%s", families[i].name);
        if (families[i].direction) {
            put(s, "{direction=\"%s\"}", families[i].direction);
        }
        svb_sink_raw(s, " ");
        if (families[i].is_time) {
            put_seconds(s, families[i].value);
        }
        else {
            put(s, "%" APR_UINT64_T_FMT, families[i].value);
        }
        svb_sink_raw(s, "\n");
    }
}

static int is_up(const svb_snap_front *front)
{
    return strcmp(front->state, "here") == 0
           || strcmp(front->state, "lagging") == 0;
}

static void put_fronts(svb_sink *s, const apr_array_header_t *fronts)
{
    put_head(s, "servoy_front_end_up", "gauge",
             "Whether the front end gives signs of life that we understand");
    for (int i = 0; i < fronts->nelts; i++) {
        const svb_snap_front *front = &APR_ARRAY_IDX(fronts, i, svb_snap_front);

        put(s, "servoy_front_end_up{front_end=\"%s\"} %d\n", front->name,
            is_up(front));
    }
    put_head(s, "servoy_front_end_lag_seconds", "gauge",
             "How old what the front end knows of others is");
    for (int i = 0; i < fronts->nelts; i++) {
        const svb_snap_front *front = &APR_ARRAY_IDX(fronts, i, svb_snap_front);

        put(s, "servoy_front_end_lag_seconds{front_end=\"%s\"} ", front->name);
        svb_sink_double(s, (double)front->lag_ms / 1000);
        svb_sink_raw(s, "\n");
    }
}

apr_status_t svb_metrics_snapshot(const svb_snapshot *snap, svb_sink *s)
{
    int n;

    put_build(s, snap->module);
    for (int i = 0; i < SVB_FIELDS; i += n) {
        const char *name = svb_fields[i].metric;

        n = 1;
        while (name && i + n < SVB_FIELDS && svb_fields[i + n].metric
               && strcmp(svb_fields[i + n].metric, name) == 0) {
            n++;
        }
        if (name) {
            put_family(s, &svb_fields[i], n, snap->fleets);
        }
    }
    put_fleets(s, snap->fleets);
    put_events(s, snap->state_events);
    put_table(s, &snap->table);
    if (snap->store.url) {
        put_store(s, &snap->store);
        put_fronts(s, snap->fronts);
    }
    return svb_sink_flush(s);
}
