/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_election.h"

#include <stdatomic.h>

#include "choice/contest.h"
#include "choice/mod_ballot.h"
#include "choice/mod_plain.h"
#include "choice/others.h"
#include "choice/score.h"
#include "memory/clients.h"
#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "nodes/condition.h"
#include "nodes/mod_condition.h"
#include "nodes/mod_evidence.h"
#include "share/mod_sharing.h"

#define TELL_EVERY apr_time_from_sec(60)

/* What mod_proxy's loop over the members asks us about. */
typedef struct {
    const svb_request *req;
    const svb_members *members;
    const svb_condition *conditions; /* of the members, when it began */
    enum { WHOLE, LAST, OVERFULL, ANY } among; /* see may_take() */
    svb_contest nodes;
    svb_score_candidate best;
} contest;

static svb_contest_node node_of(const contest *c, const svb_member *member)
{
    return (svb_contest_node){.record = member->node,
                              .weight = svb_members_weight(member),
                              .up_since =
                                  svb_condition_up_since(member, c->nodes.now),
                              .whose = member};
}

/* It has failed those who came last, and nobody has begun a session elsewhere since:
 * it may be the node, or the application. Another is asked first, which tells. Else
 * one that fails all of them would get the next as well, for it stays the emptiest. */
static int is_in_doubt(const contest *c, const svb_member *member,
                       const svb_condition *condition)
{
    return condition->failing && c->req->balancer->set.suspect
           && svb_evidence_others_began(c->req->balancer, member->node)
                  < condition->failing;
}

static void look_at_all(contest *c, apr_pool_t *p)
{
    svb_condition *conditions =
        apr_palloc(p, (apr_size_t)c->members->n * sizeof(*conditions));

    for (int i = 0; i < c->members->n; i++) {
        const svb_member *member = &c->members->all[i];

        conditions[i] =
            svb_condition_of_member(c->req->balancer, member, c->nodes.now);
        conditions[i].is_last |= is_in_doubt(c, member, &conditions[i]);
    }
    c->conditions = conditions;
}

static const svb_condition *condition_of(const contest *c,
                                         const svb_member *member)
{
    return &c->conditions[member - c->members->all];
}

/* Full, but not by the clients that its node was seen to take: anybody can make up the
 * others, and is not to shut the door with them. */
static int is_full_of_words(const svb_member *member,
                            const svb_condition *condition)
{
    return condition->cause == SVB_CAUSE_FULL
           && svb_clients_confirmed(member->node)
                  < (unsigned)member->facts.maxclients;
}

/* Whole nodes come first, then those that are asked last. Better than nobody is, in
 * the end, one that has refused new clients, or does not answer those who ask: it may
 * have changed its mind, and mod_proxy still uses it. */
static int may_take(const contest *c, const svb_member *member)
{
    const svb_condition *condition = condition_of(c, member);

    if (member->node < 0 || !svb_condition_can_serve(member->worker)) {
        return 0;
    }
    switch (c->among) {
    case OVERFULL:
        return is_full_of_words(member, condition);
    case ANY:
        return condition->takes_new
               || (condition->cause != SVB_CAUSE_WORD
                   && condition->cause != SVB_CAUSE_FULL);
    default:
        return condition->takes_new && condition->is_last == (c->among == LAST);
    }
}

/* @return the member of a worker, if it may take this client */
static const svb_member *candidate(const contest *c, const proxy_worker *worker)
{
    const svb_member *member = svb_members_by_worker(c->members, worker);

    return member && !svb_request_is_ruled_out(c->req, member)
                   && may_take(c, member)
               ? member
               : NULL;
}

/* Adds up those who may take the client, to know a node's fair part. One of them
 * has to be the best, or mod_proxy would go on to those who come after them:
 * standbys, a later lbset. */
static int joins(proxy_worker *current, proxy_worker *prev_best, void *baton)
{
    contest *c = baton;
    const svb_member *member = candidate(c, current);
    svb_contest_node node;

    if (!member) {
        return 0;
    }
    node = node_of(c, member);
    svb_contest_join(&c->nodes, &node);
    return !prev_best;
}

