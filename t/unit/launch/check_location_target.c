/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Unit tests of svb_location: what the target of a request says. */

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "launch/location.h"
#include "unit.h"

static const struct {
    const char *path, *match;
} matches[] = {
    {"/servoy-client/a.jnlp", "/servoy-client/a.jnlp"},
    {"/servoy-client/a.jnlp;jsessionid=1", "/servoy-client/a.jnlp"},
    {"/servoy-client/a.jnlp;x;y=1", "/servoy-client/a.jnlp"},
    {"/servoy-client;x/a.jnlp;y", "/servoy-client/a.jnlp"},
    {"/servoy-client;x/a.jnlp", "/servoy-client/a.jnlp"},
    {"/a.jnlp;x=/b", "/a.jnlp/b"},
    {"/;x", "/"},
    {"/", "/"},
    {"a;x", "a"},
    {";", ""},
    {"", ""},
};

START_TEST(match_path)
{
    ck_assert_str_eq(svb_location_match_path(pool, matches[_i].path),
                     matches[_i].match);
}
END_TEST

static const struct {
    const char *uri, *node_path;
    const char *raw; /* NULL: none */
} raw_paths[] = {
    {"/a/b.jnlp", "/a/b.jnlp", "/a/b.jnlp"},
    {"/a/b.jnlp?x=/a/b.jnlp", "/a/b.jnlp", "/a/b.jnlp"},
    {"/a/b.jnlp#x", "/a/b.jnlp", "/a/b.jnlp"},
    {"/a/b.jnlp?", "/a/b.jnlp", "/a/b.jnlp"},
    {"/", "/", "/"},
    {"/a/", "/a/", "/a/"},
    {"/a/", "/", "/"},
    /* the client's own encoding */
    {"/%61/%62.jnlp", "/a/b.jnlp", "/%61/%62.jnlp"},
    {"/a%20b", "/a b", "/a%20b"},
    {"/a%7Cb", "/a|b", "/a%7Cb"},
    {"/a|b", "/a|b", "/a|b"},
    {"/a%3Bb;c", "/a;b;c", "/a%3Bb;c"},
    {"/a%3fb?c", "/a?b", "/a%3fb"},
    {"/%c3%A9", "/\xc3\xa9", "/%c3%A9"},
    {"/\xc3\xa9", "/\xc3\xa9", "/\xc3\xa9"},
    {"/a%0d%0ab", "/a\r\nb", "/a%0d%0ab"},
    {"/a%2Fb", "/a/b", "/a%2Fb"},
    {"/a+b", "/a+b", "/a+b"},
    /* a prefix taken off by ProxyPass: the shortest suffix */
    {"/app/a%20b", "/a b", "/a%20b"},
    {"/a/a/a", "/a", "/a"},
    {"/x%2Fa", "/a", NULL},
    {"/x%2Fa", "/x/a", "/x%2Fa"},
    {"/b%2Fx%2Fa", "/b/x/a", "/b%2Fx%2Fa"},
    {"/xa", "/a", NULL},
    /* escapes that httpd kept */
    {"/a%2Fb", "/a%2Fb", "/a%2Fb"},
    {"/a%2Fb", "/a%2fb", "/a%2Fb"},
    {"/a%2fb%20c", "/a%2Fb c", "/a%2fb%20c"},
    {"/%2F", "/%2F", "/%2F"},
    {"/a%252Fb", "/a%2Fb", "/a%252Fb"},
    {"/a%252Fb", "/a%252Fb", "/a%252Fb"},
    {"/a%25", "/a%", "/a%25"},
    {"/a%2525", "/a%25", "/a%2525"},
    {"/x%30", "/x0", "/x%30"},
    {"/x%31%32", "/x12", "/x%31%32"},
    {"/%2F", "%2F", NULL},
    {"/%2F", "/", NULL},
    /* absolute form */
    {"http://evil/x", "/x", "/x"},
    {"http://evil/x/y?z", "/y", "/y"},
    {"http://evil/x", "//evil/x", NULL},
    {"http://evil/x", "/evil/x", NULL},
    {"http://evil", "/evil", NULL},
    {"http://evil", "/", NULL},
    {"http://evil?/x", "/x", NULL},
    {"http://evil#/x", "/x", NULL},
    {"HTTPS://e:1/x%20", "/x ", "/x%20"},
    {"a/b://c/d", "/d", NULL},
    {"a?b://c/d", "/d", NULL},
    {"//evil/x", "//evil/x", "//evil/x"},
    {"//evil/x", "/x", "/x"},
    {"//evil/x", "/evil/x", "/evil/x"},
    /* rewritten, normalised */
    {"/a/b", "/c", NULL},
    {"/%20", "/b", NULL},
    {"/a/../b", "/b", "/b"},
    {"/a/./b", "/a/b", NULL},
    {"/a//b", "/a/b", NULL},
    {"/b", "/a/b", NULL},
    {"b", "/b", NULL},
    {"", "/", NULL},
    {"*", "*", NULL},
    {"*", "/", NULL},
    {"host:443", "/", NULL},
    {"/a", "a", NULL},
    {"/a", "", NULL},
    {"?x", "/", NULL},
    /* bad escapes, wherever they stand in the path */
    {"/a%", "/a%", NULL},
    {"/a%2", "/a%2", NULL},
    {"/a%zz", "/a%zz", NULL},
    {"/%zz/a", "/a", NULL},
    {"/%%20", "/% ", NULL},
    {"/a%00", "/a", NULL},
    {"/%00/a", "/a", NULL},
    {"/a?%00%zz%", "/a", "/a"},
    {NULL, "/a", NULL},
    {"/a", NULL, NULL},
};

