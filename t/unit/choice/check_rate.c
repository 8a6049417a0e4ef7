/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * rate: the worked example in its header, what a mark comes to, and what holds of
 * any stretch of elections, whatever happens in the fleet.
 */
#include <stdlib.h>
#include <string.h>

#include "choice/rate.h"
#include "choice/score.h"
#include "unit.h"

#define MOST 24
#define ELECTIONS 3000

typedef struct {
    double weight;
    unsigned clients;
    apr_uint64_t turn, mark;
    int in; /* stands for election */
} node;

/* A fleet, and the elections it has had. */
typedef struct {
    node nodes[MOST];
    int count;
    double factor;
    apr_uint64_t elections;
} fleet;

/* Who got an election, at which pace, and whether it had no choice. */
typedef struct {
    int node, forced;
    double pace;
} turn;

static double weight_all(const fleet *f)
{
    double sum = 0;

    for (int i = 0; i < f->count; i++) {
        sum += f->nodes[i].in ? f->nodes[i].weight : 0;
    }
    return sum;
}

static turn elect(fleet *f)
{
    svb_score_candidate best = {0};
    double all = weight_all(f);
    turn t = {.node = -1};
    node *n;

    for (int i = 0; i < f->count; i++) {
        double pace = svb_rate_pace(f->factor, f->nodes[i].weight, all);
        svb_score_candidate cand;

        n = &f->nodes[i];
        cand.load = svb_score_load(n->clients, n->weight);
        cand.last_turn = n->turn;
        cand.wait = svb_rate_wait(n->mark, f->elections, pace);
        if (n->in && (t.node < 0 || svb_score_better(&cand, &best))) {
            t = (turn){i, cand.wait > 0, pace};
            best = cand;
        }
    }
    n = &f->nodes[t.node];
    n->mark = svb_rate_next(n->mark, f->elections++, t.pace);
    n->turn = f->elections;
    n->clients++;
    return t;
}

/* --- the header's example --- */

/* Three have had a rush, then the fourth comes up. */
static void after_a_rush(fleet *f, double factor)
{
    *f = (fleet){.count = 4, .factor = factor};
    for (int i = 0; i < 4; i++) {
        f->nodes[i] = (node){.weight = 1, .in = i < 3};
    }
    for (int i = 0; i < 60; i++) {
        elect(f);
    }
    f->nodes[3].in = 1;
}

START_TEST(example)
{
    static const char *const ahead[] = {"0",   "1/2", "1",   "3/2", "1",
                                        "3/2", "1",   "3/2", "1",   "3/2"};
    fleet f;
    int got = 0;

    after_a_rush(&f, 2);
    for (int i = 0; i < 10; i++) {
        double wait = svb_rate_wait(f.nodes[3].mark, f.elections, 0.5);

        /* half a turn too far is made good in one election */
        ck_assert_double_eq(wait, strcmp(ahead[i], "3/2") == 0 ? 1 : 0);
        ck_assert_int_eq('a' + elect(&f).node, "dddadbdcda"[i]);
    }
    after_a_rush(&f, 2);
    for (int i = 0; i < 20; i++) {
        got += elect(&f).node == 3;
    }
    ck_assert_int_eq(got, 11);
    while (f.nodes[3].clients < f.nodes[0].clients) {
        elect(&f);
    }
    ck_assert_uint_eq(f.elections, 60 + 56);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(f.nodes[i].clients, 29);
    }
}
END_TEST

/* --- marks --- */

START_TEST(paces)
{
    ck_assert_double_eq(svb_rate_pace(2, 1, 4), 0.5);
    ck_assert_double_eq(svb_rate_pace(1, 1, 4), 0.25);
    ck_assert_double_eq(svb_rate_pace(2, 1, 1.5), 1);
    ck_assert_double_eq(svb_rate_pace(1000, 1, 4), 1);
    /* off; nobody has added them up */
    ck_assert_double_eq(svb_rate_pace(0, 1, 4), 1);
    ck_assert_double_eq(svb_rate_pace(2, 1, 0), 1);
}
END_TEST

