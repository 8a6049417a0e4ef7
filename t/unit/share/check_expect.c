/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * expect: as many as may have happened, before and after.
 */
#include "share/expect.h"
#include "unit.h"

#define MS(n) apr_time_from_msec(n)

static const apr_time_t t0 = apr_time_from_sec(1796000000);

static svb_expect rush(int front_ends, unsigned each)
{
    return (svb_expect){.own = 1000 * each,
                        .others = 1000 * each * (unsigned)(front_ends - 1),
                        .before = 7000 * each,
                        .front_ends = front_ends - 1,
                        .heard = t0};
}

static int sum(svb_expect_turns t)
{
    return t.before + t.after;
}

START_TEST(a_rush)
{
    svb_expect e = rush(20, 10);
    svb_expect_turns turns = svb_expect_play(&e, t0 + MS(100));

    ck_assert_int_eq(turns.before, 7);
    ck_assert_int_eq(turns.after, 12);
    ck_assert_int_eq(sum(svb_expect_play(&e, t0 + MS(100))), 0);
    ck_assert_int_eq(sum(svb_expect_play(&e, t0 + MS(150))), 9);
    svb_expect_heard(&e, t0 + MS(160));
    ck_assert_int_eq(sum(svb_expect_play(&e, t0 + MS(161))), 0);
    ck_assert_int_eq(sum(svb_expect_play(&e, t0 + MS(260))), 19);
}
END_TEST

START_TEST(a_calm)
{
    svb_expect e = {.own = 200, .others = 800, .front_ends = 4, .heard = t0};

    ck_assert_int_eq(sum(svb_expect_play(&e, t0 + MS(300))), 0);
    ck_assert_int_eq(sum(svb_expect_play(&e, t0 - MS(300))), 0);
}
END_TEST

/* They do as we do, by what was last known of them. */
START_TEST(cut_off)
{
    svb_expect e = rush(20, 1), idle = {.front_ends = 2, .heard = t0};

    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(sum(svb_expect_play(&e, t0 + MS(5000))), 19);
        ck_assert_int_eq(sum(svb_expect_play(&idle, t0 + MS(5000))), 2);
    }
}
END_TEST

START_TEST(alone)
{
    svb_expect e = {.own = 5000, .heard = t0};

    ck_assert_int_eq(sum(svb_expect_play(&e, t0 + MS(100))), 0);
    ck_assert_int_eq(sum(svb_expect_play(&e, t0 + MS(9000))), 0);
}
END_TEST

/* Others elect, and we have not: no more than that. */
START_TEST(many_more_than_ours)
{
    svb_expect e = {.others = 4000000, .front_ends = 3, .heard = t0};

    ck_assert_int_eq(sum(svb_expect_play(&e, t0 + MS(100))), SVB_EXPECT_MOST);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("expect");
    TCase *tc = tcase_create("expect");

    tcase_add_test(tc, a_rush);
    tcase_add_test(tc, a_calm);
    tcase_add_test(tc, cut_off);
    tcase_add_test(tc, alone);
    tcase_add_test(tc, many_more_than_ours);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