static int less_loaded(proxy_worker *current, proxy_worker *prev_best,
                       void *baton)
{
    contest *c = baton;
    const svb_member *member = candidate(c, current);
    svb_score_candidate cand;
    svb_contest_node node;

    if (!member) {
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

void svb_election_enter(svb_request *req, const svb_member *member)
{
    svb_clients *clients = svb_segments_clients();
    apr_time_t now = apr_time_now();

    if (req->is_launch || req->dry_run) {
        return;
    }
    if (!req->pending) {
        req->pending = svb_clients_pending_id();
        svb_clients_put_new(clients, req->pending, member->node,
                            SVB_KIND_PENDING, now);
    }
    else {
        svb_clients_put(clients, req->pending, member->node, SVB_KIND_PENDING,
                        now);
    }
}

static const svb_member *as_mod_proxy(contest *c, request_rec *r,
                                      proxy_is_best_callback_fn_t *is_best)
{
    proxy_worker *worker = ap_proxy_balancer_get_best_worker(
        c->req->balancer->proxy, r, is_best, c);

    return worker ? svb_members_by_worker(c->members, worker) : NULL;
}

/* Mod_proxy brings in a spare only for members that cannot serve; one that is
 * full or in maintenance it does not know of. */
static const svb_member *with_reserve(contest *c,
                                      proxy_is_best_callback_fn_t *is_best)
{
    const svb_member *found = NULL;

    for (int i = 0; i < c->members->n; i++) {
        const svb_member *member = &c->members->all[i];

        if (is_best(member->worker, found ? found->worker : NULL, c)) {
            found = member;
        }
    }
    return found;
}

static const svb_member *best(contest *c, request_rec *r)
{
    c->nodes.weight_all = 0;
    if (c->nodes.catch_up > 0) {
        as_mod_proxy(c, r, joins);
    }
    return as_mod_proxy(c, r, less_loaded);
}

static const svb_member *best_of_all(contest *c)
{
    c->nodes.weight_all = 0;
    if (c->nodes.catch_up > 0) {
        with_reserve(c, joins);
    }
    return with_reserve(c, less_loaded);
}

/* Of those that are in maintenance or suspect, one client tries each time a while is
 * over; for the others they go on refusing until that one was taken. */
static int may_try(const contest *c, const svb_member *member)
{
    svb_rules rules = svb_condition_rules(c->req->balancer);

    return c->req->dry_run
           || svb_condition_may_try(svb_segments_records(), member->node,
                                    &rules, c->nodes.now);
}

/* Those who may not try after all are out for this client. */
static const svb_member *best_that_may(contest *c, request_rec *r)
{
    const svb_member *member;

    while ((member = best(c, r)) != NULL && !may_try(c, member)) {
        ((svb_condition *)condition_of(c, member))->takes_new = 0;
    }
    return member ? member : best_of_all(c);
}

/* Once a minute, by one process. */
static void tell_overfull(const contest *c, request_rec *r)
{
    _Atomic apr_time_t *told = &svb_segments_shared()->told_full;
    apr_time_t now = c->nodes.now, before = *told;

    if ((before > now || now - before >= TELL_EVERY)
        && atomic_compare_exchange_strong(told, &before, now)) {
        ap_log_rerror(
            APLOG_MARK, APLOG_WARNING, 0, r,
            SVB_LOGNO(0033) "%s: every node is full, but not by clients "
                            "that are known to be there: launches and "
                            "ids that nobody has confirmed do not shut "
                            "the door, new clients are let in",
            c->req->balancer->name);
    }
}

/* Of those who may take the client, by rank; says in c->among who that was. */
static const svb_member *find(contest *c, request_rec *r)
{
    const svb_member *member = NULL;

    for (c->among = WHOLE; c->among < OVERFULL; c->among++) {
        member = best_that_may(c, r);
        if (member) {
            return member;
        }
    }
    member = best(c, r);
    if (member) {
        tell_overfull(c, r);
        return member;
    }
    c->among = ANY;
    return best(c, r);
}

/* ------------------------------------------------------------------ front ends */

/* Those that other front ends may be holding just now. */
static svb_expect_turns turns_of_others(const svb_request *req, apr_time_t now)
{
    svb_expect *expect = req->dry_run ? NULL : svb_sharing_expect();

    return expect ? svb_expect_play(expect, now) : (svb_expect_turns){0, 0};
}

/* As good as the one that was found: of the same rank and lbset, a reserve if that is
 * one. What one client alone may try is nothing that others choose as well. */
static int is_as_good(const contest *c, const svb_member *member,
                      const svb_member *found)
{
    const proxy_worker_shared *own = member->worker->s;
    const proxy_worker_shared *other = found->worker->s;
    svb_state state = condition_of(c, member)->state;

    return candidate(c, member->worker) && state != SVB_STATE_SUSPECT
           && state != SVB_STATE_MAINTENANCE && own->lbset == other->lbset
           && !((own->status ^ other->status) & SVB_CONDITION_RESERVE);
}

/* What was found is the best as things are known; others choose among the same. */
static svb_contest_node among_others(contest *c, const svb_expect_turns *turns,
                                     const svb_member *found, request_rec *r)
{
    svb_contest_node *nodes, own = node_of(c, found);
    int n = 0, winner;

    if ((!turns->before && !turns->after) || !is_as_good(c, found, found)) {
        return own;
    }
    nodes = apr_palloc(r->pool, (apr_size_t)c->members->n * sizeof(*nodes));
    for (int i = 0; i < c->members->n; i++) {
        if (is_as_good(c, &c->members->all[i], found)) {
            nodes[n++] = node_of(c, &c->members->all[i]);
        }
    }
    winner = svb_others_choose(turns, &c->nodes, nodes, n);
    return winner >= 0 ? nodes[winner] : own;
}

static void settle(svb_request *req, const svb_member *member,
                   const svb_contest *nodes, const svb_contest_node *won)
{
    if (!req->dry_run) {
        svb_contest_won(nodes, won);
        svb_election_enter(req, member);
    }
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
    svb_expect_turns turns = turns_of_others(req, c.nodes.now);
    svb_contest_node won;
    const svb_member *member =
        svb_plain_member(req, members, &turns, &c.nodes, &won, r);

    if (!member) {
        look_at_all(&c, r->pool);
        member = find(&c, r);
        if (!member) {
            return NULL;
        }
        won = among_others(&c, &turns, member, r);
    }
    if (APLOG_R_IS_LEVEL(r, APLOG_DEBUG)) {
        req->election = svb_ballot_text(req, members, &c.nodes, &won, r->pool);
    }
    settle(req, won.whose, &c.nodes, &won);
    return won.whose;
}

int svb_election_has_other(const svb_request *req, const svb_member *than,
                           request_rec *r)
{
    const svb_members *members = svb_members_get(req->balancer);

    for (int i = 0; i < members->n; i++) {
        const svb_member *member = &members->all[i];

        if (member != than && !svb_request_has_tried(req, member->worker)
            && svb_condition_can_serve_now(member->worker, r)
            && svb_condition_takes_new(req->balancer, member)) {
            return 1;
        }
    }
    return 0;
}
