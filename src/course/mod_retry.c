/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_retry.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "choice/mod_election.h"
#include "choice/mod_method.h"
#include "choice/mod_request.h"
#include "config/mod_model.h"
#include "course/mod_answer.h"
#include "course/mod_attempt.h"
#include "course/mod_rewind.h"
#include "memory/client.h"
#include "memory/mod_segments.h"
#include "memory/records.h"
#include "mod_log.h"
#include "nodes/condition.h"
#include "nodes/mod_condition.h"
#include "nodes/mod_members.h"

/* How much of a 503's text is searched, and for what. */
#define TEXT_MAX 8192
#define MAINTENANCE_TEXT "maintenance mode"

static ap_filter_rec_t *refusal_filter;

/* One run of mod_proxy's handler, as the filter sees it. */
typedef struct {
    ap_filter_t *filter; /* NULL when it has removed itself */
    int failures;        /* of runs before this one */
    int decided;
    int refused;
    int failed;
    apr_bucket_brigade *held; /* until it is known which */
} proxy_run;

/* ---------------------------------------------------- is it a refusal */

static int has_maintenance_text(apr_bucket_brigade *bb, apr_pool_t *p)
{
    char *text = apr_palloc(p, TEXT_MAX + 1);
    apr_size_t len = TEXT_MAX;

    if (apr_brigade_flatten(bb, text, &len) != APR_SUCCESS) {
        return 0;
    }
    text[len] = '\0';
    return ap_strcasestr(text, MAINTENANCE_TEXT) != NULL;
}

/* Somebody whose session the node has started gets the application's own
 * answer. */
static int is_known(const svb_request *req)
{
    return req->is_known && req->kind == SVB_KIND_WEB;
}

/* Might a 503 of this request be a refusal of a new client? */
static int may_be_refused(const svb_request *req)
{
    const svb_member *member = req ? req->choice.member : NULL;

    return member && member->node >= 0 && req->balancer->set.maintenance
           && !is_known(req);
}

/* Is it one, whatever its text says? */
static int is_refused_without_text(const svb_request *req)
{
    return !req->ids.n || svb_condition_in_maintenance(req->choice.member);
}

/* @return 1: a refusal, 0: none, -1: cannot tell before there is more of the text */
static int is_refusal(request_rec *r, const svb_request *req,
                      apr_bucket_brigade *bb)
{
    apr_bucket *last = APR_BRIGADE_LAST(bb);
    apr_off_t len = 0;

    if (!may_be_refused(req)) {
        return 0;
    }
    if (is_refused_without_text(req) || has_maintenance_text(bb, r->pool)) {
        return 1;
    }
    apr_brigade_length(bb, 0, &len);
    return APR_BUCKET_IS_EOS(last) || len >= TEXT_MAX ? 0 : -1;
}

static void note_refusal(request_rec *r, const svb_request *req)
{
    svb_records *records = svb_segments_records();
    const svb_member *member = req->choice.member;
    apr_time_t until = apr_time_now() + req->balancer->set.maintenance_retry;

    svb_records_count(records, member->node, SVB_CTR_MAINTENANCE_HITS);
    if (svb_condition_maintenance(records, member->node) == 0) {
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r,
                      SVB_LOGNO(0090) "%s: node %s is in maintenance: it gets "
                                      "no new clients until it takes one again",
                      req->balancer->name, member->route);
    }
    svb_condition_set_maintenance(records, member->node, until);
}

/* Note a refusal. @return whether there is somebody else to ask */
static int may_ask_another(request_rec *r, const svb_request *req)
{
    note_refusal(r, req);
    return svb_election_has_other(req, req->choice.member, r);
}

static apr_status_t step_aside(ap_filter_t *f, proxy_run *run,
                               apr_bucket_brigade *bb)
{
    ap_remove_output_filter(f);
    run->filter = NULL;
    return ap_pass_brigade(f->next, bb);
}

/* A node that dies under a request which is not the first on its client's
 * connection: mod_proxy_http answers nothing and has the connection closed, so
 * that the client tries again. */
static int hangs_up(apr_bucket_brigade *bb)
{
    for (apr_bucket *b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        if (AP_BUCKET_IS_EOC(b)) {
            return 1;
        }
    }
    return 0;
}

/* May a request whose node has just failed be run again? A node that seems to be
 * there is asked twice, and then one other; when that fails as well, it may be
 * the request that kills them. */
static int may_run_again(const svb_request *req, int failures)
{
    return failures == 0
           || (failures == 1 && req->failed == req->choice.member->worker);
}

