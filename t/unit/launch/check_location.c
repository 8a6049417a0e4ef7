/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Unit tests of svb_location: the Location that launches get. */

#include <string.h>

#include <apr_strings.h>
#include <apr_uri.h>

#include "launch/location.h"
#include "config/escape.h"
#include "config/url.h"
#include "unit.h"

#define URL "https://app1.example.com:8443"

static const struct {
    const char *path, *query;
    const char *rest; /* of Location, behind the direct URL */
} locations[] = {
    {"/", NULL, "/"},
    {"/", "", "/?"},
    {"/servoy-client/a.jnlp", NULL, "/servoy-client/a.jnlp"},
    {"/servoy-client/a.jnlp", "m=x&a=1", "/servoy-client/a.jnlp?m=x&a=1"},
    {"/a", "argument=a|b|c", "/a?argument=a%7Cb%7Cc"},
    {"/a|b", NULL, "/a%7Cb"},
    {"/a%7cb", "c%7cd", "/a%7cb?c%7cd"},
    {"/-_.!~*'():@&=+$,;/", "-_.!~*'():@&=+$,;/?[]",
     "/-_.!~*'():@&=+$,;/?-_.!~*'():@&=+$,;/?[]"},
    {"/ \"<>\\^`{|}[]?#", " \"<>\\^`{|}#",
     "/%20%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D%3F%23"
     "?%20%22%3C%3E%5C%5E%60%7B%7C%7D%23"},
    {"/\xc3\xa9", "\xff\x80", "/%C3%A9?%FF%80"},
    {"/%c3%A9%20%2f", "%c3%A9", "/%c3%A9%20%2f?%c3%A9"},
    {"/%", "%", "/%25?%25"},
    {"/%2", "%2", "/%252?%252"},
    {"/%zz%%20", "%g0%0g", "/%25zz%25%20?%25g0%250g"},
    {"/%0d%0aX:y", "%0D%0A", "/%0d%0aX:y?%0D%0A"},
    {"/%00", "%00", "/%00?%00"},
    {"/a?b", "c", "/a%3Fb?c"},
    {"//evil", NULL, "//evil"},
};

START_TEST(location)
{
    const char *where = NULL;
    const char *error = svb_location_make(pool, URL, locations[_i].path,
                                          locations[_i].query, &where);

    ck_assert_msg(!error, "%s", error);
    ck_assert_int_eq(strncmp(where, URL, strlen(URL)), 0);
    ck_assert_str_eq(where + strlen(URL), locations[_i].rest);
}
END_TEST

START_TEST(location_refuses)
{
    const char *where = NULL;

    for (int c = 1; c < 256; c++) {
        const char *text = apr_psprintf(pool, "/a%cb", c);
        int control = c < 0x20 || c == 0x7f;
        const char *path_error =
            svb_location_make(pool, URL, text, NULL, &where);
        const char *query_error =
            svb_location_make(pool, URL, "/", text, &where);

        ck_assert_int_eq(path_error != NULL, control);
        ck_assert_int_eq(query_error != NULL, control);
    }
    where = NULL;
    ck_assert_ptr_nonnull(svb_location_make(pool, URL, "", NULL, &where));
    ck_assert_ptr_nonnull(svb_location_make(pool, URL, "a", NULL, &where));
    ck_assert_ptr_nonnull(svb_location_make(pool, URL, ".evil", "", &where));
    ck_assert_ptr_nonnull(svb_location_make(pool, URL, NULL, NULL, &where));
    ck_assert_ptr_nonnull(svb_location_make(pool, NULL, "/", NULL, &where));
    ck_assert_ptr_nonnull(svb_location_make(pool, "", "/", NULL, &where));
    ck_assert_ptr_nonnull(
        svb_location_make(pool, "https://a/", "/", NULL, &where));
    ck_assert_ptr_nonnull(
        svb_location_make(pool, "https://u@a", "/", NULL, &where));
    ck_assert_ptr_nonnull(
        svb_location_make(pool, "https://%h", "/", NULL, &where));
    ck_assert_ptr_null(where);
}
END_TEST

