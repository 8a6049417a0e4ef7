/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "launch/mod_launch.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>

#include "choice/mod_decide.h"
#include "choice/mod_method.h"
#include "choice/mod_request.h"
#include "choice/mod_variables.h"
#include "config/mod_model.h"
#include "config/mod_sections.h"
#include "course/mod_answer.h"
#include "course/mod_learn.h"
#include "course/mod_smart.h"
#include "launch/location.h"
#include "launch/mod_front.h"
#include "launch/mod_rewrite.h"
#include "mod_log.h"
#include "nodes/mod_members.h"
#include "nodes/mod_probe.h"

#define PROXY_PREFIX "proxy:" BALANCER_PREFIX

/* The request target as mod_proxy has it for the node. */
typedef struct {
    const char *path;    /* decoded, for matching */
    const char *encoded; /* as it goes into a URL */
    const char *query;   /* or NULL */
} target;

/* ----------------------------------------------------------- is it a launch */

static int is_raw(request_rec *r)
{
    return apr_table_get(r->notes, "proxy-nocanon") != NULL;
}

/* The path as the node would see it, for matching; it is asked of every request. */
static const char *decoded_path(request_rec *r)
{
    const char *path = ap_strchr_c(r->filename + sizeof(PROXY_PREFIX) - 1, '/');
    char *decoded, *query;

    if (!path || (!is_raw(r) && !apr_table_get(r->notes, "proxy-noencode"))) {
        return path;
    }
    decoded = apr_pstrdup(r->pool, path);
    if (is_raw(r) && (query = strchr(decoded, '?')) != NULL) {
        *query = '\0';
    }
    return ap_unescape_url_keep2f(decoded, 0) == OK ? decoded : NULL;
}

/* Raw targets (nocanon) and encoded ones (mapping=encoded) are what the client
 * sent. Others were decoded: the client's own encoding is looked up in the
 * request line; where the path was rewritten on the way, it is encoded anew. */
static int read_target(request_rec *r, target *t)
{
    const char *path = ap_strchr_c(r->filename + sizeof(PROXY_PREFIX) - 1, '/');

    t->query = r->args;
    t->encoded = is_raw(r)
                     ? apr_pstrmemdup(r->pool, path, strcspn(path, "?"))
                     : svb_location_raw_path(r->pool, r->unparsed_uri, t->path);
    if (!t->encoded && apr_table_get(r->notes, "proxy-noencode")) {
        t->encoded = path;
    }
    if (!t->encoded) {
        t->encoded = ap_proxy_canonenc_ex(r->pool, path, (int)strlen(path),
                                          enc_path, 0, r->proxyreq);
    }
    return t->encoded != NULL;
}

static int matches(request_rec *r, const svb_balancer *balancer,
                   const char *path)
{
    const svb_section *set = &balancer->set;

    path = svb_location_match_path(r->pool, path);
    return svb_sections_match(set->launch_match, &set->launch_shape, path);
}

/* --------------------------------------------------------------- the answer */

static int refuse(request_rec *r, const svb_request *req, const char *err)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  SVB_LOGNO(0050) "%s: launch refused: its path or query %s",
                  req->balancer->name, err);
    return HTTP_BAD_REQUEST;
}

static int redirect(request_rec *r, svb_request *req, const target *t)
{
    const svb_member *member = req->choice.member;
    const char *location;
    const char *err = svb_location_join(r->pool, member->facts.url, t->encoded,
                                        t->query, &location);

    if (err) {
        return refuse(r, req, err);
    }
    if (!r->header_only) {
        svb_learn_count(req);
        svb_smart_launched(req, r, r->err_headers_out);
    }
    svb_variables_set(r, req, member->worker, SVB_HOW_LAUNCH);
    svb_variables_set_balancer(r, req, member->worker);
    apr_table_setn(r->headers_out, "Location", location);
    /* On an error answer, and 302 is one to httpd, headers_out is dropped. */
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  SVB_LOGNO(0051) "%s: launch sent to node %s",
                  req->balancer->name, member->route);
    return HTTP_MOVED_TEMPORARILY;
}

/* The URL by which the client has asked, whatever became of it on the way here:
 * the next launch of its shortcut. */
static const char *own_url(request_rec *r, const char **url)
{
    const request_rec *first = r;
    const char *path, *query;

    while (first->prev) {
        first = first->prev;
    }
    if (!svb_location_target(r->pool, first->unparsed_uri, &path, &query)) {
        return "is not there";
    }
    return svb_location_make(r->pool, svb_front_url(r), path, query, url);
}

static int rewrite(request_rec *r, svb_request *req)
{
    const char *href;
    const char *err = own_url(r, &href);

    if (err) {
        return refuse(r, req, err);
    }
    svb_rewrite_prepare(req, r, href);
    return DECLINED;
}

/* Deep links have a bare "|" in them, which a Tomcat refuses over HTTP. */
static void encode_query(request_rec *r)
{
    char *query;

    if (r->args) {
        r->args = (char *)svb_location_query(r->pool, r->args);
    }
    if (apr_table_get(r->notes, "proxy-nocanon")
        && (query = strchr(r->filename, '?')) != NULL) {
        r->filename =
            apr_pstrcat(r->pool,
                        apr_pstrmemdup(r->pool, r->filename,
                                       (apr_size_t)(query + 1 - r->filename)),
                        svb_location_query(r->pool, query + 1), NULL);
    }
}

/* Choose a node, and see to it that it is there: a client that we have sent away
 * cannot come back to say that it is not. */
static int choose(request_rec *r, svb_request *req)
{
    while (svb_method_choose(req, r)) {
        if (svb_probe_finds(req->balancer, req->choice.member,
                            req->is_recovered, r->pool)) {
            return 1;
        }
        svb_request_rule_out(req, req->choice.member->worker, r->pool);
    }
    svb_decide_log_none(req, r);
    return 0;
}

static int launch(request_rec *r, svb_balancer *balancer, const target *t)
{
    svb_request *req = svb_request_make_launch(r, balancer, t->encoded);
    int mode = balancer->set.launch;

    /* A HEAD must leave no trace, so that the GET right after it, from a client
     * that keeps no cookies, gets the same node. */
    req->dry_run = r->header_only;
    if (!choose(r, req)) {
        svb_answer_set_retry_after(r, balancer);
        svb_answer_count_refused(balancer);
        return svb_answer_unavailable(r);
    }
    if (mode == SVB_LAUNCH_REDIRECT && req->choice.member->facts.url) {
        return redirect(r, req, t);
    }
    encode_query(r);
    req->fixed = req->choice.member->worker;
    return mode == SVB_LAUNCH_REWRITE ? rewrite(r, req) : DECLINED;
}

static int handler(request_rec *r)
{
    svb_balancer *balancer = svb_method_balancer_of(r);
    target t = {.path = balancer ? decoded_path(r) : NULL};

    if (!t.path || !matches(r, balancer, t.path) || !read_target(r, &t)) {
        return DECLINED;
    }
    if (r->method_number != M_GET) {
        return balancer->set.launch == SVB_LAUNCH_REDIRECT
                   ? svb_answer_not_allowed(r, "GET, HEAD")
                   : DECLINED;
    }
    return launch(r, balancer, &t);
}

void svb_launch_register(apr_pool_t *p)
{
    static const char *const before_proxy[] = {"mod_proxy.c", NULL};

    (void)p;
    ap_hook_handler(handler, NULL, before_proxy, APR_HOOK_FIRST);
}
