/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Who gets a new client, and who takes over the client of a failed node.
 *
 * Nothing here keeps any state or takes a lock, and any thread may call it in any
 * phase: numbers go in, a decision comes out. What a node carries is its clients,
 * so an election is no schedule that is worked off, but a look at how things are.
 * Four nodes, step by step:
 *
 * A new client goes to the least load, where a node's load is what it would be
 * with that client on it: (clients + 1) / loadfactor. Of nodes with the same
 * load the one elected longest ago takes it. Let a and b have loadfactor 1 and
 * c, a machine twice as large, 2; nobody has any clients:
 *
 *     load of            a     b     c
 *                        1     1     0.5     c takes it
 *                        1     1     1       a: never elected, like b
 *                        2     1     1       b: never elected, c has been
 *                        2     2     1       c, which has 1 client: 2 / 2
 *                        2     2     1.5     c again, and so on:
 *
 *     c a b c  c a b c  c a b c ...          a 3, b 3, c 6
 *
 * When two users of b log out, the next ones make up for it at once, and then
 * all goes on as before: b b c a  b c c a. A schedule would not have noticed.
 *
 * A node joins. Let a, b and c have 20, 20 and 40 clients when d, loadfactor 1,
 * comes up empty. By load alone it would get the next twenty clients at a
 * stretch, each of which starts with a login and a screen full of queries:
 *
 *     d d d d d d d d d d d d d d d d d d d d  c a b d c  c a b d c ...
 *
 * The catch-up brake (choice/rate) leaves out a node that is ahead of its pace:
 * so many times its fair share of the elections. d's fair share is 1 of 5 (its
 * loadfactor over that of all); with a factor of 2 it gets 2 of 5 until it has
 * caught up, and the clients that it does not get go to the others by load:
 *
 *     d d c d a  b d c d c  a d b d c  c d a d b  c d c d a  b d c d c
 *
 * after which the four have 24, 24, 49 and 13. When all are braked, the one that
 * may take its turn soonest takes the client.
 *
 * Slow start is for a node that needs time to warm up, as a JVM does. With one
 * of 4 minutes, d's loadfactor is 1/16 when it comes up, 1/4 after a minute,
 * 1/2 after two and 1 from the fourth on. The load of the others is 21, d's is
 * 16 at first: it takes one client and waits at 32. After a minute it is at
 * 2 / (1/4) = 8, takes four more, and waits at 24 for time to pass.
 *
 * Failover. b stops. Its clients are to be spread over a, c and d, but every
 * request of one client has to go to one and the same node, in all processes
 * and at all front ends, which cannot ask one another. So each node draws a
 * score for this client, by hashing client and route, and the highest takes it:
 *
 *     client A1      a 1.59    c 16.63    d 7.48      moves to c
 *     client B2      a 3.10    c  1.16    d 1.66      moves to a
 *     client 0A1B    a 1.67    c  1.03    d 2.99      moves to d
 *
 * A score is -weight / ln(u), u being evenly spread between 0 and 1: by that, c
 * with its loadfactor of 2 wins twice as often as a. A node that fails or joins
 * changes no other node's score: if c fails too, A1 goes on to d, and the other
 * two clients stay where they are.
 */
#ifndef SVB_CHOICE_SCORE_H
#define SVB_CHOICE_SCORE_H

#include <apr.h>
#include <apr_time.h>

/** What an election compares of a node. */
typedef struct svb_score_candidate {
    double load;            /**< from svb_score_load() */
    apr_uint64_t last_turn; /**< number of its last election, 0 for none yet */
    double wait;            /**< from svb_rate_wait(); 0: not braked */
} svb_score_candidate;

/**
 * What a node would carry if it got the next client.
 * @param clients    those it has, of all kinds, pending ones included
 * @param loadfactor its share relative to other nodes, above zero, perhaps
 *                   scaled by svb_score_slowstart()
 * @return (clients + 1) / loadfactor; the least one wins
 */
double svb_score_load(unsigned clients, double loadfactor);

/** @return whether one load is more than another, and not just by rounding */
int svb_score_is_more(double load, double than);

/**
 * Compare two nodes.
 * @return whether a is the better choice: a shorter wait, else less load, else (the
 *         loads are the same but for rounding) elected longer ago. 0 when there is
 *         nothing to choose, so that the first one stays
 */
int svb_score_better(const svb_score_candidate *a,
                     const svb_score_candidate *b);

/**
 * The loadfactor of a node that came up a while ago.
 * @param loadfactor the configured one
 * @param up_since   when the node came up, 0 for longer ago than matters
 * @param now        time of day
 * @param slowstart  how long it shall take to the full loadfactor, 0 for none
 * @return loadfactor times a fraction that grows evenly with time from 1/16 to
 *         1. It does not begin at zero because the node must get some clients
 *         to warm up with, and because a load has to stay a number
 */
double svb_score_slowstart(double loadfactor, apr_time_t up_since,
                           apr_time_t now, apr_interval_time_t slowstart);

/**
 * How well a node suits a client; the highest score of all takes it.
 * @param id_hash from svb_hash_text()
 * @param route   the node's route
 * @param weight  its loadfactor: clients spread in proportion to it
 * @return above zero, or 0 when the weight is not above zero
 */
double svb_score_rendezvous(apr_uint64_t id_hash, const char *route,
                            double weight);

#endif /* SVB_CHOICE_SCORE_H */
