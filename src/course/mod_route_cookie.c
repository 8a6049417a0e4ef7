/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_route_cookie.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>

#include "config/mod_values.h"

const char *svb_route_cookie_hide(const svb_request *req, request_rec *r)
{
    const char *name = req->balancer->set.route_cookie;
    char *rest;

    if (!*name || !req->cookies || !ap_strstr_c(req->cookies, name)) {
        return NULL;
    }
    rest = apr_pstrdup(r->pool, req->cookies);
    if (!svb_session_strip(rest, name)) {
        return NULL;
    }
    if (*rest) {
        apr_table_setn(r->headers_in, "Cookie", rest);
    }
    else {
        apr_table_unset(r->headers_in, "Cookie");
    }
    return req->cookies;
}

void svb_route_cookie_show(request_rec *r, const char *before)
{
    if (before) {
        apr_table_setn(r->headers_in, "Cookie", before);
    }
}

/* A login may come back by a POST from another site, which SameSite=Lax would keep the
 * cookie from; None is only taken over TLS. */
static const char *attributes(request_rec *r)
{
    return strcmp(ap_http_scheme(r), "https") ? "; SameSite=Lax"
                                              : "; Secure; SameSite=None";
}

void svb_route_cookie_set(const svb_request *req, request_rec *r)
{
    const svb_section *set = &req->balancer->set;
    const char *route = req->choice.member->route;

    if (*set->route_cookie && *route && svb_values_is_route(route)) {
        apr_table_addn(r->headers_out, "Set-Cookie",
                       apr_psprintf(r->pool,
                                    "%s=%s; Path=/; Max-Age=%" APR_TIME_T_FMT
                                    "; HttpOnly%s",
                                    set->route_cookie, route,
                                    apr_time_sec(set->session_timeout),
                                    attributes(r)));
    }
}
