/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_election.h"

#include "choice/score.h"
#include "memory/clients.h"
#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "nodes/condition.h"
#include "nodes/mod_condition.h"

/* Recent enough to tell whether a node is being flooded. */
#define RECENT_HALF_LIFE apr_time_from_sec(60)

/* What mod_proxy's loop over the members asks us about. */
typedef struct {
    const svb_request *req;
    const svb_members *members;
    int doubtful_too; /* nodes that have refused new clients, or seem dead, are
                         better than none */
    apr_time_t now;
    double recent_all, share_all; /* sums over those who may take the client */
    svb_score_candidate best;
} contest;

/* A member's share as things are, slow start included. */
static double share(const contest *c, const svb_member *member)
{
    return svb_score_slowstart(svb_members_weight(member),
                               svb_condition_up_since(member, c->now), c->now,
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
    for (int i = 0; i < c->members->n; i++) {
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

    if (!member || svb_request_is_ruled_out(c->req, member)
        || (!svb_condition_may_take_new(member)
            && !(c->doubtful_too && svb_condition_may_be_tried(member)))) {
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
    for (int i = 0; i < c->members->n; i++) {
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
    svb_records *records = svb_segments_records();

    return svb_condition_maintenance(records, member->node) == 0
           || c->req->dry_run
           || svb_condition_claim_trial(
               records, member->node, c->now,
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

int svb_election_has_other(const svb_request *req, const svb_member *than,
                           request_rec *r)
{
    const svb_members *members = svb_members_get(req->balancer);
    for (int i = 0; i < members->n; i++) {
        const svb_member *member = &members->all[i];

        if (member != than && !svb_request_has_tried(req, member->worker)
            && svb_condition_can_serve_now(member->worker, r)
            && svb_condition_may_take_new(member)) {
            return 1;
        }
    }
    return 0;
}
