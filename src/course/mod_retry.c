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
#include "course/mod_body.h"
#include "course/mod_learn.h"
#include "course/mod_rewind.h"
#include "memory/client.h"
#include "memory/mod_segments.h"
#include "memory/records.h"
#include "mod_log.h"
#include "nodes/condition.h"
#include "nodes/mod_evidence.h"
#include "nodes/mod_members.h"

/* How much of a 503's text is looked at. */
#define TEXT_MAX 4096

static ap_filter_rec_t *refusal_filter;

/* A request that may be run several times. */
typedef struct {
    svb_request *req;
    svb_body *body; /* NULL: it has none */
    int is_safe;    /* GET, HEAD, OPTIONS */
    int cuts;       /* how many runs were cut off */
} course;

/* One run of mod_proxy's handler, as the filter sees it. */
typedef struct {
    const course *of;
    ap_filter_t *filter; /* NULL when it has removed itself */
    int is_refused; /* the answer is not passed on: another node is asked */
    int is_cut;
    apr_bucket_brigade *held; /* until it is known which */
} proxy_run;

/* ---------------------------------------------------- is it a refusal */

/* "." stands for every 503, one without any text included. */
static int says_maintenance(const svb_balancer *balancer,
                            apr_bucket_brigade *bb)
{
    char text[TEXT_MAX + 1];
    apr_size_t len = TEXT_MAX;

    if (!strcmp(balancer->set.maintenance_match_text, ".")) {
        return 1;
    }
    if (apr_brigade_flatten(bb, text, &len) != APR_SUCCESS) {
        return 0;
    }
    text[len] = '\0';
    return !ap_regexec_len(balancer->set.maintenance_match, text, len, 0, NULL,
                           0);
}

/* Somebody whose session the node has started gets the application's own answer, and
 * so does who asks for none. */
static int may_be_refused(svb_request *req, request_rec *r)
{
    const svb_member *member = req->choice.member;

    return member && member->node >= 0 && req->balancer->set.maintenance
           && !(req->is_known && svb_kind_is_confirmed(req->kind))
           && (!svb_request_is_stateless(req, r)
               || r->method_number == M_OPTIONS);
}

static void note_refusal(request_rec *r, svb_request *req)
{
    const svb_witness witness = svb_request_witness(req, r);
    const svb_member *member = req->choice.member;

    req->is_refusal = 1;
    svb_evidence_answered(&witness, member);
    if (svb_request_is_stateless(req, r)) {
        return; /* it is asked again elsewhere, but proves nothing */
    }
    svb_records_count(svb_segments_records(), member->node,
                      SVB_CTR_MAINTENANCE_HITS);
    svb_evidence_met(&witness, req->balancer, member, SVB_MET_REFUSAL, 0,
                     req->path);
}

static int may_be_sent_again(const course *of)
{
    return !of->body || svb_body_is_kept(of->body);
}

/* ------------------------------------------------------------------- the answer */

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

/* Another run would contradict nothing that was sent. */
static int may_run_again(const course *of, request_rec *r)
{
    return of->is_safe && !of->body && of->req->choice.member && !r->bytes_sent
           && !r->sent_bodyct && !r->connection->aborted;
}

static apr_status_t pass(ap_filter_t *f, proxy_run *run, apr_bucket_brigade *bb)
{
    ap_remove_output_filter(f);
    run->filter = NULL;
    svb_learn_answer(run->of->req, f->r);
    return ap_pass_brigade(f->next, bb);
}

static int is_whole(apr_bucket_brigade *bb)
{
    apr_off_t len = 0;

    apr_brigade_length(bb, 0, &len);
    return len >= TEXT_MAX || APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(bb));
}

/* A 503 is there, or some of it. @return whether it is a refusal that is not passed */
static int is_kept_from_client(request_rec *r, proxy_run *run)
{
    svb_request *req = run->of->req;

    if (!may_be_refused(req, r)
        || !says_maintenance(req->balancer, run->held)) {
        return 0;
    }
    note_refusal(r, req);
    run->is_refused = may_be_sent_again(run->of)
                      && svb_election_has_other(req, req->choice.member, r);
    return run->is_refused;
}

/* An error makes mod_proxy stop reading, and close its connection to the node: a
 * refusal may be long, or never end. */
