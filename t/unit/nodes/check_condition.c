/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * condition: its two tables, cell by cell, and what a node may in each state.
 */
#include <string.h>

#include "nodes/condition.h"
#include "workers.h"

#define SEC(n) apr_time_from_sec(n)
#define RETRY 30

static const apr_time_t t0 = SEC(1796000000);
static const svb_rules rules = {SEC(RETRY), 3, SEC(60)};

static svb_records *records;
static int node;

static void setup(void)
{
    workers_setup();
    svb_records_open(&records, share(svb_records_size()), pool);
    node = svb_records_add(records, "servoy", "b");
}

/* A mask of so many members. */
static unsigned mask(int members)
{
    return (1u << members) - 1;
}

static svb_seen see(int members)
{
    svb_seen seen;

    svb_condition_see(records, node, mask(members), &seen);
    return seen;
}

static int reached(int slot, svb_reach reach, int members, apr_time_t now)
{
    return svb_condition_reached(records, node, slot, reach, mask(members),
                                 now);
}

static int met(svb_met what, unsigned status, apr_time_t others, apr_time_t now)
{
    return svb_condition_met(records, node, what, status, others, &rules, now);
}

/* ------------------------------------------------------------- the connection */

/* Every combination of what two members can be. */
START_TEST(levels)
{
    static const svb_reach kinds[] = {SVB_REACH_OK, SVB_REACH_SILENT,
                                      SVB_REACH_REFUSED, SVB_REACH_DOUBTFUL};
    static const svb_level expected[4][4] = {
        {SVB_LEVEL_ANSWERS, SVB_LEVEL_DEGRADED, SVB_LEVEL_DEGRADED,
         SVB_LEVEL_ANSWERS},
        {SVB_LEVEL_DEGRADED, SVB_LEVEL_SILENT, SVB_LEVEL_SILENT,
         SVB_LEVEL_DEGRADED},
        {SVB_LEVEL_DEGRADED, SVB_LEVEL_SILENT, SVB_LEVEL_GONE,
         SVB_LEVEL_DEGRADED},
        {SVB_LEVEL_ANSWERS, SVB_LEVEL_DEGRADED, SVB_LEVEL_DEGRADED,
         SVB_LEVEL_ANSWERS},
    };

    for (int a = 0; a < 4; a++) {
        for (int b = 0; b < 4; b++) {
            reached(0, SVB_REACH_OK, 2, t0);
            reached(1, SVB_REACH_OK, 2, t0);
            reached(0, kinds[a], 2, t0);
            reached(1, kinds[b], 2, t0);
            ck_assert_int_eq(see(2).level, expected[a][b]);
            ck_assert_int_eq(see(2).members[0], kinds[a]);
            ck_assert_int_eq(see(2).members[1], kinds[b]);
        }
    }
}
END_TEST

START_TEST(gone_and_back)
{
    ck_assert_int_eq(see(2).level, SVB_LEVEL_ANSWERS);
    ck_assert_int_eq(see(2).level_since, 0);
    ck_assert_int_eq(reached(0, SVB_REACH_REFUSED, 2, t0), SVB_CHANGED);
    ck_assert_int_eq(see(2).level_since, t0);
    ck_assert_int_eq(reached(0, SVB_REACH_REFUSED, 2, t0 + SEC(1)), 0);
    ck_assert_int_eq(see(2).level_since, t0);
    ck_assert_int_eq(reached(1, SVB_REACH_REFUSED, 2, t0 + SEC(2)),
                     SVB_CHANGED | SVB_HAS_LOST);
    /* Once is enough. */
    ck_assert_int_eq(reached(1, SVB_REACH_REFUSED, 2, t0 + SEC(3)), 0);
    ck_assert_int_eq(
        svb_condition_tick(records, node, mask(2), &rules, t0 + SEC(90)), 0);
    ck_assert_int_eq(see(2).level_since, t0 + SEC(2));
    ck_assert_int_eq(reached(1, SVB_REACH_OK, 2, t0 + SEC(4)), SVB_CHANGED);
    ck_assert_int_eq(see(2).level, SVB_LEVEL_DEGRADED);
    ck_assert_int_eq(reached(0, SVB_REACH_OK, 2, t0 + SEC(5)), SVB_CHANGED);
    ck_assert_int_eq(see(2).level, SVB_LEVEL_ANSWERS);
    /* And again: it has clients to lose again. */
    reached(0, SVB_REACH_REFUSED, 2, t0 + SEC(6));
    ck_assert_int_eq(reached(1, SVB_REACH_REFUSED, 2, t0 + SEC(6)),
                     SVB_CHANGED | SVB_HAS_LOST);
}
END_TEST

