/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * history: what is told of the past is what was, with nothing where nobody looked; and a
 * sample that somebody died over is taken by the next.
 */
#include <string.h>

#include "memory/history.h"
#include "stepping.h"
#include "workers.h"

#define SEC(n) apr_time_from_sec(n)
#define MIN(n) SEC(60 * (n))

/* Begins a step of the week. */
static const apr_time_t t0 = SEC(1796000400);

static void *mem;
static svb_records *records;
static svb_history *history;
static int node, fleet;
static unsigned hour[SVB_HISTORY_HOUR], week[SVB_HISTORY_WEEK];

static void setup(void)
{
    workers_setup();
    ck_assert_int_eq(t0 % SVB_HISTORY_WEEK_STEP, 0);
    svb_records_open(&records, share(svb_records_size()), pool);
    mem = share(svb_history_size());
    svb_history_open(&history, mem, pool);
    node = svb_records_add(records, "servoy", "s1");
    fleet = svb_records_fleet(records, "servoy");
}

static void grow(int clients)
{
    svb_records_clients_add(records, node, svb_records_epoch(records, node),
                            SVB_KIND_WEB, clients);
}

static void take(apr_time_t at)
{
    svb_history_take(history, records, at);
}

static int hour_at(apr_time_t at)
{
    return svb_history_hour(history, records, node, at, hour);
}

static svb_history_recent recent_at(apr_time_t at)
{
    return svb_history_recent_of(history, records, fleet, at);
}

START_TEST(one_sample_a_step)
{
    ck_assert_int_eq(hour_at(t0), 0);
    grow(3);
    take(t0);
    grow(1);
    take(t0 + SEC(29)); /* has its sample */
    ck_assert_int_eq(hour_at(t0 + SEC(29)), 1);
    ck_assert_uint_eq(hour[0], 3);
    take(t0 + SEC(31));
    ck_assert_int_eq(hour_at(t0 + SEC(31)), 2);
    ck_assert_uint_eq(hour[0], 3);
    ck_assert_uint_eq(hour[1], 4);
    /* not taken yet: told up to the one before */
    ck_assert_int_eq(hour_at(t0 + SEC(61)), 2);
    ck_assert_int_eq(
        svb_history_week(history, records, node, t0 + SEC(61), week), 1);
    ck_assert_uint_eq(week[0], 3);
}
END_TEST

START_TEST(the_last_hour)
{
    for (int i = 0; i < 500; i++) {
        take(t0 + SEC(30 * i));
        grow(1);
    }
    ck_assert_int_eq(hour_at(t0 + SEC(30 * 499)), SVB_HISTORY_HOUR);
    for (int i = 0; i < SVB_HISTORY_HOUR; i++) {
        ck_assert_uint_eq(hour[i], 380 + i);
    }
}
END_TEST

START_TEST(the_last_week)
{
    for (int i = 0; i < 2000; i++) {
        take(t0 + MIN(10 * i));
        grow(1);
    }
    ck_assert_int_eq(
        svb_history_week(history, records, node, t0 + MIN(10 * 1999), week),
        SVB_HISTORY_WEEK);
    for (int i = 0; i < SVB_HISTORY_WEEK; i++) {
        ck_assert_uint_eq(week[i], 2000 - SVB_HISTORY_WEEK + i);
    }
}
END_TEST

START_TEST(a_gap)
{
    grow(5);
    take(t0);
    take(t0 + MIN(30));
    ck_assert_int_eq(hour_at(t0 + MIN(30)), 61);
    for (int i = 0; i < 61; i++) {
        ck_assert_uint_eq(hour[i], i == 0 || i == 60 ? 5 : 0);
    }
    /* one of days: what the places have is of before */
    for (int i = 0; i < SVB_HISTORY_HOUR_PLACES; i++) {
        take(t0 + MIN(60) + SEC(30 * i));
    }
    take(t0 + MIN(3 * 24 * 60));
    ck_assert_int_eq(hour_at(t0 + MIN(3 * 24 * 60)), SVB_HISTORY_HOUR);
    for (int i = 0; i < SVB_HISTORY_HOUR; i++) {
        ck_assert_uint_eq(hour[i], i == SVB_HISTORY_HOUR - 1 ? 5 : 0);
    }
}
END_TEST

START_TEST(more_than_fit)
{
    grow(70000);
    take(t0);
    ck_assert_int_eq(hour_at(t0), 1);
    ck_assert_uint_eq(hour[0], 65535);
}
END_TEST

/* A node that comes later has its first sample at once, and none before. */
START_TEST(new_node)
{
    int other;

    take(t0);
    take(t0 + SEC(30));
    other = svb_records_add(records, "servoy", "s2");
    take(t0 + SEC(31));
    ck_assert_int_eq(
        svb_history_hour(history, records, other, t0 + SEC(31), hour), 1);
    take(t0 + SEC(60));
    ck_assert_int_eq(
        svb_history_hour(history, records, other, t0 + SEC(60), hour), 2);
}
END_TEST

