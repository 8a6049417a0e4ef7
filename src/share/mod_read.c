/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/mod_read.h"

#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "nodes/mod_condition.h"
#include "share/batch.h"
#include "share/mod_send.h"

/* How far the time sent may be from the time it came to the store. */
#define SENT_WITHIN_MS 10000

static const svb_model *model;

/* By node: it was in maintenance, by its own word, when last looked at. */
static char refuses[SVB_RECORDS_MAX];

void svb_read_start(const svb_model *m)
{
    model = m;
}

/* --------------------------------------------------------------------- what is said */

static const struct {
    svb_kind kind;
    int is_known;
} kinds[] = {
    [SVB_RECORD_GONE] = {SVB_KIND_GONE, 1},
    [SVB_RECORD_WEB] = {SVB_KIND_WEB, 1},
    [SVB_RECORD_SMART] = {SVB_KIND_SMART, 1},
    [SVB_RECORD_ASSUMED] = {SVB_KIND_ASSUMED, 1},
    [SVB_RECORD_PENDING] = {SVB_KIND_PENDING, 1},
    [SVB_RECORD_WINDOWED] = {SVB_KIND_WINDOWED, 1},
    [SVB_RECORD_REMEMBERED] = {SVB_KIND_REMEMBERED, 1},
};

/* Whole batches of one front end. */
typedef struct {
    const svb_batch *batch;
    const int *nodes; /* of the batch's, the records here, or -1 */
    apr_time_t sent;  /* by the clock here */
    apr_time_t now;
} reading;

static void apply_client(const reading *r, const svb_record *record)
{
    int is_gone = record->kind == SVB_RECORD_GONE;
    int node = record->node == SVB_RECORD_NO_NODE ? -1 : r->nodes[record->node];
    int stays = is_gone && !(record->more & SVB_RECORD_UNHEARD);
    svb_client client = {.id = record->id,
                         .node = node < 0 ? 0 : node,
                         .kind = kinds[record->kind].kind,
                         .seen = r->sent - apr_time_from_msec(record->age)};

    if (node < 0 && (stays || !is_gone)) {
        return;
    }
    client.seen = client.seen < r->now ? client.seen : r->now;
    client.seen -= client.seen % APR_USEC_PER_SEC;
    svb_clients_merge_told(
        &client,
        (stays ? SVB_MERGE_STAYS : 0)
            | (record->more & SVB_RECORD_PUT ? SVB_MERGE_PUT : 0),
        r->now);
}

/* The most patient rules of those balancers that have the node. */
static int rules_of(int node, svb_rules *rules)
{
    svb_condition_sum sum = {.node = node};

    for (int i = 0; i < model->balancers->nelts; i++) {
        svb_balancer *balancer =
            APR_ARRAY_IDX(model->balancers, i, svb_balancer *);
        const svb_members *members = svb_members_get(balancer);

        for (int k = 0; k < members->n; k++) {
            if (members->all[k].node == node) {
                svb_condition_add(&sum, balancer, &members->all[k]);
            }
        }
    }
    *rules = sum.rules;
    return sum.added;
}

/* Its node said so itself: it is believed until our own time is up. */
static void apply_maintenance(const reading *r, const svb_record *record)
{
    int node = record->node == SVB_RECORD_NO_NODE ? -1 : r->nodes[record->node];
    svb_rules rules;

    if (node >= 0 && rules_of(node, &rules)
        && apr_time_from_msec(record->age) < rules.retry) {
        refuses[node] = 1; /* others have been told */
        svb_condition_met(svb_segments_records(), node, SVB_MET_REFUSAL, 0, 0,
                          &rules, r->now);
    }
}

static void apply(const svb_batch *batch, const svb_exchange_batch *from,
                  apr_pool_t *p, apr_time_t now)
{
    int *nodes = apr_palloc(p, ((apr_size_t)batch->n_nodes + 1) * sizeof(int));
    apr_uint64_t at = batch->sent < from->id.ms ? batch->sent : from->id.ms;
    reading r = {batch, nodes, svb_sharing_local(at), now};

    for (int i = 0; i < batch->n_nodes; i++) {
        nodes[i] =
            svb_records_find(svb_segments_records(), batch->nodes[i].fleet,
                             batch->nodes[i].route);
    }
    for (int i = 0; i < batch->n_records; i++) {
        const svb_record *record = &batch->records[i];

        if (record->kind < sizeof(kinds) / sizeof(kinds[0])
            && kinds[record->kind].is_known && record->id) {
            apply_client(&r, record);
        }
        else if (record->kind == SVB_RECORD_MAINTENANCE) {
            apply_maintenance(&r, record);
        }
    }
    svb_sharing()->received += (apr_uint64_t)batch->n_records;
}

