/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * others: front ends that do not hear of each other, and yet take turns.
 */
#include <string.h>

#include "choice/others.h"
#include "unit.h"

#define FRONTS 5
#define NODES 8

static const apr_time_t t0 = apr_time_from_sec(1796000000);

/* Each front end has records of its own. */
static svb_records *records[FRONTS];
static svb_contest_node nodes[NODES];

static void *memory[FRONTS];

/* Nobody has any clients. */
static void begin(void)
{
    for (int i = 0; i < FRONTS; i++) {
        memset(memory[i], 0, svb_records_size());
        svb_records_open(&records[i], memory[i], pool);
        for (int k = 0; k < NODES; k++) {
            char route[] = {'n', (char)('0' + k), 0};

            nodes[k].record = svb_records_add(records[i], "servoy", route);
            nodes[k].weight = 1;
        }
    }
}

static void setup(void)
{
    pool_setup();
    for (int i = 0; i < FRONTS; i++) {
        ck_assert_int_eq(posix_memalign(&memory[i], 64, svb_records_size()), 0);
    }
    begin();
}

static void teardown(void)
{
    for (int i = 0; i < FRONTS; i++) {
        free(memory[i]);
    }
    pool_teardown();
}

static svb_expect as_seen_by(int front)
{
    return (svb_expect){.own = 10000,
                        .others = 10000 * (FRONTS - 1),
                        .before = 10000 * (unsigned)front,
                        .front_ends = FRONTS - 1,
                        .heard = t0};
}

/* @return the clients of the fullest node, after so many elections at each */
static unsigned fullest(int each, int with_others)
{
    unsigned clients[NODES] = {0}, most = 0;
    svb_expect expect[FRONTS];

    for (int i = 0; i < FRONTS; i++) {
        expect[i] = as_seen_by(i);
    }
    for (int turn = 0; turn < each; turn++) {
        for (int i = 0; i < FRONTS; i++) {
            svb_contest c = {.records = records[i],
                             .now = t0 + apr_time_from_msec(100 * (turn + 1))};
            svb_expect_turns turns = with_others
                                         ? svb_expect_play(&expect[i], c.now)
                                         : (svb_expect_turns){0, 0};
            int won = svb_others_choose(&turns, &c, nodes, NODES);

            svb_contest_won(&c, &nodes[won]);
            svb_records_clients_add(records[i], nodes[won].record, 0,
                                    SVB_KIND_WEB, 1);
            clients[won]++;
        }
    }
    for (int k = 0; k < NODES; k++) {
        most = clients[k] > most ? clients[k] : most;
    }
    return most;
}

START_TEST(a_herd)
{
    ck_assert_uint_eq(fullest(8, 0), FRONTS);
    begin();
    ck_assert_uint_eq(fullest(4, 0), FRONTS);
}
END_TEST

/* 20 new clients, 8 nodes. */
START_TEST(in_turn)
{
    ck_assert_uint_le(fullest(4, 1), 4);
}
END_TEST

/* Nothing is written where nothing is expected. */
START_TEST(a_calm)
{
    svb_contest c = {.records = records[0], .now = t0 + 1};
    svb_expect expect = as_seen_by(0);

    svb_expect_turns turns = svb_expect_play(&expect, c.now);

    ck_assert_int_ge(svb_others_choose(&turns, &c, nodes, NODES), 0);
    for (int k = 0; k < NODES; k++) {
        ck_assert_uint_eq(svb_records_clients_all(records[0], nodes[k].record),
                          0);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("others");
    TCase *tc = tcase_create("others");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_herd);
    tcase_add_test(tc, in_turn);
    tcase_add_test(tc, a_calm);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
