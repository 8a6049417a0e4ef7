/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/rows.h"

#include <string.h>

#include <apr_strings.h>

#include "page/spark.h"
#include "page/unfolded.h"
#include "report/phrase.h"

#define U64 "%" APR_UINT64_T_FMT

/* How the page shows each state: a sign, and what fits it best. Those that take
 * something from users ask first. */
static const struct {
    const char *sign, *word; /* word NULL: the state's name */
    svb_action_kind fits;
} looks[SVB_STATES] = {
    [SVB_STATE_READY] = {"\xe2\x9c\x93", NULL, SVB_ACTION_DRAIN},
    [SVB_STATE_SLOWSTART] = {"\xe2\x86\x97", "slow start", SVB_ACTION_DRAIN},
    [SVB_STATE_DEGRADED] = {"\xe2\x97\x91", NULL, SVB_ACTION_DRAIN},
    [SVB_STATE_SUSPECT] = {"!", NULL, SVB_ACTION_DRAIN},
    [SVB_STATE_FULL] = {"\xe2\x96\xa0", NULL, SVB_ACTION_DRAIN},
    [SVB_STATE_DRAINING] = {"\xe2\x97\x90", NULL, SVB_ACTION_ENABLE},
    [SVB_STATE_MAINTENANCE] = {"\xe2\x97\x90", NULL, SVB_ACTION_ENABLE},
    [SVB_STATE_STANDBY] = {"\xe2\x80\xa6", NULL, SVB_ACTION_DRAIN},
    [SVB_STATE_SPARE] = {"\xe2\x80\xa6", NULL, SVB_ACTION_DRAIN},
    [SVB_STATE_SILENT] = {"?", NULL, SVB_ACTION_DISABLE},
    [SVB_STATE_ERROR] = {"\xe2\x96\xb2", "down", SVB_ACTION_DISABLE},
    [SVB_STATE_DISABLED] = {"\xe2\x80\x93", NULL, SVB_ACTION_ENABLE},
    [SVB_STATE_STOPPED] = {"\xe2\x80\x93", NULL, SVB_ACTION_ENABLE},
};

const char *svb_rows_word(svb_state state)
{
    return (unsigned int)state < SVB_STATES && looks[state].word
               ? looks[state].word
               : svb_state_name(state);
}

const char *svb_rows_id(apr_pool_t *p, int several, const char *fleet,
                        const char *name)
{
    return several ? apr_pstrcat(p, fleet ? fleet : "", "/", name, NULL) : name;
}

apr_uint64_t svb_rows_others(const svb_snap_fleet *fleet,
                             const svb_snap_node *node)
{
    apr_uint64_t n = 0, reserve = 0;

    for (int i = 0; i < fleet->nodes->nelts; i++) {
        const svb_snap_node *other =
            APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *);

        if (other != node) {
            n += svb_state_describe(other->state)->takes_new;
            reserve += other->state == SVB_STATE_STANDBY
                       || other->state == SVB_STATE_SPARE;
        }
    }
    return n > 0 ? n : reserve;
}

/* ------------------------------------------------------- which, in which order */

static svb_severity severity_of(const svb_snap_node *node)
{
    svb_severity severity = svb_state_describe(node->state)->severity;

    return severity < SVB_SEVERITY_WARN && node->other_route
                   && *node->other_route
               ? SVB_SEVERITY_WARN
               : severity;
}

static int more(double a, double b)
{
    return a > b ? -1 : a < b;
}

/* Below zero: a comes first. */
static int compare(const svb_snap_node *a, const svb_snap_node *b,
                   svb_place_sort sort)
{
    switch (sort) {
    case SVB_SORT_NAME:
        return apr_strnatcmp(svb_phrase_node(a), svb_phrase_node(b));
    case SVB_SORT_USERS:
        return more((double)a->web + (double)a->smart,
                    (double)b->web + (double)b->smart);
    default:
        return (int)severity_of(b) - (int)severity_of(a);
    }
}

/* Those that are equal stay in the configuration's order, so that no row moves
 * without a reason: merged, not quick. */
static void sort(const svb_snap_node **nodes, const svb_snap_node **room, int n,
                 svb_place_sort by)
{
    int half = n / 2, left = 0, right = half;

    if (n < 2) {
        return;
    }
    sort(nodes, room, half, by);
    sort(nodes + half, room, n - half, by);
    for (int i = 0; i < n; i++) {
        int take_right =
            left == half
            || (right < n && compare(nodes[right], nodes[left], by) < 0);

        room[i] = take_right ? nodes[right++] : nodes[left++];
    }
    memcpy(nodes, room, (apr_size_t)n * sizeof(*nodes));
}

