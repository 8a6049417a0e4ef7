/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_attempt.h"

#include <apr_strings.h>

#include "choice/mod_decide.h"
#include "choice/mod_method.h"
#include "choice/mod_variables.h"
#include "course/mod_answer.h"
#include "course/mod_learn.h"
#include "course/mod_route_cookie.h"
#include "memory/mod_segments.h"
#include "memory/rows.h"
#include "nodes/condition.h"
#include "nodes/mod_condition.h"
#include "nodes/mod_evidence.h"
#include "nodes/mod_probe.h"
#include "nodes/probe.h"

/* mod_proxy_ajp sends it on as the attribute JK_LB_ACTIVATION. */
#define AJP_ACTIVATION "AJP_JK_LB_ACTIVATION"

/* -------------------------------------------------------------- attempts */

static void leave_node(svb_request *req)
{
    if (req->in_flight >= 0) {
        svb_rows_leave(svb_segments_rows(), svb_segments_row(), req->in_flight);
        req->in_flight = -1;
    }
}

static void end_request(svb_request *req)
{
    leave_node(req);
    svb_learn_end(req);
}

/* For balancer-manager, and for methods that the balancer may be given: as
 * mod_proxy_balancer has it, until the request's end. */
static void busy_with(svb_request *req, proxy_worker *worker)
{
    if (req->busy) {
        __atomic_fetch_sub(&req->busy->s->busy, 1, __ATOMIC_RELAXED);
    }
    if (worker) {
        __atomic_fetch_add(&worker->s->busy, 1, __ATOMIC_RELAXED);
    }
    req->busy = worker;
}

/* However a request ends, it is not in flight when its pool goes. */
static apr_status_t request_gone(void *req)
{
    end_request(req);
    busy_with(req, NULL);
    return APR_SUCCESS;
}

static void ends_with_request(svb_request *req, request_rec *r)
{
    if (!req->has_cleanup) {
        req->has_cleanup = 1;
        apr_pool_cleanup_register(r->pool, req, request_gone,
                                  apr_pool_cleanup_null);
    }
}

static void enter_node(svb_request *req, request_rec *r, int node)
{
    leave_node(req);
    req->in_flight = node;
    svb_rows_enter(svb_segments_rows(), svb_segments_row(), node);
    ends_with_request(req, r);
}

static const svb_member *member_of(const svb_request *req,
                                   const proxy_worker *worker)
{
    return svb_members_by_worker(svb_members_get(req->balancer), worker);
}

/* The attempt is over, and no answer has come of it. */
static void end_attempt(svb_request *req, request_rec *r)
{
    const svb_member *member = member_of(req, req->attempt);

    if (member && member->node >= 0) {
        svb_witness witness = svb_request_witness(req, r);

        svb_records_count(svb_segments_records(), member->node, SVB_CTR_ERRORS);
        if (req->outcome == SVB_OUTCOME_NOT_SENT
            || req->outcome == SVB_OUTCOME_CUT) {
            svb_evidence_reached(&witness, member->node, member->slot,
                                 SVB_REACH_DOUBTFUL);
        }
    }
    /* To be busy is no error, though mod_proxy takes it for one. */
    if (req->outcome == SVB_OUTCOME_BUSY) {
        req->attempt->s->status &= ~PROXY_WORKER_IN_ERROR;
    }
    req->attempt = NULL;
}

void svb_attempt_refused(svb_request *req, request_rec *r)
{
    svb_request_rule_out(req, req->choice.member->worker, r->pool);
    req->attempt = NULL;
    req->is_new = 1;
}

static int is_there(const svb_request *req, request_rec *r)
{
    return svb_probe_finds(req->balancer, req->choice.member, 1, r->pool);
}

/* A client whose session is there is at home nowhere else, unless they share their
 * sessions; who has none may be served by anybody, once. */
int svb_attempt_again(svb_request *req, request_rec *r, int cuts)
{
    const svb_member *member = req->choice.member;
    int is_new = svb_request_is_unbound(req);
    int was_here = req->failed == member->worker;
    int stays = !is_new && !was_here && is_there(req, r);

    if (req->attempt) {
        end_attempt(req, r);
    }
    if (cuts >= 2 || (cuts == 1 && (is_new || !was_here))
        || (was_here && !member->facts.group && is_there(req, r))) {
        return 0;
    }
    if (!stays) {
        svb_request_rule_out(req, member->worker, r->pool);
    }
    req->failed = member->worker;
    return 1;
}

