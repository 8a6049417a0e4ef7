/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "config/url.h"

#include <string.h>

#include <apr_network_io.h>
#include <apr_cstr.h>
#include <apr_strings.h>

#define HOST_MAX 253
#define LABEL_MAX 63
#define PORT_MAX 65535

static const char absolute_wanted[] =
    "must be an absolute http:// or https:// URL: "
    "scheme://host[:port][/prefix]";

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
}

/* '_' is in no host name of RFC 952, but in many of the real world. */
static int is_host_char(char c)
{
    return is_alnum(c) || c == '-' || c == '.' || c == '_';
}

static int is_placeholder(const char *s)
{
    return s[0] == '%' && (s[1] == 'h' || s[1] == 'r');
}

static int hex_value(char c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

int svb_url_unescape(const char *s)
{
    int high, low;

    if (s[0] != '%' || (high = hex_value(s[1])) < 0
        || (low = hex_value(s[2])) < 0) {
        return -1;
    }
    return high * 16 + low;
}

char *svb_url_escape(char *out, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";

    *out++ = '%';
    *out++ = digits[c >> 4];
    *out++ = digits[c & 15];
    return out;
}

int svb_url_is_path_char(unsigned char c)
{
    return c && (is_alnum((char)c) || strchr("-_.!~*'():@&=+$,;/", c));
}

/* Length of "http://" or "https://" at the beginning, 0 for anything else. */
static apr_size_t scheme_len(const char *url)
{
    if (!apr_cstr_casecmpn(url, "https://", 8)) {
        return 8;
    }
    if (!apr_cstr_casecmpn(url, "http://", 7)) {
        return 7;
    }
    return 0;
}

int svb_url_is_https(const char *url)
{
    return scheme_len(url) == 8;
}

/* What is wrong with a '%', or NULL. */
static const char *check_percent(apr_pool_t *p, const char *s, int is_template)
{
    if (is_placeholder(s)) {
        return is_template ? NULL
                           : "must not hold the placeholders %h and %r here";
    }
    if (svb_url_unescape(s) >= 0) {
        return NULL;
    }
    if (is_alnum(s[1])) {
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
    const char *error;

    for (; *s; ++s) {
        unsigned char c = (unsigned char)*s;

        if (c < 0x20 || c == 0x7f) {
            return apr_psprintf(p,
                                "must not contain control characters "
                                "(there is a byte 0x%02x)",
                                c);
        }
        if (c > 0x7f) {
            return apr_psprintf(p,
                                "must not contain other than ASCII "
                                "characters (there is a byte 0x%02x); in the "
                                "prefix write them as escapes such as %%C3%%A9",
                                c);
        }
        if (c == '%' && (error = check_percent(p, s, is_template))) {
            return error;
        }
        switch (c) {
        case ' ':
            return "must not contain blanks";
        case '\\':
            return "must not contain a backslash";
        case '?':
            return "must not carry a query ('?')";
        case '#':
            return "must not carry a fragment ('#')";
        default:
            break;
        }
    }
    return NULL;
}

/* a.b.c.d, each 0 to 255 without leading zeros. */
static int is_ipv4(const char *s, apr_size_t len)
{
    const char *end = s + len;
    int octets;

    for (octets = 1;; ++octets) {
        const char *first = s;
        int value = 0;

        while (s < end && is_digit(*s) && s - first < 3) {
            value = value * 10 + (*s++ - '0');
        }
        if (s == first || value > 255 || (*first == '0' && s - first > 1)) {
            return 0;
        }
        if (s == end) {
            return octets == 4;
        }
        if (*s++ != '.') {
            return 0;
        }
    }
}

/*
 * One label of a host name: text up to a dot, where a placeholder counts as a
 * letter. Returns its length in bytes, 0 when it is no label.
 */
static apr_size_t label_len(const char *s, apr_size_t len, int *placeholders)
{
    apr_size_t i = 0, chars = 0;
    int dash = 0;

    while (i < len && s[i] != '.') {
        dash = s[i] == '-';
        if ((dash && !i) || ++chars > LABEL_MAX) {
            return 0;
        }
        if (is_host_char(s[i])) {
            ++i;
        }
        else if (len - i >= 2 && is_placeholder(s + i)) {
            *placeholders = 1;
            i += 2;
        }
        else {
            return 0;
        }
    }
    return dash ? 0 : i;
}

/* Digits, or "0x" and hex digits, up to the end. */
static int is_number(const char *s, const char *end)
{
    int hex = end - s >= 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X');

    for (s += hex ? 2 : 0; s < end; ++s) {
        if (hex ? hex_value(*s) < 0 : !is_digit(*s)) {
            return 0;
        }
    }
    return 1;
}

/*
 * A host name or IPv4 address. A name whose last label is a number would be
 * read as an address by browsers ("http://1.2", "http://2130706433"), so it
 * must be a proper one.
 */
static int is_host_name(const char *s, apr_size_t len)
{
    const char *host = s, *end = s + len, *last = s, *last_end = s;
    int placeholders = 0;

    if (!len || len > HOST_MAX) {
        return 0;
    }
    while (s < end) {
        apr_size_t n = label_len(s, (apr_size_t)(end - s), &placeholders);

        if (!n) {
            return 0;
        }
        last = s;
        last_end = s + n;
        /* one dot more at the very end is the root of DNS */
        s = last_end < end ? last_end + 1 : end;
    }
    return placeholders || !is_number(last, last_end) || is_ipv4(host, len);
}

static int is_ipv6(apr_pool_t *p, const char *text)
{
    apr_ipsubnet_t *ip;

    /* APR's own parser; it takes whatever has a colon for an IPv6 address,
     * and asks no name server */
    return strchr(text, ':')
           && apr_ipsubnet_create(&ip, text, NULL, p) == APR_SUCCESS;
}

static const char *check_port(const char *s, apr_size_t len)
{
    apr_size_t i;
    int port = 0;

    for (i = 0; i < len && i < 6; ++i) {
        if (!is_digit(s[i])) {
            return "bad port: must be a number from 1 to 65535";
        }
        port = port * 10 + (s[i] - '0');
    }
    if (port < 1 || port > PORT_MAX || len > 5) {
        return "bad port: must be a number from 1 to 65535";
    }
    return NULL;
}

/* The host in brackets at s; sets *host_end behind the ']'. */
static const char *check_bracketed(apr_pool_t *p, const char *s,
                                   const char *end, const char **host_end)
{
    const char *bracket = memchr(s, ']', (apr_size_t)(end - s));
    const char *text;

    if (!bracket) {
        return "bad host: ']' is missing";
    }
    text = apr_pstrmemdup(p, s + 1, (apr_size_t)(bracket - s - 1));
    if (strcmp(text, "%h") && !is_ipv6(p, text)) {
        return "bad host: in brackets there must be an IPv6 address or %h";
    }
    *host_end = bracket + 1;
    if (*host_end < end && **host_end != ':') {
        return "bad host: after ']' only a port is allowed";
    }
    return NULL;
}

/* The host at s that is in no brackets; sets *host_end behind it. */
static const char *check_named(const char *s, const char *end,
                               const char **host_end)
{
    const char *colon = memchr(s, ':', (apr_size_t)(end - s));

    if (colon && memchr(colon + 1, ':', (apr_size_t)(end - colon - 1))) {
        return "bad host: an IPv6 address must stand in brackets";
    }
    *host_end = colon ? colon : end;
    if (!is_host_name(s, (apr_size_t)(*host_end - s))) {
        return "bad host: must be a host name of letters, digits, '-', '.' and "
               "'_', an IPv4 address, an IPv6 address in brackets, %h or %r";
    }
    return NULL;
}

static const char *check_authority(apr_pool_t *p, const char *s,
                                   const char *end)
{
    const char *host_end, *error;

    if (s == end) {
        return "bad host: there is none; must be scheme://host[:port][/prefix]";
    }
    if (memchr(s, '@', (apr_size_t)(end - s))) {
        return "must not carry userinfo ('user@')";
    }
    error = *s == '[' ? check_bracketed(p, s, end, &host_end)
                      : check_named(s, end, &host_end);
    if (!error && host_end < end) {
        error = check_port(host_end + 1, (apr_size_t)(end - host_end - 1));
    }
    return error;
}

/* Is the segment "." or "..", plain or escaped? */
static int is_dot_segment(const char *s, apr_size_t len)
{
    apr_size_t i = 0;
    int dots = 0;

    while (i < len) {
        if (s[i] == '.') {
            ++i;
        }
        else if (len - i >= 3 && svb_url_unescape(s + i) == '.') {
            i += 3;
        }
        else {
            return 0;
        }
        ++dots;
    }
    return dots == 1 || dots == 2;
}

/* The prefix is empty or begins with '/'; its escapes have been checked. */
static const char *check_prefix(apr_pool_t *p, const char *s)
{
    const char *c;

    for (c = s; *c; ++c) {
        if (*c != '%' && !svb_url_is_path_char((unsigned char)*c)) {
            return apr_psprintf(p,
                                "must not contain '%c' in the prefix; write "
                                "it as %%%02X",
                                *c, (unsigned char)*c);
        }
    }
    while (*s) {
        apr_size_t len = strcspn(++s, "/");

        if (!len && s[len]) {
            return "must not contain '//' in the prefix";
        }
        if (is_dot_segment(s, len)) {
            return "must not contain '.' or '..' as a segment of the prefix";
        }
        s += len;
    }
    return NULL;
}

static const char *check(apr_pool_t *p, const char *url, int is_template)
{
    const char *authority, *prefix, *error;
    apr_size_t len;

    if (!url || !(len = scheme_len(url))) {
        return absolute_wanted;
    }
    authority = url + len;
    prefix = authority + strcspn(authority, "/");
    if ((error = check_bytes(p, authority, is_template))
        || (error = check_authority(p, authority, prefix))) {
        return error;
    }
    return check_prefix(p, prefix);
}

const char *svb_url_check(apr_pool_t *p, const char *tmpl)
{
    return check(p, tmpl, 1);
}

const char *svb_url_check_expanded(apr_pool_t *p, const char *url)
{
    return check(p, url, 0);
}

/* A template on its way to a direct URL. */
typedef struct expansion {
    apr_pool_t *p;
    const char *host, *route; /* NULL or empty: there is none */
    char *out;                /* where to write on; there is room */
} expansion;

static int all_host_chars(const char *s)
{
    while (is_host_char(*s)) {
        ++s;
    }
    return !*s;
}

/* What the placeholder at s stands for; NULL and an error when nothing. */
static const char *placeholder_value(const expansion *e, const char *s,
                                     const char **error)
{
    const char *value = s[1] == 'h' ? e->host : e->route;

    if (!value || !*value) {
        *error = s[1] == 'h' ? "%h is used, but the member has no host"
                             : "%r is used, but the member has no route";
        return NULL;
    }
    return value;
}

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
        return all_host_chars(host) ? host : NULL;
    }
    if (!is_ipv6(p, host)) {
        return NULL;
    }
    return has_brackets ? host : apr_pstrcat(p, "[", host, "]", NULL);
}

