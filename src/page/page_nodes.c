/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/page_nodes.h"

#include <string.h>

#include "report/fields.h"
#include "page/page_actions.h"

#define U64 "%" APR_UINT64_T_FMT
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* A literal with gaps, whose texts become HTML. */
#define put(s, ...) svb_sink_fill((s), svb_sink_html, __VA_ARGS__)

/* What the rows of a table have in common. */
typedef struct table {
    svb_sink *s;
    const svb_snapshot *snap;
    const svb_snap_fleet *fleet;
    int fleet_at;   /* the fleet's index: makes ids unique */
    double fullest; /* most clients per loadfactor in the fleet */
} table;

/* Writes what stands in a cell, or behind a term. */
typedef void put_fn(const table *t, const svb_snap_node *node);

static int has_route(const svb_snap_node *node)
{
    return node->route && *node->route;
}

static const char *name_of(const svb_snap_node *node)
{
    if (has_route(node)) {
        return node->route;
    }
    return node->members->nelts > 0
               ? APR_ARRAY_IDX(node->members, 0, svb_snap_member *)->worker
               : "";
}

void svb_page_nodes_badge(svb_sink *s, svb_state state)
{
    const svb_state_info *info = svb_state_describe(state);

    put(s, "<span class=\"badge %s\" title=\"%s\">%s</span>",
        svb_state_severity_name(info->severity), info->explained, info->name);
}

/* Rows have ids made of indexes, so that no route can break them. */
void svb_page_nodes_link(svb_sink *s, const svb_snapshot *snap, int fleet_at,
                         int node_at)
{
    const svb_snap_fleet *fleet =
        APR_ARRAY_IDX(snap->fleets, fleet_at, svb_snap_fleet *);

    put(s, "<a href=\"#n%d-%d\">%s</a>", fleet_at, node_at,
        name_of(APR_ARRAY_IDX(fleet->nodes, node_at, svb_snap_node *)));
}

/* --------------------------------------------------- values, each by its kind */

static void put_change(const table *t, apr_time_t at)
{
    if (at <= 0) {
        svb_sink_raw(t->s, "<span class=\"dim\">none seen</span>");
        return;
    }
    svb_sink_raw(t->s, "<time datetime=\"");
    svb_sink_time(t->s, at);
    svb_sink_raw(t->s, "\" title=\"");
    svb_sink_time(t->s, at);
    svb_sink_raw(t->s, "\">");
    svb_sink_duration(t->s, t->snap->time - at);
    svb_sink_raw(t->s, " ago</time>");
}

/* The field's value, unless somebody shows more than it. */
static void put_shown(const table *t, const svb_snap_node *node,
                      svb_field_id id, put_fn *show)
{
    const svb_field *field = &svb_fields[id];
    svb_value value = svb_fields_read(field, node);

    if (show) {
        show(t, node);
        return;
    }
    switch (field->kind) {
    case SVB_VALUE_TEXT:
        svb_sink_html(t->s, value.text);
        break;
    case SVB_VALUE_STATE:
        svb_page_nodes_badge(t->s, value.state);
        break;
    case SVB_VALUE_TIME:
        put_change(t, value.time);
        break;
    case SVB_VALUE_UNTIL:
        svb_sink_time(t->s, value.time);
        break;
    case SVB_VALUE_FRACTION:
        svb_sink_double(t->s, value.fraction);
        break;
    case SVB_VALUE_BYTES:
        svb_sink_size(t->s, value.number);
        break;
    case SVB_VALUE_GAUGE:
    case SVB_VALUE_COUNTER:
        svb_sink_uint(t->s, value.number);
        break;
    default: /* whoever shows it says how */
        break;
    }
}

/* ------------------------------------------- cells that say more than a value */

/* Clients that a node has for its loadfactor: what the election compares. */
static double load(const svb_snap_node *node)
{
    double lf = node->loadfactor > 0.01 ? node->loadfactor : 0.01;

    return ((double)node->web + (double)node->smart) / lf;
}

