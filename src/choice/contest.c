/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/contest.h"

#include "choice/rate.h"

static double weight(const svb_contest *c, const svb_contest_node *node)
{
    return node->up_since == 0
               ? node->weight
               : svb_score_slowstart(node->weight, node->up_since, c->now,
                                     c->slow_start);
}

static apr_uint64_t mark(const svb_contest *c, const svb_contest_node *node)
{
    return svb_records_get(c->records, node->record, SVB_WORD_MARK);
}

void svb_contest_join(svb_contest *c, const svb_contest_node *node)
{
    if (c->weight_all <= 0) {
        c->elections = svb_records_elections(c->records, node->record);
    }
    c->weight_all += weight(c, node);
}

static double load(const svb_contest *c, const svb_contest_node *node,
                   double own)
{
    return svb_score_load(
        svb_brief_clients(svb_records_briefs(c->records) + node->record), own);
}

static double wait_of(const svb_contest *c, const svb_contest_node *node,
                      double own)
{
    return c->catch_up > 0
               ? svb_rate_wait(mark(c, node), c->elections,
                               svb_rate_pace(c->catch_up, own, c->weight_all))
               : 0;
}

void svb_contest_candidate(const svb_contest *c, const svb_contest_node *node,
                           svb_score_candidate *cand)
{
    double own = weight(c, node);

    cand->load = load(c, node, own);
    cand->last_turn = svb_records_last_turn(c->records, node->record);
    cand->wait = wait_of(c, node, own);
}

static int record_of(const svb_contest *c, const svb_brief *brief)
{
    return (int)(brief - svb_records_briefs(c->records));
}

int svb_contest_is_free(const svb_contest *c, const svb_brief *brief,
                        unsigned weight)
{
    const svb_contest_node node = {.record = record_of(c, brief)};

    return wait_of(c, &node, weight) <= 0;
}

int svb_contest_takes(svb_contest *c, const svb_contest_least *least,
                      svb_contest_node *won)
{
    if (!least->brief) {
        return 0;
    }
    *won = (svb_contest_node){.record = record_of(c, least->brief),
                              .weight = (double)least->weight,
                              .whose = least->whose};
    c->weight_all = (double)least->weight_all;
    c->elections = svb_records_elections(c->records, won->record);
    return wait_of(c, won, won->weight) <= 0;
}

/* Whether a node is braked is only asked of one that would win. */
int svb_contest_choose(svb_contest *c, const svb_contest_node *nodes, int n)
{
    svb_score_candidate best = {0};
    int winner = -1;

    c->weight_all = 0;
    for (int i = 0; i < n; i++) {
        svb_contest_join(c, &nodes[i]);
    }
    for (int i = 0; i < n; i++) {
        double own = weight(c, &nodes[i]);
        svb_score_candidate cand = {
            .load = load(c, &nodes[i], own),
            .last_turn = svb_records_last_turn(c->records, nodes[i].record)};

        if (winner >= 0 && best.wait <= 0 && !svb_score_better(&cand, &best)) {
            continue;
        }
        cand.wait = wait_of(c, &nodes[i], own);
        if (winner < 0 || svb_score_better(&cand, &best)) {
            winner = i;
            best = cand;
        }
    }
    return winner;
}

/* Whoever is killed between the two steps leaves a turn that the brake does not
 * know of. */
void svb_contest_won(const svb_contest *c, const svb_contest_node *node)
{
    double pace = svb_rate_pace(c->catch_up, weight(c, node), c->weight_all);
    apr_uint64_t election = svb_records_elected(c->records, node->record);
    apr_uint64_t seen;

    do {
        seen = mark(c, node);
    } while (!svb_records_swap(c->records, node->record, SVB_WORD_MARK, seen,
                               svb_rate_next(seen, election, pace)));
}
