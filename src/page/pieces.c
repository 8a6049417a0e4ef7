/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/pieces.h"

#include <string.h>

#include <apr_strings.h>

#include "page/page.html.inc"

/* How deep pieces and sections may stand within one another. */
#define DEEPEST 16

/* A time that is not of about today has its date as well. */
#define ABOUT_TODAY apr_time_from_sec(20 * 3600)

static const char begin[] = "<!-- piece ";
static const char end[] = " -->\n";

const char svb_pieces_all[] = EMBED_PAGE_HTML;

/* A stretch of the file. */
typedef struct stretch {
    const char *at, *end;
} stretch;

static const char *find(stretch in, const char *what)
{
    apr_size_t len = strlen(what);

    for (const char *at = in.at; in.end - at >= (apr_ssize_t)len; at++) {
        at = memchr(at, *what, (apr_size_t)(in.end - at));
        if (!at || in.end - at < (apr_ssize_t)len) {
            return NULL;
        }
        if (!memcmp(at, what, len)) {
            return at;
        }
    }
    return NULL;
}

static stretch piece_named(const char *name, apr_size_t len)
{
    stretch none = {svb_pieces_all, svb_pieces_all};
    const char *at = svb_pieces_all;

    while ((at = strstr(at, begin)) != NULL) {
        at += sizeof(begin) - 1;
        if (!strncmp(at, name, len)
            && !strncmp(at + len, end, sizeof(end) - 1)) {
            const char *from = at + len + sizeof(end) - 1;
            const char *next = strstr(from, begin);

            return (stretch){from, next ? next : from + strlen(from)};
        }
    }
    return none;
}

/* ------------------------------------------------------------------- gaps */

/* "2026-11-22 10:00:00 UTC" and, between the tags, something shorter */
static void put_time(svb_sink *s, apr_time_t t, apr_time_t now, int as_age)
{
    static const char format[] = "%d %b %H:%M";
    apr_time_exp_t e;
    char full[32], shown[32];
    apr_size_t len;

    if (t <= 0 || apr_time_exp_gmt(&e, t) != APR_SUCCESS) {
        return;
    }
    apr_strftime(full, &len, sizeof(full), "%Y-%m-%d %H:%M:%S UTC", &e);
    svb_sink_raw(s, "<time datetime=\"");
    svb_sink_time(s, t);
    svb_sink_fill(s, svb_sink_html, "\" title=\"%s\">", full);
    if (as_age) {
        svb_sink_duration(s, now - t);
    }
    else {
        apr_strftime(shown, &len, sizeof(shown),
                     (t > now ? t - now : now - t) < ABOUT_TODAY ? "%H:%M:%S"
                                                                 : format,
                     &e);
        svb_sink_html(s, shown);
    }
    svb_sink_raw(s, "</time>");
}

static int is_there(const svb_view_entry *entry)
{
    return entry
           && (entry->kind == SVB_VIEW_TEXT   ? *entry->text != '\0'
               : entry->kind == SVB_VIEW_TIME ? entry->time > 0
                                              : entry->n > 0);
}

/* What is written into: a stretch, of so many levels. */
typedef struct writer {
    svb_sink *s;
    stretch part;
    int depth;
} writer;

static void fill(const writer *w, const svb_view *v);

static void fill_item(const svb_view *item, void *baton, int at)
{
    (void)at;
    fill(baton, item);
}

/* @return where the section ends, with its closing tag */
static const char *fill_section(const writer *w, const svb_view *v,
                                const char *name, apr_size_t len, int wanted,
                                const char *from)
{
    char closing[64];
    const svb_view_entry *entry = svb_view_find(v, name, len);
    const char *to;
    writer inner = {w->s, {from, w->part.end}, w->depth + 1};

    apr_snprintf(closing, sizeof(closing), "{{/%.*s}}", (int)len, name);
    to = find(inner.part, closing);
    if (!to) {
        return w->part.end;
    }
    inner.part.end = to;
    if (wanted && is_there(entry) && entry->kind == SVB_VIEW_LIST) {
        svb_view_each(v, entry, fill_item, &inner);
    }
    else if (is_there(entry) == wanted) {
        fill(&inner, v);
    }
    return to + strlen(closing);
}

static void fill_gap(const writer *w, const svb_view *v, const char *name,
                     apr_size_t len)
{
    writer inner = {w->s, {NULL, NULL}, w->depth + 1};
    const svb_view_entry *entry;

    if (*name == '>') {
        inner.part = piece_named(name + 1, len - 1);
        fill(&inner, v);
        return;
    }
    if (*name == '@' || *name == '~') {
        entry = svb_view_find(v, name + 1, len - 1);
        put_time(w->s, entry ? entry->time : 0, svb_view_now(v), *name == '~');
        return;
    }
    entry = svb_view_find(v, name, len);
    if (entry && entry->kind == SVB_VIEW_TEXT) {
        svb_sink_html(w->s, entry->text);
    }
}

static void fill(const writer *w, const svb_view *v)
{
    stretch left = w->part;

    while (left.at < left.end && w->depth < DEEPEST) {
        const char *gap = find(left, "{{"), *close;

        if (!gap) {
            break;
        }
        svb_sink_literal(w->s, left.at, (apr_size_t)(gap - left.at));
        left.at = gap + 2;
        close = find(left, "}}");
        if (!close) {
            return;
        }
        if (*left.at == '#' || *left.at == '^') {
            left.at = fill_section(w, v, left.at + 1,
                                   (apr_size_t)(close - left.at - 1),
                                   *left.at == '#', close + 2);
        }
        else {
            fill_gap(w, v, left.at, (apr_size_t)(close - left.at));
            left.at = close + 2;
        }
    }
    svb_sink_literal(w->s, left.at, (apr_size_t)(left.end - left.at));
}

void svb_pieces_fill(svb_sink *s, const char *piece, const svb_view *v)
{
    writer w = {s, piece_named(piece, strlen(piece)), 0};

    fill(&w, v);
}

void svb_pieces_raw(svb_sink *s, const char *first)
{
    char header[64];
    const char *at;

    apr_snprintf(header, sizeof(header), "%s%s%s", begin, first, end);
    at = strstr(svb_pieces_all, header);
    svb_sink_json(s, at ? at : "");
}
