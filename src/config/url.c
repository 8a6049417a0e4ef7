/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "config/url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_network_io.h>
#include <apr_strings.h>
#include <apr_uri.h>

#include "config/escape.h"

#define HOST_MAX 253
#define LABEL_MAX 63
#define PORT_MAX 65535
#define PORT_DIGITS 5

#define DIGITS "0123456789"
#define HEX DIGITS "abcdefABCDEF"

/* '_' is in no host name of RFC 952, but in many of the real world. */
#define HOST_CHARS SVB_ESCAPE_ALNUM "-._"

/* -------------------------------------------------------------------- bytes */

static int is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

/* Is there nothing but bytes of the set? */
static int is_all(const char *s, const char *set)
{
    return !s[strspn(s, set)];
}

static int is_placeholder(const char *s)
{
    return s[0] == '%' && (s[1] == 'h' || s[1] == 'r');
}

int svb_url_is_https(const char *url)
{
    return !apr_cstr_casecmpn(url, "https://", 8);
}

/* What is wrong with a '%', or NULL. */
static const char *check_percent(apr_pool_t *p, const char *s, int is_template)
{
    if (is_placeholder(s)) {
        return is_template ? NULL
                           : "must not hold the placeholders %h and %r here";
    }
    if (svb_escape_read(s) >= 0) {
        return NULL;
    }
    if (is_one_of(s[1], SVB_ESCAPE_ALNUM)) {
        return apr_psprintf(p,
                            "unknown placeholder %%%c: allowed are %%h "
                            "(host), %%r (route) and, in the prefix, escapes "
                            "such as %%20",
                            s[1]);
    }
    return "a '%' must be followed by h (host), r (route) or, in the prefix, "
           "two hexadecimal digits";
}

/* What is wrong with the bytes, wherever they stand, or NULL. */
static const char *check_bytes(apr_pool_t *p, const char *s, int is_template)
{
    const char *error = NULL;

    for (; *s && !error; s++) {
        unsigned char c = (unsigned char)*s;

        if (c < 0x20 || c == 0x7f) {
            error = apr_psprintf(p,
                                 "must not contain control characters "
                                 "(there is a byte 0x%02x)",
                                 c);
        }
        else if (c > 0x7f) {
            error = apr_psprintf(p,
                                 "must not contain other than ASCII "
                                 "characters (there is a byte 0x%02x); in the "
                                 "prefix write them as escapes such as "
                                 "%%C3%%A9",
                                 c);
        }
        else if (c == '%') {
            error = check_percent(p, s, is_template);
        }
        else if (c == ' ') {
            error = "must not contain blanks";
        }
        else if (c == '\\') {
            error = "must not contain a backslash";
        }
    }
    return error;
}

/* -------------------------------------------------------------------- hosts */

/* Digits, or "0x" and hex digits, perhaps with a dot behind: a label that makes
 * browsers read a name as an address ("http://1.2", "http://2130706433"). */
static int is_number(const char *label)
{
    int is_hex = label[0] == '0' && is_one_of(label[1], "xX");

    label += is_hex ? 2 : 0;
    label += strspn(label, is_hex ? HEX : DIGITS);
    return is_all(label, ".");
}

/*
 * Is it a host name or an IPv4 address? A placeholder counts as a letter, and
 * may become whatever makes a number in the last place a proper address.
 */
static int is_host_name(apr_pool_t *p, const char *text)
{
    struct in_addr address;
    char *host = apr_pstrdup(p, text), *out = host;
    const char *label = host;

    for (const char *s = text; *s; s++) {
        int is_letter = is_placeholder(s);

        *out++ = is_letter ? 'x' : *s;
        s += is_letter;
    }
    *out = '\0';
    if (!is_all(host, HOST_CHARS) || strlen(text) > HOST_MAX) {
        return 0;
    }
    for (;;) {
        apr_size_t len = strcspn(label, ".");

        if (!len || len > LABEL_MAX || label[0] == '-'
            || label[len - 1] == '-') {
            return 0;
        }
        /* one dot more at the very end is the root of DNS */
        if (!label[len] || !label[len + 1]) {
            break;
        }
        label += len + 1;
    }
    return strchr(text, '%') || !is_number(label)
           || inet_pton(AF_INET, host, &address) == 1;
}

