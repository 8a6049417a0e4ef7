/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * libFuzzer harness of svb_session. The input is taken as a Cookie header, as
 * a path and as a Set-Cookie header; what is read from each must keep the
 * invariants of choice/session.h.
 */

#include <apr_strings.h>
#include <apr_time.h>

#include "fuzz.h"
#include "choice/session.h"

#define FIRST "first.r1"
#define LAST "last.r1"

static int is_name(const apr_array_header_t *names, const char *name)
{
    for (int i = 0; i < names->nelts; i++) {
        if (APR_ARRAY_IDX(names, i, const char *) == name) {
            return 1;
        }
    }
    return 0;
}

static int equals(const svb_session_id *id, const char *text)
{
    return id->len == strlen(text) && !memcmp(id->id, text, id->len);
}

static void check_routes(const svb_session_id *id)
{
    apr_size_t pos = 0, len = 0, last = SVB_ROUTE_MAX + 1, dots = 0, n = 0;
    const char *route;

    while (svb_session_next_route(id, &pos, &route, &len)) {
        MUST(len > 0 && len < last && len < id->len);
        MUST(route + len == id->id + id->len);
        MUST(route[-1] == '.');
        MUST(svb_session_base_len(id, len) + 1 + len == id->len);
        last = len;
        ++n;
    }
    for (apr_size_t i = 0; i + 1 < id->len; i++) {
        dots += id->id[i] == '.' && id->len - i - 1 <= SVB_ROUTE_MAX;
    }
    MUST(n == dots);
    MUST(svb_session_base_len(id, id->len) == id->len);
}

static void check_id(const svb_session_id *id, const char *text,
                     const apr_array_header_t *names)
{
    MUST(id->id >= text && id->len <= strlen(id->id));
    MUST(is_name(names, id->name));
    check_routes(id);
}

static void check_list(const svb_session_ids *ids, const char *text,
                       const apr_array_header_t *names, int from_path)
{
    MUST(ids->n >= 0 && ids->n <= SVB_SESSION_IDS_MAX);
    for (int i = 0; i < ids->n; i++) {
        const svb_session_id *id = &ids->ids[i];

        check_id(id, text, names);
        MUST(id->len > 0);
        MUST(id->from_path == from_path);
        for (int j = 0; j < i; j++) {
            MUST(id->len != ids->ids[j].len
                 || memcmp(id->id, ids->ids[j].id, id->len));
        }
        if (from_path) {
            MUST(strcspn(id->id, ";/?#") >= id->len);
            MUST(id->id[-1] == '=');
        }
        else if (id->id[-1] != '"') {
            MUST(strcspn(id->id, ";,") >= id->len);
        }
    }
}

/* A whole cookie before or behind any text is found, unless the text opens a
 * quote or fills the list. */
static void check_cookie(apr_pool_t *p, const char *text,
                         const apr_array_header_t *names)
{
    svb_session_ids ids;
    const char *cookie;

    svb_session_from_cookie(&ids, text, names);
    check_list(&ids, text, names, 0);

    cookie = apr_pstrcat(p, "JSESSIONID=" FIRST ";", text, NULL);
    svb_session_from_cookie(&ids, cookie, names);
    check_list(&ids, cookie, names, 0);
    MUST(ids.n && equals(&ids.ids[0], FIRST));

    cookie = apr_pstrcat(p, text, ",s=\"" LAST "\"", NULL);
    svb_session_from_cookie(&ids, cookie, names);
    check_list(&ids, cookie, names, 0);
    if (!strchr(text, '"') && ids.n < SVB_SESSION_IDS_MAX) {
        int found = 0;

        for (int i = 0; i < ids.n; i++) {
            found += equals(&ids.ids[i], LAST);
        }
        MUST(found == 1);
    }
}

/* A cookie that is taken out is not there any more, and nothing is added. */
static void check_strip(apr_pool_t *p, const char *text)
{
    apr_array_header_t *s = apr_array_make(p, 1, sizeof(const char *));
    char *cookie = apr_pstrdup(p, text);
    svb_session_ids before, after;

    APR_ARRAY_PUSH(s, const char *) = "s";
    svb_session_from_cookie(&before, text, s);
    MUST(svb_session_strip(cookie, "s") >= (before.n > 0));
    MUST(strlen(cookie) <= strlen(text));
    svb_session_from_cookie(&after, cookie, s);
    /* What is left may have other quotes that belong together. */
    MUST(after.n == 0 || strchr(text, '"'));
}

