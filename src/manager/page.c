/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "manager/page.h"

#include <string.h>

#include <apr_strings.h>

#include "manager/page.css.inc"
#include "manager/page.js.inc"
#include "nodes/action.h"

/* Nodes that the banner lists before it says "and so many more". */
#define TROUBLE_LISTED 12

/* For how long clients that were dropped are a matter of concern. */
#define EVICTIONS_MATTER apr_time_from_sec(3600)

/* What the writers of a node's parts need to know. */
typedef struct page {
    svb_sink *s;
    const svb_snapshot *snap;
    const svb_snap_fleet *fleet;
    int fleet_at;   /* the fleet's index: makes ids unique */
    double fullest; /* most clients per loadfactor in the fleet */
} page;

static void put_style(svb_sink *s, const char *csp_nonce)
{
    svb_sink_raw(s, "<style nonce=\"");
    svb_sink_html(s, csp_nonce);
    svb_sink_raw(s, "\">\n" EMBED_PAGE_CSS "</style>\n");
}

static void put_script(svb_sink *s, const char *csp_nonce)
{
    svb_sink_raw(s, "<script nonce=\"");
    svb_sink_html(s, csp_nonce);
    svb_sink_raw(s, "\">\n" EMBED_PAGE_JS "</script>\n");
}

static void put_badge(svb_sink *s, svb_state state)
{
    const svb_state_info *info = svb_state_describe(state);

    svb_sink_raw(s, "<span class=\"badge ");
    svb_sink_word(s, svb_state_severity_name(info->severity));
    svb_sink_raw(s, "\" title=\"");
    svb_sink_html(s, info->explained);
    svb_sink_raw(s, "\">");
    svb_sink_html(s, info->name);
    svb_sink_raw(s, "</span>");
}

static int has_route(const svb_snap_node *node)
{
    return node->route && *node->route;
}

/* What people call a node: its route or, where it has none, its member. */
static void put_name(svb_sink *s, const svb_snap_node *node)
{
    if (has_route(node)) {
        svb_sink_html(s, node->route);
    }
    else if (node->members->nelts > 0) {
        svb_sink_html(
            s, APR_ARRAY_IDX(node->members, 0, svb_snap_member *)->worker);
    }
}

/* The id of a node's rows: from indexes, so that no route can break it. */
static void put_id(const page *pg, int node_at)
{
    svb_sink_raw(pg->s, "n");
    svb_sink_int(pg->s, pg->fleet_at);
    svb_sink_raw(pg->s, "-");
    svb_sink_int(pg->s, node_at);
}

/*
 * The cells of a node's row, one function each.
 */

static void put_state(const page *pg, const svb_snap_node *node)
{
    put_badge(pg->s, node->state);
}

/* Clients that a node has for its loadfactor: what the election compares. */
static double load(const svb_snap_node *node)
{
    double lf = node->loadfactor > 0.01 ? node->loadfactor : 0.01;

    return ((double)node->web + (double)node->smart) / lf;
}

/* A bar that is full for the fullest node of the fleet. The numbers are beside
 * it, so it need not be read aloud. */
static void put_bar(const page *pg, const svb_snap_node *node)
{
    double all = (double)node->web + (double)node->smart;
    double length = pg->fullest > 0 ? 100 * load(node) / pg->fullest : 0;
    double web = all > 0 ? length * (double)node->web / all : 0;

    svb_sink_raw(pg->s, "<svg class=\"bar\" viewBox=\"0 0 100 1\" "
                        "preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    if (all > 0) {
        svb_sink_raw(pg->s, "<rect class=\"web\" height=\"1\" width=\"");
        svb_sink_double(pg->s, web);
        svb_sink_raw(pg->s, "\"/><rect class=\"smart\" height=\"1\" x=\"");
        svb_sink_double(pg->s, web);
        svb_sink_raw(pg->s, "\" width=\"");
        svb_sink_double(pg->s, length - web);
        svb_sink_raw(pg->s, "\"/>");
    }
    svb_sink_raw(pg->s, "</svg>");
}

