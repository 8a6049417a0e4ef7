/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_ballot.h"

#include <apr_strings.h>

#include "nodes/mod_condition.h"

/* How many nodes are told of besides the winner. */
#define TOLD_MOST 20

typedef struct {
    const svb_request *req;
    const svb_contest *contest;
    double unit; /* of the contest's weights: of a loadfactor of 1 */
    apr_pool_t *p;
} ballot;

static unsigned clients_of(const ballot *b, const svb_member *member)
{
    return svb_brief_clients(svb_records_briefs(b->contest->records)
                             + member->node);
}

static svb_contest_node node_of(const ballot *b, const svb_member *member)
{
    return (svb_contest_node){
        .record = member->node,
        .weight = svb_members_weight(member),
        .up_since = b->contest->slow_start
                        ? svb_condition_up_since(member, b->contest->now)
                        : 0,
        .whose = member};
}

/* "12 for 1.0": with a weight that grows, as far as it has. */
static const char *count_for(const ballot *b, const svb_member *member)
{
    svb_contest_node node = node_of(b, member);
    unsigned clients = clients_of(b, member);
    double weight = node.weight;

    if (node.up_since) {
        weight = svb_score_slowstart(weight, node.up_since, b->contest->now,
                                     b->contest->slow_start);
    }
    return apr_psprintf(b->p, "%u for %.1f", clients, weight);
}

static int is_braked(const ballot *b, const svb_member *member)
{
    svb_contest_node node = node_of(b, member);
    svb_score_candidate candidate;

    node.weight *= b->unit;
    svb_contest_candidate(b->contest, &node, &candidate);
    return candidate.wait > 0;
}

/* What one that has not won had, or why it did not stand. */
static const char *standing(const ballot *b, const svb_member *member)
{
    svb_condition condition;
    const char *count;

    if (member->node < 0) {
        return "without a place in memory";
    }
    if (svb_request_has_tried(b->req, member->worker)) {
        return "tried before";
    }
    condition =
        svb_condition_of_member(b->req->balancer, member, b->contest->now);
    if (!condition.takes_new || !svb_condition_can_serve(member->worker)) {
        return svb_state_name(condition.state);
    }
    if (is_braked(b, member)) {
        return "braked";
    }
    count = svb_members_hundredths(member->worker->s) == 100
                    && condition.state != SVB_STATE_SLOWSTART
                ? apr_psprintf(b->p, "%u", clients_of(b, member))
                : count_for(b, member);
    return condition.state == SVB_STATE_READY
               ? count
               : apr_psprintf(b->p, "%s (%s)", count,
                              svb_state_name(condition.state));
}

static const char *winner(const ballot *b, const svb_member *member)
{
    svb_condition condition =
        svb_condition_of_member(b->req->balancer, member, b->contest->now);
    int is_ready = condition.state == SVB_STATE_READY;

    return apr_psprintf(b->p, "elected %s (%s%s%s)", member->route,
                        count_for(b, member), is_ready ? "" : ", ",
                        is_ready ? "" : svb_state_name(condition.state));
}

const char *svb_ballot_text(const svb_request *req, const svb_members *members,
                            const svb_contest *contest,
                            const svb_contest_node *won, apr_pool_t *p)
{
    const ballot b = {req, contest,
                      won->weight / svb_members_weight(won->whose), p};
    const char *text = winner(&b, won->whose);
    int told = 0;

    for (int i = 0; i < members->n; i++) {
        const svb_member *member = &members->all[i];

        if (member == won->whose) {
            continue;
        }
        if (told++ < TOLD_MOST) {
            text = apr_pstrcat(p, text, "; ",
                               *member->route ? member->route
                                              : member->worker->s->name_ex,
                               " ", standing(&b, member), NULL);
        }
    }
    return told > TOLD_MOST
               ? apr_psprintf(p, "%s; and %d more", text, told - TOLD_MOST)
               : text;
}
