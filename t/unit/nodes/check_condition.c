/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * condition: what was seen of a node, noted by several processes at once.
 */
#include "nodes/condition.h"
#include "workers.h"

#define SEC(n) apr_time_from_sec(n)

static const apr_time_t t0 = SEC(1796000000);

static svb_records *records;

static void setup(void)
{
    workers_setup();
    svb_records_open(&records, share(svb_records_size()), pool);
}

START_TEST(states)
{
    int node = svb_records_add(records, "servoy", "a");

    ck_assert_int_eq(svb_condition_since(records, node), 0);
    ck_assert_int_eq(svb_condition_note(records, node, (svb_state)0, t0), -1);
    ck_assert_int_eq(svb_condition_note(records, node, (svb_state)0, t0 + 5),
                     0);
    ck_assert_int_eq(svb_condition_since(records, node), t0);
    ck_assert_int_eq(svb_condition_note(records, node, (svb_state)254, t0 + 7),
                     0);
    ck_assert_int_eq(svb_condition_note(records, node, (svb_state)3, t0 + 9),
                     254);
    ck_assert_int_eq(svb_condition_since(records, node), t0 + 9);
}
END_TEST

START_TEST(reach)
{
    int a = svb_records_add(records, "servoy", "a");
    int b = svb_records_add(records, "servoy", "b");
    unsigned epoch = svb_records_epoch(records, a);

    ck_assert_int_eq(svb_condition_reach(records, a), SVB_REACH_OK);
    ck_assert_int_eq(svb_condition_set_reach(records, a, SVB_REACH_REFUSED),
                     SVB_REACH_OK);
    ck_assert_int_eq(svb_condition_reach(records, a), SVB_REACH_REFUSED);
    ck_assert_int_eq(svb_condition_reach(records, b), SVB_REACH_OK);
    ck_assert_int_eq(svb_condition_set_reach(records, a, SVB_REACH_SILENT),
                     SVB_REACH_REFUSED);
    ck_assert_int_eq(svb_condition_set_reach(records, a, SVB_REACH_SILENT),
                     SVB_REACH_SILENT);
    ck_assert_int_eq(svb_condition_set_reach(records, a, SVB_REACH_OK),
                     SVB_REACH_SILENT);
    ck_assert_int_eq(svb_condition_reach(records, a), SVB_REACH_OK);
    /* It is noted; what follows from it is not this one's business. */
    ck_assert_uint_eq(svb_records_epoch(records, a), epoch);
    ck_assert_int_eq(svb_condition_since(records, a), 0);
    /* Every node has a word of its own. */
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        svb_condition_set_reach(records, i, (svb_reach)(i % 3));
    }
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        ck_assert_int_eq(svb_condition_reach(records, i), i % 3);
        ck_assert_int_eq(svb_condition_heard(records, i), 0);
    }
}
END_TEST

START_TEST(heard)
{
    int a = svb_records_add(records, "servoy", "a");
    int b = svb_records_add(records, "servoy", "b");

    ck_assert_int_eq(svb_condition_heard(records, a), 0);
    svb_condition_hear(records, a, t0);
    ck_assert_int_eq(svb_condition_heard(records, a), t0);
    /* Rounded down, so that nothing counts for longer than it should. */
    svb_condition_hear(records, a, t0 + SEC(2) - 1);
    ck_assert_int_eq(svb_condition_heard(records, a), t0 + SEC(1));
    svb_condition_hear(records, a, t0 + SEC(2));
    ck_assert_int_eq(svb_condition_heard(records, a), t0 + SEC(2));
    /* One who has looked at the clock before is late with it. */
    svb_condition_hear(records, a, t0 + SEC(1));
    ck_assert_int_eq(svb_condition_heard(records, a), t0 + SEC(2));
    ck_assert_int_eq(svb_condition_heard(records, b), 0);
    ck_assert_int_eq(svb_condition_reach(records, a), SVB_REACH_OK);
}
END_TEST

static void reach_all(int worker)
{
    int node = svb_records_find(records, "servoy", "a");

    wait_for_all();
    board->results[worker][0] =
        (int)svb_condition_set_reach(records, node, SVB_REACH_SILENT);
    for (int i = 0; i < 1000; i++) {
        svb_condition_hear(records, node, t0 + SEC((i * (worker + 3)) % 1000));
    }
}

/* Who asks at the same time as others: one of them sees the change, and tells. */
START_TEST(one_finds_it_dead)
{
    int node = svb_records_add(records, "servoy", "a"), saw = 0;

    at_once(reach_all);
    for (int i = 0; i < WORKERS; i++) {
        saw += board->results[i][0] == SVB_REACH_OK;
    }
    ck_assert_int_eq(saw, 1);
    ck_assert_int_eq(svb_condition_reach(records, node), SVB_REACH_SILENT);
    ck_assert_int_ge(svb_condition_heard(records, node), t0 + SEC(990));
}
END_TEST

static void note_all(int worker)
{
    int node = svb_records_find(records, "servoy", "a");

    wait_for_all();
    board->results[worker][0] =
        svb_condition_note(records, node, (svb_state)7, t0);
}

START_TEST(one_sees_the_change)
{
    int node = svb_records_add(records, "servoy", "a"), saw = 0;

    svb_condition_note(records, node, (svb_state)1, t0);
    at_once(note_all);
    for (int i = 0; i < WORKERS; i++) {
        saw += board->results[i][0] != 7;
    }
    ck_assert_int_eq(saw, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("condition");
    TCase *tc = tcase_create("condition");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, states);
    tcase_add_test(tc, reach);
    tcase_add_test(tc, heard);
    tcase_add_test(tc, one_finds_it_dead);
    tcase_add_test(tc, one_sees_the_change);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
