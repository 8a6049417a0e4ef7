/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * pattern: what is plain to see of a regular expression, and that it says the same.
 */
#include <string.h>

#include "config/pattern.h"
#include "unit.h"

static const struct {
    const char *regex, *prefix, *suffix;
    int is_whole;
} patterns[] = {
    {"^/servoy-client/.+\\.jnlp$", "/servoy-client/", ".jnlp", 1},
    {"^/servoy-(service|admin)/", "/servoy-", NULL, 0},
    {"^/websocket/", "/websocket/", NULL, 1},
    {"^", "", NULL, 0},
    {"", "", NULL, 0},
    {"/websocket/", "", NULL, 0},
    {"(?i)^/ws/", "", NULL, 0},
    {"^(?i)/ws/", "", NULL, 0},
    {"^/a|^/b", "", NULL, 0},
    {"^/a|/b", "", NULL, 0},
    {"^/a(b|c)|d", "", NULL, 0},
    {"^/ab?c", "/a", NULL, 0},
    {"^/ab*c", "/a", NULL, 0},
    {"^/ab{0,2}c", "/a", NULL, 0},
    {"^/ab+c", "/ab", NULL, 0},
    {"^/ab.c", "/ab", NULL, 0},
    {"^/ab.+c", "/ab", NULL, 0},
    {"^/ab.+c$", "/ab", "c", 1},
    {"^/ab.+$", "/ab", "", 1},
    {"^/ab.*c$", "/ab", NULL, 0},
    {"^/ab.+?c$", "/ab", NULL, 0},
    {"^/ab.++c$", "/ab", NULL, 0},
    {"^/ab.+c+$", "/ab", NULL, 0},
    {"^/ab.+c$d", "/ab", NULL, 0},
    {"^/ab.+c\\$", "/ab", NULL, 0},
    {"^/ab.+\\$$", "/ab", "$", 1},
    {"^/ab.+\\d$", "/ab", NULL, 0},
    {"^/ab.+\\\\$", "/ab", "\\", 1},
    {"^/ab\\.c", "/ab", NULL, 0},
    {"^/ab[cd]e", "/ab", NULL, 0},
    {"^/ab[c|d]e", "", NULL, 0},
    {"^/ab\\(c|d", "", NULL, 0},
    {"^/ab\\|c", "", NULL, 0},
    {"^/ab$", "/ab", NULL, 0},
    {"^a?", "", NULL, 0},
    {"^^a", "", NULL, 0},
};

START_TEST(shapes)
{
    svb_pattern_shape shape = svb_pattern_read(pool, patterns[_i].regex);

    ck_assert_str_eq(shape.prefix, patterns[_i].prefix);
    ck_assert_uint_eq(shape.prefix_len, strlen(shape.prefix));
    ck_assert_pstr_eq(shape.suffix, patterns[_i].suffix);
    ck_assert_int_eq(shape.is_whole, patterns[_i].is_whole);
}
END_TEST

static const struct {
    const char *regex, *text;
    svb_pattern_answer answer;
} tries[] = {
    {"^/ab.c", "/ab", SVB_PATTERN_PERHAPS},
    {"^/ab.c", "/abc", SVB_PATTERN_PERHAPS},
    {"^/ab.c", "/a", SVB_PATTERN_NO},
    {"^/ab.c", "", SVB_PATTERN_NO},
    {"^/ab.c", "x/ab", SVB_PATTERN_NO},
    {"x", "", SVB_PATTERN_PERHAPS},
    {"^/ws/", "/ws/", SVB_PATTERN_YES},
    {"^/ws/", "/ws/\n", SVB_PATTERN_YES},
    {"^/ws/", "/ws", SVB_PATTERN_NO},
    {"^/c/.+\\.jnlp$", "/c/a.jnlp", SVB_PATTERN_YES},
    {"^/c/.+\\.jnlp$", "/c/.jnlp", SVB_PATTERN_NO},
    {"^/c/.+\\.jnlp$", "/c/.jnlp.jnlp", SVB_PATTERN_YES},
    {"^/c/.+\\.jnlp$", "/c/a-jnlp", SVB_PATTERN_NO},
    {"^/c/.+\\.jnlp$", "/c/a.jnlpx", SVB_PATTERN_NO},
    {"^/c/.+\\.jnlp$", "/c/", SVB_PATTERN_NO},
    {"^/c/.+\\.jnlp$", "/c/a\n.jnlp", SVB_PATTERN_PERHAPS},
    {"^/c/.+\\.jnlp$", "/c/a.jnlp\n", SVB_PATTERN_PERHAPS},
    {"^/c/.+$", "/c/a", SVB_PATTERN_YES},
    {"^/c/.+$", "/c/", SVB_PATTERN_NO},
};

START_TEST(answers)
{
    svb_pattern_shape shape = svb_pattern_read(pool, tries[_i].regex);

    ck_assert_int_eq(svb_pattern_try(&shape, tries[_i].text), tries[_i].answer);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pattern");
    TCase *tc = tcase_create("pattern");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, shapes, 0, COUNT(patterns));
    tcase_add_loop_test(tc, answers, 0, COUNT(tries));
    suite_add_tcase(s, tc);
    return unit_run(srunner_create(s));
}
