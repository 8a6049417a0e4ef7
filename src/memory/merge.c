/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/merge.h"

/* See TRIES in slots.c. */
#define TRIES 100

/* Which of two sightings in the same second counts. */
static int rank_of(svb_kind kind)
{
    static const int ranks[SVB_KINDS] = {
        [SVB_KIND_PENDING] = 0,    [SVB_KIND_ASSUMED] = 1,
        [SVB_KIND_SMART] = 2,      [SVB_KIND_WEB] = 3,
        [SVB_KIND_WINDOWED] = 4,   [SVB_KIND_ENDED] = 5,
        [SVB_KIND_REMEMBERED] = 5, [SVB_KIND_GONE] = 6,
    };

    return ranks[kind];
}

/* Is what is there older than what was told, or does it count less? */
static int is_outdone(apr_uint64_t word, const svb_client *client, unsigned how,
                      apr_time_t now)
{
    apr_int64_t there = svb_entry_age(word, now);
    apr_int64_t told = apr_time_sec(now) - apr_time_sec(client->seen);
    int rank = rank_of(svb_entry_kind(word));

    return there != told                   ? there > told
           : rank_of(client->kind) != rank ? rank_of(client->kind) > rank
                                           : (how & SVB_MERGE_PUT) != 0;
}

static int is_worth_a_look(const svb_slots *slots, const svb_client *client,
                           apr_uint64_t word, apr_time_t now)
{
    apr_time_t lost = (apr_time_t)svb_records_get(slots->records, client->node,
                                                  SVB_WORD_LOST);

    return client->kind == SVB_KIND_GONE
           || (client->seen > lost && svb_slots_is_live(slots, word, now));
}

int svb_merge(const svb_slots *slots, const svb_client *client, unsigned how,
              apr_time_t now)
{
    apr_uint64_t word = svb_slots_word(slots, client), next;
    svb_slot_view v;

    if (!is_worth_a_look(slots, client, word, now)) {
        return 0;
    }
    next = client->kind == SVB_KIND_GONE && !(how & SVB_MERGE_STAYS) ? 0 : word;
    for (int i = 0; i < TRIES && svb_slots_find(slots, client->id, &v); i++) {
        if (svb_slots_is_there(slots, v.word, now)
            && !is_outdone(v.word, client, how, now)) {
            return 0;
        }
        if (v.word == next || svb_slots_swap(slots, &v, next)) {
            return 1;
        }
    }
    return next && svb_slots_put(slots, client->id, next, now);
}
