/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Unit tests of svb_session: what is read from Cookie, path and Set-Cookie. */

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "choice/session.h"
#include "unit.h"

#define LONGEST_ROUTE                                                          \
    "123456789012345678901234567890123456789012345678901234567890123"

static apr_array_header_t *make_names(const char *name, const char *second)
{
    apr_array_header_t *names = apr_array_make(pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(names, const char *) = name;
    if (second) {
        APR_ARRAY_PUSH(names, const char *) = second;
    }
    return names;
}

/* The list as text: "id|id", a path parameter's id with a ';' before it. */
static const char *show(const svb_session_ids *ids)
{
    const char *text = "";

    for (int i = 0; i < ids->n; i++) {
        const svb_session_id *id = &ids->ids[i];

        text = apr_pstrcat(pool, text, i ? "|" : "", id->from_path ? ";" : "",
                           apr_pstrmemdup(pool, id->id, id->len), NULL);
    }
    return text;
}

static const struct {
    const char *cookie;
    const char *ids;
} cookies[] = {
    {NULL, ""},
    {"", ""},
    {"JSESSIONID=abc.r1", "abc.r1"},
    {"JSESSIONID=abc", "abc"},
    {"a=b; JSESSIONID=abc.r1; c=d", "abc.r1"},
    {"a=b,JSESSIONID=abc.r1,c=d", "abc.r1"},
    {"a=b;JSESSIONID=abc.r1;", "abc.r1"},
    {"  JSESSIONID  =  abc.r1  ; c=d", "abc.r1"},
    {"\tJSESSIONID\t=\tabc.r1\t", "abc.r1"},
    /* quotes */
    {"JSESSIONID=\"abc.r1\"", "abc.r1"},
    {"JSESSIONID=\"abc.r1\" ; x=y", "abc.r1"},
    {"JSESSIONID=\"a;b,c.r1\"; x=y", "a;b,c.r1"},
    {"x=\"1; JSESSIONID=no\"; JSESSIONID=yes", "yes"},
    {"x=\"\\\"; JSESSIONID=no\"; JSESSIONID=yes", "yes"},
    {"x=\"1; JSESSIONID=abc", "abc"},
    {"x=\"1; JSESSIONID=abc; y=\"2\"", "abc"},
    {"JSESSIONID=\"abc.r1", "\"abc.r1"},
    {"JSESSIONID=\"abc\"def", "\"abc\"def"},
    {"JSESSIONID=abc\"", "abc\""},
    {"JSESSIONID=\"", "\""},
    {"JSESSIONID=\"\\", "\"\\"},
    {"JSESSIONID=\"a\\\"", "\"a\\\""},
    /* empty, broken */
    {"JSESSIONID", ""},
    {"JSESSIONID=", ""},
    {"JSESSIONID=\"\"", ""},
    {"JSESSIONID=   ; x=y", ""},
    {"JSESSIONID; JSESSIONID=abc", "abc"},
    {"=abc; JSESSIONID=def", "def"},
    {";;;,,, ; JSESSIONID=abc", "abc"},
    {"====; JSESSIONID=abc", "abc"},
    {"JSESSIONID==abc", "=abc"},
    {"JSESSIONID=a=b.r1", "a=b.r1"},
    {"JSESSIONID=a b", "a b"},
    {"JSESSIONID=abc;jsessionid=def", "abc"},
    /* names that only resemble */
    {"XJSESSIONID=no", ""},
    {"JSESSIONIDX=no", ""},
    {"JSESSIONI=no", ""},
    {"X JSESSIONID=no", ""},
    {"x=JSESSIONID=no", ""},
    {"XJSESSIONID=no; JSESSIONID=yes; JSESSIONIDX=no", "yes"},
    /* several */
    {"JSESSIONID=a.r1; JSESSIONID=b.r2", "a.r1|b.r2"},
    {"JSESSIONID=b; x=1; JSESSIONID=a, JSESSIONID=c", "b|a|c"},
    {"JSESSIONID=a; JSESSIONID=b; JSESSIONID=a", "a|b"},
    {"JSESSIONID=a; SID=a; SID=b", "a|b"},
    {"JSESSIONID=a; JSESSIONID=\"a\"", "a"},
    {"JSESSIONID=a; JSESSIONID=A; JSESSIONID=aa", "a|A|aa"},
    {"SID=s; JSESSIONID=j", "s|j"},
    {"$Version=1; JSESSIONID=\"a.r1\"; $Path=\"/\"", "a.r1"},
};

START_TEST(cookie_ids)
{
    svb_session_ids ids;

    memset(&ids, 0x5a, sizeof(ids)); /* needs no initialisation */
    svb_session_from_cookie(&ids, cookies[_i].cookie,
                            make_names("JSESSIONID", "SID"));
    ck_assert_str_eq(show(&ids), cookies[_i].ids);
}
END_TEST

START_TEST(cookie_names)
{
    apr_array_header_t *names = make_names("JSESSIONID", "SID");
    svb_session_ids ids;

    svb_session_from_cookie(&ids, "SID=a; JSESSIONID=b", names);
    ck_assert_int_eq(ids.n, 2);
    ck_assert_ptr_eq(ids.ids[0].name, APR_ARRAY_IDX(names, 1, const char *));
    ck_assert_ptr_eq(ids.ids[1].name, APR_ARRAY_IDX(names, 0, const char *));
    ck_assert_int_eq(ids.ids[0].from_path, 0);

    svb_session_from_cookie(&ids, "SID=a",
                            apr_array_make(pool, 1, sizeof(const char *)));
    ck_assert_int_eq(ids.n, 0);
}
END_TEST

START_TEST(too_many_ids)
{
    const char *cookie = "";
    svb_session_ids ids;

    for (int i = 0; i < 3 * SVB_SESSION_IDS_MAX; i++) {
        cookie = apr_psprintf(pool, "%sSID=id%d; SID=id%d;", cookie, i, i);
    }
    svb_session_from_cookie(&ids, cookie, make_names("SID", NULL));
    ck_assert_int_eq(ids.n, SVB_SESSION_IDS_MAX);
    ck_assert_int_eq(strncmp(ids.ids[63].id, "id63", ids.ids[63].len), 0);
    svb_session_from_path(&ids, "/a;sid=more", make_names("SID", NULL));
    ck_assert_int_eq(ids.n, SVB_SESSION_IDS_MAX);
}
END_TEST

/* Many opening quotes must not make it quadratic: this takes no time. */
START_TEST(long_cookie)
{
    apr_size_t len = 4000000;
    char *cookie = malloc(len + 1);
    svb_session_ids ids;

    for (apr_size_t i = 0; i + 4 <= len; i += 4) {
        memcpy(cookie + i, i % 8 ? "a=\"\\" : "b=\";", 4);
    }
    cookie[len] = '\0';
    svb_session_from_cookie(&ids, cookie, make_names("a", "c"));
    for (apr_size_t i = 0; i < len; i++) {
        cookie[i] = i % 2 ? '"' : '=';
    }
    svb_session_from_cookie(&ids, cookie, make_names("a", "c"));
    ck_assert_int_eq(ids.n, 0);
    free(cookie);
}
END_TEST

static const struct {
    const char *path;
    const char *ids;
} paths[] = {
    {NULL, ""},
    {"", ""},
    {"/", ""},
    {"/a/b", ""},
    {"/a;jsessionid=abc.r1", ";abc.r1"},
    {"/a;JSESSIONID=abc.r1", ";abc.r1"},
    {"/a;JSessionId=abc.r1", ";abc.r1"},
    {"/a;jsessionid=abc.r1/b", ";abc.r1"},
    {"/a;jsessionid=abc.r1;x=y", ";abc.r1"},
    {"/a;x=y;jsessionid=abc.r1", ";abc.r1"},
    {"/a;x;jsessionid=abc.r1", ";abc.r1"},
    {"/a;;jsessionid=abc.r1", ";abc.r1"},
    {"/a;jsessionid=abc.r1?q", ";abc.r1"},
    {"/a;jsessionid=abc.r1#f", ";abc.r1"},
    {"/a?;jsessionid=no", ""},
    {"/a#;jsessionid=no", ""},
    {"/a;x?;jsessionid=no", ""},
    {"/a;jsessionid=one/b;jsessionid=two", ";one|;two"},
    {"/a;jsessionid=one/b;jsessionid=one", ";one"},
    {"/a;jsessionid=/b", ""},
    {"/a;jsessionid", ""},
    {"/a;jsessionid/x=no", ""},
    {"/a;xjsessionid=no", ""},
    {"/a;jsessionidx=no", ""},
    {"/jsessionid=no", ""},
    {"/a;", ""},
    {"/a;=", ""},
    {"/a;jsessionid=;jsessionid=b", ";b"},
    {"/a;jsessionid=a=b", ";a=b"},
    {"/a;jsessionid=\"q\"", ";\"q\""},
    {"/a;sid=s;jsessionid=j", ";s|;j"},
};

START_TEST(path_ids)
{
    apr_array_header_t *names = make_names("JSESSIONID", "SID");
    svb_session_ids ids;

    svb_session_from_cookie(&ids, NULL, names);
    svb_session_from_path(&ids, paths[_i].path, names);
    ck_assert_str_eq(show(&ids), paths[_i].ids);
}
END_TEST

START_TEST(cookies_before_path)
{
    apr_array_header_t *names = make_names("JSESSIONID", NULL);
    svb_session_ids ids;

    svb_session_from_cookie(&ids, "JSESSIONID=c1; JSESSIONID=c2", names);
    svb_session_from_path(&ids, "/a;jsessionid=c2/b;jsessionid=p", names);
    ck_assert_str_eq(show(&ids), "c1|c2|;p");
}
END_TEST

static const struct {
    const char *id;
    const char *routes; /* each with a '|' after it */
} routes[] = {
    {"abc", ""},
    {"abc.", ""},
    {"abc.r1", "r1|"},
    {".r1", "r1|"},
    {".", ""},
    {"...", "..|.|"},
    {"abc.eu.r1", "eu.r1|r1|"},
    {"abc..r1", ".r1|r1|"},
    {"abc.r1.", "r1.|"},
    {"a.123456789.123456789.123456789.123456789.123456789.123456789.123",
     "123456789.123456789.123456789.123456789.123456789.123456789.123|"
     "123456789.123456789.123456789.123456789.123456789.123|"
     "123456789.123456789.123456789.123456789.123|"
     "123456789.123456789.123456789.123|123456789.123456789.123|"
     "123456789.123|123|"},
    {"a.x123456789012345678901234567890123456789012345678901234567890123.r",
     "r|"},
    {"a.123456789012345678901234567890123456789012345678901234567890123",
     "123456789012345678901234567890123456789012345678901234567890123|"},
    {"a.1234567890123456789012345678901234567890123456789012345678901234", ""},
    {".1234567890123456789012345678901234567890123456789012345678901234", ""},
};

START_TEST(route_candidates)
{
    svb_session_id id = {routes[_i].id, strlen(routes[_i].id), "n", 0};
    const char *text = "", *route;
    apr_size_t pos = 0, len;

    while (svb_session_next_route(&id, &pos, &route, &len)) {
        ck_assert_int_le((int)len, SVB_ROUTE_MAX);
        ck_assert_ptr_eq(route + len, id.id + id.len);
        ck_assert_int_eq((int)(svb_session_base_len(&id, len) + 1 + len),
                         (int)id.len);
        text = apr_pstrcat(pool, text, apr_pstrmemdup(pool, route, len), "|",
                           NULL);
    }
    ck_assert_int_eq(svb_session_next_route(&id, &pos, &route, &len), 0);
    ck_assert_str_eq(text, routes[_i].routes);
}
END_TEST

/* The id is not NUL-terminated: nothing behind it may be read. */
START_TEST(route_within_id)
{
    svb_session_id id = {"ab.r1; x=y.z", 5, "n", 0};
    apr_size_t pos = 0, len;
    const char *route;

    ck_assert(svb_session_next_route(&id, &pos, &route, &len));
    ck_assert_int_eq((int)len, 2);
    ck_assert(!svb_session_next_route(&id, &pos, &route, &len));
    id.len = 3;
    pos = 0;
    ck_assert(!svb_session_next_route(&id, &pos, &route, &len));
}
END_TEST

START_TEST(base_len)
{
    svb_session_id id = {"abc.eu.r1", 9, "n", 0};

    ck_assert_int_eq((int)svb_session_base_len(&id, 2), 6);
    ck_assert_int_eq((int)svb_session_base_len(&id, 5), 3);
    ck_assert_int_eq((int)svb_session_base_len(&id, 0), 9);
    ck_assert_int_eq((int)svb_session_base_len(&id, 1), 9);
    ck_assert_int_eq((int)svb_session_base_len(&id, 8), 9);
    ck_assert_int_eq((int)svb_session_base_len(&id, 9), 9);
    ck_assert_int_eq((int)svb_session_base_len(&id, 100), 9);
}
END_TEST

static const struct {
    const char *id;
    int is_launch;
} launches[] = {
    {"0123456789abcdef.servoy1", 1},
    {"0123456789abcdef.eu.servoy1", 1},
    {"0123456789abcdef.s", 1},
    {"0123456789abcdef." LONGEST_ROUTE, 1},
    {"0123456789abcdef." LONGEST_ROUTE "4", 0},
    {"0123456789abcdef.", 0},
    {"0123456789abcdef", 0},
    {"0123456789abcdef0.s", 0},
    {"0123456789abcde.ss", 0},
    {"0123456789ABCDEF.s", 0},
    {"0123456789abcdeg.s", 0},
    {"............abcd.s", 0},
    {".", 0},
    {"", 0},
};

START_TEST(launch_ids)
{
    svb_session_id id = {launches[_i].id, strlen(launches[_i].id), "n", 0};

    ck_assert_int_eq(svb_session_is_launch(&id), launches[_i].is_launch);
    /* what stands behind the id is not its own */
    id.len = id.len > 17 ? 17 : id.len;
    ck_assert_int_eq(svb_session_is_launch(&id), 0);
}
END_TEST

#define LIVE 0
#define GONE 1
#define OTHER (-1)

/* The present is 2026-11-22 10:00:00 GMT. */
#define NOW apr_time_from_sec(1795341600)

static const struct {
    const char *header;
    const char *id;
    int expired; /* OTHER: not a session cookie */
} set_cookies[] = {
    {NULL, NULL, OTHER},
    {"", NULL, OTHER},
    {"JSESSIONID", NULL, OTHER},
    {"JSESSIONID; Path=/", NULL, OTHER},
    {"jsessionid=abc", NULL, OTHER},
    {"XJSESSIONID=abc", NULL, OTHER},
    {"x=y; JSESSIONID=abc", NULL, OTHER},
    {"; JSESSIONID=abc", NULL, OTHER},
    {"x=JSESSIONID=abc", NULL, OTHER},
    {"JSESSIONID=abc.r1", "abc.r1", LIVE},
    {"JSESSIONID=abc.r1; Path=/; HttpOnly; Secure", "abc.r1", LIVE},
    {" JSESSIONID = \"abc.r1\" ;Path=/", "abc.r1", LIVE},
    {"SID=x", "x", LIVE},
    {"JSESSIONID=a,b", "a,b", LIVE},
    /* removed: empty */
    {"JSESSIONID=", "", GONE},
    {"JSESSIONID=\"\"; Path=/", "", GONE},
    {"JSESSIONID=; Max-Age=100", "", GONE},
    /* Max-Age */
    {"JSESSIONID=a; Max-Age=0", "a", GONE},
    {"JSESSIONID=a; max-age=00", "a", GONE},
    {"JSESSIONID=a; MAX-AGE = -1", "a", GONE},
    {"JSESSIONID=a; Max-Age=-0", "a", GONE},
    {"JSESSIONID=a; Max-Age=\"0\"", "a", GONE},
    {"JSESSIONID=a; Max-Age=1", "a", LIVE},
    {"JSESSIONID=a; Max-Age=99999999999999999999999999", "a", LIVE},
    {"JSESSIONID=a; Max-Age=-99999999999999999999999999", "a", GONE},
    {"JSESSIONID=a; Max-Age=", "a", LIVE},
    {"JSESSIONID=a; Max-Age", "a", LIVE},
    {"JSESSIONID=a; Max-Age=-", "a", LIVE},
    {"JSESSIONID=a; Max-Age=0x", "a", LIVE},
    {"JSESSIONID=a; Max-Age=+0", "a", LIVE},
    {"JSESSIONID=a; XMax-Age=0", "a", LIVE},
    {"JSESSIONID=a; Max-Age=5; Max-Age=0", "a", GONE},
    {"JSESSIONID=a; Max-Age=0; Max-Age=5", "a", LIVE},
    {"JSESSIONID=a; Max-Age=0; Max-Age=x", "a", GONE},
    /* Max-Age comes before Expires, in whatever order they stand */
    {"JSESSIONID=a; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:10 GMT", "a",
     LIVE},
    {"JSESSIONID=a; Expires=Thu, 01 Jan 2037 00:00:10 GMT; Max-Age=0", "a",
     GONE},
    {"JSESSIONID=a; Max-Age=x; Expires=Thu, 01 Jan 1970 00:00:10 GMT", "a",
     GONE},
    /* Expires in its many forms */
    {"JSESSIONID=a; Expires=Thu, 01-Jan-1970 00:00:10 GMT; Path=/", "a", GONE},
    {"JSESSIONID=a; Expires=Thu, 01 Jan 1970 00:00:10 GMT", "a", GONE},
    {"JSESSIONID=a; expires=Thu, 01 Jan 1970 00:00:00 GMT", "a", GONE},
    {"JSESSIONID=a; Expires=\"Thu, 01-Jan-1970 00:00:00 GMT\"", "a", GONE},
    {"JSESSIONID=a; Expires=Mon, 01 Jan 1900 00:00:00 GMT", "a", GONE},
    {"JSESSIONID=a; Expires=Thursday, 01-Jan-70 00:00:10 GMT", "a", GONE},
    {"JSESSIONID=a; Expires=Thursday, 01-Jan-69 00:00:10 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Thu Jan  1 00:00:10 1970", "a", GONE},
    {"JSESSIONID=a; Expires=Sun, 22 Nov 2026 09:59:59 GMT", "a", GONE},
    {"JSESSIONID=a; Expires=Sun, 22 Nov 2026 10:00:00 GMT", "a", GONE},
    {"JSESSIONID=a; Expires=Sun, 22 Nov 2026 10:00:01 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Sunday, 22-Nov-26 10:00:01 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Sun, 22-NOV-2026 10:0:1 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Sun Nov 22 10:00:01 2026", "a", LIVE},
    {"JSESSIONID=a; Expires=Fri, 31 Dec 9999 23:59:59 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Sat, 01 Jan 2000 00:00:00 GMT; "
     "Expires=Fri, 01 Jan 2038 00:00:00 GMT",
     "a", LIVE},
    /* with less in it, or in another dress */
    {"JSESSIONID=a; Expires=Thursday, 01-Jan-70 00:00:00 GMT", "a", GONE},
    {"JSESSIONID=a; Expires=THU, 01-JAN-1970 00:00:00 gmt", "a", GONE},
    {"JSESSIONID=a; Expires=01 Jan 1970 00:00:00 GMT", "a", GONE},
    {"JSESSIONID=a; Expires=Thu, 01 Jan 1970 00:00:00", "a", GONE},
    {"JSESSIONID=a; Expires=Thu, 1 Jan 1970 00:00:00 GMT", "a", GONE},
    {"JSESSIONID=a; Expires=Thu Jan  1 00:00:00 1970", "a", GONE},
    {"JSESSIONID=a; Expires=Mon, 29 Feb 1960 00:00:00 GMT", "a", GONE},
    {"JSESSIONID=a; Expires=Mon, 01 Jan 1601 00:00:00 GMT", "a", GONE},
    {"JSESSIONID=a; Expires=Sun, 22 Nov 2026 11:00:00 +0200", "a", LIVE},
    {"JSESSIONID=a; Expires=Sun, 22 Nov 2026 09:00:00 -0200", "a", GONE},
    /* no dates */
    {"JSESSIONID=a; Expires=Thu, 01 Jan 1970 00:00:61 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Thu, 01 Jan 1970 00:00:10 GMT"
     "                                                                     ."
     "                                                                     .",
     "a", LIVE},
    {"JSESSIONID=a; Expires=", "a", LIVE},
    {"JSESSIONID=a; Expires=0", "a", LIVE},
    {"JSESSIONID=a; Expires=-1", "a", LIVE},
    {"JSESSIONID=a; Expires=Thu, 00 Jan 1970 00:00:10 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Thu, 32 Jan 1970 00:00:10 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Thu, 01 Foo 1970 00:00:10 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Thu, 01 Jan 1600 00:00:10 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Thu, 01 Jan 19700 00:00:10 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Thu, 01 Jan 1970 24:00:10 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Thu, 01 Jan 1970 00:60:10 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Thu, 01 Jan 1970 00:00:60 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Thu, 01 Jan 1970 00:00 GMT", "a", LIVE},
    {"JSESSIONID=a; Expires=Thu, 01 Jan 1970", "a", LIVE},
    {"JSESSIONID=a; Expires=tomorrow", "a", LIVE},
};

START_TEST(set_cookie)
{
    apr_array_header_t *names = make_names("JSESSIONID", "SID");
    svb_session_id id;
    int expired = -2;
    int found = svb_session_from_set_cookie(set_cookies[_i].header, names, NOW,
                                            &id, &expired);

    if (set_cookies[_i].expired == OTHER) {
        ck_assert_int_eq(found, 0);
        return;
    }
    ck_assert_int_eq(found, 1);
    ck_assert_int_eq(expired, set_cookies[_i].expired);
    ck_assert_str_eq(apr_pstrmemdup(pool, id.id, id.len), set_cookies[_i].id);
    ck_assert_int_eq(id.from_path, 0);
    ck_assert_ptr_nonnull(id.name);
}
END_TEST

/* What is left of a header without the cookie S. */
static const struct {
    const char *before, *after;
} strips[] = {
    {"", NULL},
    {"A=1", NULL},
    {"s=1; SS=2; A=S", NULL},
    {"S=1", ""},
    {"S=1; A=2", "A=2"},
    {"A=2; S=1", "A=2"},
    {"A=2; S=1; B=3", "A=2; B=3"},
    {"A=2, S=1, B=3", "A=2, B=3"},
    {" ; S = 1 ;;A=2 ; ", "A=2"},
    {"S=1; S=2; A=3; S", "A=3"},
    {"A=\"S=1; x\"; S=\"2; y\"; B=\"z", "A=\"S=1; x\"; B=\"z"},
    {"S=\"1; A=2", "A=2"},
    {"S", ""},
    {"=1; S=2", "=1"},
};

START_TEST(stripped)
{
    char *cookie = apr_pstrdup(pool, strips[_i].before);
    int found = svb_session_strip(cookie, "S");

    ck_assert_int_eq(found, strips[_i].after != NULL);
    if (found) {
        ck_assert_str_eq(cookie, strips[_i].after);
    }
}
END_TEST

static Suite *session_suite(void)
{
    Suite *s = suite_create("svb_session");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, cookie_ids, 0, COUNT(cookies));
    tcase_add_test(tc, cookie_names);
    tcase_add_test(tc, too_many_ids);
    tcase_add_test(tc, long_cookie);
    tcase_add_loop_test(tc, path_ids, 0, COUNT(paths));
    tcase_add_test(tc, cookies_before_path);
    tcase_add_loop_test(tc, route_candidates, 0, COUNT(routes));
    tcase_add_test(tc, route_within_id);
    tcase_add_test(tc, base_len);
    tcase_add_loop_test(tc, launch_ids, 0, COUNT(launches));
    tcase_add_loop_test(tc, stripped, 0, COUNT(strips));
    tcase_add_loop_test(tc, set_cookie, 0, COUNT(set_cookies));
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(session_suite()));
}
