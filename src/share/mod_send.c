/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/mod_send.h"

#include "memory/mod_segments.h"
#include "share/batch.h"

/* Most batches that wait to be sent: what a ring holds, and a part of a walk. */
#define PARCELS 20

/* Most records of nodes that wait: they fit into one batch. */
#define HINTS SVB_RECORDS_MAX

_Static_assert(HINTS < SVB_BATCH_RECORDS, "and there is room for clients");

/* One thing to tell. */
typedef struct {
    apr_uint64_t id;
    int node; /* index of its record; -1: none */
    unsigned kind, more;
    apr_time_t seen; /* the middle of the second, of clients */
} item;

/* What a batch is made of. */
typedef struct {
    apr_uint64_t number;
    unsigned flags;
    int n;
    item items[SVB_BATCH_RECORDS];
} parcel;

static parcel *waiting; /* room for PARCELS */
static int n_waiting;

static svb_mac mac;
static svb_ring_entry drained[SVB_RING_ENTRIES];
static item hints[HINTS];
static int n_hints;

/* The walk that is under way; -1: none. */
static apr_int64_t walked = -1;

void svb_send_start(apr_pool_t *pconf)
{
    const svb_store *store = svb_store_get();

    mac = svb_mac_of(store->key, "log", store->prefix, store->front_end);
    waiting = apr_palloc(pconf, PARCELS * sizeof(*waiting));
    n_waiting = 0;
}

/* ------------------------------------------------------------------ what to tell */

static const unsigned kinds[SVB_KINDS] = {
    [SVB_KIND_PENDING] = SVB_RECORD_PENDING,
    [SVB_KIND_WEB] = SVB_RECORD_WEB,
    [SVB_KIND_SMART] = SVB_RECORD_SMART,
    [SVB_KIND_ASSUMED] = SVB_RECORD_ASSUMED,
    [SVB_KIND_WINDOWED] = SVB_RECORD_WINDOWED,
    [SVB_KIND_REMEMBERED] = SVB_RECORD_REMEMBERED,
    [SVB_KIND_ENDED] = SVB_RECORD_REMEMBERED,
    [SVB_KIND_GONE] = SVB_RECORD_GONE,
};

static parcel *open_parcel(unsigned flags)
{
    parcel *to = &waiting[n_waiting++];

    to->number = ++svb_sharing()->number;
    to->flags = flags;
    to->n = 0;
    return to;
}

static item item_of(const svb_client *client, unsigned more)
{
    return (item){client->id, client->node, kinds[client->kind], more,
                  client->seen + APR_USEC_PER_SEC / 2};
}

/* Of a client that changed, what it is now; nothing of one that is not there any more
 * without having been removed. @return whether there is something to tell */
static int look_up(const svb_ring_entry *entry, item *to, apr_time_t now)
{
    svb_client client;

    if (svb_clients_trace(svb_segments_clients(), entry->id, now, &client)) {
        *to = item_of(&client,
                      entry->what == SVB_CHANGE_PUT ? SVB_RECORD_PUT : 0);
        return 1;
    }
    *to = (item){entry->id, -1, SVB_RECORD_GONE, SVB_RECORD_UNHEARD, now};
    return entry->what == SVB_CHANGE_GONE;
}

static void take_changes(apr_time_t now)
{
    parcel *to;
    unsigned n;

    if (!svb_ring_waiting(svb_sharing_ring()) && !n_hints) {
        return;
    }
    to = open_parcel(0);
    for (int i = 0; i < n_hints; i++) {
        to->items[to->n++] = hints[i];
    }
    n_hints = 0;
    n = svb_ring_drain(svb_sharing_ring(), drained, SVB_RING_ENTRIES, now);
    n = svb_ring_without_repeats(drained, n);
    for (unsigned i = 0; i < n; i++) {
        if (to->n == SVB_BATCH_RECORDS) {
            to = open_parcel(0);
        }
        to->n += look_up(&drained[i], &to->items[to->n], now);
    }
}

/* ------------------------------------------------------------------------ walks */

static void walk_on(apr_time_t now)
{
    svb_sharing_words *state = svb_sharing();
    apr_size_t pos;
    svb_client client;
    parcel *to;

    if (walked < 0) {
        if (!state->announce) {
            return;
        }
        state->announce = 0;
        state->walks++;
    }
    to = open_parcel(SVB_BATCH_WALK | (walked < 0 ? SVB_BATCH_BEGIN : 0));
    pos = walked < 0 ? 0 : (apr_size_t)walked;
    while (to->n < SVB_BATCH_RECORDS) {
        if (!svb_clients_next(svb_segments_clients(), &pos, now, &client)) {
            to->flags |= SVB_BATCH_END;
            walked = -1;
            return;
        }
        to->items[to->n++] = item_of(&client, 0);
    }
    walked = (apr_int64_t)pos;
}