/* Clients for a loadfactor of 1, which is what the election compares. */
static double load(const svb_snap_node *node)
{
    double lf = node->loadfactor > 0.01 ? node->loadfactor : 0.01;

    return ((double)node->web + (double)node->smart) / lf;
}

svb_rows_table *svb_rows_make(apr_pool_t *p, const svb_snapshot *snap,
                              const svb_snap_fleet *fleet,
                              const svb_place *place)
{
    svb_rows_table *t = apr_pcalloc(p, sizeof(*t));
    int n = fleet->nodes->nelts;

    t->snap = snap;
    t->fleet = fleet;
    t->place = place;
    t->nodes = apr_array_make(p, n + 1, sizeof(const svb_snap_node *));
    for (int i = 0; i < n; i++) {
        const svb_snap_node *node =
            APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *);

        t->fullest = load(node) > t->fullest ? load(node) : t->fullest;
        if (!place->only_trouble || severity_of(node) >= SVB_SEVERITY_WARN) {
            APR_ARRAY_PUSH(t->nodes, const svb_snap_node *) = node;
        }
    }
    sort((const svb_snap_node **)t->nodes->elts,
         apr_palloc(p, (apr_size_t)(n + 1) * sizeof(const svb_snap_node *)),
         t->nodes->nelts, place->sort);
    return t;
}

/* ------------------------------------------------------------------- a row */

/* "is servoy9", "differs" or "" */
static const char *other_route(apr_pool_t *p, const svb_snap_node *node)
{
    const char *other = node->other_route ? node->other_route : "";

    return strcmp(other, SVB_NAME_UNTOLD) == 0 ? "differs"
           : *other ? apr_pstrcat(p, "is ", other, NULL)
                    : "";
}

static void fill_state(svb_view *v, const svb_snap_node *node)
{
    const svb_state_info *info = svb_state_describe(node->state);
    int is_plain = node->state == SVB_STATE_READY;

    svb_view_text(v, "judged", svb_state_severity_name(info->severity));
    svb_view_text(v, "sign", looks[node->state].sign);
    svb_view_text(v, "word", svb_rows_word(node->state));
    svb_view_time(v, "since", node->last_change);
    svb_view_text(v, "reason", is_plain ? "" : node->reason);
    svb_view_text(v, "is_bad",
                  severity_of(node) == SVB_SEVERITY_BAD ? "bad" : "");
    svb_view_text(v, "other_route", other_route(svb_view_pool(v), node));
}

/* Full is what it may hold, or else the fullest of its fleet. */
static void fill_bar(svb_view *v, const svb_rows_table *t,
                     const svb_snap_node *node)
{
    double all = (double)node->web + (double)node->smart;
    double length = node->maxclients > 0 ? 100 * all / (double)node->maxclients
                    : t->fullest > 0     ? 100 * load(node) / t->fullest
                                         : 0;
    double web = all > 0 ? length * (double)node->web / all : 0;

    length = length > 100 ? 100 : length;
    web = web > length ? length : web;
    svb_view_uint(v, "bar_web", (apr_uint64_t)(web + 0.5));
    svb_view_uint(v, "bar_smart",
                  (apr_uint64_t)(length + 0.5) - (apr_uint64_t)(web + 0.5));
}

/* "24 web, ~9 smart of 40" */
static const char *users_of(apr_pool_t *p, const svb_snap_node *node)
{
    const char *all = node->smart > 0 ? apr_psprintf(
                          p, U64 " web, ~" U64 " smart", node->web, node->smart)
                                      : apr_psprintf(p, U64, node->web);

    return node->maxclients > 0
               ? apr_psprintf(p, "%s of " U64, all, node->maxclients)
               : all;
}

/* It takes no new clients because somebody wants it to be left: how far is it? */
static int is_being_left(svb_state state)
{
    return state == SVB_STATE_DRAINING || state == SVB_STATE_MAINTENANCE
           || svb_state_is_out(state);
}

