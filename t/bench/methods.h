/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The methods that t/bench/balance.c compares: what each knows of the nodes, and
 * which one it chooses for a request without one. The day that is simulated says
 * what happens at the nodes; a method looks at what it would know of that.
 *
 * Included once, by balance.c.
 */
#ifndef METHODS_H
#define METHODS_H

#include <math.h>

#include "choice/rate.h"
#include "choice/score.h"
#include "memory/hash.h"

#define NODES 7
#define CATCH_UP 2

typedef struct {
    double loadfactor;
    int up;
    double up_since;
    unsigned sessions, pending, busy;
    double traffic;          /* bytes so far */
    double status;           /* byrequests, bybusyness */
    double sessions_seen;    /* mod_jk's lb_value */
    apr_uint64_t turn, mark; /* ours */
} node;

typedef struct {
    const char *name;
    int (*choose)(apr_uint64_t id); /* for a request without a node */
    int is_ours;                    /* knows its clients, and who is none */
} method;

static node nodes[NODES];
static apr_uint64_t elections;

/* One stream of chance for what users do, the same for each method, and another
 * for what a method draws. */
static apr_uint64_t user_seed, method_seed;

static double draw(apr_uint64_t *seed)
{
    *seed += 0x9e3779b97f4a7c15u;
    return ((double)(svb_hash_text((const char *)seed, 8) >> 11) + 0.5)
           / 9007199254740992.0;
}

/* --------------------------------------------------------------------- ours */

/* The election of choice/score, with the brake or without. */
static int elect(double factor)
{
    svb_score_candidate best = {0};
    double all = 0;
    int won = -1;

    for (int i = 0; i < NODES; i++) {
        all += nodes[i].up ? nodes[i].loadfactor : 0;
    }
    for (int i = 0; i < NODES; i++) {
        node *n = &nodes[i];
        svb_score_candidate cand = {
            .load = svb_score_load(n->sessions + n->pending, n->loadfactor),
            .last_turn = n->turn,
            .wait = svb_rate_wait(n->mark, elections,
                                  svb_rate_pace(factor, n->loadfactor, all))};

        if (n->up && (won < 0 || svb_score_better(&cand, &best))) {
            best = cand;
            won = i;
        }
    }
    nodes[won].mark =
        svb_rate_next(nodes[won].mark, elections,
                      svb_rate_pace(factor, nodes[won].loadfactor, all));
    nodes[won].turn = ++elections;
    return won;
}

static int servoy(apr_uint64_t id)
{
    (void)id;
    return elect(CATCH_UP);
}

static int servoy_unbraked(apr_uint64_t id)
{
    (void)id;
    return elect(0);
}

/* Its choice for who is no client (ServoyStateless): the fewest requests in
 * progress; that is no election. */
static int least_busy(void)
{
    int won = -1;

    for (int i = 0; i < NODES; i++) {
        double busy = nodes[i].busy / nodes[i].loadfactor;
        double least = won < 0 ? 0 : nodes[won].busy / nodes[won].loadfactor;

        if (nodes[i].up
            && (won < 0 || busy < least
                || (busy <= least && nodes[i].turn < nodes[won].turn))) {
            won = i;
        }
    }
    return won;
}

/* Its failover, for users who were on another node. */
static int rendezvous(apr_uint64_t id)
{
    double best = 0;
    int won = -1;

    for (int i = 0; i < NODES; i++) {
        char route[] = {'n', (char)('0' + i), 0};
        double score = svb_score_rendezvous(id, route, nodes[i].loadfactor);

        if (nodes[i].up && score > best) {
            best = score;
            won = i;
        }
    }
    return won;
}

/* -------------------------------------------------------------- its peers */

/* mod_proxy's byrequests: each request credits all nodes with their factor and
 * costs the chosen one the sum; the highest credit is next. Requests that stick
 * to a node are booked in the same way, see booked(). */
static int byrequests(apr_uint64_t id)
{
    int won = -1;

    (void)id;
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].up
            && (won < 0
                || nodes[i].status + nodes[i].loadfactor
                       > nodes[won].status + nodes[won].loadfactor)) {
            won = i;
        }
    }
    return won;
}

/* mod_proxy's bybusyness: the fewest requests in progress, then as above. */
static int bybusyness(apr_uint64_t id)
{
    int won = -1;

    (void)id;
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].up
            && (won < 0 || nodes[i].busy < nodes[won].busy
                || (nodes[i].busy == nodes[won].busy
                    && nodes[i].status > nodes[won].status))) {
            won = i;
        }
    }
    return won;
}

/* mod_proxy's bytraffic: the fewest bytes so far, for its factor. */
static int bytraffic(apr_uint64_t id)
{
    int won = -1;

    (void)id;
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].up
            && (won < 0
                || nodes[i].traffic / nodes[i].loadfactor
                       < nodes[won].traffic / nodes[won].loadfactor)) {
            won = i;
        }
    }
    return won;
}

/* mod_jk's Session method: every request without a session counts as one more,
 * and these counts are halved once a minute. */
static int jk_session(apr_uint64_t id)
{
    int won = -1;

    (void)id;
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].up
            && (won < 0 || nodes[i].sessions_seen < nodes[won].sessions_seen)) {
            won = i;
        }
    }
    nodes[won].sessions_seen += 1 / nodes[won].loadfactor;
    return won;
}

static int random_node(apr_uint64_t id)
{
    double sum = 0, at;
    int i, last = -1;

    (void)id;
    for (i = 0; i < NODES; i++) {
        sum += nodes[i].up ? nodes[i].loadfactor : 0;
    }
    at = sum * draw(&method_seed);
    for (i = 0; i < NODES && at >= 0; i++) {
        if (nodes[i].up) {
            at -= nodes[i].loadfactor;
            last = i;
        }
    }
    return last;
}

/* Of two nodes drawn at random, the one with fewer requests in progress. */
static int two_choices(apr_uint64_t id)
{
    int a = random_node(id), b = random_node(id);

    return nodes[b].busy / nodes[b].loadfactor
                   < nodes[a].busy / nodes[a].loadfactor
               ? b
               : a;
}

static const method methods[] = {
    {"servoy (this module)", servoy, 1},
    {"servoy, ServoyCatchUp off", servoy_unbraked, 1},
    {"byrequests", byrequests, 0},
    {"bybusyness", bybusyness, 0},
    {"bytraffic", bytraffic, 0},
    {"mod_jk, Session", jk_session, 0},
    {"random", random_node, 0},
    {"two random choices", two_choices, 0}};

#define METHODS (int)(sizeof(methods) / sizeof(*methods))

/* What any request changes in the books of byrequests and bybusyness. */
static void booked(int to)
{
    double sum = 0;

    for (int i = 0; i < NODES; i++) {
        if (nodes[i].up) {
            nodes[i].status += nodes[i].loadfactor;
            sum += nodes[i].loadfactor;
        }
    }
    nodes[to].status -= sum;
}

#endif /* METHODS_H */