START_TEST(marks)
{
    const apr_uint64_t late = (apr_uint64_t)1 << 39;
    apr_uint64_t mark = 0;

    /* Nothing is owed at first, whenever that is. */
    ck_assert_double_eq(svb_rate_wait(0, 0, 0.001), 0);
    ck_assert_double_eq(svb_rate_wait(0, late, 0.001), 0);
    /* A turn every 8 elections, and up to two elections early. */
    mark = svb_rate_next(0, late, 0.125);
    for (unsigned i = 1; i < 8; i++) {
        ck_assert_double_eq(svb_rate_wait(mark, late + i, 0.125),
                            i < 6 ? 6 - i : 0);
    }
    /* Those two elections are owed for the next. */
    mark = svb_rate_next(mark, late + 6, 0.125);
    ck_assert_double_eq(svb_rate_wait(mark, late + 13, 0.125), 1);
    ck_assert_double_eq(svb_rate_wait(mark, late + 14, 0.125), 0);
    /* What is not taken is not saved up. */
    mark = svb_rate_next(mark, 2 * late - 9, 0.125);
    ck_assert_double_eq(svb_rate_wait(mark, 2 * late - 8, 0.125), 5);
    /* A greater pace makes what is owed good sooner. */
    ck_assert_double_eq(svb_rate_wait(mark, 2 * late - 7, 0.25), 0);
}
END_TEST

/* Another process had a later election and was quicker: nothing is lost. */
START_TEST(out_of_order)
{
    apr_uint64_t mark = svb_rate_next(svb_rate_next(0, 11, 0.25), 10, 0.25);

    ck_assert_uint_eq(mark,
                      svb_rate_next(svb_rate_next(0, 11, 0.25), 11, 0.25));
    ck_assert_double_eq(svb_rate_wait(mark, 12, 0.25), 3);
}
END_TEST

/* A node that nobody can do without is not left out for long afterwards. */
START_TEST(forced_turns)
{
    apr_uint64_t mark = 0, at = 0;

    for (; at < 100000; at++) {
        mark = svb_rate_next(mark, at, 0.01);
        REQUIRE(svb_rate_wait(mark, at + 1, 0.01) <= 99.001);
    }
    ck_assert_double_eq(svb_rate_wait(mark, at + 99, 0.01), 0);
    /* A mark of a time with a greater pace is kept. */
    mark = svb_rate_next(svb_rate_next(0, 0, 0.9), 1, 0.9);
    mark = svb_rate_next(mark, 2, 0.9);
    ck_assert_double_gt(svb_rate_wait(mark, 3, 0.01), 20);
    ck_assert_uint_eq(svb_rate_next(mark, 2, 0.01), mark);
}
END_TEST

START_TEST(never_braked_alone)
{
    apr_uint64_t mark = 0;

    for (apr_uint64_t at = 0; at < 1000; at++) {
        /* three at once */
        mark = svb_rate_next(svb_rate_next(mark, at, 1), at, 1);
        mark = svb_rate_next(mark, at, 1);
        ck_assert_double_eq(svb_rate_wait(mark, at, 1), 0);
    }
}
END_TEST

/* --- invariant 9 --- */

static double drawn(double from, double to)
{
    return from + (to - from) * (rand() / (double)RAND_MAX);
}

/* Nodes come and go, some warm up, users leave; some nodes come back empty. */
static void happen(fleet *f)
{
    for (int i = 0; i < f->count; i++) {
        node *n = &f->nodes[i];

        switch (rand() % 60) {
        case 0:
            n->in = !n->in;
            n->clients = rand() % 2 ? 0 : n->clients;
            break;
        case 1:
            n->clients -= n->clients < 30 ? n->clients : 30;
            break;
        case 2:
            n->weight = drawn(0.05, 4);
            break;
        default:
            n->clients -= n->clients > 0 && rand() % f->count == 0;
        }
    }
    f->nodes[rand() % f->count].in = 1;
}