START_TEST(raw_path)
{
    const char *raw =
        svb_location_raw_path(pool, raw_paths[_i].uri, raw_paths[_i].node_path);

    if (raw_paths[_i].raw) {
        ck_assert_ptr_nonnull(raw);
        ck_assert_str_eq(raw, raw_paths[_i].raw);
    }
    else {
        ck_assert_msg(!raw, "got %s", raw);
    }
}
END_TEST

/* Every byte that can be encoded comes back as the client encoded it. */
START_TEST(raw_path_all_bytes)
{
    for (int c = 1; c < 256; c++) {
        char *uri = apr_psprintf(pool, "/p/x%%%02x%%%02X", c, c);
        char *node_path = apr_psprintf(pool, "/x%c%c", c, c);
        const char *raw = svb_location_raw_path(pool, uri, node_path);

        ck_assert_msg(raw != NULL, "%s", uri);
        ck_assert_str_eq(raw, uri + 2);
    }
}
END_TEST

/* Linear: 2 MB of what a backtracking comparison would choke on. */
START_TEST(raw_path_long)
{
    apr_size_t n = 700000;
    char *uri = malloc(3 * n + 2), *node_path = malloc(n + 3);

    uri[0] = node_path[0] = '/';
    node_path[1] = '1';
    for (apr_size_t i = 0; i < n; i++) {
        memcpy(uri + 1 + 3 * i, "%30", 3);
        node_path[i + 2] = '0';
    }
    uri[3 * n + 1] = node_path[n + 2] = '\0';
    ck_assert_ptr_null(svb_location_raw_path(pool, uri, node_path));
    node_path[n + 1] = '\0';
    node_path[1] = '0';
    ck_assert_ptr_nonnull(svb_location_raw_path(pool, uri, node_path));
    free(uri);
    free(node_path);
}
END_TEST

static const struct {
    const char *uri;
    const char *path; /* NULL: none */
    const char *query;
} targets[] = {
    {"/a/b.jnlp", "/a/b.jnlp", NULL},
    {"/a/b.jnlp?", "/a/b.jnlp", ""},
    {"/a/b.jnlp?x=1&y", "/a/b.jnlp", "x=1&y"},
    {"/a/b.jnlp?x?y=/z", "/a/b.jnlp", "x?y=/z"},
    {"/a/b.jnlp#f", "/a/b.jnlp", NULL},
    {"/a/b.jnlp#f?x", "/a/b.jnlp", NULL},
    {"/a/b.jnlp?x#f?y", "/a/b.jnlp", "x"},
    {"/", "/", NULL},
    {"//evil/a.jnlp", "//evil/a.jnlp", NULL},
    {"/%2f|\\%zz?a|b%", "/%2f|\\%zz", "a|b%"},
    {"/http://evil/a", "/http://evil/a", NULL},
    {"/a?http://evil/b", "/a", "http://evil/b"},
    {"http://any.host/a.jnlp?x", "/a.jnlp", "x"},
    {"https://u@any.host:81/a?x#f", "/a", "x"},
    {"http://any.host//evil/a", "//evil/a", NULL},
    {"http:///a", "/a", NULL},
    {"x://[::1]/", "/", NULL},
    {"http://any.host?/a", NULL, NULL},
    {"http://any.host#/a", NULL, NULL},
    {"http://any.host", NULL, NULL},
    {"http://", NULL, NULL},
    {"http:/a", NULL, NULL},
    {"any.host:80", NULL, NULL},
    {"a/b://c/d", NULL, NULL},
    {"a?b://c/d", NULL, NULL},
    {"a/b", NULL, NULL},
    {"?x", NULL, NULL},
    {"*", NULL, NULL},
    {"", NULL, NULL},
    {NULL, NULL, NULL},
};

START_TEST(split_target)
{
    const char *path = "unset", *query = "unset";
    int found = svb_location_target(pool, targets[_i].uri, &path, &query);

    ck_assert_int_eq(found, targets[_i].path != NULL);
    if (found) {
        ck_assert_str_eq(path, targets[_i].path);
        ck_assert_pstr_eq(query, targets[_i].query);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("svb_location, targets");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, match_path, 0, COUNT(matches));
    tcase_add_loop_test(tc, raw_path, 0, COUNT(raw_paths));
    tcase_add_test(tc, raw_path_all_bytes);
    tcase_add_test(tc, raw_path_long);
    tcase_add_loop_test(tc, split_target, 0, COUNT(targets));
    suite_add_tcase(s, tc);
    return unit_run(srunner_create(s));
}
