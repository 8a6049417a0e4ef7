/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "choice/session.h"

#include <stdlib.h>
#include <string.h>

#include <apr_cstr.h>
#include <apr_date.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define BLANKS " \t"
#define DIGITS "0123456789"
#define LOWER_HEX DIGITS "abcdef"

/* The longest date is half as long. */
#define DATE_MAX 80

/* One `name=value` of a list; quotes are not part of value. */
typedef struct pair {
    const char *name;
    apr_size_t name_len;
    const char *value; /* NULL when there is no '=' */
    apr_size_t value_len;
} pair;

/* ----------------------------------------------------------- lists of pairs */

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Of one separator, or two. The end of the text ends a pair just as one does. */
static int ends_pair(char c, const char *seps)
{
    return c == '\0' || c == seps[0] || c == seps[1];
}

static const char *skip_blanks(const char *s)
{
    while (is_blank(*s)) {
        s++;
    }
    return s;
}

static apr_size_t trimmed_len(const char *begin, const char *end)
{
    while (end > begin && is_blank(end[-1])) {
        end--;
    }
    return (apr_size_t)(end - begin);
}

/*
 * The quote that closes the value opened at s, or NULL when the value is not
 * a quoted one after all. Linear over a whole header: a failed search ends at
 * the next quote, and an opening quote is never hidden from the search before
 * it, since it follows '=' or a blank and not a backslash.
 */
static const char *closing_quote(const char *s, const char *seps)
{
    const char *q = s + 1;

    while (*q && *q != '"') {
        q += *q == '\\' && q[1] ? 2 : 1;
    }
    return *q && ends_pair(*skip_blanks(q + 1), seps) ? q : NULL;
}

/* Reads a value at s; returns where the separator after it (or the end) is. */
static const char *read_value(const char *s, const char *seps, pair *out)
{
    const char *close;

    s = skip_blanks(s);
    if (*s == '"' && (close = closing_quote(s, seps)) != NULL) {
        out->value = s + 1;
        out->value_len = (apr_size_t)(close - out->value);
        return skip_blanks(close + 1);
    }
    out->value = s;
    s += strcspn(s, seps);
    out->value_len = trimmed_len(out->value, s);
    return s;
}

/* Reads the pair at s; returns where to read the next one, NULL at the end. */
static const char *next_pair(const char *s, const char *seps, pair *out)
{
    while (*s && (is_blank(*s) || ends_pair(*s, seps))) {
        s++;
    }
    if (!*s) {
        return NULL;
    }
    out->name = s;
    while (*s != '=' && !ends_pair(*s, seps)) {
        s++;
    }
    out->name_len = trimmed_len(out->name, s);
    out->value = NULL;
    out->value_len = 0;
    return *s == '=' ? read_value(s + 1, seps, out) : s;
}

typedef int compare_fn(const char *a, const char *b, apr_size_t n);

/* The configured name that equals the text, or NULL. */
static const char *find_name(const apr_array_header_t *names, const char *text,
                             apr_size_t len, compare_fn *compare)
{
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (strlen(name) == len && !compare(name, text, len)) {
            return name;
        }
    }
    return NULL;
}

/* --------------------------------------------------------- ids of a request */

static int has_id(const svb_session_ids *ids, const char *id, apr_size_t len)
{
    for (int i = 0; i < ids->n; i++) {
        if (ids->ids[i].len == len && !memcmp(ids->ids[i].id, id, len)) {
            return 1;
        }
    }
    return 0;
}

static void add_id(svb_session_ids *ids, const char *id, apr_size_t len,
                   const char *name, int from_path)
{
    if (name && len && ids->n < SVB_SESSION_IDS_MAX && !has_id(ids, id, len)) {
        ids->ids[ids->n++] = (svb_session_id){id, len, name, from_path};
    }
}

void svb_session_from_cookie(svb_session_ids *out, const char *cookie,
                             const apr_array_header_t *names)
{
    pair c;

    out->n = 0;
    while (cookie && out->n < SVB_SESSION_IDS_MAX
           && (cookie = next_pair(cookie, ";,", &c)) != NULL) {
        add_id(out, c.value, c.value_len,
               find_name(names, c.name, c.name_len, strncmp), 0);
    }
}

int svb_session_strip(char *cookie, const char *name)
{
    char *to = cookie;
    const char *at = cookie, *next;
    int found = 0;
    pair c;

    while ((next = next_pair(at, ";,", &c)) != NULL) {
        at = next + strspn(next, BLANKS ";,");
        if (c.name_len == strlen(name) && !memcmp(c.name, name, c.name_len)) {
            found = 1;
            continue;
        }
        memmove(to, c.name, (apr_size_t)(at - c.name));
        to += at - c.name;
    }
    while (to > cookie && strchr(BLANKS ";,", to[-1])) {
        to--;
    }
    *to = '\0';
    return found;
}

void svb_session_from_path(svb_session_ids *out, const char *path,
                           const apr_array_header_t *names)
{
    const char *end;

    if (!path || !strchr(path, ';')) {
        return;
    }
    end = path + strcspn(path, "?#");

    while (out->n < SVB_SESSION_IDS_MAX
           && (path = memchr(path, ';', (apr_size_t)(end - path))) != NULL) {
        const char *name = path + 1;

        path = name + strcspn(name, "=;/?#");
        if (*path == '=') {
            add_id(out, path + 1, strcspn(path + 1, ";/?#"),
                   find_name(names, name, (apr_size_t)(path - name),
                             apr_cstr_casecmpn),
                   1);
        }
    }
}

