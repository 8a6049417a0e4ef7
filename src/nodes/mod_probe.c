/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_probe.h"

#include <stdatomic.h>

#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "nodes/condition.h"
#include "nodes/mod_addresses.h"
#include "nodes/mod_condition.h"
#include "nodes/mod_targets.h"
#include "nodes/probe.h"

/* How long an answer may take; the silent are asked again. */
#define ANSWER_WITHIN apr_time_from_msec(750)

/* After so long without a round, launches ask for themselves. */
#define ROUND_OVERDUE apr_time_from_sec(4)

/* ---------------------------------------------------------------- questions */

/* Whom is asked, and for which endpoint: elements of the same number. */
typedef struct {
    apr_pool_t *p;
    apr_array_header_t *probes;    /* of svb_probe */
    apr_array_header_t *endpoints; /* of svb_endpoint * */
} questions;

/* All addresses of the name: one that answers is enough. */
static void add_endpoint(questions *q, svb_endpoint *endpoint)
{
    apr_sockaddr_t *addr =
        endpoint->host ? svb_addresses_of(endpoint->host, endpoint->port, q->p)
                       : NULL;

    endpoint->reach = SVB_REACH_UNKNOWN;
    for (; addr; addr = addr->next) {
        svb_probe *probe = apr_array_push(q->probes);

        probe->addr = addr;
        probe->is_ajp = endpoint->kind == SVB_ENDPOINT_AJP;
        APR_ARRAY_PUSH(q->endpoints, svb_endpoint *) = endpoint;
    }
}

/* From worst to best. Not to know is worse than a good word, better than a bad
 * one. */
static int rank(svb_reach reach)
{
    static const svb_reach order[] = {SVB_REACH_REFUSED, SVB_REACH_SILENT,
                                      SVB_REACH_UNKNOWN, SVB_REACH_OK};
    int i = 0;

    while (order[i] != reach) {
        i++;
    }
    return i;
}

/* Ask the endpoints of these nodes. Of each it is noted which is the best answer
 * that any of its addresses has given. */
static void ask(apr_pool_t *p, const apr_array_header_t *targets)
{
    questions q = {p, apr_array_make(p, 16, sizeof(svb_probe)),
                   apr_array_make(p, 16, sizeof(svb_endpoint *))};
    svb_probe *probes;
    const svb_endpoint *before = NULL;

    for (int i = 0; i < targets->nelts; i++) {
        apr_array_header_t *endpoints =
            APR_ARRAY_IDX(targets, i, svb_target *)->endpoints;

        for (int j = 0; j < endpoints->nelts; j++) {
            add_endpoint(&q, &APR_ARRAY_IDX(endpoints, j, svb_endpoint));
        }
    }
    probes = (svb_probe *)q.probes->elts;
    svb_probe_run(p, probes, q.probes->nelts, ANSWER_WITHIN);
    for (int i = 0; i < q.endpoints->nelts; i++) {
        svb_endpoint *endpoint = APR_ARRAY_IDX(q.endpoints, i, svb_endpoint *);

        if (endpoint != before
            || rank(probes[i].reach) > rank(endpoint->reach)) {
            endpoint->reach = probes[i].reach;
        }
        before = endpoint;
    }
}

/* -------------------------------------------------------------- conclusions */

/* The best answer of the node's endpoints of a kind; unknown where there is none. */
static svb_reach best_of(const svb_target *target, svb_endpoint_kind kind,
                         int *any)
{
    svb_reach best = SVB_REACH_UNKNOWN;

    *any = 0;
    for (int i = 0; i < target->endpoints->nelts; i++) {
        const svb_endpoint *endpoint =
            &APR_ARRAY_IDX(target->endpoints, i, svb_endpoint);

        if (endpoint->kind == kind
            && (!*any || rank(endpoint->reach) > rank(best))) {
            best = endpoint->reach;
            *any = 1;
        }
    }
    return best;
}

/* A CPong says more than a connection, so it is the ajp members' word that
 * counts. The direct URL must be there as well, where it is asked for. */
static svb_reach reach_of(const svb_target *target)
{
    int any_ajp, any_other, any_url;
    svb_reach ajp = best_of(target, SVB_ENDPOINT_AJP, &any_ajp);
    svb_reach other = best_of(target, SVB_ENDPOINT_OTHER, &any_other);
    svb_reach url = best_of(target, SVB_ENDPOINT_URL, &any_url);
    svb_reach reach = any_ajp ? ajp : other;

    return any_url && rank(url) < rank(reach) ? url : reach;
}

