/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Unit tests of svb_contest: nodes as an election sees them, by their records. */

#include <stdlib.h>
#include <string.h>

#include "choice/contest.h"
#include "unit.h"

#define SEC(n) apr_time_from_sec(n)

static const apr_time_t t0 = apr_time_from_sec(1796000000);
static svb_records *records;
static void *mem;
static int a, b;

static int walks[3]; /* after which the winner was known; 2: neither */

static void setup(void)
{
    pool_setup();
    ck_assert_int_eq(posix_memalign(&mem, 64, svb_records_size()), 0);
    memset(mem, 0, svb_records_size());
    ck_assert_int_eq(svb_records_open(&records, mem, pool), APR_SUCCESS);
    a = svb_records_add(records, "servoy", "a");
    b = svb_records_add(records, "servoy", "b");
}

static void teardown(void)
{
    free(mem);
    pool_teardown();
}

static svb_score_candidate seen_since(const svb_contest *c, int record,
                                      double weight, apr_time_t up_since)
{
    svb_contest_node node = {record, weight, up_since, NULL};
    svb_score_candidate cand;

    memset(&cand, 0x5a, sizeof(cand));
    svb_contest_candidate(c, &node, &cand);
    return cand;
}

static svb_score_candidate seen(const svb_contest *c, int record, double weight)
{
    return seen_since(c, record, weight, 0);
}

static void won(const svb_contest *c, int record)
{
    svb_contest_node node = {record, 1, 0, NULL};

    svb_contest_won(c, &node);
}

static void join(svb_contest *c, int record, double weight, apr_time_t up_since)
{
    svb_contest_node node = {record, weight, up_since, NULL};

    svb_contest_join(c, &node);
}

START_TEST(load_and_turn)
{
    svb_contest c = {.records = records, .now = t0};

    ck_assert_double_eq(seen(&c, a, 2).load, 0.5);
    ck_assert_uint_eq(seen(&c, a, 2).last_turn, 0);
    for (int kind = 0; kind <= SVB_KIND_ENDED; kind++) {
        svb_records_clients_add(records, a, 0, kind, kind + 1);
    }
    won(&c, a);
    ck_assert_double_eq(seen(&c, a, 1).load, 16);
    ck_assert_double_eq(seen(&c, a, 2).load, 8);
    ck_assert_uint_eq(seen(&c, a, 1).last_turn, 1);
    ck_assert_double_eq(seen(&c, b, 1).load, 1);
    ck_assert_uint_eq(seen(&c, b, 1).last_turn, 0);
}
END_TEST

START_TEST(slow_start)
{
    svb_contest c = {.records = records, .now = t0, .slow_start = SEC(100)};

    ck_assert_double_eq(seen(&c, a, 1).load, 1); /* it was never down */
    ck_assert_double_eq(seen_since(&c, a, 1, t0).load, 16);
    ck_assert_double_eq(seen_since(&c, a, 1, t0 - SEC(50)).load, 2);
    ck_assert_double_eq(seen_since(&c, a, 1, t0 - SEC(100)).load, 1);
    /* the others' parts are the larger for it */
    join(&c, a, 1, t0 - SEC(50));
    join(&c, b, 3, 0);
    ck_assert_double_eq(c.weight_all, 3.5);
}
END_TEST

/* A whole election among nodes of the same weight, as it is held for a balancer.
 * @return the place of the winner, who has a client more */
static int elect(const int *nodes, int count, double catch_up)
{
    svb_contest c = {.records = records, .now = t0, .catch_up = catch_up};
    svb_score_candidate best = {0};
    int winner = -1;

    for (int i = 0; i < count; i++) {
        join(&c, nodes[i], 1, 0);
    }
    for (int i = 0; i < count; i++) {
        svb_score_candidate cand = seen(&c, nodes[i], 1);

        if (winner < 0 || svb_score_better(&cand, &best)) {
            best = cand;
            winner = i;
        }
    }
    won(&c, nodes[winner]);
    svb_records_clients_add(records, nodes[winner], 0, SVB_KIND_WEB, 1);
    return winner;
}

/* Four nodes of a fleet; three of them have got clients in a rush. */
static void after_a_rush(const char *fleet, int nodes[4])
{
    char route[] = "n0";

    for (int i = 0; i < 4; i++, route[1]++) {
        nodes[i] = svb_records_add(records, fleet, route);
    }
    for (int i = 0; i < 60; i++) {
        elect(nodes, 3, 2);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(svb_records_clients_all(records, nodes[i]), 20);
    }
}

