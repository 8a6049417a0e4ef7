/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/page_fronts.h"

#include <string.h>

#define put(s, ...) svb_sink_fill((s), svb_sink_html, __VA_ARGS__)

static void put_lost(svb_sink *s, const svb_snap_store *store)
{
    put(s,
        "<p class=\"warn\" role=\"alert\"><b>The shared store %s is lost</b>: "
        "counts are those of ",
        store->url);
    if (store->known) {
        svb_sink_time(s, store->known);
    }
    else {
        svb_sink_raw(s, "this front end alone");
    }
    svb_sink_raw(s, "; no node is safe to stop. What is done here is done at "
                    "the other front ends when it is back.</p>\n");
}

static void put_bad(svb_sink *s, const apr_array_header_t *fronts)
{
    for (int i = 0; i < fronts->nelts; i++) {
        const svb_snap_front *front = &APR_ARRAY_IDX(fronts, i, svb_snap_front);

        if (strcmp(front->state, "here") != 0) {
            put(s, "; <b>%s is %s</b>", front->name, front->state);
        }
    }
}

/* How far behind the one is that lags most, in tenths of a second. */
static apr_uint64_t worst_lag(const apr_array_header_t *fronts)
{
    apr_uint64_t worst = 0;

    for (int i = 0; i < fronts->nelts; i++) {
        const svb_snap_front *front = &APR_ARRAY_IDX(fronts, i, svb_snap_front);

        worst = front->lag_ms > worst && strcmp(front->state, "gone") != 0
                    ? front->lag_ms
                    : worst;
    }
    return worst / 100 + 1;
}

/* "3 front ends, all within 0.3 s" */
static void put_line(svb_sink *s, const svb_snapshot *snap)
{
    svb_sink_raw(s, "<p class=\"dim\">");
    svb_sink_count(s, (apr_uint64_t)snap->fronts->nelts, "front end",
                   "front ends");
    svb_sink_raw(s, ", all within ");
    svb_sink_double(s, (double)worst_lag(snap->fronts) / 10);
    put(s, " s; this is <b>%s</b>",
        APR_ARRAY_IDX(snap->fronts, 0, svb_snap_front).name);
    put_bad(s, snap->fronts);
    svb_sink_raw(s, ". Actions are done at all front ends, reset "
                    "here.</p>\n");
}

void svb_page_fronts(svb_sink *s, const svb_snapshot *snap)
{
    if (!snap->store.url || snap->fronts->nelts == 0) {
        return;
    }
    if (strcmp(snap->store.state, "connected") == 0) {
        put_line(s, snap);
    }
    else {
        put_lost(s, &snap->store);
    }
}
