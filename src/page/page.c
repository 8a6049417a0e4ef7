/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/page.h"

#include <string.h>

#include <apr_strings.h>

#include "page/page_fronts.h"
#include "page/page_nodes.h"

#include "page/page.css.inc"
#include "page/page.js.inc"

#define U64 "%" APR_UINT64_T_FMT

/* A literal with gaps, whose texts become HTML. */
#define put(s, ...) svb_sink_fill((s), svb_sink_html, __VA_ARGS__)

/* Nodes that the banner lists before it says "and so many more". */
#define TROUBLE_LISTED 12

/* For how long clients that were dropped are a matter of concern. */
#define EVICTIONS_MATTER apr_time_from_sec(3600)

/* What all fleets come to. */
typedef struct sums {
    svb_snap_totals all;
    int fleets_stuck; /* that take no new clients */
} sums;

static svb_snap_fleet *fleet_of(const svb_snapshot *snap, int i)
{
    return APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *);
}

static int is_stuck(const svb_snap_totals *totals)
{
    return totals->nodes > 0 && totals->takes_new == 0;
}

static void add_up(const svb_snapshot *snap, sums *sum)
{
    memset(sum, 0, sizeof(*sum));
    for (int i = 0; i < snap->fleets->nelts; i++) {
        svb_snap_totals t;

        svb_snap_fleet_totals(fleet_of(snap, i), &t);
        for (int j = 0; j < SVB_STATES; j++) {
            sum->all.in_state[j] += t.in_state[j];
        }
        sum->all.nodes += t.nodes;
        sum->all.serving += t.serving;
        sum->all.web += t.web;
        sum->all.smart += t.smart;
        sum->fleets_stuck += is_stuck(&t);
    }
}

/* ------------------------------------------------------- what needs attention */

/* Nodes that cannot serve and are judged so, as long as there is room. */
static void put_not_serving(svb_sink *s, const svb_snapshot *snap, int fleet_at,
                            svb_severity severity, int *room)
{
    const svb_snap_fleet *fleet = fleet_of(snap, fleet_at);

    for (int i = 0; i<fleet->nodes->nelts && * room> 0; i++) {
        const svb_snap_node *node =
            APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *);
        const svb_state_info *info = svb_state_describe(node->state);

        if (info->can_serve || info->severity != severity) {
            continue;
        }
        (*room)--;
        svb_sink_raw(s, "<li>");
        svb_page_nodes_link(s, snap, fleet_at, i);
        svb_sink_raw(s, " ");
        if (snap->fleets->nelts > 1) {
            put(s, "(fleet <b>%s</b>) ", fleet->name);
        }
        svb_page_nodes_badge(s, node->state);
        put(s, " %s</li>\n", info->explained);
    }
}

static void put_nobody(svb_sink *s, const svb_snap_fleet *fleet)
{
    svb_snap_totals totals;

    svb_snap_fleet_totals(fleet, &totals);
    if (is_stuck(&totals)) {
        put(s,
            "<li>No node of fleet <b>%s</b> takes new clients: they are "
            "answered 503.</li>\n",
            fleet->name);
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

static void put_trouble(svb_sink *s, const svb_snapshot *snap, const sums *sum)
{
    static const svb_severity worst_first[] = {SVB_SEVERITY_BAD,
                                               SVB_SEVERITY_WARN};
    apr_uint64_t away = sum->all.nodes - sum->all.serving;
    int room = TROUBLE_LISTED, fleets = snap->fleets->nelts;
    int worst = sum->fleets_stuck > 0 || sum->all.in_state[SVB_STATE_ERROR] > 0;

    if (away == 0 && !worst && !is_evicting(snap)) {
        return;
    }
    put(s,
        "<section class=\"%s\" aria-labelledby=\"trouble\">"
        "<h3 id=\"trouble\">Needs attention</h3>\n<ul>\n",
        worst ? "trouble worst" : "trouble");
    for (int i = 0; i < fleets; i++) {
        put_nobody(s, fleet_of(snap, i));
    }
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < fleets; i++) {
            put_not_serving(s, snap, i, worst_first[k], &room);
        }
    }
    if (away > TROUBLE_LISTED) {
        svb_sink_raw(s, "<li>and ");
        svb_sink_count(s, away - TROUBLE_LISTED, "more node", "more nodes");
        svb_sink_raw(s, " that cannot serve</li>\n");
    }
    put_table_trouble(s, snap);
    svb_sink_raw(s, "</ul></section>\n");
}

/* ----------------------------------------------------------------- what there is */