/* The rush does not count for the one that comes up after it. */
START_TEST(brake_after_a_rush)
{
    static const double most[] = {0.25 * 20 + 2, 0.5 * 20 + 2};
    int nodes[4], got;

    for (int factor = 1; factor <= 2; factor++) {
        after_a_rush(factor == 1 ? "one" : "two", nodes);
        got = 0;
        for (int i = 0; i < 20; i++) {
            got += elect(nodes, 4, factor) == 3;
        }
        ck_assert_int_le(got, (int)most[factor - 1]);
        ck_assert_int_ge(got, (int)most[factor - 1] - 2);
    }
    after_a_rush("off", nodes);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(elect(nodes, 4, 0), 3);
    }
}
END_TEST

/* What is elected in another fleet is no clock of this one, and no turn. */
START_TEST(brake_of_two_fleets)
{
    int here[4], there[4];

    after_a_rush("here", here);
    after_a_rush("there", there);
    for (int i = 0; i < 20; i++) {
        for (int k = 0; k < i % 4; k++) {
            elect(there, 4, 2);
        }
        ck_assert_int_eq('a' + elect(here, 4, 2), "dddadbdcdadbdcdadbdc"[i]);
    }
}
END_TEST

/* Several balancers of a fleet, of which one has not all of its nodes. */
START_TEST(brake_of_a_fleet)
{
    int nodes[4], got = 0;

    after_a_rush("servoy", nodes);
    for (int i = 0; i < 40; i++) {
        got += i % 2 ? elect(nodes, 4, 2) == 3 : elect(nodes + 1, 3, 2) == 2;
    }
    /* two thirds of one half, half of the other */
    ck_assert_int_le(got, 2 * 40 / 3 + 2);
    ck_assert_int_ge(got, 40 / 2);
}
END_TEST

/* A tenth of its weight is a tenth of its pace, for as long as it lasts. */
START_TEST(brake_and_slow_start)
{
    svb_contest c = {
        .records = records, .now = t0, .slow_start = SEC(100), .catch_up = 2};
    svb_contest_node fresh = {a, 1, t0 - SEC(10), NULL};

    svb_contest_join(&c, &fresh);
    join(&c, b, 3.9, 0);
    ck_assert_double_eq(seen_since(&c, a, 1, t0 - SEC(10)).wait, 0);
    svb_contest_won(&c, &fresh);
    for (int i = 0; i < 10; i++) {
        won(&c, b);
    }
    c.weight_all = 0;
    svb_contest_join(&c, &fresh);
    join(&c, b, 3.9, 0);
    ck_assert_uint_eq(c.elections, 11);
    ck_assert_double_eq_tol(seen_since(&c, a, 1, t0 - SEC(10)).wait, 7, 1e-4);
    /* it is warm: what it owed is paid */
    ck_assert_double_eq(seen(&c, a, 1).wait, 0);
}
END_TEST

/* Of those who elect at once each may take the same node to be free, and all their
 * turns count: it pays for them afterwards. */
START_TEST(elected_at_once)
{
    svb_contest c[3];

    for (int i = 0; i < 3; i++) {
        c[i] = (svb_contest){.records = records, .now = t0, .catch_up = 2};
        join(&c[i], a, 1, 0);
        join(&c[i], b, 7, 0);
        ck_assert_double_eq(seen(&c[i], a, 1).wait, 0);
    }
    won(&c[0], a);
    won(&c[1], b);
    won(&c[2], a);
    c[0].weight_all = 0;
    join(&c[0], a, 1, 0);
    join(&c[0], b, 7, 0);
    ck_assert_uint_eq(c[0].elections, 3);
    /* a turn every four elections, and one that was two early */
    ck_assert_double_eq(seen(&c[0], a, 1).wait, 3);
    ck_assert_double_eq(seen(&c[0], b, 7).wait, 0);
}
END_TEST

/* Nobody has joined, or there is no brake: nobody waits. */
START_TEST(no_brake)
{
    svb_contest c = {.records = records, .now = t0, .catch_up = 2};

    for (int i = 0; i < 50; i++) {
        ck_assert_double_eq(seen(&c, a, 1).wait, 0);
        won(&c, a);
    }
    c.catch_up = 0;
    join(&c, a, 1, 0);
    join(&c, b, 1000, 0);
    ck_assert_double_eq(seen(&c, a, 1).wait, 0);
}
END_TEST

#define MANY 12

