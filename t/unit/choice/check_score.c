/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * score: each sequence of the worked example in its header, and the bounds
 * that its functions promise.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "choice/rate.h"
#include "choice/score.h"
#include "memory/hash.h"
#include "unit.h"

#define SEC(n) ((apr_time_t)(n)*APR_USEC_PER_SEC)

typedef struct {
    char name;
    double loadfactor;
    unsigned clients;
    apr_uint64_t turn, mark;
} node;

static apr_uint64_t turns;

/* One election as a caller does it. */
static char elect(node *nodes, int count, double factor)
{
    double loadfactor_all = 0;
    svb_score_candidate best = {0};
    int won = -1;

    for (int i = 0; i < count; i++) {
        loadfactor_all += nodes[i].loadfactor;
    }
    for (int i = 0; i < count; i++) {
        svb_score_candidate cand = {
            svb_score_load(nodes[i].clients, nodes[i].loadfactor),
            nodes[i].turn,
            svb_rate_wait(
                nodes[i].mark, turns,
                svb_rate_pace(factor, nodes[i].loadfactor, loadfactor_all))};
        if (won < 0 || svb_score_better(&cand, &best)) {
            won = i;
            best = cand;
        }
    }
    nodes[won].mark = svb_rate_next(
        nodes[won].mark, turns,
        svb_rate_pace(factor, nodes[won].loadfactor, loadfactor_all));
    nodes[won].clients++;
    nodes[won].turn = ++turns;
    return nodes[won].name;
}

static void assert_sequence(node *nodes, int count, double factor,
                            const char *expected)
{
    for (; *expected; expected++) {
        if (*expected != ' ') {
            ck_assert_int_eq(elect(nodes, count, factor), *expected);
        }
    }
}

START_TEST(loadfactors_and_ties)
{
    node nodes[] = {{'a', 1, 0, 0, 0}, {'b', 1, 0, 0, 0}, {'c', 2, 0, 0, 0}};

    turns = 0;
    assert_sequence(nodes, 3, 0, "cabc cabc cabc");
    ck_assert_uint_eq(nodes[0].clients, 3);
    ck_assert_uint_eq(nodes[1].clients, 3);
    ck_assert_uint_eq(nodes[2].clients, 6);
    nodes[1].clients -= 2;
    assert_sequence(nodes, 3, 0, "bbca bcca");
}
END_TEST

static void joined(node *nodes)
{
    const node start[] = {{'a', 1, 20, 1, 0},
                          {'b', 1, 20, 2, 0},
                          {'c', 2, 40, 3, 0},
                          {'d', 1, 0, 0, 0}};

    memcpy(nodes, start, sizeof(start));
    turns = 3;
}

START_TEST(node_joins)
{
    node nodes[4];

    joined(nodes);
    assert_sequence(nodes, 4, 0, "dddddddddddddddddddd cabdc cabdc");
    joined(nodes);
    assert_sequence(nodes, 4, 2, "ddcda bdcdc adbdc cdadb cdcda bdcdc");
    ck_assert_uint_eq(nodes[0].clients, 24);
    ck_assert_uint_eq(nodes[1].clients, 24);
    ck_assert_uint_eq(nodes[2].clients, 49);
    ck_assert_uint_eq(nodes[3].clients, 13);
}
END_TEST

/* A fresh fleet is not braked out of its order, whatever its loadfactors. */
START_TEST(brake_lets_a_fleet_begin)
{
    node with[50], without[50];

    turns = 0;
    for (int i = 0; i < 50; i++) {
        with[i] = (node){(char)(' ' + i), 0.5 + i % 4, 0, 0, 0};
    }
    memcpy(without, with, sizeof(with));
    for (int i = 0; i < 2000; i++) {
        char expected = elect(without, 50, 0);

        turns--; /* both are elected in the same turn */
        ck_assert_int_eq(elect(with, 50, 2), expected);
    }
}
END_TEST

START_TEST(better_is_robust)
{
    svb_score_candidate a = {0, 0, 0}, b = {0, 0, 0};

    ck_assert(!svb_score_better(&a, &b));
    /* 0.1 + 0.1 + 0.1 is not 0.3: still a tie, which the turn decides. */
    a.load = svb_score_load(2, 0.1 + 0.1 + 0.1);
    b.load = svb_score_load(2, 0.3);
    ck_assert(a.load != b.load);
    ck_assert(!svb_score_better(&a, &b) && !svb_score_better(&b, &a));
    a.last_turn = 2;
    b.last_turn = 1;
    ck_assert(svb_score_better(&b, &a) && !svb_score_better(&a, &b));
    /* One client in four million is no tie. */
    a.load = svb_score_load(4000000, 100);
    b.load = svb_score_load(4000001, 100);
    ck_assert(svb_score_better(&a, &b) && !svb_score_better(&b, &a));
    /* The brake is asked first, then who may soonest. */
    a.wait = 1;
    ck_assert(svb_score_better(&b, &a) && !svb_score_better(&a, &b));
    b.wait = 7;
    ck_assert(svb_score_better(&a, &b) && !svb_score_better(&b, &a));
    a.wait = 7;
    ck_assert(svb_score_better(&a, &b) && !svb_score_better(&b, &a));
}
END_TEST

