/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * condition: what is concluded from what was seen of a node, what mod_proxy knows of
 * it, and what an administrator has said.
 */
#include "nodes/condition.h"
#include "unit.h"

#define SEC(n) apr_time_from_sec(n)

static const apr_time_t t0 = SEC(1796000000);
static const svb_rules rules = {SEC(30), 3, SEC(60)};

/* A node of two members in good order, to be made worse by the tests. */
static svb_standing standing;
static svb_seen seen;

static void setup(void)
{
    standing = (svb_standing){SVB_STATE_READY, 2, 2, -1, 0, 0};
    seen = (svb_seen){.level = SVB_LEVEL_ANSWERS};
}

static svb_condition conclude(void)
{
    return svb_condition_of(&standing, &seen, &rules, t0);
}

static void has_members(svb_reach first, svb_reach second, svb_level level)
{
    seen.members[0] = first;
    seen.members[1] = second;
    seen.level = level;
    seen.level_since = t0 - SEC(10);
}

static void in_maintenance(apr_time_t until)
{
    seen.service = SVB_SERVICE_MAINTENANCE;
    seen.until = until;
}

START_TEST(ready)
{
    svb_condition c = conclude();

    ck_assert_int_eq(c.state, SVB_STATE_READY);
    ck_assert_int_eq(c.cause, SVB_CAUSE_NONE);
    ck_assert_int_eq(c.until, 0);
    ck_assert(c.serves && c.takes_new && c.gets_launches && !c.is_last);
}
END_TEST

START_TEST(slow_start)
{
    svb_condition c;

    standing.slow_until = t0 + SEC(40);
    c = conclude();
    ck_assert_int_eq(c.state, SVB_STATE_SLOWSTART);
    ck_assert_int_eq(c.until, t0 + SEC(40));
    ck_assert(c.serves && c.takes_new && c.gets_launches && !c.is_last);
}
END_TEST

START_TEST(one_member_refuses)
{
    svb_condition c;

    has_members(SVB_REACH_OK, SVB_REACH_REFUSED, SVB_LEVEL_DEGRADED);
    standing.usable = 1;
    c = conclude();
    ck_assert_int_eq(c.state, SVB_STATE_DEGRADED);
    ck_assert_int_eq(c.cause, SVB_CAUSE_MEMBER);
    ck_assert_int_eq(c.slot, 1);
    ck_assert_int_eq(c.reach, SVB_REACH_REFUSED);
    ck_assert(c.serves && c.takes_new && c.gets_launches && c.is_last);
}
END_TEST

/* By mod_proxy's word alone, for want of evidence of our own. */
START_TEST(one_member_not_used)
{
    svb_condition c;

    standing.usable = 1;
    c = conclude();
    ck_assert_int_eq(c.state, SVB_STATE_DEGRADED);
    ck_assert_int_eq(c.cause, SVB_CAUSE_UNUSABLE);
    ck_assert_int_eq(c.slot, -1);
}
END_TEST

/* Who is redirected there finds nobody; who comes through us does. */
START_TEST(direct_url_refuses)
{
    svb_condition c;

    standing.url_slot = 1;
    has_members(SVB_REACH_OK, SVB_REACH_REFUSED, SVB_LEVEL_DEGRADED);
    c = conclude();
    ck_assert_int_eq(c.state, SVB_STATE_DEGRADED);
    ck_assert(c.serves && c.takes_new && !c.gets_launches);
}
END_TEST

START_TEST(silent)
{
    svb_condition c;

    has_members(SVB_REACH_SILENT, SVB_REACH_REFUSED, SVB_LEVEL_SILENT);
    c = conclude();
    ck_assert_int_eq(c.state, SVB_STATE_SILENT);
    ck_assert_int_eq(c.cause, SVB_CAUSE_MEMBER);
    ck_assert_int_eq(c.slot, 1);
    ck_assert_int_eq(c.until, t0 + SEC(50));
    ck_assert(c.serves && !c.takes_new && !c.gets_launches);
    /* Nothing more happens by itself when its clients are forgotten. */
    seen.level_since = t0 - SEC(60);
    ck_assert_int_eq(conclude().until, 0);
    /* Also when mod_proxy uses none of its members any more. */
    standing.usable = 0;
    ck_assert_int_eq(conclude().state, SVB_STATE_SILENT);
}
END_TEST

START_TEST(gone)
{
    svb_condition c;

    has_members(SVB_REACH_REFUSED, SVB_REACH_REFUSED, SVB_LEVEL_GONE);
    c = conclude();
    ck_assert_int_eq(c.state, SVB_STATE_ERROR);
    ck_assert_int_eq(c.slot, 0);
    ck_assert_int_eq(c.until, 0);
    ck_assert(!c.serves && !c.takes_new && !c.gets_launches);
}
END_TEST

START_TEST(failed_its_health_checks)
{
    svb_condition c;

    standing.usable = 0;
    c = conclude();
    ck_assert_int_eq(c.state, SVB_STATE_ERROR);
    ck_assert_int_eq(c.cause, SVB_CAUSE_UNUSABLE);
}
END_TEST

START_TEST(maintenance)
{
    svb_condition c;

    in_maintenance(t0 + SEC(20));
    c = conclude();
    ck_assert_int_eq(c.state, SVB_STATE_MAINTENANCE);
    ck_assert_int_eq(c.cause, SVB_CAUSE_MAINTENANCE);
    ck_assert_int_eq(c.until, t0 + SEC(20));
    ck_assert(c.serves && !c.takes_new && c.gets_launches);
    /* The while is over: one may try, and it is no last resort. */
    in_maintenance(t0);
    c = conclude();
    ck_assert_int_eq(c.state, SVB_STATE_MAINTENANCE);
    ck_assert(c.takes_new && !c.is_last);
}
END_TEST

