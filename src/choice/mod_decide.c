/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_decide.h"

#include "choice/mod_election.h"
#include "choice/mod_failover.h"
#include "choice/mod_stateless.h"
#include "choice/mod_variables.h"
#include "memory/clients.h"
#include "memory/hash.h"
#include "memory/mod_clients.h"
#include "memory/mod_former.h"
#include "memory/mod_segments.h"
#include "nodes/mod_condition.h"

/* ------------------------------------------------------ what the ids say */

/* The members that a request's ids name. */
typedef struct {
    const svb_member *able;   /* the first that can serve, or NULL */
    const svb_member *first;  /* the first of all, or NULL: none names any */
    const svb_session_id *id; /* that named that one */
    apr_size_t route_len;     /* of its route */
    svb_how how;              /* the able one was named */
} named_members;

/* The member named by the longest route that the id ends in. */
const svb_member *svb_decide_routed(const svb_members *members,
                                    const svb_session_id *id,
                                    apr_size_t *route_len)
{
    const svb_member *member = NULL;
    const char *route;
    apr_size_t pos = 0;

    *route_len = 0;
    while (!member && svb_session_next_route(id, &pos, &route, route_len)) {
        member = svb_members_by_route(members, route, *route_len);
    }
    if (!member) {
        *route_len = 0;
    }
    return member;
}

static int is_launch_cookie(const svb_request *req, const svb_session_id *id)
{
    return !strcmp(id->name, req->balancer->set.launch_cookie);
}

/* The id by which the table knows a client. That of a launch cookie is the part
 * before the route, which stays when the client moves. */
static apr_uint64_t table_id(const svb_request *req, const svb_session_id *id)
{
    apr_size_t len = id->len;
    const char *dot;

    if (is_launch_cookie(req, id)
        && (dot = memchr(id->id, '.', id->len)) != NULL) {
        len = (apr_size_t)(dot - id->id);
    }
    return svb_clients_fleet_id(req->balancer->fleet->salt, id->id, len);
}

/* The client that the request is of: the first id that names a member, or the
 * first that names one that can serve. A launch cookie's is a smart client,
 * which enters the table when it is launched. */
static void set_client(svb_request *req, const svb_session_id *id,
                       apr_size_t route_len, const svb_client *known)
{
    int is_smart = is_launch_cookie(req, id);

    req->id = id;
    req->id_route_len = route_len;
    req->client = known ? known->id : table_id(req, id);
    req->client_name = id->name;
    req->is_known = known != NULL || is_smart;
    req->seen = known ? known->seen : 0;
    req->kind = is_smart ? SVB_KIND_SMART
                : known  ? known->kind
                         : SVB_KIND_ASSUMED;
}

/* An id names a member: by its route, or since it is known to the table. */
static void add_named(svb_request *req, const svb_session_id *id,
                      apr_size_t route_len, const svb_member *member,
                      const svb_client *known, request_rec *r,
                      named_members *named)
{
    int is_able = svb_request_can_have(req, member, r);

    if (!named->first || is_able) {
        set_client(req, id, route_len, known);
    }
    if (!named->first) {
        named->first = member;
        named->id = id;
        named->route_len = route_len;
    }
    if (is_able) {
        named->able = member;
        named->how = known ? SVB_HOW_KNOWN : SVB_HOW_ROUTE;
    }
}

static int find(const svb_request *req, const svb_session_id *id,
                svb_client *client)
{
    apr_time_t now = apr_time_now();
    apr_uint64_t key = table_id(req, id);

    return svb_clients_find(svb_segments_clients(), key, now, client)
           || svb_former_find(key, now, client);
}

/* Would the table know a launch (session) as old as it can be? */
static int would_know(const svb_request *req, const svb_session_id *id,
                      apr_time_t now)
{
    const svb_section *set = &req->balancer->set;

    return is_launch_cookie(req, id)
               ? svb_clients_has_all_launches(set->launch_timeout, now)
               : svb_clients_has_all_sessions(set->session_timeout, now);
}

/* Does the table not know the id though it would, or know that it has ended? There is no
 * such client any more, or there never was.
 * known: what the table has, or NULL */
static int is_over(const svb_request *req, const svb_session_id *id,
                   const svb_client *known)
{
    apr_time_t now = apr_time_now();

    /* What was saved before a crash may be older than its last window. */
    return known ? known->kind == SVB_KIND_ENDED
                       && svb_clients_has_all_sessions(
                           req->balancer->set.window_timeout, now)
                 : would_know(req, id, now);
}

/* One that is over, of a node that takes no new clients. Whoever comes with it is new, if
 * somebody takes him. */