/* ------------------------------------------------------ what has come of it */

/* How things were when the attempt began. */
typedef struct {
    apr_time_t when;
    unsigned status; /* the worker's */
} beginning;

static int was_put_in_error(const proxy_worker *worker, const beginning *began)
{
    return (worker->s->status & ~began->status & PROXY_WORKER_IN_ERROR) != 0;
}

static int is_exhausted(const proxy_worker *worker)
{
    return worker->s->hmax && worker->cp && worker->cp->res
           && apr_reslist_acquired_count(worker->cp->res)
                  >= (apr_uint32_t)worker->s->hmax;
}

/* Nine tenths of it have passed: it is by this that the two can be told apart. */
static int has_taken(const beginning *began, apr_interval_time_t timeout)
{
    return timeout > 0
           && apr_time_now() - began->when >= timeout - timeout / 10;
}

static apr_interval_time_t timeout_of(const proxy_worker *worker,
                                      const proxy_server_conf *conf,
                                      const request_rec *r)
{
    return worker->s->timeout_set ? worker->s->timeout
           : conf->timeout_set    ? conf->timeout
                                  : r->server->timeout;
}

/* A CPing that nobody answers takes its time, but so may a request that is cut off in
 * the end: the node is asked. */
static int got_no_pong(const svb_request *req, request_rec *r,
                       const proxy_worker *worker,
                       const proxy_server_conf *conf, const beginning *began)
{
    return worker->s->ping_timeout_set
           && has_taken(began, worker->s->ping_timeout)
           && !has_taken(began, timeout_of(worker, conf, r))
           && req->choice.member && !is_there(req, r);
}

/* mod_proxy's handlers tell little: 503 is anything that another member might do
 * better. What it was is found in what they have left behind. */
static svb_outcome outcome_of(const svb_request *req, request_rec *r,
                              const proxy_worker *worker,
                              const proxy_server_conf *conf,
                              const beginning *began, int rc)
{
    if (rc == OK || rc == DONE || rc == SUSPENDED
        || apr_table_get(r->notes, "proxy-error-override")) {
        return SVB_OUTCOME_ANSWERED;
    }
    if (was_put_in_error(worker, began) && rc == HTTP_SERVICE_UNAVAILABLE) {
        return SVB_OUTCOME_NOT_SENT;
    }
    if (rc == HTTP_GATEWAY_TIME_OUT
        || apr_table_get(r->notes, "proxy_timedout")) {
        return SVB_OUTCOME_TIMED_OUT;
    }
    if (rc == HTTP_SERVICE_UNAVAILABLE) {
        if (is_exhausted(worker)) {
            return SVB_OUTCOME_BUSY;
        }
        if (!svb_condition_can_serve(worker)
            || got_no_pong(req, r, worker, conf, began)) {
            return SVB_OUTCOME_NOT_SENT;
        }
    }
    if (rc == HTTP_SERVICE_UNAVAILABLE || rc == HTTP_BAD_GATEWAY
        || rc == HTTP_INTERNAL_SERVER_ERROR) {
        return has_taken(began, timeout_of(worker, conf, r))
                   ? SVB_OUTCOME_TIMED_OUT
                   : SVB_OUTCOME_CUT;
    }
    return SVB_OUTCOME_OTHER;
}

/* What mod_proxy is told, so that it does what is to be done: 503 makes it put the
 * worker in error and go to the next, 500 makes it put it in error, any other status
 * makes it stop there. */
static int status_for(const svb_request *req, int rc)
{
    switch (req->outcome) {
    case SVB_OUTCOME_BUSY:
        return svb_request_is_unbound(req) ? HTTP_SERVICE_UNAVAILABLE
                                           : HTTP_BAD_GATEWAY;
    case SVB_OUTCOME_TIMED_OUT:
        return HTTP_GATEWAY_TIME_OUT;
    case SVB_OUTCOME_CUT:
        return HTTP_BAD_GATEWAY;
    default:
        return rc;
    }
}

