/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_learn.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "course/mod_smart.h"
#include "course/mod_windows.h"
#include "memory/clients.h"
#include "memory/mod_clients.h"
#include "memory/mod_former.h"
#include "memory/mod_segments.h"
#include "memory/rows.h"
#include "nodes/condition.h"
#include "nodes/mod_evidence.h"

#define WARN_EVERY apr_time_from_sec(3600)

static ap_filter_rec_t *answer_filter, *upgrade_filter;

/* ------------------------------------------------------ keeping it alive */

static void hold(svb_request *req)
{
    apr_uint64_t id = req->pending ? req->pending : req->client;

    svb_rows_release(svb_segments_rows(), svb_segments_row(), req->place);
    req->place =
        id ? svb_rows_hold(svb_segments_rows(), svb_segments_row(), id) : -1;
}

void svb_learn_end(svb_request *req)
{
    svb_windows_ended(req);
    svb_rows_release(svb_segments_rows(), svb_segments_row(), req->place);
    req->place = -1;
    if (req->upgrade) {
        ap_remove_output_filter(req->upgrade);
        req->upgrade = NULL;
    }
    if (req->pending) {
        svb_clients_remove(svb_segments_clients(), req->pending);
        req->pending = 0;
    }
    else if (req->client) {
        svb_clients_touch(svb_segments_clients(), req->client, apr_time_now());
    }
}

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
    default:
        count(choice->member, SVB_CTR_STICKY);
    }
}

/* --------------------------------------------------------------- one answer */

typedef struct {
    svb_request *req;
    request_rec *r;
    int node;
    apr_time_t now;
    int cookies; /* session cookies seen so far */
    int begun;   /* sessions that began with them */
} answer;

/* Tomcat appends its jvmRoute to every id. One that is not the member's route
 * sends the client's next request elsewhere. */
static void check_route(const answer *a, const svb_session_id *id)
{
    const svb_member *member = a->req->choice.member;
    apr_size_t len = strlen(member->route);
    const char *dot = memchr(id->id, '.', id->len);

    if (!len || !dot
        || (id->len > len && id->id[id->len - len - 1] == '.'
            && !memcmp(id->id + id->len - len, member->route, len))
        || !svb_condition_may_warn(svb_segments_records(), a->node, a->now,
                                   WARN_EVERY)) {
        return;
    }
    ap_log_rerror(
        APLOG_MARK, APLOG_WARNING, 0, a->r,
        SVB_LOGNO(0070) "%s: a new session of %s ends in \"%s\", but "
                        "its route= is \"%s\": set the node's "
                        "jvmRoute and the member's route= to the "
                        "same word",
        a->req->balancer->name, member->worker->s->name_ex,
        apr_pstrmemdup(a->r->pool, dot, id->len - (apr_size_t)(dot - id->id)),
        member->route);
}

static void session_starts(answer *a, const svb_session_id *id)
{
    svb_request *req = a->req;
    svb_clients *clients = svb_segments_clients();
    apr_uint64_t new_id =
        svb_clients_fleet_id(req->balancer->fleet->salt, id->id, id->len);
    apr_uint64_t old = req->pending ? req->pending : req->client;

    check_route(a, id);
    /* A launched client stays what it is beside a session it may start. */
    if (old && old != new_id
        && !(req->is_known && req->kind == SVB_KIND_SMART)) {
        svb_former_remove(old);
        svb_clients_rename(clients, old, new_id, a->node, SVB_KIND_WEB, a->now);
    }
    else {
        svb_clients_put(clients, new_id, a->node, SVB_KIND_WEB, a->now);
    }
    req->pending = 0;
    req->client = new_id;
    req->client_name = id->name;
    req->is_known = 1;
    req->kind = SVB_KIND_WEB;
    hold(req);
}

/* A cookie of another name may be of another session. */
static void session_ends(answer *a, const char *name)
{
    svb_request *req = a->req;

    if (req->client && !strcmp(name, req->client_name)
        && !(req->is_known && req->kind == SVB_KIND_SMART)) {
        svb_former_remove(req->client);
        svb_clients_remove(svb_segments_clients(), req->client);
        req->client = 0;
        req->is_known = 0;
        hold(req);
    }
}

static int read_cookie(void *baton, const char *key, const char *value)
{
    answer *a = baton;
    svb_session_id id;
    int expired;

    (void)key;
    if (svb_session_from_set_cookie(value,
                                    a->req->balancer->set.session_cookies,
                                    a->now, &id, &expired)) {
        a->cookies++;
        if (expired) {
            session_ends(a, id.name);
        }
        else {
            a->begun++;
            session_starts(a, &id);
        }
    }
    return 1;
}

/* The id of a client whose node cannot be told from it: it sticks to the node
 * that honours it, if sessions are to be learned. */
