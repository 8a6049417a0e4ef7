/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_learn.h"

#include <http_protocol.h>
#include <util_filter.h>

#include "choice/mod_variables.h"
#include "course/mod_keep.h"
#include "course/mod_route_cookie.h"
#include "course/mod_sessions.h"
#include "course/mod_smart.h"
#include "course/mod_windows.h"
#include "memory/mod_segments.h"
#include "nodes/condition.h"
#include "nodes/mod_evidence.h"

static ap_filter_rec_t *answer_filter, *upgrade_filter;

/* ---------------------------------------------------------------- counters */

static void count(const svb_member *member, svb_counter counter)
{
    if (member && member->node >= 0) {
        svb_records_count(svb_segments_records(), member->node, counter);
    }
}

void svb_learn_count(const svb_request *req)
{
    const svb_choice *choice = &req->choice;

    switch (choice->how) {
    case SVB_HOW_ELECTED:
        count(choice->member, SVB_CTR_ELECTED);
        break;
    case SVB_HOW_FAILOVER:
        count(choice->from, SVB_CTR_FAILED_OVER_FROM);
        count(choice->member, SVB_CTR_FAILED_OVER_TO);
        break;
    case SVB_HOW_STATELESS:
        break;
    default:
        count(choice->member, SVB_CTR_STICKY);
    }
}

/* --------------------------------------------------------------- one answer */

void svb_learn_failure(svb_request *req, request_rec *r, int status)
{
    const svb_witness witness = svb_request_witness(req, r);

    if (svb_evidence_is_failure(status) && !req->is_refusal
        && !svb_request_is_stateless(req, r)) {
        svb_evidence_met(&witness, req->balancer, req->choice.member,
                         SVB_MET_FAILURE, (unsigned)status, req->path);
    }
}

/* What a new client has met. */
static void note_met(svb_request *req, request_rec *r, int has_begun)
{
    if (has_begun) {
        const svb_witness witness = svb_request_witness(req, r);

        svb_evidence_met(&witness, req->balancer, req->choice.member,
                         SVB_MET_SESSION, 0, req->path);
    }
    else {
        svb_learn_failure(req, r, r->status);
    }
}

/* A page or a redirect of a login that keeps something at its node, but no session. */
static int is_on_the_way(const svb_request *req, const request_rec *r)
{
    return !req->is_launch
           && (req->choice.how == SVB_HOW_ELECTED
               || req->choice.how == SVB_HOW_COOKIE)
           && (r->method_number == M_POST
               || (r->method_number == M_GET && !r->header_only))
           && ((ap_is_HTTP_SUCCESS(r->status) && r->content_type
                && !ap_cstr_casecmpn(r->content_type, "text/html", 9))
               || (ap_is_HTTP_REDIRECT(r->status)
                   && apr_table_get(r->headers_out, "Location")));
}

/* An error page of httpd's own is nobody's answer. */
static int is_an_answer(const svb_request *req)
{
    return req->attempt && req->choice.member && req->choice.member->node >= 0;
}

static void begin_learning(const svb_request *req, request_rec *r)
{
    const svb_witness witness = svb_request_witness(req, r);

    if (!req->dry_run) {
        svb_learn_count(req);
    }
    svb_evidence_answered(&witness, req->choice.member);
}

static void learn(svb_request *req, request_rec *r)
{
    int was_known = req->is_known;
    svb_sessions_taught taught;

    if (!is_an_answer(req)) {
        return;
    }
    begin_learning(req, r);
    taught = svb_sessions_learn(req, r, apr_time_now());
    svb_variables_set_client(
        r, req, taught.begun ? req->client : svb_sessions_own_word(req));
    if (!was_known && !svb_request_is_stateless(req, r)) {
        note_met(req, r, taught.begun);
    }
    if ((taught.is_unrouted || (!taught.begun && is_on_the_way(req, r)))
        && !svb_request_is_stateless(req, r)) {
        svb_route_cookie_set(req, r);
    }
    if (req->is_launch && r->status < HTTP_BAD_REQUEST) {
        svb_smart_launched(req, r, r->headers_out);
    }
}

static int is_window(const svb_request *req, request_rec *r)
{
    const svb_section *set = &req->balancer->set;

    return set->window_timeout > 0
           && svb_request_matches(req, r, set->window_match,
                                  &set->window_shape);
}

/* A WebSocket is there that clients live by. What it proves shows after a while: a node
 * that does not know the session lets it in as well, and closes it at once. */
static void open_window(svb_request *req, request_rec *r)
{
    if (!is_an_answer(req)) {
        return;
    }
    begin_learning(req, r);
    if (req->pending) {
        svb_keep_end_pending(req);
    }
    req->client = svb_sessions_own_word(req);
    svb_variables_set_client(r, req, req->client);
    req->is_window = 1;
    req->held_since = apr_time_now();
    svb_keep_hold(req);
}

/* ------------------------------------------------------------------ filters */

void svb_learn_answer(svb_request *req, request_rec *r)
{
    if (req->is_learning) {
        req->is_learning = 0;
        learn(req, r);
    }
}

static apr_status_t on_answer(ap_filter_t *f, apr_bucket_brigade *bb)
{
    ap_remove_output_filter(f);
    svb_learn_answer(f->ctx, f->r);
    return ap_pass_brigade(f->next, bb);
}

/* A connection filter has no request of its own: it goes with ours. */
static apr_status_t on_upgrade(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->ctx;
    svb_request *req = svb_request_get(r);

    /* Removed from the connection's chain, it still stands in the request's own. */
    if (req->upgrade != f) {
        return ap_pass_brigade(f->next, bb);
    }
    ap_remove_output_filter(f);
    req->upgrade = NULL;
    if (r->status != HTTP_SWITCHING_PROTOCOLS) {
        return ap_pass_brigade(f->next, bb);
    }
    if (is_window(req, r)) {
        open_window(req, r);
    }
    else {
        learn(req, r);
    }
    return ap_pass_brigade(f->next, bb);
}

void svb_learn_begin(svb_request *req, request_rec *r)
{
    req->held_since = apr_time_now();
    svb_keep_hold(req);
    svb_windows_expected(req, r);
    if (req->is_learning) {
        return;
    }
    req->is_learning = 1;
    if (!req->is_watched) {
        ap_add_output_filter_handle(answer_filter, req, r, r->connection);
    }
    if (req->protocol && !req->upgrade) {
        req->upgrade =
            ap_add_output_filter_handle(upgrade_filter, r, r, r->connection);
    }
}

void svb_learn_end(svb_request *req)
{
    svb_windows_ended(req);
    if (req->upgrade) {
        ap_remove_output_filter(req->upgrade);
        req->upgrade = NULL;
    }
    svb_keep_end(req);
}

void svb_learn_register(apr_pool_t *p)
{
    (void)p;
    answer_filter = ap_register_output_filter("SERVOY_LEARN", on_answer, NULL,
                                              AP_FTYPE_RESOURCE);
    upgrade_filter = ap_register_output_filter(
        "SERVOY_LEARN_UPGRADE", on_upgrade, NULL, AP_FTYPE_CONNECTION);
}
