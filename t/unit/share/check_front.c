/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * front: who is there, in which formats we can talk, and whose place is given to whom. As
 * of a version that reads formats 2 and 3.
 */
#define SVB_BATCH_FORMAT 3
#define SVB_BATCH_FORMAT_LEAST 2
/* The code itself, as it is then. */
#include "share/front.c"
#include "unit.h"

static const apr_uint64_t t0 = 1796000000000u;
static svb_front fronts[SVB_FRONTS_MAX];

static svb_front *beat(const char *name, apr_uint64_t at, unsigned least,
                       unsigned most)
{
    svb_heartbeat b = {.least = least,
                       .most = most,
                       .time = at,
                       .elections = 1000,
                       .version = "0.2.0"};

    return svb_front_beat(fronts, name, &b, at);
}

static const char *numbered(int i)
{
    return apr_psprintf(pool, "fe%02d", i);
}

static void fill(apr_uint64_t at)
{
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        ck_assert_ptr_nonnull(beat(numbered(i), at + (apr_uint64_t)i, 2, 3));
    }
}

START_TEST(signs_of_life)
{
    svb_front *a = beat("a", t0, 2, 3);

    ck_assert_ptr_eq(svb_front_find(fronts, "a"), a);
    ck_assert_ptr_null(svb_front_find(fronts, "b"));
    ck_assert_str_eq(a->version, "0.2.0");
    ck_assert_int_eq(svb_front_is(a, t0), SVB_FRONT_HERE);
    ck_assert_int_eq(svb_front_is(a, t0 + 2000), SVB_FRONT_HERE);
    ck_assert_int_eq(svb_front_is(a, t0 + 2001), SVB_FRONT_LAGGING);
    ck_assert_int_eq(svb_front_is(a, t0 + 10000), SVB_FRONT_LAGGING);
    ck_assert_int_eq(svb_front_is(a, t0 + 10001), SVB_FRONT_GONE);
    /* the store's clock went back */
    ck_assert_int_eq(svb_front_is(a, t0 - 5000), SVB_FRONT_HERE);
    /* an older one says nothing */
    ck_assert_ptr_eq(beat("a", t0 - 1, 9, 9), a);
    ck_assert_uint_eq(a->beat, t0);
    ck_assert_uint_eq(a->least, 2);
}
END_TEST

/* From the lowest to the highest of another; do we understand each other? */
static const struct {
    unsigned least, most;
    int speaks;
} ranges[] = {{1, 1, 0}, {1, 2, 1}, {1, 9, 1}, {2, 2, 1},  {2, 3, 1},
              {3, 3, 1}, {3, 4, 1}, {4, 5, 0}, {3, 2, 1},  {4, 1, 0},
              {0, 0, 0}, {0, 2, 1}, {9, 9, 0}, {255, 0, 0}};

START_TEST(understood)
{
    svb_front *a = beat("a", t0, ranges[_i].least, ranges[_i].most);

    ck_assert_int_eq(svb_front_speaks(a), ranges[_i].speaks);
    ck_assert_int_eq(svb_front_is(a, t0), ranges[_i].speaks
                                              ? SVB_FRONT_HERE
                                              : SVB_FRONT_INCOMPATIBLE);
    ck_assert_int_eq(svb_front_is_with_us(a, t0), ranges[_i].speaks);
    ck_assert_int_eq(svb_front_is(a, t0 + 20000), SVB_FRONT_GONE);
}
END_TEST

/* Others, and what is written. */
static const struct {
    const char *what;
    unsigned a[2], b[2], format;
} rooms[] = {
    {"all as we are", {2, 3}, {2, 3}, 3},
    {"one of the version before", {2, 3}, {1, 2}, 2},
    {"both of the version before", {1, 2}, {1, 2}, 2},
    {"both later", {3, 4}, {3, 5}, 3},
    {"later ones that read ours", {2, 4}, {1, 9}, 3},
    {"one that is incompatible", {4, 5}, {2, 3}, 3},
    {"an ancient one, and one before", {1, 1}, {1, 2}, 2},
    {"nothing in common", {1, 2}, {3, 4}, 2},
};