static void put_clients(const page *pg, const svb_snap_node *node)
{
    svb_sink_uint(pg->s, node->web);
    svb_sink_raw(pg->s, " web, ~");
    svb_sink_uint(pg->s, node->smart);
    svb_sink_raw(pg->s, " smart");
    put_bar(pg, node);
}

static void put_in_flight(const page *pg, const svb_snap_node *node)
{
    svb_sink_uint(pg->s, node->in_flight);
}

static void put_loadfactor(const page *pg, const svb_snap_node *node)
{
    svb_sink_double(pg->s, node->loadfactor);
}

static void put_maxclients(const page *pg, const svb_snap_node *node)
{
    if (node->maxclients > 0) {
        svb_sink_uint(pg->s, node->maxclients);
    }
    else {
        svb_sink_raw(pg->s, "<span class=\"dim\">no limit</span>");
    }
}

static void put_elected(const page *pg, const svb_snap_node *node)
{
    svb_sink_uint(pg->s, node->counters[SVB_CTR_ELECTED]);
}

static void put_sticky(const page *pg, const svb_snap_node *node)
{
    svb_sink_uint(pg->s, node->counters[SVB_CTR_STICKY]);
}

static void put_launches(const page *pg, const svb_snap_node *node)
{
    svb_sink_uint(pg->s, node->counters[SVB_CTR_LAUNCHES]);
}

static void put_failovers(const page *pg, const svb_snap_node *node)
{
    svb_sink_uint(pg->s, node->counters[SVB_CTR_FAILED_OVER_FROM]);
    svb_sink_raw(pg->s, " / ");
    svb_sink_uint(pg->s, node->counters[SVB_CTR_FAILED_OVER_TO]);
}

static void put_errors(const page *pg, const svb_snap_node *node)
{
    if (node->counters[SVB_CTR_ERRORS] == 0) {
        svb_sink_raw(pg->s, "0");
        return;
    }
    svb_sink_raw(pg->s, "<span class=\"high\">");
    svb_sink_uint(pg->s, node->counters[SVB_CTR_ERRORS]);
    svb_sink_raw(pg->s, "</span>");
}

static void put_traffic(const page *pg, const svb_snap_node *node)
{
    svb_sink_size(pg->s, node->bytes_to);
    svb_sink_raw(pg->s, " to<br>");
    svb_sink_size(pg->s, node->bytes_from);
    svb_sink_raw(pg->s, " from");
}

static void put_change(const page *pg, const svb_snap_node *node)
{
    if (node->last_change <= 0) {
        svb_sink_raw(pg->s, "<span class=\"dim\">none seen</span>");
        return;
    }
    svb_sink_raw(pg->s, "<time datetime=\"");
    svb_sink_time(pg->s, node->last_change);
    svb_sink_raw(pg->s, "\" title=\"");
    svb_sink_time(pg->s, node->last_change);
    svb_sink_raw(pg->s, "\">");
    svb_sink_duration(pg->s, pg->snap->time - node->last_change);
    svb_sink_raw(pg->s, " ago</time>");
}

static void put_safe(const page *pg, const svb_snap_node *node)
{
    int waits = !svb_state_describe(node->state)->takes_new;

    if (node->safe_to_stop) {
        svb_sink_raw(pg->s, "<b>yes</b>");
        return;
    }
    svb_sink_raw(pg->s, "no");
    if (waits && node->web == 0 && node->smart > 0) {
        svb_sink_raw(pg->s, "<small>only smart left</small>");
    }
}

