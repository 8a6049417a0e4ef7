/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "choice/session.h"

#include <string.h>

#include <apr_cstr.h>

/* One `name=value` of a list; quotes are not part of value. */
typedef struct pair {
    const char *name;
    apr_size_t name_len;
    const char *value; /* NULL when there is no '=' */
    apr_size_t value_len;
} pair;

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The end of the text ends a pair just as a separator does. */
static int ends_pair(char c, const char *seps)
{
    return c == '\0' || strchr(seps, c) != NULL;
}

static const char *skip_blanks(const char *s)
{
    while (is_blank(*s)) {
        ++s;
    }
    return s;
}

static apr_size_t trimmed_len(const char *begin, const char *end)
{
    while (end > begin && is_blank(end[-1])) {
        --end;
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
    const char *q;

    for (q = s + 1; *q && *q != '"'; ++q) {
        if (*q == '\\' && q[1]) {
            ++q;
        }
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
    while (!ends_pair(*s, seps)) {
        ++s;
    }
    out->value_len = trimmed_len(out->value, s);
    return s;
}

/* Reads the pair at s; returns where to read the next one, NULL at the end. */
static const char *next_pair(const char *s, const char *seps, pair *out)
{
    while (*s && (is_blank(*s) || ends_pair(*s, seps))) {
        ++s;
    }
    if (!*s) {
        return NULL;
    }
    out->name = s;
    while (*s != '=' && !ends_pair(*s, seps)) {
        ++s;
    }
    out->name_len = trimmed_len(out->name, s);
    out->value = NULL;
    out->value_len = 0;
    return *s == '=' ? read_value(s + 1, seps, out) : s;
}

typedef int compare_fn(const char *a, const char *b, apr_size_t n);

static int compare_nocase(const char *a, const char *b, apr_size_t n)
{
    return apr_cstr_casecmpn(a, b, n);
}

/* The configured name that equals the text, or NULL. */
static const char *find_name(const apr_array_header_t *names, const char *text,
                             apr_size_t len, compare_fn *compare)
{
    int i;

    for (i = 0; i < names->nelts; ++i) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (strlen(name) == len && !compare(name, text, len)) {
            return name;
        }
    }
    return NULL;
}

static int has_id(const svb_session_ids *ids, const char *id, apr_size_t len)
{
    int i;

    for (i = 0; i < ids->n; ++i) {
        if (ids->ids[i].len == len && !memcmp(ids->ids[i].id, id, len)) {
            return 1;
        }
    }
    return 0;
}

static void add_id(svb_session_ids *ids, const char *id, apr_size_t len,
                   const char *name, int from_path)
{
    svb_session_id *slot;

    if (!len || ids->n >= SVB_SESSION_IDS_MAX || has_id(ids, id, len)) {
        return;
    }
    slot = &ids->ids[ids->n++];
    slot->id = id;
    slot->len = len;
    slot->name = name;
    slot->from_path = from_path;
}

void svb_session_from_cookie(svb_session_ids *out, const char *cookie,
                             const apr_array_header_t *names)
{
    const char *s = cookie;
    pair c;

    out->n = 0;
    while (s && out->n < SVB_SESSION_IDS_MAX
           && (s = next_pair(s, ";,", &c)) != NULL) {
        const char *name;

        if (c.value_len
            && (name = find_name(names, c.name, c.name_len, strncmp))) {
            add_id(out, c.value, c.value_len, name, 0);
        }
    }
}

void svb_session_from_path(svb_session_ids *out, const char *path,
                           const apr_array_header_t *names)
{
    const char *s, *end, *value;

    if (!path) {
        return;
    }
    end = path + strcspn(path, "?#");
    for (s = path; s < end && out->n < SVB_SESSION_IDS_MAX; s = value) {
        const char *param = memchr(s, ';', (apr_size_t)(end - s));
        const char *name;

        if (!param) {
            return;
        }
        ++param;
        value = param + strcspn(param, "=;/?#");
        if (*value != '=') {
            continue;
        }
        name = find_name(names, param, (apr_size_t)(value - param),
                         compare_nocase);
        ++value;
        if (name) {
            add_id(out, value, strcspn(value, ";/?#"), name, 1);
        }
    }
}

int svb_session_next_route(const svb_session_id *id, apr_size_t *pos,
                           const char **route, apr_size_t *len)
{
    /* no route is longer than SVB_ROUTE_MAX: dots further left are passed over
     * at once, whatever a client sends */
    if (id->len > SVB_ROUTE_MAX + 1 && *pos < id->len - SVB_ROUTE_MAX - 1) {
        *pos = id->len - SVB_ROUTE_MAX - 1;
    }
    while (*pos < id->len) {
        if (id->id[(*pos)++] == '.' && *pos < id->len) {
            *route = id->id + *pos;
            *len = id->len - *pos;
            return 1;
        }
    }
    return 0;
}

apr_size_t svb_session_base_len(const svb_session_id *id, apr_size_t route_len)
{
    if (!route_len || route_len >= id->len
        || id->id[id->len - route_len - 1] != '.') {
        return id->len;
    }
    return id->len - route_len - 1;
}

/*
 * The dates of Set-Cookie are read the way RFC 6265 section 5.1.1 tells
 * browsers to: the first time, day, month and year found, in whatever order
 * and with whatever between them. That covers the forms of RFC 1123, RFC 850
 * and asctime, and Tomcat's "Thu, 01-Jan-1970 00:00:10 GMT". It is not
 * apr_date_parse_http(), which knows no dashes with a four-digit year and
 * whose APR_DATE_BAD is also the value of the commonest date of all here, the
 * epoch.
 */
typedef struct date {
    int time, day, month, year; /* 1: found */
    apr_time_exp_t t;
} date;

/* Reads 1 to max digits at *s. Returns how many, 0 when none or more. */
static int read_number(const char **s, const char *end, int max, int *value)
{
    int n = 0;

    for (*value = 0; *s < end && is_digit(**s); ++*s) {
        if (++n > max) {
            return 0;
        }
        *value = *value * 10 + (**s - '0');
    }
    return n;
}

static int read_clock(const char *s, const char *end, apr_time_exp_t *t)
{
    return read_number(&s, end, 2, &t->tm_hour) && s < end && *s++ == ':'
           && read_number(&s, end, 2, &t->tm_min) && s < end && *s++ == ':'
           && read_number(&s, end, 2, &t->tm_sec) && t->tm_hour < 24
           && t->tm_min < 60 && t->tm_sec < 60;
}

static int read_month(const char *s, const char *end, int *month)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int i;

    for (i = 0; i < 12 && end - s >= 3; ++i) {
        if (!apr_cstr_casecmpn(s, months + 3 * i, 3)) {
            *month = i;
            return 1;
        }
    }
    return 0;
}

