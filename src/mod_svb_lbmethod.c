/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "mod_svb_lbmethod.h"

#include <ap_provider.h>
#include <apr_strings.h>

#include "mod_svb_decide.h"
#include "mod_svb_shm.h"

/* mod_proxy_ajp sends it on as the attribute JK_LB_ACTIVATION. */
#define AJP_ACTIVATION "AJP_JK_LB_ACTIVATION"

static const svb_model *model;

void svb_lbmethod_use(const svb_model *m)
{
    model = m;
}

svb_balancer *svb_lbmethod_balancer(const proxy_balancer *balancer)
{
    return model && balancer ? svb_model_balancer(model, balancer) : NULL;
}

/* -------------------------------------------------------------- attempts */

static void leave_node(svb_request *req)
{
    if (req->in_flight >= 0) {
        svb_fleet_leave(svb_shm_fleet(), svb_shm_row(), req->in_flight);
        req->in_flight = -1;
    }
}

/* However a request ends, it is not in flight when its pool goes. */
static apr_status_t request_gone(void *req)
{
    leave_node(req);
    return APR_SUCCESS;
}

static void enter_node(svb_request *req, request_rec *r, int node)
{
    leave_node(req);
    req->in_flight = node;
    svb_fleet_enter(svb_shm_fleet(), svb_shm_row(), node);
    apr_pool_cleanup_kill(r->pool, req, request_gone);
    apr_pool_cleanup_register(r->pool, req, request_gone,
                              apr_pool_cleanup_null);
}

static const svb_member *member_of(const svb_request *req,
                                   const proxy_worker *worker)
{
    return svb_members_by_worker(svb_members_get(req->balancer), worker);
}

static void count(const svb_member *member, enum svb_counter counter)
{
    if (member && member->node >= 0) {
        svb_fleet_count(svb_shm_fleet(), member->node, counter);
    }
}

static void attempt_failed(svb_request *req)
{
    count(member_of(req, req->attempt), SVB_CTR_ERRORS);
    req->attempt = NULL;
}

void svb_lbmethod_count_choice(const svb_request *req)
{
    const svb_choice *choice = &req->choice;

    switch (choice->how) {
    case SVB_HOW_ELECTED:
        count(choice->member, SVB_CTR_ELECTED);
        break;
    case SVB_HOW_FAILOVER:
        count(choice->from, SVB_CTR_FAILED_OVER_FROM);
        count(choice->member, SVB_CTR_FAILED_OVER_TO);
        break;
    default:
        count(choice->member, SVB_CTR_STICKY);
    }
}

/* With stickysession= mod_proxy_balancer may have found the worker itself. */
static void adopt_choice(svb_request *req, proxy_worker *worker)
{
    svb_choice *choice = &req->choice;

    if (!choice->member || choice->member->worker != worker) {
        choice->member = member_of(req, worker);
        choice->from = NULL;
        choice->how = SVB_HOW_ROUTE;
    }
}

void svb_lbmethod_set_env(request_rec *r, const svb_balancer *balancer,
                          const proxy_worker *worker, enum svb_how how)
{
    apr_table_setn(r->subprocess_env, SVB_ENV_FLEET, balancer->fleet->name);
    apr_table_setn(r->subprocess_env, SVB_ENV_ROUTE, worker->s->route);
    apr_table_setn(r->subprocess_env, SVB_ENV_HOW, svb_how_name(how));
}

void svb_lbmethod_retry_after(request_rec *r, const svb_balancer *balancer)
{
    apr_table_setn(r->err_headers_out, "Retry-After",
                   apr_itoa(r->pool, svb_decide_retry_after(balancer)));
}

/* ------------------------------------------------------- the hooks, in turn */

static const char *path_of(const char *url)
{
    const char *path = ap_strstr_c(url, "://");

    path = path ? ap_strchr_c(path + 3, '/') : NULL;
    return path ? path : "/";
}

