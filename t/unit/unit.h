/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file unit.h
 * What the unit tests share. Each check_*.c is a program of its own, with one
 * suite, which is run by unit_run(). With it come Check and APR's pools.
 *
 * APR is there while a suite runs. By default each test, with the checked
 * fixtures around it, has a process of its own, and so a pool of its own when
 * pool_setup() is among them. What differs between programs is said by these:
 * time-outs, CK_NOFORK, shared memory, fixtures that do more.
 */
#ifndef UNIT_H
#define UNIT_H

#include <stdlib.h>

#include <apr_general.h>
#include <apr_pools.h>
#include <check.h>

/** How many elements a table has: an int, as a loop test wants it. */
#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/** An assertion for inner loops: Check's own take a while even when they
 *  hold. */
#define REQUIRE(condition)                                                     \
    do {                                                                       \
        if (!(condition)) {                                                    \
            ck_abort_msg("%s", #condition);                                    \
        }                                                                      \
    } while (0)

/** The test's pool, from pool_setup() until pool_teardown(). */
static apr_pool_t *pool __attribute__((unused));

/** Make the pool: a checked fixture, or called by one or by the test. */
static inline void pool_setup(void)
{
    ck_assert_int_eq(apr_pool_create(&pool, NULL), APR_SUCCESS);
}

/** Destroy the pool; goes with pool_setup(). A test that ends its process may
 *  do without. */
static inline void pool_teardown(void)
{
    apr_pool_destroy(pool);
    pool = NULL;
}

/**
 * Run all tests, and write what came of them to standard output, as TAP.
 * @param sr the runner, with everything set that is not as usual; is freed,
 *           its suites too
 * @return what main() returns: EXIT_SUCCESS when no test has failed, else
 *         EXIT_FAILURE
 */
static inline int unit_run(SRunner *sr)
{
    int failed;

    apr_initialize();
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    apr_terminate();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif /* UNIT_H */
