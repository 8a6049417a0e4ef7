/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/missing.h"

#include <string.h>

#include "share/batch.h"

/* -------------------------------------------------------------------- batches */

static svb_missing some(svb_front *front)
{
    front->walk = SVB_WALK_WANTED;
    return SVB_MISSING_SOME;
}

static svb_missing take_boot(svb_front *front, apr_uint64_t boot,
                             apr_uint64_t number, int is_new)
{
    front->boot = boot;
    front->number = number;
    return number != 1 && !is_new ? some(front) : SVB_MISSING_NOTHING;
}

svb_missing svb_missing_before(svb_front *front, apr_uint64_t boot,
                               apr_uint64_t number, int is_new)
{
    apr_uint64_t last = front->number;

    if (boot > front->boot
        || (boot < front->boot && boot == front->beat_boot)) {
        return take_boot(front, boot, number, is_new);
    }
    if (boot < front->boot || number <= last) {
        return SVB_MISSING_PASSED;
    }
    front->number = number;
    return number != last + 1 ? some(front) : SVB_MISSING_NOTHING;
}

int svb_missing_beat(svb_front *front, const svb_heartbeat *beat)
{
    if (beat->boot >= front->boot || beat->time <= front->beat) {
        return 0;
    }
    front->boot = beat->boot;
    front->number = beat->number;
    (void)some(front);
    return 1;
}

int svb_missing_log(svb_front *front, apr_uint64_t ms, apr_uint64_t seq)
{
    if (ms > front->id_ms || (ms == front->id_ms && seq >= front->id_seq)) {
        return 0;
    }
    front->id_ms = front->id_seq = 0;
    (void)some(front);
    return 1;
}

/* ---------------------------------------------------------------------- walks */

void svb_missing_walks(svb_front *front, unsigned flags, apr_time_t now)
{
    if (!(flags & SVB_BATCH_WALK)) {
        return;
    }
    if ((flags & SVB_BATCH_BEGIN) && front->walk != SVB_WALK_NONE) {
        front->walk = SVB_WALK_UNDER_WAY;
    }
    front->walk_at = now;
    if ((flags & SVB_BATCH_END) && front->walk == SVB_WALK_UNDER_WAY) {
        front->walk = SVB_WALK_NONE;
    }
}

int svb_missing_ask_again(svb_front *front, apr_time_t now, apr_uint64_t time)
{
    if (!front->used || front->walk == SVB_WALK_NONE) {
        return 0;
    }
    if (!svb_front_is_with_us(front, time)) {
        front->walk = SVB_WALK_NONE;
        return 1;
    }
    if (front->walk != SVB_WALK_WANTED
        && (now < front->walk_at || now - front->walk_at > SVB_WALK_PATIENCE)) {
        front->walk = SVB_WALK_WANTED;
    }
    return 0;
}

int svb_missing_introduce(svb_front fronts[SVB_FRONTS_MAX], int newcomer,
                          apr_uint64_t time)
{
    svb_front *first = NULL;

    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        svb_front *front = &fronts[i];

        if (front->used && svb_front_is(front, time) == SVB_FRONT_HERE) {
            if (front->walk != SVB_WALK_NONE) {
                return newcomer;
            }
            first =
                !first || strcmp(front->name, first->name) < 0 ? front : first;
        }
    }
    if (first && newcomer == 1) {
        first->walk = SVB_WALK_WANTED;
        return 2;
    }
    return 0;
}

/* ------------------------------------------------------------------ repetition */

int svb_gaps_repeat(svb_gaps *gaps, apr_uint64_t all, int settled,
                    apr_time_t now)
{
    int is_new = all != gaps->seen;
    apr_interval_time_t since = now - gaps->last;

    gaps->seen = all;
    if (!settled) {
        gaps->times = 0;
        return 0;
    }
    if (!is_new) {
        return 0;
    }
    if (since < 0 || since > SVB_GAPS_OVER) {
        gaps->times = 0;
    }
    if (gaps->times == 0 || since >= SVB_GAPS_ONE) {
        gaps->times++;
        gaps->last = now;
    }
    if (gaps->times < SVB_GAPS_MANY
        || (now >= gaps->told && now - gaps->told < SVB_GAPS_TELL)) {
        return 0;
    }
    gaps->told = now;
    return 1;
}
