/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * libFuzzer harness of svb_launch. The input has up to three lines: a path (or
 * request target), a query, a node path. No input may give a Location whose
 * host is not the direct URL's, that is no URI, or that means another path
 * than the client's.
 */

#include <apr_strings.h>
#include <apr_uri.h>

#include "fuzz.h"
#include "launch/location.h"
#include "config/escape.h"
#include "config/url.h"

/* Decodes the first len bytes; what is no escape stands for itself. */
static const char *decode(apr_pool_t *p, const char *s, apr_size_t len,
                          apr_size_t *decoded_len)
{
    char *result = apr_palloc(p, len + 1), *out = result;
    const char *end = s + len;

    while (s < end) {
        int c = end - s >= 3 ? svb_escape_read(s) : -1;

        *out++ = c >= 0 ? (char)c : *s;
        s += c >= 0 ? 3 : 1;
    }
    *out = '\0';
    *decoded_len = (apr_size_t)(out - result);
    return result;
}

static void same_meaning(apr_pool_t *p, const char *a, apr_size_t a_len,
                         const char *b, apr_size_t b_len)
{
    apr_size_t x_len, y_len;
    const char *x = decode(p, a, a_len, &x_len);
    const char *y = decode(p, b, b_len, &y_len);

    MUST(x_len == y_len && !memcmp(x, y, x_len));
}

static void check_location(apr_pool_t *p, const char *url, const char *path,
                           const char *query)
{
    const char *where = NULL, *rest, *mark, *again = NULL;
    apr_uri_t uri, direct;
    apr_size_t path_len;

    if (svb_location_make(p, url, path, query, &where)) {
        MUST(!where);
        return;
    }
    rest = where + strlen(url);
    MUST(!strncmp(where, url, strlen(url)) && *rest == '/');
    for (const char *c = rest; *c; c++) {
        MUST(*c > 0x20 && *c < 0x7f && !strchr("\"<>\\^`{|}#", *c));
        MUST(*c != '%' || svb_escape_read(c) >= 0);
    }
    MUST(apr_uri_parse(p, where, &uri) == APR_SUCCESS);
    MUST(apr_uri_parse(p, url, &direct) == APR_SUCCESS);
    MUST(!strcmp(uri.scheme, direct.scheme));
    MUST(!strcmp(uri.hostinfo, direct.hostinfo));
    MUST(!strcmp(uri.hostname, direct.hostname));
    MUST(uri.port == direct.port && !uri.user && !uri.fragment);

    mark = strchr(rest, '?');
    MUST((mark != NULL) == (query != NULL));
    path_len = mark ? (apr_size_t)(mark - rest) : strlen(rest);
    MUST(strcspn(rest, "[]") >= path_len);
    same_meaning(p, rest, path_len, path, strlen(path));
    if (query) {
        same_meaning(p, mark + 1, strlen(mark + 1), query, strlen(query));
    }
    /* what has been encoded is not encoded again */
    MUST(!svb_location_make(p, url, apr_pstrmemdup(p, rest, path_len),
                            mark ? mark + 1 : NULL, &again));
    MUST(!strcmp(where, again));
}

/*
 * Does raw, read from its beginning, stand for node_path? Another way to the
 * same answer than the walk from the end, for the fuzzer to compare.
 */
static int stands_for(const char *raw, apr_size_t raw_len,
                      const char *node_path)
{
    const char *end = raw + raw_len;

    while (raw < end) {
        int c = end - raw >= 3 ? svb_escape_read(raw) : -1;

        if (c > 0 && *node_path == '%' && svb_escape_read(node_path) == c
            && c != '%' && (c < '0' || c > '9')) {
            node_path += 3; /* an escape that was kept */
        }
        else if ((char)(c > 0 ? c : *raw) == *node_path) {
            ++node_path;
        }
        else {
            return 0;
        }
        raw += c > 0 ? 3 : 1;
    }
    return !*node_path;
}

static void check_raw_path(apr_pool_t *p, const char *uri,
                           const char *node_path)
{
    const char *raw = svb_location_raw_path(p, uri, node_path);
    apr_size_t end = strcspn(uri, "?#"), len;

    if (!raw) {
        return;
    }
    len = strlen(raw);
    MUST(*raw == '/' && len <= end);
    MUST(!strncmp(uri + end - len, raw, len));
    /* "%25" may stand for itself or for a percent sign: see the walk back */
    if (!strstr(raw, "%25")) {
        MUST(stands_for(raw, len, node_path));
    }
    check_location(p, "https://app1.example.com", raw, NULL);
}

/* What is decoded from a good target's path finds its way back to it. */
static void check_way_back(apr_pool_t *p, const char *uri)
{
    apr_size_t end = strcspn(uri, "?#"), i, len;
    const char *decoded, *raw;

    for (i = 0; i < end; i++) {
        if (uri[i] == '%') {
            if (svb_escape_read(uri + i) <= 0) {
                return;
            }
            i += 2;
        }
    }
    if (*uri != '/') {
        return;
    }
    decoded = decode(p, uri, end, &len);
    raw = svb_location_raw_path(p, uri, decoded);
    MUST(raw && strlen(raw) <= end);
    same_meaning(p, raw, strlen(raw), uri, end);
}

static void check_match_path(apr_pool_t *p, const char *path)
{
    const char *match = svb_location_match_path(p, path);

    for (; *path; path++) {
        if (*path == ';') {
            path += strcspn(path, "/");
        }
        if (!*path) {
            break;
        }
        MUST(*match++ == *path);
    }
    MUST(!*match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *path = input_text(data, size), *query, *node_path;
    apr_pool_t *p;

    apr_pool_create(&p, root_pool());
    query = cut_line(path);
    node_path = cut_line(query);

    check_location(p, "https://app1.example.com", path, query);
    check_location(p, "http://app1.example.com:8080/a/b", path, query);
    check_location(p, "http://[::1]:8080", path, query);
    check_location(p, "http://app1", apr_pstrcat(p, "/", path, NULL), query);
    check_way_back(p, path);
    check_way_back(p, apr_pstrcat(p, "/", path, NULL));
    check_match_path(p, path);
    if (node_path) {
        /* memory of its own: what is read before it must be seen, too */
        node_path = strdup(node_path);
        check_raw_path(p, path, node_path);
        check_match_path(p, node_path);
        free(node_path);
    }
    check_raw_path(p, path, "/a/b.jnlp");

    free(path);
    apr_pool_destroy(p);
    return 0;
}