/* The columns after the node's name. */
static const struct {
    const char *head;
    const char *explained;
    void (*put)(const page *pg, const svb_snap_node *node);
    int number;
} columns[] = {
    {"State", "What the node does for its fleet", put_state, 0},
    {"Clients", "Clients now; smart clients are an estimate", put_clients, 0},
    {"Safe to stop", "Takes no new clients and has none", put_safe, 0},
    {"In flight", "Requests on the node now", put_in_flight, 1},
    {"Load factor", "Share of the clients, relative to others", put_loadfactor,
     1},
    {"Max clients", "Clients that the node may hold at most", put_maxclients,
     1},
    {"Elected", "New clients given to the node", put_elected, 1},
    {"Sticky", "Requests of clients that the node already had", put_sticky, 1},
    {"Launches", "Launches of Smart Clients", put_launches, 1},
    {"Failovers from / to",
     "Requests that other nodes took over from this "
     "one / that this one took over",
     put_failovers, 1},
    {"Errors", "Attempts to reach the node that failed", put_errors, 1},
    {"Traffic", "Bytes sent to the node and received from it", put_traffic, 1},
    {"Last change", "When its state last changed", put_change, 0},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/*
 * What can be done to a node. The first four are in plain sight, the others
 * stand in what unfolds. Those that take something from users ask first.
 */
static const struct {
    svb_action_kind action;
    const char *label;
    const char *explained;
    const char *ask; /* followed by the route and "?", or NULL */
    int folded;
} buttons[] = {
    {SVB_ACTION_DRAIN, "Drain", "Takes no new clients, keeps those it has",
     NULL, 0},
    {SVB_ACTION_ENABLE, "Enable", "Back to normal", NULL, 0},
    {SVB_ACTION_MAINTENANCE, "Maintenance",
     "Takes no new clients until it is enabled", NULL, 0},
    {SVB_ACTION_DISABLE, "Disable", "No requests at all, its clients move",
     "Cut off all clients of", 0},
    {SVB_ACTION_FORGET, "Forget clients",
     "Drops the node's clients from the table", "Forget all clients of", 1},
    {SVB_ACTION_RESET, "Reset counters", "Zeroes the node's counters", NULL, 1},
};

static void put_form_start(const page *pg, const svb_snap_node *node)
{
    svb_sink_raw(pg->s, "<form method=\"post\" aria-label=\"Actions on ");
    svb_sink_html(pg->s, node->route);
    svb_sink_raw(pg->s, "\"><input type=\"hidden\" name=\"fleet\" value=\"");
    svb_sink_html(pg->s, pg->fleet->name);
    svb_sink_raw(pg->s, "\"><input type=\"hidden\" name=\"node\" value=\"");
    svb_sink_html(pg->s, node->route);
    svb_sink_raw(pg->s, "\"><input type=\"hidden\" name=\"nonce\" value=\"");
    svb_sink_html(pg->s, pg->snap->nonce);
    svb_sink_raw(pg->s, "\">");
}

static void put_buttons(const page *pg, const svb_snap_node *node, int folded)
{
    apr_size_t i;

    put_form_start(pg, node);
    for (i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++) {
        if (buttons[i].folded != folded) {
            continue;
        }
        svb_sink_raw(pg->s, "<button name=\"action\" value=\"");
        svb_sink_word(pg->s, svb_action_name(buttons[i].action));
        svb_sink_raw(pg->s, "\" title=\"");
        svb_sink_html(pg->s, buttons[i].explained);
        if (buttons[i].ask) {
            svb_sink_raw(pg->s, "\" data-ask=\"");
            svb_sink_html(pg->s, buttons[i].ask);
            svb_sink_raw(pg->s, " ");
            svb_sink_html(pg->s, node->route);
            svb_sink_raw(pg->s, "?");
        }
        svb_sink_raw(pg->s, "\">");
        svb_sink_html(pg->s, buttons[i].label);
        svb_sink_raw(pg->s, "</button>");
    }
    svb_sink_raw(pg->s, "</form>\n");
}

/* A form of its own: Return in its field must not press another button. */
static void put_loadfactor_form(const page *pg, const svb_snap_node *node)
{
    put_form_start(pg, node);
    svb_sink_raw(pg->s, "<label>Load factor <input type=\"number\" "
                        "name=\"value\" step=\"0.01\" required min=\"");
    svb_sink_double(pg->s, SVB_LOADFACTOR_MIN);
    svb_sink_raw(pg->s, "\" max=\"");
    svb_sink_double(pg->s, SVB_LOADFACTOR_MAX);
    svb_sink_raw(pg->s, "\" value=\"");
    svb_sink_double(pg->s, node->loadfactor);
    svb_sink_raw(pg->s, "\"></label> <button name=\"action\" value=\"");
    svb_sink_word(pg->s, svb_action_name(SVB_ACTION_LOADFACTOR));
    svb_sink_raw(pg->s, "\">Set</button></form>\n");
}

static void put_members(svb_sink *s, const svb_snap_node *node)
{
    int i;

    svb_sink_raw(s, "<table class=\"members\"><thead><tr>"
                    "<th scope=\"col\">Member</th>"
                    "<th scope=\"col\">Balancer</th>"
                    "<th scope=\"col\">Status</th>"
                    "<th scope=\"col\" class=\"num\">Busy</th>"
                    "<th scope=\"col\" class=\"num\">Set</th>"
                    "</tr></thead><tbody>\n");
    for (i = 0; i < node->members->nelts; i++) {
        const svb_snap_member *member =
            APR_ARRAY_IDX(node->members, i, svb_snap_member *);
        svb_sink_raw(s, "<tr><td>");
        svb_sink_html(s, member->worker);
        svb_sink_raw(s, "</td><td>");
        svb_sink_html(s, member->balancer);
        svb_sink_raw(s, "</td><td>");
        svb_sink_html(s, member->status);
        svb_sink_raw(s, "</td><td class=\"num\">");
        svb_sink_uint(s, member->busy);
        svb_sink_raw(s, "</td><td class=\"num\">");
        svb_sink_int(s, member->lbset);
        svb_sink_raw(s, "</td></tr>\n");
    }
    svb_sink_raw(s, "</tbody></table>\n");
}

/* The direct URL, as a link only where it is what it should be: one from a bad
 * configuration might be a script. */
static void put_url(svb_sink *s, const char *url)
{
    int link =
        strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;

    svb_sink_raw(s, "<dt>Direct URL</dt><dd>");
    if (link) {
        svb_sink_raw(s, "<a rel=\"noreferrer noopener\" href=\"");
        svb_sink_html(s, url);
        svb_sink_raw(s, "\">");
    }
    svb_sink_html(s, url);
    if (link) {
        svb_sink_raw(s, "</a>");
    }
    svb_sink_raw(s, "</dd>");
}

static void put_details(const page *pg, const svb_snap_node *node)
{
    svb_sink *s = pg->s;

    svb_sink_raw(s, "<details data-key=\"");
    svb_sink_html(s, pg->fleet->name);
    svb_sink_raw(s, "/");
    put_name(s, node);
    svb_sink_raw(s, "\"><summary>Details, ");
    svb_sink_count(s, (apr_uint64_t)node->members->nelts, "member", "members");
    svb_sink_raw(s, "</summary><div class=\"inner\">\n<dl>"
                    "<dt>State</dt><dd>");
    svb_sink_html(s, svb_state_describe(node->state)->explained);
    svb_sink_raw(s, "</dd>");
    if (node->no_answer) {
        svb_sink_raw(s, "<dt>Does not answer</dt><dd>");
        svb_sink_html(s, node->no_answer);
        svb_sink_raw(s, " when asked whether it is there</dd>");
    }
    if (node->url && *node->url) {
        put_url(s, node->url);
    }
    if (node->group && *node->group) {
        svb_sink_raw(s, "<dt>Group</dt><dd>");
        svb_sink_html(s, node->group);
        svb_sink_raw(s, "</dd>");
    }
    svb_sink_raw(s, "<dt>New clients refused in maintenance</dt><dd>");
    svb_sink_uint(s, node->counters[SVB_CTR_MAINTENANCE_HITS]);
    svb_sink_raw(s, "</dd></dl>\n");
    put_members(s, node);
    if (pg->snap->actions && has_route(node)) {
        put_loadfactor_form(pg, node);
        put_buttons(pg, node, 1);
    }
    svb_sink_raw(s, "</div></details>\n");
}

static void put_node(const page *pg, const svb_snap_node *node, int node_at)
{
    svb_sink *s = pg->s;
    int bad = svb_state_describe(node->state)->severity == SVB_SEVERITY_BAD;
    apr_size_t i;

    svb_sink_raw(s, "<tbody id=\"");
    put_id(pg, node_at);
    svb_sink_raw(s, "\" class=\"node");
    if (bad) {
        svb_sink_raw(s, " trouble-row");
    }
    svb_sink_raw(s, "\"><tr><th scope=\"row\">");
    put_name(s, node);
    if (!has_route(node)) {
        svb_sink_raw(s, " <small>no route</small>");
    }
    svb_sink_raw(s, "</th>");
    for (i = 0; i < COLUMNS; i++) {
        if (columns[i].number) {
            svb_sink_raw(s, "<td class=\"num\">");
        }
        else {
            svb_sink_raw(s, "<td>");
        }
        columns[i].put(pg, node);
        svb_sink_raw(s, "</td>");
    }
    svb_sink_raw(s, "</tr>\n<tr class=\"more\"><td colspan=\"");
    svb_sink_uint(s, COLUMNS + 1);
    svb_sink_raw(s, "\"><div>");
    put_details(pg, node);
    if (pg->snap->actions && has_route(node)) {
        put_buttons(pg, node, 0);
    }
    svb_sink_raw(s, "</div></td></tr></tbody>\n");
}

static void put_head_row(svb_sink *s)
{
    apr_size_t i;

    svb_sink_raw(s, "<thead><tr><th scope=\"col\">Node</th>");
    for (i = 0; i < COLUMNS; i++) {
        svb_sink_raw(s, "<th scope=\"col\"");
        if (columns[i].number) {
            svb_sink_raw(s, " class=\"num\"");
        }
        svb_sink_raw(s, " title=\"");
        svb_sink_html(s, columns[i].explained);
        svb_sink_raw(s, "\">");
        svb_sink_html(s, columns[i].head);
        svb_sink_raw(s, "</th>");
    }
    svb_sink_raw(s, "</tr></thead>\n");
}

static void put_caption(svb_sink *s, const svb_snap_totals *totals)
{
    svb_sink_raw(s, "<caption>");
    svb_sink_count(s, totals->nodes, "node", "nodes");
    svb_sink_raw(s, ": ");
    svb_sink_uint(s, totals->serving);
    svb_sink_raw(s, " serving, ");
    svb_sink_uint(s, totals->takes_new);
    svb_sink_raw(s, " taking new clients \xc2\xb7 ");
    svb_sink_count(s, totals->web, "web client", "web clients");
    svb_sink_raw(s, ", about ");
    svb_sink_count(s, totals->smart, "smart client", "smart clients");
    svb_sink_raw(s, " \xc2\xb7 ");
    svb_sink_count(s, totals->in_flight, "request", "requests");
    svb_sink_raw(s, " in flight</caption>\n");
}

static void put_nodes(page *pg, const svb_snap_totals *totals)
{
    const apr_array_header_t *nodes = pg->fleet->nodes;
    svb_sink *s = pg->s;
    int i;

    pg->fullest = 0;
    for (i = 0; i < nodes->nelts; i++) {
        double l = load(APR_ARRAY_IDX(nodes, i, svb_snap_node *));
        pg->fullest = l > pg->fullest ? l : pg->fullest;
    }
    /* tabindex: what scrolls must be reachable by keyboard */
    svb_sink_raw(s, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
                    "aria-labelledby=\"f");
    svb_sink_int(s, pg->fleet_at);
    svb_sink_raw(s, "\"><table class=\"nodes\">");
    put_caption(s, totals);
    put_head_row(s);
    for (i = 0; i < nodes->nelts; i++) {
        put_node(pg, APR_ARRAY_IDX(nodes, i, svb_snap_node *), i);
    }
    svb_sink_raw(s, "</table></div>\n");
}

static void put_fleet(page *pg)
{
    const apr_array_header_t *balancers = pg->fleet->balancers;
    svb_sink *s = pg->s;
    svb_snap_totals totals;
    int i;

    svb_snap_fleet_totals(pg->fleet, &totals);
    svb_sink_raw(s, "<section><h2 id=\"f");
    svb_sink_int(s, pg->fleet_at);
    svb_sink_raw(s, "\">Fleet <b>");
    svb_sink_html(s, pg->fleet->name);
    svb_sink_raw(s, "</b></h2>\n<p class=\"dim\">");
    for (i = 0; i < balancers->nelts; i++) {
        if (i > 0) {
            svb_sink_raw(s, ", ");
        }
        svb_sink_raw(s, "<code>");
        svb_sink_html(s, APR_ARRAY_IDX(balancers, i, const char *));
        svb_sink_raw(s, "</code>");
    }
    svb_sink_raw(s, "</p>\n");
    if (totals.nodes > 0) {
        put_nodes(pg, &totals);
    }
    else {
        svb_sink_raw(s, "<p>This fleet has no node yet: give one of its "
                        "balancers a <code>BalancerMember</code> with a "
                        "<code>route=</code>.</p>\n");
    }
    svb_sink_raw(s, "</section>\n");
}

/*
 * The banner.
 */

/* Nodes that cannot serve and are judged so, as long as there is room. */
static void put_not_serving(page *pg, svb_severity severity, int *room)
{
    const apr_array_header_t *nodes = pg->fleet->nodes;
    int i;

    for (i = 0; i<nodes->nelts && * room> 0; i++) {
        const svb_snap_node *node = APR_ARRAY_IDX(nodes, i, svb_snap_node *);
        const svb_state_info *info = svb_state_describe(node->state);

        if (info->can_serve || info->severity != severity) {
            continue;
        }
        (*room)--;
        svb_sink_raw(pg->s, "<li><a href=\"#");
        put_id(pg, i);
        svb_sink_raw(pg->s, "\">");
        put_name(pg->s, node);
        svb_sink_raw(pg->s, "</a> ");
        if (pg->snap->fleets->nelts > 1) {
            svb_sink_raw(pg->s, "(fleet <b>");
            svb_sink_html(pg->s, pg->fleet->name);
            svb_sink_raw(pg->s, "</b>) ");
        }
        put_badge(pg->s, node->state);
        svb_sink_raw(pg->s, " ");
        svb_sink_html(pg->s, info->explained);
        svb_sink_raw(pg->s, "</li>\n");
    }
}

static void put_nobody(page *pg)
{
    svb_snap_totals totals;

    svb_snap_fleet_totals(pg->fleet, &totals);
    if (totals.nodes > 0 && totals.takes_new == 0) {
        svb_sink_raw(pg->s, "<li>No node of fleet <b>");
        svb_sink_html(pg->s, pg->fleet->name);
        svb_sink_raw(pg->s, "</b> takes new clients: they are answered "
                            "503.</li>\n");
    }
}

/* Once a table was made larger, or the rush is over, it is no trouble any more. */
static int is_evicting(const svb_snapshot *snap)
{
    return snap->table.evicted_at
           && snap->time < snap->table.evicted_at + EVICTIONS_MATTER;
}

static void put_table_trouble(svb_sink *s, const svb_snapshot *snap)
{
    if (is_evicting(snap)) {
        svb_sink_raw(s, "<li>The client table had no room for ");
        svb_sink_count(s, snap->table.evicted, "client", "clients");
        svb_sink_raw(s, ": raise <code>ServoyClientTable</code>.</li>\n");
    }
}

/* What all fleets come to. */
typedef struct sums {
    svb_snap_totals all;
    int fleets_stuck; /* that take no new clients */
} sums;

static void add_up(const svb_snapshot *snap, sums *sum)
{
    int i, j;

    memset(sum, 0, sizeof(*sum));
    for (i = 0; i < snap->fleets->nelts; i++) {
        svb_snap_totals t;

        svb_snap_fleet_totals(APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *),
                              &t);
        for (j = 0; j < SVB_STATES; j++) {
            sum->all.in_state[j] += t.in_state[j];
        }
        sum->all.nodes += t.nodes;
        sum->all.serving += t.serving;
        sum->all.web += t.web;
        sum->all.smart += t.smart;
        sum->fleets_stuck += t.nodes > 0 && t.takes_new == 0;
    }
}