static void check_path(apr_pool_t *p, const char *text,
                       const apr_array_header_t *names)
{
    svb_session_ids ids;
    const char *path;

    svb_session_from_cookie(&ids, NULL, names);
    svb_session_from_path(&ids, text, names);
    check_list(&ids, text, names, 1);

    path = apr_pstrcat(p, "/a;jsessionId=" FIRST "/", text, NULL);
    ids.n = 0;
    svb_session_from_path(&ids, path, names);
    check_list(&ids, path, names, 1);
    MUST(ids.n && equals(&ids.ids[0], FIRST));
}

#define NOW 1795341600
#define YEAR_2069 3124224000u

static void check_date(apr_pool_t *p, const char *date, uint32_t seconds,
                       const apr_array_header_t *names)
{
    const char *header = apr_pstrcat(p, "s=" FIRST ";Expires=", date, NULL);
    svb_session_id id;
    int expired = -1;

    MUST(svb_session_from_set_cookie(header, names, apr_time_from_sec(NOW), &id,
                                     &expired));
    MUST(expired == (seconds <= NOW));
}

/* The input's first bytes as a date, in the forms that nodes send. */
static void check_dates(apr_pool_t *p, const uint8_t *data, size_t size,
                        const apr_array_header_t *names)
{
    uint32_t seconds;
    apr_time_exp_t t;
    const char *month, *wday, *clock;
    int year;

    if (size < sizeof(seconds)) {
        return;
    }
    memcpy(&seconds, data, sizeof(seconds));
    seconds %= YEAR_2069;
    MUST(apr_time_exp_gmt(&t, apr_time_from_sec(seconds)) == APR_SUCCESS);
    wday = apr_day_snames[t.tm_wday];
    month = apr_month_snames[t.tm_mon];
    year = t.tm_year + 1900;
    clock = apr_psprintf(p, "%02d:%02d:%02d", t.tm_hour, t.tm_min, t.tm_sec);

    check_date(p,
               apr_psprintf(p, "%s, %02d %s %d %s GMT", wday, t.tm_mday, month,
                            year, clock),
               seconds, names);
    check_date(p,
               apr_psprintf(p, "%s, %02d-%s-%d %s GMT", wday, t.tm_mday, month,
                            year, clock),
               seconds, names);
    check_date(p,
               apr_psprintf(p, "%sday, %02d-%s-%02d %s GMT", wday, t.tm_mday,
                            month, year % 100, clock),
               seconds, names);
    check_date(
        p,
        apr_psprintf(p, "%s %s %2d %s %d", wday, month, t.tm_mday, clock, year),
        seconds, names);
    check_date(p, apr_psprintf(p, "%d %s %d %s", t.tm_mday, month, year, clock),
               seconds, names);
}

static void check_set_cookie(apr_pool_t *p, const char *text,
                             const apr_array_header_t *names)
{
    apr_time_t now = apr_time_from_sec(NOW);
    const char *header;
    svb_session_id id;
    int expired = -1;

    if (svb_session_from_set_cookie(text, names, now, &id, &expired)) {
        check_id(&id, text, names);
        MUST(expired == 0 || expired == 1);
        MUST(id.len || expired);
    }
    /* as attributes of a cookie; the last Max-Age counts */
    header = apr_pstrcat(p, "s=" FIRST ";", text, NULL);
    MUST(svb_session_from_set_cookie(header, names, now, &id, &expired));
    MUST(equals(&id, FIRST));
    header = apr_pstrcat(p, header, ";Max-Age=7", NULL);
    MUST(svb_session_from_set_cookie(header, names, now, &id, &expired));
    MUST(!expired || strchr(text, '"'));
    /* as a date */
    header = apr_pstrcat(p, "s=" FIRST ";Expires=", text, NULL);
    MUST(svb_session_from_set_cookie(header, names, now, &id, &expired));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_array_header_t *names;
    apr_pool_t *p;
    char *text;

    apr_pool_create(&p, root_pool());
    names = apr_array_make(p, 2, sizeof(const char *));
    APR_ARRAY_PUSH(names, const char *) = "JSESSIONID";
    APR_ARRAY_PUSH(names, const char *) = "s";
    text = input_text(data, size);

    check_cookie(p, text, names);
    check_strip(p, text);
    check_path(p, text, names);
    check_set_cookie(p, text, names);
    check_dates(p, data, size, names);

    free(text);
    apr_pool_destroy(p);
    return 0;
}
