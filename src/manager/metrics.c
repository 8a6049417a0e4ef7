/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "manager/metrics.h"

#include <stddef.h>

/* Writes the value of a node's i-th sample in a family. */
typedef void node_value_fn(svb_sink *s, const svb_snap_node *node, int i);

#define AT(member) offsetof(svb_snap_node, member)

/* One family of samples, one or more for each node. */
typedef struct node_family {
    const char *name;
    const char *type;
    const char *help;
    const char *label;    /* besides fleet and node, or NULL */
    int samples;          /* of each node */
    node_value_fn *value; /* or NULL: the whole number at samples' offset */
    struct {
        const char *value; /* the label's, where there is a label */
        apr_size_t offset;
    } sample[2];
} node_family;

static void put_up(svb_sink *s, const svb_snap_node *node, int i)
{
    (void)i;
    svb_sink_uint(s, svb_state_describe(node->state)->can_serve ? 1 : 0);
}

static void put_state(svb_sink *s, const svb_snap_node *node, int i)
{
    /* compares what describe() made of it, so that exactly one is 1 */
    svb_sink_uint(s, svb_state_describe(node->state)
                         == svb_state_describe((svb_state)i));
}

static void put_loadfactor(svb_sink *s, const svb_snap_node *node, int i)
{
    (void)i;
    svb_sink_double(s, node->loadfactor);
}

/* clang-format off */
static const node_family families[] = {
    {"servoy_node_up", "gauge",
     "Whether the node can serve the clients it has.",
     NULL, 1, put_up, {{NULL, 0}}},
    {"servoy_node_state", "gauge", "The state of the node: one of them is 1.",
     "state", SVB_STATES, put_state, {{NULL, 0}}},
    {"servoy_node_clients", "gauge",
     "Clients of the node now. Smart clients are an estimate: launches within "
     "ServoyLaunchTimeout.",
     "kind", 2, NULL, {{"web", AT(web)}, {"smart", AT(smart)}}},
    {"servoy_node_in_flight_requests", "gauge",
     "Requests being served by the node now.",
     NULL, 1, NULL, {{NULL, AT(in_flight)}}},
    {"servoy_node_loadfactor", "gauge",
     "Share of the clients that the node should have, relative to others.",
     NULL, 1, put_loadfactor, {{NULL, 0}}},
    {"servoy_node_max_clients", "gauge",
     "Clients that the node may hold at most, 0 for no limit.",
     NULL, 1, NULL, {{NULL, AT(maxclients)}}},
    {"servoy_node_elections_total", "counter", "New clients given to the node.",
     NULL, 1, NULL, {{NULL, AT(counters[SVB_CTR_ELECTED])}}},
    {"servoy_node_sticky_requests_total", "counter",
     "Requests of clients that the node already had.",
     NULL, 1, NULL, {{NULL, AT(counters[SVB_CTR_STICKY])}}},
    {"servoy_node_launches_total", "counter",
     "Launches of Smart Clients on the node.",
     NULL, 1, NULL, {{NULL, AT(counters[SVB_CTR_LAUNCHES])}}},
    {"servoy_node_failovers_total", "counter",
     "Requests meant for the node that went elsewhere (from), requests meant "
     "for another node that it got (to).",
     "direction", 2, NULL,
     {{"from", AT(counters[SVB_CTR_FAILED_OVER_FROM])},
      {"to", AT(counters[SVB_CTR_FAILED_OVER_TO])}}},
    {"servoy_node_maintenance_hits_total", "counter",
     "New clients that the node refused because it is in maintenance.",
     NULL, 1, NULL, {{NULL, AT(counters[SVB_CTR_MAINTENANCE_HITS])}}},
    {"servoy_node_errors_total", "counter",
     "Attempts to reach the node that failed.",
     NULL, 1, NULL, {{NULL, AT(counters[SVB_CTR_ERRORS])}}},
    {"servoy_node_sent_bytes_total", "counter", "Bytes sent to the node.",
     NULL, 1, NULL, {{NULL, AT(bytes_to)}}},
    {"servoy_node_received_bytes_total", "counter",
     "Bytes received from the node.",
     NULL, 1, NULL, {{NULL, AT(bytes_from)}}},
};
/* clang-format on */