/* ----------------------------------------------------------- parts of an id */

int svb_session_next_route(const svb_session_id *id, apr_size_t *pos,
                           const char **route, apr_size_t *len)
{
    /* no route is longer than SVB_ROUTE_MAX: dots further left are passed over
     * at once, whatever a client sends */
    if (id->len > SVB_ROUTE_MAX + 1 && *pos < id->len - SVB_ROUTE_MAX - 1) {
        *pos = id->len - SVB_ROUTE_MAX - 1;
    }
    *route = *pos < id->len ? memchr(id->id + *pos, '.', id->len - *pos) : NULL;
    if (!*route || ++*route == id->id + id->len) {
        *pos = id->len;
        return 0;
    }
    *pos = (apr_size_t)(*route - id->id);
    *len = id->len - *pos;
    return 1;
}

apr_size_t svb_session_base_len(const svb_session_id *id, apr_size_t route_len)
{
    if (!route_len || route_len >= id->len
        || id->id[id->len - route_len - 1] != '.') {
        return id->len;
    }
    return id->len - route_len - 1;
}

int svb_session_is_launch(const svb_session_id *id)
{
    return id->len > SVB_SESSION_LAUNCH_LEN + 1
           && id->len <= SVB_SESSION_LAUNCH_LEN + 1 + SVB_ROUTE_MAX
           && id->id[SVB_SESSION_LAUNCH_LEN] == '.'
           && strspn(id->id, LOWER_HEX) == SVB_SESSION_LAUNCH_LEN;
}

/* --------------------------------------------------------------- Set-Cookie */

/*
 * The date of Expires, read by APR. It knows the forms of RFC 1123, RFC 850 and
 * asctime, with years of two digits or four and without the day of the week.
 * Browsers (RFC 6265, 5.1.1) read more, some of which nodes do send, and less;
 * so the text is put right first:
 *
 *  - dashes with a year of four digits, as in "Thu, 01-Jan-1970 00:00:10 GMT",
 *    and signs of a zone, which browsers do not count: become blanks
 *  - a month in any case: gets a capital
 *  - nothing behind the time: there is a blank
 *  - the epoch, the commonest date of all here, is what APR says for a bad one,
 *    and it knows no year before: any of them is over, so that another year
 *    that is over (and a leap year) does as well
 *  - a 60th or 61st second, which APR takes: is none
 *
 * What browsers read beyond that, as "1:2:3" or another order, counts as no date.
 */
static int read_date(const char *s, apr_size_t len, apr_time_t *when)
{
    char text[DATE_MAX + 2];
    apr_time_t date;
    apr_size_t n;

    if (len > DATE_MAX) {
        return 0;
    }
    for (apr_size_t i = 0; i < len; i++) {
        text[i] = strchr("-+", s[i])           ? ' '
                  : i && apr_isalpha(s[i - 1]) ? (char)apr_tolower(s[i])
                                               : (char)apr_toupper(s[i]);
    }
    memcpy(text + len, " ", 2);
    for (char *at = text + strcspn(text, DIGITS); *at;
         at += n + strcspn(at + n, DIGITS)) {
        int year;

        n = strspn(at, DIGITS);
        year = n <= 4 ? atoi(at) : 0;
        if ((n == 4 && year >= 1601 && year <= 1970)
            || (n == 2 && year == 70)) {
            memcpy(at, &"1972"[4 - n], n);
        }
    }
    date = strstr(text, ":6") ? APR_DATE_BAD : apr_date_parse_rfc(text);
    *when = date != APR_DATE_BAD ? date : *when;
    return date != APR_DATE_BAD;
}

/* One that is too large or too small becomes the largest or smallest there is. */
static int read_max_age(const char *s, apr_size_t len, apr_int64_t *seconds)
{
    char *end;
    apr_int64_t value = apr_strtoi64(s, &end, 10);

    if ((*s != '-' && !apr_isdigit(*s)) || end != s + len) {
        return 0;
    }
    *seconds = value;
    return 1;
}

static int is_attribute(const pair *attr, const char *name)
{
    return attr->value && attr->name_len == strlen(name)
           && !apr_cstr_casecmpn(attr->name, name, attr->name_len);
}

/* Do the attributes from s on tell the client to drop the cookie? */
static int attributes_expire(const char *s, apr_time_t now)
{
    int has_max_age = 0, has_expires = 0;
    apr_int64_t max_age = 0;
    apr_time_t expires = 0;
    pair attr;

    while ((s = next_pair(s, ";", &attr)) != NULL) {
        if (is_attribute(&attr, "max-age")) {
            has_max_age |= read_max_age(attr.value, attr.value_len, &max_age);
        }
        else if (is_attribute(&attr, "expires")) {
            has_expires |= read_date(attr.value, attr.value_len, &expires);
        }
    }
    if (has_max_age) {
        return max_age <= 0;
    }
    return has_expires && expires <= now;
}

int svb_session_from_set_cookie(const char *set_cookie,
                                const apr_array_header_t *names, apr_time_t now,
                                svb_session_id *out, int *expired)
{
    const char *name, *rest;
    pair c;

    if (!set_cookie || *skip_blanks(set_cookie) == ';'
        || !(rest = next_pair(set_cookie, ";", &c)) || !c.value
        || !(name = find_name(names, c.name, c.name_len, strncmp))) {
        return 0;
    }
    *out = (svb_session_id){c.value, c.value_len, name, 0};
    *expired = !c.value_len || attributes_expire(rest, now);
    return 1;
}