/* ------------------------------------------------------------------ what is missing */

void svb_read_gap(svb_front *front)
{
    svb_sharing()->gaps++;
    front->walk = SVB_WALK_WANTED;
}

/* Whoever is new here has not missed what went before: it asks one front end for all. */
static void take_boot(svb_front *front, const svb_batch *batch)
{
    front->boot = batch->boot;
    front->number = batch->number;
    if (batch->number != 1 && !svb_sharing()->newcomer) {
        svb_read_gap(front);
    }
}

/* @return whether it is to be read: not for the second time, nor of an earlier boot */
static int is_next(svb_front *front, const svb_batch *batch)
{
    if (batch->boot > front->boot
        || (batch->boot < front->boot && batch->boot == front->beat_boot)) {
        take_boot(front, batch);
        return 1;
    }
    if (batch->boot < front->boot || batch->number <= front->number) {
        return 0;
    }
    if (batch->number != front->number + 1) {
        svb_read_gap(front);
    }
    front->number = batch->number;
    return 1;
}

static void follow_walk(svb_front *front, unsigned flags, apr_time_t now)
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

static int is_asked(const svb_batch *batch)
{
    for (int i = 0; i < batch->n_asked; i++) {
        if (strcmp(batch->asked[i], svb_store_get()->front_end) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_timely(const svb_exchange_batch *from, const svb_batch *batch)
{
    return from->id.ms < batch->sent + SENT_WITHIN_MS
           && batch->sent < from->id.ms + SENT_WITHIN_MS;
}

static void reject(svb_front *front)
{
    front->rejected++;
    svb_sharing()->rejected++;
}

static void read_one(const svb_exchange_batch *from, svb_front *front,
                     apr_pool_t *p, apr_time_t now)
{
    const svb_store *store = svb_store_get();
    svb_mac mac = svb_mac_of(store->key, "log", store->prefix, front->name);
    svb_batch batch;
    svb_batch_verdict verdict = svb_batch_read(&from->bytes, &mac, &batch, p);

    if (verdict == SVB_BATCH_OTHER) {
        front->speaks = 0;
        return;
    }
    if (verdict != SVB_BATCH_GOOD || !is_timely(from, &batch)) {
        reject(front);
        return;
    }
    if (is_next(front, &batch)) {
        apply(&batch, from, p, now);
        follow_walk(front, batch.flags, now);
        if (is_asked(&batch)) {
            svb_sharing()->announce = 1;
        }
    }
}

void svb_read_batches(const svb_exchange_result *result, apr_pool_t *p,
                      apr_time_t now)
{
    apr_pool_t *sub;

    if (apr_pool_create(&sub, p) != APR_SUCCESS) {
        return;
    }
    for (int i = 0; i < result->n_batches; i++) {
        const svb_exchange_batch *from = &result->batches[i];
        svb_front *front = svb_sharing_front(from->front_end, 0);

        if (!front) {
            continue;
        }
        front->id_ms = from->id.ms;
        front->id_seq = from->id.seq;
        if (from->bytes.len) {
            read_one(from, front, sub, now);
        }
        apr_pool_clear(sub);
    }
}

void svb_read_look_after_walks(apr_time_t now)
{
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        svb_front *front = &svb_sharing()->fronts[i];

        if (!front->used || front->walk == SVB_WALK_NONE) {
            continue;
        }
        if (svb_sharing_of_front(front, now) == SVB_FRONT_GONE) {
            front->walk = SVB_WALK_NONE;
            svb_sharing()->newcomer = svb_sharing()->newcomer ? 1 : 0;
        }
        else if (front->walk != SVB_WALK_WANTED
                 && (now < front->walk_at
                     || now - front->walk_at > SVB_WALK_PATIENCE)) {
            front->walk = SVB_WALK_WANTED;
        }
    }
}

void svb_read_notice_maintenance(apr_time_t now)
{
    svb_records *records = svb_segments_records();

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        svb_seen seen = {.service = SVB_SERVICE_FINE};
        int is_new;

        if (!svb_records_used(records, node)) {
            continue;
        }
        if (!svb_condition_is_fine(records, node)) {
            svb_condition_see(records, node, svb_members_of_node(node), &seen);
        }
        is_new = seen.service == SVB_SERVICE_MAINTENANCE && !refuses[node];
        refuses[node] = seen.service == SVB_SERVICE_MAINTENANCE;
        if (is_new) {
            svb_send_maintenance(node, now);
        }
    }
}