static apr_uint64_t unrouted_id(const svb_request *req)
{
    const svb_session_id *id = &req->ids.ids[0];

    return req->choice.how == SVB_HOW_ELECTED && req->ids.n && !req->is_launch
                   && req->balancer->set.learn_sessions
                   && !memchr(id->id, '.', id->len)
               ? svb_clients_fleet_id(req->balancer->fleet->salt, id->id,
                                      id->len)
               : 0;
}

/* No word of a session, and no refusal either. */
static void honoured(answer *a)
{
    svb_request *req = a->req;
    apr_uint64_t id = req->client ? req->client : unrouted_id(req);

    if (!id || (req->is_known && req->kind == SVB_KIND_SMART)) {
        return; /* a smart client is entered when it is launched */
    }
    if (req->choice.how == SVB_HOW_KNOWN) {
        svb_clients_touch(svb_segments_clients(), id, a->now);
    }
    else if (req->is_known) {
        /* It has moved here. */
        svb_clients_put(svb_segments_clients(), id, a->node, req->kind, a->now);
    }
    else if (svb_clients_assume(id, a->node, a->now)) {
        req->client = id;
        req->client_name =
            req->client_name ? req->client_name : req->ids.ids[0].name;
        req->is_known = 1;
        req->kind = SVB_KIND_ASSUMED;
    }
}

void svb_learn_failure(const svb_request *req, request_rec *r, int status)
{
    const svb_witness witness = svb_request_witness(req, r);

    if (svb_evidence_is_failure(status) && !req->is_refusal
        && r->method_number != M_OPTIONS) {
        svb_evidence_met(&witness, req->balancer, req->choice.member,
                         SVB_MET_FAILURE, (unsigned)status, req->path);
    }
}

/* What a new client has met, if it is one. */
static void note_met(const answer *a, int was_known)
{
    const svb_request *req = a->req;

    if (was_known) {
        return;
    }
    if (a->begun) {
        const svb_witness witness = svb_request_witness(req, a->r);

        svb_evidence_met(&witness, req->balancer, req->choice.member,
                         SVB_MET_SESSION, 0, req->path);
    }
    else {
        svb_learn_failure(req, a->r, a->r->status);
    }
}

static void learn(svb_request *req, request_rec *r)
{
    answer a = {.req = req, .r = r, .now = apr_time_now()};
    const svb_witness witness = svb_request_witness(req, r);
    int was_known = req->is_known;

    /* An error page of httpd's own is nobody's answer. */
    if (!req->attempt || !req->choice.member || req->choice.member->node < 0) {
        return;
    }
    if (!req->dry_run) {
        svb_learn_count(req);
    }
    a.node = req->choice.member->node;
    svb_evidence_answered(&witness, req->choice.member);
    apr_table_do(read_cookie, &a, r->headers_out, "Set-Cookie", NULL);
    if (!a.cookies && r->status < HTTP_BAD_REQUEST) {
        honoured(&a);
    }
    note_met(&a, was_known);
    if (req->is_launch && r->status < HTTP_BAD_REQUEST) {
        svb_smart_launched(req, r, r->headers_out);
    }
}

/* ------------------------------------------------------------------ filters */

static apr_status_t on_answer(ap_filter_t *f, apr_bucket_brigade *bb)
{
    svb_request *req = f->ctx;

    ap_remove_output_filter(f);
    req->is_learning = 0;
    learn(req, f->r);
    return ap_pass_brigade(f->next, bb);
}

/* A connection filter has no request of its own: it goes with ours. */
static apr_status_t on_upgrade(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->ctx;
    svb_request *req = svb_request_get(r);

    ap_remove_output_filter(f);
    req->upgrade = NULL;
    if (r->status == HTTP_SWITCHING_PROTOCOLS) {
        learn(req, r);
    }
    return ap_pass_brigade(f->next, bb);
}

void svb_learn_begin(svb_request *req, request_rec *r)
{
    hold(req);
    svb_windows_expected(req, r);
    if (req->is_learning) {
        return;
    }
    req->is_learning = 1;
    ap_add_output_filter_handle(answer_filter, req, r, r->connection);
    if (apr_table_get(r->headers_in, "Upgrade") && !req->upgrade) {
        req->upgrade =
            ap_add_output_filter_handle(upgrade_filter, r, r, r->connection);
    }
}

void svb_learn_register(apr_pool_t *p)
{
    (void)p;
    answer_filter = ap_register_output_filter("SERVOY_LEARN", on_answer, NULL,
                                              AP_FTYPE_RESOURCE);
    upgrade_filter = ap_register_output_filter(
        "SERVOY_LEARN_UPGRADE", on_upgrade, NULL, AP_FTYPE_CONNECTION);
}
