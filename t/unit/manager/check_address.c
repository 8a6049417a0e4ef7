/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The page's address: what it says, and what is left out. */

#include <stdio.h>
#include <string.h>

#include "manager/address.h"
#include "unit.h"

static svb_place place;

static void reads(const char *query, const char *keep)
{
    svb_address_read(pool, query, &place);
    ck_assert_str_eq(svb_place_keep(pool, &place, NULL), keep);
}

START_TEST(what_is_kept)
{
    reads(NULL, "");
    reads("", "");
    reads("sort=trouble&only=everything", "");
    reads("sort=users&only=trouble", "sort=users&only=trouble");
    reads("sort=%6Eame&open=a%2Fb&open=c+d&open=a/b&open=",
          "sort=name&open=a%2Fb&open=c%20d");
    ck_assert_str_eq(svb_place_keep(pool, &place, "a/b"),
                     "sort=name&open=c%20d");
    reads("sort=age&open=%ff&open=%0a&x=1&sort", "");
}
END_TEST

START_TEST(what_it_is_about)
{
    reads("confirm=drain&fleet=f&node=a%26b&again=x&done=y&was=z&value=1", "");
    ck_assert_str_eq(place.confirm, "drain");
    ck_assert_str_eq(place.fleet, "f");
    ck_assert_str_eq(place.node, "a&b");
    ck_assert_str_eq(place.again, "x");
    ck_assert_str_eq(place.done, "y");
    ck_assert_str_eq(place.was, "z");
    ck_assert_str_eq(place.value, "1");
    ck_assert_int_eq(place.no_history, 0);
    reads("lines=none", "");
    ck_assert_int_eq(place.no_history, 1);
    ck_assert_ptr_null(place.confirm);
}
END_TEST

START_TEST(only_so_many_are_open)
{
    char query[1024] = "";

    for (int i = 0; i < 2 * SVB_PLACE_OPEN; i++) {
        sprintf(query + strlen(query), "&open=%d", i);
    }
    svb_address_read(pool, query, &place);
    ck_assert_int_eq(place.opens, SVB_PLACE_OPEN);
    ck_assert(svb_place_is_open(&place, "15"));
    ck_assert(!svb_place_is_open(&place, "16"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("address");
    TCase *tc = tcase_create("address");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_test(tc, what_is_kept);
    tcase_add_test(tc, what_it_is_about);
    tcase_add_test(tc, only_so_many_are_open);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
