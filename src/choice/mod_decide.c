/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_decide.h"

#include "choice/mod_election.h"
#include "choice/mod_failover.h"
#include "memory/clients.h"
#include "memory/hash.h"
#include "memory/mod_clients.h"
#include "memory/mod_former.h"
#include "memory/mod_segments.h"
#include "nodes/mod_condition.h"
#include "nodes/state.h"

/* ------------------------------------------------------ what the ids say */

/* The members that a request's ids name. */
typedef struct {
    const svb_member *able;  /* the first that can serve, or NULL */
    const svb_member *first; /* the first of all, or NULL: none names any */
    apr_uint64_t hash; /* of the id that named that one, without the route */
    svb_how how;       /* the able one was named */
} named_members;

/* The member named by the longest route that the id ends in. */
static const svb_member *routed(const svb_members *members,
                                const svb_session_id *id, apr_size_t *route_len)
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
    req->client = table_id(req, id);
    req->client_name = id->name;
    req->is_known = known != NULL || is_smart;
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
        named->hash =
            svb_hash_text(id->id, svb_session_base_len(id, route_len));
    }
    if (is_able) {
        named->able = member;
        named->how = known ? SVB_HOW_KNOWN : SVB_HOW_ROUTE;
    }
}

/* The ids from one number up to another, by the table. */
static void read_table(svb_request *req, const svb_members *members, int i,
                       int end, request_rec *r, named_members *named)
{
    apr_time_t now = apr_time_now();

    for (; !named->able && i < end; i++) {
        const svb_session_id *id = &req->ids.ids[i];
        const svb_member *member;
        svb_client client;
        apr_size_t len;

        if ((svb_clients_find(svb_segments_clients(), table_id(req, id), now,
                              &client)
             || svb_former_find(table_id(req, id), now, &client))
            && (member = svb_members_by_node(members, client.node)) != NULL
            && (routed(members, id, &len)
                || req->balancer->set.learn_sessions)) {
            add_named(req, id, len, member, &client, r, named);
        }
    }
}

/* An id that the table does not know, of a node that fails new clients: a dead one,
 * if the table would know it. That takes a table that is as old as a session can be,
 * and has dropped nobody since. */
static int is_dead(const svb_request *req, const svb_member *member)
{
    apr_time_t now = apr_time_now();
    apr_time_t oldest = now - req->balancer->set.session_timeout;

    return svb_segments_shared()->started < oldest
           && svb_clients_evictions(svb_segments_clients())->at < oldest
           && svb_condition_of_member(req->balancer, member, now).state
                  == SVB_STATE_SUSPECT;
}

/* The same by their routes. */
static void read_routes(svb_request *req, const svb_members *members, int i,
                        int end, request_rec *r, named_members *named)
{
    for (; !named->able && i < end; i++) {
        const svb_session_id *id = &req->ids.ids[i];
        apr_size_t len;
        const svb_member *member = routed(members, id, &len);

        if (member && !is_dead(req, member)) {
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
    while (session < req->ids.n
           && is_launch_cookie(req, &req->ids.ids[session])) {
        session++;
    }
    read_routes(req, members, 0, session, r, named);
    read_table(req, members, session, req->ids.n, r, named);
    read_routes(req, members, session, req->ids.n, r, named);
}

/* ---------------------------------------------------------------- decision */

static void choose(svb_request *req, const svb_members *members, request_rec *r)
{
    svb_choice *choice = &req->choice;
    named_members named;

    memset(choice, 0, sizeof(*choice));
    read_ids(req, members, r, &named);
    if (!named.first && req->ids.n && !req->is_new) {
        /* Perhaps the route is one that was given to a member lately. */
        members = svb_members_refresh(req->balancer);
        read_ids(req, members, r, &named);
    }
    if (named.able) {
        choice->member = named.able;
        choice->how = named.how;
    }
    else if (!named.first) {
        choice->member = svb_election_run(req, members, r);
        choice->how = SVB_HOW_ELECTED;
    }
    else {
        choice->from = named.first;
        choice->how = SVB_HOW_FAILOVER;
        if (!req->balancer->proxy->s->sticky_force) {
            choice->member =
                svb_failover_member(req, members, named.first, named.hash, r);
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

static void log_choice(const svb_request *req, request_rec *r)
{
    const svb_choice *choice = &req->choice;
    const char *balancer = req->balancer->name;

    if (!choice->member) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      SVB_LOGNO(0030) "%s: no member %s%s%s", balancer,
                      choice->from ? "can take over from node "
                                   : "may take a new client",
                      choice->from ? choice->from->route : "",
                      choice->from && req->balancer->proxy->s->sticky_force
                          ? " (nofailover=On)"
                          : "");
    }
    else if (choice->from) {
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
                      svb_how_name(choice->how));
    }
}

proxy_worker *svb_decide(svb_request *req, request_rec *r)
{
    const svb_members *members = svb_members_get(req->balancer);

    if (req->fixed && !svb_request_has_tried(req, req->fixed)
        && svb_condition_can_serve(req->fixed)) {
        return req->fixed;
    }
    choose(req, members, r);
    log_choice(req, r);
    return req->choice.member ? req->choice.member->worker : NULL;
}