static int is_dead(const svb_request *req, const svb_session_id *id,
                   const svb_member *member, const svb_client *known,
                   request_rec *r)
{
    return is_over(req, id, known)
           && !svb_condition_takes_new(req->balancer, member)
           && svb_election_has_other(req, member, r);
}

/* The same of one that names its member by its route: the table is asked where it
 * matters. */
static int is_dead_route(const svb_request *req, const svb_session_id *id,
                         const svb_member *member, request_rec *r)
{
    svb_client client;

    return !svb_condition_takes_new(req->balancer, member)
           && is_over(req, id, find(req, id, &client) ? &client : NULL)
           && svb_election_has_other(req, member, r);
}

/* Does the table have the id, and may it be used: with a route, or by learning? */
static const svb_member *remembered(const svb_request *req,
                                    const svb_members *members,
                                    const svb_session_id *id,
                                    svb_client *client, apr_size_t *route_len)
{
    return find(req, id, client)
                   && (svb_decide_routed(members, id, route_len)
                       || req->balancer->set.learn_sessions)
               ? svb_members_by_node(members, client->node)
               : NULL;
}

/* The ids from one number on, by the table: those of clients first, then those that
 * are only remembered. Who is counted by one id is not there once more by another. */
static void read_table(svb_request *req, const svb_members *members, int first,
                       request_rec *r, named_members *named)
{
    for (int counted = 1; counted >= 0; counted--) {
        for (int i = first; !named->able && i < req->n_ids; i++) {
            const svb_session_id *id = &req->ids[i];
            svb_client client;
            apr_size_t len;
            const svb_member *member =
                remembered(req, members, id, &client, &len);

            if (member && svb_kind_is_counted(client.kind) == counted
                && !is_dead(req, id, member, &client, r)) {
                add_named(req, id, len, member, &client, r, named);
            }
        }
    }
}

/* The node that the route cookie names. */
static const svb_member *by_cookie(const svb_request *req,
                                   const svb_members *members, request_rec *r)
{
    const char *name = req->balancer->set.route_cookie;
    apr_array_header_t *names;
    svb_session_ids ids;

    if (!*name || !req->cookies || !ap_strstr_c(req->cookies, name)) {
        return NULL;
    }
    names = apr_array_make(r->pool, 1, sizeof(name));
    APR_ARRAY_PUSH(names, const char *) = name;
    svb_session_from_cookie(&ids, req->cookies, names);
    for (int i = 0; i < ids.n; i++) {
        const svb_member *member =
            svb_members_by_route(members, ids.ids[i].id, ids.ids[i].len);

        if (member) {
            return member;
        }
    }
    return NULL;
}

/* The member that an id names by its route; where ids have none, by the cookie that
 * was set beside it. */
static const svb_member *named_by(const svb_request *req,
                                  const svb_members *members,
                                  const svb_session_id *id, request_rec *r,
                                  apr_size_t *route_len)
{
    const svb_member *member = svb_decide_routed(members, id, route_len);

    return member || is_launch_cookie(req, id) || memchr(id->id, '.', id->len)
               ? member
               : by_cookie(req, members, r);
}

/* The ids from one number up to another, by their routes. */
static void read_routes(svb_request *req, const svb_members *members, int i,
                        int end, request_rec *r, named_members *named)
{
    for (; !named->able && i < end; i++) {
        const svb_session_id *id = &req->ids[i];
        apr_size_t len;
        const svb_member *member = named_by(req, members, id, r, &len);

        if (member && !is_dead_route(req, id, member, r)) {
            add_named(req, id, len, member, NULL, r, named);
        }
    }
}

/* A launch cookie comes before the session. It is set anew with each launch, so
 * its route is at least as fresh as the table. */
static void read_ids(svb_request *req, const svb_members *members,
                     request_rec *r, named_members *named)
{
    int session = 0;

    memset(named, 0, sizeof(*named));
    req->id = NULL;
    req->client = 0;
    req->is_known = 0;
    if (req->is_new) {
        return;
    }
    while (session < req->n_ids && is_launch_cookie(req, &req->ids[session])) {
        session++;
    }
    read_routes(req, members, 0, session, r, named);
    read_table(req, members, session, r, named);
    read_routes(req, members, session, req->n_ids, r, named);
}

/* ---------------------------------------------------------------- decision */

/* Of the id without its route, which is another one where the client moves to. */
static apr_uint64_t hash_of(const named_members *named)
{
    return svb_hash_text(named->id->id,
                         svb_session_base_len(named->id, named->route_len));
}

