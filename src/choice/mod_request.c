/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_request.h"

#include <apr_strings.h>

#include "nodes/mod_condition.h"

svb_request *svb_request_get(request_rec *r)
{
    return ap_get_module_config(r->request_config, &servoy_balancer_module);
}

static svb_request *make(request_rec *r, svb_balancer *balancer,
                         const char *path)
{
    svb_request *req = apr_pcalloc(r->pool, sizeof(*req));
    apr_size_t len = strcspn(path, ";?");

    req->path = path[len] ? apr_pstrmemdup(r->pool, path, len) : path;
    req->balancer = balancer;
    req->cookies = apr_table_get(r->headers_in, "Cookie");
    req->protocol = apr_table_get(r->headers_in, "Upgrade");
    req->in_flight = -1;
    req->stateless = -1;
    req->place = -1;
    ap_set_module_config(r->request_config, &servoy_balancer_module, req);
    return req;
}

static void read_session(const svb_request *req, const char *path,
                         svb_session_ids *ids)
{
    const apr_array_header_t *names = req->balancer->set.session_cookies;

    svb_session_from_cookie(ids, req->cookies, names);
    svb_session_from_path(ids, path, names);
}

static void keep(svb_request *req, apr_pool_t *p, const svb_session_ids *ids)
{
    req->ids = apr_pmemdup(p, ids->ids, (apr_size_t)ids->n * sizeof(*ids->ids));
    req->n_ids = ids->n;
}

int svb_request_matches(const svb_request *req, request_rec *r,
                        const ap_regex_t *regex, const svb_pattern_shape *shape)
{
    char *path;

    if (!ap_strchr_c(req->path, '%')) {
        return svb_sections_match(regex, shape, req->path);
    }
    path = apr_pstrdup(r->pool, req->path);
    return ap_unescape_url_keep2f(path, 0) == OK
           && svb_sections_match(regex, shape, path);
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

svb_request *svb_request_make(request_rec *r, svb_balancer *balancer,
                              const char *url)
{
    svb_request *req = svb_request_get(r);
    const char *path = url + balancer->name_len;
    svb_session_ids ids;

    if (!req) {
        path = *path ? path_for_ids(r, path) : "/";
        req = make(r, balancer, path);
        read_session(req, path, &ids);
        keep(req, r->pool, &ids);
    }
    return req;
}

static void read_launch_cookie(const svb_request *req, apr_pool_t *p,
                               svb_session_ids *ids)
{
    const char *cookie = req->balancer->set.launch_cookie;
    apr_array_header_t *names = apr_array_make(p, 1, sizeof(cookie));

    ids->n = 0;
    if (*cookie) {
        APR_ARRAY_PUSH(names, const char *) = cookie;
        svb_session_from_cookie(ids, req->cookies, names);
    }
}

svb_request *svb_request_make_launch(request_rec *r, svb_balancer *balancer,
                                     const char *path)
{
    svb_request *req = make(r, balancer, path);
    svb_session_ids ids, session;

    req->is_launch = 1;
    read_launch_cookie(req, r->pool, &ids);
    read_session(req, path, &session);
    for (int i = 0; i < session.n && ids.n < SVB_SESSION_IDS_MAX; i++) {
        ids.ids[ids.n++] = session.ids[i];
    }
    keep(req, r->pool, &ids);
    return req;
}

svb_request *svb_request_make_ordinary(request_rec *r,
                                       const svb_request *launch,
                                       const char *url)
{
    svb_request *req;

    ap_set_module_config(r->request_config, &servoy_balancer_module, NULL);
    req = svb_request_make(r, launch->balancer, url);
    req->tried = launch->tried;
    req->choice = launch->choice;
    /* Nothing that it came with has named the node, but perhaps a launch cookie. */
    if (req->choice.how != SVB_HOW_ELECTED) {
        req->choice.from = NULL;
        req->choice.how = SVB_HOW_COOKIE;
    }
    req->fixed = launch->choice.member->worker;
    return req;
}

static int is_of_stateless_path(const svb_request *req, request_rec *r)
{
    const svb_section *set = &req->balancer->set;

    return set->stateless
           && svb_request_matches(req, r, set->stateless,
                                  &set->stateless_shape);
}

/* Whoever is known and goes on need not be asked. */
int svb_request_is_stateless(svb_request *req, request_rec *r)
{
    if (req->stateless < 0) {
        req->stateless =
            !req->is_launch
            && (r->method_number == M_OPTIONS || is_of_stateless_path(req, r));
    }
    return req->stateless;
}

int svb_request_is_unbound(const svb_request *req)
{
    return req->choice.how == SVB_HOW_ELECTED
           || req->choice.how == SVB_HOW_COOKIE
           || req->choice.how == SVB_HOW_STATELESS;
}

int svb_request_node(const svb_request *req)
{
    return req->choice.member ? req->choice.member->node : -1;
}

int svb_request_is_smart(const svb_request *req)
{
    return req->is_known && req->kind == SVB_KIND_SMART;
}

svb_witness svb_request_witness(const svb_request *req, request_rec *r)
{
    return (svb_witness){req->balancer->fleet, r->server, r->pool};
}

void svb_request_rule_out(svb_request *req, proxy_worker *worker, apr_pool_t *p)
{
    if (!req->tried) {
        req->tried = apr_array_make(p, 4, sizeof(proxy_worker *));
    }
    APR_ARRAY_PUSH(req->tried, proxy_worker *) = worker;
}

int svb_request_has_tried(const svb_request *req, const proxy_worker *worker)
{
    for (int i = 0; req->tried && i < req->tried->nelts; i++) {
        if (APR_ARRAY_IDX(req->tried, i, proxy_worker *) == worker) {
            return 1;
        }
    }
    return 0;
}

int svb_request_is_ruled_out(const svb_request *req, const svb_member *member)
{
    return svb_request_has_tried(req, member->worker)
           || (req->is_launch
               && !svb_condition_of_member(req->balancer, member,
                                           apr_time_now())
                       .gets_launches);
}

int svb_request_can_have(const svb_request *req, const svb_member *member,
                         request_rec *r)
{
    return !svb_request_is_ruled_out(req, member)
           && svb_condition_can_serve_now(member->worker, r);
}

const char *svb_how_name(svb_how how)
{
    static const char *const names[] = {"",          "known",  "route",
                                        "failover",  "cookie", "elected",
                                        "stateless", "launch"};

    return names[how];
}
