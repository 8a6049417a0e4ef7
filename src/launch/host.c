/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "launch/host.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>

/* Length of the scheme with its ':' at the beginning of s, 0 when none. */
static apr_size_t scheme_len(const char *s)
{
    static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
    apr_size_t len = strspn(s, chars);

    return len && s[len] == ':' && !strchr("0123456789+-.", *s) ? len + 1 : 0;
}

/* The host in the authority that s begins with. */
static const char *authority_host(apr_pool_t *p, const char *s)
{
    char *host = apr_pstrmemdup(p, s, strcspn(s, "/\\?#")), *c;

    if ((c = strrchr(host, '@'))) {
        host = c + 1;
    }
    if (*host == '[') {
        ++host;
        host[strcspn(host, "]")] = '\0';
    }
    else {
        host[strcspn(host, ":")] = '\0';
    }
    for (c = host; *c; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c - 'A' + 'a');
        }
    }
    while (c > host && c[-1] == '.') {
        *--c = '\0';
    }
    return host;
}

/* The value without what browsers take off a URL before they look at it: tabs
 * and line ends anywhere, control characters and blanks around it. */
static const char *bare_url(apr_pool_t *p, const char *value)
{
    char *result, *out;

    while (*value && (unsigned char)*value <= ' ') {
        ++value;
    }
    result = out = apr_palloc(p, strlen(value) + 1);
    for (; *value; value++) {
        if (!strchr("\t\r\n", *value)) {
            *out++ = *value;
        }
    }
    while (out > result && (unsigned char)out[-1] <= ' ') {
        --out;
    }
    *out = '\0';
    return result;
}

const char *svb_host_named(apr_pool_t *p, const char *value)
{
    const char *s = bare_url(p, value);
    apr_size_t scheme, slashes;

    /* java.net.URL takes "url:http://host/" for "http://host/" */
    if (!apr_cstr_casecmpn(s, "url:", 4)) {
        s += 4;
    }
    scheme = scheme_len(s);
    slashes = strspn(s + scheme, "/\\");
    if (!scheme && slashes < 2) {
        return NULL;
    }
    /* after http: browsers look for a host behind however many slashes, none
     * included; elsewhere it takes two, and a third begins a path */
    if (scheme && apr_cstr_casecmpn(s, "http:", 5)
        && apr_cstr_casecmpn(s, "https:", 6)) {
        if (slashes < 2) {
            return "";
        }
        slashes = 2;
    }
    return authority_host(p, s + scheme + slashes);
}
