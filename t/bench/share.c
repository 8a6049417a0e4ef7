/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What sharing costs: a change that a request notes, a client that another front end has
 * told of, a batch written and read. Prints nanoseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

#include "memory/clients.h"
#include "share/batch.h"
#include "share/ring.h"

#define CLIENTS 1000000u
#define NODES 20

static apr_pool_t *pool;
static const unsigned char key[16] = "fifteen letters";
static const apr_time_t t0 = apr_time_from_sec(1796000000);

static void *zeroed(apr_size_t size)
{
    void *mem;

    if (posix_memalign(&mem, 64, size) != 0) {
        abort();
    }
    return memset(mem, 0, size);
}

static void print(const char *what, apr_time_t since, unsigned n)
{
    printf("%-44s %8.1f ns\n", what,
           (double)(apr_time_now() - since) * 1000 / n);
}

static void ring(void)
{
    static svb_ring_entry list[SVB_RING_ENTRIES];
    apr_time_t pushing = 0, draining = 0;
    svb_ring *r;

    svb_ring_open(&r, zeroed(svb_ring_size()), pool);
    for (int round = 0; round < 100; round++) {
        apr_time_t at = apr_time_now();

        for (unsigned i = 0; i < SVB_RING_ENTRIES; i++) {
            svb_ring_push(r, i, SVB_CHANGE_SEEN);
        }
        pushing += apr_time_now() - at;
        at = apr_time_now();
        svb_ring_drain(r, list, SVB_RING_ENTRIES, t0);
        draining += apr_time_now() - at;
    }
    print("ring: a change pushed", apr_time_now() - pushing,
          100 * SVB_RING_ENTRIES);
    print("ring: a change taken out", apr_time_now() - draining,
          100 * SVB_RING_ENTRIES);
}

static void table(void)
{
    svb_records *records;
    svb_clients *clients;
    int nodes[NODES];
    apr_time_t at;

    svb_records_open(&records, zeroed(svb_records_size()), pool);
    for (int i = 0; i < NODES; i++) {
        char route[] = {'n', (char)('a' + i), 0};

        nodes[i] = svb_records_add(records, "servoy", route);
    }
    svb_clients_open(&clients, zeroed(svb_clients_size(CLIENTS)), CLIENTS, key,
                     records, pool);
    for (int round = 0; round < 2; round++) {
        at = apr_time_now();
        for (unsigned i = 0; i < CLIENTS; i++) {
            svb_client client = {
                svb_clients_id(clients, (const char *)&i, sizeof(i)),
                nodes[i % NODES], SVB_KIND_WEB, t0 + apr_time_from_sec(round)};

            svb_clients_merge(clients, &client, 0, client.seen);
        }
        print(round ? "table: one that is known, told of again"
                    : "table: a new one told of",
              at, CLIENTS);
    }
}

static void batches(void)
{
    svb_mac mac = svb_mac_of(key, "log", "svb:{prod}", "fe1");
    svb_batch_node nodes[NODES];
    static svb_record records[SVB_BATCH_RECORDS];
    svb_batch batch = {.number = 1,
                       .nodes = nodes,
                       .n_nodes = NODES,
                       .records = records,
                       .n_records = SVB_BATCH_RECORDS};
    svb_exchange_bytes bytes = {NULL, 0};
    apr_time_t at = apr_time_now();

    for (int i = 0; i < NODES; i++) {
        nodes[i] = (svb_batch_node){"servoy", "node"};
    }
    for (unsigned i = 0; i < SVB_BATCH_RECORDS; i++) {
        records[i] = (svb_record){i + 1, i % NODES, SVB_RECORD_WEB, 0, i};
    }
    for (int i = 0; i < 500; i++) {
        apr_pool_t *p;

        apr_pool_create(&p, pool);
        bytes = svb_batch_write(&batch, &mac, i < 499 ? p : pool);
        apr_pool_destroy(p);
    }
    print("batch: a record written", at, 500 * SVB_BATCH_RECORDS);
    at = apr_time_now();
    for (int i = 0; i < 500; i++) {
        apr_pool_t *p;

        apr_pool_create(&p, pool);
        if (svb_batch_read(&bytes, &mac, &batch, p) != SVB_BATCH_GOOD) {
            abort();
        }
        apr_pool_destroy(p);
    }
    print("batch: a record read", at, 500 * SVB_BATCH_RECORDS);
}

int main(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    ring();
    table();
    batches();
    apr_terminate();
    return 0;
}
