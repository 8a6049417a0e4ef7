/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/view.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>

struct svb_view {
    apr_pool_t *p;
    apr_time_t now;
    const svb_view *parent;
    apr_array_header_t *entries; /* of svb_view_entry */
};

svb_view *svb_view_make(apr_pool_t *p, apr_time_t now)
{
    svb_view *v = apr_pcalloc(p, sizeof(*v));

    v->p = p;
    v->now = now;
    v->entries = apr_array_make(p, 16, sizeof(svb_view_entry));
    return v;
}

apr_pool_t *svb_view_pool(const svb_view *v)
{
    return v->p;
}

apr_time_t svb_view_now(const svb_view *v)
{
    return v->now;
}

static void set(svb_view *v, svb_view_entry entry)
{
    APR_ARRAY_PUSH(v->entries, svb_view_entry) = entry;
}

void svb_view_text(svb_view *v, const char *name, const char *text)
{
    set(v, (svb_view_entry){
               .name = name, .kind = SVB_VIEW_TEXT, .text = text ? text : ""});
}

void svb_view_uint(svb_view *v, const char *name, apr_uint64_t n)
{
    svb_view_text(v, name, apr_psprintf(v->p, "%" APR_UINT64_T_FMT, n));
}

void svb_view_time(svb_view *v, const char *name, apr_time_t t)
{
    set(v, (svb_view_entry){.name = name, .kind = SVB_VIEW_TIME, .time = t});
}

void svb_view_list(svb_view *v, const char *name, int n, svb_view_fill_fn *fill,
                   const void *baton)
{
    set(v, (svb_view_entry){.name = name,
                            .kind = SVB_VIEW_LIST,
                            .n = n,
                            .fill = fill,
                            .baton = baton});
}

static const svb_view_entry *entry_at(const svb_view *v, int i)
{
    return &APR_ARRAY_IDX(v->entries, i, svb_view_entry);
}

const svb_view_entry *svb_view_find(const svb_view *v, const char *name,
                                    apr_size_t len)
{
    for (; v; v = v->parent) {
        for (int i = 0; i < v->entries->nelts; i++) {
            const svb_view_entry *entry = entry_at(v, i);

            if (!strncmp(entry->name, name, len) && !entry->name[len]) {
                return entry;
            }
        }
    }
    return NULL;
}

void svb_view_each(const svb_view *v, const svb_view_entry *list,
                   svb_view_item_fn *with, void *baton)
{
    apr_pool_t *p;

    if (list->n <= 0 || apr_pool_create(&p, v->p) != APR_SUCCESS) {
        return;
    }
    for (int i = 0; i < list->n; i++) {
        svb_view *item = svb_view_make(p, v->now);

        item->parent = v;
        list->fill(item, list->baton, i);
        with(item, baton, i);
        apr_pool_clear(p);
    }
    apr_pool_destroy(p);
}

/* ------------------------------------------------------------------- JSON */

static void put_item(const svb_view *item, void *baton, int at)
{
    svb_sink *s = baton;

    if (at > 0) {
        svb_sink_raw(s, ",\n");
    }
    svb_view_json(s, item);
}

void svb_view_json(svb_sink *s, const svb_view *v)
{
    svb_sink_raw(s, "{");
    for (int i = 0; i < v->entries->nelts; i++) {
        const svb_view_entry *entry = entry_at(v, i);

        if (i > 0) {
            svb_sink_raw(s, ",");
        }
        svb_sink_json(s, entry->name);
        svb_sink_raw(s, ":");
        switch (entry->kind) {
        case SVB_VIEW_TEXT:
            svb_sink_json(s, entry->text);
            break;
        case SVB_VIEW_TIME:
            svb_sink_int(s, apr_time_sec(entry->time));
            break;
        case SVB_VIEW_LIST:
            svb_sink_raw(s, "[");
            svb_view_each(v, entry, put_item, s);
            svb_sink_raw(s, "]");
            break;
        }
    }
    svb_sink_raw(s, "}");
}

const char *svb_view_url(apr_pool_t *p, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    apr_size_t len = text ? strlen(text) : 0;
    char *url = apr_palloc(p, 3 * len + 1), *at = url;

    for (apr_size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x80 && (apr_isalnum(c) || strchr("-_.~", c))) {
            *at++ = (char)c;
        }
        else {
            *at++ = '%';
            *at++ = digits[c >> 4];
            *at++ = digits[c & 15];
        }
    }
    *at = '\0';
    return url;
}

const char *svb_view_fraction(apr_pool_t *p, double fraction)
{
    char *text = apr_psprintf(p, "%.2f", fraction);
    char *end = text + strlen(text) - 1;

    while (*end == '0') {
        *end-- = '\0';
    }
    if (*end == '.') {
        *end = '\0';
    }
    return text;
}