/* ---------------------------------------------------------------------- batches */

static int asks(void)
{
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        if (svb_sharing()->fronts[i].used
            && svb_sharing()->fronts[i].walk == SVB_WALK_WANTED) {
            return 1;
        }
    }
    return 0;
}

static void name_asked(svb_batch *batch, apr_pool_t *p)
{
    batch->asked = apr_palloc(p, SVB_FRONTS_MAX * sizeof(*batch->asked));
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        const svb_front *front = &svb_sharing()->fronts[i];

        if (front->used && front->walk == SVB_WALK_WANTED) {
            batch->asked[batch->n_asked++] = front->name;
        }
    }
}

/* The node's number in the batch, where it is named when it first comes. */
static unsigned number_of(svb_batch *batch, apr_int16_t *numbers, int node)
{
    if (node < 0) {
        return SVB_RECORD_NO_NODE;
    }
    if (numbers[node] < 0) {
        batch->nodes[batch->n_nodes] =
            (svb_batch_node){svb_records_name(svb_segments_records(), node),
                             svb_records_route(svb_segments_records(), node)};
        numbers[node] = (apr_int16_t)batch->n_nodes++;
    }
    return (unsigned)numbers[node];
}

static apr_uint32_t age_of(const item *it, apr_time_t now)
{
    return now > it->seen ? (apr_uint32_t)((now - it->seen) / 1000) : 0;
}

static svb_exchange_bytes bytes_of(const parcel *from, int is_last,
                                   apr_pool_t *p, apr_time_t now)
{
    apr_int16_t numbers[SVB_RECORDS_MAX];
    svb_batch batch = {.format = svb_sharing()->format,
                       .flags = from->flags,
                       .boot = svb_sharing()->boot,
                       .number = from->number,
                       .sent = svb_sharing_store_ms(now),
                       .n_records = from->n};

    memset(numbers, -1, sizeof(numbers));
    batch.nodes = apr_palloc(p, SVB_RECORDS_MAX * sizeof(*batch.nodes));
    batch.records =
        apr_palloc(p, ((apr_size_t)from->n + 1) * sizeof(*batch.records));
    if (is_last) {
        name_asked(&batch, p);
    }
    for (int i = 0; i < from->n; i++) {
        const item *it = &from->items[i];

        batch.records[i] =
            (svb_record){it->id, number_of(&batch, numbers, it->node), it->kind,
                         it->more, age_of(it, now)};
    }
    return svb_batch_write(&batch, &mac, p);
}

void svb_send_fill(svb_exchange_round *round, apr_pool_t *p, apr_time_t now)
{
    svb_exchange_bytes *batches =
        apr_palloc(p, PARCELS * sizeof(*round->batches));

    if (n_waiting == 0) {
        /* What a process that has ended had taken, and not sent, nobody knows any more. */
        if (svb_sharing()->unsent) {
            svb_sharing()->announce = 1;
        }
        svb_sharing()->unsent = 1;
        take_changes(now);
        if (svb_ring_has_lost(svb_sharing_ring())) {
            svb_sharing()->announce = 1;
        }
        walk_on(now);
        if (n_waiting == 0 && asks()) {
            open_parcel(0);
        }
    }
    svb_sharing()->unsent = (apr_uint64_t)n_waiting;
    for (int i = 0; i < n_waiting; i++) {
        batches[i] = bytes_of(&waiting[i], i == n_waiting - 1, p, now);
    }
    round->batches = batches;
    round->n_batches = n_waiting;
}

static void note_asked(apr_time_t now)
{
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        svb_front *front = &svb_sharing()->fronts[i];

        if (front->used && front->walk == SVB_WALK_WANTED) {
            front->walk = SVB_WALK_ASKED;
            front->walk_at = now;
        }
    }
}

void svb_send_done(int n, apr_time_t now)
{
    n = n < n_waiting ? n : n_waiting;
    for (int i = 0; i < n; i++) {
        svb_sharing()->sent += (apr_uint64_t)waiting[i].n;
    }
    if (n > 0 && n == n_waiting) {
        note_asked(now);
    }
    n_waiting -= n;
    memmove(waiting, waiting + n, (apr_size_t)n_waiting * sizeof(*waiting));
    svb_sharing()->unsent = (apr_uint64_t)n_waiting;
}

void svb_send_hint(int node, unsigned kind, apr_time_t now)
{
    if (n_hints < HINTS) {
        hints[n_hints++] = (item){0, node, kind, 0, now};
    }
}
