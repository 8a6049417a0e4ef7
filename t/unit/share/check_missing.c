/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * missing: what was not read is asked for, once, and again where nobody answers.
 */
#include <string.h>

#include "share/batch.h"
#include "share/missing.h"
#include "unit.h"

#define SEC(n) apr_time_from_sec(n)

static const apr_time_t t0 = SEC(1796000000);
static const apr_uint64_t ms0 = 1796000000000u;
static svb_front fronts[SVB_FRONTS_MAX];

/* Of boot 5, number 7 was read last. */
static const struct {
    apr_uint64_t boot, number, beat_boot;
    int is_new;
    svb_missing what;
    apr_uint64_t then_boot, then_number;
} batches[] = {
    {5, 8, 5, 0, SVB_MISSING_NOTHING, 5, 8},
    {5, 10, 5, 0, SVB_MISSING_SOME, 5, 10},
    {5, UINT64_MAX, 5, 0, SVB_MISSING_SOME, 5, UINT64_MAX},
    {5, 7, 5, 0, SVB_MISSING_PASSED, 5, 7},
    {5, 1, 5, 0, SVB_MISSING_PASSED, 5, 7},
    {5, 0, 5, 0, SVB_MISSING_PASSED, 5, 7},
    {6, 1, 5, 0, SVB_MISSING_NOTHING, 6, 1},
    {6, 2, 6, 0, SVB_MISSING_SOME, 6, 2},
    {6, 8, 6, 0, SVB_MISSING_SOME, 6, 8},
    {6, 8, 6, 1, SVB_MISSING_NOTHING, 6, 8},
    {4, 8, 5, 0, SVB_MISSING_PASSED, 5, 7},
    {4, 8, 0, 0, SVB_MISSING_PASSED, 5, 7},
    {4, 1, 4, 0, SVB_MISSING_NOTHING, 4, 1},
    {4, 3, 4, 0, SVB_MISSING_SOME, 4, 3},
    {5, 9, 5, 1, SVB_MISSING_SOME, 5, 9},
};

START_TEST(numbers)
{
    svb_front f = {.boot = 5, .number = 7, .beat_boot = batches[_i].beat_boot};

    ck_assert_int_eq(svb_missing_before(&f, batches[_i].boot,
                                        batches[_i].number, batches[_i].is_new),
                     batches[_i].what);
    ck_assert_uint_eq(f.boot, batches[_i].then_boot);
    ck_assert_uint_eq(f.number, batches[_i].then_number);
    ck_assert_int_eq(f.walk, batches[_i].what == SVB_MISSING_SOME
                                 ? SVB_WALK_WANTED
                                 : SVB_WALK_NONE);
}
END_TEST

/* A later one has borne the name, and gives way to the one that had it before. */
START_TEST(given_way)
{
    svb_front f = {.boot = 6, .number = 3, .beat = ms0};
    svb_heartbeat beat = {.boot = 5, .number = 70, .time = ms0};

    ck_assert(!svb_missing_beat(&f, &beat)); /* an old one: nobody's word */
    ck_assert_uint_eq(f.boot, 6);
    beat.time++;
    ck_assert(svb_missing_beat(&f, &beat));
    ck_assert_uint_eq(f.boot, 5);
    ck_assert_uint_eq(f.number, 70);
    ck_assert_int_eq(f.walk, SVB_WALK_WANTED);
    f.walk = SVB_WALK_NONE;
    ck_assert(!svb_missing_beat(&f, &beat));
    beat.boot = 7; /* a new start: its batches will say so */
    ck_assert(!svb_missing_beat(&f, &beat));
    ck_assert_uint_eq(f.boot, 5);
}
END_TEST

START_TEST(logs)
{
    svb_front f = {.id_ms = 100, .id_seq = 5};

    ck_assert(!svb_missing_log(&f, 100, 5));
    ck_assert(!svb_missing_log(&f, 100, 6));
    ck_assert(!svb_missing_log(&f, 101, 0));
    ck_assert_int_eq(f.walk, SVB_WALK_NONE);
    ck_assert(svb_missing_log(&f, 100, 4));
    ck_assert_uint_eq(f.id_ms + f.id_seq, 0);
    ck_assert_int_eq(f.walk, SVB_WALK_WANTED);
    ck_assert(!svb_missing_log(&f, 0, 0));
    f.id_ms = 100;
    ck_assert(svb_missing_log(&f, 99, UINT64_MAX));
}
END_TEST

START_TEST(walks)
{
    svb_front f = {.used = 1, .beat = ms0, .most = 9, .walk = SVB_WALK_ASKED};

    /* the end of another's walk is not the end of ours */
    svb_missing_walks(&f, SVB_BATCH_WALK | SVB_BATCH_END, t0);
    ck_assert_int_eq(f.walk, SVB_WALK_ASKED);
    svb_missing_walks(&f, SVB_BATCH_BEGIN, t0);
    ck_assert_int_eq(f.walk, SVB_WALK_ASKED);
    svb_missing_walks(&f, SVB_BATCH_WALK | SVB_BATCH_BEGIN, t0);
    ck_assert_int_eq(f.walk, SVB_WALK_UNDER_WAY);
    svb_missing_walks(&f, SVB_BATCH_WALK, t0 + SEC(8));
    ck_assert(!svb_missing_ask_again(&f, t0 + SEC(18), ms0));
    ck_assert_int_eq(f.walk, SVB_WALK_UNDER_WAY);
    svb_missing_walks(&f, SVB_BATCH_WALK | SVB_BATCH_END, t0 + SEC(19));
    ck_assert_int_eq(f.walk, SVB_WALK_NONE);
    /* nobody has asked */
    svb_missing_walks(&f, SVB_BATCH_WALK | SVB_BATCH_BEGIN, t0);
    ck_assert_int_eq(f.walk, SVB_WALK_NONE);
    f.walk = SVB_WALK_ASKED;
    svb_missing_walks(&f, SVB_BATCH_WALK | SVB_BATCH_BEGIN | SVB_BATCH_END, t0);
    ck_assert_int_eq(f.walk, SVB_WALK_NONE);
}
END_TEST

