/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/others.h"

static void add(const svb_contest *c, const svb_contest_node *node, int delta)
{
    svb_records_clients_add(c->records, node->record,
                            svb_records_epoch(c->records, node->record),
                            SVB_KIND_EXPECTED, delta);
}

/* Their brakes are not known here. */
static void play(const svb_contest *c, const svb_contest_node *nodes, int n,
                 int turns)
{
    for (; turns > 0; turns--) {
        svb_contest theirs = {
            .records = c->records, .now = c->now, .slow_start = c->slow_start};
        int winner = svb_contest_choose(&theirs, nodes, n);

        if (winner >= 0) {
            add(c, &nodes[winner], 1);
        }
    }
}

int svb_others_choose(const svb_expect_turns *turns, svb_contest *c,
                      const svb_contest_node *nodes, int n)
{
    int winner;

    play(c, nodes, n, turns->before);
    winner = svb_contest_choose(c, nodes, n);
    /* Those who come after us see ours, too, which is put into the table later. */
    if (winner >= 0 && turns->after > 0) {
        add(c, &nodes[winner], 1);
        play(c, nodes, n, turns->after);
        add(c, &nodes[winner], -1);
    }
    return winner;
}
