/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The sink: what is escaped and how, what numbers and times look like. */

#include <locale.h>
#include <math.h>
#include "output.h"

/* Counts the calls, and fails one of them. */
typedef struct caller {
    int calls, fail_at; /* 0: none */
} caller;

static apr_status_t to_caller(void *baton, const char *data, apr_size_t len)
{
    caller *c = baton;

    return ++c->calls == c->fail_at ? APR_EGENERAL : to_text(NULL, data, len);
}

static const struct {
    const char *in, *json, *html, *label;
} escapes[] = {
    {NULL, "\"\"", "", ""},
    {"", "\"\"", "", ""},
    {"servoy1", "\"servoy1\"", "servoy1", "servoy1"},
    {"a\"b", "\"a\\\"b\"", "a&quot;b", "a\\\"b"},
    {"a\\b", "\"a\\\\b\"", "a\\b", "a\\\\b"},
    {"a'b", "\"a'b\"", "a&#39;b", "a'b"},
    {"</script>", "\"\\u003c/script\\u003e\"", "&lt;/script&gt;", "</script>"},
    {"&amp;", "\"\\u0026amp;\"", "&amp;amp;", "&amp;"},
    {"\n\t", "\"\\n\\t\"", "\n\t", "\\n\xef\xbf\xbd"},
    {"\b\f\r", "\"\\b\\f\\r\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\x01\x7f", "\"\\u0001\\u007f\"", "\xef\xbf\xbd\xef\xbf\xbd",
     "\xef\xbf\xbd\xef\xbf\xbd"},
    /* well-formed, two to four bytes */
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
     "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    /* a byte that starts nothing */
    {"a\xff"
     "b",
     "\"a\\ufffdb\"",
     "a\xef\xbf\xbd"
     "b",
     "a\xef\xbf\xbd"
     "b"},
    /* cut short: what follows is not swallowed */
    {"\xe2\x82\"", "\"\\ufffd\\ufffd\\\"\"", "\xef\xbf\xbd\xef\xbf\xbd&quot;",
     "\xef\xbf\xbd\xef\xbf\xbd\\\""},
    {"\xc3", "\"\\ufffd\"", "\xef\xbf\xbd", "\xef\xbf\xbd"},
    /* overlong slash, surrogate, above U+10FFFF */
    {"\xc0\xaf", "\"\\ufffd\\ufffd\"", "\xef\xbf\xbd\xef\xbf\xbd",
     "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
};

START_TEST(escaping)
{
    svb_sink_json(&sink, escapes[_i].in);
    ck_assert_str_eq(written(), escapes[_i].json);
    svb_sink_html(&sink, escapes[_i].in);
    ck_assert_str_eq(written(), escapes[_i].html);
    svb_sink_label(&sink, escapes[_i].in);
    ck_assert_str_eq(written(), escapes[_i].label);
}
END_TEST

static const struct {
    double in;
    const char *out;
} doubles[] = {
    {0, "0.0"},
    {1, "1.0"},
    {-1, "-1.0"},
    {0.01, "0.01"},
    {0.29, "0.29"},
    {1.5, "1.5"},
    {100, "100.0"},
    {33.3333333, "33.3333"},
    {0.99999, "1.0"},
    {0.0001, "0.0001"},
    {-0.00001, "0.0"},
    {1e300, "1000000000000.0"},
    {-INFINITY, "-1000000000000.0"},
    {NAN, "0.0"},
};

START_TEST(fractions)
{
    /* a locale with a decimal comma, where there is one, changes nothing */
    setlocale(LC_ALL, "de_DE.UTF-8");
    svb_sink_double(&sink, doubles[_i].in);
    ck_assert_str_eq(written(), doubles[_i].out);
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(whole_numbers)
{
    svb_sink_uint(&sink, 0);
    ck_assert_str_eq(written(), "0");
    svb_sink_uint(&sink, APR_UINT64_C(18446744073709551615));
    ck_assert_str_eq(written(), "18446744073709551615");
    svb_sink_int(&sink, APR_INT64_C(-9223372036854775807) - 1);
    ck_assert_str_eq(written(), "-9223372036854775808");
    svb_sink_int(&sink, 12);
    ck_assert_str_eq(written(), "12");
}
END_TEST

START_TEST(times)
{
    svb_sink_time(&sink, apr_time_from_sec(1795341600) + 999999);
    ck_assert_str_eq(written(), "2026-11-22T10:00:00Z");
    svb_sink_time(&sink, -1);
    ck_assert_str_eq(written(), "1970-01-01T00:00:00Z");
    svb_sink_time(&sink, APR_INT64_C(9223372036854775807));
    ck_assert_str_eq(written(), "9999-12-31T23:59:59Z");
}
END_TEST

START_TEST(long_text_goes_out_in_pieces)
{
    const int n = 10000;
    char *in = apr_palloc(pool, n + 1);
    caller c = {0, 0};

    memset(in, 'x', n);
    in[n] = '\0';
    svb_sink_init(&sink, to_caller, &c);
    svb_sink_html(&sink, in);
    ck_assert_str_eq(written(), in);
    ck_assert_int_gt(c.calls, 1);
}
END_TEST

START_TEST(the_first_error_sticks)
{
    caller c = {0, 2};

    svb_sink_init(&sink, to_caller, &c);
    for (int i = 0; i < 100000; i++) {
        svb_sink_raw(&sink, "0123456789");
    }
    ck_assert_int_eq(svb_sink_flush(&sink), APR_EGENERAL);
    ck_assert_int_eq(svb_sink_flush(&sink), APR_EGENERAL);
    ck_assert_int_eq(c.calls, 2);
}
END_TEST

START_TEST(literals_with_gaps)
{
    const char *volatile nothing = NULL; /* known to the compiler as text */

    svb_sink_fill(&sink, svb_sink_html, "<b>none</b>");
    ck_assert_str_eq(written(), "<b>none</b>");
    svb_sink_fill(&sink, svb_sink_html, "%s<i>%d</i>%s%" APR_UINT64_T_FMT ".",
                  "<", -3, nothing, APR_UINT64_C(18446744073709551615));
    ck_assert_str_eq(written(), "&lt;<i>-3</i>18446744073709551615.");
    svb_sink_fill(&sink, svb_sink_json, "{%s: %s}", "a", "%s\"");
    ck_assert_str_eq(written(), "{\"a\": \"%s\\\"\"}");
    svb_sink_fill(&sink, svb_sink_label, "x=\"%s\"", "a\n%d");
    ck_assert_str_eq(written(), "x=\"a\\n%d\"");
}
END_TEST

START_TEST(for_people)
{
    svb_sink_count(&sink, 0, "node", "nodes");
    ck_assert_str_eq(written(), "0 nodes");
    svb_sink_count(&sink, 1, "node", "nodes");
    ck_assert_str_eq(written(), "1 node");
    svb_sink_duration(&sink, APR_INT64_C(9223372036854775807));
    ck_assert_str_eq(written(), "106751991 d 4 h");
    svb_sink_duration(&sink, -APR_INT64_C(9223372036854775807));
    ck_assert_str_eq(written(), "0 s");
    svb_sink_size(&sink, 1023);
    ck_assert_str_eq(written(), "1023 B");
    svb_sink_size(&sink, APR_UINT64_C(18446744073709551615));
    ck_assert_str_eq(written(), "15.9 EiB");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sink");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, escaping, 0, COUNT(escapes));
    tcase_add_loop_test(tc, fractions, 0, COUNT(doubles));
    tcase_add_test(tc, whole_numbers);
    tcase_add_test(tc, times);
    tcase_add_test(tc, long_text_goes_out_in_pieces);
    tcase_add_test(tc, the_first_error_sticks);
    tcase_add_test(tc, literals_with_gaps);
    tcase_add_test(tc, for_people);
    return unit_run(srunner_create(suite));
}
