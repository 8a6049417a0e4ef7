/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "launch/mod_launch.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>

#include "choice/mod_method.h"
#include "course/mod_answer.h"
#include "launch/location.h"
#include "launch/mod_direct.h"
#include "launch/mod_door.h"
#include "launch/mod_front.h"
#include "launch/mod_rewrite.h"
#include "mod_log.h"

#define LAUNCH "launch"

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
        return svb_direct_refuse(r, req, LAUNCH, err);
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

static int launch(request_rec *r, svb_balancer *balancer,
                  const svb_direct_target *t)
{
    svb_request *req = svb_request_make_launch(r, balancer, t->encoded);
    int mode = balancer->set.launch;

    if (!svb_direct_choose(r, req)) {
        return svb_direct_unavailable(r, req);
    }
    if (mode == SVB_LAUNCH_REDIRECT && req->choice.member->facts.url) {
        return svb_direct_redirect(r, req, t, LAUNCH);
    }
    encode_query(r);
    req->fixed = req->choice.member->worker;
    return mode == SVB_LAUNCH_REWRITE ? rewrite(r, req) : DECLINED;
}

static int handler(request_rec *r)
{
    svb_balancer *balancer = svb_method_balancer_of(r);
    svb_direct_target t = {.path = balancer ? svb_direct_path(r) : NULL};

    if (!t.path) {
        return DECLINED;
    }
    if (!svb_direct_matches(r, t.path, balancer->set.launch_match,
                            &balancer->set.launch_shape)) {
        return balancer->set.start == SVB_START_REDIRECT
                   ? svb_door_answer(r, balancer, &t)
                   : DECLINED;
    }
    if (!svb_direct_read(r, &t)) {
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
