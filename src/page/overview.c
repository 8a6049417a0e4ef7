/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/overview.h"

#include <string.h>

#include <apr_strings.h>

#include "page/fronts.h"
#include "page/note.h"
#include "page/rows.h"
#include "page/spark.h"
#include "page/unfolded.h"
#include "report/phrase.h"
#include "report/verdict.h"

#define U64 "%" APR_UINT64_T_FMT

/* Cards that stand on the page; of more it says the number. */
#define CARDS 8

/* What the items of the page's lists are made from. */
typedef struct overview {
    const svb_snapshot *snap;
    const svb_place *place;
    const svb_verdict *verdict;
} overview;

static const char *things(apr_pool_t *p, apr_uint64_t n, const char *one,
                          const char *many)
{
    return apr_psprintf(p, U64 " %s", n, n == 1 ? one : many);
}

/* --------------------------------------------------------------------- head */

static const char *age(apr_pool_t *p, apr_interval_time_t t)
{
    apr_int64_t s = t > 0 ? apr_time_sec(t) : 0;

    return s >= 2 * 86400  ? apr_psprintf(p, "%d d", (int)(s / 86400))
           : s >= 2 * 3600 ? apr_psprintf(p, "%d h", (int)(s / 3600))
           : s >= 120      ? apr_psprintf(p, "%d min", (int)(s / 60))
                           : apr_psprintf(p, "%d s", (int)s);
}

static const char *sign_of(svb_severity severity)
{
    return severity == SVB_SEVERITY_BAD    ? "\xe2\x96\xb2 "
           : severity == SVB_SEVERITY_WARN ? "! "
                                           : "\xe2\x9c\x93 ";
}

static const char *icon_of(svb_severity severity)
{
    return severity == SVB_SEVERITY_BAD    ? "b8231b"
           : severity == SVB_SEVERITY_WARN ? "c98a00"
                                           : "2e8b57";
}

void svb_overview_head(svb_view *v, const svb_snapshot *snap,
                       const svb_place *place)
{
    apr_pool_t *p = svb_view_pool(v);
    const svb_verdict *verdict = svb_verdict_of(p, snap);
    const char *front =
        snap->front_end && *snap->front_end ? snap->front_end : "";

    svb_view_text(v, "title",
                  apr_pstrcat(p, verdict->title,
                              *verdict->title ? " \xc2\xb7 " : "", snap->server,
                              *front ? " at " : "", front, NULL));
    svb_view_text(v, "judged_all", svb_state_severity_name(verdict->severity));
    svb_view_text(v, "server", snap->server);
    svb_view_text(v, "front", front);
    svb_view_text(v, "one_fleet",
                  snap->fleets->nelts == 1
                      ? APR_ARRAY_IDX(snap->fleets, 0, svb_snap_fleet *)->name
                      : "");
    svb_view_text(v, "up", age(p, snap->time - snap->started));
    svb_view_text(v, "module", snap->module);
    svb_view_time(v, "time", snap->time);
    svb_view_text(v, "keep", svb_place_keep(p, place, NULL));
    svb_view_text(v, "nonce", snap->actions ? snap->nonce : "");
    svb_view_text(v, "icon", icon_of(verdict->severity));
    svb_view_text(v, "all_sign", sign_of(verdict->severity));
    svb_view_text(v, "headline", verdict->headline);
    svb_view_text(v, "rest", verdict->rest);
}

/* ----------------------------------------------------------------- troubles */

static void fill_trouble(svb_view *v, const void *baton, int at)
{
    const overview *o = baton;
    const svb_trouble *t =
        &APR_ARRAY_IDX(o->verdict->troubles, at, svb_trouble);
    const svb_snap_fleet *fleet = svb_snapshot_fleet(o->snap, t->fleet);
    apr_pool_t *p = svb_view_pool(v);

    svb_view_text(v, "trouble_is", svb_state_severity_name(t->severity));
    svb_view_text(v, "key",
                  apr_pstrcat(p, svb_trouble_name(t->kind), " ", t->fleet, "/",
                              *t->node ? t->node : t->what, NULL));
    svb_view_text(v, "of_node", t->node);
    svb_view_text(
        v, "of_id",
        fleet ? svb_view_url(
            p, svb_rows_id(p, o->snap->fleets->nelts > 1, t->fleet, t->node))
              : "");
    svb_view_text(v, "of_fleet", o->snap->fleets->nelts > 1 ? t->fleet : "");
    svb_view_text(v, "what", t->what);
    svb_view_time(v, "trouble_since", t->since);
    svb_view_text(v, "effect", t->effect);
    svb_view_text(v, "next", t->next);
    svb_view_time(v, "next_at", t->next_at > o->snap->time ? t->next_at : 0);
    svb_view_text(v, "todo", t->todo);
}

static void add_troubles(svb_view *v, const overview *o)
{
    int n = o->verdict->troubles->nelts;

    svb_view_list(v, "troubles", n > CARDS ? CARDS : n, fill_trouble, o);
    svb_view_text(v, "more_troubles",
                  n > CARDS
                      ? things(svb_view_pool(v), (apr_uint64_t)(n - CARDS),
                               "more trouble", "more troubles")
                      : "");
}

/* ------------------------------------------------------------------- fleets */