START_TEST(silent_for_too_long)
{
    ck_assert_int_eq(reached(0, SVB_REACH_SILENT, 1, t0), SVB_CHANGED);
    ck_assert_int_eq(
        svb_condition_tick(records, node, mask(1), &rules, t0 + SEC(59)), 0);
    ck_assert_int_eq(
        svb_condition_tick(records, node, mask(1), &rules, t0 + SEC(60)),
        SVB_HAS_LOST);
    ck_assert_int_eq(
        svb_condition_tick(records, node, mask(1), &rules, t0 + SEC(61)), 0);
    ck_assert_int_eq(see(1).level, SVB_LEVEL_SILENT);
    /* It has none any more that it could lose by being gone. */
    ck_assert_int_eq(reached(0, SVB_REACH_REFUSED, 1, t0 + SEC(70)),
                     SVB_CHANGED);
    ck_assert_int_eq(see(1).level, SVB_LEVEL_GONE);
    ck_assert_int_eq(reached(0, SVB_REACH_SILENT, 1, t0 + SEC(80)),
                     SVB_CHANGED);
}
END_TEST

START_TEST(silent_for_a_while)
{
    reached(0, SVB_REACH_SILENT, 1, t0);
    ck_assert_int_eq(reached(0, SVB_REACH_OK, 1, t0 + SEC(50)), SVB_CHANGED);
    reached(0, SVB_REACH_SILENT, 1, t0 + SEC(55));
    ck_assert_int_eq(
        svb_condition_tick(records, node, mask(1), &rules, t0 + SEC(100)), 0);
    ck_assert_int_eq(
        svb_condition_tick(records, node, mask(1), &rules, t0 + SEC(115)),
        SVB_HAS_LOST);
}
END_TEST

/* The clock is set back: a minute of silence is one from then on, no hour. */
START_TEST(silent_and_the_clock_set_back)
{
    reached(0, SVB_REACH_SILENT, 1, t0);
    ck_assert_int_eq(
        svb_condition_tick(records, node, mask(1), &rules, t0 - SEC(3600)), 0);
    ck_assert_int_eq(
        svb_condition_tick(records, node, mask(1), &rules, t0 - SEC(3600 - 59)),
        0);
    ck_assert_int_eq(
        svb_condition_tick(records, node, mask(1), &rules, t0 - SEC(3600 - 60)),
        SVB_HAS_LOST);
}
END_TEST

START_TEST(never_forgotten)
{
    const svb_rules off = {SEC(RETRY), 3, 0};

    reached(0, SVB_REACH_SILENT, 1, t0);
    ck_assert_int_eq(
        svb_condition_tick(records, node, mask(1), &off, t0 + SEC(86400)), 0);
}
END_TEST

/* A request that could not be sent raises a doubt, and no more; nor does it hide
 * what is known already. */
START_TEST(doubts)
{
    ck_assert_int_eq(reached(0, SVB_REACH_DOUBTFUL, 1, t0), 0);
    ck_assert_int_eq(see(1).level, SVB_LEVEL_ANSWERS);
    ck_assert_int_eq(see(1).members[0], SVB_REACH_DOUBTFUL);
    ck_assert_int_eq(reached(0, SVB_REACH_REFUSED, 1, t0),
                     SVB_CHANGED | SVB_HAS_LOST);
    ck_assert_int_eq(reached(0, SVB_REACH_DOUBTFUL, 1, t0), 0);
    ck_assert_int_eq(see(1).members[0], SVB_REACH_REFUSED);
}
END_TEST

