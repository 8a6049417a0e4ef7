/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What is posted to the manager. */

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "memory/records.h"
#include "manager/form.h"
#include "unit.h"

/* On the heap and without a NUL, so that the sanitizer sees a byte too far. */
static const char *parse(const char *body, apr_size_t len, svb_form *out)
{
    char *copy = malloc(len ? len : 1);
    const char *error;

    memcpy(copy, body, len);
    error = svb_form_parse(pool, copy, len, out);
    free(copy);
    return error;
}

#define BASE "fleet=servoy&node=servoy1&nonce=abc"

static const struct {
    const char *body;
    svb_action_kind action;
    double value;
} good[] = {
    {BASE "&action=drain", SVB_ACTION_DRAIN, 0},
    {BASE "&action=enable", SVB_ACTION_ENABLE, 0},
    {BASE "&action=disable", SVB_ACTION_DISABLE, 0},
    {BASE "&action=maintenance", SVB_ACTION_MAINTENANCE, 0},
    {BASE "&action=close", SVB_ACTION_CLOSE, 0},
    {BASE "&action=close&value=", SVB_ACTION_CLOSE, 0},
    {BASE "&action=forget", SVB_ACTION_FORGET, 0},
    {BASE "&action=reset", SVB_ACTION_RESET, 0},
    {BASE "&action=reset&value=", SVB_ACTION_RESET, 0},
    {BASE "&action=reset&value", SVB_ACTION_RESET, 0},
    {BASE "&action=loadfactor&value=0.01", SVB_ACTION_LOADFACTOR, 0.01},
    {BASE "&action=loadfactor&value=.5", SVB_ACTION_LOADFACTOR, 0.5},
    {BASE "&action=loadfactor&value=2.", SVB_ACTION_LOADFACTOR, 2},
    {"value=100.00&action=loadfactor&" BASE, SVB_ACTION_LOADFACTOR, 100},
    {"&&" BASE "&&action=drain&", SVB_ACTION_DRAIN, 0},
    {BASE "&%61ction=dr%61in", SVB_ACTION_DRAIN, 0},
};

START_TEST(well_formed)
{
    svb_form form;
    const char *error = parse(good[_i].body, strlen(good[_i].body), &form);

    ck_assert_msg(error == NULL, "%s: %s", good[_i].body, error);
    ck_assert_str_eq(form.action.fleet, "servoy");
    ck_assert_str_eq(form.action.node, "servoy1");
    ck_assert_str_eq(form.nonce, "abc");
    ck_assert_int_eq(form.action.kind, good[_i].action);
    ck_assert(form.action.value == good[_i].value);
}
END_TEST

START_TEST(escapes_are_undone)
{
    static const char body[] = "fleet=a+b%26%3d%2B%25&node=%c3%A9%22%3C"
                               "&nonce=x=y&action=drain";
    svb_form form;

    ck_assert_ptr_null(parse(body, sizeof(body) - 1, &form));
    ck_assert_str_eq(form.action.fleet, "a b&=+%");
    ck_assert_str_eq(form.action.node, "\xc3\xa9\"<");
    ck_assert_str_eq(form.nonce, "x=y");
}
END_TEST

#define ACTIONS                                                                \
    "drain, enable, disable, maintenance, close, loadfactor, forget, reset"
#define NUMBER "but must be a number from 0.01 to 100, written like 0.5."

