/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What an election and a failover cost among two to a thousand nodes, with all
 * that is read from the shared memory of svb_records: by the functions that the
 * module calls for a request, in the same order. What it asks of httpd besides,
 * whether a member can be used, is not in it.
 *
 *     elect
 *
 * prints nanoseconds a decision, the median over rounds. Between two elections
 * a node gets a client or loses one, so that there is something to decide.
 *
 *     plain     as nearly always: nobody comes up slowly: one walk, or two where the
 *               best of them is braked, which it often is among very many
 *     all       with slow start, and brakes: two walks
 *     failover  by rendezvous hashing, one score for each node
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "choice/contest.h"
#include "memory/records.h"

#define ROUNDS 201
#define MOST 1000
#define CATCH_UP 2

typedef struct {
    int node;
    double loadfactor;
    char route[16];
} member;

#define T0 apr_time_from_sec(1796000000)

static svb_records *fleet;
static member members[MOST];
static apr_time_t now = T0 + apr_time_from_sec(30);
static svb_contest held; /* the last election */

static double nanoseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static svb_contest contest_now(apr_interval_time_t slow_start, double catch_up)
{
    return (svb_contest){.records = fleet,
                         .now = now,
                         .slow_start = slow_start,
                         .catch_up = catch_up};
}

static svb_contest_node node_of(const member *m)
{
    return (svb_contest_node){
        m->node, m->loadfactor,
        (apr_time_t)svb_records_get(fleet, m->node, SVB_WORD_UP_SINCE), m};
}

static int all(int count)
{
    static svb_contest_node nodes[MOST];

    held = contest_now(apr_time_from_sec(300), CATCH_UP);
    for (int i = 0; i < count; i++) {
        nodes[i] = node_of(&members[i]);
    }
    return svb_contest_choose(&held, nodes, count);
}

static int walk(int count, const svb_contest *brake, svb_contest_node *won)
{
    const svb_brief *briefs = svb_records_briefs(fleet);
    svb_contest_least least = SVB_CONTEST_NOBODY;

    for (int i = 0; i < count; i++) {
        const member *m = &members[i];
        const svb_brief *brief = briefs + m->node;

        svb_contest_meet(brake, &least, brief, svb_brief_clients(brief),
                         (unsigned)m->loadfactor, m);
    }
    return svb_contest_takes(&held, &least, won);
}

static int plain(int count)
{
    svb_contest_node won;

    held = contest_now(0, CATCH_UP);
    return walk(count, NULL, &won) || walk(count, &held, &won)
               ? (int)((const member *)won.whose - members)
               : all(count);
}

static int failover(int count)
{
    static apr_uint64_t id;
    double best = 0;
    int won = -1;

    held = contest_now(0, 0);
    id++;
    for (int i = 0; i < count; i++) {
        double score =
            svb_score_rendezvous(id, members[i].route, members[i].loadfactor);

        if (score > best) {
            best = score;
            won = i;
        }
    }
    return won;
}

/* The node that loses a client: the more of them it has, the more often. */
static int leaver(unsigned *leaves, int count)
{
    int i;

    do {
        i = (int)(++*leaves * 7919u % (unsigned)count);
    } while (*leaves % 3 >= members[i].loadfactor);
    return members[i].node;
}

static double measure(int count, int (*decide)(int))
{
    static double rounds[ROUNDS];
    const int calls = 2000 / count + 5;
    unsigned leaves = 0;

    for (int i = 0; i < ROUNDS; i++) {
        double spent = 0;

        for (int k = 0; k < calls; k++) {
            double begin = nanoseconds();
            svb_contest_node node = node_of(&members[decide(count)]);

            spent += nanoseconds() - begin;
            svb_contest_won(&held, &node);
            svb_records_clients_add(fleet, node.record, 0, SVB_KIND_WEB, 1);
            svb_records_clients_add(fleet, leaver(&leaves, count), 0,
                                    SVB_KIND_WEB, -1);
            now += 50000;
        }
        rounds[i] = spent / calls;
    }
    qsort(rounds, ROUNDS, sizeof(*rounds), by_size);
    return rounds[ROUNDS / 2];
}

int main(void)
{
    const int counts[] = {2, 4, 8, 16, 32, 64, 128, 256, 512, 1000};
    apr_pool_t *pool;
    void *mem;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (posix_memalign(&mem, 64, svb_records_size()) != 0) {
        return 1;
    }
    memset(mem, 0, svb_records_size());
    svb_records_open(&fleet, mem, pool);
    for (int i = 0; i < MOST; i++) {
        member *m = &members[i];

        snprintf(m->route, sizeof(m->route), "servoy%d", i);
        m->node = svb_records_add(fleet, "servoy", m->route);
        m->loadfactor = 1 + i % 3;
        svb_records_clients_add(fleet, m->node, 0, SVB_KIND_WEB,
                                100 * (1 + i % 3));
        svb_records_elected(fleet, m->node);
        svb_records_set(fleet, m->node, SVB_WORD_UP_SINCE,
                        (apr_uint64_t)(i % 8 ? 0 : T0));
    }
    printf("nodes   plain     all  failover\n");
    for (int i = 0; i < 10; i++) {
        printf("%5d %7.0f %7.0f %9.0f\n", counts[i], measure(counts[i], plain),
               measure(counts[i], all), measure(counts[i], failover));
        fflush(stdout);
    }
    return 0;
}
