/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * generations: the oldest that has children is never older than it is said to be,
 * whatever order they begin and end in, and however many there are.
 */
#include <stdlib.h>

#include "memory/generations.h"
#include "unit.h"

static svb_generations g;

static void setup(void)
{
    g = (svb_generations){0};
}

START_TEST(oldest)
{
    ck_assert_uint_eq(svb_generations_oldest(&g, 0), 0);
    ck_assert_uint_eq(svb_generations_oldest(&g, 7), 7);
    svb_generations_started(&g, 0);
    svb_generations_started(&g, 0);
    ck_assert_uint_eq(svb_generations_oldest(&g, 1), 0);
    svb_generations_started(&g, 1);
    svb_generations_started(&g, 2);
    svb_generations_ended(&g, 1);
    svb_generations_ended(&g, 0);
    ck_assert_uint_eq(svb_generations_oldest(&g, 3), 0);
    svb_generations_ended(&g, 0);
    ck_assert_uint_eq(svb_generations_oldest(&g, 3), 2);
    svb_generations_ended(&g, 2);
    ck_assert_uint_eq(svb_generations_oldest(&g, 3), 3);
    /* One that nobody has told of. */
    svb_generations_ended(&g, 2);
    ck_assert_uint_eq(svb_generations_oldest(&g, 3), 3);
}
END_TEST

/* Children of many generations begin, one generation after the other, and end in any
 * order. */
START_TEST(more_than_places)
{
    enum { ALL = 20 * SVB_GENERATIONS_MAX };
    unsigned alive[ALL] = {0}, right = 0, wrong = 0, sum = 0;

    srand(_i + 1);
    for (unsigned n = 0; n < ALL; n++) {
        unsigned truly = 0, told;

        for (int i = rand() % 4; i >= 0; i--) {
            svb_generations_started(&g, n);
            alive[n]++;
            sum++;
        }
        while (sum > (n % 100 < 50 ? 3u * SVB_GENERATIONS_MAX : 4)) {
            unsigned m = (unsigned)rand() % (n + 1);

            if (alive[m]) {
                svb_generations_ended(&g, m);
                alive[m]--;
                sum--;
            }
        }
        while (truly < n && !alive[truly]) {
            truly++;
        }
        told = svb_generations_oldest(&g, n);
        ck_assert_uint_le(told, truly);
        right += told == truly;
        wrong += told != truly;
    }
    ck_assert_uint_gt(right, wrong);
    for (unsigned n = 0; n < ALL; n++) {
        for (; alive[n]; alive[n]--) {
            svb_generations_ended(&g, n);
        }
    }
    ck_assert_uint_eq(svb_generations_oldest(&g, ALL), ALL);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("generations");
    TCase *tc = tcase_create("generations");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, oldest);
    tcase_add_loop_test(tc, more_than_places, 0, 20);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