static const char *users_in_detail(apr_pool_t *p, const svb_snap_totals *t)
{
    return apr_pstrcat(
        p, apr_psprintf(p, U64 " web", t->web),
        t->windowed > 0 ? apr_psprintf(p, " (" U64 " windowed)", t->windowed)
                        : "",
        t->smart > 0 ? apr_psprintf(p, ", about " U64 " smart", t->smart) : "",
        NULL);
}

/* To one digit below ten. */
static const char *rate(apr_pool_t *p, double per_min)
{
    int tenths = (int)(per_min * 10 + 0.5);

    return tenths % 10 && tenths < 100
               ? apr_psprintf(p, "%d.%d", tenths / 10, tenths % 10)
               : apr_psprintf(p, "%d", (tenths + 5) / 10);
}

static void add_tiles(svb_view *v, const svb_snap_fleet *fleet,
                      const svb_snap_totals *t)
{
    apr_pool_t *p = svb_view_pool(v);
    const svb_snap_recent *recent = &fleet->recent;

    svb_view_text(v, "all_users",
                  things(p, t->web + t->smart, "user", "users"));
    svb_view_text(v, "all_users_are", users_in_detail(p, t));
    svb_view_text(v, "new_rate", rate(p, recent->new_per_min));
    svb_view_text(v, "new_before",
                  recent->new_hour_ago >= 0 ? rate(p, recent->new_hour_ago)
                                            : "");
    svb_view_uint(v, "refused", recent->refused);
    svb_view_text(v, "any_refused", recent->refused > 0 ? "high" : "");
    svb_view_uint(v, "moved", recent->moved);
    svb_view_uint(v, "all_in_flight", t->in_flight);
}

static void fill_sort(svb_view *v, const void *baton, int at)
{
    const svb_place *place = baton;
    svb_place there = *place;
    apr_pool_t *p = svb_view_pool(v);

    there.sort = (svb_place_sort)at;
    svb_view_text(v, "sort", svb_place_sort_name(there.sort));
    svb_view_text(v, "sort_keep",
                  apr_pstrcat(p, "?", svb_place_keep(p, &there, NULL), NULL));
    svb_view_text(v, "is_sorted", place->sort == there.sort ? "true" : "false");
}

static void add_tools(svb_view *v, const svb_place *place)
{
    svb_place there = *place;
    apr_pool_t *p = svb_view_pool(v);

    there.only_trouble = !place->only_trouble;
    svb_view_list(v, "sorts", SVB_SORTS, fill_sort, place);
    svb_view_text(v, "other_keep",
                  apr_pstrcat(p, "?", svb_place_keep(p, &there, NULL), NULL));
    svb_view_text(v, "only",
                  place->only_trouble ? "all nodes" : "only trouble");
}

static void fill_fleet(svb_view *v, const void *baton, int at)
{
    const overview *o = baton;
    const svb_snap_fleet *fleet =
        APR_ARRAY_IDX(o->snap->fleets, at, svb_snap_fleet *);
    apr_pool_t *p = svb_view_pool(v);
    svb_rows_table *table = svb_rows_make(p, o->snap, fleet, o->place);
    svb_snap_totals t;

    svb_snap_fleet_totals(fleet, &t);
    svb_view_text(v, "fleet", fleet->name);
    svb_view_text(v, "fleet_url", svb_view_url(p, fleet->name));
    svb_view_text(v, "fleet_title",
                  o->snap->fleets->nelts > 1 ? fleet->name : "");
    add_tiles(v, fleet, &t);
    if (!o->place->no_history) {
        svb_spark *spark = apr_palloc(p, sizeof(*spark));

        svb_spark_of_fleet(spark, fleet);
        svb_spark_show(v, spark);
    }
    svb_view_text(v, "nodes",
                  t.nodes ? things(p, t.nodes, "node", "nodes") : "");
    svb_view_text(v, "states", svb_phrase_states(p, &t));
    svb_view_text(
        v, "sorted_by",
        o->place->sort == SVB_SORT_TROUBLE
            ? "trouble first"
            : apr_pstrcat(p, "by ", svb_place_sort_name(o->place->sort), NULL));
    svb_view_list(v, "rows", table->nodes->nelts, svb_rows_fill, table);
}

/* -------------------------------------------------------------------- whole */

static void add_events(svb_view *v, const svb_snapshot *snap)
{
    int n = snap->events->nelts;
    const svb_snap_event **all =
        apr_palloc(svb_view_pool(v), ((apr_size_t)n + 1) * sizeof(*all));

    for (int i = 0; i < n; i++) {
        all[i] = &APR_ARRAY_IDX(snap->events, i, svb_snap_event);
    }
    svb_view_list(v, "events", n, svb_unfolded_event, all);
}

void svb_overview_add(svb_view *v, const svb_snapshot *snap,
                      const svb_place *place)
{
    apr_pool_t *p = svb_view_pool(v);
    overview *o = apr_palloc(p, sizeof(*o));

    *o = (overview){snap, place, svb_verdict_of(p, snap)};
    svb_note_add(v, snap, place);
    add_troubles(v, o);
    add_tools(v, place);
    svb_view_text(v, "no_fleet", snap->fleets->nelts == 0 ? "1" : "");
    svb_view_list(v, "fleets", snap->fleets->nelts, fill_fleet, o);
    svb_fronts_add(v, snap);
    add_events(v, snap);
    svb_view_text(v, "zone", "UTC");
    svb_view_text(v, "table",
                  apr_psprintf(p, U64 " of " U64, snap->table.clients,
                               snap->table.capacity));
}
