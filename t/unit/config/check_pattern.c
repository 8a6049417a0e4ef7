/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * pattern: what every match of a regular expression begins with.
 */
#include <string.h>

#include "config/pattern.h"
#include "unit.h"

static const struct {
    const char *regex, *literal;
} patterns[] = {
    {"^/servoy-client/.+\\.jnlp$", "/servoy-client/"},
    {"^/servoy-(service|admin)/", "/servoy-"},
    {"^/websocket/", "/websocket/"},
    {"^", ""},
    {"", ""},
    {"/websocket/", ""},
    {"(?i)^/ws/", ""},
    {"^(?i)/ws/", ""},
    {"^/a|^/b", ""},
    {"^/a|/b", ""},
    {"^/a(b|c)|d", ""},
    {"^/ab?c", "/a"},
    {"^/ab*c", "/a"},
    {"^/ab{0,2}c", "/a"},
    {"^/ab+c", "/ab"},
    {"^/ab.c", "/ab"},
    {"^/ab\\.c", "/ab"},
    {"^/ab[cd]e", "/ab"},
    {"^/ab[c|d]e", ""},
    {"^/ab\\(c|d", ""},
    {"^/ab\\|c", ""},
    {"^/ab$", "/ab"},
    {"^a?", ""},
    {"^^a", ""},
};

START_TEST(literals)
{
    apr_size_t len = svb_pattern_literal(patterns[_i].regex);

    ck_assert_uint_eq(len, strlen(patterns[_i].literal));
    ck_assert(!len
              || !strncmp(patterns[_i].regex + 1, patterns[_i].literal, len));
}
END_TEST

START_TEST(may_match)
{
    const char *regex = "^/ab.c";
    apr_size_t literal = svb_pattern_literal(regex);

    ck_assert(svb_pattern_may_match(regex, literal, "/ab"));
    ck_assert(svb_pattern_may_match(regex, literal, "/abc"));
    ck_assert(!svb_pattern_may_match(regex, literal, "/a"));
    ck_assert(!svb_pattern_may_match(regex, literal, ""));
    ck_assert(!svb_pattern_may_match(regex, literal, "x/ab"));
    ck_assert(svb_pattern_may_match("x", 0, ""));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pattern");
    TCase *tc = tcase_create("pattern");

    tcase_add_loop_test(tc, literals, 0, COUNT(patterns));
    tcase_add_test(tc, may_match);
    suite_add_tcase(s, tc);
    return unit_run(srunner_create(s));
}