/* Have all members that could serve a client refused? The direct URL says nothing
 * about those who come through us. */
static int all_members_refused(const svb_target *target)
{
    for (int i = 0; i < target->endpoints->nelts; i++) {
        const svb_endpoint *endpoint =
            &APR_ARRAY_IDX(target->endpoints, i, svb_endpoint);

        if (endpoint->worker && endpoint->reach != SVB_REACH_REFUSED
            && svb_condition_can_serve(endpoint->worker)) {
            return 0;
        }
    }
    return 1;
}

static void note(server_rec *s, const svb_target *target, svb_reach reach)
{
    svb_reach before;

    if (reach == SVB_REACH_UNKNOWN) {
        return;
    }
    before =
        svb_condition_set_reach(svb_segments_records(), target->node, reach);
    if (before == SVB_REACH_OK && reach != SVB_REACH_OK) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     SVB_LOGNO(0092) "fleet %s, node %s does not answer (%s): "
                                     "it gets no launches until it does",
                     target->fleet->name, target->route,
                     svb_probe_reach_text(reach));
    }
    else if (before != SVB_REACH_OK && reach == SVB_REACH_OK) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     SVB_LOGNO(0093) "fleet %s, node %s answers again",
                     target->fleet->name, target->route);
    }
}

/* One that is silent for the first time may just be busy. */
static int may_be_busy(const svb_target *target, svb_reach reach)
{
    return reach == SVB_REACH_SILENT
           && svb_condition_reach(svb_segments_records(), target->node)
                  == SVB_REACH_OK;
}

static void conclude(server_rec *s, const svb_target *target, svb_reach reach)
{
    if (reach == SVB_REACH_OK) {
        svb_condition_hear(svb_segments_records(), target->node,
                           apr_time_now());
    }
    else if (reach == SVB_REACH_REFUSED && all_members_refused(target)) {
        svb_clients_node_down(target->node);
    }
    note(s, target, reach);
}

/* ------------------------------------------------------------------- rounds */

/* Those who are vouched for, or whom nobody has to ask, are as good as there.
 * @return the others, of svb_target * */
static apr_array_header_t *
note_without_asking(apr_pool_t *p, server_rec *s,
                    const apr_array_header_t *targets)
{
    apr_array_header_t *others = apr_array_make(p, 16, sizeof(svb_target *));

    for (int i = 0; i < targets->nelts; i++) {
        svb_target *target = APR_ARRAY_IDX(targets, i, svb_target *);

        if (target->is_vouched_for || !target->must_be_asked) {
            note(s, target, SVB_REACH_OK);
        }
        else {
            APR_ARRAY_PUSH(others, svb_target *) = target;
        }
    }
    return others;
}

static void ask_and_note(apr_pool_t *p, server_rec *s,
                         const apr_array_header_t *targets)
{
    apr_array_header_t *asked = note_without_asking(p, s, targets);
    apr_array_header_t *again = apr_array_make(p, 4, sizeof(svb_target *));

    ask(p, asked);
    for (int i = 0; i < asked->nelts; i++) {
        svb_target *target = APR_ARRAY_IDX(asked, i, svb_target *);
        svb_reach reach = reach_of(target);

        if (may_be_busy(target, reach)) {
            APR_ARRAY_PUSH(again, svb_target *) = target;
        }
        else {
            conclude(s, target, reach);
        }
    }
    ask(p, again);
    for (int i = 0; i < again->nelts; i++) {
        const svb_target *target = APR_ARRAY_IDX(again, i, svb_target *);

        conclude(s, target, reach_of(target));
    }
}

void svb_probe_round(const svb_model *model, apr_pool_t *p)
{
    ask_and_note(p, model->main_server,
                 svb_targets_list(p, model->balancers, -1, apr_time_now()));
    svb_segments_shared()->probed = apr_time_now();
}

int svb_probe_finds(const svb_balancer *balancer, const svb_member *member,
                    int must_ask, apr_pool_t *p)
{
    apr_time_t now = apr_time_now(), probed = svb_segments_shared()->probed;

    if (member->node < 0) {
        return 1;
    }
    if (must_ask || now < probed || now > probed + ROUND_OVERDUE) {
        apr_array_header_t *targets =
            svb_targets_list(p, balancer->fleet->balancers, member->node, now);

        for (int i = 0; must_ask && i < targets->nelts; i++) {
            APR_ARRAY_IDX(targets, i, svb_target *)->is_vouched_for = 0;
        }
        ask_and_note(p, balancer->server, targets);
    }
    return svb_condition_answers(member);
}