static void set_fleet(page *pg, int i)
{
    pg->fleet_at = i;
    pg->fleet = APR_ARRAY_IDX(pg->snap->fleets, i, svb_snap_fleet *);
}

static void put_trouble(page *pg, const sums *sum)
{
    apr_uint64_t away = sum->all.nodes - sum->all.serving;
    int room = TROUBLE_LISTED, fleets = pg->snap->fleets->nelts, i;
    int worst = sum->fleets_stuck > 0 || sum->all.in_state[SVB_STATE_ERROR] > 0;

    if (away == 0 && !worst && !is_evicting(pg->snap)) {
        return;
    }
    if (worst) {
        svb_sink_raw(pg->s, "<section class=\"trouble worst\"");
    }
    else {
        svb_sink_raw(pg->s, "<section class=\"trouble\"");
    }
    svb_sink_raw(pg->s, " aria-labelledby=\"trouble\"><h3 id=\"trouble\">"
                        "Needs attention</h3>\n<ul>\n");
    for (i = 0; i < fleets; i++) {
        set_fleet(pg, i);
        put_nobody(pg);
    }
    for (i = 0; i < 2 * fleets; i++) { /* first the bad of all, then others */
        set_fleet(pg, i % fleets);
        put_not_serving(pg, i < fleets ? SVB_SEVERITY_BAD : SVB_SEVERITY_WARN,
                        &room);
    }
    if (away > TROUBLE_LISTED) {
        svb_sink_raw(pg->s, "<li>and ");
        svb_sink_count(pg->s, away - TROUBLE_LISTED, "more node", "more nodes");
        svb_sink_raw(pg->s, " that cannot serve</li>\n");
    }
    put_table_trouble(pg->s, pg->snap);
    svb_sink_raw(pg->s, "</ul></section>\n");
}

