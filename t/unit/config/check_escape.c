/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Unit tests of svb_escape: percent escapes, read and written. */

#include <string.h>

#include "config/escape.h"
#include "unit.h"

START_TEST(reads)
{
    ck_assert_int_eq(svb_escape_read("%00"), 0);
    ck_assert_int_eq(svb_escape_read("%aF1"), 0xaf);
    ck_assert_int_eq(svb_escape_read("%g0"), -1);
    ck_assert_int_eq(svb_escape_read("%0g"), -1);
    ck_assert_int_eq(svb_escape_read("%-1"), -1);
    ck_assert_int_eq(svb_escape_read("%0x"), -1);
    ck_assert_int_eq(svb_escape_read("%0"), -1);
    ck_assert_int_eq(svb_escape_read("%"), -1);
    ck_assert_int_eq(svb_escape_read(""), -1);
    ck_assert_int_eq(svb_escape_read("a20"), -1);
}
END_TEST

START_TEST(reads_what_was_written)
{
    for (int c = 1; c < 256; c++) {
        const char text[] = {(char)c, '\0'};
        const char *escaped = svb_escape_text(pool, text, "", 0);

        ck_assert_uint_eq(strlen(escaped), SVB_ESCAPE_LEN);
        ck_assert_int_eq(svb_escape_read(escaped), c);
        ck_assert_str_eq(svb_escape_text(pool, text, text, 0), text);
    }
}
END_TEST

static const struct {
    const char *text, *kept;
    int keeps_escapes;
    const char *escaped;
} texts[] = {
    {"", "", 0, ""},
    {"a b/c", "abc", 0, "a%20b%2Fc"},
    {"h\xc3\xa9\n", SVB_ESCAPE_PLAIN, 0, "h%C3%A9%0A"},
    {"a%20b", "ab", 0, "a%25%32%30b"},
    {"a%20b%", "ab02", 1, "a%20b%25"},
    {"%%41%4", "14", 1, "%25%41%254"},
    {"a%20", "a", 1, "a%%32%30"},
    {"~._-", SVB_ESCAPE_PLAIN, 0, "~._-"},
};

START_TEST(writes)
{
    ck_assert_str_eq(svb_escape_text(pool, texts[_i].text, texts[_i].kept,
                                     texts[_i].keeps_escapes),
                     texts[_i].escaped);
}
END_TEST

/* The path characters of java.net.URI: its "pchar", ';' and '/'. */
START_TEST(path_chars)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        "-_.!~*'():@&=+$,;/";

    for (int c = 0; c < 256; c++) {
        ck_assert_int_eq(memchr(SVB_ESCAPE_PATH, c, sizeof(SVB_ESCAPE_PATH) - 1)
                             != NULL,
                         memchr(allowed, c, sizeof(allowed) - 1) != NULL);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("svb_escape");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_test(tc, reads);
    tcase_add_test(tc, reads_what_was_written);
    tcase_add_loop_test(tc, writes, 0, COUNT(texts));
    tcase_add_test(tc, path_chars);
    suite_add_tcase(s, tc);
    return unit_run(srunner_create(s));
}
