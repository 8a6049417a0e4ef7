/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/fronts.h"

#include <string.h>

#include <apr_strings.h>

static const svb_snap_front *front_at(const svb_snapshot *snap, int i)
{
    return &APR_ARRAY_IDX(snap->fronts, i, svb_snap_front);
}

static int is_lost(const svb_snapshot *snap)
{
    return strcmp(snap->store.state, "connected") != 0;
}

/* How far behind the one is that lags most, in tenths of a second. */
static int worst_lag(const svb_snapshot *snap)
{
    apr_uint64_t worst = 0;

    for (int i = 0; i < snap->fronts->nelts; i++) {
        const svb_snap_front *front = front_at(snap, i);

        if (front->lag_ms > worst && strcmp(front->state, "gone") != 0) {
            worst = front->lag_ms;
        }
    }
    return (int)(worst / 100) + 1;
}

static void fill_front(svb_view *v, const void *baton, int at)
{
    const svb_snap_front *front = front_at(baton, at);

    svb_view_text(v, "other", front->self ? "" : front->name);
    svb_view_text(v, "other_is",
                  strcmp(front->state, "here") != 0 ? front->state : "");
}

void svb_fronts_add(svb_view *v, const svb_snapshot *snap)
{
    apr_pool_t *p = svb_view_pool(v);
    int n = snap->fronts->nelts;

    if (!snap->store.url || n == 0) {
        return;
    }
    svb_view_text(v, "fronts",
                  apr_psprintf(p, "%d front end%s", n, n == 1 ? "" : "s"));
    svb_view_text(v, "self", front_at(snap, 0)->name);
    svb_view_text(v, "store_lost", is_lost(snap) ? snap->store.url : "");
    svb_view_time(v, "store_known", is_lost(snap) ? snap->store.known : 0);
    svb_view_text(v, "lag",
                  is_lost(snap) ? ""
                                : apr_psprintf(p, "%d.%d", worst_lag(snap) / 10,
                                               worst_lag(snap) % 10));
    svb_view_list(v, "others", n, fill_front, snap);
}