/* A bar that is full for the fullest node of the fleet. The numbers are beside
 * it, so it need not be read aloud. */
static void put_bar(const table *t, const svb_snap_node *node)
{
    double all = (double)node->web + (double)node->smart;
    double length = t->fullest > 0 ? 100 * load(node) / t->fullest : 0;
    double web = all > 0 ? length * (double)node->web / all : 0;

    svb_sink_raw(t->s, "<svg class=\"bar\" viewBox=\"0 0 100 1\" "
                       "preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    if (all > 0) {
        svb_sink_raw(t->s, "<rect class=\"web\" height=\"1\" width=\"");
        svb_sink_double(t->s, web);
        svb_sink_raw(t->s, "\"/><rect class=\"smart\" height=\"1\" x=\"");
        svb_sink_double(t->s, web);
        svb_sink_raw(t->s, "\" width=\"");
        svb_sink_double(t->s, length - web);
        svb_sink_raw(t->s, "\"/>");
    }
    svb_sink_raw(t->s, "</svg>");
}

static void put_clients(const table *t, const svb_snap_node *node)
{
    put(t->s, U64 " web, ~" U64 " smart", node->web, node->smart);
    put_bar(t, node);
}

static void put_safe(const table *t, const svb_snap_node *node)
{
    int waits = !svb_state_describe(node->state)->takes_new;

    if (node->safe_to_stop) {
        svb_sink_raw(t->s, "<b>yes</b>");
        return;
    }
    svb_sink_raw(t->s, "no");
    if (waits && node->web == 0 && node->smart > 0) {
        svb_sink_raw(t->s, "<small>only smart left</small>");
    }
}

static void put_maxclients(const table *t, const svb_snap_node *node)
{
    if (node->maxclients > 0) {
        svb_sink_uint(t->s, node->maxclients);
    }
    else {
        svb_sink_raw(t->s, "<span class=\"dim\">no limit</span>");
    }
}

static void put_failovers(const table *t, const svb_snap_node *node)
{
    put(t->s, U64 " / " U64, node->counters[SVB_CTR_FAILED_OVER_FROM],
        node->counters[SVB_CTR_FAILED_OVER_TO]);
}

static void put_errors(const table *t, const svb_snap_node *node)
{
    if (node->counters[SVB_CTR_ERRORS] == 0) {
        svb_sink_raw(t->s, "0");
        return;
    }
    put(t->s, "<span class=\"high\">" U64 "</span>",
        node->counters[SVB_CTR_ERRORS]);
}

static void put_traffic(const table *t, const svb_snap_node *node)
{
    svb_sink_size(t->s, node->bytes_to);
    svb_sink_raw(t->s, " to<br>");
    svb_sink_size(t->s, node->bytes_from);
    svb_sink_raw(t->s, " from");
}

/* The columns after the node's name. */
static const struct {
    svb_field_id field;
    int number;       /* is one, or some */
    put_fn *show;     /* NULL: the field's value alone */
    const char *help; /* NULL: the field's */
} columns[] = {
    {SVB_FIELD_STATE, 0, NULL, "What the node does for its fleet"},
    {SVB_FIELD_WEB, 0, put_clients,
     "Clients now; smart clients are an estimate"},
    {SVB_FIELD_SAFE_TO_STOP, 0, put_safe, NULL},
    {SVB_FIELD_IN_FLIGHT, 1, NULL, NULL},
    {SVB_FIELD_LOADFACTOR, 1, NULL, NULL},
    {SVB_FIELD_MAXCLIENTS, 1, put_maxclients,
     "Clients that the node may hold at most"},
    {SVB_FIELD_ELECTED, 1, NULL, NULL},
    {SVB_FIELD_STICKY, 1, NULL, NULL},
    {SVB_FIELD_LAUNCHES, 1, NULL, NULL},
    {SVB_FIELD_FAILED_OVER_FROM, 1, put_failovers,
     "Requests that other nodes took over from this one / that this one took "
     "over"},
    {SVB_FIELD_ERRORS, 1, put_errors, NULL},
    {SVB_FIELD_BYTES_TO, 1, put_traffic,
     "Bytes sent to the node and received from it"},
    {SVB_FIELD_LAST_CHANGE, 0, NULL, NULL},
};