static apr_status_t stop(apr_bucket_brigade *bb)
{
    apr_brigade_cleanup(bb);
    return APR_ECONNABORTED;
}

static apr_status_t on_answer(ap_filter_t *f, apr_bucket_brigade *bb)
{
    proxy_run *run = f->ctx;
    svb_request *req = run->of->req;

    if (run->is_refused || run->is_cut) {
        return stop(bb);
    }
    if (!run->held && hangs_up(bb) && may_run_again(run->of, f->r)) {
        run->is_cut = 1;
        return stop(bb);
    }
    if (f->r->status != HTTP_SERVICE_UNAVAILABLE
        || !may_be_refused(req, f->r)) {
        return pass(f, run, bb);
    }
    ap_save_brigade(f, &run->held, &bb, f->r->pool);
    if (is_kept_from_client(f->r, run)) {
        return stop(run->held);
    }
    /* The rest may be long in coming: when the words are there, that is enough. */
    return req->is_refusal || is_whole(run->held) ? pass(f, run, run->held)
                                                  : APR_SUCCESS;
}

/* What is held when mod_proxy's handler returns is all there is: an answer may end
 * with its connection. */
static void settle(request_rec *r, proxy_run *run)
{
    if (run->filter && run->held && !run->is_refused
        && !APR_BRIGADE_EMPTY(run->held) && !is_kept_from_client(r, run)) {
        (void)pass(run->filter, run, run->held);
    }
    if (run->filter) {
        ap_remove_output_filter(run->filter);
    }
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

/* No node could be reached for a launch: the page is better than httpd's. */
static int is_lost_launch(const svb_request *req, request_rec *r, int rc)
{
    return rc == HTTP_SERVICE_UNAVAILABLE && req->is_launch
           && !apr_table_get(r->notes, "proxy-error-override");
}

static int is_cut(const proxy_run *run, request_rec *r)
{
    return run->is_cut
           || (run->of->req->outcome == SVB_OUTCOME_CUT
               && may_run_again(run->of, r));
}

static int run_until_served(svb_request *req, request_rec *r)
{
    svb_rewind *start = svb_rewind_save(r);
    course of = {.req = req,
                 .is_safe =
                     r->method_number == M_GET || r->method_number == M_OPTIONS,
                 .body = ap_request_has_body(r) ? svb_body_watch(r) : NULL};

    for (;;) {
        proxy_run *run = apr_pcalloc(r->pool, sizeof(*run));
        int rc;

        run->of = &of;
        run->filter =
            ap_add_output_filter_handle(refusal_filter, run, r, r->connection);
        rc = run_proxy(r);
        settle(r, run);
        if (run->is_refused) {
            svb_attempt_refused(req, r);
        }
        else if (is_cut(run, r)) {
            if (!svb_attempt_again(req, r, of.cuts++)) {
                return HTTP_BAD_GATEWAY;
            }
            ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                          SVB_LOGNO(0091) "%s: the node failed in the middle "
                                          "of a request, which is run again",
                          req->balancer->name);
        }
        else {
            return is_lost_launch(req, r, rc) ? svb_answer_unavailable(r) : rc;
        }
        svb_rewind_to(r, start);
        if (of.body) {
            svb_body_rewind(of.body);
        }
    }
}

/* Offers to upgrade that mod_proxy ignores change nothing; a WebSocket's is taken. */
static int is_websocket(const svb_request *req, request_rec *r)
{
    return req->protocol && ap_find_token(r->pool, req->protocol, "websocket");
}

static int handler(request_rec *r)
{
    svb_balancer *balancer = svb_method_balancer_of(r);
    svb_request *req;

    if (!balancer || r->method_number == M_CONNECT) {
        return DECLINED;
    }
    req = svb_request_make(r, balancer, r->filename + sizeof("proxy:") - 1);
    if (is_websocket(req, r)) {
        return DECLINED;
    }
    req->is_watched = 1;
    return run_until_served(req, r);
}

void svb_retry_register(apr_pool_t *p)
{
    static const char *const before[] = {"mod_proxy.c", NULL};

    svb_body_register(p);
    /* After our own handlers that may answer the request themselves. */
    ap_hook_handler(handler, NULL, before, APR_HOOK_MIDDLE);
    refusal_filter = ap_register_output_filter("SERVOY_REFUSAL", on_answer,
                                               NULL, AP_FTYPE_RESOURCE - 1);
}
