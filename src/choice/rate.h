/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The catch-up brake: how fast a node may take new clients.
 *
 * A node that is empty beside full ones has the least load until it has caught
 * up, and would get every new client till then. So a node has a pace: the turns
 * it may take for each election of its fleet, which is a factor times its fair
 * share. It takes its first turn at once, and a later one when it is not more
 * than two elections early. The elections of the fleet are the clock: time does
 * not matter, nor what others took before the node came.
 *
 * Let a, b and c have 20 clients each, got in a rush a moment ago, when d comes
 * up empty. All have loadfactor 1. d's fair share is 1 of 4; with a factor of 2
 * its pace is 1/2, a turn every 2 elections. Each turn puts it ahead by 1, each
 * election makes 1/2 good, and 2 elections early is ahead by 1:
 *
 *     election          0    1    2    3    4    5    6    7    8    9
 *     d is ahead by     0    1/2  1    3/2  1    3/2  1    3/2  1    3/2
 *     it may take it    yes  yes  yes  no   yes  no   yes  no   yes  no
 *     who does          d    d    d    a    d    b    d    c    d    a
 *
 * and so on: d gets 11 of the first 20, not all of them, and half of the next.
 * It has caught up after 56, when all have 29.
 *
 * What holds, whatever else happens in the fleet: of any N successive elections
 * a node gets at most pace * (N + 1) + 1 while it could be left out, which is no
 * more than pace * N + 2; its pace being the greatest it had at one of its turns.
 * Out of that fall those that it had to take: when nobody else could, or all were
 * braked. They put it ahead by no more than a turn that it was free to take, so
 * nobody is made to wait for them for long.
 *
 * All that a node has to keep is its mark, one word: which election was its last,
 * and by how many turns it was ahead then. This is the generic cell rate
 * algorithm. Its usual form keeps the election at which the node will not be
 * ahead any more; that would be at the pace which it had then, and a node in slow
 * start has sixteen times that pace a few minutes later.
 *
 * Pure: no state, no locks; any thread, any phase.
 */
#ifndef SVB_CHOICE_RATE_H
#define SVB_CHOICE_RATE_H

#include <apr.h>

/**
 * A node's pace, in turns for an election of its fleet.
 * @param factor     how many times its fair share it may take, at least 1; 0 for
 *                   as many as come
 * @param weight     its loadfactor, scaled by svb_score_slowstart()
 * @param weight_all the sum of those of all nodes that may take the client,
 *                   scaled likewise; 0 when that is not known
 * @return at most 1, at which a node is never braked
 */
double svb_rate_pace(double factor, double weight, double weight_all);

/**
 * How long has a node to be left out?
 * @param mark      its mark, 0 at first
 * @param elections how many there have been in its fleet
 * @param pace      its pace now, above zero
 * @return in elections; 0 when it may take its turn
 */
double svb_rate_wait(apr_uint64_t mark, apr_uint64_t elections, double pace);

/**
 * A node takes its turn.
 * @param mark      its mark
 * @param elections how many there have been in its fleet before this one
 * @param pace      its pace now, above zero
 * @return its new mark
 */
apr_uint64_t svb_rate_next(apr_uint64_t mark, apr_uint64_t elections,
                           double pace);

#endif /* SVB_CHOICE_RATE_H */