START_TEST(more_members_than_are_judged)
{
    int members = SVB_CONDITION_MEMBERS + 1; /* the last bit: there are more */

    ck_assert_int_eq(reached(-1, SVB_REACH_REFUSED, members, t0), 0);
    ck_assert_int_eq(
        reached(SVB_CONDITION_MEMBERS, SVB_REACH_REFUSED, members, t0), 0);
    for (int slot = 0; slot < SVB_CONDITION_MEMBERS; slot++) {
        reached(slot, SVB_REACH_REFUSED, members, t0);
    }
    ck_assert_int_eq(see(members).level, SVB_LEVEL_DEGRADED);
    ck_assert_int_eq(reached(0, SVB_REACH_UNKNOWN, members, t0), 0);
    ck_assert_int_eq(see(members).members[0], SVB_REACH_REFUSED);
}
END_TEST

START_TEST(in_words)
{
    ck_assert_str_eq(svb_condition_reach_text(SVB_REACH_REFUSED),
                     "connection refused by");
    ck_assert_str_eq(svb_condition_reach_text(SVB_REACH_SILENT),
                     "no answer from");
    ck_assert(*svb_condition_reach_text(SVB_REACH_UNKNOWN));
}
END_TEST

static void refuse_all(int worker)
{
    wait_for_all();
    board->results[worker][0] = reached(0, SVB_REACH_REFUSED, 1, t0);
}

/* Of all who find it out at once, one forgets its clients. */
START_TEST(one_finds_it_gone)
{
    int lost = 0;

    at_once(refuse_all);
    for (int i = 0; i < WORKERS; i++) {
        lost += (board->results[i][0] & SVB_HAS_LOST) != 0;
    }
    ck_assert_int_eq(lost, 1);
}
END_TEST

/* ---------------------------------------------------------------- the service */

static void be(svb_service service)
{
    met(SVB_MET_ENABLED, 0, 0, t0);
    if (service == SVB_SERVICE_MAINTENANCE) {
        met(SVB_MET_REFUSAL, 0, 0, t0);
    }
    for (int i = 0; service == SVB_SERVICE_SUSPECT && i < 3; i++) {
        met(SVB_MET_FAILURE, 403, t0, t0);
    }
    ck_assert_int_eq(see(1).service, service);
}

/* The table of the header, but for the failures of one that is fine. */
START_TEST(every_cell)
{
    static const struct {
        svb_service before;
        svb_met what;
        svb_service after;
    } cells[] = {
        {SVB_SERVICE_FINE, SVB_MET_SESSION, SVB_SERVICE_FINE},
        {SVB_SERVICE_FINE, SVB_MET_REFUSAL, SVB_SERVICE_MAINTENANCE},
        {SVB_SERVICE_FINE, SVB_MET_FAILURE, SVB_SERVICE_FINE},
        {SVB_SERVICE_FINE, SVB_MET_ENABLED, SVB_SERVICE_FINE},
        {SVB_SERVICE_SUSPECT, SVB_MET_SESSION, SVB_SERVICE_FINE},
        {SVB_SERVICE_SUSPECT, SVB_MET_REFUSAL, SVB_SERVICE_MAINTENANCE},
        {SVB_SERVICE_SUSPECT, SVB_MET_FAILURE, SVB_SERVICE_SUSPECT},
        {SVB_SERVICE_SUSPECT, SVB_MET_ENABLED, SVB_SERVICE_FINE},
        {SVB_SERVICE_MAINTENANCE, SVB_MET_SESSION, SVB_SERVICE_FINE},
        {SVB_SERVICE_MAINTENANCE, SVB_MET_REFUSAL, SVB_SERVICE_MAINTENANCE},
        {SVB_SERVICE_MAINTENANCE, SVB_MET_FAILURE, SVB_SERVICE_MAINTENANCE},
        {SVB_SERVICE_MAINTENANCE, SVB_MET_ENABLED, SVB_SERVICE_FINE},
    };
    const apr_time_t later = t0 + SEC(10);

    for (int i = 0; i < COUNT(cells); i++) {
        int changed;
        svb_seen seen;

        be(cells[i].before);
        changed = met(cells[i].what, 500, 0, later);
        seen = see(1);
        ck_assert_int_eq(seen.service, cells[i].after);
        ck_assert_int_eq(changed == SVB_CHANGED,
                         cells[i].before != cells[i].after);
        if (seen.service == SVB_SERVICE_FINE) {
            ck_assert_int_eq(seen.until, 0);
        }
        else {
            ck_assert_int_ge(seen.until, later + SEC(RETRY));
            ck_assert_int_lt(seen.until, later + SEC(RETRY + 1));
        }
    }
}
END_TEST

