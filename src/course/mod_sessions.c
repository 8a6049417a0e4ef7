/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_sessions.h"

#include <apr_strings.h>

#include "choice/mod_decide.h"
#include "choice/mod_failover.h"
#include "course/mod_keep.h"
#include "memory/clients.h"
#include "memory/mod_clients.h"
#include "memory/mod_former.h"
#include "memory/mod_segments.h"
#include "nodes/condition.h"

#define WARN_EVERY apr_time_from_sec(3600)

/* An answer, while it is read. */
typedef struct {
    svb_request *req;
    request_rec *r;
    int node;
    apr_time_t now;
    apr_uint64_t was;     /* the client that it came from, or 0 */
    const char *was_name; /* of the cookie that this one came in */
    svb_sessions_taught taught;
    int is_back;    /* it is the client's own session that began (again) */
    int is_deleted; /* the client's cookie is taken back */
} answer;

/* Tomcat appends its jvmRoute to every id. */
static int ends_in(const svb_session_id *id, const char *route)
{
    apr_size_t len = strlen(route);

    return len && id->len > len && id->id[id->len - len - 1] == '.'
           && !memcmp(id->id + id->len - len, route, len);
}

/* Whether a node has it as its route: all else is a part of somebody's secret. */
static int is_a_route(const char *word, apr_size_t len)
{
    svb_records *records = svb_segments_records();

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        const char *route;

        if (svb_records_used(records, node)) {
            route = svb_records_route(records, node);
            if (!strncmp(route, word, len) && !route[len]) {
                return 1;
            }
        }
    }
    return 0;
}

/* Has Tomcat made it: hexadecimal digits, a dot, and the jvmRoute? */
static const char *jvmroute_of(const svb_session_id *id, apr_size_t *len)
{
    static const apr_size_t least = 16;
    apr_size_t at = 0;

    while (at < id->len
           && (apr_isdigit(id->id[at])
               || (id->id[at] >= 'A' && id->id[at] <= 'F'))) {
        at++;
    }
    *len = at < id->len ? id->len - at - 1 : 0;
    return at >= least && *len > 0 && *len <= SVB_NAME_MAX && id->id[at] == '.'
                   && !memchr(id->id + at + 1, '.', *len)
               ? id->id + at + 1
               : NULL;
}

/* The route that it ends in, or NULL where that cannot be told from a secret.
 * @param len of what it ends in last */
static const char *end_of(apr_pool_t *p, const svb_session_id *id,
                          apr_size_t *len)
{
    const char *word = jvmroute_of(id, len);
    apr_size_t pos = 0;

    if (word) {
        return apr_pstrmemdup(p, word, *len);
    }
    *len = 0;
    while (svb_session_next_route(id, &pos, &word, len)) {
        if (is_a_route(word, *len)) {
            return apr_pstrmemdup(p, word, *len);
        }
    }
    return NULL;
}

static void note_other(const answer *a, const char *route)
{
    svb_records *records = svb_segments_records();

    svb_records_note(records, a->node, SVB_TEXT_OTHER_ROUTE, route);
    svb_records_set(records, a->node, SVB_WORD_OTHER_AT, (apr_uint64_t)a->now);
}

/* @param other from end_of() */
static void warn_other(const answer *a, const char *other, apr_size_t len)
{
    const svb_member *member = a->req->choice.member;
    apr_pool_t *p = a->r->pool;
    const char *shown = other ? apr_pstrcat(p, "\"", other, "\"", NULL)
                              : apr_psprintf(p,
                                             "a word of %" APR_SIZE_T_FMT
                                             " bytes that is no node's route",
                                             len);

    ap_log_rerror(
        APLOG_MARK, APLOG_WARNING, 0, a->r,
        SVB_LOGNO(0070) "%s: a new session of %s ends in %s, but its route= is "
                        "\"%s\": set the node's jvmRoute and the member's "
                        "route= to the same word",
        a->req->balancer->name, member->worker->s->name_ex, shown,
        member->route);
}

/* A session is as it should be. */
static void forget_other(const answer *a)
{
    svb_records *records = svb_segments_records();

    if (svb_records_get(records, a->node, SVB_WORD_OTHER_AT)) {
        svb_records_set(records, a->node, SVB_WORD_OTHER_AT, 0);
    }
}

