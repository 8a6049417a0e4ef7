/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * libFuzzer harness of svb_host. The input is a URL that somebody has written.
 * The host is one whatever the URL was dressed in, and where the URL is in order
 * it is the one that APR finds.
 */

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>

#include "fuzz.h"
#include "launch/host.h"

static void same(apr_pool_t *p, const char *value, const char *wanted)
{
    const char *host = svb_host_named(p, value);

    MUST(!host == !wanted);
    MUST(!host || !strcmp(host, wanted));
}

static void check_bytes(const char *value, const char *host)
{
    apr_size_t len = strlen(host);

    MUST(len <= strlen(value));
    MUST(strcspn(host, "/\\?#@\t\r\nABCDEFGHIJKLMNOPQRSTUVWXYZ") == len);
    MUST(!strchr(host, ':') || strchr(value, '['));
    MUST(!len || host[len - 1] != '.');
}

/* What makes no difference to the sloppiest of readers. */
static void check_dress(apr_pool_t *p, const char *value, const char *host)
{
    char *copy = apr_pstrdup(p, value);
    apr_size_t middle = strlen(value) / 2;

    same(p, apr_pstrcat(p, "\x01 \n", value, "\t \x02", NULL), host);
    same(p,
         apr_pstrcat(p, apr_pstrmemdup(p, value, middle), "\t\r\n",
                     value + middle, NULL),
         host);
    for (char *c = copy; *c; c++) {
        *c = *c == '/' ? '\\' : *c == '\\' ? '/' : (char)apr_toupper(*c);
    }
    same(p, copy, host);
}

/* A URL in which readers agree on where the authority is. */
static int is_in_order(const char *value)
{
    apr_size_t scheme = !strncmp(value, "http://", 7)    ? 7
                        : !strncmp(value, "https://", 8) ? 8
                                                         : 0;
    const char *c = value;

    while (*c > ' ' && *c < 0x7f && *c != '\\') {
        c++;
    }
    return scheme && !*c && value[scheme] != '/';
}

static void check_apr(apr_pool_t *p, const char *value, const char *host)
{
    apr_uri_t uri;
    const char *bracket;
    char *end;

    if (!is_in_order(value) || apr_uri_parse(p, value, &uri) != APR_SUCCESS) {
        return;
    }
    /* in brackets there is nothing for APR but what stands between them */
    bracket = strchr(uri.hostinfo, ']');
    if (strchr(uri.hostinfo, '[')
        && (!bracket || (bracket[1] && bracket[1] != ':'))) {
        return;
    }
    MUST(host);
    for (end = uri.hostname; *end; end++) {
        *end = (char)apr_tolower(*end);
    }
    while (end > uri.hostname && end[-1] == '.') {
        *--end = '\0';
    }
    MUST(!strcmp(host, uri.hostname));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *value = input_text(data, size);
    const char *host;
    apr_pool_t *p;

    apr_pool_create(&p, root_pool());
    host = svb_host_named(p, value);
    if (host) {
        check_bytes(value, host);
    }
    check_dress(p, value, host);
    check_apr(p, value, host);
    free(value);
    apr_pool_destroy(p);
    return 0;
}