START_TEST(suspect_after_three)
{
    ck_assert_int_eq(met(SVB_MET_FAILURE, 403, t0 + SEC(1), t0), 0);
    ck_assert_int_eq(met(SVB_MET_FAILURE, 404, t0 + SEC(1), t0 + SEC(2)), 0);
    ck_assert_int_eq(see(1).failures, 2);
    ck_assert_int_eq(met(SVB_MET_FAILURE, 403, t0 + SEC(1), t0 + SEC(3)),
                     SVB_CHANGED);
    ck_assert_int_eq(see(1).failures, 3);
    ck_assert_int_eq(see(1).status, 403);
    met(SVB_MET_FAILURE, 500, 0, t0 + SEC(40));
    ck_assert_int_eq(see(1).failures, 4);
    ck_assert_int_eq(see(1).status, 500);
}
END_TEST

/* When all nodes fail, it is nobody's fault in particular. */
START_TEST(no_suspect_without_others)
{
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(met(SVB_MET_FAILURE, 500, t0 - SEC(1), t0 + SEC(i)),
                         0);
    }
    /* Then another begins a session, and the next failure says it. */
    ck_assert_int_eq(met(SVB_MET_FAILURE, 500, t0 + SEC(100), t0 + SEC(101)),
                     SVB_CHANGED);
}
END_TEST

START_TEST(in_a_row)
{
    for (int i = 0; i < 100; i++) {
        met(SVB_MET_FAILURE, 500, t0 + SEC(i), t0 + SEC(i));
        met(SVB_MET_FAILURE, 500, t0 + SEC(i), t0 + SEC(i));
        met(SVB_MET_SESSION, 0, t0 + SEC(i), t0 + SEC(i));
    }
    ck_assert_int_eq(see(1).service, SVB_SERVICE_FINE);
    ck_assert_int_eq(see(1).failures, 0);
}
END_TEST

START_TEST(never_suspect)
{
    const svb_rules off = {SEC(RETRY), 0, SEC(60)};

    for (int i = 0; i < 100; i++) {
        svb_condition_met(records, node, SVB_MET_FAILURE, 403, t0 + SEC(i),
                          &off, t0);
    }
    ck_assert_int_eq(see(1).service, SVB_SERVICE_FINE);
}
END_TEST

/* One may try each time the while is over; the others wait for what it meets. */
START_TEST(one_may_try)
{
    svb_seen seen;
    apr_time_t later = t0 + SEC(RETRY + 1);

    ck_assert(svb_condition_may_try(records, node, &rules, t0));
    met(SVB_MET_REFUSAL, 0, 0, t0);
    ck_assert(!svb_condition_may_try(records, node, &rules, t0));
    ck_assert(
        !svb_condition_may_try(records, node, &rules, t0 + SEC(RETRY) - 1));
    seen = see(1);
    ck_assert(!svb_condition_is_due(&seen, &rules, t0 + SEC(RETRY) - 1));
    ck_assert(svb_condition_is_due(&seen, &rules, later));
    ck_assert(svb_condition_may_try(records, node, &rules, later));
    ck_assert(!svb_condition_may_try(records, node, &rules, later));
    ck_assert(
        svb_condition_may_try(records, node, &rules, later + SEC(RETRY + 1)));
    met(SVB_MET_SESSION, 0, 0, later);
    ck_assert(svb_condition_may_try(records, node, &rules, later));
    ck_assert(svb_condition_may_try(records, node, &rules, later));
}
END_TEST

/* The clock is set back by an hour: nobody has to wait for an hour. */
START_TEST(while_with_the_clock_set_back)
{
    const apr_time_t then = t0 - SEC(3600);

    met(SVB_MET_REFUSAL, 0, 0, t0);
    ck_assert(svb_condition_may_try(records, node, &rules, then));
    ck_assert(!svb_condition_may_try(records, node, &rules, then + SEC(1)));
    ck_assert(
        svb_condition_may_try(records, node, &rules, then + SEC(RETRY + 1)));
}
END_TEST

static void try_all(int worker)
{
    wait_for_all();
    board->results[worker][0] =
        svb_condition_may_try(records, node, &rules, t0 + SEC(RETRY + 1));
}