/* ------------------------------------------------------- the hooks, in turn */

/* What mod_proxy_balancer does with the worker it has chosen. */
static int go_to(svb_request *req, proxy_worker *worker, request_rec *r,
                 char **url)
{
    const char *path = *url + req->balancer->name_len;
    char *target =
        apr_pstrcat(r->pool, worker->s->name_ex, *path ? path : "/", NULL);
    int rc = proxy_run_canon_handler(r, target);

    if (rc == OK) {
        worker->s->elected++;
        busy_with(req, worker);
        ends_with_request(req, r);
        svb_variables_set_balancer(r, req, worker);
        *url = r->filename + sizeof("proxy:") - 1;
    }
    return rc;
}

/* Where nobody can take the request mod_proxy_balancer may wait for somebody, but with
 * stickysession= it would go where the session was. */
static int take_over(svb_request *req, request_rec *r, proxy_worker **worker,
                     char **url)
{
    *worker = svb_method_choose(req, r);
    if (*worker && !*(*worker)->s->uds_path) {
        return go_to(req, *worker, r, url);
    }
    if (*worker) {
        req->fixed = *worker; /* unix sockets are mod_proxy's own affair */
        return DECLINED;
    }
    if (*req->balancer->proxy->s->sticky) {
        svb_decide_log_none(req, r);
        return HTTP_SERVICE_UNAVAILABLE;
    }
    return DECLINED;
}

/* With stickysession= mod_proxy_balancer follows the session it has found, and sets what
 * others may want to know of it: that is left to it, but for launches, for which we have
 * decided, and after a member has failed, when it would go there again. */
static int is_left_to_mod_proxy(const svb_request *req)
{
    const svb_balancer *balancer = req->balancer;

    return !svb_method_is_in_force(balancer)
           || (*balancer->proxy->s->sticky && !req->fixed && !req->tried);
}

static int pre_request(proxy_worker **worker, proxy_balancer **balancer,
                       request_rec *r, proxy_server_conf *conf, char **url)
{
    svb_balancer *ours = *balancer ? svb_method_balancer(*balancer)
                                   : svb_method_balancer_at(r->server, *url);
    svb_request *req;

    (void)conf;
    if (!ours) {
        return DECLINED;
    }
    req = svb_request_make(r, ours, *url);
    if (req->attempt) {
        svb_request_rule_out(req, req->attempt, r->pool);
        end_attempt(req, r);
        end_request(req);
    }
    *balancer = ours->proxy;
    return is_left_to_mod_proxy(req) ? DECLINED
                                     : take_over(req, r, worker, url);
}

/* Could the request have come here as a new client's? */
static int takes_new(const svb_request *req)
{
    const svb_member *member = req->choice.member;

    return svb_request_is_unbound(req) || !member
           || svb_condition_takes_new(req->balancer, member);
}

static void begin_attempt(svb_request *req, request_rec *r,
                          proxy_worker *worker)
{
    if (!req->choice.member || req->choice.member->worker != worker) {
        svb_decide_adopt(req, worker, r);
    }
    req->attempt = worker;
    req->attempts++;
    req->outcome = SVB_OUTCOME_NONE;
    req->is_refusal = 0;
    if (req->choice.member && req->choice.member->node >= 0) {
        enter_node(req, r, req->choice.member->node);
    }
    svb_learn_begin(req, r);
    svb_variables_set(r, req, worker,
                      req->is_launch ? SVB_HOW_LAUNCH : req->choice.how);
    if (!takes_new(req)) {
        apr_table_setn(r->subprocess_env, AJP_ACTIVATION, "DIS");
    }
    else if (req->attempts > 1) {
        apr_table_unset(r->subprocess_env, AJP_ACTIVATION);
    }
}

static int scheme_handler(request_rec *r, proxy_worker *worker,
                          proxy_server_conf *conf, char *url,
                          const char *proxyhost, apr_port_t proxyport);

/* The handlers that do the work, as mod_proxy would have run them after ours: what
 * comes of it has to be known before mod_proxy draws its conclusions. */