/* Two-digit years are 1970 to 2069; tm_year counts from 1900. */
static int read_year(const char *s, const char *end, int *tm_year)
{
    int year;
    int digits = read_number(&s, end, 4, &year);

    if (digits < 2) {
        return 0;
    }
    if (year < 100) {
        year += year < 70 ? 2000 : 1900;
    }
    *tm_year = year - 1900;
    return year >= 1601;
}

static void read_date_token(const char *s, const char *end, date *d)
{
    const char *rest = s;
    int number;

    if (!d->time && read_clock(s, end, &d->t)) {
        d->time = 1;
    }
    else if (!d->day && read_number(&rest, end, 2, &number) && number >= 1
             && number <= 31) {
        d->t.tm_mday = number;
        d->day = 1;
    }
    else if (!d->month && read_month(s, end, &d->t.tm_mon)) {
        d->month = 1;
    }
    else if (!d->year && read_year(s, end, &d->t.tm_year)) {
        d->year = 1;
    }
}

/* Returns 1 and the date, or 0 when the text is none. */
static int read_date(const char *s, apr_size_t len, apr_time_t *when)
{
    const char *end = s + len;
    date d;

    memset(&d, 0, sizeof(d));
    while (s < end) {
        const char *token = s;

        while (s < end && (is_letter(*s) || is_digit(*s) || *s == ':')) {
            ++s;
        }
        if (s > token) {
            read_date_token(token, s, &d);
        }
        else {
            ++s;
        }
    }
    if (!d.time || !d.day || !d.month || !d.year) {
        return 0;
    }
    if (d.t.tm_year < 70) {
        /* APR knows no time before 1970; which one it was is all the same */
        *when = 0;
        return 1;
    }
    return apr_time_exp_gmt_get(when, &d.t) == APR_SUCCESS;
}

/* Returns 1 and the sign of a Max-Age (0 for zero), or 0 when it is none. */
static int read_max_age(const char *s, apr_size_t len, int *sign)
{
    apr_size_t i, first = len && *s == '-' ? 1 : 0;
    int value = 0;

    if (first == len) {
        return 0;
    }
    for (i = first; i < len; ++i) {
        if (!is_digit(s[i])) {
            return 0;
        }
        value |= s[i] != '0';
    }
    *sign = first ? -value : value;
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
    int has_max_age = 0, max_age = 0, has_expires = 0;
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
    out->id = c.value;
    out->len = c.value_len;
    out->name = name;
    out->from_path = 0;
    *expired = !c.value_len || attributes_expire(rest, now);
    return 1;
}
