/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/mod_read.h"

#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "share/mod_hints.h"
#include "share/told.h"

/* How far the time sent may be from the time it came to the store. */
#define SENT_WITHIN_MS 10000

/* --------------------------------------------------------------------- what is said */

static void apply(const svb_batch *batch, const svb_exchange_batch *from,
                  apr_pool_t *p, apr_time_t now)
{
    int *nodes = apr_palloc(p, ((apr_size_t)batch->n_nodes + 1) * sizeof(int));
    apr_uint64_t at = batch->sent < from->id.ms ? batch->sent : from->id.ms;
    svb_told_batch told = {nodes, svb_sharing_local(at), now};
    svb_client client;
    unsigned how;

    for (int i = 0; i < batch->n_nodes; i++) {
        nodes[i] =
            svb_records_find(svb_segments_records(), batch->nodes[i].fleet,
                             batch->nodes[i].route);
    }
    for (int i = 0; i < batch->n_records; i++) {
        switch (svb_told_of(&told, &batch->records[i], &client, &how)) {
        case SVB_TOLD_CLIENT:
            svb_clients_merge_told(&client, how, now);
            break;
        case SVB_TOLD_NODE:
            svb_hints_hear(&told, &batch->records[i]);
            break;
        case SVB_TOLD_NOTHING:
            break;
        }
    }
    svb_sharing()->received += (apr_uint64_t)batch->n_records;
}

/* ------------------------------------------------------------------ what is believed */

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
    svb_missing before;
    svb_batch_verdict verdict = svb_batch_read(&from->bytes, &mac, &batch, p);

    /* Of a format of which we have not told it yet that we cannot read it: a gap. */
    if (verdict == SVB_BATCH_OTHER) {
        return;
    }
    if (verdict != SVB_BATCH_GOOD || !is_timely(from, &batch)) {
        reject(front);
        return;
    }
    before = svb_missing_before(front, batch.boot, batch.number,
                                svb_sharing()->newcomer != 0);
    if (before == SVB_MISSING_PASSED) {
        return;
    }
    svb_sharing()->gaps += before == SVB_MISSING_SOME;
    apply(&batch, from, p, now);
    svb_missing_walks(front, batch.flags, now);
    if (is_asked(&batch)) {
        svb_sharing()->announce = 1;
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
        svb_front *front =
            svb_front_find(svb_sharing()->fronts, from->front_end);

        if (!front) {
            continue;
        }
        front->id_ms = from->id.ms;
        front->id_seq = from->id.seq;
        if (from->bytes.len && svb_front_speaks(front)) {
            read_one(from, front, sub, now);
        }
        apr_pool_clear(sub);
    }
}

void svb_read_look_after_walks(apr_time_t now)
{
    svb_sharing_words *words = svb_sharing();
    apr_uint64_t at = svb_sharing_judged_at();

    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        if (svb_missing_ask_again(&words->fronts[i], now, at)) {
            words->newcomer = words->newcomer ? 1 : 0;
        }
    }
}
