/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "mod_svb_decide.h"

#include "mod_svb_shm.h"
#include "svb_elect.h"

#define RETRY_AFTER_GUESS 30
#define RETRY_AFTER_MOST 300

APR_DECLARE_OPTIONAL_FN(int, ap_proxy_retry_worker,
                        (const char *proxy_function, proxy_worker *worker,
                         server_rec *s));

static APR_OPTIONAL_FN_TYPE(ap_proxy_retry_worker) * retry_worker;

void svb_decide_init(void)
{
    retry_worker = APR_RETRIEVE_OPTIONAL_FN(ap_proxy_retry_worker);
}

/* ----------------------------------------------------- what a member may */

int svb_decide_can_serve(const proxy_worker *worker)
{
    return PROXY_WORKER_IS_USABLE(worker);
}

int svb_decide_takes_new(const proxy_worker *worker)
{
    return PROXY_WORKER_IS_USABLE(worker) && !PROXY_WORKER_IS_DRAINING(worker);
}

/* A worker in error becomes usable when its retry time has passed; somebody
 * has to ask. */
static int can_serve_now(proxy_worker *worker, request_rec *r)
{
    if (!svb_decide_can_serve(worker) && retry_worker) {
        retry_worker("SERVOY", worker, r->server);
    }
    return svb_decide_can_serve(worker);
}

static double weight(const proxy_worker *worker)
{
    return worker->s->lbfactor > 0 ? worker->s->lbfactor / 100.0 : 0.01;
}

static const char *name_of(const svb_member *member)
{
    return member->worker->s->name_ex;
}

/* ----------------------------------------------------- routes of the ids */

/* The member named by the longest route that the id ends in. */
static const svb_member *routed(const svb_members *members,
                                const svb_session_id *id, apr_size_t *route_len)
{
    const svb_member *member = NULL;
    const char *route;
    apr_size_t pos = 0;

    while (!member && svb_session_next_route(id, &pos, &route, route_len)) {
        member = svb_members_by_route(members, route, *route_len);
    }
    return member;
}

/* What the ids of a request say. */
typedef struct {
    const svb_member *member; /* the first that can serve, or NULL */
    const svb_member *from;   /* the first that was named */
    apr_uint64_t hash;        /* of the id that named it, without the route */
} routes;

static void read_routes(svb_request *req, const svb_members *members,
                        request_rec *r, routes *found)
{
    int i;

    memset(found, 0, sizeof(*found));
    for (i = 0; !found->member && i < req->ids.n; i++) {
        const svb_session_id *id = &req->ids.ids[i];
        apr_size_t route_len = 0;
        const svb_member *member = routed(members, id, &route_len);

        if (!member) {
            continue;
        }
        if (!found->from) {
            found->from = member;
            found->hash =
                svb_elect_id_hash(id->id, svb_session_base_len(id, route_len));
        }
        if (!svb_request_has_tried(req, member->worker)
            && can_serve_now(member->worker, r)) {
            found->member = member;
        }
    }
}

/* --------------------------------------------------------------- elections */

/* What mod_proxy's loop over the members asks us about. */
typedef struct {
    const svb_request *req;
    const svb_members *members;
    apr_time_t now;
    svb_elect_cand best; /* of an election */
    const char *group;   /* of a failover: only this group, or NULL */
    apr_uint64_t hash;   /* the id's */
    double best_score;
} contest;

static void candidate(const contest *c, const svb_member *member,
                      svb_elect_cand *cand)
{
    svb_fleet *fleet = svb_shm_fleet();
    double recent = 0;

    memset(cand, 0, sizeof(*cand));
    if (member && member->node >= 0) {
        recent = svb_fleet_recent(fleet, member->node, c->now,
                                  c->req->balancer->set.session_timeout);
        cand->last_turn = svb_fleet_last_turn(fleet, member->node);
    }
    cand->load = (recent + 1) / (member ? weight(member->worker) : 1);
}

static int less_loaded(proxy_worker *current, proxy_worker *prev_best,
                       void *baton)
{
    contest *c = baton;
    svb_elect_cand cand;

    if (svb_request_has_tried(c->req, current)) {
        return 0;
    }
    candidate(c, svb_members_by_worker(c->members, current), &cand);
    if (prev_best && !svb_elect_better(&cand, &c->best)) {
        return 0;
    }
    c->best = cand;
    return 1;
}

static const svb_member *elect(svb_request *req, const svb_members *members,
                               request_rec *r)
{
    contest c = {.req = req, .members = members, .now = apr_time_now()};
    proxy_worker *worker = ap_proxy_balancer_get_best_worker(
        req->balancer->proxy, r, less_loaded, &c);
    const svb_member *member =
        worker ? svb_members_by_worker(members, worker) : NULL;

    if (member && member->node >= 0 && !req->dry_run) {
        svb_fleet_elected(svb_shm_fleet(), member->node, c.now,
                          req->balancer->set.session_timeout);
    }
    return member;
}

/* ---------------------------------------------------------------- failover */

/* Rendezvous hashing: every node gets a score from the id and its own name;
 * the highest wins. Whoever is asked, wherever, finds the same winner, and a
 * node that goes or comes moves only its own clients. */