/* Families of one sample without labels: a number of the client table. */
static const struct {
    const char *name;
    const char *type;
    const char *help;
    apr_size_t offset;
} table_families[] = {
    {"servoy_client_table_capacity", "gauge",
     "Clients that the client table can hold.",
     offsetof(svb_snap_table, capacity)},
    {"servoy_client_table_clients", "gauge",
     "Clients that the client table holds now.",
     offsetof(svb_snap_table, clients)},
    {"servoy_client_table_evictions_total", "counter",
     "Live clients dropped from the client table for lack of room.",
     offsetof(svb_snap_table, evicted)},
};

static apr_uint64_t number_at(const void *record, apr_size_t offset)
{
    return *(const apr_uint64_t *)((const char *)record + offset);
}

static void put_head(svb_sink *s, const char *name, const char *type,
                     const char *help)
{
    svb_sink_raw(s, "# HELP ");
    svb_sink_word(s, name);
    svb_sink_raw(s, " ");
    svb_sink_label(s, help);
    svb_sink_raw(s, "\n# TYPE ");
    svb_sink_word(s, name);
    svb_sink_raw(s, " ");
    svb_sink_word(s, type);
    svb_sink_raw(s, "\n");
}

static void put_name(svb_sink *s, const svb_snap_node *node)
{
    if (node->route && *node->route) {
        svb_sink_label(s, node->route);
    }
    else if (node->members->nelts > 0) {
        const svb_snap_member *member =
            APR_ARRAY_IDX(node->members, 0, svb_snap_member *);

        svb_sink_label(s, member->balancer);
        svb_sink_raw(s, " ");
        svb_sink_label(s, member->worker);
    }
}

static void put_samples(svb_sink *s, const node_family *family,
                        const char *fleet, const svb_snap_node *node)
{
    int i;

    for (i = 0; i < family->samples; i++) {
        svb_sink_word(s, family->name);
        svb_sink_raw(s, "{fleet=\"");
        svb_sink_label(s, fleet);
        svb_sink_raw(s, "\",node=\"");
        put_name(s, node);
        if (family->label) {
            svb_sink_raw(s, "\",");
            svb_sink_word(s, family->label);
            svb_sink_raw(s, "=\"");
            svb_sink_label(s, family->value == put_state
                                  ? svb_state_name((svb_state)i)
                                  : family->sample[i].value);
        }
        svb_sink_raw(s, "\"} ");
        if (family->value) {
            family->value(s, node, i);
        }
        else {
            svb_sink_uint(s, number_at(node, family->sample[i].offset));
        }
        svb_sink_raw(s, "\n");
    }
}

static void put_family(svb_sink *s, const node_family *family,
                       const apr_array_header_t *fleets)
{
    int i, j;

    put_head(s, family->name, family->type, family->help);
    for (i = 0; i < fleets->nelts; i++) {
        const svb_snap_fleet *fleet =
            APR_ARRAY_IDX(fleets, i, svb_snap_fleet *);
        for (j = 0; j < fleet->nodes->nelts; j++) {
            put_samples(s, family, fleet->name,
                        APR_ARRAY_IDX(fleet->nodes, j, svb_snap_node *));
        }
    }
}

apr_status_t svb_metrics_snapshot(const svb_snapshot *snap, svb_sink *s)
{
    apr_size_t i;

    for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        put_family(s, &families[i], snap->fleets);
    }
    for (i = 0; i < sizeof(table_families) / sizeof(table_families[0]); i++) {
        put_head(s, table_families[i].name, table_families[i].type,
                 table_families[i].help);
        svb_sink_word(s, table_families[i].name);
        svb_sink_raw(s, " ");
        svb_sink_uint(s, number_at(&snap->table, table_families[i].offset));
        svb_sink_raw(s, "\n");
    }
    return svb_sink_flush(s);
}