START_TEST(one_of_many_may_try)
{
    int may = 0;

    met(SVB_MET_REFUSAL, 0, 0, t0);
    at_once(try_all);
    for (int i = 0; i < WORKERS; i++) {
        may += board->results[i][0];
    }
    ck_assert_int_eq(may, 1);
}
END_TEST

/* ------------------------------------------------------------- signs of life */

START_TEST(heard)
{
    int other = svb_records_add(records, "servoy", "c");

    ck_assert_int_eq(svb_condition_heard(records, node), 0);
    svb_condition_hear(records, node, t0);
    ck_assert_int_eq(svb_condition_heard(records, node), t0);
    /* Rounded down, so that nothing counts for longer than it should. */
    svb_condition_hear(records, node, t0 + SEC(2) - 1);
    ck_assert_int_eq(svb_condition_heard(records, node), t0 + SEC(1));
    svb_condition_hear(records, node, t0 + SEC(2));
    ck_assert_int_eq(svb_condition_heard(records, node), t0 + SEC(2));
    /* One who has looked at the clock before is late with it. */
    svb_condition_hear(records, node, t0 + SEC(1));
    ck_assert_int_eq(svb_condition_heard(records, node), t0 + SEC(2));
    ck_assert_int_eq(svb_condition_heard(records, other), 0);
    ck_assert_int_eq(svb_condition_last_began(records, node), 0);
    svb_condition_began(records, node, t0);
    ck_assert_int_eq(svb_condition_last_began(records, node), t0);
}
END_TEST

START_TEST(warnings)
{
    ck_assert(svb_condition_may_warn(records, node, t0, SEC(3600)));
    ck_assert(!svb_condition_may_warn(records, node, t0, SEC(3600)));
    ck_assert(
        !svb_condition_may_warn(records, node, t0 + SEC(3599), SEC(3600)));
    ck_assert(svb_condition_may_warn(records, node, t0 + SEC(3600), SEC(3600)));
}
END_TEST

/* ----------------------------------------------------------- states, as noted */

START_TEST(states)
{
    ck_assert_int_eq(svb_condition_since(records, node), 0);
    ck_assert_int_eq(svb_condition_noted(records, node), -1);
    ck_assert_int_eq(svb_condition_note(records, node, (svb_state)0, t0), -1);
    ck_assert_int_eq(svb_condition_note(records, node, (svb_state)0, t0 + 5),
                     0);
    ck_assert_int_eq(svb_condition_since(records, node), t0);
    ck_assert_int_eq(svb_condition_note(records, node, (svb_state)12, t0 + 7),
                     0);
    ck_assert_int_eq(svb_condition_note(records, node, (svb_state)3, t0 + 9),
                     12);
    ck_assert_int_eq(svb_condition_since(records, node), t0 + 9);
    ck_assert_int_eq(svb_condition_noted(records, node), 3);
}
END_TEST

static void note_all(int worker)
{
    wait_for_all();
    board->results[worker][0] =
        svb_condition_note(records, node, (svb_state)7, t0);
}

START_TEST(one_sees_the_change)
{
    int saw = 0;

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
    tcase_add_test(tc, levels);
    tcase_add_test(tc, gone_and_back);
    tcase_add_test(tc, silent_for_too_long);
    tcase_add_test(tc, silent_for_a_while);
    tcase_add_test(tc, silent_and_the_clock_set_back);
    tcase_add_test(tc, never_forgotten);
    tcase_add_test(tc, doubts);
    tcase_add_test(tc, more_members_than_are_judged);
    tcase_add_test(tc, in_words);
    tcase_add_test(tc, one_finds_it_gone);
    tcase_add_test(tc, every_cell);
    tcase_add_test(tc, suspect_after_three);
    tcase_add_test(tc, no_suspect_without_others);
    tcase_add_test(tc, in_a_row);
    tcase_add_test(tc, never_suspect);
    tcase_add_test(tc, one_may_try);
    tcase_add_test(tc, while_with_the_clock_set_back);
    tcase_add_test(tc, one_of_many_may_try);
    tcase_add_test(tc, heard);
    tcase_add_test(tc, warnings);
    tcase_add_test(tc, states);
    tcase_add_test(tc, one_sees_the_change);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
