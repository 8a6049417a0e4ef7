/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "launch/mod_direct.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>

#include "choice/mod_decide.h"
#include "choice/mod_method.h"
#include "choice/mod_variables.h"
#include "config/mod_sections.h"
#include "course/mod_answer.h"
#include "course/mod_learn.h"
#include "course/mod_smart.h"
#include "launch/location.h"
#include "mod_log.h"
#include "nodes/mod_probe.h"

#define PROXY_PREFIX "proxy:" BALANCER_PREFIX

/* --------------------------------------------------------------- the target */

static int is_raw(request_rec *r)
{
    return apr_table_get(r->notes, "proxy-nocanon") != NULL;
}

const char *svb_direct_path(request_rec *r)
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
int svb_direct_read(request_rec *r, svb_direct_target *t)
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

int svb_direct_matches(request_rec *r, const char *path,
                       const ap_regex_t *regex, const svb_pattern_shape *shape)
{
    return svb_sections_match(regex, shape,
                              svb_location_match_path(r->pool, path));
}

/* ----------------------------------------------------------------- the node */

/* It has to be there: a client that we have sent away cannot come back to say that it
 * is not. A HEAD must leave no trace, so that the GET right after it, from a client
 * that keeps no cookies, gets the same node. */
int svb_direct_choose(request_rec *r, svb_request *req)
{
    req->dry_run = r->header_only;
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

/* --------------------------------------------------------------- the answer */

int svb_direct_unavailable(request_rec *r, const svb_request *req)
{
    svb_answer_set_retry_after(r, req->balancer);
    svb_answer_count_refused(req->balancer);
    return svb_answer_unavailable(r);
}

int svb_direct_refuse(request_rec *r, const svb_request *req, const char *what,
                      const char *err)
{
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                  SVB_LOGNO(0050) "%s: %s refused: its path or query %s",
                  req->balancer->name, what, err);
    return HTTP_BAD_REQUEST;
}

int svb_direct_redirect(request_rec *r, svb_request *req,
                        const svb_direct_target *t, const char *what)
{
    const svb_member *member = req->choice.member;
    const char *location;
    const char *err = svb_location_join(r->pool, member->facts.url, t->encoded,
                                        t->query, &location);

    if (err) {
        return svb_direct_refuse(r, req, what, err);
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
                  SVB_LOGNO(0051) "%s: %s sent to node %s", req->balancer->name,
                  what, member->route);
    return HTTP_MOVED_TEMPORARILY;
}
