/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "report/verdict.h"

#include <string.h>

#include <apr_strings.h>

#include "report/phrase.h"

/* Nodes that the headline names; of more it says the number. */
#define NAMED 2

#define U64 "%" APR_UINT64_T_FMT

/* A verdict under construction. */
typedef struct work {
    apr_pool_t *p;
    const svb_snapshot *snap;
    svb_verdict *v;
} work;

/* How many there are of this kind; names gets the first of them. */
static int of_kind(work *w, svb_trouble_kind kind, apr_array_header_t *names)
{
    int n = 0;

    for (int i = 0; i < w->v->troubles->nelts; i++) {
        const svb_trouble *t = &APR_ARRAY_IDX(w->v->troubles, i, svb_trouble);

        if (t->kind == kind && n++ < NAMED) {
            APR_ARRAY_PUSH(names, const char *) = t->node;
        }
    }
    return n;
}

/* "servoy2 is down.", "3 nodes are down." */
static const char *nodes_are(work *w, svb_trouble_kind kind, const char *is,
                             const char *are)
{
    apr_array_header_t *names = apr_array_make(w->p, 2, sizeof(const char *));
    int n = of_kind(w, kind, names);

    return n == 1
               ? apr_psprintf(w->p, "%s %s.", svb_phrase_list(w->p, names), is)
           : n <= NAMED
               ? apr_psprintf(w->p, "%s %s.", svb_phrase_list(w->p, names), are)
               : apr_psprintf(w->p, "%d nodes %s.", n, are);
}

/* What a kind comes to in the title, after a number, and in the sentence. */
static const struct {
    const char *title, *is, *are;
} said[SVB_TROUBLES] = {
    [SVB_TROUBLE_ERROR] = {"down", "is down", "are down"},
    [SVB_TROUBLE_SILENT] = {"silent", "is silent", "are silent"},
    [SVB_TROUBLE_SUSPECT] = {"suspect", "fails new users", "fail new users"},
    [SVB_TROUBLE_JVMROUTE] = {"jvmRoute", "has another jvmRoute",
                              "have another jvmRoute"},
    [SVB_TROUBLE_FULL] = {"full", "is full", "are full"},
    [SVB_TROUBLE_DEGRADED] = {"degraded", "is degraded", "are degraded"},
};

static apr_uint64_t all_refused(const svb_snapshot *snap)
{
    apr_uint64_t all = 0;

    for (int i = 0; i < snap->fleets->nelts; i++) {
        all += APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *)->recent.refused;
    }
    return all;
}

static const char *nobody_headline(work *w, const svb_trouble *worst)
{
    apr_uint64_t refused = all_refused(w->snap);

    if (w->snap->fleets->nelts > 1) {
        return apr_psprintf(w->p, "No node of fleet %s takes new users.",
                            worst->fleet);
    }
    return refused > 0 ? apr_psprintf(
               w->p, "New users are turned away (" U64 " in 5 minutes).",
               refused)
                       : "No node takes new users.";
}

/* Of the worst trouble there is. */
static void say_trouble(work *w)
{
    const svb_trouble *worst = &APR_ARRAY_IDX(w->v->troubles, 0, svb_trouble);
    const char *sign =
        w->v->severity == SVB_SEVERITY_BAD ? "\xe2\x96\xb2" : "!";
    apr_array_header_t *names = apr_array_make(w->p, 2, sizeof(const char *));
    int n = of_kind(w, worst->kind, names);

    if (said[worst->kind].title) {
        w->v->title =
            apr_psprintf(w->p, "%s %d %s", sign, n, said[worst->kind].title);
        w->v->headline = nodes_are(w, worst->kind, said[worst->kind].is,
                                   said[worst->kind].are);
        return;
    }
    switch (worst->kind) {
    case SVB_TROUBLE_NOBODY:
        w->v->headline = nobody_headline(w, worst);
        w->v->title = apr_pstrcat(w->p, sign, " no new users", NULL);
        break;
    case SVB_TROUBLE_STORE:
        w->v->headline = "The shared store is lost.";
        w->v->title = apr_pstrcat(w->p, sign, " store lost", NULL);
        break;
    case SVB_TROUBLE_ONE_LEFT:
        w->v->headline =
            apr_psprintf(w->p, "Only %s takes new users.", worst->node);
        w->v->title = apr_pstrcat(w->p, sign, " one node left", NULL);
        break;
    case SVB_TROUBLE_FRONT_END:
        w->v->headline =
            n == 1 ? apr_pstrcat(w->p, worst->what, ".", NULL)
                   : apr_psprintf(w->p, "%d front ends are missing.", n);
        w->v->title = apr_psprintf(
            w->p, "%s %s", sign,
            svb_phrase_count(w->p, (apr_uint64_t)n, "front end", "front ends"));
        break;
    default:
        w->v->headline = "The client table is too small.";
        w->v->title = apr_pstrcat(w->p, sign, " table full", NULL);
        break;
    }
}