/*
 * What an attacker may send: as path, or (what does not begin with '/') as the
 * rest of a path and as query, over direct URLs of several forms. The host of
 * Location, as parsers see it, is the configured one or there is no Location.
 */
static const char *hostile[] = {
    "//evil",
    "///evil",
    "////evil/x.jnlp",
    "/\\evil",
    "\\\\evil",
    "/\\/evil",
    "@evil",
    "/@evil",
    ":80@evil/",
    ":x@evil",
    "user:pw@evil",
    "%40evil",
    ".evil",
    "-evil",
    ".evil/a.jnlp",
    "%2eevil",
    "/%2e%2e//evil",
    "/%2e%2e/%2e%2e/",
    "/../../evil",
    "/..//evil",
    "/././/evil",
    "/..;/",
    "/..;/..;//evil",
    "/;/evil",
    ";@evil",
    "/%2f%2fevil",
    "/%5cevil",
    "/%5c%5cevil",
    "?@evil",
    "/?//evil",
    "?http://evil",
    "#@evil",
    "/#//evil",
    "/a#@evil",
    "http://evil/x",
    "https://evil",
    "HTTP://EVIL",
    "http:evil",
    "javascript:alert(1)",
    "data:text/html,x",
    "//user@evil:80/",
    "/%0d%0aLocation:%20http://evil/",
    "/%0D%0A%0D%0A<script>",
    "/\r\nLocation: http://evil/",
    "/a\nb",
    "/a\rb",
    "\t//evil",
    "/\t/evil",
    "/\x0b/evil",
    "/\x01/evil",
    "/\x7f/evil",
    "/\xe2\x81\x84"
    "evil",
    "/\xef\xbc\x8f\xef\xbc\x8f"
    "evil",
    "/\xc0\xaf"
    "evil",
    "/\xe3\x80\x82"
    "evil",
    "/%e3%80%82evil",
    "/%c0%af%c0%afevil",
    "/ //evil",
    " //evil",
    "/%20//evil",
    "/%",
    "/%2",
    "/%%32%66evil",
    "/%252f%252fevil",
    "/%00evil",
    "/%00//evil",
    "/[::1]",
    "[::1]",
    "[::1]:80@evil",
    "/]@evil",
    "\"><script>",
    "/'\"`{}|^<>",
    "/a|b|c",
    "&evil",
    "%h",
    "/%r%h",
    "$1",
    "/${evil}",
    "",
    "/",
};

static const char *direct_urls[] = {
    "https://app1.example.com",         "http://app1.example.com",
    "https://app1.example.com:8443",    "https://app1.example.com:8443/prefix",
    "https://app1.example.com/a/b%2Fc",
};

/* Location as another reader sees it, who takes '\' for '/' as browsers do. */
static const char *browser_authority(const char *where)
{
    const char *s = strstr(where, "://") + 3;

    return apr_pstrmemdup(pool, s, strcspn(s, "/\\?#"));
}

static void check_host(const char *url, const char *path, const char *query)
{
    const char *where = NULL;
    apr_uri_t direct, uri;

    if (svb_location_make(pool, url, path, query, &where)) {
        ck_assert_ptr_null(where);
        return;
    }
    ck_assert_int_eq(strncmp(where, url, strlen(url)), 0);
    ck_assert_int_eq(where[strlen(url)], '/');
    for (const char *c = where; *c; c++) {
        ck_assert_msg(*c > 0x20 && *c < 0x7f, "%s", where);
        ck_assert_msg(!strchr("\"<>\\^`{|}#", *c), "%s", where);
        ck_assert_msg(*c != '%' || svb_escape_read(c) >= 0, "%s", where);
    }
    ck_assert_int_eq(apr_uri_parse(pool, url, &direct), APR_SUCCESS);
    ck_assert_int_eq(apr_uri_parse(pool, where, &uri), APR_SUCCESS);
    ck_assert_str_eq(uri.scheme, direct.scheme);
    ck_assert_str_eq(uri.hostname, "app1.example.com");
    ck_assert_str_eq(uri.hostinfo, direct.hostinfo);
    ck_assert_str_eq(browser_authority(where), direct.hostinfo);
    ck_assert_int_eq(uri.port, direct.port);
    ck_assert_ptr_null(uri.user);
    ck_assert_ptr_null(uri.fragment);
    ck_assert_int_eq(uri.query != NULL, query != NULL);
}

