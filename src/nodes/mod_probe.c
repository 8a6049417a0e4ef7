/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_probe.h"

#include "memory/mod_segments.h"
#include "nodes/condition.h"
#include "nodes/mod_addresses.h"
#include "nodes/mod_condition.h"
#include "nodes/mod_evidence.h"
#include "nodes/mod_targets.h"
#include "nodes/probe.h"

/* How long an answer may take; the silent are asked again. */
#define ANSWER_WITHIN apr_time_from_msec(750)

/* An answer to a request counts for so long, where another member is silent. */
#define VOUCHED_FOR apr_time_from_msec(1500)

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

/* Ask the endpoints of those of these nodes that may be asked: not where probe=off.
 * Of each the best answer that any of its addresses has given is noted. */
static void ask(apr_pool_t *p, const apr_array_header_t *targets)
{
    questions q = {p, apr_array_make(p, 16, sizeof(svb_probe)),
                   apr_array_make(p, 16, sizeof(svb_endpoint *))};
    svb_probe *probes;
    const svb_endpoint *before = NULL;

    for (int i = 0; i < targets->nelts; i++) {
        const svb_target *target = APR_ARRAY_IDX(targets, i, svb_target *);

        for (int j = 0; target->is_asked && j < target->endpoints->nelts; j++) {
            add_endpoint(&q,
                         &APR_ARRAY_IDX(target->endpoints, j, svb_endpoint));
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

static svb_seen seen_of(const svb_target *target)
{
    svb_seen seen;

    svb_condition_see(svb_segments_records(), target->node,
                      svb_members_of_node(target->node), &seen);
    return seen;
}

static svb_reach known(const svb_seen *seen, const svb_endpoint *endpoint)
{
    return endpoint->slot >= 0 ? seen->members[endpoint->slot] : SVB_REACH_OK;
}

/* A process that hangs has its connections accepted by its kernel all the same, so
 * that where a CPing gets no answer, a connection means nothing, unless somebody has
 * just been served. */
static void doubt_connections(const svb_target *target)
{
    apr_time_t now = apr_time_now();
    apr_time_t heard =
        svb_condition_heard(svb_segments_records(), target->node);
    int is_silent = 0;

    for (int i = 0; i < target->endpoints->nelts; i++) {
        const svb_endpoint *e =
            &APR_ARRAY_IDX(target->endpoints, i, svb_endpoint);

        is_silent |=
            e->kind == SVB_ENDPOINT_AJP && e->reach == SVB_REACH_SILENT;
    }
    for (int i = 0; i < target->endpoints->nelts; i++) {
        svb_endpoint *e = &APR_ARRAY_IDX(target->endpoints, i, svb_endpoint);

        if (is_silent && e->kind != SVB_ENDPOINT_AJP && e->reach == SVB_REACH_OK
            && (heard > now || now - heard > VOUCHED_FOR)) {
            e->reach = SVB_REACH_SILENT;
        }
    }
}

/* One that is silent for the first time may just be busy. */
static int may_be_busy(const svb_target *target)
{
    svb_seen seen = seen_of(target);

    for (int i = 0; i < target->endpoints->nelts; i++) {
        const svb_endpoint *e =
            &APR_ARRAY_IDX(target->endpoints, i, svb_endpoint);

        if (e->reach == SVB_REACH_SILENT
            && known(&seen, e) != SVB_REACH_SILENT) {
            return 1;
        }
    }
    return 0;
}

/* It has answered: mod_proxy need not wait for a user to try. What put it in error is
 * taken back only where that was the connection; failonstatus= stays in force. */
static void lift_error(const svb_endpoint *endpoint)
{
    if (endpoint->worker) {
        endpoint->worker->s->status &= ~PROXY_WORKER_IN_ERROR;
    }
}

static void conclude(apr_pool_t *p, server_rec *s, const svb_target *target)
{
    const svb_witness witness = {target->fleet, s, p};
    svb_seen before = seen_of(target);

    for (int i = 0; i < target->endpoints->nelts; i++) {
        const svb_endpoint *e =
            &APR_ARRAY_IDX(target->endpoints, i, svb_endpoint);

        if (e->reach == SVB_REACH_OK && known(&before, e) != SVB_REACH_OK) {
            lift_error(e);
        }
        svb_evidence_reached(&witness, target->node, e->slot, e->reach);
    }
}

/* ------------------------------------------------------------------- rounds */

static void ask_and_conclude(apr_pool_t *p, server_rec *s,
                             const apr_array_header_t *targets)
{
    apr_array_header_t *again = apr_array_make(p, 4, sizeof(svb_target *));

    ask(p, targets);
    for (int i = 0; i < targets->nelts; i++) {
        svb_target *target = APR_ARRAY_IDX(targets, i, svb_target *);

        doubt_connections(target);
        if (may_be_busy(target)) {
            APR_ARRAY_PUSH(again, svb_target *) = target;
        }
        else {
            conclude(p, s, target);
        }
    }
    ask(p, again);
    for (int i = 0; i < again->nelts; i++) {
        const svb_target *target = APR_ARRAY_IDX(again, i, svb_target *);

        doubt_connections(target);
        conclude(p, s, target);
    }
}

void svb_probe_round(const svb_model *model, apr_pool_t *p)
{
    ask_and_conclude(p, model->main_server,
                     svb_targets_list(p, model->balancers, -1));
    svb_segments_shared()->probed = apr_time_now();
}

void svb_probe_nodes(const svb_model *model, const int *nodes, int n,
                     apr_pool_t *p)
{
    apr_array_header_t *targets = apr_array_make(p, n, sizeof(svb_target *));

    for (int i = 0; i < n; i++) {
        apr_array_cat(targets, svb_targets_list(p, model->balancers, nodes[i]));
    }
    ask_and_conclude(p, model->main_server, targets);
}

static int is_overdue(apr_time_t now)
{
    apr_time_t probed = svb_segments_shared()->probed;

    return now < probed || now > probed + ROUND_OVERDUE;
}

int svb_probe_finds(const svb_balancer *balancer, const svb_member *member,
                    int must_ask, apr_pool_t *p)
{
    if (member->node < 0) {
        return 1;
    }
    if (must_ask || is_overdue(apr_time_now())) {
        ask_and_conclude(
            p, balancer->server,
            svb_targets_list(p, balancer->fleet->balancers, member->node));
    }
    return svb_condition_is_plain(balancer, member)
           || svb_condition_of_member(balancer, member, apr_time_now())
                  .gets_launches;
}
