/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/front.h"

#include <string.h>

#include <apr_strings.h>

#include "share/batch.h"

/* ----------------------------------------------------------------------- places */

svb_front *svb_front_find(svb_front fronts[SVB_FRONTS_MAX], const char *name)
{
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        if (fronts[i].used && strcmp(fronts[i].name, name) == 0) {
            return &fronts[i];
        }
    }
    return NULL;
}

/* Whoever looks at it just now may see a mixture of two, once. */
static void give_back(svb_front *front)
{
    front->used = 0;
    memset(front, 0, sizeof(*front));
}

static svb_front *free_place(svb_front fronts[SVB_FRONTS_MAX])
{
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        if (!fronts[i].used) {
            return &fronts[i];
        }
    }
    return NULL;
}

static svb_front *longest_gone(svb_front fronts[SVB_FRONTS_MAX],
                               apr_uint64_t now)
{
    svb_front *first = NULL;

    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        if (svb_front_is(&fronts[i], now) == SVB_FRONT_GONE
            && (!first || fronts[i].beat < first->beat)) {
            first = &fronts[i];
        }
    }
    return first;
}

static int is_over(apr_uint64_t beat, apr_uint64_t now, apr_uint64_t limit)
{
    return beat + limit < now;
}

static svb_front *add(svb_front fronts[SVB_FRONTS_MAX], const char *name,
                      int is_alive, apr_uint64_t now)
{
    svb_front *front = free_place(fronts);

    if (!front && is_alive) {
        front = longest_gone(fronts, now);
    }
    if (front) {
        give_back(front);
        apr_cpystrn(front->name, name, sizeof(front->name));
        front->used = 1;
    }
    return front;
}

void svb_front_give_back(svb_front fronts[SVB_FRONTS_MAX], apr_uint64_t now)
{
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        if (fronts[i].used
            && is_over(fronts[i].beat, now, SVB_FRONT_FORGOTTEN_MS)) {
            give_back(&fronts[i]);
        }
    }
}

/* --------------------------------------------------------------- what it says */

svb_front *svb_front_beat(svb_front fronts[SVB_FRONTS_MAX], const char *name,
                          const svb_heartbeat *beat, apr_uint64_t now)
{
    svb_front *front = svb_front_find(fronts, name);

    if (!front) {
        front = add(fronts, name, !is_over(beat->time, now, SVB_FRONT_GONE_MS),
                    now);
    }
    if (!front || beat->time < front->beat) {
        return front;
    }
    front->beat = beat->time;
    front->beat_boot = beat->boot;
    front->clients = beat->clients;
    front->elections = beat->elections;
    front->lag = beat->lag;
    front->least = beat->least;
    front->most = beat->most;
    apr_cpystrn(front->version, beat->version, sizeof(front->version));
    return front;
}

int svb_front_speaks(const svb_front *front)
{
    return front->least <= SVB_BATCH_FORMAT
           && front->most >= SVB_BATCH_FORMAT_LEAST;
}

svb_front_state svb_front_is(const svb_front *front, apr_uint64_t now)
{
    return !front->beat || is_over(front->beat, now, SVB_FRONT_GONE_MS)
               ? SVB_FRONT_GONE
           : !svb_front_speaks(front) ? SVB_FRONT_INCOMPATIBLE
           : is_over(front->beat, now, SVB_FRONT_LAGS_MS) ? SVB_FRONT_LAGGING
                                                          : SVB_FRONT_HERE;
}

int svb_front_is_with_us(const svb_front *front, apr_uint64_t now)
{
    svb_front_state is = svb_front_is(front, now);

    return front->used && (is == SVB_FRONT_HERE || is == SVB_FRONT_LAGGING);
}

/* ------------------------------------------------------------------ all together */

static int all_read(const svb_front fronts[SVB_FRONTS_MAX], unsigned format,
                    apr_uint64_t now)
{
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        if (svb_front_is_with_us(&fronts[i], now)
            && (fronts[i].least > format || fronts[i].most < format)) {
            return 0;
        }
    }
    return 1;
}

unsigned svb_front_format(const svb_front fronts[SVB_FRONTS_MAX],
                          apr_uint64_t now)
{
    unsigned format = SVB_BATCH_FORMAT;

    while (format > SVB_BATCH_FORMAT_LEAST && !all_read(fronts, format, now)) {
        format--;
    }
    return format;
}

void svb_front_elections(const svb_front fronts[SVB_FRONTS_MAX],
                         const char *own, svb_expect *expect, apr_uint64_t now)
{
    apr_uint32_t others = 0, before = 0;
    int n = 0;

    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        if (svb_front_is_with_us(&fronts[i], now)) {
            n++;
            others += fronts[i].elections;
            before += strcmp(fronts[i].name, own) < 0 ? fronts[i].elections : 0;
        }
    }
    expect->others = others;
    expect->before = before;
    expect->front_ends = n;
}
