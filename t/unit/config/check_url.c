/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Unit tests of svb_url: templates of direct URLs, and what they become. */

#include <string.h>

#include <apr_strings.h>
#include <apr_uri.h>

#include "config/url.h"
#include "unit.h"

static const char *good[] = {
    "http://a",
    "https://app1.example.com",
    "HTTPS://App1.Example.COM",
    "https://app1.example.com/",
    "https://app1.example.com:8443",
    "https://app1.example.com:8443/",
    "https://app1.example.com:8443/prefix/more",
    "https://app1.example.com./",
    "http://a:1",
    "http://a:65535",
    "http://a:00080",
    "http://my_node-1/x",
    "http://10.0.0.1:8080",
    "http://0.0.0.0",
    "http://1.2.3.4a",
    "http://[::1]",
    "http://[::1]:8080/x",
    "http://[FE80::1:2]/",
    "https://%h",
    "https://%h:8443/%r",
    "https://%r.example.com",
    "https://node-%r.example.com/%h/%r",
    "https://[%h]:8443/",
    "https://%h%r",
    "https://10.0.0.%r",
    "http://a/%2F%20%c3%A9",
    "http://a/-_.!~*'():@&=+$,;",
    "http://a/.a/a./...",
    "http://a/%2e%2e%2e",
    "http://xn--bcher-kva.example",
};

START_TEST(accepted)
{
    const char *text = good[_i];

    ck_assert_msg(!svb_url_check(pool, text), "%s: %s", text,
                  svb_url_check(pool, text));
}
END_TEST

static const struct {
    const char *url;
    const char *error; /* a part of it */
} bad[] = {
    {NULL, "absolute http:// or https://"},
    {"", "absolute http:// or https://"},
    {"app1", "absolute http:// or https://"},
    {"/prefix", "absolute http:// or https://"},
    {"//app1", "absolute http:// or https://"},
    {"ftp://app1", "absolute http:// or https://"},
    {"ajp://app1:8009", "absolute http:// or https://"},
    {"http:/app1", "absolute http:// or https://"},
    {"http:app1", "absolute http:// or https://"},
    {"httpss://app1", "absolute http:// or https://"},
    {" http://app1", "absolute http:// or https://"},
    {"%h", "absolute http:// or https://"},
    {"javascript://app1", "absolute http:// or https://"},
    {"http://", "bad host"},
    {"http:///x", "bad host"},
    {"https://:80", "bad host"},
    {"https://a..b", "bad host"},
    {"https://.a", "bad host"},
    {"https://.", "bad host"},
    {"https://a..", "bad host"},
    {"https://-a", "bad host"},
    {"https://a-", "bad host"},
    {"https://a-.b", "bad host"},
    {"https://a.-b", "bad host"},
    {"https://a,b", "bad host"},
    {"https://a;b", "bad host"},
    {"https://a*b", "bad host"},
    {"https://a|b", "bad host"},
    {"https://a%20b", "bad host"},
    {"https://a%2fb", "bad host"},
    {"https://1.2", "bad host"},
    {"https://1.2.3", "bad host"},
    {"https://256.1.1.1", "bad host"},
    {"https://1.1.1.01", "bad host"},
    {"https://1.2.3.4.5", "bad host"},
    {"https://1.2.3.4.", "bad host"},
    {"https://2130706433", "bad host"},
    {"https://0x7f000001", "bad host"},
    {"https://a.0x1", "bad host"},
    {"https://a.1", "bad host"},
    {"https://::1", "must stand in brackets"},
    {"https://fe80::1:80/", "must stand in brackets"},
    {"https://[::1", "']' is missing"},
    {"https://[::1/]", "']' is missing"},
    {"https://[]", "in brackets"},
    {"https://[a]", "in brackets"},
    {"https://[1.2.3.4]", "in brackets"},
    {"https://[1::2::3]", "in brackets"},
    {"https://[::ffff:10.0.0.1]", "in brackets"}, /* write it as IPv4 */
    {"https://[::1%25eth0]", "in brackets"},
    {"https://[::%h]", "in brackets"},
    {"https://[%r]", "in brackets"},
    {"https://[::1]x", "only a port"},
    {"https://[::1]%h", "only a port"},
    {"https://a]", "bad host"},
    {"https://a:", "bad port"},
    {"https://a:/x", "bad port"},
    {"https://a:0", "bad port"},
    {"https://a:65536", "bad port"},
    {"https://a:000080", "bad port"},
    {"https://a:99999999999999999999", "bad port"},
    {"https://a:8x", "bad port"},
    {"https://a:-1", "bad port"},
    {"https://a:%r", "bad port"},
    {"https://[::1]:", "bad port"},
    {"https://user@a", "userinfo"},
    {"https://user:pw@a:80/x", "userinfo"},
    {"https://@a", "userinfo"},
    {"https://a?q", "query"},
    {"https://a/?", "query"},
    {"https://a/x?q=1", "query"},
    {"https://a#f", "fragment"},
    {"https://a/x#", "fragment"},
    {"https://a\\b", "backslash"},
    {"https://good\\@evil", "backslash"},
    {"https://a/x\\y", "backslash"},
    {"https://a b", "blanks"},
    {"https://a/x ", "blanks"},
    {"https://a/\t", "control characters (there is a byte 0x09)"},
    {"https://a\r\nX: y", "control characters"},
    {"https://a/\x7f", "control characters"},
    {"https://b\xc3\xbc"
     "cher.example",
     "ASCII"},
    {"https://a/\xff", "ASCII"},
    {"https://%x", "unknown placeholder %x"},
    {"https://a/%H", "unknown placeholder %H"},
    {"https://a/%2g", "unknown placeholder %2"},
    {"https://a/%", "'%' must be followed"},
    {"https://a/%2", "unknown placeholder %2"},
    {"https://a/%2%72", "unknown placeholder %2"},
    {"https://a/%%r", "'%' must be followed"},
    {"https://a/<b>", "'<' in the prefix"},
    {"https://a/\"", "'\"' in the prefix"},
    {"https://a/^", "'^' in the prefix"},
    {"https://a/`", "'`' in the prefix"},
    {"https://a/{x}", "'{' in the prefix"},
    {"https://a/|", "'|' in the prefix"},
    {"https://a/[x]", "'[' in the prefix"},
    {"https://a//", "'//'"},
    {"https://a//b", "'//'"},
    {"https://a/b//c", "'//'"},
    {"https://a/.", "segment"},
    {"https://a/../b", "segment"},
    {"https://a/b/..", "segment"},
    {"https://a/%2e/b", "segment"},
    {"https://a/.%2E", "segment"},
};

