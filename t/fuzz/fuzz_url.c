/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * libFuzzer harness of svb_url. The input has up to three lines: a template, a
 * member's host, a route. Whatever becomes a direct URL must keep the
 * invariants of config/url.h, as seen by apr_uri_parse() and by a reader that
 * takes '\' for '/', as browsers do.
 */

#include <apr_strings.h>
#include <apr_uri.h>

#include "fuzz.h"
#include "config/escape.h"
#include "config/url.h"

static void check_authority(apr_pool_t *p, const char *url,
                            const apr_uri_t *uri)
{
    const char *authority = strstr(url, "://") + 3;
    apr_size_t len = strcspn(authority, "/\\?#");

    MUST(!strcmp(uri->hostinfo, apr_pstrmemdup(p, authority, len)));
    for (const char *c = authority; c < authority + len; c++) {
        MUST(*c != '@' && *c != '%' && (*c < 'A' || *c > 'Z'));
    }
    MUST(strspn(authority, "abcdefghijklmnopqrstuvwxyz0123456789-._:[]")
         >= len);
}

static void check_direct_url(apr_pool_t *p, const char *url)
{
    apr_uri_t uri;

    MUST(!svb_url_check_expanded(p, url));
    MUST(!svb_url_check(p, url));
    MUST(url[strlen(url) - 1] != '/');
    for (const char *c = url; *c; c++) {
        MUST(*c > 0x20 && *c < 0x7f && !strchr("\"<>\\^`{|}?#", *c));
        MUST(*c != '%' || svb_escape_read(c) >= 0);
    }
    MUST(apr_uri_parse(p, url, &uri) == APR_SUCCESS);
    MUST(!strcmp(uri.scheme, svb_url_is_https(url) ? "https" : "http"));
    MUST(uri.hostname && *uri.hostname);
    MUST(!uri.user && !uri.password && !uri.query && !uri.fragment);
    MUST(!uri.path || !strstr(uri.path, "//"));
    check_authority(p, url, &uri);
}

static void check_template(apr_pool_t *p, const char *tmpl, const char *host,
                           const char *route)
{
    const char *error = svb_url_check(p, tmpl), *url = NULL, *again = NULL;

    if (error) {
        check_error(error);
        error = svb_url_expand(p, tmpl, host, route, &url);
        MUST(error && !url);
        check_error(error);
        MUST(svb_url_check_expanded(p, tmpl) != NULL);
        return;
    }
    error = svb_url_expand(p, tmpl, host, route, &url);
    if (error) {
        check_error(error);
        MUST(!url);
        /* without placeholders a good template is a good URL */
        MUST(strstr(tmpl, "%h") || strstr(tmpl, "%r"));
        return;
    }
    check_direct_url(p, url);
    /* and stays what it is */
    MUST(!svb_url_expand(p, url, "x", "y", &again));
    MUST(!strcmp(url, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *tmpl = input_text(data, size), *host, *route;
    apr_pool_t *p;

    apr_pool_create(&p, root_pool());
    host = cut_line(tmpl);
    route = cut_line(host);

    check_template(p, tmpl, host, route);
    check_template(p, tmpl, "app1.internal", "servoy1");
    check_template(p, tmpl, "::1", route);
    check_template(p, "https://%h:8443/%r", host, route);
    check_template(p, "https://%r.example.com/x/%h/", host, route);
    check_template(p, "http://[%h]", host, route);

    free(tmpl);
    apr_pool_destroy(p);
    return 0;
}