START_TEST(slowstart)
{
    const apr_time_t up = SEC(1000);
    const apr_interval_time_t four = SEC(240);

    ck_assert_double_eq(svb_score_slowstart(1, up, up, four), 1.0 / 16);
    ck_assert_double_eq(svb_score_slowstart(1, up, up + SEC(60), four), 0.25);
    ck_assert_double_eq(svb_score_slowstart(8, up, up + SEC(120), four), 4);
    ck_assert_double_eq(svb_score_slowstart(8, up, up + SEC(240), four), 8);
    ck_assert_double_eq(svb_score_slowstart(8, up, up + SEC(9999), four), 8);
    ck_assert_double_eq(svb_score_slowstart(3, up, up, 0), 3);
    ck_assert_double_eq(svb_score_slowstart(3, 0, up, SEC(9999)), 3);
    /* The clock of another process a moment ahead, and one set back. */
    ck_assert_double_eq(svb_score_slowstart(1, up, up - 5, four), 1.0 / 16);
    ck_assert_double_eq(svb_score_slowstart(1, up, up - SEC(9999), four), 1);
}
END_TEST

/* The header's walk through slow start. */
START_TEST(slowstart_walk)
{
    node nodes[4];

    joined(nodes);
    nodes[3].loadfactor = svb_score_slowstart(1, SEC(1), SEC(1), SEC(240));
    assert_sequence(nodes, 4, 0, "dc");
    joined(nodes);
    nodes[3].clients = 1;
    nodes[3].loadfactor = svb_score_slowstart(1, SEC(1), SEC(61), SEC(240));
    assert_sequence(nodes, 4, 0, "ddddc");
}
END_TEST

/* Fixed numbers: another front end on another machine gets the same. */
START_TEST(hashes_are_the_same_everywhere)
{
    static const struct {
        const char *id;
        apr_uint64_t hash;
        double a, c, d;
    } known[] = {{"A1", 0x50185a4632fdd9c0, 1.59, 16.63, 7.48},
                 {"B2", 0x7b3b7132c229cf07, 3.10, 1.16, 1.66},
                 {"0A1B", 0x6865e537ee167a60, 1.67, 1.03, 2.99}};

    for (int i = 0; i < 3; i++) {
        apr_uint64_t hash = svb_hash_text(known[i].id, strlen(known[i].id));

        ck_assert_uint_eq(hash, known[i].hash);
        ck_assert_double_eq_tol(svb_score_rendezvous(hash, "a", 1), known[i].a,
                                .01);
        ck_assert_double_eq_tol(svb_score_rendezvous(hash, "c", 2), known[i].c,
                                .01);
        ck_assert_double_eq_tol(svb_score_rendezvous(hash, "d", 1), known[i].d,
                                .01);
    }
}
END_TEST

static int winner(apr_uint64_t hash, const double *weights, int count, int down)
{
    double best = 0;
    int won = -1;

    for (int i = 0; i < count; i++) {
        char route[] = {'n', (char)('0' + i), 0};
        double score = svb_score_rendezvous(hash, route, weights[i]);

        if (i != down && score > best) {
            best = score;
            won = i;
        }
    }
    return won;
}

/* Clients spread in proportion to the weights, and only those of the node that
 * is down move, in proportion to the weights of the others. */
START_TEST(rendezvous_spread)
{
    const double weights[] = {1, 2, 0.5, 4, 0};
    const double all = 7.5, rest = 3.5;
    int won[5] = {0}, moved[5] = {0};
    const int ids = 30000;

    for (int i = 0; i < ids; i++) {
        apr_uint64_t hash = svb_hash_text((const char *)&i, sizeof(i));
        int before = winner(hash, weights, 5, -1);
        int after = winner(hash, weights, 5, 3);

        won[before]++;
        if (before == 3) {
            moved[after]++;
        }
        else {
            ck_assert_int_eq(after, before);
        }
    }
    for (int i = 0; i < 5; i++) {
        double expected = ids * weights[i] / all;

        ck_assert_double_le(fabs(won[i] - expected), 4 * sqrt(expected) + 1);
        if (i != 3) {
            expected = won[3] * weights[i] / rest;
            ck_assert_double_le(fabs(moved[i] - expected),
                                4 * sqrt(expected) + 1);
        }
    }
}
END_TEST

/* Arrivals only: loads differ by no more than one client (invariant 4). */
START_TEST(loads_stay_level)
{
    node nodes[20];

    srand(7);
    turns = 0;
    for (int i = 0; i < 20; i++) {
        nodes[i] = (node){'x', (1 + rand() % 400) / 100.0, 0, 0, 0};
    }
    for (int n = 0; n < 5000; n++) {
        double most = 0, least = 1e9;

        elect(nodes, 20, 0);
        /* Whoever has clients got the last one when its load, that one
         * included, was the least. */
        for (int i = 0; i < 20; i++) {
            most = fmax(most, nodes[i].clients / nodes[i].loadfactor);
            least = fmin(least, (nodes[i].clients + 1) / nodes[i].loadfactor);
        }
        ck_assert_double_le(most, least + 1e-6);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("elect");
    TCase *tc = tcase_create("elect");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, loadfactors_and_ties);
    tcase_add_test(tc, node_joins);
    tcase_add_test(tc, brake_lets_a_fleet_begin);
    tcase_add_test(tc, better_is_robust);
    tcase_add_test(tc, slowstart);
    tcase_add_test(tc, slowstart_walk);
    tcase_add_test(tc, hashes_are_the_same_everywhere);
    tcase_add_test(tc, rendezvous_spread);
    tcase_add_test(tc, loads_stay_level);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
