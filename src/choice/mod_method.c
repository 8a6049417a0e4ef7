/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_method.h"

#include <ap_provider.h>

#include "choice/mod_decide.h"
#include "nodes/mod_condition.h"

static const svb_model *model;

void svb_method_use(const svb_model *m)
{
    model = m;
}

svb_balancer *svb_method_balancer(const proxy_balancer *balancer)
{
    return model && balancer ? svb_model_balancer(model, balancer) : NULL;
}

typedef int compare_fn(const char *a, const char *b, apr_size_t n);

static svb_balancer *named(const server_rec *s, const char *url,
                           compare_fn *compare)
{
    for (int i = 0; model && i < model->balancers->nelts; i++) {
        svb_balancer *balancer =
            APR_ARRAY_IDX(model->balancers, i, svb_balancer *);
        apr_size_t len = balancer->name_len;

        if (balancer->server == s && !compare(balancer->name, url, len)
            && (url[len] == '/' || url[len] == '\0')
            && !balancer->proxy->s->inactive) {
            return balancer;
        }
    }
    return NULL;
}

/* As ap_proxy_get_balancer() compares them, which has more to do for it. What
 * mod_proxy has made canonical is the very name. */
svb_balancer *svb_method_balancer_at(const server_rec *s, const char *url)
{
    svb_balancer *balancer = named(s, url, strncmp);

    return balancer ? balancer : named(s, url, ap_cstr_casecmpn);
}

svb_balancer *svb_method_balancer_of(request_rec *r)
{
    static const char proxy[] = "proxy:";

    return r->proxyreq == PROXYREQ_REVERSE && r->filename
                   && !strncmp(r->filename, proxy, sizeof(proxy) - 1)
               ? named(r->server, r->filename + sizeof(proxy) - 1, strncmp)
               : NULL;
}

int svb_method_is_canonical(const request_rec *r, const char *url)
{
    const svb_balancer *balancer = named(r->server, url, strncmp);

    return balancer && url[balancer->name_len] == '/'
           && !ap_strchr_c(balancer->name + sizeof(BALANCER_PREFIX) - 1, ':');
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
    svb_balancer *ours = svb_method_balancer(balancer);
    proxy_worker *worker;
    svb_request *req;

    if (!ours) {
        return stand_in(balancer, r);
    }
    req = svb_request_make(r, ours, ours->name);
    worker = svb_decide(req, r);
    if (!worker) {
        svb_decide_log_none(req, r);
    }
    return worker;
}

proxy_worker *svb_method_choose(svb_request *req, request_rec *r)
{
    proxy_balancer *proxy = req->balancer->proxy;
    proxy_worker *worker = svb_decide_known(req, r);

    if (worker || PROXY_THREAD_LOCK(proxy) != APR_SUCCESS) {
        return worker;
    }
    req->is_recovered |= svb_condition_recover(req->balancer, r);
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

int svb_method_is_in_force(const svb_balancer *balancer)
{
    const proxy_balancer *proxy = balancer->proxy;

    return proxy->lbmethod == &servoy && proxy->s->wupdated <= proxy->wupdated;
}

void svb_method_register(apr_pool_t *p)
{
    ap_register_provider(p, PROXY_LBMETHOD, SVB_LBMETHOD, "0", &servoy);
}
