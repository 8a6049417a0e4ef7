/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_learn.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "choice/mod_decide.h"
#include "course/mod_route_cookie.h"
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

static int node_of(const svb_request *req)
{
    return req->choice.member ? req->choice.member->node : -1;
}

static void release(svb_request *req)
{
    svb_rows_release(svb_segments_rows(), svb_segments_row(), req->place);
    req->place = -1;
}

static void hold(svb_request *req)
{
    const svb_held held = {.id = req->pending ? req->pending : req->client,
                           .node = node_of(req),
                           .is_window = req->is_window,
                           .since = req->held_since};

    release(req);
    if (held.id && held.node >= 0) {
        req->place =
            svb_rows_hold(svb_segments_rows(), svb_segments_row(), &held);
    }
}

/* Once for each second is enough. */
static void see(svb_request *req, apr_uint64_t id, apr_time_t now)
{
    if (apr_time_sec(now) != apr_time_sec(req->seen)) {
        svb_clients_touch(svb_segments_clients(), id, now);
        req->seen = now;
    }
}

static void end_pending(svb_request *req)
{
    svb_clients_remove(svb_segments_clients(), req->pending);
    req->pending = 0;
}

void svb_learn_end(svb_request *req)
{
    svb_windows_ended(req);
    release(req);
    if (req->upgrade) {
        ap_remove_output_filter(req->upgrade);
        req->upgrade = NULL;
    }
    if (req->pending) {
        end_pending(req);
    }
    else if (req->client && req->is_window) {
        svb_clients_window_seen(req->client, node_of(req), req->held_since,
                                apr_time_now());
        req->is_window = 0;
    }
    else if (req->client) {
        see(req, req->client, apr_time_now());
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
    case SVB_HOW_STATELESS:
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
    apr_uint64_t was;     /* the client that it came from, or 0 */
    const char *was_name; /* of the cookie that this one came in */
    int cookies;          /* session cookies seen so far */
    int begun;            /* sessions that began with them */
    int is_unrouted;      /* one of these does not tell its node */
    int is_back;    /* it is the client's own session that began (again) */
    int is_deleted; /* the client's cookie is taken back */
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

/* Of what is set with one answer the first is the client; the others are perhaps for
 * other paths, and remembered. So is the id that the client had: it may be one of
 * another application. What begins with a stateless request is no client. */
static void enter(const answer *a, apr_uint64_t id)
{
    svb_clients *clients = svb_segments_clients();
    svb_request *req = a->req;
    svb_client there;

    if (a->begun > 1 || svb_request_is_stateless(req, a->r)) {
        if (!svb_clients_find(clients, id, a->now, &there)
            || there.node != a->node) {
            svb_clients_put(clients, id, a->node, SVB_KIND_REMEMBERED, a->now);
        }
        return;
    }
    svb_clients_put(clients, id, a->node, SVB_KIND_WEB, a->now);
    if (req->pending) {
        end_pending(req);
    }
    /* A launched client stays what it is beside a session it may start. */
    if (a->was && a->was != id && !svb_request_is_smart(req)) {
        svb_former_remove(a->was);
        svb_clients_remember(clients, a->was, a->now);
    }
}

static int is_unrouted(const svb_request *req, const svb_session_id *id)
{
    apr_size_t len;

    return !svb_decide_routed(svb_members_get(req->balancer), id, &len);
}

static void session_starts(answer *a, const svb_session_id *id)
{
    svb_request *req = a->req;
    apr_uint64_t new_id =
        svb_clients_fleet_id(req->balancer->fleet->salt, id->id, id->len);

    a->begun++;
    a->is_unrouted |= is_unrouted(req, id);
    a->is_back |= new_id == a->was;
    check_route(a, id);
    enter(a, new_id);
    if (a->begun == 1 && !svb_request_is_stateless(req, a->r)) {
        req->client = new_id;
        req->client_name = id->name;
        req->is_known = 1;
        req->kind = SVB_KIND_WEB;
        req->seen = a->now;
        hold(req);
    }
}

/* The client has logged out, unless its cookie was set as well: then it is the one of
 * another path that is taken back. */
static void session_ends(const answer *a)
{
    svb_request *req = a->req;

    if (a->is_back || svb_request_is_smart(req)) {
        return;
    }
    svb_former_remove(a->was);
    svb_clients_remember(svb_segments_clients(), a->was, a->now);
    if (req->client == a->was) {
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
        if (!expired) {
            session_starts(a, &id);
        }
        /* A cookie of another name may be of another session. */
        else if (a->was && !strcmp(id.name, a->was_name)) {
            a->is_deleted = 1;
        }
    }
    return 1;
}

/* The id of a client whose node cannot be told from it: it sticks to the node
 * that honours it, if sessions are to be learned. */
static const svb_session_id *unrouted_id(const svb_request *req)
{
    const svb_session_id *id = &req->ids.ids[0];

    return svb_request_is_unbound(req) && req->ids.n && !req->is_launch
                   && req->balancer->set.learn_sessions
                   && !memchr(id->id, '.', id->len)
               ? id
               : NULL;
}

/* The client that the request is of by what it says itself. @return it, or 0 */
static apr_uint64_t own_word(svb_request *req)
{
    const svb_session_id *id;

    if (!req->client && (id = unrouted_id(req)) != NULL) {
        req->client_name = id->name;
        return svb_clients_fleet_id(req->balancer->fleet->salt, id->id,
                                    id->len);
    }
    return req->client;
}

static void assume(answer *a, apr_uint64_t id)
{
    svb_request *req = a->req;

    if (svb_clients_assume(id, a->node, a->now)) {
        req->client = id;
        req->is_known = 1;
        req->kind = SVB_KIND_ASSUMED;
    }
}

/* It goes on here; its windows do not. */
static void move(const answer *a, apr_uint64_t id)
{
    svb_kind kind = a->req->kind;

    svb_clients_put(svb_segments_clients(), id, a->node,
                    kind == SVB_KIND_WINDOWED ? SVB_KIND_WEB : kind, a->now);
}

/* No word of a session, and no refusal either. */
static void honoured(answer *a)
{
    svb_request *req = a->req;
    apr_uint64_t id = own_word(req);
    int is_client = req->is_known && svb_kind_is_counted(req->kind);

    if (!id || svb_request_is_smart(req)) {
        return; /* a smart client is entered when it is launched */
    }
    if (is_client && req->choice.how != SVB_HOW_KNOWN) {
        move(a, id);
    }
    else if (is_client || svb_request_is_stateless(req, a->r)) {
        see(req, id, a->now);
    }
    else {
        assume(a, id);
    }
}

void svb_learn_failure(svb_request *req, request_rec *r, int status)
{
    const svb_witness witness = svb_request_witness(req, r);

    if (svb_evidence_is_failure(status) && !req->is_refusal
        && !svb_request_is_stateless(req, r)) {
        svb_evidence_met(&witness, req->balancer, req->choice.member,
                         SVB_MET_FAILURE, (unsigned)status, req->path);
    }
}

/* What a new client has met, if it is one. */
static void note_met(const answer *a, int was_known)
{
    svb_request *req = a->req;

    if (was_known || svb_request_is_stateless(req, a->r)) {
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

/* A page or a redirect of a login that keeps something at its node, but no session. */
static int is_on_the_way(const answer *a)
{
    const svb_request *req = a->req;
    const request_rec *r = a->r;

    return !a->begun
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

static void begin_learning(answer *a)
{
    const svb_witness witness = svb_request_witness(a->req, a->r);

    if (!a->req->dry_run) {
        svb_learn_count(a->req);
    }
    svb_evidence_answered(&witness, a->req->choice.member);
}

static void learn(svb_request *req, request_rec *r)
{
    answer a = {.req = req,
                .r = r,
                .node = node_of(req),
                .now = apr_time_now(),
                .was = req->client,
                .was_name = req->client_name};
    int was_known = req->is_known;

    if (!is_an_answer(req)) {
        return;
    }
    begin_learning(&a);
    apr_table_do(read_cookie, &a, r->headers_out, "Set-Cookie", NULL);
    if (a.is_deleted) {
        session_ends(&a);
    }
    if (!a.cookies && r->status < HTTP_BAD_REQUEST) {
        honoured(&a);
    }
    note_met(&a, was_known);
    if (!req->is_launch && (a.is_unrouted || is_on_the_way(&a))
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
           && svb_request_matches(req, r, set->window_match);
}

/* A WebSocket is there that clients live by. What it proves shows after a while: a node
 * that does not know the session lets it in as well, and closes it at once. */
static void open_window(svb_request *req, request_rec *r)
{
    answer a = {.req = req, .r = r, .node = node_of(req)};

    if (!is_an_answer(req)) {
        return;
    }
    begin_learning(&a);
    if (req->pending) {
        end_pending(req);
    }
    req->client = own_word(req);
    req->is_window = 1;
    req->held_since = apr_time_now();
    hold(req);
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