/* "3 nodes: 2 ready, 1 in error · 14 clients" */
static void put_summary(svb_sink *s, const sums *sum)
{
    const char *before = ": ";

    svb_sink_raw(s, "<p class=\"sum\"><b>");
    svb_sink_count(s, sum->all.nodes, "node", "nodes");
    svb_sink_raw(s, "</b>");
    for (int i = 0; i < SVB_STATES; i++) {
        if (sum->all.in_state[i] > 0) {
            put(s, "%s" U64 " %s", before, sum->all.in_state[i],
                svb_state_describe((svb_state)i)->phrase);
            before = ", ";
        }
    }
    svb_sink_raw(s, " \xc2\xb7 <b>");
    svb_sink_count(s, sum->all.web + sum->all.smart, "client", "clients");
    svb_sink_raw(s, "</b></p>\n");
}

static void put_fleet(svb_sink *s, const svb_snapshot *snap, int at)
{
    const svb_snap_fleet *fleet = fleet_of(snap, at);
    const apr_array_header_t *balancers = fleet->balancers;
    svb_snap_totals totals;

    svb_snap_fleet_totals(fleet, &totals);
    put(s, "<section><h2 id=\"f%d\">Fleet <b>%s</b></h2>\n<p class=\"dim\">",
        at, fleet->name);
    for (int i = 0; i < balancers->nelts; i++) {
        put(s, "%s<code>%s</code>", i > 0 ? ", " : "",
            APR_ARRAY_IDX(balancers, i, const char *));
    }
    svb_sink_raw(s, "</p>\n");
    if (totals.nodes > 0) {
        svb_page_nodes_table(s, snap, at, &totals);
    }
    else {
        svb_sink_raw(s, "<p>This fleet has no node yet: give one of its "
                        "balancers a <code>BalancerMember</code> with a "
                        "<code>route=</code>.</p>\n");
    }
    svb_sink_raw(s, "</section>\n");
}

static void put_header(svb_sink *s, const svb_snapshot *snap)
{
    put(s,
        "<header><h1>Servoy balancer <small>on <b>%s</b></small></h1>\n"
        "<p class=\"dim\">%s \xc2\xb7 up ",
        snap->server, snap->module);
    svb_sink_duration(s, snap->time - snap->started);
    put(s, " \xc2\xb7 client table: " U64 " of " U64 " (", snap->table.clients,
        snap->table.capacity);
    svb_sink_size(s, snap->table.bytes);
    svb_sink_raw(s, ") \xc2\xb7 as of <time datetime=\"");
    svb_sink_time(s, snap->time);
    svb_sink_raw(s, "\">");
    svb_sink_time(s, snap->time);
    svb_sink_raw(s, "</time> \xc2\xb7 <a href=\"?format=json\">JSON</a> "
                    "\xc2\xb7 <a href=\"?format=prometheus\">Prometheus</a>"
                    "</p></header>\n");
}

static void put_main(svb_sink *s, const svb_snapshot *snap, const sums *sum)
{
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
    svb_page_fronts(s, snap);
    put_trouble(s, snap, sum);
    for (int i = 0; i < snap->fleets->nelts; i++) {
        put_fleet(s, snap, i);
    }
    svb_sink_raw(s, "</main>\n");
}

/* ------------------------------------------------------------- the whole page */

static void put_title(svb_sink *s, const svb_snapshot *snap, const sums *sum)
{
    apr_uint64_t bad = sum->all.in_state[SVB_STATE_ERROR];

    svb_sink_raw(s, "<title>");
    if (bad > 0) {
        put(s, U64 " in error \xe2\x80\x93 ", bad);
    }
    put(s, "Servoy balancer on %s</title>\n", snap->server);
}

apr_status_t svb_page_snapshot(const svb_snapshot *snap, const char *csp_nonce,
                               svb_sink *s)
{
    sums sum;

    add_up(snap, &sum);
    svb_sink_raw(s, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
                    "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
                    "content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"robots\" content=\"noindex\">\n");
    put_title(s, snap, &sum);
    put(s, "<style nonce=\"%s\">\n", csp_nonce);
    svb_sink_raw(s, EMBED_PAGE_CSS "</style>\n</head>\n<body>\n");
    put_main(s, snap, &sum);
    svb_sink_raw(s, "<footer><p>Smart clients are an estimate: those launched "
                    "within <code>ServoyLaunchTimeout</code>, whether or not "
                    "they still run. A node is safe to stop when it takes no "
                    "new clients and has none of either kind; with no web "
                    "clients, only smart ones can be left. The bars compare "
                    "the clients for each node's load factor within its "
                    "fleet. Times are UTC.</p></footer>\n"
                    "<p id=\"live\" class=\"warn\" role=\"status\"></p>\n");
    put(s, "<script nonce=\"%s\">\n", csp_nonce);
    svb_sink_raw(s, EMBED_PAGE_JS "</script>\n</body>\n</html>\n");
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