START_TEST(refused)
{
    const char *error = svb_url_check(pool, bad[_i].url);

    ck_assert_msg(error != NULL, "accepted: %s", bad[_i].url);
    ck_assert_msg(strstr(error, bad[_i].error) != NULL, "%s: %s", bad[_i].url,
                  error);
    ck_assert_ptr_nonnull(svb_url_check_expanded(pool, bad[_i].url));
}
END_TEST

START_TEST(long_hosts)
{
    char label[65], *host = "a";

    memset(label, 'a', 64);
    label[64] = '\0';
    ck_assert_ptr_nonnull(
        svb_url_check(pool, apr_pstrcat(pool, "http://", label, NULL)));
    label[63] = '\0';
    ck_assert_ptr_null(
        svb_url_check(pool, apr_pstrcat(pool, "http://", label, NULL)));
    for (int i = 0; i < 126; i++) {
        host = apr_pstrcat(pool, host, ".a", NULL);
    }
    ck_assert_ptr_null(
        svb_url_check(pool, apr_pstrcat(pool, "http://", host, NULL)));
    ck_assert_ptr_nonnull(
        svb_url_check(pool, apr_pstrcat(pool, "http://", host, "b", NULL)));
}
END_TEST

START_TEST(placeholders_are_not_urls)
{
    ck_assert_ptr_null(svb_url_check_expanded(pool, "https://a/%20"));
    ck_assert_ptr_nonnull(svb_url_check_expanded(pool, "https://%h"));
    ck_assert_ptr_nonnull(svb_url_check_expanded(pool, "https://[%h]"));
    ck_assert_ptr_nonnull(svb_url_check_expanded(pool, "https://a/%r"));
}
END_TEST

