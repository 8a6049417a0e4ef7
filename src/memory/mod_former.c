/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/mod_former.h"

/* How long children of an earlier generation are expected to go on learning. */
#define FOLLOW_FOR apr_time_from_sec(15 * 60)

/* Last seen is kept in whole seconds. */
#define FETCH_AGAIN apr_time_from_sec(2)

static apr_time_t followed;

/* The former table, while anybody may still use it. */
static svb_clients *table(apr_time_t now)
{
    apr_time_t replaced;
    svb_clients *former = svb_segments_former(&replaced);

    return former && now < replaced + FOLLOW_FOR ? former : NULL;
}

/* Bring over the clients seen since a time. */
static void fetch(svb_clients *from, apr_time_t since, apr_time_t now)
{
    svb_client client;
    apr_size_t pos = 0;

    while (svb_clients_next(from, &pos, now, &client)) {
        if (client.seen >= since) {
            svb_clients_restore(svb_segments_clients(), &client, now);
        }
    }
}

/* The counts know these clients already, and have to be taken anew. */
static void count_anew(apr_time_t now)
{
    svb_clients *clients = svb_segments_clients();

    svb_clients_begin_pass(clients);
    while (!svb_clients_sweep(clients, svb_clients_buckets(clients), now)) {
    }
}

/* What the former one has dropped, this one does not know. */
static void inherit_evictions(const svb_clients *from)
{
    svb_evictions *evictions = svb_clients_evictions(svb_segments_clients());
    apr_time_t last = svb_evictions_last(svb_clients_evictions(from));

    if (last > svb_evictions_last(evictions)) {
        svb_evictions_restore(evictions, last);
    }
}

void svb_former_move(void)
{
    apr_time_t now = apr_time_now(), replaced;

    if (svb_segments_former(&replaced) && !svb_segments_shared()->moved) {
        fetch(svb_segments_former(&replaced), 0, now);
        inherit_evictions(svb_segments_former(&replaced));
        count_anew(now);
        svb_segments_shared()->moved = 1;
    }
    followed = replaced;
}

void svb_former_follow(apr_time_t now)
{
    svb_clients *former = table(now);

    if (former) {
        fetch(former, followed - FETCH_AGAIN, now);
        followed = now;
    }
}

int svb_former_find(apr_uint64_t id, apr_time_t now, svb_client *client)
{
    svb_clients *former = table(now);

    return former && svb_clients_find(former, id, now, client)
           && svb_clients_restore(svb_segments_clients(), client, now);
}

void svb_former_remove(apr_uint64_t id)
{
    apr_time_t now = apr_time_now();
    svb_clients *former = table(now);
    svb_records *records = svb_segments_records();
    svb_client client;

    if (former && svb_clients_find(former, id, now, &client)
        && svb_clients_remove(former, id, now)) {
        /* It stands in both tables, and was counted once. */
        svb_records_clients_add(records, client.node,
                                svb_records_epoch(records, client.node),
                                client.kind, 1);
    }
}