/* ------------------------------------------------------------ what unfolds */

static void put_members(svb_sink *s, const svb_snap_node *node)
{
    svb_sink_raw(s, "<table class=\"members\"><thead><tr>"
                    "<th scope=\"col\">Member</th>"
                    "<th scope=\"col\">Balancer</th>"
                    "<th scope=\"col\">Status</th>"
                    "<th scope=\"col\" class=\"num\">Busy</th>"
                    "<th scope=\"col\" class=\"num\">Set</th>"
                    "</tr></thead><tbody>\n");
    for (int i = 0; i < node->members->nelts; i++) {
        const svb_snap_member *member =
            APR_ARRAY_IDX(node->members, i, svb_snap_member *);

        put(s,
            "<tr><td>%s</td><td>%s</td><td>%s</td><td class=\"num\">" U64
            "</td><td class=\"num\">%d</td></tr>\n",
            member->worker, member->balancer, member->status, member->busy,
            member->lbset);
    }
    svb_sink_raw(s, "</tbody></table>\n");
}

static void put_explained(const table *t, const svb_snap_node *node)
{
    svb_sink_html(t->s, svb_state_describe(node->state)->explained);
}

/* A link only where it is what it should be: a URL from a bad configuration
 * might be a script. */
static void put_url(const table *t, const svb_snap_node *node)
{
    const char *url = node->url;

    if (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) {
        put(t->s, "<a rel=\"noreferrer noopener\" href=\"%s\">%s</a>", url,
            url);
    }
    else {
        svb_sink_html(t->s, url);
    }
}

/* The terms of the list; what is not there is left out. */
static const struct {
    svb_field_id field;
    put_fn *show; /* NULL: the field's value alone */
} details[] = {
    {SVB_FIELD_STATE, put_explained}, {SVB_FIELD_REASON, NULL},
    {SVB_FIELD_UNTIL, NULL},          {SVB_FIELD_URL, put_url},
    {SVB_FIELD_GROUP, NULL},          {SVB_FIELD_MAINTENANCE_HITS, NULL},
};

static int is_there(const svb_field *field, const svb_snap_node *node)
{
    svb_value value = svb_fields_read(field, node);

    switch (field->kind) {
    case SVB_VALUE_TEXT:
        return value.text && *value.text;
    case SVB_VALUE_UNTIL:
        return value.time > 0;
    default:
        return 1;
    }
}

static void put_list(const table *t, const svb_snap_node *node)
{
    svb_sink_raw(t->s, "<dl>");
    for (apr_size_t i = 0; i < COUNT(details); i++) {
        const svb_field *field = &svb_fields[details[i].field];

        if (!is_there(field, node)) {
            continue;
        }
        put(t->s, "<dt>%s</dt><dd>", field->heading);
        put_shown(t, node, details[i].field, details[i].show);
        svb_sink_raw(t->s, "</dd>");
    }
    svb_sink_raw(t->s, "</dl>\n");
}

static void put_details(const table *t, const svb_snap_node *node)
{
    put(t->s, "<details data-key=\"%s/%s\"><summary>Details, ", t->fleet->name,
        name_of(node));
    svb_sink_count(t->s, (apr_uint64_t)node->members->nelts, "member",
                   "members");
    svb_sink_raw(t->s, "</summary><div class=\"inner\">\n");
    put_list(t, node);
    put_members(t->s, node);
    if (t->snap->actions && has_route(node)) {
        svb_page_actions(t->s, t->snap, t->fleet, node, 1);
    }
    svb_sink_raw(t->s, "</div></details>\n");
}