static const struct {
    const char *tmpl, *host, *route;
    const char *url;   /* NULL: refused */
    const char *error; /* a part of it */
} expansions[] = {
    {"https://app1.example.com", NULL, NULL, "https://app1.example.com", NULL},
    {"HTTPS://App1.Example.COM:8443/Prefix/", "x", "y",
     "https://app1.example.com:8443/Prefix", NULL},
    {"http://a/", NULL, NULL, "http://a", NULL},
    {"http://a/%2f%C3%a9/", NULL, NULL, "http://a/%2f%C3%a9", NULL},
    {"https://%h:8443", "app1.internal", NULL, "https://app1.internal:8443",
     NULL},
    {"https://%h", "APP1", NULL, "https://app1", NULL},
    {"https://%h", "10.0.0.1", NULL, "https://10.0.0.1", NULL},
    {"https://%h", "::1", NULL, "https://[::1]", NULL},
    {"https://%h", "[::1]", NULL, "https://[::1]", NULL},
    {"https://[%h]:8443/x", "::1", NULL, "https://[::1]:8443/x", NULL},
    {"https://[%h]", "[::1]", NULL, "https://[::1]", NULL},
    {"https://%h:8443", "FE80::1", NULL, "https://[fe80::1]:8443", NULL},
    {"https://%r.example.com/", NULL, "Servoy1", "https://servoy1.example.com",
     NULL},
    {"https://%h/%r", "a", "Servoy1", "https://a/Servoy1", NULL},
    {"https://a/%h/x%ry/", "b", "r.1", "https://a/b/xr.1y", NULL},
    {"https://a/%r", NULL, "a b/c%d?#", "https://a/a%20b%2Fc%25d%3F%23", NULL},
    {"https://a/%r", NULL, "h\xc3\xa9\n", "https://a/h%C3%A9%0A", NULL},
    {"https://a/%h", "::1", NULL, "https://a/%3A%3A1", NULL},
    {"https://a/%r", NULL, "%h", "https://a/%25h", NULL},
    {"https://%h%r", "a", "b", "https://ab", NULL},
    /* missing */
    {"https://%h", NULL, "r", NULL, "member has no host"},
    {"https://%h", "", "r", NULL, "member has no host"},
    {"https://a/%r", "h", NULL, NULL, "member has no route"},
    {"https://a/%r/b", "h", "", NULL, "member has no route"},
    {"https://%r", "h", NULL, NULL, "member has no route"},
    /* what would end the host early, or does not belong there */
    {"https://%h", "evil/x", NULL, NULL, "member's host"},
    {"https://%h", "evil@x", NULL, NULL, "member's host"},
    {"https://%h", "evil?x", NULL, NULL, "member's host"},
    {"https://%h", "evil#x", NULL, NULL, "member's host"},
    {"https://%h", "evil\\x", NULL, NULL, "member's host"},
    {"https://%h", "evil x", NULL, NULL, "member's host"},
    {"https://%h", "%r", "r", NULL, "member's host"},
    {"https://%h", "evil:80", NULL, NULL, "member's host"},
    {"https://%h", "fe80::1%eth0", NULL, NULL, "member's host"},
    {"https://%h", "::1]/[::2", NULL, NULL, "member's host"},
    {"https://%h", "[]", NULL, NULL, "member's host"},
    {"https://%h", "[", NULL, NULL, "member's host"},
    {"https://%r.example.com", NULL, "evil/x", NULL, "route cannot"},
    {"https://%r.example.com", NULL, "evil:80", NULL, "route cannot"},
    {"https://%r.example.com", NULL, "user@", NULL, "route cannot"},
    {"https://%r.example.com", NULL, "a b", NULL, "route cannot"},
    {"https://%r.example.com", NULL, "%h", NULL, "route cannot"},
    {"https://%r.example.com", NULL, "a\r\nb", NULL, "route cannot"},
    /* fits its place, but the result is no URL */
    {"https://[%h]", "10.0.0.1", NULL, NULL, "in brackets"},
    {"https://%h.example.com", "::1", NULL, NULL, "only a port"},
    {"https://x%h", "::1", NULL, NULL, "bad host"},
    {"https://%r.example.com", NULL, ".", NULL, "bad host"},
    {"https://%r.example.com", NULL, "-", NULL, "bad host"},
    {"https://a.%r", NULL, "1", NULL, "bad host"},
    {"https://a/%r", NULL, "..", NULL, "segment"},
    {"https://a/.%r/b", NULL, ".", NULL, "segment"},
    /* the template itself */
    {"https://%x", "a", "b", NULL, "unknown placeholder"},
    {"ftp://%h", "a", "b", NULL, "absolute"},
    {NULL, "a", "b", NULL, "absolute"},
};

START_TEST(expand)
{
    const char *url = NULL;
    const char *error =
        svb_url_expand(pool, expansions[_i].tmpl, expansions[_i].host,
                       expansions[_i].route, &url);

    if (expansions[_i].url) {
        apr_uri_t uri;

        ck_assert_msg(!error, "%s", error);
        ck_assert_str_eq(url, expansions[_i].url);
        ck_assert_ptr_null(svb_url_check_expanded(pool, url));
        ck_assert_int_eq(apr_uri_parse(pool, url, &uri), APR_SUCCESS);
        ck_assert_ptr_nonnull(uri.hostname);
        ck_assert_ptr_null(uri.user);
        return;
    }
    ck_assert_msg(error != NULL, "became %s", url);
    ck_assert_msg(strstr(error, expansions[_i].error) != NULL, "%s", error);
    ck_assert_ptr_null(url);
}
END_TEST

START_TEST(scheme)
{
    ck_assert_int_eq(svb_url_is_https("https://a"), 1);
    ck_assert_int_eq(svb_url_is_https("HTTPS://a"), 1);
    ck_assert_int_eq(svb_url_is_https("http://a"), 0);
    ck_assert_int_eq(svb_url_is_https("http://https://"), 0);
    ck_assert_int_eq(svb_url_is_https("https:"), 0);
    ck_assert_int_eq(svb_url_is_https(""), 0);
}
END_TEST

static Suite *url_suite(void)
{
    Suite *s = suite_create("svb_url");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, accepted, 0, COUNT(good));
    tcase_add_loop_test(tc, refused, 0, COUNT(bad));
    tcase_add_test(tc, long_hosts);
    tcase_add_test(tc, placeholders_are_not_urls);
    tcase_add_loop_test(tc, expand, 0, COUNT(expansions));
    tcase_add_test(tc, scheme);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(url_suite()));
}
