/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * hints: what has changed is told, what is not known is asked, and no flood of hints
 * becomes one of questions.
 */
#include "share/hints.h"
#include "unit.h"

#define MS(n) apr_time_from_msec(n)
#define R SVB_HINT_REFUSED
#define A SVB_HINT_ANSWERS
#define M SVB_HINT_MAINTENANCE

static const apr_time_t t0 = apr_time_from_sec(1796000000);
static svb_hints hints;
static int nodes[SVB_RECORDS_MAX];

static const struct {
    svb_seen seen;
    unsigned is;
    int refused_is_news, answers_is_news;
} rows[] = {
    {{.level = SVB_LEVEL_ANSWERS}, A, 1, 0},
    {{.level = SVB_LEVEL_DEGRADED, .members = {SVB_REACH_REFUSED}},
     R | A,
     0,
     1},
    {{.level = SVB_LEVEL_DEGRADED, .members = {SVB_REACH_SILENT}}, A, 1, 1},
    {{.level = SVB_LEVEL_SILENT, .members = {SVB_REACH_SILENT}}, 0, 1, 1},
    {{.level = SVB_LEVEL_GONE,
      .members = {[SVB_CONDITION_MEMBERS - 1] = SVB_REACH_REFUSED}},
     R,
     0,
     1},
    {{.level = SVB_LEVEL_ANSWERS, .members = {SVB_REACH_DOUBTFUL}}, A, 1, 0},
    {{.level = SVB_LEVEL_ANSWERS, .service = SVB_SERVICE_MAINTENANCE},
     A | M,
     1,
     0},
    {{.level = SVB_LEVEL_ANSWERS, .service = SVB_SERVICE_SUSPECT}, A, 1, 0},
};

START_TEST(what_there_is)
{
    ck_assert_uint_eq(svb_hints_of(&rows[_i].seen), rows[_i].is);
    ck_assert_int_eq(svb_hints_is_news(R, &rows[_i].seen),
                     rows[_i].refused_is_news);
    ck_assert_int_eq(svb_hints_is_news(A, &rows[_i].seen),
                     rows[_i].answers_is_news);
    ck_assert_int_eq(svb_hints_is_news(M, &rows[_i].seen), 0);
}
END_TEST

/* Stopped, started, in maintenance. */
START_TEST(what_is_new)
{
    ck_assert_uint_eq(svb_hints_new(A, A), 0);
    ck_assert_uint_eq(svb_hints_new(A, R), R);
    ck_assert_uint_eq(svb_hints_new(A, R | A), R);
    ck_assert_uint_eq(svb_hints_new(R, R), 0);
    ck_assert_uint_eq(svb_hints_new(R, R | A), A);
    ck_assert_uint_eq(svb_hints_new(A, 0), 0);
    ck_assert_uint_eq(svb_hints_new(0, A), A);
    ck_assert_uint_eq(svb_hints_new(A, A | M), M);
    ck_assert_uint_eq(svb_hints_new(A | M, A), 0);
}
END_TEST

START_TEST(asked)
{
    ck_assert_int_eq(svb_hints_take(&hints, nodes), 0);
    ck_assert(svb_hints_want(&hints, 7, t0, t0));
    ck_assert(svb_hints_want(&hints, SVB_RECORDS_MAX - 1, t0, t0));
    ck_assert(svb_hints_want(&hints, 0, t0, t0));
    ck_assert_int_eq(svb_hints_take(&hints, nodes), 3);
    ck_assert_int_eq(nodes[0], 0);
    ck_assert_int_eq(nodes[1], 7);
    ck_assert_int_eq(nodes[2], SVB_RECORDS_MAX - 1);
    ck_assert_int_eq(svb_hints_take(&hints, nodes), 0);
}
END_TEST

/* What was seen long ago is known by now; a clock that was set back harms nothing. */
START_TEST(old)
{
    ck_assert(!svb_hints_want(&hints, 7, t0 - MS(2001), t0));
    ck_assert(svb_hints_want(&hints, 7, t0 - MS(2000), t0));
    ck_assert(svb_hints_want(&hints, 7, t0, t0 - MS(5000)));
}
END_TEST

/* A hint each millisecond for ten seconds, of each of a hundred nodes. */
START_TEST(a_flood)
{
    int questions = 0;

    for (int ms = 0; ms < 10000; ms++) {
        for (int node = 0; node < 100; node++) {
            svb_hints_want(&hints, node, t0 + MS(ms), t0 + MS(ms));
        }
        questions += svb_hints_take(&hints, nodes);
    }
    ck_assert_int_eq(questions, 100 * 10);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hints");
    TCase *tc = tcase_create("hints");

    tcase_add_loop_test(tc, what_there_is, 0, COUNT(rows));
    tcase_add_test(tc, what_is_new);
    tcase_add_test(tc, asked);
    tcase_add_test(tc, old);
    tcase_add_test(tc, a_flood);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