static const struct {
    const char *body, *error;
} bad[] = {
    {"", "Field \"fleet\" is missing."},
    {"fleet=f", "Field \"node\" is missing."},
    {"fleet=&node=n", "Field \"fleet\" is empty."},
    {"fleet&node=n", "Field \"fleet\" is empty."},
    {"fleet=f&node=n&nonce=x", "Field \"action\" is missing."},
    {"fleet=f&node=n&action=drain", "Field \"nonce\" is missing."},
    {BASE "&action=stop",
     "Field \"action\" is \"stop\", but must be one of " ACTIONS "."},
    {BASE "&action=DRAIN",
     "Field \"action\" is \"DRAIN\", but must be one of " ACTIONS "."},
    {BASE "&action=%22%3Cb%3E%c3%a9",
     "Field \"action\" is \"?<b>??\", but must be one of " ACTIONS "."},
    {BASE "&action=drain&action=drain",
     "Field \"action\" is there more than once."},
    {BASE "&action=drain&value=&value=",
     "Field \"value\" is there more than once."},
    {BASE "&action=drain&value=1",
     "Field \"value\" must be empty for the action drain: only loadfactor has "
     "a value."},
    {BASE "&action=close&value=1",
     "Field \"value\" must be empty for the action close: only loadfactor has "
     "a value."},
    {BASE "&action=loadfactor",
     "Field \"value\" is missing: the action loadfactor needs a number from "
     "0.01 to 100."},
    {BASE "&action=loadfactor&value=",
     "Field \"value\" is missing: the action loadfactor needs a number from "
     "0.01 to 100."},
    {BASE "&action=loadfactor&value=0", "Field \"value\" is \"0\", " NUMBER},
    {BASE "&action=loadfactor&value=0.0099",
     "Field \"value\" is \"0.0099\", " NUMBER},
    {BASE "&action=loadfactor&value=100.01",
     "Field \"value\" is \"100.01\", " NUMBER},
    {BASE "&action=loadfactor&value=1,5",
     "Field \"value\" is \"1,5\", " NUMBER},
    {BASE "&action=loadfactor&value=-1", "Field \"value\" is \"-1\", " NUMBER},
    {BASE "&action=loadfactor&value=+1", "Field \"value\" is \" 1\", " NUMBER},
    {BASE "&action=loadfactor&value=1e1",
     "Field \"value\" is \"1e1\", " NUMBER},
    {BASE "&action=loadfactor&value=0x1",
     "Field \"value\" is \"0x1\", " NUMBER},
    {BASE "&action=loadfactor&value=nan",
     "Field \"value\" is \"nan\", " NUMBER},
    {BASE "&action=loadfactor&value=inf",
     "Field \"value\" is \"inf\", " NUMBER},
    {BASE "&action=loadfactor&value=.", "Field \"value\" is \".\", " NUMBER},
    {BASE "&action=loadfactor&value=1.0000000000000000",
     "Field \"value\" is longer than the 16 bytes it may have."},
    {"colour=red", "Field \"colour\" is unknown: allowed are fleet, node, "
                   "action, nonce, value."},
    {"=x", "Field \"\" is unknown: allowed are fleet, node, action, nonce, "
           "value."},
    {"Fleet=x", "Field \"Fleet\" is unknown: allowed are fleet, node, action, "
                "nonce, value."},
    {"%3Cscript%3E%22aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
     "Field \"<script>?aaaaaaaaaaaaaaaaaaaaaaa...\" is unknown: allowed are "
     "fleet, node, action, nonce, value."},
    {"fleet=%", "Field \"fleet\" has a % that is not followed by two "
                "hexadecimal digits."},
    {"fleet=%4", "Field \"fleet\" has a % that is not followed by two "
                 "hexadecimal digits."},
    {"fleet=%4&node=1", "Field \"fleet\" has a % that is not followed by two "
                        "hexadecimal digits."},
    {"fleet=%4g", "Field \"fleet\" has a % that is not followed by two "
                  "hexadecimal digits."},
    {"%zz=1", "The name of a field has a % that is not followed by two "
              "hexadecimal digits."},
    {"fleet=a%00b", "Field \"fleet\" has a control character."},
    {"fleet=a%0Ab", "Field \"fleet\" has a control character."},
    {"fleet=a\nb", "Field \"fleet\" has a control character."},
    {"fleet=a%7f", "Field \"fleet\" has a control character."},
    {"fl%00eet=a", "The name of a field has a control character."},
    {"fleet=%ff", "Field \"fleet\" is not valid UTF-8."},
    {"fleet=%c0%af", "Field \"fleet\" is not valid UTF-8."},
    {"fleet=%ed%a0%80", "Field \"fleet\" is not valid UTF-8."},
    {"fleet=%c3", "Field \"fleet\" is not valid UTF-8."},
    {"\xff=1", "The name of a field is not valid UTF-8."},
};

START_TEST(malformed)
{
    svb_form form;
    const char *error = parse(bad[_i].body, strlen(bad[_i].body), &form);

    ck_assert_ptr_nonnull(error);
    ck_assert_str_eq(error, bad[_i].error);
}
END_TEST

START_TEST(a_raw_nul)
{
    static const char body[] = "fleet=a\0b";
    svb_form form;

    ck_assert_str_eq(parse(body, sizeof(body) - 1, &form),
                     "Field \"fleet\" has a control character.");
    ck_assert_str_eq(svb_form_parse(pool, NULL, 0, &form),
                     "Field \"fleet\" is missing.");
}
END_TEST

/* "name=" and so many bytes */
static const char *filled(const char *name, int n)
{
    char *text = apr_palloc(pool, (apr_size_t)n + 1);

    memset(text, 'x', (apr_size_t)n);
    text[n] = '\0';
    return apr_pstrcat(pool, name, "=", text, NULL);
}

START_TEST(lengths)
{
    svb_form form;
    const char *rest = "&node=n&action=drain&nonce=x", *body, *error;

    body = apr_pstrcat(pool, filled("fleet", SVB_NAME_MAX), rest, NULL);
    ck_assert_ptr_null(parse(body, strlen(body), &form));
    ck_assert_uint_eq(strlen(form.action.fleet), SVB_NAME_MAX);
    body = apr_pstrcat(pool, filled("fleet", SVB_NAME_MAX + 1), rest, NULL);
    ck_assert_str_eq(parse(body, strlen(body), &form),
                     "Field \"fleet\" is longer than the 63 bytes it may "
                     "have.");
    body = filled("nonce", 200);
    error = parse(body, strlen(body), &form);
    ck_assert_ptr_nonnull(error);
    ck_assert_ptr_null(strstr(error, "xxx"));
    body = filled("nonce", SVB_FORM_MAX);
    ck_assert_str_eq(parse(body, strlen(body), &form),
                     "The form is longer than the 4096 bytes it may have.");
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(svb_action_name(SVB_ACTION_DRAIN), "drain");
    ck_assert_str_eq(svb_action_name(SVB_ACTION_RESET), "reset");
    ck_assert_str_eq(svb_action_name(SVB_ACTIONS), "");
    ck_assert_str_eq(svb_action_name((svb_action_kind)-1), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("form");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, well_formed, 0, COUNT(good));
    tcase_add_test(tc, escapes_are_undone);
    tcase_add_loop_test(tc, malformed, 0, COUNT(bad));
    tcase_add_test(tc, a_raw_nul);
    tcase_add_test(tc, lengths);
    tcase_add_test(tc, names);
    return unit_run(srunner_create(suite));
}
