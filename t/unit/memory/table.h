/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A client table and its nodes, in memory of the test's own.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/clients.h"
#include "unit.h"

#define SEC(n) apr_time_from_sec(n)
#define NODES 6
#define ALL ((apr_size_t)-1)

/* A day in November 2026, so that the clock is beyond the 23 bits of seconds
 * that a word has. */
static const apr_time_t t0 __attribute__((unused)) = SEC(1796000000);

static const unsigned char secret[SVB_CLIENTS_SECRET] = "0123456789abcde";

static svb_records *records __attribute__((unused));
static svb_clients *table __attribute__((unused));
static void *table_mem __attribute__((unused));
static int nodes[NODES] __attribute__((unused));

static inline apr_interval_time_t timeout(void *baton, int node, svb_kind kind)
{
    static const apr_interval_time_t timeouts[SVB_KINDS] = {
        SEC(60), SEC(1800), SEC(8 * 3600), SEC(1800),
        SEC(90), SEC(1800), SEC(1800)};

    (void)baton;
    (void)node;
    return timeouts[kind];
}

static inline void *zeroed(apr_size_t size)
{
    static void *held[4]; /* none is lost before the test ends */
    static int n;
    void *mem = NULL;

    ck_assert_int_eq(posix_memalign(&mem, 64, size), 0);
    held[n++] = mem;
    return memset(held[n - 1], 0, size);
}

static inline svb_clients *open_table(void *mem, apr_size_t capacity)
{
    svb_clients *clients;

    ck_assert_int_eq(
        svb_clients_open(&clients, mem, capacity, secret, records, pool),
        APR_SUCCESS);
    svb_clients_set_timeout(clients, timeout, NULL);
    return clients;
}

static inline void setup(apr_size_t capacity)
{
    pool_setup();
    svb_records_open(&records, zeroed(svb_records_size()), pool);
    for (int i = 0; i < NODES; i++) {
        char route[] = {'n', (char)('0' + i), 0};

        nodes[i] = svb_records_add(records, "servoy", route);
    }
    table_mem = zeroed(svb_clients_size(capacity));
    table = open_table(table_mem, capacity);
}

static inline apr_uint64_t id_of(unsigned n)
{
    return svb_clients_id(table, (const char *)&n, sizeof(n));
}

static inline unsigned counted(int node, svb_kind kind)
{
    return svb_records_clients(records, node, kind);
}

/* Where the client is, or -1. */
static inline int where(apr_uint64_t id, apr_time_t now)
{
    svb_client client;

    if (!svb_clients_find(table, id, now, &client)) {
        return -1;
    }
    REQUIRE(client.id == id);
    return client.node;
}

/* The counts in svb_records are those of the live clients, each of which can be
 * found. */
static inline void assert_counts(svb_clients *clients, apr_time_t now)
{
    unsigned found[SVB_RECORDS_MAX][SVB_KINDS] = {{0}};
    apr_size_t pos = 0, sum = 0;
    svb_client client, again;

    while (svb_clients_next(clients, &pos, now, &client)) {
        found[client.node][client.kind]++;
        sum++;
        REQUIRE(svb_clients_find(clients, client.id, now, &again));
        REQUIRE(again.node == client.node);
    }
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        for (int kind = 0; kind < SVB_KIND_GONE; kind++) {
            REQUIRE(found[node][kind] == counted(node, kind));
        }
        sum -= found[node][SVB_KIND_REMEMBERED] + found[node][SVB_KIND_ENDED];
    }
    ck_assert_uint_eq(svb_clients_count(clients), sum);
}

#endif /* TABLE_H */