START_TEST(hostile_target)
{
    const char *target = hostile[_i];

    for (int i = 0; i < COUNT(direct_urls); i++) {
        const char *url = direct_urls[i], *raw;

        check_host(url, target, NULL);
        check_host(url, target, target);
        check_host(url, apr_pstrcat(pool, "/", target, NULL), NULL);
        check_host(url, "/a.jnlp", target);
        raw = svb_location_raw_path(pool, target, "//evil");
        if (raw) {
            check_host(url, raw, NULL);
        }
    }
}
END_TEST

START_TEST(long_targets)
{
    char *text = apr_palloc(pool, 8194);
    static const char fill[] = "a|%\\@/:";

    for (int i = 0; i < (int)sizeof(fill) - 1; i++) {
        memset(text, fill[i], 8193);
        text[0] = '/';
        text[8193] = '\0';
        check_host(URL, text, text);
        check_host(URL "/p", "/a.jnlp", text + 1);
    }
}
END_TEST

static const struct {
    const char *query, *encoded;
} queries[] = {
    {"", ""},
    {"m=open&a=a|b|c", "m=open&a=a%7Cb%7Cc"},
    {"m=open&a=a%7Cb%7cc", "m=open&a=a%7Cb%7cc"},
    {"a=%c3%a9+%20&b=/?:@!$'()*,;[]-._~", "a=%c3%a9+%20&b=/?:@!$'()*,;[]-._~"},
    {"a=\xc3\xa9\xff", "a=%C3%A9%FF"},
    {"\"<>\\^`{|} #", "%22%3C%3E%5C%5E%60%7B%7C%7D%20%23"},
    {"100%", "100%25"},
    {"100%2", "100%252"},
    {"%zz%u20ac%%41", "%25zz%25u20ac%25%41"},
    {"a%0d%0ab", "a%0d%0ab"},
    {"a\r\n\t\x7f", "a%0D%0A%09%7F"},
};

START_TEST(encode_query)
{
    ck_assert_str_eq(svb_location_query(pool, queries[_i].query),
                     queries[_i].encoded);
}
END_TEST

/* Encoding what is encoded changes nothing, and it is as in a Location. */
START_TEST(encode_query_all_bytes)
{
    char query[3] = {0, 'x', 0};
    const char *sent_to;

    for (int c = 1; c < 256; c++) {
        const char *encoded;

        query[0] = (char)c;
        encoded = svb_location_query(pool, query);
        ck_assert_str_eq(svb_location_query(pool, encoded), encoded);
        if (!svb_location_make(pool, URL, "/a", query, &sent_to)) {
            ck_assert_str_eq(sent_to + strlen(URL "/a?"), encoded);
        }
        else {
            ck_assert(c < 0x20 || c == 0x7f);
        }
    }
}
END_TEST

static Suite *location_suite(void)
{
    Suite *s = suite_create("svb_location");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, location, 0, COUNT(locations));
    tcase_add_test(tc, location_refuses);
    tcase_add_loop_test(tc, hostile_target, 0, COUNT(hostile));
    tcase_add_test(tc, long_targets);
    tcase_add_loop_test(tc, encode_query, 0, COUNT(queries));
    tcase_add_test(tc, encode_query_all_bytes);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(location_suite()));
}
