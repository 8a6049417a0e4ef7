/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/events.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <apr_strings.h>

#include "memory/sealed.h"

#define CACHE_LINE 64

#define WORDS (sizeof(svb_event) / sizeof(apr_uint64_t))

_Static_assert(sizeof(svb_event) % sizeof(apr_uint64_t) == 0, "whole words");

/* Sealed with its number: those who were overtaken by a whole round are told. */
typedef _Atomic apr_uint64_t place[1 + WORDS];

typedef struct {
    _Atomic uint64_t taken __attribute__((aligned(CACHE_LINE)));
    _Atomic uint64_t to_state[SVB_EVENTS_STATES];
    place places[SVB_EVENTS_MAX];
} ring;

struct svb_events {
    ring *shm;
};

apr_size_t svb_events_size(void)
{
    return sizeof(ring);
}

apr_status_t svb_events_open(svb_events **events, void *mem, apr_pool_t *p)
{
    *events = apr_palloc(p, sizeof(**events));
    (*events)->shm = mem;
    return APR_SUCCESS;
}

void svb_events_add(svb_events *events, const svb_event *event)
{
    uint64_t number = atomic_fetch_add(&events->shm->taken, 1) + 1;
    apr_uint64_t words[WORDS];

    memcpy(words, event, sizeof(*event));
    svb_sealed_write(events->shm->places[number % SVB_EVENTS_MAX], words, WORDS,
                     number);
    if (event->kind == SVB_EVENT_STATE && event->to >= 0
        && event->to < SVB_EVENTS_STATES) {
        atomic_fetch_add(&events->shm->to_state[event->to], 1);
    }
}

apr_uint64_t svb_events_to_state(svb_events *events, int state)
{
    return atomic_load(&events->shm->to_state[state]);
}

static int copy_out(const place at, uint64_t number, svb_event *event)
{
    apr_uint64_t words[WORDS];

    if (!svb_sealed_read(at, words, WORDS, number)) {
        return 0;
    }
    memcpy(event, words, sizeof(*event));
    event->fleet[SVB_NAME_MAX] = event->route[SVB_NAME_MAX] = '\0';
    event->reason[SVB_REASON_MAX] = '\0';
    return 1;
}

int svb_events_latest(svb_events *events, svb_event *list, int most)
{
    uint64_t number = atomic_load(&events->shm->taken);
    int n = 0;

    for (int i = 0; i < SVB_EVENTS_MAX && n < most && number > 0;
         i++, number--) {
        n += copy_out(events->shm->places[number % SVB_EVENTS_MAX], number,
                      &list[n]);
    }
    return n;
}

apr_uint64_t svb_events_count(svb_events *events)
{
    return atomic_load(&events->shm->taken);
}

/* Was there the like of it, and is that not long ago? */
static int is_repeated(svb_events *events, const char *what,
                       apr_interval_time_t every, apr_time_t now)
{
    uint64_t number = atomic_load(&events->shm->taken);
    svb_event event;

    for (int i = 0; i < SVB_EVENTS_MAX && number > 0; i++, number--) {
        if (copy_out(events->shm->places[number % SVB_EVENTS_MAX], number,
                     &event)
            && event.kind == SVB_EVENT_SERVER
            && !strncmp(event.reason, what, strlen(what))) {
            return now >= event.time && now - event.time < every;
        }
    }
    return 0;
}

void svb_events_add_server(svb_events *events, const char *what,
                           const char *which, apr_interval_time_t every,
                           apr_time_t now)
{
    svb_event event = {
        .time = now, .from = -1, .to = -1, .kind = SVB_EVENT_SERVER};

    if (!is_repeated(events, what, every, now)) {
        apr_snprintf(event.reason, sizeof(event.reason), "%s%s", what, which);
        svb_events_add(events, &event);
    }
}
