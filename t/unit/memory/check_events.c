/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * events: the latest come first and whole, however many have been added, by however
 * many processes, some of which were killed.
 */
#include <stdio.h>
#include <string.h>

#include "memory/events.h"
#include "workers.h"

static svb_events *events;
static svb_event list[SVB_EVENTS_MAX + 8];

static void setup(void)
{
    workers_setup();
    svb_events_open(&events, share(svb_events_size()), pool);
}

/* All of an event follows from its number, so that a mixture of two shows. */
static svb_event event_of(int n)
{
    svb_event e = {.time = n, .from = n + 1, .to = n + 2};

    snprintf(e.fleet, sizeof(e.fleet), "fleet%d", n);
    snprintf(e.route, sizeof(e.route), "node%d", n);
    memset(e.reason, 'a' + n % 26, SVB_REASON_MAX);
    return e;
}

static int number_of(const svb_event *e)
{
    return (int)e->time;
}

static void add(int n)
{
    svb_event e = event_of(n);

    svb_events_add(events, &e);
}

static void is_whole(const svb_event *e)
{
    svb_event expected = event_of(number_of(e));

    ck_assert_str_eq(e->fleet, expected.fleet);
    ck_assert_str_eq(e->route, expected.route);
    ck_assert_int_eq(e->from, expected.from);
    ck_assert_int_eq(e->to, expected.to);
    ck_assert_str_eq(e->reason, expected.reason);
}

START_TEST(newest_first)
{
    ck_assert_int_eq(svb_events_latest(events, list, 8), 0);
    ck_assert_uint_eq(svb_events_count(events), 0);
    add(1);
    add(2);
    add(3);
    ck_assert_int_eq(svb_events_latest(events, list, 8), 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(number_of(&list[i]), 3 - i);
        is_whole(&list[i]);
    }
    ck_assert_int_eq(svb_events_latest(events, list, 2), 2);
    ck_assert_int_eq(number_of(&list[1]), 2);
    ck_assert_int_eq(svb_events_latest(events, list, 0), 0);
}
END_TEST

START_TEST(the_oldest_go)
{
    const int all = 3 * SVB_EVENTS_MAX + 5;

    for (int n = 1; n <= all; n++) {
        add(n);
    }
    ck_assert_uint_eq(svb_events_count(events), all);
    ck_assert_int_eq(svb_events_latest(events, list, SVB_EVENTS_MAX + 8),
                     SVB_EVENTS_MAX);
    for (int i = 0; i < SVB_EVENTS_MAX; i++) {
        ck_assert_int_eq(number_of(&list[i]), all - i);
    }
}
END_TEST

/* Whoever opens the same memory again finds what there was, as after a restart. */
START_TEST(reopened)
{
    void *mem = share(svb_events_size());
    svb_events *again;

    svb_events_open(&events, mem, pool);
    add(7);
    svb_events_open(&again, mem, pool);
    ck_assert_int_eq(svb_events_latest(again, list, 8), 1);
    is_whole(&list[0]);
}
END_TEST

/* Changes of states are counted for ever; nothing else is. */
START_TEST(counted_by_state)
{
    svb_event e = {.from = 1, .to = 10, .kind = SVB_EVENT_STATE};

    for (int n = 0; n < 2 * SVB_EVENTS_MAX; n++) {
        svb_events_add(events, &e);
    }
    e.kind = SVB_EVENT_ACTION;
    svb_events_add(events, &e);
    e.kind = SVB_EVENT_STATE;
    e.to = -1;
    svb_events_add(events, &e);
    e.to = SVB_EVENTS_STATES;
    svb_events_add(events, &e);
    svb_events_add_server(events, "server started", "", 1, 1);
    ck_assert_uint_eq(svb_events_to_state(events, 10), 2 * SVB_EVENTS_MAX);
    for (int i = 0; i < SVB_EVENTS_STATES; i++) {
        ck_assert(i == 10 || svb_events_to_state(events, i) == 0);
    }
}
END_TEST

/* What goes on and off leaves room for others. */
START_TEST(servers_do_not_flood)
{
    const apr_time_t t0 = apr_time_from_sec(1796000000);

    for (int i = 0; i < 1000; i++) {
        apr_time_t now = t0 + apr_time_from_sec(i);

        svb_events_add_server(events, "store lost", ": no answer",
                              apr_time_from_sec(300), now);
        svb_events_add_server(events, "store back", "", apr_time_from_sec(300),
                              now);
    }
    ck_assert_uint_eq(svb_events_count(events), 8);
    ck_assert_int_eq(svb_events_latest(events, list, 8), 8);
    ck_assert_str_eq(list[0].reason, "store back");
    ck_assert_str_eq(list[1].reason, "store lost: no answer");
    ck_assert_int_eq(list[1].kind, SVB_EVENT_SERVER);
    ck_assert_int_eq(list[1].to, -1);
    ck_assert_str_eq(list[1].fleet, "");
    ck_assert_int_eq(list[1].time, t0 + apr_time_from_sec(900));
    /* a clock that was set back: told again */
    svb_events_add_server(events, "store back", "", apr_time_from_sec(300), t0);
    ck_assert_uint_eq(svb_events_count(events), 9);
}
END_TEST

static void add_for_ever(int worker)
{
    wait_for_all();
    for (int n = worker;; n++) {
        add(n);
    }
}

static int events_read;

static void look_at_events(void)
{
    int n = svb_events_latest(events, list, 32);

    for (int i = 0; i < n; i++) {
        is_whole(&list[i]);
    }
    events_read += n;
}

/* Those who write may be killed at any instruction: what is read is whole, and those
 * who come after them add theirs. */
START_TEST(killed_writers)
{
    for (int round = 0; round < 40; round++) {
        killed_at_work(add_for_ever, look_at_events);
        add(round);
        ck_assert_int_ge(svb_events_latest(events, list, 1), 1);
        ck_assert_int_eq(number_of(&list[0]), round);
    }
    ck_assert_int_gt(events_read, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("events");
    TCase *tc = tcase_create("events");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, newest_first);
    tcase_add_test(tc, the_oldest_go);
    tcase_add_test(tc, reopened);
    tcase_add_test(tc, counted_by_state);
    tcase_add_test(tc, servers_do_not_flood);
    tcase_add_test(tc, killed_writers);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
