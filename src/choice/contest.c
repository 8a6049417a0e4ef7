/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/contest.h"

/* Recent enough to tell whether a node is being flooded. */
#define RECENT_HALF_LIFE apr_time_from_sec(60)

static double share(const svb_contest *c, const svb_contest_node *node)
{
    return svb_score_slowstart(node->weight, node->up_since, c->now,
                               c->slow_start);
}

static double recent(const svb_contest *c, const svb_contest_node *node)
{
    return svb_records_recent(c->records, node->record, c->now,
                              RECENT_HALF_LIFE);
}

void svb_contest_join(svb_contest *c, const svb_contest_node *node)
{
    c->recent_all += recent(c, node);
    c->share_all += share(c, node);
}

void svb_contest_candidate(const svb_contest *c, const svb_contest_node *node,
                           svb_score_candidate *cand)
{
    double mine = share(c, node);

    cand->load =
        svb_score_load(svb_records_clients_all(c->records, node->record), mine);
    cand->last_turn = svb_records_last_turn(c->records, node->record);
    cand->braked = c->catch_up > 0
                   && svb_score_over_share(recent(c, node), c->recent_all, mine,
                                           c->share_all, c->catch_up);
}

void svb_contest_won(const svb_contest *c, int record)
{
    svb_records_elected(c->records, record, c->now, RECENT_HALF_LIFE);
}
