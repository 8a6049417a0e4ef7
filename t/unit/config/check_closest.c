/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * closest: slips between words, and which word was meant.
 */
#include "config/closest.h"
#include "unit.h"

#define X10 "xxxxxxxxxx"

static const struct {
    const char *a, *b;
    int slips;
} pairs[] = {
    {"servoy", "servoy", 0},
    {"Servoy", "sERVOY", 0},
    {"", "", 0},
    {"", "url", 3},
    {"servy", "servoy", 1},
    {"servooy", "servoy", 1},
    {"serwoy", "servoy", 1},
    {"sevroy", "servoy", 1},
    {"ab", "ba", 1},
    {"abc", "ca", 3},
    {"redirct", "redirect", 1},
    {"kitten", "sitting", 3},
    {"group", "url", 4},
    {X10 X10 X10 X10 X10 X10 "abc", X10 X10 X10 X10 X10 X10 "acb", 1},
    {X10 X10 X10 X10 X10 X10 "abcd", X10 X10 X10 X10 X10 X10 "abcd", 64},
};

START_TEST(slips)
{
    ck_assert_int_eq(svb_closest_slips(pairs[_i].a, pairs[_i].b),
                     pairs[_i].slips);
    ck_assert_int_eq(svb_closest_slips(pairs[_i].b, pairs[_i].a),
                     pairs[_i].slips);
}
END_TEST

static const struct {
    const char *word, *meant;
} words[] = {
    {"ur", "url"},
    {"URL", "url"},
    {"uri", "url"},
    {"groop", "group"},
    {"gorup", "group"},
    {"grp", NULL},
    {"maxclient", "maxclients"},
    {"max-clients", "maxclients"},
    {"maxcleints", "maxclients"},
    {"mxclnts", NULL},
    {"servoy3", "servoy1"},
    {"", NULL},
    {"x", NULL},
    {"u", NULL},
    {"redirect", NULL},
};

START_TEST(meant)
{
    static const char *const known[] = {"url",     "group",   "maxclients",
                                        "servoy1", "servoy2", NULL};
    const char *found = svb_closest(words[_i].word, known);

    if (words[_i].meant) {
        ck_assert_msg(found && !strcmp(found, words[_i].meant), "%s: %s",
                      words[_i].word, found ? found : "none");
    }
    else {
        ck_assert_msg(!found, "%s: %s", words[_i].word, found);
    }
}
END_TEST

START_TEST(nothing_known)
{
    static const char *const none[] = {NULL};

    ck_assert(!svb_closest("servoy", none));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("closest");
    TCase *tc = tcase_create("closest");

    tcase_add_loop_test(tc, slips, 0, sizeof(pairs) / sizeof(pairs[0]));
    tcase_add_loop_test(tc, meant, 0, sizeof(words) / sizeof(words[0]));
    tcase_add_test(tc, nothing_known);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