/* One that is not the member's route sends the client's next request elsewhere. */
static void check_route(const answer *a, const svb_session_id *id)
{
    const svb_member *member = a->req->choice.member;
    int is_noted, may_warn;
    const char *other;
    apr_size_t len;

    if (!*member->route || !memchr(id->id, '.', id->len)) {
        return;
    }
    is_noted =
        svb_records_get(svb_segments_records(), a->node, SVB_WORD_OTHER_AT)
        != 0;
    may_warn = svb_condition_may_warn(svb_segments_records(), a->node, a->now,
                                      WARN_EVERY);
    if (is_noted && !may_warn) {
        return;
    }
    other = end_of(a->r->pool, id, &len);
    if (!is_noted) {
        note_other(a, other ? other : SVB_NAME_UNTOLD);
    }
    if (may_warn) {
        warn_other(a, other, len);
    }
}

/* A client that its node could not serve has been served here. */
static void note_moved(const answer *a, apr_uint64_t client)
{
    if (a->req->choice.how == SVB_HOW_FAILOVER
        && !svb_request_is_stateless(a->req, a->r)) {
        svb_failover_done(&a->req->choice, client, a->now);
    }
}

/* Of what is set with one answer the first is the client; the others are perhaps for
 * other paths, and remembered. So is the id that the client had: it may be one of
 * another application. What begins with a stateless request is no client. */
static void enter(const answer *a, apr_uint64_t id)
{
    svb_clients *clients = svb_segments_clients();
    svb_request *req = a->req;
    svb_client there;

    if (a->taught.begun > 1 || svb_request_is_stateless(req, a->r)) {
        if (!svb_clients_find(clients, id, a->now, &there)
            || there.node != a->node) {
            svb_clients_put(clients, id, a->node, SVB_KIND_REMEMBERED, a->now);
        }
        return;
    }
    svb_clients_put(clients, id, a->node, SVB_KIND_WEB, a->now);
    if (req->pending) {
        svb_keep_end_pending(req);
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

    a->taught.begun++;
    a->is_back |= new_id == a->was;
    if (!ends_in(id, req->choice.member->route)) {
        a->taught.is_unrouted |= is_unrouted(req, id);
        check_route(a, id);
    }
    else {
        forget_other(a);
    }
    if (a->taught.begun == 1) {
        note_moved(a, a->was);
    }
    enter(a, new_id);
    if (a->taught.begun == 1 && !svb_request_is_stateless(req, a->r)) {
        req->client = new_id;
        req->client_name = id->name;
        req->is_known = 1;
        req->kind = SVB_KIND_WEB;
        req->seen = a->now;
        svb_keep_hold(req);
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
        svb_keep_hold(req);
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
        a->taught.cookies++;
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
    const svb_session_id *id = &req->ids[0];

    return svb_request_is_unbound(req) && req->n_ids && !req->is_launch
                   && req->balancer->set.learn_sessions
                   && !memchr(id->id, '.', id->len)
               ? id
               : NULL;
}

apr_uint64_t svb_sessions_own_word(svb_request *req)
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
    apr_uint64_t id = svb_sessions_own_word(req);
    int is_client = req->is_known && svb_kind_is_counted(req->kind);

    if (!id || svb_request_is_smart(req)) {
        return; /* a smart client is entered when it is launched */
    }
    if (is_client && req->choice.how != SVB_HOW_KNOWN) {
        move(a, id);
    }
    else if (is_client || svb_request_is_stateless(req, a->r)) {
        svb_keep_see(req, id, a->now);
    }
    else {
        assume(a, id);
    }
    note_moved(a, id);
}

svb_sessions_taught svb_sessions_learn(svb_request *req, request_rec *r,
                                       apr_time_t now)
{
    answer a = {.req = req,
                .r = r,
                .node = req->choice.member->node,
                .now = now,
                .was = req->client,
                .was_name = req->client_name};

    apr_table_do(read_cookie, &a, r->headers_out, "Set-Cookie", NULL);
    if (a.is_deleted) {
        session_ends(&a);
    }
    if (!a.taught.cookies && r->status < HTTP_BAD_REQUEST) {
        honoured(&a);
    }
    return a.taught;
}
