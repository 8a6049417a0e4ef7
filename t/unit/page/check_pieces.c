/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Views: what they hold, as JSON; and that page.html asks for nothing that is not
 * there: its pieces and sections. */

#include <string.h>

#include <apr_strings.h>

#include "page/pieces.h"
#include "output.h"

static svb_view *view;

static void with_view(void)
{
    setup();
    view = svb_view_make(pool, apr_time_from_sec(1795341600));
}

static void fill_item(svb_view *item, const void *baton, int at)
{
    const char *const *names = baton;

    svb_view_text(item, "name", names[at]);
    svb_view_uint(item, "at", (apr_uint64_t)at);
}

static const char *const two[] = {"<a>", "b"};

START_TEST(as_json)
{
    svb_view_text(view, "text", "\"\xff");
    svb_view_text(view, "none", NULL);
    svb_view_time(view, "time", apr_time_from_sec(7));
    svb_view_list(view, "list", 2, fill_item, two);
    svb_view_list(view, "empty", 0, fill_item, NULL);
    svb_view_json(&sink, view);
    ck_assert_str_eq(written(),
                     "{\"text\":\"\\\"\\ufffd\",\"none\":\"\",\"time\":7,"
                     "\"list\":[{\"name\":\"\\u003ca\\u003e\",\"at\":\"0\"},\n"
                     "{\"name\":\"b\",\"at\":\"1\"}],\"empty\":[]}");
}
END_TEST

static const char *found_name;

static void note_name(const svb_view *item, void *baton, int at)
{
    const svb_view_entry *outer = svb_view_find(item, "outer", 5);

    ck_assert_int_eq(*(int *)baton, at);
    ck_assert_str_eq(outer->text, "around");
    ck_assert_ptr_null(svb_view_find(item, "oute", 4));
    found_name = apr_pstrdup(pool, svb_view_find(item, "name", 4)->text);
    ++*(int *)baton;
}

START_TEST(items_see_what_is_around_them)
{
    int n = 0;

    svb_view_text(view, "name", "of all");
    svb_view_text(view, "outer", "around");
    svb_view_list(view, "list", 2, fill_item, two);
    svb_view_each(view, svb_view_find(view, "list", 4), note_name, &n);
    ck_assert_int_eq(n, 2);
    ck_assert_str_eq(found_name, "b");
}
END_TEST

START_TEST(urls_and_fractions)
{
    ck_assert_str_eq(svb_view_url(pool, "a-Z_0.~/ &#%\xc3\xa9"),
                     "a-Z_0.~%2F%20%26%23%25%C3%A9");
    ck_assert_str_eq(svb_view_url(pool, NULL), "");
    ck_assert_str_eq(svb_view_fraction(pool, 2), "2");
    ck_assert_str_eq(svb_view_fraction(pool, 0.5), "0.5");
    ck_assert_str_eq(svb_view_fraction(pool, 100), "100");
    ck_assert_str_eq(svb_view_fraction(pool, 0.01), "0.01");
}
END_TEST

/* The gaps of a piece with a place for everything. */
START_TEST(gaps)
{
    svb_view_time(view, "at", apr_time_from_sec(1795341540));
    svb_view_text(view, "about", "<b>");
    svb_view_text(view, "event_kind", "\"");
    svb_pieces_fill(&sink, "event", view);
    ck_assert_str_eq(
        written(),
        "<li class=\"&quot;\" data-key=\"\"><time "
        "datetime=\"2026-11-22T09:59:00Z\" title=\"2026-11-22 09:59:00 UTC\">"
        "09:59:00</time> <span><b>&lt;b&gt;</b> </span></li>\n");
    svb_pieces_fill(&sink, "no such piece", view);
    ck_assert_str_eq(written(), "");
}
END_TEST

/* Each section of page.html is closed within its piece, and each piece that one asks
 * for is there. */
START_TEST(the_file_is_whole)
{
    const char *at = svb_pieces_all;
    int n = 0;

    while ((at = strstr(at, "{{")) != NULL) {
        const char *end = strstr(at, "}}"), *piece;
        const char *name =
            apr_pstrmemdup(pool, at + 3, (apr_size_t)(end - at - 3));

        if (at[2] == '#' || at[2] == '^') {
            const char *close =
                strstr(end, apr_pstrcat(pool, "{{/", name, "}}", NULL));

            piece = strstr(end, "<!-- piece ");
            ck_assert_msg(close && (!piece || close < piece),
                          "%s is not closed", name);
        }
        else if (at[2] == '>') {
            ck_assert_msg(
                strstr(svb_pieces_all,
                       apr_pstrcat(pool, "<!-- piece ", name, " -->\n", NULL))
                    != NULL,
                "no piece %s", name);
        }
        at = end;
        n++;
    }
    ck_assert_int_gt(n, 100);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pieces");
    TCase *tc = tcase_create("pieces");

    tcase_add_checked_fixture(tc, with_view, teardown);
    tcase_add_test(tc, as_json);
    tcase_add_test(tc, items_see_what_is_around_them);
    tcase_add_test(tc, urls_and_fractions);
    tcase_add_test(tc, gaps);
    tcase_add_test(tc, the_file_is_whole);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
