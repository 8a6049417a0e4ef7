/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * An election among nodes while other front ends hold theirs: as many of those as
 * share/expect says are played through around it, each to the least load, and what comes
 * of them is added to what the nodes have (SVB_KIND_EXPECTED), until it is known.
 *
 * Pure; the records are changed by single atomic operations: no locks, any thread.
 */
#ifndef SVB_CHOICE_OTHERS_H
#define SVB_CHOICE_OTHERS_H

#include "choice/contest.h"
#include "share/expect.h"

/** As svb_contest_choose(). @param turns of the others, from svb_expect_play() */
int svb_others_choose(const svb_expect_turns *turns, svb_contest *c,
                      const svb_contest_node *nodes, int n);

#endif /* SVB_CHOICE_OTHERS_H */
