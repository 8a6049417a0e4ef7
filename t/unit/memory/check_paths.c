/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * paths: where clients have begun of late is known, for a while, by fleet.
 */
#include <string.h>

#include <apr_strings.h>

#include "memory/paths.h"
#include "unit.h"

#define SEC(n) apr_time_from_sec(n)

static const apr_time_t t0 = SEC(1796000000);
static const char solution[] = "/solutions/crm/index.html";

static svb_paths *paths;
static void *mem;

static void setup(void)
{
    pool_setup();
    mem = apr_pcalloc(pool, svb_paths_size());
    svb_paths_open(&paths, mem, pool);
}

static int knows(apr_uint64_t fleet, const char *path, apr_time_t now)
{
    return svb_paths_knows(paths, fleet, path, strlen(path), SEC(300), now);
}

static void note(apr_uint64_t fleet, const char *path, apr_time_t now)
{
    svb_paths_note(paths, fleet, path, strlen(path), now);
}

START_TEST(where_they_began)
{
    ck_assert(!knows(1, solution, t0));
    ck_assert(!knows(0, "", t0));
    note(1, solution, t0);
    ck_assert(knows(1, solution, t0));
    ck_assert(!knows(2, solution, t0));
    ck_assert(!knows(1, "/solutions/crm/index.htm", t0));
    ck_assert(!knows(1, "/solutions/crm/index.html2", t0));
    note(2, "", t0);
    ck_assert(knows(2, "", t0));
}
END_TEST

START_TEST(for_a_while)
{
    note(1, solution, t0);
    ck_assert(knows(1, solution, t0 + SEC(300)));
    ck_assert(!knows(1, solution, t0 + SEC(302)));
    note(1, solution, t0 + SEC(300));
    ck_assert(knows(1, solution, t0 + SEC(599)));
    /* Set back, the clock does not make it eternal. */
    ck_assert(knows(1, solution, t0 + SEC(1)));
    ck_assert(!knows(1, solution, t0 - SEC(10)));
}
END_TEST

START_TEST(known_again_after_a_restart)
{
    note(1, solution, t0);
    svb_paths_open(&paths, mem, pool);
    ck_assert(knows(1, solution, t0));
}
END_TEST

/* However many there are, none is taken for another. */
START_TEST(many)
{
    char path[64];
    int known = 0;

    for (int i = 0; i < 4 * SVB_PATHS_MAX; i++) {
        apr_snprintf(path, sizeof(path), "/solutions/s%d", i);
        note(1, path, t0);
        ck_assert(knows(1, path, t0));
    }
    for (int i = 0; i < 4 * SVB_PATHS_MAX; i++) {
        apr_snprintf(path, sizeof(path), "/solutions/s%d", i);
        known += knows(1, path, t0);
        apr_snprintf(path, sizeof(path), "/solutions/t%d", i);
        ck_assert(!knows(1, path, t0));
    }
    ck_assert_int_le(known, SVB_PATHS_MAX);
    ck_assert_int_gt(known, SVB_PATHS_MAX / 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("paths");
    TCase *tc = tcase_create("paths");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, where_they_began);
    tcase_add_test(tc, for_a_while);
    tcase_add_test(tc, known_again_after_a_restart);
    tcase_add_test(tc, many);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
