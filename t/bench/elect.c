/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What an election and a failover cost among two to a thousand nodes, with all
 * that is read from the shared memory of svb_records, as a request does it.
 *
 *     elect
 *
 * prints nanoseconds a decision, the median over rounds. Between two elections
 * a node gets a client or loses one, so that there is something to decide.
 *
 *     plain     by load and turn
 *     all       with slow start and the catch-up brake
 *     brake     the same while the brake holds, which takes a second walk
 *     failover  by rendezvous hashing, one score for each node
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "choice/score.h"
#include "memory/records.h"

#define ROUNDS 201
#define MOST 1000
#define CATCH_UP 2

typedef struct {
    int node;
    double loadfactor;
    char route[16];
    double recent, scaled; /* of the election under way */
} member;

#define T0 apr_time_from_sec(1796000000)
static const apr_interval_time_t half_life = apr_time_from_sec(60);
static const apr_interval_time_t slowstart = apr_time_from_sec(300);

static svb_records *fleet;
static member members[MOST];
static apr_time_t now = T0 + apr_time_from_sec(30);

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

static int plain(int count)
{
    svb_score_candidate best = {0};
    int won = -1;

    for (int i = 0; i < count; i++) {
        const member *m = &members[i];
        svb_score_candidate cand = {
            svb_score_load(svb_records_clients_all(fleet, m->node),
                           m->loadfactor),
            svb_records_last_turn(fleet, m->node), 0};

        if (won < 0 || svb_score_better(&cand, &best)) {
            best = cand;
            won = i;
        }
    }
    return won;
}

/* The winner is asked last whether it is over its share: as a rule it is not,
 * and then nobody else matters. */
static int walk(int count, double *recent_all, double *loadfactor_all,
                int brake)
{
    svb_score_candidate best = {0};
    double recent_sum = 0, loadfactor_sum = 0;
    int won = -1;

    for (int i = 0; i < count; i++) {
        member *m = &members[i];
        svb_score_candidate cand = {0};
        svb_records_load load;

        svb_records_look(fleet, m->node, now, half_life, &load);
        m->recent = load.recent;
        m->scaled =
            svb_score_slowstart(m->loadfactor, load.up_since, now, slowstart);
        cand.load = svb_score_load(load.clients, m->scaled);
        cand.last_turn = load.last_turn;
        cand.braked = brake
                      && svb_score_over_share(m->recent, *recent_all, m->scaled,
                                              *loadfactor_all, CATCH_UP);
        recent_sum += m->recent;
        loadfactor_sum += m->scaled;
        if (won < 0 || svb_score_better(&cand, &best)) {
            best = cand;
            won = i;
        }
    }
    *recent_all = recent_sum;
    *loadfactor_all = loadfactor_sum;
    return won;
}

static int all(int count)
{
    double recent_all = 0, loadfactor_all = 0;
    int won = walk(count, &recent_all, &loadfactor_all, 0);

    if (svb_score_over_share(members[won].recent, recent_all,
                             members[won].scaled, loadfactor_all, CATCH_UP)) {
        won = walk(count, &recent_all, &loadfactor_all, 1);
    }
    return won;
}

static int catching_up(int count)
{
    double recent_all = 0, loadfactor_all = 0;

    walk(count, &recent_all, &loadfactor_all, 0);
    return walk(count, &recent_all, &loadfactor_all, 1);
}

static int failover(int count)
{
    static apr_uint64_t id;
    double best = 0;
    int won = -1;

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
            int node = members[decide(count)].node;

            spent += nanoseconds() - begin;
            svb_records_elected(fleet, node, now, half_life);
            svb_records_clients_add(fleet, node, 0, SVB_KIND_WEB, 1);
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
        svb_records_elected(fleet, m->node, T0 + apr_time_from_sec(i % 30),
                            half_life);
        svb_records_set(fleet, m->node, SVB_WORD_UP_SINCE,
                        (apr_uint64_t)(i % 8 ? 0 : T0));
    }
    printf("nodes   plain     all   brake  failover\n");
    for (int i = 0; i < 10; i++) {
        printf("%5d %7.0f %7.0f %7.0f %9.0f\n", counts[i],
               measure(counts[i], plain), measure(counts[i], all),
               measure(counts[i], catching_up), measure(counts[i], failover));
        fflush(stdout);
    }
    return 0;
}
