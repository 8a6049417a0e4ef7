/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_attempt.h"

#include <apr_strings.h>

#include "choice/mod_decide.h"
#include "choice/mod_method.h"
#include "choice/mod_variables.h"
#include "course/mod_answer.h"
#include "course/mod_learn.h"
#include "memory/mod_segments.h"
#include "memory/rows.h"
#include "nodes/mod_condition.h"

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

/* However a request ends, it is not in flight when its pool goes. */
static apr_status_t request_gone(void *req)
{
    end_request(req);
    return APR_SUCCESS;
}

static void enter_node(svb_request *req, request_rec *r, int node)
{
    leave_node(req);
    req->in_flight = node;
    svb_rows_enter(svb_segments_rows(), svb_segments_row(), node);
    apr_pool_cleanup_kill(r->pool, req, request_gone);
    apr_pool_cleanup_register(r->pool, req, request_gone,
                              apr_pool_cleanup_null);
}

static const svb_member *member_of(const svb_request *req,
                                   const proxy_worker *worker)
{
    return svb_members_by_worker(svb_members_get(req->balancer), worker);
}

static void attempt_failed(svb_request *req)
{
    const svb_member *member = member_of(req, req->attempt);

    if (member && member->node >= 0) {
        svb_records_count(svb_segments_records(), member->node, SVB_CTR_ERRORS);
        if (req->attempt->s->status & PROXY_WORKER_IN_ERROR) {
            svb_condition_forget_unless_served(req->balancer->fleet,
                                               member->node);
        }
    }
    req->attempt = NULL;
}

void svb_attempt_refused(svb_request *req)
{
    svb_request_rule_out(req, req->choice.member->worker);
    req->attempt = NULL;
    req->is_new = 1;
}

/* Its node may have gone, or just a connection: if mod_proxy thinks that it can
 * serve, it is asked once more, for the client's session is there; but then it
 * is another's turn. */
void svb_attempt_failed(svb_request *req)
{
    proxy_worker *worker = req->choice.member->worker;

    req->has_failed = 0;
    if (req->attempt) {
        attempt_failed(req);
    }
    if (req->failed == worker) {
        svb_request_rule_out(req, worker);
    }
    req->failed = worker;
}

/* ------------------------------------------------------- the hooks, in turn */

static const char *path_of(const char *url)
{
    const char *path = ap_strstr_c(url, "://");

    path = path ? ap_strchr_c(path + 3, '/') : NULL;
    return path ? path : "/";
}

/* Session ids end at a delimiter, so the path must be encoded for reading them,
 * unless it is so already. */
static const char *path_for_ids(request_rec *r, const char *path)
{
    const char *encoded;

    if (!ap_strchr_c(path, ';') || apr_table_get(r->notes, "proxy-nocanon")
        || apr_table_get(r->notes, "proxy-noencode")) {
        return path;
    }
    encoded = ap_proxy_canonenc_ex(r->pool, path, (int)strlen(path), enc_path,
                                   0, r->proxyreq);
    return encoded ? encoded : path;
}

/* What mod_proxy_balancer does with the worker it has chosen. */
static int go_to(proxy_worker *worker, request_rec *r, char **url)
{
    char *target =
        apr_pstrcat(r->pool, worker->s->name_ex, path_of(*url), NULL);
    int rc = proxy_run_canon_handler(r, target);

    if (rc == OK) {
        *url = apr_pstrdup(r->pool, r->filename + sizeof("proxy:") - 1);
    }
    return rc;
}

/* With stickysession= mod_proxy_balancer follows the session it has found,
 * whatever we have decided about a launch, and even to a member that has just
 * failed. Its work is done here then. */
static int take_over(svb_request *req, request_rec *r, proxy_worker **worker,
                     char **url)
{
    *worker = svb_method_choose(req, r);
    return *worker ? go_to(*worker, r, url) : HTTP_SERVICE_UNAVAILABLE;
}

static int pre_request(proxy_worker **worker, proxy_balancer **balancer,
                       request_rec *r, proxy_server_conf *conf, char **url)
{
    proxy_balancer *proxy = *balancer;
    svb_balancer *ours;
    svb_request *req;

    if (!proxy
        && !ap_cstr_casecmpn(*url, BALANCER_PREFIX,
                             sizeof(BALANCER_PREFIX) - 1)) {
        proxy = ap_proxy_get_balancer(r->pool, conf, *url, 1);
    }
    ours = svb_method_balancer(proxy);
    if (!ours) {
        return DECLINED;
    }
    req = svb_request_make(r, ours, path_for_ids(r, path_of(*url)));
    if (req->attempt) {
        svb_request_rule_out(req, req->attempt);
        attempt_failed(req);
        end_request(req);
    }
    if (*ours->proxy->s->sticky && (req->fixed || req->tried->nelts)) {
        *balancer = proxy;
        return take_over(req, r, worker, url);
    }
    return DECLINED;
}

static int scheme_handler(request_rec *r, proxy_worker *worker,
                          proxy_server_conf *conf, char *url,
                          const char *proxyhost, apr_port_t proxyport)
{
    svb_request *req = svb_request_get(r);

    (void)conf, (void)url, (void)proxyhost, (void)proxyport;
    if (!req) {
        return DECLINED;
    }
    if (!req->choice.member || req->choice.member->worker != worker) {
        svb_decide_adopt(req, worker, r);
    }
    req->attempt = worker;
    req->attempts++;
    if (req->choice.member && req->choice.member->node >= 0) {
        enter_node(req, r, req->choice.member->node);
    }
    svb_learn_begin(req, r);
    svb_variables_set(r, req, worker,
                      req->is_launch ? SVB_HOW_LAUNCH : req->choice.how);
    if (req->choice.how == SVB_HOW_ELECTED || !req->choice.member
        || svb_condition_may_take_new(req->choice.member)) {
        apr_table_unset(r->subprocess_env, AJP_ACTIVATION);
    }
    else {
        apr_table_setn(r->subprocess_env, AJP_ACTIVATION, "DIS");
    }
    return DECLINED;
}

static int post_request(proxy_worker *worker, proxy_balancer *balancer,
                        request_rec *r, proxy_server_conf *conf)
{
    svb_request *req = svb_request_get(r);

    (void)worker, (void)balancer, (void)conf;
    if (req) {
        end_request(req);
    }
    return DECLINED;
}

/* The status is mod_proxy's: an error that a node answered itself comes as OK. */
static int request_status(int *status, request_rec *r)
{
    svb_request *req = svb_request_get(r);

    if (!req) {
        return DECLINED;
    }
    if (req->attempt && ap_is_HTTP_SERVER_ERROR(*status)) {
        req->has_failed = 1;
        attempt_failed(req);
    }
    if (*status == HTTP_SERVICE_UNAVAILABLE) {
        svb_answer_set_retry_after(r, req->balancer);
    }
    return OK;
}

void svb_attempt_register(apr_pool_t *p)
{
    static const char *const balancer_hooks[] = {"mod_proxy_balancer.c", NULL};

    (void)p;
    proxy_hook_pre_request(pre_request, NULL, balancer_hooks, APR_HOOK_FIRST);
    /* Before those that do the work: the first that does ends the hook. */
    proxy_hook_scheme_handler(scheme_handler, NULL, NULL,
                              APR_HOOK_REALLY_FIRST);
    proxy_hook_post_request(post_request, NULL, balancer_hooks, APR_HOOK_FIRST);
    APR_OPTIONAL_HOOK(proxy, request_status, request_status, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
