/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_condition.h"

#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "nodes/condition.h"
#include "nodes/mod_admin.h"
#include "nodes/probe.h"

APR_DECLARE_OPTIONAL_FN(int, ap_proxy_retry_worker,
                        (const char *proxy_function, proxy_worker *worker,
                         server_rec *s));

static APR_OPTIONAL_FN_TYPE(ap_proxy_retry_worker) * retry_worker;

void svb_condition_start(void)
{
    retry_worker = APR_RETRIEVE_OPTIONAL_FN(ap_proxy_retry_worker);
}

/* --------------------------------------------------------- of one member */

int svb_condition_can_serve(const proxy_worker *worker)
{
    return PROXY_WORKER_IS_USABLE(worker);
}

/* A worker in error becomes usable when its retry time has passed; somebody
 * has to ask. */
static void retry(proxy_worker *worker, request_rec *r)
{
    if (retry_worker) {
        retry_worker("SERVOY", worker, r->server);
    }
}

int svb_condition_can_serve_now(proxy_worker *worker, request_rec *r)
{
    if (!svb_condition_can_serve(worker)) {
        retry(worker, r);
    }
    return svb_condition_can_serve(worker);
}

static int is_in_error(const proxy_worker *worker)
{
    return (worker->s->status & PROXY_WORKER_IN_ERROR) != 0;
}

int svb_condition_recover(svb_balancer *balancer, request_rec *r)
{
    const svb_members *members = svb_members_get(balancer);

    for (int i = 0; i < members->n; i++) {
        proxy_worker *worker = members->all[i].worker;

        if (is_in_error(worker)) {
            retry(worker, r);
        }
        if (!is_in_error(worker)) {
            return 0;
        }
    }
    if (!balancer->proxy->s->forcerecovery) {
        return 0;
    }
    for (int i = 0; i < members->n; i++) {
        proxy_worker_shared *s = members->all[i].worker->s;

        s->retries++;
        s->status &= ~PROXY_WORKER_IN_ERROR;
    }
    return members->n > 0;
}

static int is_full(const svb_member *member)
{
    return member->facts.maxclients > 0
           && svb_clients_load(member->node)
                  >= (unsigned)member->facts.maxclients;
}

/* Refused a new client, and the time to try again has not come. */
static int has_refused(const svb_member *member)
{
    return svb_condition_maintenance(svb_segments_records(), member->node)
           > apr_time_now();
}

int svb_condition_answers(const svb_member *member)
{
    return member->node < 0
           || svb_condition_reach(svb_segments_records(), member->node)
                  == SVB_REACH_OK;
}

int svb_condition_in_maintenance(const svb_member *member)
{
    return member->node >= 0
           && (svb_admin_in_maintenance(member->node) || has_refused(member));
}

int svb_condition_may_be_tried(const svb_member *member)
{
    return member->node >= 0 && svb_condition_can_serve(member->worker)
           && !PROXY_WORKER_IS_DRAINING(member->worker)
           && !svb_admin_in_maintenance(member->node) && !is_full(member);
}

int svb_condition_may_take_new(const svb_member *member)
{
    return svb_condition_may_be_tried(member) && !has_refused(member)
           && svb_condition_answers(member);
}

/* One that comes up just now was down when last noted. */
static apr_time_t up_since(int node, apr_time_t now)
{
    svb_records *records = svb_segments_records();
    int noted = svb_condition_noted(records, node);

    return noted >= 0 && !svb_state_describe((svb_state)noted)->can_serve
               ? now
               : (apr_time_t)svb_records_get(records, node, SVB_WORD_UP_SINCE);
}

apr_time_t svb_condition_up_since(const svb_member *member, apr_time_t now)
{
    return up_since(member->node, now);
}

/* ----------------------------------------------------------- of one node */

/* In this order: what an administrator has set counts before what happened. */
static svb_state state_of(const proxy_worker *worker)
{
    static const struct {
        unsigned bits;
        svb_state state;
    } states[] = {
        {PROXY_WORKER_STOPPED, SVB_STATE_STOPPED},
        {PROXY_WORKER_DISABLED, SVB_STATE_DISABLED},
        {PROXY_WORKER_IN_ERROR | PROXY_WORKER_HC_FAIL
             | PROXY_WORKER_IN_SHUTDOWN,
         SVB_STATE_ERROR},
        {PROXY_WORKER_DRAIN, SVB_STATE_DRAINING},
        {PROXY_WORKER_HOT_STANDBY, SVB_STATE_STANDBY},
        {PROXY_WORKER_HOT_SPARE, SVB_STATE_SPARE},
    };
    unsigned status = worker->s->status;

    for (apr_size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (status & states[i].bits) {
            return states[i].state;
        }
    }
    return SVB_STATE_READY;
}

void svb_condition_add(svb_condition_sum *sum, const svb_balancer *balancer,
                       const svb_member *member)
{
    svb_state state = state_of(member->worker);

    sum->best = sum->members++ ? svb_state_best(sum->best, state) : state;
    sum->maxclients = member->facts.maxclients;
    if (sum->slow_start < balancer->set.slow_start) {
        sum->slow_start = balancer->set.slow_start;
    }
}

svb_state svb_condition_seen(const svb_condition_sum *sum)
{
    return sum->node >= 0 && svb_state_describe(sum->best)->can_serve
                   && svb_condition_reach(svb_segments_records(), sum->node)
                          != SVB_REACH_OK
               ? SVB_STATE_ERROR
               : sum->best;
}

/* Only a node that is ready otherwise can be starting slowly, or be full. */
svb_state svb_condition_state(const svb_condition_sum *sum, apr_time_t now)
{
    svb_records *records = svb_segments_records();
    svb_state seen = svb_condition_seen(sum);
    apr_time_t since;

    if (sum->node < 0 || seen != SVB_STATE_READY) {
        return seen;
    }
    if (svb_admin_in_maintenance(sum->node)
        || svb_condition_maintenance(records, sum->node)) {
        return SVB_STATE_MAINTENANCE;
    }
    if (sum->maxclients
        && svb_clients_load(sum->node) >= (unsigned)sum->maxclients) {
        return SVB_STATE_FULL;
    }
    since = up_since(sum->node, now);
    return since && now < since + sum->slow_start ? SVB_STATE_SLOWSTART
                                                  : SVB_STATE_READY;
}

int svb_condition_is_safe_to_stop(int node, svb_state state)
{
    switch (state) {
    case SVB_STATE_DRAINING:
    case SVB_STATE_MAINTENANCE:
    case SVB_STATE_ERROR:
    case SVB_STATE_DISABLED:
    case SVB_STATE_STOPPED:
        return svb_clients_load(node) == 0;
    default:
        return 0;
    }
}

static int can_be_served(const svb_fleet *fleet, int node)
{
    for (int i = 0; i < fleet->balancers->nelts; i++) {
        const svb_members *members =
            svb_members_get(APR_ARRAY_IDX(fleet->balancers, i, svb_balancer *));

        for (int j = 0; j < members->n; j++) {
            if (members->all[j].node == node
                && svb_condition_can_serve(members->all[j].worker)) {
                return 1;
            }
        }
    }
    return 0;
}

void svb_condition_forget_unless_served(const svb_fleet *fleet, int node)
{
    if (!can_be_served(fleet, node)) {
        svb_clients_node_down(node);
    }
}