static void fill_countdown(svb_view *v, const svb_snap_node *node)
{
    apr_pool_t *p = svb_view_pool(v);
    apr_uint64_t left = node->web + node->smart;

    if (node->safe_to_stop) {
        svb_view_text(v, "safe", "Safe to stop");
        svb_view_time(v, "safe_since", node->empty_since);
        return;
    }
    if (left == 0) {
        return;
    }
    svb_view_text(v, "leaving", "1");
    svb_view_text(v, "idle",
                  node->idle
                      ? apr_psprintf(p, U64 " idle for over 10 min", node->idle)
                      : "");
    svb_view_text(v, "held",
                  node->held ? apr_psprintf(
                      p, U64 " with a window or request open", node->held)
                             : "");
    svb_view_text(v, "only_smart",
                  node->web == 0 ? "only Smart Clients, an estimate" : "");
    svb_view_time(v, "empty_by", node->empty_by);
}

/* "36 left of 58" */
static const char *users_left(apr_pool_t *p, const svb_snap_node *node)
{
    apr_uint64_t left = node->web + node->smart;

    return apr_pstrcat(
        p, apr_psprintf(p, U64 " left", left),
        node->had > left ? apr_psprintf(p, " of " U64, node->had) : "",
        node->smart > 0 && node->web > 0
            ? apr_psprintf(p, ", ~" U64 " of them smart", node->smart)
            : "",
        NULL);
}

static void fill_users(svb_view *v, const svb_rows_table *t,
                       const svb_snap_node *node)
{
    apr_pool_t *p = svb_view_pool(v);

    if (is_being_left(node->state)) {
        fill_countdown(v, node);
    }
    else if (!svb_state_describe(node->state)->can_serve && node->had > 0) {
        svb_view_text(v, "before", apr_psprintf(p, U64 " before", node->had));
    }
    svb_view_text(v, "users",
                  is_being_left(node->state) && node->web + node->smart > 0
                      ? users_left(p, node)
                      : users_of(p, node));
    fill_bar(v, t, node);
}

/* A page without actions has no button, and what has no route takes none. */
static void fill_action(svb_view *v, const svb_rows_table *t,
                        const svb_snap_node *node)
{
    svb_action_kind fits = looks[node->state].fits;

    if (!t->snap->actions || !node->route || !*node->route) {
        return;
    }
    svb_view_text(v, "may_act", "1");
    if (fits == SVB_ACTION_ENABLE) {
        svb_view_text(v, "post", svb_action_name(fits));
        svb_view_text(v, "post_label", "Back to work");
        return;
    }
    svb_view_text(v, "ask", svb_action_name(fits));
    svb_view_text(v, "ask_label",
                  fits == SVB_ACTION_DRAIN ? "Drain\xe2\x80\xa6"
                                           : "Take out\xe2\x80\xa6");
}

/* To the same place with the node unfolded, or folded again. */
static void fill_links(svb_view *v, const svb_rows_table *t, const char *id,
                       int is_open)
{
    apr_pool_t *p = svb_view_pool(v);
    const char *keep = svb_place_keep(p, t->place, id);
    const char *url = svb_view_url(p, id);

    if (!is_open) {
        keep = apr_pstrcat(p, keep, *keep ? "&" : "", "open=", url, NULL);
    }
    svb_view_text(v, "fold", apr_pstrcat(p, "?", keep, "#", url, NULL));
    svb_view_text(v, "is_open", is_open ? "true" : "false");
}

void svb_rows_fill(svb_view *v, const void *baton, int at)
{
    const svb_rows_table *t = baton;
    const svb_snap_node *node =
        APR_ARRAY_IDX(t->nodes, at, const svb_snap_node *);
    apr_pool_t *p = svb_view_pool(v);
    const char *name = svb_phrase_node(node);
    const char *id =
        svb_rows_id(p, t->snap->fleets->nelts > 1, t->fleet->name, name);
    int is_open = svb_place_is_open(t->place, id);

    svb_view_text(v, "id", id);
    svb_view_text(v, "node", name);
    svb_view_text(v, "node_url", svb_view_url(p, name));
    svb_view_text(v, "host", node->host);
    svb_view_text(v, "no_route", node->route && *node->route ? "" : "no route");
    fill_state(v, node);
    fill_users(v, t, node);
    if (!t->place->no_history) {
        svb_spark *spark = apr_palloc(p, sizeof(*spark));

        svb_spark_of_node(spark, node);
        svb_spark_show(v, spark);
    }
    svb_view_uint(v, "in_flight", node->in_flight);
    svb_view_uint(v, "errors", node->recent_errors);
    svb_view_text(v, "any_errors", node->recent_errors > 0 ? "high" : "");
    fill_links(v, t, id, is_open);
    fill_action(v, t, node);
    if (is_open) {
        svb_unfolded_add(v, t->snap, t->fleet, node);
    }
}
