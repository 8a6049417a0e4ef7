/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Names and values of URLs and forms. What forms make of them is in
 * check_form.c. */

#include <stdlib.h>
#include <string.h>

#include "manager/query.h"
#include "unit.h"

static svb_query_bytes bytes(const char *text)
{
    return (svb_query_bytes){text, strlen(text)};
}

/* Pairs as "[name=value]", "[name]" where there is no '='. */
static const struct {
    const char *query, *pairs;
} splits[] = {
    {"", ""},
    {"&", ""},
    {"&&&", ""},
    {"a", "[a]"},
    {"a=", "[a=]"},
    {"=", "[=]"},
    {"=b", "[=b]"},
    {"a=b", "[a=b]"},
    {"a=b=c&=", "[a=b=c][=]"},
    {"a=1&&b&c=%26&", "[a=1][b][c=%26]"},
    {"&a=1;b=2", "[a=1;b=2]"},
};

START_TEST(pairs)
{
    svb_query_bytes left = bytes(splits[_i].query), name, value;
    char text[100] = "";
    /* on the heap and without a NUL: the sanitizer sees a byte too far */
    char *copy = malloc(left.len ? left.len : 1);

    memcpy(copy, left.data, left.len);
    left.data = copy;
    while (svb_query_next(&left, &name, &value)) {
        strcat(text, "[");
        strncat(text, name.data, name.len);
        if (value.data) {
            strcat(text, "=");
            strncat(text, value.data, value.len);
        }
        strcat(text, "]");
    }
    free(copy);
    ck_assert_str_eq(text, splits[_i].pairs);
}
END_TEST

START_TEST(nothing)
{
    svb_query_bytes left = {NULL, 0}, name, value;
    const char *text;

    ck_assert_int_eq(svb_query_next(&left, &name, &value), 0);
    ck_assert_ptr_null(svb_query_decode(pool, left, &text));
    ck_assert_str_eq(text, "");
}
END_TEST

static const struct {
    const char *query, *value;
} values[] = {
    {NULL, NULL},
    {"", NULL},
    {"format", NULL},
    {"formats=json", NULL},
    {"Format=json", NULL},
    {"x=format=json", NULL},
    {"format=", ""},
    {"format=json", "json"},
    {"&a=b&format=json&", "json"},
    {"format&format=json", "json"},
    {"format=&format=json", ""},
    {"format=a&format=b", "a"},
    {"format=%6A%73on", "json"},
    {"%66orm%61t=json", "json"},
    {"format=a+b%2B%26", "a b+&"},
    {"format=%c3%a9", "\xc3\xa9"},
    /* what is not well-formed is not there as something else */
    {"format=json%", ""},
    {"format=json%4", ""},
    {"format=json%zz", ""},
    {"format=json%00", ""},
    {"format=json%0a", ""},
    {"format=json%7f", ""},
    {"format=\x01", ""},
    {"format=%ff", ""},
    {"format=\xc0\xaf", ""},
    {"format%=json", NULL},
    {"format%00=json", NULL},
    {"%&%zz=1&format=json", "json"},
};

START_TEST(a_value_by_name)
{
    const char *value = svb_query_value(pool, values[_i].query, "format");

    if (values[_i].value) {
        ck_assert_ptr_nonnull(value);
        ck_assert_str_eq(value, values[_i].value);
    }
    else {
        ck_assert_ptr_null(value);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("query");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, pairs, 0, COUNT(splits));
    tcase_add_test(tc, nothing);
    tcase_add_loop_test(tc, a_value_by_name, 0, COUNT(values));
    return unit_run(srunner_create(suite));
}