/* Every stretch that begins and ends with a turn of the node: those between are
 * shorter, those around it longer, for the same turns. What it had no choice in is
 * counted or not.
 * @return the most turns above its pace */
static double worst_stretch(const turn *turns, int who, int forced_too)
{
    static int at[ELECTIONS];
    double worst = 0;
    int n = 0;

    for (int i = 0; i < ELECTIONS; i++) {
        if (turns[i].node == who && (forced_too || !turns[i].forced)) {
            at[n++] = i;
        }
    }
    for (int first = 0; first < n; first++) {
        double pace = 0;

        for (int last = first; last < n; last++) {
            int length = at[last] - at[first] + 1, got = last - first + 1;

            pace = turns[at[last]].pace > pace ? turns[at[last]].pace : pace;
            worst = got - pace * length > worst ? got - pace * length : worst;
            /* what the header says, to the last turn */
            REQUIRE(forced_too || pace >= 1
                    || got <= pace * (length + 1) + 1 + 1e-4);
        }
    }
    return worst;
}

static int forced_of(const turn *turns)
{
    int forced = 0;

    for (int i = 0; i < ELECTIONS; i++) {
        forced += turns[i].forced;
    }
    return forced;
}

START_TEST(any_stretch)
{
    static turn turns[ELECTIONS];
    int stir = _i % 3;
    static const double factors[] = {1, 1.5, 2, 2, 5};
    fleet f = {.count = 1 + _i % MOST, .factor = factors[_i % 5]};

    srand((unsigned)_i);
    for (int i = 0; i < f.count; i++) {
        f.nodes[i] =
            (node){.weight = _i % 2 ? 1 : drawn(0.1, 4), .in = i < 1 + _i % 7};
    }
    for (int i = 0; i < ELECTIONS; i++) {
        if (stir && i % (stir == 1 ? 1 : 50) == 0) {
            happen(&f);
        }
        turns[i] = elect(&f);
    }
    for (int i = 0; i < f.count; i++) {
        ck_assert_double_le(worst_stretch(turns, i, 0), 2 + 1e-4);
        /* All are braked where the parts only just add up to everything. Those
         * who may soonest take their turn then, so that is not much more. */
        ck_assert_double_le(worst_stretch(turns, i, 1), 3);
    }
    ck_assert(f.factor < 1.5 || forced_of(turns) == 0);
}
END_TEST

/* What the brake is for: one that is empty gets no turn at all beyond it, and does
 * get its part. */
START_TEST(a_fresh_node)
{
    static turn turns[ELECTIONS];
    fleet f = {.count = 2 + _i % (MOST - 2), .factor = _i % 2 ? 2 : 1.25};
    double part;

    srand((unsigned)_i);
    for (int i = 0; i < f.count; i++) {
        f.nodes[i] =
            (node){.weight = drawn(1, 2), .in = 1, .clients = 2 * ELECTIONS};
    }
    f.nodes[0].clients = 0;
    for (int i = 0; i < ELECTIONS; i++) {
        turns[i] = elect(&f);
        ck_assert(turns[i].node != 0 || !turns[i].forced);
    }
    ck_assert_double_le(worst_stretch(turns, 0, 1), 2 + 1e-4);
    part = svb_rate_pace(f.factor, f.nodes[0].weight, weight_all(&f));
    ck_assert_double_ge(f.nodes[0].clients, part * ELECTIONS - 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rate");
    TCase *tc = tcase_create("rate");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, example);
    tcase_add_test(tc, paces);
    tcase_add_test(tc, marks);
    tcase_add_test(tc, out_of_order);
    tcase_add_test(tc, forced_turns);
    tcase_add_test(tc, never_braked_alone);
    tcase_add_loop_test(tc, any_stretch, 0, 60);
    tcase_add_loop_test(tc, a_fresh_node, 0, 60);
    suite_add_tcase(s, tc);
    return unit_run(srunner_create(s));
}
