/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * probe: asking many at once, with few descriptors left, while signals come.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "servers.h"

/* More than are asked at once. */
#define MANY 300

/* --- many --- */

START_TEST(nobody_to_ask)
{
    int before = open_files();

    svb_probe_run(pool, NULL, 0, LONG);
    ck_assert_int_eq(open_files(), before);
}
END_TEST

START_TEST(all_kinds_at_once)
{
    static server good;

    good = (server){.answer = cpong, .len = sizeof(cpong), .hang_up = 1};
    static server bad;

    bad = (server){.answer = "HTTP/1.1 400 \r\n\r\n", .len = 17, .hang_up = 1};
    int closed = bound("127.0.0.1"), silent = listening("127.0.0.1", 8);
    svb_probe probes[6];

    start(&good);
    start(&bad);
    probes[0] = probe_of(silent, 1);
    probes[1] = probe_of(good.fd, 1);
    probes[2] = probe_of(closed, 1);
    probes[3] = probe_of(bad.fd, 1);
    probes[4] = probe_of(silent, 0);
    probes[5] = probe_of(closed, 0);
    svb_probe_run(pool, probes, 6, apr_time_from_sec(3));
    ck_assert_int_eq(probes[0].reach, SVB_REACH_SILENT);
    ck_assert_int_eq(probes[1].reach, SVB_REACH_OK);
    ck_assert_int_eq(probes[2].reach, SVB_REACH_REFUSED);
    ck_assert_int_eq(probes[3].reach, SVB_REACH_SILENT);
    ck_assert_int_eq(probes[4].reach, SVB_REACH_OK);
    ck_assert_int_eq(probes[5].reach, SVB_REACH_REFUSED);
}
END_TEST

START_TEST(more_than_are_asked_at_once)
{
    static server good;

    good = (server){.answer = cpong, .len = sizeof(cpong), .hang_up = 1};
    int closed = bound("127.0.0.1"), before, i;
    static svb_probe probes[MANY + 1];

    start(&good);
    for (i = 0; i < MANY; i++) {
        probes[i] = probe_of(i % 3 ? good.fd : closed, 1);
    }
    probes[MANY].reach = 77;
    before = open_files();
    svb_probe_run(pool, probes, MANY, LONG);
    for (i = 0; i < MANY; i++) {
        ck_assert_int_eq(probes[i].reach,
                         i % 3 ? SVB_REACH_OK : SVB_REACH_REFUSED);
    }
    ck_assert_int_eq(probes[MANY].reach, 77);
    wait_served(&good, MANY / 3 * 2);
    ck_assert_int_eq(open_files(), before);
}
END_TEST

/* Side by side, so that many who are silent cost no more time than one, but for
 * those who have to wait for their turn. */
START_TEST(many_who_are_silent)
{
    static server mute;

    mute = (server){.len = 0};
    static svb_probe probes[MANY];
    apr_time_t began, took;

    start(&mute);
    for (int i = 0; i < MANY; i++) {
        probes[i] = probe_of(mute.fd, 1);
    }
    began = apr_time_now();
    svb_probe_run(pool, probes, MANY, MSEC(500));
    took = apr_time_now() - began;
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(probes[i].reach, SVB_REACH_SILENT);
    }
    ck_assert_int_ge(took, MSEC(995));
    ck_assert_int_lt(took, MSEC(1000) + apr_time_from_sec(10));
}
END_TEST

/* --- when it cannot ask --- */

/* From the lowest number that is free on, there are none but some.
 * @return what there was before */
static rlim_t leave_descriptors(int some)
{
    int next = dup(0);
    struct rlimit limit;
    rlim_t before;

    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)(next + some);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

static void restore_descriptors(rlim_t before)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = before;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(no_descriptors)
{
    int closed = bound("127.0.0.1"), open = listening("127.0.0.1", 8);
    svb_probe probes[3] = {probe_of(open, 0), probe_of(closed, 0),
                           probe_of(open, 1)};
    apr_time_t began = apr_time_now();
    rlim_t before = leave_descriptors(_i);

    svb_probe_run(pool, probes, 3, LONG);
    restore_descriptors(before);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(probes[i].reach, SVB_REACH_UNKNOWN);
    }
    ck_assert_int_lt(apr_time_now() - began, LONG / 2);
}
END_TEST

/* Those for whom they suffice are asked all the same. */
START_TEST(too_few_descriptors)
{
    int open = listening("127.0.0.1", 32), found[2] = {0, 0}, next;
    svb_probe probes[12];
    rlim_t before;

    for (int i = 0; i < 12; i++) {
        probes[i] = probe_of(open, 1);
    }
    next = dup(0);
    close(next);
    before = leave_descriptors(6);
    svb_probe_run(pool, probes, 12, MSEC(300));
    restore_descriptors(before);
    for (int i = 0; i < 12; i++) {
        ck_assert(probes[i].reach == SVB_REACH_SILENT
                  || probes[i].reach == SVB_REACH_UNKNOWN);
        found[probes[i].reach == SVB_REACH_UNKNOWN]++;
    }
    ck_assert_int_ge(found[0], 1);
    ck_assert_int_ge(found[1], 6);
    /* None was lost over it. */
    ck_assert_int_eq(dup(0), next);
}
END_TEST

static void nothing(int sig)
{
    (void)sig;
}

START_TEST(interrupted_by_signals)
{
    struct itimerval often = {.it_interval = {.tv_usec = 5000},
                              .it_value = {.tv_usec = 5000}};
    struct sigaction action = {.sa_handler = nothing};
    int fd = listening("127.0.0.1", 8);
    apr_time_t began = apr_time_now();

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    ck_assert_int_eq(ask(fd, 1, MSEC(300)), SVB_REACH_SILENT);
    ck_assert_int_ge(apr_time_now() - began, MSEC(295));
    ck_assert_int_eq(ask(fd, 0, LONG), SVB_REACH_OK);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("probe_many");
    TCase *tc = tcase_create("probe_many");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, nobody_to_ask);
    tcase_add_test(tc, all_kinds_at_once);
    tcase_add_test(tc, more_than_are_asked_at_once);
    tcase_add_test(tc, many_who_are_silent);
    tcase_add_loop_test(tc, no_descriptors, 0, 2);
    tcase_add_test(tc, too_few_descriptors);
    tcase_add_test(tc, interrupted_by_signals);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