START_TEST(asked_again)
{
    svb_front f = {.used = 1,
                   .beat = ms0,
                   .most = 9,
                   .walk = SVB_WALK_ASKED,
                   .walk_at = t0};

    ck_assert(!svb_missing_ask_again(&f, t0 + SEC(10), ms0));
    ck_assert_int_eq(f.walk, SVB_WALK_ASKED);
    ck_assert(!svb_missing_ask_again(&f, t0 + SEC(11), ms0));
    ck_assert_int_eq(f.walk, SVB_WALK_WANTED);
    /* a clock that was set back */
    f.walk = SVB_WALK_UNDER_WAY;
    ck_assert(!svb_missing_ask_again(&f, t0 - SEC(1), ms0));
    ck_assert_int_eq(f.walk, SVB_WALK_WANTED);
    /* gone; or of another format: nobody waits for those */
    ck_assert(svb_missing_ask_again(&f, t0, ms0 + 11000));
    ck_assert_int_eq(f.walk, SVB_WALK_NONE);
    ck_assert(!svb_missing_ask_again(&f, t0, ms0 + 11000));
    f.walk = SVB_WALK_WANTED;
    f.least = 9;
    ck_assert(svb_missing_ask_again(&f, t0, ms0));
    ck_assert_int_eq(f.walk, SVB_WALK_NONE);
}
END_TEST

static svb_front *add(int i, const char *name, unsigned least)
{
    svb_front *f = &fronts[i];

    *f = (svb_front){.used = 1, .beat = ms0, .least = least, .most = 9};
    strcpy(f->name, name);
    return f;
}

START_TEST(a_newcomer)
{
    svb_front *other = add(3, "a", 9), *b = add(5, "b", 0), *c = add(1, "c", 0);

    ck_assert_int_eq(svb_missing_introduce(fronts, 1, ms0), 2);
    ck_assert_int_eq(b->walk, SVB_WALK_WANTED);
    ck_assert_int_eq(c->walk, SVB_WALK_NONE);
    ck_assert_int_eq(other->walk, SVB_WALK_NONE);
    ck_assert_int_eq(svb_missing_introduce(fronts, 2, ms0), 2);
    b->walk = SVB_WALK_UNDER_WAY;
    ck_assert_int_eq(svb_missing_introduce(fronts, 2, ms0), 2);
    b->walk = SVB_WALK_NONE;
    ck_assert_int_eq(svb_missing_introduce(fronts, 2, ms0), 0);
}
END_TEST

START_TEST(a_newcomer_alone)
{
    ck_assert_int_eq(svb_missing_introduce(fronts, 1, ms0), 0);
    add(3, "gone", 0);
    ck_assert_int_eq(svb_missing_introduce(fronts, 1, ms0 + 60000), 0);
}
END_TEST

START_TEST(repeated)
{
    svb_gaps g = {0};

    /* how the store comes back, and a restart of it */
    ck_assert(!svb_gaps_repeat(&g, 5, 0, t0));
    ck_assert(!svb_gaps_repeat(&g, 5, 1, t0 + SEC(1)));
    ck_assert(!svb_gaps_repeat(&g, 7, 1, t0 + SEC(2)));
    ck_assert(!svb_gaps_repeat(&g, 9, 1, t0 + SEC(3)));
    ck_assert(!svb_gaps_repeat(&g, 10, 1, t0 + SEC(4)));
    /* now and then */
    for (int i = 1; i < 10; i++) {
        ck_assert(!svb_gaps_repeat(&g, 10 + (unsigned)i, 1, t0 + SEC(100 * i)));
    }
    /* again and again */
    ck_assert(!svb_gaps_repeat(&g, 30, 1, t0 + SEC(2000)));
    ck_assert(!svb_gaps_repeat(&g, 31, 1, t0 + SEC(2010)));
    ck_assert(svb_gaps_repeat(&g, 32, 1, t0 + SEC(2020)));
    ck_assert(!svb_gaps_repeat(&g, 33, 1, t0 + SEC(2030)));
    ck_assert(!svb_gaps_repeat(&g, 33, 1, t0 + SEC(2085)));
    ck_assert(svb_gaps_repeat(&g, 34, 1, t0 + SEC(2086)));
    /* it was lost meanwhile */
    ck_assert(!svb_gaps_repeat(&g, 40, 0, t0 + SEC(2090)));
    ck_assert(!svb_gaps_repeat(&g, 41, 1, t0 + SEC(2150)));
    ck_assert(!svb_gaps_repeat(&g, 42, 1, t0 + SEC(2160)));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("missing");
    TCase *tc = tcase_create("missing");

    tcase_add_loop_test(tc, numbers, 0, COUNT(batches));
    tcase_add_test(tc, given_way);
    tcase_add_test(tc, logs);
    tcase_add_test(tc, walks);
    tcase_add_test(tc, asked_again);
    tcase_add_test(tc, a_newcomer);
    tcase_add_test(tc, a_newcomer_alone);
    tcase_add_test(tc, repeated);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
