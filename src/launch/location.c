/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "launch/location.h"

#include <string.h>

#include <apr_strings.h>

#include "config/escape.h"
#include "config/url.h"

const char *svb_location_match_path(apr_pool_t *p, const char *path)
{
    char *match, *out;

    if (!strchr(path, ';')) {
        return path;
    }
    match = out = apr_palloc(p, strlen(path) + 1);
    while (*path) {
        if (*path == ';') {
            path += strcspn(path, "/");
        }
        else {
            *out++ = *path++;
        }
    }
    *out = '\0';
    return match;
}

/* Where the path of a request target begins, or NULL. */
static const char *target_path(const char *uri)
{
    const char *authority;

    if (*uri == '/') {
        return uri;
    }
    /* absolute form: its scheme has no '/', so "*" or "a/b://c" are not it */
    authority = strstr(uri, "://");
    if (!authority || authority != uri + strcspn(uri, ":/?#")) {
        return NULL;
    }
    authority += 3;
    authority += strcspn(authority, "/?#");
    return *authority == '/' ? authority : NULL;
}

int svb_location_target(apr_pool_t *p, const char *raw_uri, const char **path,
                        const char **query)
{
    const char *begin = raw_uri ? target_path(raw_uri) : NULL, *end;

    if (!begin) {
        return 0;
    }
    end = begin + strcspn(begin, "?#");
    *path = apr_pstrmemdup(p, begin, (apr_size_t)(end - begin));
    *query =
        *end == '?' ? apr_pstrmemdup(p, end + 1, strcspn(end + 1, "#")) : NULL;
    return 1;
}

/* Does every '%' begin an escape, of another byte than NUL? */
static int has_good_escapes(const char *s, const char *end)
{
    while (s < end) {
        if (*s != '%') {
            ++s;
        }
        else if (svb_escape_read(s) > 0) {
            s += SVB_ESCAPE_LEN;
        }
        else {
            return 0;
        }
    }
    return 1;
}

/*
 * How many bytes at the end of path (from begin to end) the escape at s
 * matches: 1 decoded, SVB_ESCAPE_LEN as it stands, 0 not at all.
 */
static apr_size_t match_escape(const char *s, const char *begin,
                               const char *end)
{
    int value = svb_escape_read(s);

    if ((unsigned char)end[-1] == value) {
        return 1;
    }
    if (end - begin >= SVB_ESCAPE_LEN
        && svb_escape_read(end - SVB_ESCAPE_LEN) == value) {
        return SVB_ESCAPE_LEN;
    }
    return 0;
}

/* Most have no escapes. */
static const char *same_end(apr_pool_t *p, const char *begin, const char *end,
                            const char *node_path)
{
    apr_size_t len = strlen(node_path);
    const char *raw = end - len;

    return len <= (apr_size_t)(end - begin) && !memcmp(raw, node_path, len)
               ? apr_pstrmemdup(p, raw, len)
               : NULL;
}

const char *svb_location_raw_path(apr_pool_t *p, const char *raw_uri,
                                  const char *node_path)
{
    const char *begin, *end, *raw, *node;

    if (!raw_uri || !node_path || *node_path != '/'
        || !(begin = target_path(raw_uri))) {
        return NULL;
    }
    end = begin + strcspn(begin, "?#");
    if (!memchr(begin, '%', (apr_size_t)(end - begin))) {
        return same_end(p, begin, end, node_path);
    }
    if (!has_good_escapes(begin, end)) {
        return NULL;
    }
    raw = end;
    node = node_path + strlen(node_path);
    while (node > node_path) {
        apr_size_t matched;

        if (raw == begin) {
            return NULL;
        }
        /* all escapes being good, a '%' here begins one that ends at raw */
        if (raw - begin >= SVB_ESCAPE_LEN && raw[-SVB_ESCAPE_LEN] == '%') {
            raw -= SVB_ESCAPE_LEN;
            matched = match_escape(raw, node_path, node);
        }
        else {
            --raw;
            matched = *raw == node[-1];
        }
        if (!matched) {
            return NULL;
        }
        node -= matched;
    }
    return *raw == '/' ? apr_pstrmemdup(p, raw, (apr_size_t)(end - raw)) : NULL;
}

/* What is wrong with a path or query (named by what), or NULL. */
static const char *check_text(apr_pool_t *p, const char *what, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c < 0x20 || c == 0x7f) {
            return apr_psprintf(p,
                                "the %s holds a control character (0x%02x), "
                                "which cannot stand in a header",
                                what, c);
        }
    }
    return NULL;
}

const char *svb_location_query(apr_pool_t *p, const char *query)
{
    return svb_escape_text(p, query, SVB_ESCAPE_PATH "?[]", 1);
}

const char *svb_location_join(apr_pool_t *p, const char *direct_url,
                              const char *encoded_path, const char *query,
                              const char **location)
{
    const char *error;

    if (!encoded_path || *encoded_path != '/') {
        return "the path does not begin with '/'";
    }
    if ((error = check_text(p, "path", encoded_path))
        || (query && (error = check_text(p, "query", query)))) {
        return error;
    }
    *location = apr_pstrcat(
        p, direct_url, svb_escape_text(p, encoded_path, SVB_ESCAPE_PATH, 1),
        query ? "?" : NULL, query ? svb_location_query(p, query) : NULL, NULL);
    return NULL;
}

const char *svb_location_make(apr_pool_t *p, const char *direct_url,
                              const char *encoded_path, const char *query,
                              const char **location)
{
    const char *error = svb_url_check_expanded(p, direct_url);

    if (error) {
        return apr_pstrcat(p, "the direct URL ", error, NULL);
    }
    if (direct_url[strlen(direct_url) - 1] == '/') {
        return "the direct URL must not end with '/'";
    }
    return svb_location_join(p, direct_url, encoded_path, query, location);
}
