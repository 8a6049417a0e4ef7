/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_failover.h"

#include "choice/score.h"
#include "memory/mod_segments.h"
#include "memory/moves.h"
#include "nodes/mod_condition.h"
#include "nodes/state.h"

/* What mod_proxy's loop over the members asks us about. */
typedef struct {
    const svb_request *req;
    const svb_members *members;
    const char *group; /* only this group, or NULL */
    int takes_full;    /* full ones, too */
    int last_resort;   /* take whoever can serve */
    apr_uint64_t hash; /* the id's */
    double best_score;
    apr_time_t now;
} failover;

/* Rendezvous hashing: every node gets a score from the id and its own name;
 * the highest wins. Whoever is asked, wherever, finds the same winner, and a
 * node that goes or comes moves only its own clients. */
static double score(const failover *f, const svb_member *member)
{
    const proxy_worker *worker = member->worker;

    return svb_score_rendezvous(
        f->hash, *member->route ? member->route : worker->s->name_ex,
        svb_members_weight(member));
}

/* A full node takes only whom no other can. In maintenance a node takes nobody whose
 * session it does not share; one that fails new clients would fail this one, and one
 * that is silent makes it wait. */
static int is_reluctant(const failover *f, const svb_member *member)
{
    switch (svb_condition_of_member(f->req->balancer, member, f->now).state) {
    case SVB_STATE_FULL:
        return !f->takes_full;
    case SVB_STATE_MAINTENANCE:
    case SVB_STATE_SUSPECT:
    case SVB_STATE_SILENT:
        return !f->group;
    default:
        return 0;
    }
}

static int may_take_over(const failover *f, const svb_member *member)
{
    return member && !svb_request_is_ruled_out(f->req, member)
           && (f->last_resort || !is_reluctant(f, member))
           && (!f->group
               || (member->facts.group
                   && !strcmp(member->facts.group, f->group)));
}

static int higher_score(proxy_worker *current, proxy_worker *prev_best,
                        void *baton)
{
    failover *f = baton;
    const svb_member *member = svb_members_by_worker(f->members, current);
    double mine;

    if (!may_take_over(f, member)) {
        return 0;
    }
    mine = score(f, member);
    if (prev_best && mine <= f->best_score) {
        return 0;
    }
    f->best_score = mine;
    return 1;
}

/* The best of those who can serve but take no new clients: a user whose node
 * is gone is better off there than with an error page. */
static const svb_member *last_resort(failover *f)
{
    const svb_member *found = NULL;

    f->last_resort = 1;
    for (int i = 0; i < f->members->n; i++) {
        const svb_member *member = &f->members->all[i];

        if (svb_condition_can_serve(member->worker) && may_take_over(f, member)
            && (!found || score(f, member) > f->best_score)) {
            found = member;
            f->best_score = score(f, member);
        }
    }
    return found;
}

/* Of those who are not full first. */
static const svb_member *rendezvous(failover *f, request_rec *r)
{
    proxy_worker *worker = NULL;

    for (f->takes_full = 0; !worker && f->takes_full < 2; f->takes_full++) {
        worker = ap_proxy_balancer_get_best_worker(f->req->balancer->proxy, r,
                                                   higher_score, f);
    }
    return worker ? svb_members_by_worker(f->members, worker) : last_resort(f);
}

/* The chain of redirect= members, as far as needed to find one that serves. */
static const svb_member *redirected(const svb_request *req,
                                    const svb_members *members,
                                    const svb_member *from, request_rec *r)
{
    for (int steps = 0;
         from && *from->worker->s->redirect && steps < members->n; steps++) {
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
    failover f = {.req = req,
                  .now = apr_time_now(),
                  .members = members,
                  .group = from->facts.group,
                  .hash = hash};
    const svb_member *member = redirected(req, members, from, r);

    if (!member && f.group) {
        member = rendezvous(&f, r);
    }
    if (!member) {
        f.group = NULL;
        f.last_resort = 0;
        member = rendezvous(&f, r);
    }
    return member;
}

void svb_failover_done(const svb_choice *choice, apr_uint64_t client,
                       apr_time_t now)
{
    svb_records *records = svb_segments_records();

    if (choice->how == SVB_HOW_FAILOVER && client && choice->from
        && choice->from->node >= 0 && choice->member->node >= 0
        && choice->from->node != choice->member->node
        && svb_moves_add(svb_segments_moves(), choice->from->node,
                         choice->member->node, client, now)) {
        svb_records_fleet_count(
            records, svb_records_fleet_of(records, choice->from->node),
            SVB_FLEET_MOVED);
    }
}