START_TEST(suspect)
{
    svb_condition c;

    seen.service = SVB_SERVICE_SUSPECT;
    seen.failures = 51;
    seen.status = 403;
    seen.until = t0 + SEC(20);
    c = conclude();
    ck_assert_int_eq(c.state, SVB_STATE_SUSPECT);
    ck_assert_int_eq(c.cause, SVB_CAUSE_FAILURES);
    ck_assert_int_eq(c.failures, 51);
    ck_assert_int_eq(c.status, 403);
    ck_assert(c.serves && !c.takes_new && c.is_last && c.gets_launches);
    /* One tries it, though there may be others. */
    seen.until = t0 - SEC(1);
    ck_assert(conclude().takes_new && !conclude().is_last);
}
END_TEST

START_TEST(full)
{
    svb_condition c;

    standing.is_full = 1;
    c = conclude();
    ck_assert_int_eq(c.state, SVB_STATE_FULL);
    ck_assert(c.serves && !c.takes_new && c.gets_launches);
}
END_TEST

/* What an administrator has said is the state, whatever was seen, but that a node
 * which cannot be reached is no node that is being drained. */
START_TEST(said_by_an_administrator)
{
    static const struct {
        svb_state word;
        int serves, takes_new;
    } words[] = {
        {SVB_STATE_DRAINING, 1, 0}, {SVB_STATE_MAINTENANCE, 1, 0},
        {SVB_STATE_STANDBY, 1, 1},  {SVB_STATE_SPARE, 1, 1},
        {SVB_STATE_DISABLED, 0, 0}, {SVB_STATE_STOPPED, 0, 0},
    };

    for (int i = 0; i < COUNT(words); i++) {
        svb_condition c;

        setup();
        standing.word = words[i].word;
        standing.is_full = 1;
        standing.slow_until = t0 + SEC(5);
        in_maintenance(t0 + SEC(20));
        c = conclude();
        ck_assert_int_eq(c.state, words[i].word);
        ck_assert_int_eq(c.cause, SVB_CAUSE_WORD);
        ck_assert_int_eq(c.serves, words[i].serves);
        ck_assert_int_eq(c.takes_new, words[i].takes_new);
        ck_assert_int_eq(c.until, 0);
        has_members(SVB_REACH_REFUSED, SVB_REACH_REFUSED, SVB_LEVEL_GONE);
        ck_assert_int_eq(conclude().state,
                         words[i].serves ? SVB_STATE_ERROR : words[i].word);
    }
}
END_TEST

/* From worst to best, one thing mended after the other. */
START_TEST(order)
{
    static const svb_state states[] = {
        SVB_STATE_STOPPED,  SVB_STATE_ERROR,       SVB_STATE_SILENT,
        SVB_STATE_DRAINING, SVB_STATE_MAINTENANCE, SVB_STATE_FULL,
        SVB_STATE_SUSPECT,  SVB_STATE_DEGRADED,    SVB_STATE_SLOWSTART,
        SVB_STATE_READY};
    int n = 0;

    standing = (svb_standing){SVB_STATE_STOPPED, 2, 0, -1, 1, t0 + SEC(5)};
    has_members(SVB_REACH_REFUSED, SVB_REACH_REFUSED, SVB_LEVEL_GONE);
    in_maintenance(t0 + SEC(20));
    ck_assert_int_eq(conclude().state, states[n++]);
    standing.word = SVB_STATE_DRAINING;
    ck_assert_int_eq(conclude().state, states[n++]);
    has_members(SVB_REACH_SILENT, SVB_REACH_REFUSED, SVB_LEVEL_SILENT);
    ck_assert_int_eq(conclude().state, states[n++]);
    has_members(SVB_REACH_OK, SVB_REACH_REFUSED, SVB_LEVEL_DEGRADED);
    standing.usable = 1;
    ck_assert_int_eq(conclude().state, states[n++]);
    standing.word = SVB_STATE_READY;
    ck_assert_int_eq(conclude().state, states[n++]);
    seen.service = SVB_SERVICE_SUSPECT;
    ck_assert_int_eq(conclude().state, states[n++]);
    standing.is_full = 0;
    ck_assert_int_eq(conclude().state, states[n++]);
    seen.service = SVB_SERVICE_FINE;
    ck_assert_int_eq(conclude().state, states[n++]);
    standing.usable = 2;
    has_members(SVB_REACH_OK, SVB_REACH_OK, SVB_LEVEL_ANSWERS);
    ck_assert_int_eq(conclude().state, states[n++]);
    standing.slow_until = 0;
    ck_assert_int_eq(conclude().state, states[n++]);
    ck_assert_int_eq(n, COUNT(states));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("standing");
    TCase *tc = tcase_create("standing");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, ready);
    tcase_add_test(tc, slow_start);
    tcase_add_test(tc, one_member_refuses);
    tcase_add_test(tc, one_member_not_used);
    tcase_add_test(tc, direct_url_refuses);
    tcase_add_test(tc, silent);
    tcase_add_test(tc, gone);
    tcase_add_test(tc, failed_its_health_checks);
    tcase_add_test(tc, maintenance);
    tcase_add_test(tc, suspect);
    tcase_add_test(tc, full);
    tcase_add_test(tc, said_by_an_administrator);
    tcase_add_test(tc, order);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