static double score(const contest *c, const svb_member *member)
{
    return svb_elect_score(c->hash,
                           *member->route ? member->route : name_of(member),
                           weight(member->worker));
}

static int may_take_over(const contest *c, const svb_member *member)
{
    return member && !svb_request_has_tried(c->req, member->worker)
           && (!c->group
               || (member->facts.group
                   && !strcmp(member->facts.group, c->group)));
}

static int higher_score(proxy_worker *current, proxy_worker *prev_best,
                        void *baton)
{
    contest *c = baton;
    const svb_member *member = svb_members_by_worker(c->members, current);
    double mine;

    if (!may_take_over(c, member)) {
        return 0;
    }
    mine = score(c, member);
    if (prev_best && mine <= c->best_score) {
        return 0;
    }
    c->best_score = mine;
    return 1;
}

/* The best of those who can serve but take no new clients: a user whose node
 * is gone is better off there than with an error page. */
static const svb_member *last_resort(contest *c)
{
    const svb_member *best = NULL;
    int i;

    for (i = 0; i < c->members->n; i++) {
        const svb_member *member = &c->members->all[i];

        if (svb_decide_can_serve(member->worker) && may_take_over(c, member)
            && (!best || score(c, member) > c->best_score)) {
            best = member;
            c->best_score = score(c, member);
        }
    }
    return best;
}

static const svb_member *rendezvous(contest *c, request_rec *r)
{
    proxy_worker *worker = ap_proxy_balancer_get_best_worker(
        c->req->balancer->proxy, r, higher_score, c);

    return worker ? svb_members_by_worker(c->members, worker) : last_resort(c);
}

/* The chain of redirect= members, as far as needed to find one that serves. */
static const svb_member *redirected(svb_request *req,
                                    const svb_members *members,
                                    const svb_member *from, request_rec *r)
{
    int steps;

    for (steps = 0; from && *from->worker->s->redirect && steps < members->n;
         steps++) {
        const char *route = from->worker->s->redirect;

        from = svb_members_by_route(members, route, strlen(route));
        if (from && !svb_request_has_tried(req, from->worker)
            && can_serve_now(from->worker, r)) {
            return from;
        }
    }
    return NULL;
}

static const svb_member *take_over(svb_request *req, const svb_members *members,
                                   const routes *found, request_rec *r)
{
    contest c = {.req = req,
                 .members = members,
                 .group = found->from->facts.group,
                 .hash = found->hash};
    const svb_member *member = redirected(req, members, found->from, r);

    if (!member && c.group) {
        member = rendezvous(&c, r);
    }
    if (!member) {
        c.group = NULL;
        member = rendezvous(&c, r);
    }
    return member;
}

/* ---------------------------------------------------------------- decision */

static void choose(svb_request *req, const svb_members *members, request_rec *r)
{
    svb_choice *choice = &req->choice;
    routes found;

    memset(choice, 0, sizeof(*choice));
    read_routes(req, members, r, &found);
    if (!found.from && req->ids.n) {
        /* Perhaps the route is one that was given to a member lately. */
        const svb_members *fresh = svb_members_refresh(req->balancer);

        if (fresh != members) {
            members = fresh;
            read_routes(req, members, r, &found);
        }
    }
    if (found.member) {
        choice->member = found.member;
        choice->how = SVB_HOW_ROUTE;
    }
    else if (!found.from) {
        choice->member = elect(req, members, r);
        choice->how = SVB_HOW_ELECTED;
    }
    else {
        choice->from = found.from;
        choice->how = SVB_HOW_FAILOVER;
        if (!req->balancer->proxy->s->sticky_force) {
            choice->member = take_over(req, members, &found, r);
        }
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
                      name_of(choice->member));
    }
    else {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                      SVB_LOGNO(0032) "%s: %s (%s) chosen: %s", balancer,
                      choice->member->route, name_of(choice->member),
                      svb_how_name(choice->how));
    }
}

proxy_worker *svb_decide(svb_request *req, request_rec *r)
{
    const svb_members *members = svb_members_get(req->balancer);

    if (req->fixed && !svb_request_has_tried(req, req->fixed)
        && svb_decide_can_serve(req->fixed)) {
        return req->fixed;
    }
    choose(req, members, r);
    log_choice(req, r);
    return req->choice.member ? req->choice.member->worker : NULL;
}

int svb_decide_retry_after(const svb_balancer *balancer)
{
    const apr_array_header_t *workers = balancer->proxy->workers;
    apr_time_t now = apr_time_now(), wait,
               least = apr_time_from_sec(RETRY_AFTER_MOST);
    int i, any = 0;

    for (i = 0; i < workers->nelts; i++) {
        const proxy_worker_shared *s =
            APR_ARRAY_IDX(workers, i, proxy_worker *)->s;

        if (s->status & PROXY_WORKER_IN_ERROR) {
            wait = s->error_time + s->retry - now;
            least = wait < least ? wait : least;
            any = 1;
        }
    }
    if (!any) {
        return RETRY_AFTER_GUESS;
    }
    return least > 0 ? (int)apr_time_sec(least) + 1 : 1;
}
