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

/* As ap_proxy_get_balancer() compares them, which has more to do for it. */
static int is_named(const svb_balancer *balancer, const char *url)
{
    apr_size_t len = strlen(balancer->name);

    return !ap_cstr_casecmpn(balancer->name, url, len)
           && (url[len] == '/' || url[len] == '\0')
           && !balancer->proxy->s->inactive;
}

svb_balancer *svb_method_balancer_at(const server_rec *s, const char *url)
{
    for (int i = 0; model && i < model->balancers->nelts; i++) {
        svb_balancer *balancer =
            APR_ARRAY_IDX(model->balancers, i, svb_balancer *);

        if (balancer->server == s && is_named(balancer, url)) {
            return balancer;
        }
    }
    return NULL;
}

svb_balancer *svb_method_balancer_of(request_rec *r)
{
    static const char prefix[] = "proxy:" BALANCER_PREFIX;

    if (r->proxyreq != PROXYREQ_REVERSE || !r->filename
        || strncmp(r->filename, prefix, sizeof(prefix) - 1)) {
        return NULL;
    }
    return svb_method_balancer_at(r->server,
                                  r->filename + sizeof("proxy:") - 1);
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

    if (!ours) {
        return stand_in(balancer, r);
    }
    return svb_decide(svb_request_make(r, ours, "/"), r);
}

proxy_worker *svb_method_choose(svb_request *req, request_rec *r)
{
    proxy_balancer *proxy = req->balancer->proxy;
    proxy_worker *worker;

    if (PROXY_THREAD_LOCK(proxy) != APR_SUCCESS) {
        return NULL;
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

void svb_method_register(apr_pool_t *p)
{
    ap_register_provider(p, PROXY_LBMETHOD, SVB_LBMETHOD, "0", &servoy);
}