static void say_well(work *w, const svb_snap_totals *all)
{
    const char *who = all->nodes == 1
                          ? "The node"
                          : apr_psprintf(w->p, "All " U64 " nodes", all->nodes);

    if (all->nodes == 0) {
        w->v->headline = w->snap->fleets->nelts > 0 ? "There is no node yet."
                                                    : "There is no fleet yet.";
    }
    else if (all->takes_new == all->nodes) {
        w->v->headline =
            apr_psprintf(w->p, "%s serve%s.", who, all->nodes == 1 ? "s" : "");
    }
    else {
        w->v->headline =
            apr_psprintf(w->p, U64 " of %s %s new users: %s.", all->takes_new,
                         svb_phrase_count(w->p, all->nodes, "node", "nodes"),
                         all->takes_new == 1 ? "takes" : "take",
                         svb_phrase_states(w->p, all));
    }
}

/* What the trouble means for users, or how many there are where there is none. */
static void say_rest(work *w, const svb_snap_totals *all)
{
    apr_uint64_t refused = all_refused(w->snap);
    const char *count_of = svb_phrase_users(w->p, all->web + all->smart);
    int is_nobody = w->v->troubles->nelts > 0
                    && APR_ARRAY_IDX(w->v->troubles, 0, svb_trouble).kind
                           == SVB_TROUBLE_NOBODY;

    if (all->nodes == 0) {
        w->v->rest = "";
    }
    else if (w->v->troubles->nelts == 0) {
        w->v->rest = apr_pstrcat(w->p, count_of, ".", NULL);
    }
    else {
        w->v->rest = apr_psprintf(
            w->p, "%s by " U64 " of %s; %s.",
            all->web + all->smart == 0
                ? "Users are served"
                : apr_pstrcat(w->p, count_of,
                              all->web + all->smart == 1 ? " is served"
                                                         : " are served",
                              NULL),
            all->serving, svb_phrase_count(w->p, all->nodes, "node", "nodes"),
            !all->takes_new ? "nobody new can start"
            : is_nobody     ? "new users can start in other fleets"
                            : "new users can start");
    }
    if (refused > 0 && !is_nobody) {
        w->v->rest = apr_psprintf(
            w->p, "%s %s turned away in 5 minutes.", w->v->rest,
            refused == 1 ? "1 user was"
                         : apr_psprintf(w->p, U64 " users were", refused));
    }
}

static void add_up(const svb_snapshot *snap, svb_snap_totals *all)
{
    memset(all, 0, sizeof(*all));
    for (int i = 0; i < snap->fleets->nelts; i++) {
        svb_snap_totals t;

        svb_snap_fleet_totals(APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *),
                              &t);
        for (int j = 0; j < SVB_STATES; j++) {
            all->in_state[j] += t.in_state[j];
        }
        all->nodes += t.nodes;
        all->serving += t.serving;
        all->takes_new += t.takes_new;
        all->web += t.web;
        all->smart += t.smart;
    }
}

static svb_severity worst_of(const apr_array_header_t *troubles)
{
    svb_severity worst = SVB_SEVERITY_OK;

    for (int i = 0; i < troubles->nelts; i++) {
        svb_severity severity =
            APR_ARRAY_IDX(troubles, i, svb_trouble).severity;

        worst = severity > worst ? severity : worst;
    }
    return worst;
}

svb_verdict *svb_verdict_of(apr_pool_t *p, const svb_snapshot *part)
{
    svb_verdict *v = apr_pcalloc(p, sizeof(*v));
    const svb_snapshot *snap = part->whole;
    work w = {.p = p, .snap = snap, .v = v};
    svb_snap_totals all;

    v->troubles = svb_troubles_of(p, snap);
    v->severity = worst_of(v->troubles);
    v->title = v->headline = v->rest = "";
    add_up(snap, &all);
    if (v->troubles->nelts > 0) {
        say_trouble(&w);
    }
    else {
        say_well(&w, &all);
    }
    say_rest(&w, &all);
    if (part != snap) {
        svb_troubles_keep(v->troubles, part);
    }
    return v;
}
