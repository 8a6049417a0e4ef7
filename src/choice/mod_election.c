/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_election.h"

#include "nodes/mod_admin.h"
#include "memory/mod_segments.h"
#include "memory/mod_clients.h"
#include "choice/score.h"
#include "manager/snapshot.h"

/* Recent enough to tell whether a node is being flooded. */
#define RECENT_HALF_LIFE apr_time_from_sec(60)

APR_DECLARE_OPTIONAL_FN(int, ap_proxy_retry_worker,
                        (const char *proxy_function, proxy_worker *worker,
                         server_rec *s));

static APR_OPTIONAL_FN_TYPE(ap_proxy_retry_worker) * retry_worker;

void svb_condition_start(void)
{
    retry_worker = APR_RETRIEVE_OPTIONAL_FN(ap_proxy_retry_worker);
}

/* ----------------------------------------------------- what a member may */

int svb_condition_can_serve(const proxy_worker *worker)
{
    return PROXY_WORKER_IS_USABLE(worker);
}

int svb_condition_takes_new(const proxy_worker *worker)
{
    return PROXY_WORKER_IS_USABLE(worker) && !PROXY_WORKER_IS_DRAINING(worker);
}

/* A worker in error becomes usable when its retry time has passed; somebody
 * has to ask. */
int svb_condition_can_serve_now(proxy_worker *worker, request_rec *r)
{
    if (!svb_condition_can_serve(worker) && retry_worker) {
        retry_worker("SERVOY", worker, r->server);
    }
    return svb_condition_can_serve(worker);
}

int svb_condition_is_full(const svb_member *member)
{
    return member->facts.maxclients > 0
           && svb_clients_load(member->node)
                  >= (unsigned)member->facts.maxclients;
}

/* Refused a new client, and the time to try again has not come. */
static int has_refused(const svb_member *member)
{
    return svb_records_maintenance(svb_segments_records(), member->node)
           > apr_time_now();
}

/* It does not answer those who ask whether it is there. */
static int is_unreachable(const svb_member *member)
{
    return member->node >= 0
           && svb_records_reach(svb_segments_records(), member->node)
                  != SVB_REACH_OK;
}

/* Not for this request, whatever it may do for others: it has failed it, or it
 * would be a launch's way to nowhere. */
static int is_ruled_out(const svb_request *req, const svb_member *member)
{
    return svb_request_has_tried(req, member->worker)
           || (req->is_launch && is_unreachable(member));
}

int svb_request_can_have(const svb_request *req, const svb_member *member,
                         request_rec *r)
{
    return !is_ruled_out(req, member)
           && svb_condition_can_serve_now(member->worker, r);
}

int svb_condition_in_maintenance(const svb_member *member)
{
    return member->node >= 0
           && (svb_admin_in_maintenance(member->node) || has_refused(member));
}

/* May it take a new client, but for having refused one, or seeming dead? */
static int may_be_asked(const svb_member *member)
{
    return member->node >= 0 && svb_condition_takes_new(member->worker)
           && !svb_admin_in_maintenance(member->node)
           && !svb_condition_is_full(member);
}

int svb_condition_may_take_new(const svb_member *member)
{
    return may_be_asked(member) && !has_refused(member)
           && !is_unreachable(member);
}

int svb_election_has_other(const svb_request *req, const svb_member *than,
                           request_rec *r)
{
    const svb_members *members = svb_members_get(req->balancer);
    int i;

    for (i = 0; i < members->n; i++) {
        const svb_member *member = &members->all[i];

        if (member != than && !svb_request_has_tried(req, member->worker)
            && svb_condition_can_serve_now(member->worker, r)
            && svb_condition_may_take_new(member)) {
            return 1;
        }
    }
    return 0;
}

static double weight(const proxy_worker *worker)
{
    return worker->s->lbfactor > 0 ? worker->s->lbfactor / 100.0 : 0.01;
}

/* What mod_proxy's loop over the members asks us about. */
typedef struct {
    const svb_request *req;
    const svb_members *members;
    /* an election */
    int doubtful_too; /* nodes that have refused new clients, or seem dead, are
                         better than none */
    apr_time_t now;
    double recent_all, share_all; /* sums over those who may take the client */
    svb_score_candidate best;
    /* a failover */
    const char *group; /* only this group, or NULL */
    int last_resort;   /* take whoever can serve */
    apr_uint64_t hash; /* the id's */
    double best_score;
} contest;

/* --------------------------------------------------------------- elections */

/* A member's share as things are, slow start included. */
static double share(const contest *c, const svb_member *member)
{
    svb_records *fleet = svb_segments_records();
    int state = svb_records_state(fleet, member->node);
    /* One that comes up just now was down when last looked at. */
    int was_down =
        state >= 0 && !svb_state_describe((svb_state)state)->can_serve;

    return svb_score_slowstart(
        weight(member->worker),
        was_down ? c->now : svb_records_up_since(fleet, member->node), c->now,
        c->req->balancer->set.slow_start);
}

static double recent(const contest *c, const svb_member *member)
{
    return svb_records_recent(svb_segments_records(), member->node, c->now,
                              RECENT_HALF_LIFE);
}

/* Add up those who may take the client, to know a node's fair part. */
static void sum_up(contest *c)
{
    int i;

    for (i = 0; i < c->members->n; i++) {
        const svb_member *member = &c->members->all[i];

        if (svb_condition_may_take_new(member)) {
            c->recent_all += recent(c, member);
            c->share_all += share(c, member);
        }
    }
}

