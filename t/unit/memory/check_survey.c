/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What is known of clients who are about to go: how many have something open, how many
 * are idle, and when the last one is gone if nobody comes back.
 */
#include "memory/survey.h"
#include "table.h"

static svb_survey *survey;

static void begin(void)
{
    setup(1000);
    survey = svb_survey_make(pool);
}

static unsigned word_of(int i, svb_word word)
{
    return (unsigned)svb_records_get(records, nodes[i], word);
}

static void hold(apr_uint64_t id, int i)
{
    svb_held held = {.id = id, .node = nodes[i]};

    svb_survey_add(survey, &held);
}

START_TEST(each_client_once)
{
    for (apr_uint64_t id = 1; id <= 500; id++) {
        hold(id % 100 + 1, 0);
    }
    hold(7, 1);
    svb_survey_end(survey, records);
    ck_assert_uint_eq(word_of(0, SVB_WORD_HELD), 100);
    ck_assert_uint_eq(word_of(1, SVB_WORD_HELD), 1);
    ck_assert_uint_eq(word_of(2, SVB_WORD_HELD), 0);
    svb_survey_end(survey, records);
    ck_assert_uint_eq(word_of(0, SVB_WORD_HELD), 0);
    ck_assert_uint_eq(word_of(1, SVB_WORD_HELD), 0);
}
END_TEST

static void sweep(apr_time_t now)
{
    svb_clients_begin_pass(table);
    ck_assert(svb_clients_sweep(table, ALL, now));
}

static apr_time_t until(int i)
{
    return (apr_time_t)svb_records_get(records, nodes[i], SVB_WORD_LAST_UNTIL);
}

START_TEST(idle_and_last)
{
    svb_clients_put(table, id_of(1), nodes[0], SVB_KIND_WEB, t0);
    svb_clients_put(table, id_of(2), nodes[0], SVB_KIND_ASSUMED, t0);
    svb_clients_put(table, id_of(3), nodes[0], SVB_KIND_WEB, t0 + SEC(300));
    svb_clients_put(table, id_of(4), nodes[1], SVB_KIND_SMART, t0);
    svb_clients_put(table, id_of(5), nodes[2], SVB_KIND_WINDOWED, t0);
    svb_clients_put(table, id_of(6), nodes[3], SVB_KIND_REMEMBERED, t0);
    sweep(t0 + SEC(1));
    ck_assert_uint_eq(word_of(0, SVB_WORD_IDLE), 0);
    ck_assert_int_eq(until(0), t0 + SEC(300 + 1800 + 1));
    ck_assert_int_eq(until(1), t0 + SEC(8 * 3600 + 1));
    ck_assert_int_eq(until(2), t0 + SEC(90 + 1));
    ck_assert_int_eq(until(3), 0);
    sweep(t0 + SEC(600));
    ck_assert_uint_eq(word_of(0, SVB_WORD_IDLE), 2);
    ck_assert_uint_eq(word_of(1, SVB_WORD_IDLE), 0); /* no web client */
    ck_assert_uint_eq(word_of(2, SVB_WORD_IDLE), 0); /* ended */
    /* by then they are gone, and not before */
    sweep(t0 + SEC(300 + 1800));
    ck_assert_uint_eq(svb_records_clients_all(records, nodes[0]), 1);
    sweep(until(0));
    ck_assert_uint_eq(svb_records_clients_all(records, nodes[0]), 0);
    ck_assert_int_eq(until(0), 0);
}
END_TEST

/* In slices: what was found last stands until all was seen. */
START_TEST(in_slices)
{
    for (unsigned i = 0; i < 500; i++) {
        svb_clients_put(table, id_of(i), nodes[0], SVB_KIND_WEB, t0);
    }
    sweep(t0 + SEC(601));
    ck_assert_uint_eq(word_of(0, SVB_WORD_IDLE), 500);
    for (unsigned i = 0; i < 250; i++) {
        svb_clients_touch(table, id_of(i), t0 + SEC(602));
    }
    while (!svb_clients_sweep(table, 10, t0 + SEC(602))) {
        ck_assert_uint_eq(word_of(0, SVB_WORD_IDLE), 500);
    }
    ck_assert_uint_eq(word_of(0, SVB_WORD_IDLE), 250);
}
END_TEST

static apr_interval_time_t for_ever(void *baton, int node, svb_kind kind)
{
    (void)baton, (void)node, (void)kind;
    return -1;
}

START_TEST(no_end)
{
    svb_clients_set_timeout(table, for_ever, NULL);
    svb_clients_put(table, id_of(1), nodes[0], SVB_KIND_WEB, t0);
    sweep(t0 + SEC(1));
    ck_assert_int_eq(until(0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("survey");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, begin, pool_teardown);
    tcase_add_test(tc, each_client_once);
    tcase_add_test(tc, idle_and_last);
    tcase_add_test(tc, in_slices);
    tcase_add_test(tc, no_end);
    return unit_run(srunner_create(suite));
}