static void append_lower(expansion *e, const char *s, apr_size_t len)
{
    for (; len; --len, ++s) {
        *e->out++ = *s >= 'A' && *s <= 'Z' ? (char)(*s - 'A' + 'a') : *s;
    }
}

static void append_encoded(expansion *e, const char *s)
{
    for (; *s; ++s) {
        if (is_alnum(*s) || strchr("-._~", *s)) {
            *e->out++ = *s;
        }
        else {
            e->out = svb_url_escape(e->out, (unsigned char)*s);
        }
    }
}

/* Scheme and authority, from s to end. Returns an error or NULL. */
static const char *expand_authority(expansion *e, const char *s,
                                    const char *end)
{
    const char *value, *error;

    while (s < end) {
        if (!is_placeholder(s)) {
            append_lower(e, s++, 1);
            continue;
        }
        if (!(value = placeholder_value(e, s, &error))) {
            return error;
        }
        if (s[1] == 'h') {
            value = authority_host(e->p, value, s[-1] == '[');
            if (!value) {
                return "the member's host is neither a host name nor an IP "
                       "address";
            }
        }
        else if (!all_host_chars(value)) {
            return "the route cannot be part of a host: that takes letters, "
                   "digits, '-', '.' and '_' only";
        }
        append_lower(e, value, strlen(value));
        s += 2;
    }
    return NULL;
}

