/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * page_fronts: the line that says who shares with this front end.
 */
#include <string.h>

#include "page/page_fronts.h"
#include "output.h"

static svb_snapshot *snap;

static void with_snapshot(void)
{
    setup();
    snap = svb_snapshot_make(pool);
}

static void add(const char *name, const char *state, apr_uint64_t lag_ms)
{
    APR_ARRAY_PUSH(snap->fronts, svb_snap_front) =
        (svb_snap_front){.name = name, .state = state, .lag_ms = lag_ms};
}

static const char *line(void)
{
    svb_page_fronts(&sink, snap);
    return written();
}

START_TEST(nothing_is_shared)
{
    ck_assert_str_eq(line(), "");
}
END_TEST

START_TEST(all_are_here)
{
    snap->store.url = "redis://store/";
    snap->store.state = "connected";
    add("fe1", "here", 120);
    add("fe2", "here", 230);
    ck_assert_ptr_nonnull(
        strstr(line(), "2 front ends, all within 0.3 s; this is <b>fe1</b>. "));
    ck_assert_ptr_null(strstr(line(), "warn"));
}
END_TEST

START_TEST(one_is_not)
{
    snap->store.url = "redis://store/";
    snap->store.state = "connected";
    add("fe1", "here", 0);
    add("<i>", "gone", 99999);
    ck_assert_ptr_nonnull(strstr(line(), "within 0.1 s"));
    ck_assert_ptr_nonnull(strstr(line(), "<b>&lt;i&gt; is gone</b>"));
}
END_TEST

START_TEST(the_store_is_lost)
{
    snap->store.url = "redis://store/";
    snap->store.state = "lost";
    snap->store.known = apr_time_from_sec(1795341600);
    add("fe1", "here", 0);
    ck_assert_ptr_nonnull(strstr(line(), "class=\"warn\""));
    ck_assert_ptr_nonnull(
        strstr(line(), "counts are those of 2026-11-22T10:00:00Z"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("page_fronts");
    TCase *tc = tcase_create("page_fronts");

    tcase_add_checked_fixture(tc, with_snapshot, teardown);
    tcase_add_test(tc, nothing_is_shared);
    tcase_add_test(tc, all_are_here);
    tcase_add_test(tc, one_is_not);
    tcase_add_test(tc, the_store_is_lost);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