/* "3 nodes: 2 ready, 1 in error · 14 clients" */
static void put_summary(svb_sink *s, const sums *sum)
{
    int i, first = 1;

    svb_sink_raw(s, "<p class=\"sum\"><b>");
    svb_sink_count(s, sum->all.nodes, "node", "nodes");
    svb_sink_raw(s, "</b>");
    for (i = 0; i < SVB_STATES; i++) {
        if (sum->all.in_state[i] == 0) {
            continue;
        }
        if (first) {
            svb_sink_raw(s, ": ");
        }
        else {
            svb_sink_raw(s, ", ");
        }
        first = 0;
        svb_sink_uint(s, sum->all.in_state[i]);
        svb_sink_raw(s, " ");
        svb_sink_html(s, svb_state_describe((svb_state)i)->phrase);
    }
    svb_sink_raw(s, " \xc2\xb7 <b>");
    svb_sink_count(s, sum->all.web + sum->all.smart, "client", "clients");
    svb_sink_raw(s, "</b></p>\n");
}

static void put_header(svb_sink *s, const svb_snapshot *snap)
{
    svb_sink_raw(s, "<header><h1>Servoy balancer <small>on <b>");
    svb_sink_html(s, snap->server);
    svb_sink_raw(s, "</b></small></h1>\n<p class=\"dim\">");
    svb_sink_html(s, snap->module);
    svb_sink_raw(s, " \xc2\xb7 up ");
    svb_sink_duration(s, snap->time - snap->started);
    svb_sink_raw(s, " \xc2\xb7 client table: ");
    svb_sink_uint(s, snap->table.clients);
    svb_sink_raw(s, " of ");
    svb_sink_uint(s, snap->table.capacity);
    svb_sink_raw(s, " (");
    svb_sink_size(s, snap->table.bytes);
    svb_sink_raw(s, ") \xc2\xb7 as of <time datetime=\"");
    svb_sink_time(s, snap->time);
    svb_sink_raw(s, "\">");
    svb_sink_time(s, snap->time);
    svb_sink_raw(s, "</time> \xc2\xb7 <a href=\"?format=json\">JSON</a> "
                    "\xc2\xb7 <a href=\"?format=prometheus\">Prometheus</a>"
                    "</p></header>\n");
}