/* The prefix, from s on. Returns an error or NULL. */
static const char *expand_prefix(expansion *e, const char *s)
{
    const char *value, *error;

    while (*s) {
        if (!is_placeholder(s)) {
            *e->out++ = *s++;
            continue;
        }
        if (!(value = placeholder_value(e, s, &error))) {
            return error;
        }
        append_encoded(e, value);
        s += 2;
    }
    return NULL;
}

/* Bytes that the expansion of a template takes at most. */
static apr_size_t expanded_size(const char *tmpl, const char *host,
                                const char *route)
{
    apr_size_t host_len = host ? strlen(host) : 0;
    apr_size_t route_len = route ? strlen(route) : 0;
    apr_size_t size = strlen(tmpl) + 1;

    for (; *tmpl; ++tmpl) {
        if (is_placeholder(tmpl)) {
            /* each byte an escape, or two brackets around */
            size += 3 * (tmpl[1] == 'h' ? host_len : route_len) + 2;
        }
    }
    return size;
}

const char *svb_url_expand(apr_pool_t *p, const char *tmpl, const char *host,
                           const char *route, const char **url)
{
    expansion e = {p, host, route, NULL};
    const char *prefix, *error;
    char *result;

    if ((error = svb_url_check(p, tmpl))) {
        return error;
    }
    prefix = tmpl + scheme_len(tmpl);
    prefix += strcspn(prefix, "/");
    result = e.out = apr_palloc(p, expanded_size(tmpl, host, route));
    if ((error = expand_authority(&e, tmpl, prefix))
        || (error = expand_prefix(&e, prefix))) {
        return error;
    }
    if (e.out[-1] == '/') {
        --e.out;
    }
    *e.out = '\0';
    if ((error = svb_url_check_expanded(p, result))) {
        return error;
    }
    *url = result;
    return NULL;
}