/* A node that it may go back to, for what is on its way to a session there. */
static const svb_member *been_at(const svb_request *req,
                                 const svb_members *members, request_rec *r)
{
    const svb_member *member =
        req->is_launch || req->is_new ? NULL : by_cookie(req, members, r);

    return member && member->node >= 0 && svb_request_can_have(req, member, r)
                   && svb_condition_takes_new(req->balancer, member)
               ? member
               : NULL;
}

/* No id names a node. */
static void choose_for_new(svb_request *req, const svb_members *members,
                           request_rec *r)
{
    svb_choice *choice = &req->choice;

    if (svb_request_is_stateless(req, r)) {
        choice->member = svb_stateless_member(req, members, r);
        choice->how = SVB_HOW_STATELESS;
    }
    else if ((choice->member = been_at(req, members, r)) != NULL) {
        choice->how = SVB_HOW_COOKIE;
        svb_election_enter(req, choice->member);
    }
    else {
        choice->member = svb_election_run(req, members, r);
        choice->how = SVB_HOW_ELECTED;
    }
}

static void choose(svb_request *req, const svb_members *members, request_rec *r)
{
    svb_choice *choice = &req->choice;
    named_members named;

    memset(choice, 0, sizeof(*choice));
    read_ids(req, members, r, &named);
    if (!named.first && req->n_ids && !req->is_new) {
        /* Perhaps the route is one that was given to a member lately. */
        members = svb_members_refresh(req->balancer);
        read_ids(req, members, r, &named);
    }
    if (named.able) {
        choice->member = named.able;
        choice->how = named.how;
    }
    else if (!named.first) {
        choose_for_new(req, members, r);
    }
    else {
        choice->from = named.first;
        choice->how = SVB_HOW_FAILOVER;
        if (!req->balancer->proxy->s->sticky_force) {
            choice->member = svb_failover_member(req, members, named.first,
                                                 hash_of(&named), r);
        }
    }
}

void svb_decide_adopt(svb_request *req, proxy_worker *worker, request_rec *r)
{
    const svb_members *members = svb_members_get(req->balancer);
    svb_choice *choice = &req->choice;
    named_members named;

    memset(choice, 0, sizeof(*choice));
    read_ids(req, members, r, &named);
    choice->member = svb_members_by_worker(members, worker);
    if (named.able && named.able == choice->member) {
        choice->how = named.how;
    }
    else {
        choice->from = named.first;
        choice->how = named.first ? SVB_HOW_FAILOVER : SVB_HOW_ROUTE;
    }
}

void svb_decide_log_none(svb_request *req, request_rec *r)
{
    const svb_choice *choice = &req->choice;

    svb_variables_set_client(r, req, req->client);
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                  SVB_LOGNO(0030) "%s: no member %s%s%s", req->balancer->name,
                  choice->from ? "can take over from node "
                               : "may take a new client",
                  choice->from ? choice->from->route : "",
                  choice->from && req->balancer->proxy->s->sticky_force
                      ? " (nofailover=On)"
                      : "");
}

static void log_choice(const svb_request *req, request_rec *r)
{
    const svb_choice *choice = &req->choice;
    const char *balancer = req->balancer->name;

    if (choice->from) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      SVB_LOGNO(0031) "%s: node %s cannot serve its client, "
                                      "%s (%s) takes over",
                      balancer, choice->from->route, choice->member->route,
                      choice->member->worker->s->name_ex);
    }
    else {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                      SVB_LOGNO(0032) "%s: %s (%s) chosen: %s", balancer,
                      choice->member->route, choice->member->worker->s->name_ex,
                      choice->how == SVB_HOW_ELECTED && req->election
                          ? req->election
                          : svb_how_name(choice->how));
    }
}

/* @return the worker that was chosen, or NULL */
static proxy_worker *chosen(const svb_request *req, request_rec *r)
{
    if (!req->choice.member) {
        return NULL;
    }
    log_choice(req, r);
    return req->choice.member->worker;
}

proxy_worker *svb_decide(svb_request *req, request_rec *r)
{
    const svb_members *members = svb_members_get(req->balancer);

    if (req->fixed && !svb_request_has_tried(req, req->fixed)
        && svb_condition_can_serve(req->fixed)) {
        return req->fixed;
    }
    choose(req, members, r);
    return chosen(req, r);
}

proxy_worker *svb_decide_known(svb_request *req, request_rec *r)
{
    svb_choice *choice = &req->choice;
    named_members named;

    if (!req->n_ids || req->fixed || req->is_new) {
        return NULL;
    }
    memset(choice, 0, sizeof(*choice));
    read_ids(req, svb_members_get(req->balancer), r, &named);
    choice->member = named.able;
    choice->how = named.how;
    return chosen(req, r);
}