static void put_main(const svb_snapshot *snap, const sums *sum, svb_sink *s)
{
    page pg = {s, snap, NULL, 0, 0};
    int i;

    svb_sink_raw(s, "<main id=\"main\">\n");
    put_header(s, snap);
    if (snap->fleets->nelts == 0) {
        svb_sink_raw(s, "<p class=\"sum\"><b>There is no fleet yet.</b></p>\n"
                        "<p>A fleet comes into being with the first balancer "
                        "that has <code>ProxySet lbmethod=servoy</code> in its "
                        "<code>&lt;Proxy \"balancer://\xe2\x80\xa6\"&gt;</code>"
                        " section.</p>\n");
    }
    else {
        put_summary(s, sum);
    }
    put_trouble(&pg, sum);
    for (i = 0; i < snap->fleets->nelts; i++) {
        set_fleet(&pg, i);
        put_fleet(&pg);
    }
    svb_sink_raw(s, "</main>\n");
}

static void put_title(const svb_snapshot *snap, const sums *sum, svb_sink *s)
{
    apr_uint64_t bad = sum->all.in_state[SVB_STATE_ERROR];

    svb_sink_raw(s, "<title>");
    if (bad > 0) {
        svb_sink_uint(s, bad);
        svb_sink_raw(s, " in error \xe2\x80\x93 ");
    }
    svb_sink_raw(s, "Servoy balancer on ");
    svb_sink_html(s, snap->server);
    svb_sink_raw(s, "</title>\n");
}