static int is_ipv6(apr_pool_t *p, const char *text)
{
    apr_ipsubnet_t *ip;

    /* APR's own parser; it takes whatever has a colon for an IPv6 address,
     * and asks no name server */
    return strchr(text, ':')
           && apr_ipsubnet_create(&ip, text, NULL, p) == APR_SUCCESS;
}

/* --------------------------------------------------------------- whole URLs */

/* What is wrong with the host as it stands in the authority, with its port and
 * perhaps in brackets, or NULL. */
static const char *check_host(apr_pool_t *p, const apr_uri_t *uri)
{
    const char *text = uri->hostinfo, *colon = strchr(text, ':');
    const char *bracket = *text == '[' ? strchr(text, ']') : NULL;

    if (!*text) {
        return "bad host: there is none; must be scheme://host[:port][/prefix]";
    }
    if (*text == '[' && !bracket) {
        return "bad host: ']' is missing";
    }
    if (bracket && bracket[1] && bracket[1] != ':') {
        return "bad host: after ']' only a port is allowed";
    }
    if (bracket) {
        return strcmp(uri->hostname, "%h") && !is_ipv6(p, uri->hostname)
                   ? "bad host: in brackets there must be an IPv6 address or %h"
                   : NULL;
    }
    if (colon && strchr(colon + 1, ':')) {
        return "bad host: an IPv6 address must stand in brackets";
    }
    return is_host_name(p, uri->hostname)
               ? NULL
               : "bad host: must be a host name of letters, digits, '-', '.' "
                 "and '_', an IPv4 address, an IPv6 address in brackets, %h or "
                 "%r";
}

/* APR's number of the port is what is left of any text in 16 bits. */
static int is_port(const char *text)
{
    return *text && is_all(text, DIGITS) && strlen(text) <= PORT_DIGITS
           && atoi(text) >= 1 && atoi(text) <= PORT_MAX;
}

/* Is the segment "." or "..", plain or escaped? */
static int is_dot_segment(const char *s, apr_size_t len)
{
    static const char *const dots[] = {".",    "..",   "%2e",
                                       ".%2e", "%2e.", "%2e%2e"};

    for (apr_size_t i = 0; i < sizeof(dots) / sizeof(dots[0]); i++) {
        if (len == strlen(dots[i]) && !apr_cstr_casecmpn(s, dots[i], len)) {
            return 1;
        }
    }
    return 0;
}

/* The prefix begins with '/'; its escapes have been checked. */
static const char *check_prefix(apr_pool_t *p, const char *s)
{
    char bad = s[strspn(s, SVB_ESCAPE_PATH "%")];

    if (bad) {
        return apr_psprintf(p,
                            "must not contain '%c' in the prefix; write it as "
                            "%%%02X",
                            bad, (unsigned char)bad);
    }
    if (strstr(s, "//")) {
        return "must not contain '//' in the prefix";
    }
    for (apr_size_t len; *s; s += len) {
        len = strcspn(++s, "/");
        if (is_dot_segment(s, len)) {
            return "must not contain '.' or '..' as a segment of the prefix";
        }
    }
    return NULL;
}

/* APR takes an URL apart; what may stand in the parts is for us to say. */
static const char *check(apr_pool_t *p, const char *url, int is_template)
{
    const char *error;
    apr_uri_t uri;
    /* it stops at a bad bracket or port, behind what is looked at before */
    apr_status_t rv = url ? apr_uri_parse(p, url, &uri) : APR_EGENERAL;

    if (!url || !uri.scheme || !uri.hostinfo
        || (apr_cstr_casecmp(uri.scheme, "http")
            && apr_cstr_casecmp(uri.scheme, "https"))) {
        return "must be an absolute http:// or https:// URL: "
               "scheme://host[:port][/prefix]";
    }
    if ((error = check_bytes(p, url, is_template))) {
        return error;
    }
    if (uri.user) {
        return "must not carry userinfo ('user@')";
    }
    if ((error = check_host(p, &uri))) {
        return error;
    }
    if (rv != APR_SUCCESS || (uri.port_str && !is_port(uri.port_str))) {
        return "bad port: must be a number from 1 to 65535";
    }
    if (uri.query) {
        return "must not carry a query ('?')";
    }
    if (uri.fragment) {
        return "must not carry a fragment ('#')";
    }
    return uri.path ? check_prefix(p, uri.path) : NULL;
}