static void errors(int n)
{
    while (n-- > 0) {
        svb_records_count(records, node, SVB_CTR_ERRORS);
    }
}

static apr_uint64_t errors_at(apr_time_t at)
{
    return svb_history_errors(history, records, node, at);
}

START_TEST(recent_errors)
{
    ck_assert_uint_eq(errors_at(t0), 0);
    errors(7);
    take(t0);
    ck_assert_uint_eq(errors_at(t0), 0);
    errors(2);
    ck_assert_uint_eq(errors_at(t0 + SEC(1)), 2); /* at once */
    for (int i = 1; i <= 10; i++) {
        take(t0 + SEC(30 * i));
        ck_assert_uint_eq(errors_at(t0 + SEC(30 * i)), 2);
    }
    take(t0 + SEC(330));
    ck_assert_uint_eq(errors_at(t0 + SEC(330)), 0);
    errors(3);
    svb_records_set_counter(records, node, SVB_CTR_ERRORS, 0); /* reset */
    ck_assert_uint_eq(errors_at(t0 + SEC(331)), 0);
    take(t0 + SEC(360));
    errors(1);
    ck_assert_uint_eq(errors_at(t0 + SEC(361)), 1);
}
END_TEST

static void begin(int n)
{
    while (n-- > 0) {
        svb_records_count(records, node, SVB_CTR_ELECTED);
    }
}

START_TEST(fleets)
{
    ck_assert(recent_at(t0).begun_before < 0);
    take(t0);
    svb_records_fleet_count(records, fleet, SVB_FLEET_REFUSED);
    svb_records_fleet_count(records, fleet, SVB_FLEET_MOVED);
    begin(10);
    ck_assert_uint_eq(recent_at(t0 + SEC(1)).refused, 1);
    ck_assert_uint_eq(recent_at(t0 + SEC(1)).moved, 1);
    ck_assert(recent_at(t0 + SEC(1)).begun == 2);
    ck_assert(recent_at(t0 + SEC(1)).begun_before < 0);
    for (int i = 1; i <= 130; i++) {
        take(t0 + SEC(30 * i));
        begin(i == 129 ? 5 : 0);
    }
    ck_assert_uint_eq(recent_at(t0 + SEC(30 * 130)).refused, 0);
    ck_assert_uint_eq(recent_at(t0 + SEC(30 * 130)).moved, 0);
    ck_assert(recent_at(t0 + SEC(30 * 130)).begun == 1);
    ck_assert(recent_at(t0 + SEC(30 * 130)).begun_before == 2);
    ck_assert(svb_history_recent_of(history, records,
                                    svb_records_fleet(records, "none"), t0)
                  .begun_before
              < 0);
}
END_TEST

/* A clock that was set back, and forward again. */
START_TEST(clocks)
{
    grow(2);
    take(t0);
    take(t0 - MIN(120));
    ck_assert_int_eq(hour_at(t0 - MIN(120)), 0); /* begins later */
    take(t0 + SEC(30));
    ck_assert_int_eq(hour_at(t0 + SEC(30)), 2);
    ck_assert_uint_eq(hour[1], 2);
    take(0);
    take(-5);
    ck_assert_int_eq(hour_at(0), 0);
}
END_TEST

/* Killed at any instruction while it takes a sample: the next one takes it. */
START_TEST(killed)
{
    void *copy = share(svb_history_size());
    svb_history *real = history;
    long steps = 0;
    pid_t pid;

    grow(4);
    take(t0);
    grow(1);
    pid = traced();
    if (pid == 0) {
        raise(SIGSTOP);
        take(t0 + SEC(30));
        raise(SIGSTOP);
        _exit(0);
    }
    if (!stopped(pid)) {
        return; /* no ptrace here */
    }
    while (step(pid)) {
        if (steps++ % 997 == 0) {
            memcpy(copy, mem, svb_history_size());
            svb_history_open(&history, copy, pool);
            REQUIRE(hour_at(t0 + SEC(30)) >= 1 && hour[0] == 4);
            take(t0 + SEC(31));
            REQUIRE(hour_at(t0 + SEC(31)) == 2 && hour[0] == 4 && hour[1] == 5);
            history = real;
        }
    }
    ck_assert_int_gt(steps, 1000);
    ck_assert_int_eq(hour_at(t0 + SEC(30)), 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("history");
    TCase *tc = tcase_create("history");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, one_sample_a_step);
    tcase_add_test(tc, the_last_hour);
    tcase_add_test(tc, the_last_week);
    tcase_add_test(tc, a_gap);
    tcase_add_test(tc, more_than_fit);
    tcase_add_test(tc, new_node);
    tcase_add_test(tc, recent_errors);
    tcase_add_test(tc, fleets);
    tcase_add_test(tc, clocks);
    tcase_add_test(tc, killed);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