apr_status_t svb_page_page(const svb_snapshot *snap, const char *csp_nonce,
                           svb_sink *s)
{
    sums sum;

    add_up(snap, &sum);
    svb_sink_raw(s, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
                    "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
                    "content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"robots\" content=\"noindex\">\n");
    put_title(snap, &sum, s);
    put_style(s, csp_nonce);
    svb_sink_raw(s, "</head>\n<body>\n");
    put_main(snap, &sum, s);
    svb_sink_raw(s, "<footer><p>Smart clients are an estimate: those launched "
                    "within <code>ServoyLaunchTimeout</code>, whether or not "
                    "they still run. A node is safe to stop when it takes no "
                    "new clients and has none of either kind; with no web "
                    "clients, only smart ones can be left. The bars compare "
                    "the clients for each node's load factor within its "
                    "fleet. Times are UTC.</p></footer>\n"
                    "<p id=\"live\" class=\"warn\" role=\"status\"></p>\n");
    put_script(s, csp_nonce);
    svb_sink_raw(s, "</body>\n</html>\n");
    return svb_sink_flush(s);
}

const char *svb_page_csp(apr_pool_t *p, const char *csp_nonce)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/-_=";
    const char *source = "'none'";

    if (csp_nonce && *csp_nonce
        && csp_nonce[strspn(csp_nonce, base64)] == '\0') {
        source = apr_pstrcat(p, "'nonce-", csp_nonce, "'", NULL);
    }
    return apr_pstrcat(p, "default-src 'none'; style-src ", source,
                       "; script-src ", source,
                       "; form-action 'self'; frame-ancestors 'none'; "
                       "base-uri 'none'; connect-src 'self'",
                       NULL);
}