START_TEST(formats)
{
    beat("a", t0, rooms[_i].a[0], rooms[_i].a[1]);
    beat("b", t0, rooms[_i].b[0], rooms[_i].b[1]);
    ck_assert_msg(svb_front_format(fronts, t0) == rooms[_i].format, "%s: %u",
                  rooms[_i].what, svb_front_format(fronts, t0));
    /* those who are late count; those who are gone do not */
    ck_assert_uint_eq(svb_front_format(fronts, t0 + 9000), rooms[_i].format);
    ck_assert_uint_eq(svb_front_format(fronts, t0 + 11000), 3);
}
END_TEST

START_TEST(alone)
{
    ck_assert_uint_eq(svb_front_format(fronts, t0), 3);
}
END_TEST

/* One after the other becomes a new version. */
START_TEST(an_upgrade)
{
    beat("a", t0, 1, 2);
    beat("b", t0, 1, 2);
    ck_assert_uint_eq(svb_front_format(fronts, t0), 2);
    beat("a", t0 + 1000, 2, 3);
    ck_assert_uint_eq(svb_front_format(fronts, t0 + 1000), 2);
    beat("b", t0 + 2000, 2, 3);
    ck_assert_uint_eq(svb_front_format(fronts, t0 + 2000), 3);
    beat("b", t0 + 3000, 1, 2);
    ck_assert_uint_eq(svb_front_format(fronts, t0 + 3000), 2);
}
END_TEST

START_TEST(elections)
{
    svb_expect e = {.own = 5};

    beat("a", t0, 2, 3);
    beat("b", t0, 2, 3);
    beat("d", t0, 2, 3);
    beat("incompatible", t0, 7, 9);
    beat("gone", t0 - 20000, 2, 3);
    svb_front_elections(fronts, "c", &e, t0);
    ck_assert_uint_eq(e.others, 3000);
    ck_assert_uint_eq(e.before, 2000);
    ck_assert_int_eq(e.front_ends, 3);
    ck_assert_uint_eq(e.own, 5);
}
END_TEST

/* Given back after an hour, and used by another. */
START_TEST(long_gone)
{
    svb_front *first;

    fill(t0);
    first = svb_front_find(fronts, "fe00");
    first->boot = first->number = first->rejected = first->id_ms = 7;
    first->walk = SVB_WALK_WANTED;
    svb_front_give_back(fronts, t0 + SVB_FRONT_FORGOTTEN_MS);
    ck_assert_ptr_nonnull(svb_front_find(fronts, "fe00"));
    svb_front_give_back(fronts, t0 + SVB_FRONT_FORGOTTEN_MS + 2);
    ck_assert_ptr_null(svb_front_find(fronts, "fe00"));
    ck_assert_ptr_null(svb_front_find(fronts, "fe01"));
    ck_assert_ptr_nonnull(svb_front_find(fronts, "fe02"));
    ck_assert_ptr_eq(beat("new", t0 + SVB_FRONT_FORGOTTEN_MS + 3, 2, 3), first);
    ck_assert_uint_eq(first->boot + first->number + first->rejected
                          + first->id_ms + (unsigned)first->walk,
                      0);
}
END_TEST

/* No place: who lives has it before who is gone. */
START_TEST(full)
{
    svb_heartbeat old = {.time = t0, .version = "0.1.0"};

    fill(t0);
    ck_assert_ptr_null(beat("new", t0 + 5000, 2, 3));
    ck_assert_ptr_null(svb_front_beat(fronts, "old", &old, t0 + 20000));
    ck_assert_ptr_nonnull(beat("new", t0 + 20000, 2, 3));
    ck_assert_ptr_null(svb_front_find(fronts, "fe00"));
    ck_assert_ptr_nonnull(svb_front_find(fronts, "fe01"));
    ck_assert_ptr_nonnull(svb_front_find(fronts, "fe63"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("front");
    TCase *tc = tcase_create("front");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_test(tc, signs_of_life);
    tcase_add_loop_test(tc, understood, 0, COUNT(ranges));
    tcase_add_loop_test(tc, formats, 0, COUNT(rooms));
    tcase_add_test(tc, alone);
    tcase_add_test(tc, an_upgrade);
    tcase_add_test(tc, elections);
    tcase_add_test(tc, long_gone);
    tcase_add_test(tc, full);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
