/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * An election among nodes, as their records tell it: what each carries, who may
 * be braked, and by that how good a choice each is. Who stands for election at
 * all is for the caller to know, who goes through them twice:
 *
 *     svb_contest_join() for each that may take the client, where there is a
 *                        brake, to know what a fair share is;
 *     svb_contest_candidate() for each, and svb_score_better() to compare;
 *     svb_contest_won() for the winner.
 *
 * Pure: the clock is passed in. A contest is its caller's alone. The records are
 * read and changed by single atomic operations: no locks, any thread of any
 * process, any phase after svb_records_open(). Of processes that hold elections
 * at once each may find the same node not braked: it then gets that many more.
 */
#ifndef SVB_CHOICE_CONTEST_H
#define SVB_CHOICE_CONTEST_H

#include "choice/score.h"
#include "memory/records.h"

/** One election; made by the caller, what is below the line zero. */
typedef struct svb_contest {
    svb_records *records;
    apr_time_t now;                 /**< time of day */
    apr_interval_time_t slow_start; /**< as svb_score_slowstart() wants it */
    double catch_up;                /**< factor of the brake; 0 for none */
    /* --- */
    double weight_all; /**< of those who have joined, slow start included */
    apr_uint64_t elections; /**< of the fleet, when the first one joined */
} svb_contest;

/** One that stands for election, as its caller knows it. */
typedef struct svb_contest_node {
    int record;          /**< its record; all are of one fleet */
    double weight;       /**< its loadfactor, above zero */
    apr_time_t up_since; /**< when it came up, 0 for longer ago than matters */
} svb_contest_node;

/** A node may take the client: its weight is part of the sum. */
void svb_contest_join(svb_contest *c, const svb_contest_node *node);

/** How good a choice is a node? @param cand filled in */
void svb_contest_candidate(const svb_contest *c, const svb_contest_node *node,
                           svb_score_candidate *cand);

/**
 * Choose among nodes, all of which may take the client: as if each had joined, and been
 * compared with the best before it.
 * @param nodes in the order in which they are compared
 * @return the index of the best, or -1: there are none
 */
int svb_contest_choose(svb_contest *c, const svb_contest_node *nodes, int n);

/** A node has won: it takes its turn, one more election of its fleet. */
void svb_contest_won(const svb_contest *c, const svb_contest_node *node);

#endif /* SVB_CHOICE_CONTEST_H */