static int pre_request(proxy_worker **worker, proxy_balancer **balancer,
                       request_rec *r, proxy_server_conf *conf, char **url)
{
    proxy_balancer *proxy = *balancer;
    svb_balancer *ours;
    svb_request *req;

    (void)worker;
    if (!proxy
        && !ap_cstr_casecmpn(*url, BALANCER_PREFIX,
                             sizeof(BALANCER_PREFIX) - 1)) {
        proxy = ap_proxy_get_balancer(r->pool, conf, *url, 1);
    }
    ours = svb_lbmethod_balancer(proxy);
    if (ours) {
        req = svb_request_make(r, ours, path_of(*url));
        if (req->attempt) {
            APR_ARRAY_PUSH(req->tried, proxy_worker *) = req->attempt;
            attempt_failed(req);
            leave_node(req);
        }
    }
    return DECLINED;
}

/* balancer-manager can give any balancer any method, but what ours needs to
 * know is read at startup. The balancer goes on with mod_proxy's default. */
static proxy_worker *stand_in(proxy_balancer *balancer, request_rec *r)
{
    const proxy_balancer_method *method =
        ap_lookup_provider(PROXY_LBMETHOD, "byrequests", "0");

    ap_log_rerror(
        APLOG_MARK, APLOG_ERR, 0, r,
        SVB_LOGNO(0040) "%s: lbmethod=" SVB_LBMETHOD " was chosen at "
                        "run time, but has to be in the configuration; %s",
        balancer->s->name,
        method ? "byrequests stands in for it"
               : "and mod_lbmethod_byrequests is not there either");
    return method ? method->finder(balancer, r) : NULL;
}

static proxy_worker *finder(proxy_balancer *balancer, request_rec *r)
{
    svb_balancer *ours = svb_lbmethod_balancer(balancer);

    if (!ours) {
        return stand_in(balancer, r);
    }
    return svb_decide(svb_request_make(r, ours, "/"), r);
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
    adopt_choice(req, worker);
    req->attempt = worker;
    if (req->choice.member && req->choice.member->node >= 0) {
        enter_node(req, r, req->choice.member->node);
    }
    svb_lbmethod_count_choice(req);
    svb_lbmethod_set_env(r, req->balancer, worker,
                         req->is_launch ? SVB_HOW_LAUNCH : req->choice.how);
    if (svb_decide_takes_new(worker)) {
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
        leave_node(req);
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
        attempt_failed(req);
    }
    if (*status == HTTP_SERVICE_UNAVAILABLE) {
        svb_lbmethod_retry_after(r, req->balancer);
    }
    return OK;
}

proxy_worker *svb_lbmethod_choose(svb_request *req, request_rec *r)
{
    proxy_balancer *proxy = req->balancer->proxy;
    proxy_worker *worker;

    if (PROXY_THREAD_LOCK(proxy) != APR_SUCCESS) {
        return NULL;
    }
    ap_proxy_sync_balancer(
        proxy, r->server,
        ap_get_module_config(r->server->module_config, &proxy_module));
    worker = svb_decide(req, r);
    PROXY_THREAD_UNLOCK(proxy);
    return worker;
}

/* Nothing of ours is counted in mod_proxy's lbstatus. */
static apr_status_t nothing_to_do(proxy_balancer *balancer, server_rec *s)
{
    (void)balancer, (void)s;
    return APR_SUCCESS;
}

static apr_status_t nothing_to_update(proxy_balancer *balancer,
                                      proxy_worker *elected, server_rec *s)
{
    (void)balancer, (void)elected, (void)s;
    return APR_SUCCESS;
}

static const proxy_balancer_method servoy = {
    .name = SVB_LBMETHOD,
    .finder = finder,
    .reset = nothing_to_do,
    .age = nothing_to_do,
    .updatelbstatus = nothing_to_update,
};

void svb_lbmethod_register(apr_pool_t *p)
{
    static const char *const balancer_hooks[] = {"mod_proxy_balancer.c", NULL};

    ap_register_provider(p, PROXY_LBMETHOD, SVB_LBMETHOD, "0", &servoy);
    proxy_hook_pre_request(pre_request, NULL, balancer_hooks, APR_HOOK_FIRST);
    /* Before those that do the work: the first that does ends the hook. */
    proxy_hook_scheme_handler(scheme_handler, NULL, NULL,
                              APR_HOOK_REALLY_FIRST);
    proxy_hook_post_request(post_request, NULL, balancer_hooks, APR_HOOK_FIRST);
    APR_OPTIONAL_HOOK(proxy, request_status, request_status, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