static apr_status_t on_answer(ap_filter_t *f, apr_bucket_brigade *bb)
{
    proxy_run *run = f->ctx;
    int refusal;

    if (run->decided) { /* and not to be passed, or the filter would be gone */
        return apr_brigade_cleanup(bb);
    }
    if (!run->held && hangs_up(bb)
        && may_run_again(svb_request_get(f->r), run->failures)) {
        run->decided = run->failed = 1;
        return apr_brigade_cleanup(bb);
    }
    if (f->r->status != HTTP_SERVICE_UNAVAILABLE) {
        return step_aside(f, run, bb);
    }
    ap_save_brigade(f, &run->held, &bb, f->r->pool);
    refusal = is_refusal(f->r, svb_request_get(f->r), run->held);
    if (refusal < 0) {
        return APR_SUCCESS;
    }
    run->decided = 1;
    run->refused = refusal && may_ask_another(f->r, svb_request_get(f->r));
    return run->refused ? apr_brigade_cleanup(run->held)
                        : step_aside(f, run, run->held);
}

/* ----------------------------------------------------------- running it */

/* mod_proxy's handler, by pointer. To decline, so that httpd calls it next, would be
 * simpler, but its answer ends the hook: nobody would be left to run it again. To
 * run the whole hook from here would come back to us; an internal redirect would
 * begin the request anew, with access control, rewriting and all. */
static int run_proxy(request_rec *r)
{
    static ap_HOOK_handler_t *proxy_handler;

    if (!proxy_handler) {
        apr_array_header_t *hooks = ap_hook_get_handler();

        for (int i = 0; hooks && i < hooks->nelts; i++) {
            ap_LINK_handler_t *hook =
                &APR_ARRAY_IDX(hooks, i, ap_LINK_handler_t);

            if (!strcmp(hook->szName, "mod_proxy.c")) {
                proxy_handler = hook->pFunc;
            }
        }
    }
    return proxy_handler ? proxy_handler(r) : DECLINED;
}

/* With ProxyErrorOverride the node's answer does not come through the filters,
 * and its text is not to be had. */
static int is_overridden_refusal(request_rec *r, int rc)
{
    const svb_request *req = svb_request_get(r);

    return rc == HTTP_SERVICE_UNAVAILABLE
           && apr_table_get(r->notes, "proxy-error-override") != NULL
           && may_be_refused(req) && is_refused_without_text(req)
           && may_ask_another(r, req);
}

/* Nothing has been sent that another run would contradict. */
static int may_fail_over(request_rec *r, const proxy_run *once, int rc)
{
    const svb_request *req = svb_request_get(r);

    return req && req->choice.member
           && (once->failed
               || ((rc == HTTP_BAD_GATEWAY || rc == HTTP_INTERNAL_SERVER_ERROR)
                   && req->has_failed && may_run_again(req, once->failures)))
           && !r->bytes_sent && !r->sent_bodyct && !r->connection->aborted;
}

/* No node could be reached for a launch: the page is better than httpd's. */
static int is_lost_launch(request_rec *r, int rc)
{
    const svb_request *req = svb_request_get(r);

    return rc == HTTP_SERVICE_UNAVAILABLE && req && req->is_launch
           && !apr_table_get(r->notes, "proxy-error-override");
}

static int run_until_served(request_rec *r)
{
    svb_rewind *start = svb_rewind_save(r);
    int failures = 0, rc;

    for (;;) {
        proxy_run *once = apr_pcalloc(r->pool, sizeof(*once));
        svb_request *req;

        once->failures = failures;
        once->filter =
            ap_add_output_filter_handle(refusal_filter, once, r, r->connection);
        rc = run_proxy(r);
        if (once->filter) {
            ap_remove_output_filter(once->filter);
        }
        req = svb_request_get(r);
        if (once->refused || is_overridden_refusal(r, rc)) {
            svb_attempt_refused(req);
        }
        else if (may_fail_over(r, once, rc)) {
            failures++;
            ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                          SVB_LOGNO(0091) "%s: the node failed in the middle "
                                          "of a request, which is run again",
                          req->balancer->name);
            svb_attempt_failed(req);
        }
        else {
            return is_lost_launch(r, rc) ? svb_answer_unavailable(r) : rc;
        }
        svb_rewind_to(r, start);
    }
}

static int handler(request_rec *r)
{
    const svb_balancer *balancer = svb_method_balancer_of(r);

    if (!balancer || r->method_number != M_GET || ap_request_has_body(r)
        || apr_table_get(r->headers_in, "Upgrade") != NULL) {
        return DECLINED;
    }
    return run_until_served(r);
}

void svb_retry_register(apr_pool_t *p)
{
    static const char *const before[] = {"mod_proxy.c", NULL};

    (void)p;
    /* After our own handlers that may answer the request themselves. */
    ap_hook_handler(handler, NULL, before, APR_HOOK_MIDDLE);
    refusal_filter = ap_register_output_filter("SERVOY_REFUSAL", on_answer,
                                               NULL, AP_FTYPE_RESOURCE - 1);
}