static int run_handlers(request_rec *r, proxy_worker *worker,
                        proxy_server_conf *conf, char *url,
                        const char *proxyhost, apr_port_t proxyport)
{
    apr_array_header_t *hooks = proxy_hook_get_scheme_handler();
    int rc = DECLINED, after_ours = 0;

    for (int i = 0; hooks && rc == DECLINED && i < hooks->nelts; i++) {
        proxy_LINK_scheme_handler_t *hook =
            &APR_ARRAY_IDX(hooks, i, proxy_LINK_scheme_handler_t);

        if (after_ours) {
            rc = hook->pFunc(r, worker, conf, url, proxyhost, proxyport);
        }
        after_ours |= hook->pFunc == scheme_handler;
    }
    return rc;
}

static int scheme_handler(request_rec *r, proxy_worker *worker,
                          proxy_server_conf *conf, char *url,
                          const char *proxyhost, apr_port_t proxyport)
{
    svb_request *req = svb_request_get(r);
    beginning began = {apr_time_now(), worker->s->status};
    const char *cookies;
    int rc;

    if (!req) {
        return DECLINED;
    }
    begin_attempt(req, r, worker);
    cookies = svb_route_cookie_hide(req, r);
    rc = run_handlers(r, worker, conf, url, proxyhost, proxyport);
    svb_route_cookie_show(r, cookies);
    if (rc == DECLINED) {
        return DECLINED;
    }
    req->outcome = outcome_of(req, r, worker, conf, &began, rc);
    return status_for(req, rc);
}

static int post_request(proxy_worker *worker, proxy_balancer *balancer,
                        request_rec *r, proxy_server_conf *conf)
{
    svb_request *req = svb_request_get(r);

    (void)worker, (void)conf;
    if (!req) {
        return DECLINED;
    }
    end_request(req);
    /* Else mod_proxy_balancer has to see whether the member has failed by it. */
    return apr_is_empty_array(balancer->errstatuses) && !balancer->failontimeout
               ? OK
               : DECLINED;
}

/* What a node has answered under ProxyErrorOverride is its answer all the same. */
static void note_overridden(svb_request *req, request_rec *r, int status)
{
    const svb_member *member = req->choice.member;
    svb_witness witness = svb_request_witness(req, r);

    if (member && member->node >= 0) {
        svb_evidence_answered(&witness, member);
        if (!req->is_known) {
            svb_learn_failure(req, r, status);
        }
    }
}

/* The status is mod_proxy's: an error that a node answered itself comes as OK. */
static int request_status(int *status, request_rec *r)
{
    svb_request *req = svb_request_get(r);

    if (!req) {
        return DECLINED;
    }
    if (req->outcome == SVB_OUTCOME_ANSWERED && *status >= HTTP_BAD_REQUEST) {
        note_overridden(req, r, *status);
    }
    else if (req->attempt && ap_is_HTTP_SERVER_ERROR(*status)) {
        end_attempt(req, r);
    }
    if (req->outcome == SVB_OUTCOME_BUSY && *status == HTTP_BAD_GATEWAY) {
        *status = HTTP_SERVICE_UNAVAILABLE;
    }
    if (*status == HTTP_SERVICE_UNAVAILABLE) {
        svb_answer_set_retry_after(r, req->balancer);
        if (req->outcome != SVB_OUTCOME_ANSWERED) {
            svb_answer_count_refused(req->balancer);
        }
    }
    return OK;
}

/* What mod_proxy_balancer would make of such a URL is what it is. */
static int canon(request_rec *r, char *url)
{
    return svb_method_is_canonical(r, url) ? OK : DECLINED;
}

void svb_attempt_register(apr_pool_t *p)
{
    static const char *const balancer_hooks[] = {"mod_proxy_balancer.c", NULL};

    (void)p;
    proxy_hook_canon_handler(canon, NULL, balancer_hooks, APR_HOOK_FIRST);
    proxy_hook_pre_request(pre_request, NULL, balancer_hooks, APR_HOOK_FIRST);
    /* Before those that do the work, which it runs itself. */
    proxy_hook_scheme_handler(scheme_handler, NULL, NULL,
                              APR_HOOK_REALLY_FIRST);
    proxy_hook_post_request(post_request, NULL, balancer_hooks, APR_HOOK_FIRST);
    APR_OPTIONAL_HOOK(proxy, request_status, request_status, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
