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
    svb_contest_node node = {record, weight, up_since};
    svb_score_candidate cand;

    memset(&cand, 0x5a, sizeof(cand));
    svb_contest_candidate(c, &node, &cand);
    return cand;
}

static svb_score_candidate seen(const svb_contest *c, int record, double weight)
{
    return seen_since(c, record, weight, 0);
}

static void join(svb_contest *c, int record, double weight, apr_time_t up_since)
{
    svb_contest_node node = {record, weight, up_since};

    svb_contest_join(c, &node);
}

START_TEST(load_and_turn)
{
    svb_contest c = {.records = records, .now = t0};

    ck_assert_double_eq(seen(&c, a, 2).load, 0.5);
    ck_assert_uint_eq(seen(&c, a, 2).last_turn, 0);
    for (int kind = 0; kind < SVB_KINDS; kind++) {
        svb_records_clients_add(records, a, 0, kind, kind + 1);
    }
    svb_contest_won(&c, a);
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
    ck_assert_double_eq(c.share_all, 3.5);
}
END_TEST

START_TEST(brake)
{
    svb_contest c = {.records = records, .now = t0, .catch_up = 2};

    for (int i = 0; i < 9; i++) {
        svb_contest_won(&c, a);
    }
    svb_contest_won(&c, b);
    join(&c, a, 1, 0);
    join(&c, b, 3, 0);
    ck_assert_double_eq(c.recent_all, 10);
    ck_assert_double_eq(c.share_all, 4);
    ck_assert(seen(&c, a, 1).braked);
    ck_assert(!seen(&c, b, 3).braked);
    c.catch_up = 0;
    ck_assert(!seen(&c, a, 1).braked);
    /* two minutes later that is forgotten, for all but a quarter */
    c = (svb_contest){.records = records, .now = t0 + SEC(120), .catch_up = 2};
    join(&c, a, 1, 0);
    join(&c, b, 3, 0);
    ck_assert_double_eq(c.recent_all, 2.5);
    ck_assert(!seen(&c, a, 1).braked);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("svb_contest");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, load_and_turn);
    tcase_add_test(tc, slow_start);
    tcase_add_test(tc, brake);
    suite_add_tcase(s, tc);
    return unit_run(srunner_create(s));
}
