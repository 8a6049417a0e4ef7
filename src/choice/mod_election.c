/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_election.h"

#include "choice/contest.h"
#include "memory/clients.h"
#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "nodes/condition.h"
#include "nodes/mod_condition.h"

/* What mod_proxy's loop over the members asks us about. */
typedef struct {
    const svb_request *req;
    const svb_members *members;
    int doubtful_too; /* nodes that have refused new clients, or seem dead, are
                         better than none */
    svb_contest nodes;
    svb_score_candidate best;
} contest;

static svb_contest_node node_of(const contest *c, const svb_member *member)
{
    return (svb_contest_node){.record = member->node,
                              .weight = svb_members_weight(member),
                              .up_since =
                                  svb_condition_up_since(member, c->nodes.now)};
}

/* Add up those who may take the client, to know a node's fair part. */
static void sum_up(contest *c)
{
    for (int i = 0; i < c->members->n; i++) {
        const svb_member *member = &c->members->all[i];

        if (svb_condition_may_take_new(member)) {
            svb_contest_node node = node_of(c, member);

            svb_contest_join(&c->nodes, &node);
        }
    }
}

static int less_loaded(proxy_worker *current, proxy_worker *prev_best,
                       void *baton)
{
    contest *c = baton;
    const svb_member *member = svb_members_by_worker(c->members, current);
    svb_score_candidate cand;
    svb_contest_node node;

    if (!member || svb_request_is_ruled_out(c->req, member)
        || (!svb_condition_may_take_new(member)
            && !(c->doubtful_too && svb_condition_may_be_tried(member)))) {
        return 0;
    }
    node = node_of(c, member);
    svb_contest_candidate(&c->nodes, &node, &cand);
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
                      const svb_contest *nodes)
{
    svb_contest_won(nodes, member->node);
    if (req->is_launch) {
        return;
    }
    if (!req->pending) {
        ap_random_insecure_bytes(&req->pending, sizeof(req->pending));
        req->pending |= 1; /* never 0 */
    }
    svb_clients_put(svb_segments_clients(), req->pending, member->node,
                    SVB_KIND_PENDING, nodes->now);
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
               records, member->node, c->nodes.now,
               c->nodes.now + c->req->balancer->set.maintenance_retry);
}

const svb_member *svb_election_run(svb_request *req, const svb_members *members,
                                   request_rec *r)
{
    const svb_section *set = &req->balancer->set;
    contest c = {.req = req,
                 .members = members,
                 .nodes = {.records = svb_segments_records(),
                           .now = apr_time_now(),
                           .slow_start = set->slow_start,
                           .catch_up = set->catch_up}};
    const svb_member *member;

    if (set->catch_up > 0) {
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
        take_turn(req, member, &c.nodes);
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