static void candidate(const contest *c, const svb_member *member,
                      svb_score_candidate *cand)
{
    double mine = share(c, member);

    cand->load = svb_score_load(svb_clients_load(member->node), mine);
    cand->last_turn =
        svb_records_last_turn(svb_segments_records(), member->node);
    cand->braked =
        svb_score_over_share(recent(c, member), c->recent_all, mine,
                             c->share_all, c->req->balancer->set.catch_up);
}

static int less_loaded(proxy_worker *current, proxy_worker *prev_best,
                       void *baton)
{
    contest *c = baton;
    const svb_member *member = svb_members_by_worker(c->members, current);
    svb_score_candidate cand;

    if (!member || is_ruled_out(c->req, member)
        || (!svb_condition_may_take_new(member)
            && !(c->doubtful_too && may_be_asked(member)))) {
        return 0;
    }
    candidate(c, member, &cand);
    if (prev_best && !svb_score_better(&cand, &c->best)) {
        return 0;
    }
    c->best = cand;
    return 1;
}

/* The node has a new client, although nobody knows its session yet: others who
 * are deciding just now must see it. A launched client is entered under its own
 * id when it is sent off. */
static void take_turn(svb_request *req, const svb_member *member,
                      apr_time_t now)
{
    svb_records_elected(svb_segments_records(), member->node, now,
                        RECENT_HALF_LIFE);
    if (req->is_launch) {
        return;
    }
    if (!req->pending) {
        ap_random_insecure_bytes(&req->pending, sizeof(req->pending));
        req->pending |= 1; /* never 0 */
    }
    svb_clients_put(svb_segments_clients(), req->pending, member->node,
                    SVB_KIND_PENDING, now);
}

static const svb_member *best(contest *c, request_rec *r)
{
    proxy_worker *worker = ap_proxy_balancer_get_best_worker(
        c->req->balancer->proxy, r, less_loaded, c);

    return worker ? svb_members_by_worker(c->members, worker) : NULL;
}

/* Mod_proxy brings in a spare only for members that cannot serve; one that is
 * full or in maintenance it does not know of. */
static const svb_member *reserve(contest *c)
{
    const svb_member *found = NULL;
    int i;

    for (i = 0; i < c->members->n; i++) {
        const svb_member *member = &c->members->all[i];

        if (less_loaded(member->worker, found ? found->worker : NULL, c)) {
            found = member;
        }
    }
    return found;
}

/* A node that has refused a new client is tried by one of them when its time is
 * up; for the others it goes on refusing until that one was taken. */
static int may_try(const contest *c, const svb_member *member)
{
    svb_records *fleet = svb_segments_records();

    return svb_records_maintenance(fleet, member->node) == 0 || c->req->dry_run
           || svb_records_claim_trial(
               fleet, member->node, c->now,
               c->now + c->req->balancer->set.maintenance_retry);
}

const svb_member *svb_election_run(svb_request *req, const svb_members *members,
                                   request_rec *r)
{
    contest c = {.req = req, .members = members, .now = apr_time_now()};
    const svb_member *member;

    if (req->balancer->set.catch_up > 0) {
        sum_up(&c);
    }
    do {
        member = best(&c, r);
    } while (member && !may_try(&c, member));
    if (!member) {
        member = reserve(&c);
    }
    if (!member) {
        c.doubtful_too = 1;
        member = best(&c, r);
    }
    if (member && !req->dry_run) {
        take_turn(req, member, c.now);
    }
    return member;
}

/* ---------------------------------------------------------------- failover */

/* Rendezvous hashing: every node gets a score from the id and its own name;
 * the highest wins. Whoever is asked, wherever, finds the same winner, and a
 * node that goes or comes moves only its own clients. */
static double score(const contest *c, const svb_member *member)
{
    const proxy_worker *worker = member->worker;

    return svb_score_rendezvous(
        c->hash, *member->route ? member->route : worker->s->name_ex,
        weight(worker));
}

static int may_take_over(const contest *c, const svb_member *member)
{
    return member
           && !is_ruled_out(c->req, member)
           /* In maintenance it takes nobody whose session it does not share. */
           && (c->group || c->last_resort
               || !svb_condition_in_maintenance(member))
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
    const svb_member *found = NULL;
    int i;

    c->last_resort = 1;
    for (i = 0; i < c->members->n; i++) {
        const svb_member *member = &c->members->all[i];

        if (svb_condition_can_serve(member->worker) && may_take_over(c, member)
            && (!found || score(c, member) > c->best_score)) {
            found = member;
            c->best_score = score(c, member);
        }
    }
    return found;
}

static const svb_member *rendezvous(contest *c, request_rec *r)
{
    proxy_worker *worker = ap_proxy_balancer_get_best_worker(
        c->req->balancer->proxy, r, higher_score, c);

    return worker ? svb_members_by_worker(c->members, worker) : last_resort(c);
}

/* The chain of redirect= members, as far as needed to find one that serves. */
static const svb_member *redirected(const svb_request *req,
                                    const svb_members *members,
                                    const svb_member *from, request_rec *r)
{
    int steps;

    for (steps = 0; from && *from->worker->s->redirect && steps < members->n;
         steps++) {
        const char *route = from->worker->s->redirect;

        from = svb_members_by_route(members, route, strlen(route));
        if (from && svb_request_can_have(req, from, r)) {
            return from;
        }
    }
    return NULL;
}

const svb_member *svb_failover_member(const svb_request *req,
                                      const svb_members *members,
                                      const svb_member *from, apr_uint64_t hash,
                                      request_rec *r)
{
    contest c = {.req = req,
                 .members = members,
                 .group = from->facts.group,
                 .hash = hash};
    const svb_member *member = redirected(req, members, from, r);

    if (!member && c.group) {
        member = rendezvous(&c, r);
    }
    if (!member) {
        c.group = NULL;
        member = rendezvous(&c, r);
    }
    return member;
}