/* ---------------------------------------------------------------- the table */

static void put_cells(const table *t, const svb_snap_node *node)
{
    for (apr_size_t i = 0; i < COUNT(columns); i++) {
        svb_sink_either(t->s, columns[i].number, "<td class=\"num\">", "<td>");
        put_shown(t, node, columns[i].field, columns[i].show);
        svb_sink_raw(t->s, "</td>");
    }
}

static void put_node(const table *t, const svb_snap_node *node, int node_at)
{
    int bad = svb_state_describe(node->state)->severity == SVB_SEVERITY_BAD;

    put(t->s, "<tbody id=\"n%d-%d\" class=\"%s\"><tr><th scope=\"row\">%s",
        t->fleet_at, node_at, bad ? "node trouble-row" : "node", name_of(node));
    if (!has_route(node)) {
        svb_sink_raw(t->s, " <small>no route</small>");
    }
    svb_sink_raw(t->s, "</th>");
    put_cells(t, node);
    put(t->s, "</tr>\n<tr class=\"more\"><td colspan=\"%d\"><div>",
        (int)COUNT(columns) + 1);
    put_details(t, node);
    if (t->snap->actions && has_route(node)) {
        svb_page_actions(t->s, t->snap, t->fleet, node, 0);
    }
    svb_sink_raw(t->s, "</div></td></tr></tbody>\n");
}

static void put_caption(svb_sink *s, const svb_snap_totals *totals)
{
    svb_sink_raw(s, "<caption>");
    svb_sink_count(s, totals->nodes, "node", "nodes");
    put(s, ": " U64 " serving, " U64 " taking new clients \xc2\xb7 ",
        totals->serving, totals->takes_new);
    svb_sink_count(s, totals->web, "web client", "web clients");
    svb_sink_raw(s, ", about ");
    svb_sink_count(s, totals->smart, "smart client", "smart clients");
    svb_sink_raw(s, " \xc2\xb7 ");
    svb_sink_count(s, totals->in_flight, "request", "requests");
    svb_sink_raw(s, " in flight</caption>\n");
}

static void put_head_row(svb_sink *s)
{
    svb_sink_raw(s, "<thead><tr><th scope=\"col\">Node</th>");
    for (apr_size_t i = 0; i < COUNT(columns); i++) {
        const svb_field *field = &svb_fields[columns[i].field];

        svb_sink_either(s, columns[i].number, "<th scope=\"col\" class=\"num\"",
                        "<th scope=\"col\"");
        put(s, " title=\"%s\">%s</th>",
            columns[i].help ? columns[i].help : field->help, field->heading);
    }
    svb_sink_raw(s, "</tr></thead>\n");
}

void svb_page_nodes_table(svb_sink *s, const svb_snapshot *snap, int fleet_at,
                          const svb_snap_totals *totals)
{
    table t = {s, snap, APR_ARRAY_IDX(snap->fleets, fleet_at, svb_snap_fleet *),
               fleet_at, 0};
    const apr_array_header_t *nodes = t.fleet->nodes;

    for (int i = 0; i < nodes->nelts; i++) {
        double l = load(APR_ARRAY_IDX(nodes, i, svb_snap_node *));

        t.fullest = l > t.fullest ? l : t.fullest;
    }
    /* tabindex: what scrolls must be reachable by keyboard */
    put(s,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
        "aria-labelledby=\"f%d\"><table class=\"nodes\">",
        fleet_at);
    put_caption(s, totals);
    put_head_row(s);
    for (int i = 0; i < nodes->nelts; i++) {
        put_node(&t, APR_ARRAY_IDX(nodes, i, svb_snap_node *), i);
    }
    svb_sink_raw(s, "</table></div>\n");
}