/* As if one by one had joined and been compared. */
static int one_by_one(svb_contest *c, const svb_contest_node *nodes, int n)
{
    svb_score_candidate best, cand;
    int winner = -1;

    for (int i = 0; i < n; i++) {
        svb_contest_join(c, &nodes[i]);
    }
    for (int i = 0; i < n; i++) {
        svb_contest_candidate(c, &nodes[i], &cand);
        if (winner < 0 || svb_score_better(&cand, &best)) {
            winner = i;
            best = cand;
        }
    }
    return winner;
}

static int walk(svb_contest *c, const svb_contest *brake,
                const svb_contest_node *nodes, int n, svb_contest_node *won)
{
    const svb_brief *briefs = svb_records_briefs(records);
    svb_contest_least least = SVB_CONTEST_NOBODY;

    for (int i = 0; i < n; i++) {
        const svb_brief *brief = briefs + nodes[i].record;

        svb_contest_meet(brake, &least, brief, svb_brief_clients(brief),
                         (unsigned)nodes[i].weight, &nodes[i]);
    }
    return svb_contest_takes(c, &least, won);
}

/* Where nobody comes up slowly, and not all are braked, a shorter way leads to the same
 * one. */
static void check_short_way(const svb_contest *contest,
                            const svb_contest_node *nodes, int n, int winner)
{
    svb_contest c = {.records = records, .catch_up = contest->catch_up};
    svb_contest_node won;

    if (walk(&c, NULL, nodes, n, &won)) {
        walks[0]++;
    }
    else if (walk(&c, &c, nodes, n, &won)) {
        walks[1]++;
    }
    else {
        ck_assert(contest->catch_up > 0);
        walks[2]++;
        return;
    }
    ck_assert_ptr_eq(won.whose, &nodes[winner]);
    ck_assert_int_eq(won.record, nodes[winner].record);
    ck_assert_double_eq(won.weight, nodes[winner].weight);
    ck_assert_double_eq(c.weight_all, contest->weight_all);
    ck_assert_uint_eq(c.elections, contest->elections);
}

START_TEST(chosen_of_many)
{
    svb_contest_node nodes[MANY];
    svb_contest c, again;

    srand(7 + (unsigned)_i);
    for (int i = 0; i < MANY; i++) {
        char route[] = {'m', (char)('a' + i), 0};

        nodes[i] = (svb_contest_node){
            svb_records_add(records, "servoy", route), 1 + rand() % 3,
            rand() % 4 ? 0 : t0 - SEC(rand() % 120), NULL};
        svb_records_clients_add(records, nodes[i].record, 0, SVB_KIND_WEB,
                                rand() % 20);
    }
    for (int turn = 0; turn < 400; turn++) {
        int n = 1 + rand() % MANY, winner;

        c = (svb_contest){.records = records,
                          .now = t0,
                          .slow_start = _i % 2 ? SEC(100) : 0,
                          .catch_up = _i % 3 ? 1 + 0.25 * (rand() % 5) : 0};
        again = c;
        winner = svb_contest_choose(&c, nodes, n);
        ck_assert_int_eq(winner, one_by_one(&again, nodes, n));
        ck_assert_double_eq(c.weight_all, again.weight_all);
        if (c.slow_start == 0) {
            check_short_way(&c, nodes, n, winner);
        }
        svb_contest_won(&c, &nodes[winner]);
        svb_records_clients_add(records, nodes[winner].record, 0, SVB_KIND_WEB,
                                rand() % 3);
        svb_records_clients_add(records, nodes[rand() % MANY].record, 0,
                                SVB_KIND_WEB, -(rand() % 4));
    }
    if (!c.slow_start) {
        ck_assert_int_gt(walks[0], 100);
        ck_assert(!c.catch_up || walks[1] > 10);
    }
    c.weight_all = 0;
    ck_assert_int_eq(svb_contest_choose(&c, nodes, 0), -1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("svb_contest");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, load_and_turn);
    tcase_add_test(tc, slow_start);
    tcase_add_test(tc, brake_after_a_rush);
    tcase_add_test(tc, brake_of_two_fleets);
    tcase_add_test(tc, brake_of_a_fleet);
    tcase_add_test(tc, brake_and_slow_start);
    tcase_add_test(tc, elected_at_once);
    tcase_add_test(tc, no_brake);
    tcase_add_loop_test(tc, chosen_of_many, 0, 6);
    suite_add_tcase(s, tc);
    return unit_run(srunner_create(s));
}
