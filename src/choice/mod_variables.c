/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_variables.h"

#include <apr_strings.h>

#include "memory/mod_clients.h"

/* What is behind a dot may be a route, or a part of somebody's secret: it is one where
 * a node of the fleet has it. */
static int is_a_route(const svb_request *req, const char *route, apr_size_t len)
{
    const apr_array_header_t *balancers = req->balancer->fleet->balancers;

    for (int i = 0; i < balancers->nelts; i++) {
        svb_balancer *balancer = APR_ARRAY_IDX(balancers, i, svb_balancer *);

        if (svb_members_by_route(svb_members_get(balancer), route, len)) {
            return 1;
        }
    }
    return 0;
}

/* The route of the id by which the request goes where it does; where none names
 * a member, that of the first id that has any: "-" where no node of ours has it. */
static const char *route_of_id(request_rec *r, const svb_request *req,
                               const char **name)
{
    const svb_session_id *ids = req->id ? req->id : req->ids;
    int n = req->id ? 1 : req->n_ids;
    apr_size_t len = req->id_route_len;

    if (req->id && len) {
        *name = req->id->name;
        return apr_pstrmemdup(r->pool, req->id->id + req->id->len - len, len);
    }
    for (int i = 0; i < n; i++) {
        const char *route, *found = NULL;
        apr_size_t pos = 0;

        while (!found && svb_session_next_route(&ids[i], &pos, &route, &len)) {
            if (is_a_route(req, route, len)) {
                found = apr_pstrmemdup(r->pool, route, len);
            }
        }
        if (found || memchr(ids[i].id, '.', ids[i].len)) {
            *name = ids[i].name;
            return found ? found : "-";
        }
    }
    return NULL;
}

/* In the first attempt there are none yet, and need not be looked for. */
typedef void set_fn(apr_table_t *env, const char *key, const char *value);

static set_fn *setter(const svb_request *req, int was_set)
{
    return was_set || *req->balancer->proxy->s->sticky ? apr_table_setn
                                                       : apr_table_addn;
}

/* What mod_proxy_balancer sets with stickysession=. */
static void set_session_env(request_rec *r, const svb_request *req,
                            const proxy_worker *worker, set_fn *set)
{
    const char *name, *route = route_of_id(r, req, &name);

    if (route) {
        set(r->subprocess_env, "BALANCER_SESSION_STICKY", name);
        set(r->subprocess_env, "BALANCER_SESSION_ROUTE", route);
        if (strcmp(route, worker->s->route)) {
            apr_table_setn(r->subprocess_env, "BALANCER_ROUTE_CHANGED", "1");
        }
    }
}

static const char *name_of(apr_pool_t *p, apr_uint64_t client)
{
    char *name = apr_palloc(p, SVB_CLIENTS_CALLED + 1);

    svb_clients_call(client, name);
    return name;
}

static void set_client(request_rec *r, svb_request *req, apr_uint64_t client,
                       set_fn *set)
{
    req->called = client;
    set(r->subprocess_env, SVB_ENV_CLIENT, name_of(r->pool, client));
}

void svb_variables_set_client(request_rec *r, svb_request *req,
                              apr_uint64_t client)
{
    if (!client || client == req->called) {
        return;
    }
    if (!req->called) {
        set_client(r, req, client, apr_table_setn);
        return;
    }
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  SVB_LOGNO(0159) "%s: client %s goes on as %s",
                  req->balancer->name, name_of(r->pool, req->called),
                  name_of(r->pool, client));
}

void svb_variables_set(request_rec *r, svb_request *req,
                       const proxy_worker *worker, svb_how how)
{
    set_fn *set = setter(req, req->attempts > 1);

    set(r->subprocess_env, SVB_ENV_FLEET, req->balancer->fleet->name);
    set(r->subprocess_env, SVB_ENV_ROUTE, worker->s->route);
    set(r->subprocess_env, SVB_ENV_HOW, svb_how_name(how));
    if (!req->called && req->client) {
        set_client(r, req, req->client, set);
    }
    else if (req->called && req->attempts > 1) { /* which may begin without */
        set_client(r, req, req->called, set);
    }
    set_session_env(r, req, worker, set);
}

void svb_variables_set_balancer(request_rec *r, const svb_request *req,
                                const proxy_worker *worker)
{
    set_fn *set = setter(req, req->attempts > 0);

    set(r->subprocess_env, "BALANCER_NAME", req->balancer->name);
    set(r->subprocess_env, "BALANCER_WORKER_NAME", worker->s->name_ex);
    set(r->subprocess_env, "BALANCER_WORKER_ROUTE", worker->s->route);
}
