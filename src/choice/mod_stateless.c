/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_stateless.h"

#include "choice/score.h"
#include "memory/mod_segments.h"
#include "memory/rows.h"
#include "nodes/mod_condition.h"

/* What mod_proxy's loop over the members asks us about. */
typedef struct {
    const svb_request *req;
    const svb_members *members;
    apr_time_t now;
    enum { WHOLE, LAST, ANY, NOBODY } among;
    svb_score_candidate best;
} search;

static int may_take(const search *s, const svb_member *member)
{
    svb_condition condition =
        svb_condition_of_member(s->req->balancer, member, s->now);
    int takes = condition.takes_new || condition.cause == SVB_CAUSE_FULL;

    return s->among == ANY ? condition.cause != SVB_CAUSE_WORD
                           : takes && condition.is_last == (s->among == LAST);
}

static void measure(const svb_member *member, svb_score_candidate *cand)
{
    unsigned in_flight = svb_rows_in_flight(svb_segments_rows(), member->node);

    *cand = (svb_score_candidate){
        .load = svb_score_load(in_flight, svb_members_weight(member)),
        .last_turn = svb_records_get(svb_segments_records(), member->node,
                                     SVB_WORD_STATELESS)};
}

static int has_less_to_do(proxy_worker *current, proxy_worker *prev_best,
                          void *baton)
{
    search *s = baton;
    const svb_member *member = svb_members_by_worker(s->members, current);
    svb_score_candidate cand;

    if (!member || member->node < 0 || svb_request_is_ruled_out(s->req, member)
        || !may_take(s, member)) {
        return 0;
    }
    measure(member, &cand);
    if (prev_best && !svb_score_better(&cand, &s->best)) {
        return 0;
    }
    s->best = cand;
    return 1;
}

static void take_turn(const svb_member *member)
{
    svb_records_set(svb_segments_records(), member->node, SVB_WORD_STATELESS,
                    ++svb_segments_shared()->stateless_turns);
}

const svb_member *svb_stateless_member(const svb_request *req,
                                       const svb_members *members,
                                       request_rec *r)
{
    search s = {.req = req, .members = members, .now = apr_time_now()};

    for (s.among = WHOLE; s.among < NOBODY; s.among++) {
        proxy_worker *worker = ap_proxy_balancer_get_best_worker(
            req->balancer->proxy, r, has_less_to_do, &s);
        const svb_member *member =
            worker ? svb_members_by_worker(members, worker) : NULL;

        if (member) {
            if (!req->dry_run) {
                take_turn(member);
            }
            return member;
        }
    }
    return NULL;
}