const char *svb_url_check(apr_pool_t *p, const char *tmpl)
{
    return check(p, tmpl, 1);
}

const char *svb_url_check_expanded(apr_pool_t *p, const char *url)
{
    return check(p, url, 0);
}

/* ---------------------------------------------------------------- expanding */

/*
 * A host as it stands in an authority: nothing but a name, or an address in
 * brackets, so that no ':', '/' or '@' of it can end it early. NULL when it
 * is neither. has_brackets: the template has its own around it.
 */
static const char *authority_host(apr_pool_t *p, const char *host,
                                  int has_brackets)
{
    apr_size_t len = strlen(host);

    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host = apr_pstrmemdup(p, host + 1, len - 2);
    }
    if (!strchr(host, ':')) {
        return is_all(host, HOST_CHARS) ? host : NULL;
    }
    if (!is_ipv6(p, host)) {
        return NULL;
    }
    return has_brackets ? host : apr_pstrcat(p, "[", host, "]", NULL);
}

/* What stands in place of the placeholder at s; NULL and an error if nothing. */
static const char *value_of(apr_pool_t *p, const char *s, int in_prefix,
                            const char *host, const char *route,
                            const char **error)
{
    const char *value = s[1] == 'h' ? host : route;

    if (!value || !*value) {
        *error = s[1] == 'h' ? "%h is used, but the member has no host"
                             : "%r is used, but the member has no route";
        return NULL;
    }
    if (in_prefix) {
        return svb_escape_text(p, value, SVB_ESCAPE_PLAIN, 0);
    }
    if (s[1] == 'h') {
        *error = "the member's host is neither a host name nor an IP address";
        return authority_host(p, value, s[-1] == '[');
    }
    *error = "the route cannot be part of a host: that takes letters, digits, "
             "'-', '.' and '_' only";
    return is_all(value, HOST_CHARS) ? value : NULL;
}

/* Scheme and host in lower case, and no slash at the end. */
static char *tidied(char *url)
{
    apr_size_t len = strlen(url);
    char *end = url + len;

    for (char *c = url; c < end && (*c != '/' || c[-1] == ':' || c[-1] == '/');
         c++) {
        *c = (char)apr_tolower(*c);
    }
    if (end[-1] == '/') {
        end[-1] = '\0';
    }
    return url;
}

const char *svb_url_expand(apr_pool_t *p, const char *tmpl, const char *host,
                           const char *route, const char **url)
{
    apr_array_header_t *parts = apr_array_make(p, 8, sizeof(const char *));
    const char *error = svb_url_check(p, tmpl), *prefix, *result, *end;

    if (error) {
        return error;
    }
    prefix = strstr(tmpl, "://") + 3;
    prefix += strcspn(prefix, "/");
    for (const char *s = tmpl; *s; s = *end ? end + 2 : end) {
        for (end = s; *end && !is_placeholder(end); end++) {
        }
        APR_ARRAY_PUSH(parts, const char *) =
            apr_pstrmemdup(p, s, (apr_size_t)(end - s));
        if (*end) {
            const char *value =
                value_of(p, end, end > prefix, host, route, &error);

            if (!value) {
                return error;
            }
            APR_ARRAY_PUSH(parts, const char *) = value;
        }
    }
    result = tidied(apr_array_pstrcat(p, parts, '\0'));
    if ((error = svb_url_check_expanded(p, result))) {
        return error;
    }
    *url = result;
    return NULL;
}
