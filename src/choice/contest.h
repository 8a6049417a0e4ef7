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
    int record;    /**< its record; all are of one fleet */
    double weight; /**< its loadfactor in a unit of the caller's, above zero */
    apr_time_t up_since; /**< when it came up, 0 for longer ago than matters */
    const void *whose;   /**< the caller's own */
} svb_contest_node;

/**
 * The election as it nearly always is: all have their whole weight, in whole numbers. One
 * walk finds the best; where that is braked, a second one finds the best that is not.
 * Each begins with SVB_CONTEST_NOBODY.
 */
typedef struct svb_contest_least {
    const svb_brief *brief; /**< of the best so far, or NULL */
    apr_uint64_t clients;   /**< that it would have with this one */
    apr_uint64_t weight;
    const void *whose;       /**< the caller's own */
    apr_uint64_t weight_all; /**< of all that were met */
} svb_contest_least;

/** Who loses against everybody. */
#define SVB_CONTEST_NOBODY                                                     \
    {                                                                          \
        NULL, 1, 0, NULL, 0                                                    \
    }

/** @return whether the node is not braked, as the first walk has the sum of weights */
int svb_contest_is_free(const svb_contest *c, const svb_brief *brief,
                        unsigned weight);

/**
 * Meet a node that may take the client.
 * @param brake   NULL in the first walk, the contest in the second
 * @param clients svb_brief_clients()
 * @param weight  above zero, below 2^32
 */
static inline void svb_contest_meet(const svb_contest *brake,
                                    svb_contest_least *least,
                                    const svb_brief *brief, unsigned clients,
                                    unsigned weight, const void *whose)
{
    apr_uint64_t with = (apr_uint64_t)clients + 1;
    apr_uint64_t own = with * least->weight;
    apr_uint64_t best = least->clients * weight;

    least->weight_all += weight;
    if ((own < best
         || (own == best
             && svb_brief_turn(brief) < svb_brief_turn(least->brief)))
        && (!brake || svb_contest_is_free(brake, brief, weight))) {
        least->brief = brief;
        least->clients = with;
        least->weight = weight;
        least->whose = whose;
    }
}

/**
 * A walk is over: does the best of those that were met take the client?
 * @param won filled in, as svb_contest_won() wants it
 * @return 0 when there is none, or it is braked. After the second walk
 *         svb_contest_choose() has to say who takes it then
 */
int svb_contest_takes(svb_contest *c, const svb_contest_least *least,
                      svb_contest_node *won);

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
