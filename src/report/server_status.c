/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "report/server_status.h"

#include "report/fields.h"
#include "report/phrase.h"

#define U64 "%" APR_UINT64_T_FMT

/* A literal with gaps, whose texts become HTML of any charset; the same as a line. */
#define html(s, ...) svb_sink_fill((s), svb_sink_html_ascii, __VA_ARGS__)
#define line(s, ...) svb_sink_fill((s), svb_sink_ascii, __VA_ARGS__)

/* Its route, or where it has none, its first member. */
/* ---------------------------------------------------------------------- as HTML */

static void put_since(svb_sink *s, const svb_snap_node *node)
{
    if (node->last_change > 0) {
        svb_sink_time(s, node->last_change);
    }
}

static void put_row(svb_sink *s, const svb_snap_fleet *fleet,
                    const svb_snap_node *node)
{
    html(s, "<tr><td>%s</td><td>%s</td><td>%s</td><td>", fleet->name,
         svb_phrase_node(node), svb_state_name(node->state));
    put_since(s, node);
    html(s,
         "</td><td>" U64 "</td><td>" U64 "</td><td>" U64 "</td><td>" U64
         "</td><td>%s</td></tr>\n",
         node->web, node->smart, node->in_flight,
         node->counters[SVB_CTR_ERRORS], node->reason);
}

static void put_paragraph(svb_sink *s, const svb_snap_fleet *fleet,
                          const svb_snap_node *node)
{
    html(s, "<p>%s %s: %s", fleet->name, svb_phrase_node(node),
         svb_state_name(node->state));
    if (node->last_change > 0) {
        svb_sink_raw(s, " since ");
        put_since(s, node);
    }
    html(s,
         "; " U64 " web, " U64 " smart, " U64 " in flight, " U64
         " errors. %s</p>\n",
         node->web, node->smart, node->in_flight,
         node->counters[SVB_CTR_ERRORS], node->reason);
}

apr_status_t svb_server_status_html(const svb_snapshot *snap, int table,
                                    svb_sink *s)
{
    svb_sink_raw(s, "<hr />\n<h1>Servoy Nodes</h1>\n");
    if (table) {
        svb_sink_raw(s, "<table border=\"0\"><tr><th>Fleet</th><th>Node</th>"
                        "<th>State</th><th>Since</th><th>Web</th>"
                        "<th>Smart</th><th>In flight</th><th>Errors</th>"
                        "<th>Why</th></tr>\n");
    }
    for (int i = 0; i < snap->fleets->nelts; i++) {
        const svb_snap_fleet *fleet =
            APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *);

        for (int j = 0; j < fleet->nodes->nelts; j++) {
            (table ? put_row : put_paragraph)(
                s, fleet, APR_ARRAY_IDX(fleet->nodes, j, svb_snap_node *));
        }
    }
    if (table) {
        svb_sink_raw(s, "</table>\n");
    }
    return svb_sink_flush(s);
}

/* ---------------------------------------------------------------------- as lines */

static const struct {
    const char *name;
    svb_field_id field;
} facts[] = {
    {"State", SVB_FIELD_STATE},
    {"Up", SVB_FIELD_UP},
    {"Web", SVB_FIELD_WEB},
    {"Windowed", SVB_FIELD_WINDOWED},
    {"Smart", SVB_FIELD_SMART},
    {"InFlight", SVB_FIELD_IN_FLIGHT},
    {"Elected", SVB_FIELD_ELECTED},
    {"Errors", SVB_FIELD_ERRORS},
    {"SafeToStop", SVB_FIELD_SAFE_TO_STOP},
};

static void put_fact(svb_sink *s, const svb_snap_node *node, svb_field_id id)
{
    svb_value value = svb_fields_read(&svb_fields[id], node);

    switch (svb_fields[id].kind) {
    case SVB_VALUE_STATE:
        svb_sink_ascii(s, svb_state_name(value.state));
        break;
    case SVB_VALUE_FLAG:
        svb_sink_int(s, value.flag != 0);
        break;
    default:
        svb_sink_uint(s, value.number);
        break;
    }
}

static void put_lines(svb_sink *s, int n, const svb_snap_fleet *fleet,
                      const svb_snap_node *node)
{
    line(s, "ServoyNode[%d]Fleet: %s\nServoyNode[%d]Node: %s\n", n, fleet->name,
         n, svb_phrase_node(node));
    for (apr_size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        line(s, "ServoyNode[%d]%s: ", n, facts[i].name);
        put_fact(s, node, facts[i].field);
        svb_sink_raw(s, "\n");
    }
}

apr_status_t svb_server_status_lines(const svb_snapshot *snap, svb_sink *s)
{
    int n = 0;

    for (int i = 0; i < snap->fleets->nelts; i++) {
        const svb_snap_fleet *fleet =
            APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *);

        for (int j = 0; j < fleet->nodes->nelts; j++) {
            put_lines(s, n++, fleet,
                      APR_ARRAY_IDX(fleet->nodes, j, svb_snap_node *));
        }
    }
    return svb_sink_flush(s);
}
