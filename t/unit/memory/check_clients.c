/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_clients in one process: what its calls promise, a full table, the sweep,
 * and a long random run against a plain model.
 */
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
static const apr_time_t t0 = SEC(1796000000);

static const unsigned char secret[SVB_CLIENTS_SECRET] = "0123456789abcde";

static svb_records *fleet;
static svb_clients *table;
static void *table_mem;
static int nodes[NODES];

static apr_interval_time_t timeout(void *baton, int node, svb_kind kind)
{
    static const apr_interval_time_t timeouts[SVB_KINDS] = {
        SEC(60), SEC(1800), SEC(8 * 3600), SEC(1800)};

    (void)baton;
    (void)node;
    return timeouts[kind];
}

static void *zeroed(apr_size_t size)
{
    static void *held[4]; /* none is lost before the test ends */
    static int n;
    void *mem;

    ck_assert_int_eq(posix_memalign(&mem, 64, size), 0);
    held[n++] = mem;
    return memset(held[n - 1], 0, size);
}

static svb_clients *open_table(void *mem, apr_size_t capacity)
{
    svb_clients *clients;

    ck_assert_int_eq(
        svb_clients_open(&clients, mem, capacity, secret, fleet, pool),
        APR_SUCCESS);
    svb_clients_set_timeout(clients, timeout, NULL);
    return clients;
}

static void setup(apr_size_t capacity)
{
    pool_setup();
    svb_records_open(&fleet, zeroed(svb_records_size()), pool);
    for (int i = 0; i < NODES; i++) {
        char route[] = {'n', (char)('0' + i), 0};

        nodes[i] = svb_records_add(fleet, "servoy", route);
    }
    table_mem = zeroed(svb_clients_size(capacity));
    table = open_table(table_mem, capacity);
}

static apr_uint64_t id_of(unsigned n)
{
    return svb_clients_id(table, (const char *)&n, sizeof(n));
}

static unsigned counted(int node, svb_kind kind)
{
    return svb_records_clients(fleet, node, kind);
}

/* Where the client is, or -1. */
static int where(apr_uint64_t id, apr_time_t now)
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
static void assert_counts(svb_clients *clients, apr_time_t now)
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
        for (int kind = 0; kind < SVB_KINDS; kind++) {
            REQUIRE(found[node][kind] == counted(node, kind));
        }
    }
    ck_assert_uint_eq(svb_clients_count(clients), sum);
}

START_TEST(memory)
{
    const apr_size_t capacities[] = {18, 100, 65536, 99999, 1000000, 4000000};

    for (int i = 0; i < 6; i++) {
        ck_assert_uint_le(svb_clients_size(capacities[i]), 32 * capacities[i]);
    }
    ck_assert_uint_lt(svb_clients_size(0), 1024);
    setup(65536);
    ck_assert_uint_eq(svb_clients_capacity(table), 65536);
    ck_assert_uint_eq(svb_clients_bytes(table), svb_clients_size(65536));
    ck_assert_uint_eq(svb_clients_bytes(table),
                      64 + 64 * svb_clients_buckets(table));
}
END_TEST

START_TEST(ids_are_keyed)
{
    const char *text = "0A1B2C3D4E5F60718293A4B5C6D7E8F9.servoy1";
    unsigned char other[SVB_CLIENTS_SECRET] = "0123456789abcdf";
    svb_clients *clients;
    apr_uint64_t id;

    setup(100);
    id = svb_clients_id(table, text, strlen(text));
    ck_assert_uint_ne(id, 0);
    ck_assert_uint_eq(id, svb_clients_id(table, text, strlen(text)));
    ck_assert_uint_ne(id, svb_clients_id(table, text, strlen(text) - 1));
    svb_clients_open(&clients, table_mem, 100, other, fleet, pool);
    ck_assert_uint_ne(id, svb_clients_id(clients, text, strlen(text)));
    /* Nothing of the text is in the table. */
    svb_clients_put(table, id, nodes[0], SVB_KIND_WEB, t0);
    ck_assert_int_eq(where(id, t0), nodes[0]);
    for (apr_size_t i = 0; i + 8 <= svb_clients_size(100); i++) {
        for (size_t j = 0; j + 8 <= strlen(text); j++) {
            REQUIRE(memcmp((char *)table_mem + i, text + j, 8) != 0);
        }
    }
}
END_TEST

START_TEST(put_find_move_remove)
{
    svb_client client;

    setup(100);
    ck_assert_int_eq(where(id_of(1), t0), -1);
    ck_assert(!svb_clients_touch(table, id_of(1), t0));
    ck_assert(!svb_clients_remove(table, id_of(1)));

    ck_assert(
        svb_clients_put(table, id_of(1), nodes[0], SVB_KIND_WEB, t0 + 999999));
    ck_assert(svb_clients_find(table, id_of(1), t0 + SEC(5), &client));
    ck_assert_int_eq(client.node, nodes[0]);
    ck_assert_int_eq(client.kind, SVB_KIND_WEB);
    ck_assert_int_eq(client.seen, t0);
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 1);
    assert_counts(table, t0);

    svb_clients_put(table, id_of(1), nodes[0], SVB_KIND_WEB, t0);
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 1);
    svb_clients_put(table, id_of(1), nodes[1], SVB_KIND_WEB, t0);
    ck_assert_int_eq(where(id_of(1), t0), nodes[1]);
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 0);
    ck_assert_uint_eq(counted(nodes[1], SVB_KIND_WEB), 1);
    svb_clients_put(table, id_of(1), nodes[1], SVB_KIND_SMART, t0);
    ck_assert_uint_eq(counted(nodes[1], SVB_KIND_WEB), 0);
    ck_assert_uint_eq(counted(nodes[1], SVB_KIND_SMART), 1);

    ck_assert(svb_clients_remove(table, id_of(1)));
    ck_assert(!svb_clients_remove(table, id_of(1)));
    ck_assert_int_eq(where(id_of(1), t0), -1);
    ck_assert_uint_eq(svb_clients_count(table), 0);
    assert_counts(table, t0);
}
END_TEST

START_TEST(pending_and_renamed)
{
    setup(100);
    /* A new client's answer brings a session ... */
    svb_clients_put(table, 0xabcdef, nodes[2], SVB_KIND_PENDING, t0);
    ck_assert_uint_eq(counted(nodes[2], SVB_KIND_PENDING), 1);
    svb_clients_rename(table, 0xabcdef, id_of(1), nodes[2], SVB_KIND_WEB, t0);
    ck_assert_uint_eq(counted(nodes[2], SVB_KIND_PENDING), 0);
    ck_assert_uint_eq(counted(nodes[2], SVB_KIND_WEB), 1);
    ck_assert_int_eq(where(0xabcdef, t0), -1);
    /* ... whose id changes at login, at the same or at another node ... */
    svb_clients_rename(table, id_of(1), id_of(2), nodes[2], SVB_KIND_WEB, t0);
    svb_clients_rename(table, id_of(2), id_of(3), nodes[3], SVB_KIND_WEB, t0);
    ck_assert_int_eq(where(id_of(1), t0), -1);
    ck_assert_int_eq(where(id_of(2), t0), -1);
    ck_assert_int_eq(where(id_of(3), t0), nodes[3]);
    ck_assert_uint_eq(svb_clients_count(table), 1);
    /* ... or does not, or from one that is unknown. */
    svb_clients_rename(table, id_of(3), id_of(3), nodes[3], SVB_KIND_WEB, t0);
    svb_clients_rename(table, id_of(8), id_of(9), nodes[4], SVB_KIND_WEB, t0);
    ck_assert_int_eq(where(id_of(3), t0), nodes[3]);
    ck_assert_int_eq(where(id_of(9), t0), nodes[4]);
    /* A request that ends without one. */
    svb_clients_put(table, 77, nodes[2], SVB_KIND_PENDING, t0);
    svb_clients_remove(table, 77);
    ck_assert_uint_eq(svb_clients_count(table), 2);
    assert_counts(table, t0);
}
END_TEST

START_TEST(timeouts)
{
    const int seconds[SVB_KINDS] = {60, 1800, 8 * 3600, 1800};

    setup(100);
    for (int kind = 0; kind < SVB_KINDS; kind++) {
        apr_uint64_t id = id_of(kind);
        apr_time_t end = t0 + SEC(seconds[kind]);

        svb_clients_put(table, id, nodes[kind], kind, t0 + 999999);
        ck_assert_int_eq(where(id, end + 999999), nodes[kind]);
        ck_assert_int_eq(where(id, end + SEC(1)), -1);
        ck_assert(!svb_clients_touch(table, id, end + SEC(1)));
        /* Seen again in time, it lives on. */
        ck_assert(svb_clients_touch(table, id, end));
        ck_assert_int_eq(where(id, end + SEC(seconds[kind])), nodes[kind]);
        ck_assert_int_eq(where(id, end + SEC(seconds[kind] + 1)), -1);
    }
    /* The dead are counted until the sweep comes by, and no longer. */
    ck_assert_uint_eq(svb_clients_count(table), SVB_KINDS);
    ck_assert(svb_clients_sweep(table, ALL, t0 + SEC(24 * 3600)));
    ck_assert_uint_eq(svb_clients_count(table), 0);
    assert_counts(table, t0 + SEC(24 * 3600));
}
END_TEST

static apr_interval_time_t special(void *baton, int node, svb_kind kind)
{
    (void)node;
    (void)kind;
    return *(apr_interval_time_t *)baton;
}

START_TEST(timeouts_at_the_ends)
{
    const apr_time_t day = SEC(86400);
    apr_interval_time_t value = -1;

    setup(100);
    svb_clients_set_timeout(table, special, &value);
    svb_clients_put(table, id_of(1), nodes[0], SVB_KIND_WEB, t0);
    ck_assert_int_eq(where(id_of(1), t0 + 48 * day), nodes[0]);
    value = 1000 * day;
    ck_assert_int_eq(where(id_of(1), t0 + 48 * day), nodes[0]);
    ck_assert_int_eq(where(id_of(1), t0 + 60 * day), nodes[0]);
    value = 0;
    ck_assert_int_eq(where(id_of(1), t0), nodes[0]);
    ck_assert_int_eq(where(id_of(1), t0 + SEC(1)), -1);
    /* The seconds of a word start over somewhere in these days. */
    value = SEC(100);
    for (int i = 0; i < 100; i++) {
        apr_time_t now = t0 + i * day;

        svb_clients_put(table, id_of(1), nodes[0], SVB_KIND_WEB, now);
        ck_assert_int_eq(where(id_of(1), now + SEC(100)), nodes[0]);
        ck_assert_int_eq(where(id_of(1), now + SEC(101)), -1);
        ck_assert_int_eq(where(id_of(1), now + 40 * day), -1);
    }
}
END_TEST

START_TEST(clock_set_back)
{
    svb_client client;

    setup(100);
    svb_clients_put(table, id_of(1), nodes[0], SVB_KIND_WEB, t0);
    ck_assert_int_eq(where(id_of(1), t0 - SEC(3600)), nodes[0]);
    /* Another process's clock a moment behind changes nothing ... */
    ck_assert(svb_clients_touch(table, id_of(1), t0 - SEC(2)));
    ck_assert(svb_clients_find(table, id_of(1), t0, &client));
    ck_assert_int_eq(client.seen, t0);
    /* ... but the client does not live on for as long as it was set back. */
    ck_assert(svb_clients_touch(table, id_of(1), t0 - SEC(3600)));
    ck_assert_int_eq(where(id_of(1), t0 - SEC(1800)), nodes[0]);
    ck_assert_int_eq(where(id_of(1), t0 - SEC(1700)), -1);
}
END_TEST

START_TEST(epochs)
{
    setup(100);
    for (unsigned i = 0; i < 20; i++) {
        svb_clients_put(table, id_of(i), nodes[i % 2], SVB_KIND_WEB, t0);
    }
    svb_records_next_epoch(fleet, nodes[0]);
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_int_eq(where(id_of(i), t0), i % 2 ? nodes[1] : -1);
        ck_assert_int_eq(svb_clients_touch(table, id_of(i), t0), i % 2);
    }
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 0);
    ck_assert_uint_eq(counted(nodes[1], SVB_KIND_WEB), 10);
    assert_counts(table, t0);
    /* One comes back, one goes elsewhere, one logs out. */
    svb_clients_put(table, id_of(0), nodes[0], SVB_KIND_WEB, t0);
    svb_clients_put(table, id_of(2), nodes[1], SVB_KIND_WEB, t0);
    ck_assert(svb_clients_remove(table, id_of(4)));
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 1);
    ck_assert_uint_eq(counted(nodes[1], SVB_KIND_WEB), 11);
    assert_counts(table, t0);
    svb_clients_forget(table, nodes[1]);
    ck_assert_uint_eq(svb_clients_count(table), 1);
    svb_clients_sweep(table, ALL, t0);
    ck_assert_uint_eq(svb_clients_count(table), 1);
    ck_assert_int_eq(where(id_of(0), t0), nodes[0]);
    assert_counts(table, t0);
}
END_TEST

/* As many clients as the table was made for: nobody is dropped but for one in
 * many thousands, and most are in the first of their buckets. */
START_TEST(filled_to_capacity)
{
    const unsigned capacity = 50000;
    unsigned missing = 0;

    setup(capacity);
    for (unsigned i = 0; i < capacity; i++) {
        REQUIRE(svb_clients_put(table, id_of(i), nodes[i % NODES], SVB_KIND_WEB,
                                t0 + SEC(i / 100)));
    }
    ck_assert_uint_le(svb_clients_evicted(table), capacity / 20000);
    for (unsigned i = 0; i < capacity; i++) {
        int node = where(id_of(i), t0 + SEC(500));

        REQUIRE(node == nodes[i % NODES] || node == -1);
        missing += node == -1;
    }
    ck_assert_uint_eq(missing, svb_clients_evicted(table));
    assert_counts(table, t0 + SEC(500));
}
END_TEST

/* With three times as many, the latest stay, as far as they can. */
START_TEST(overfull)
{
    const unsigned capacity = 3000, all = 3 * capacity;
    unsigned late = 0;

    setup(capacity);
    for (unsigned i = 0; i < all; i++) {
        svb_clients_put(table, id_of(i), nodes[i % NODES], SVB_KIND_WEB,
                        t0 + SEC(i / 10));
        REQUIRE(where(id_of(i), t0 + SEC(i / 10)) == nodes[i % NODES]);
    }
    for (unsigned i = all - capacity; i < all; i++) {
        late += where(id_of(i), t0 + SEC(all / 10)) != -1;
    }
    ck_assert_uint_ge(late, capacity * 98 / 100);
    ck_assert_uint_eq(svb_clients_evicted(table),
                      all - svb_clients_count(table));
    assert_counts(table, t0 + SEC(all / 10));
}
END_TEST

/* A full table drops the dead first, then the pending and the assumed, then the
 * oldest. */
START_TEST(who_is_dropped)
{
    const unsigned slots = 8 * 4;
    const svb_kind kind = _i ? SVB_KIND_ASSUMED : SVB_KIND_PENDING;
    unsigned full = 0, before;

    setup(16);
    while (svb_clients_count(table) < slots) {
        svb_clients_put(table, id_of(full), nodes[full % 2], SVB_KIND_WEB,
                        t0 + SEC(10));
        full++;
    }
    before = (unsigned)svb_clients_evicted(table);
    svb_records_next_epoch(fleet, nodes[0]);
    svb_clients_put(table, id_of(1000), nodes[2], SVB_KIND_WEB, t0 + SEC(20));
    ck_assert_uint_eq(svb_clients_evicted(table), before);

    /* Nobody is dead now. The doubtful are the latest, and go all the same. */
    for (unsigned i = 0; counted(nodes[3], kind) < 10; i++) {
        svb_clients_put(table, 5000 + i * 0x987654321012345u, nodes[3], kind,
                        t0 + SEC(40));
    }
    for (unsigned i = 2000; svb_clients_count(table) < slots; i++) {
        svb_clients_put(table, id_of(i), nodes[2], SVB_KIND_WEB, t0 + SEC(20));
    }
    before = counted(nodes[1], SVB_KIND_WEB) + counted(nodes[2], SVB_KIND_WEB);
    for (unsigned i = 3000; counted(nodes[3], kind) == 10; i++) {
        svb_clients_put(table, id_of(i), nodes[4], SVB_KIND_WEB, t0 + SEC(50));
        if (counted(nodes[3], kind) == 10) {
            before--; /* none of them was in its three buckets */
            ck_assert_uint_lt(i, 3003);
        }
    }
    ck_assert_uint_eq(counted(nodes[1], SVB_KIND_WEB)
                          + counted(nodes[2], SVB_KIND_WEB),
                      before);
    assert_counts(table, t0 + SEC(50));
}
END_TEST

START_TEST(sweep_corrects_counts)
{
    apr_time_t now = t0 + SEC(1000);
    apr_size_t slice;
    int calls = 0;

    setup(2000);
    for (unsigned i = 0; i < 1000; i++) {
        svb_clients_put(table, id_of(i), nodes[i % 4], SVB_KIND_WEB,
                        t0 + SEC(i));
        svb_clients_put(table, id_of(i + 5000), nodes[i % 4], SVB_KIND_PENDING,
                        t0 + SEC(i));
    }
    svb_records_next_epoch(fleet, nodes[3]);
    /* As if processes had been killed between two steps. */
    svb_records_clients_add(fleet, nodes[0], svb_records_epoch(fleet, nodes[0]),
                            SVB_KIND_WEB, 5);
    svb_records_clients_add(fleet, nodes[1], svb_records_epoch(fleet, nodes[1]),
                            SVB_KIND_WEB, -7);
    svb_records_clients_add(fleet, nodes[3], svb_records_epoch(fleet, nodes[3]),
                            SVB_KIND_SMART, 9);
    slice = svb_clients_buckets(table) / 7;
    while (!svb_clients_sweep(table, slice, now)) {
        calls++;
    }
    ck_assert_int_eq(calls, 7);
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 250);
    ck_assert_uint_eq(counted(nodes[1], SVB_KIND_WEB), 250);
    ck_assert_uint_eq(counted(nodes[3], SVB_KIND_SMART), 0);
    assert_counts(table, now);
}
END_TEST

/* A count that changes while the sweep is under way is right and stays so; one
 * that is further off than that is corrected. */
START_TEST(sweep_leaves_a_busy_count_alone)
{
    apr_size_t half;

    setup(2000);
    for (unsigned i = 0; i < 1000; i++) {
        svb_clients_put(table, id_of(i), nodes[0], SVB_KIND_WEB, t0);
    }
    half = svb_clients_buckets(table) / 2 + 1;
    svb_clients_sweep(table, half, t0);
    for (unsigned i = 0; i < 100; i++) {
        svb_clients_remove(table, id_of(i));
    }
    ck_assert(svb_clients_sweep(table, half, t0));
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 900);

    svb_clients_sweep(table, half, t0);
    for (unsigned i = 100; i < 110; i++) {
        svb_clients_remove(table, id_of(i));
    }
    svb_records_clients_add(fleet, nodes[0], 0, SVB_KIND_WEB, -1);
    svb_records_clients_add(fleet, nodes[0], 0, SVB_KIND_WEB, 1);
    ck_assert(svb_clients_sweep(table, half, t0));
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 890);
    ck_assert(svb_clients_sweep(table, ALL, t0));
    assert_counts(table, t0);

    svb_records_clients_add(fleet, nodes[0], 0, SVB_KIND_WEB, 200);
    svb_clients_sweep(table, half, t0);
    svb_clients_put(table, id_of(5000), nodes[0], SVB_KIND_WEB, t0);
    ck_assert(svb_clients_sweep(table, half, t0));
    ck_assert_uint_le(abs((int)counted(nodes[0], SVB_KIND_WEB) - 891), 1);
    /* A node that goes down meanwhile has no clients, whatever was found. */
    svb_clients_sweep(table, half, t0);
    svb_clients_forget(table, nodes[0]);
    ck_assert(svb_clients_sweep(table, half, t0));
    assert_counts(table, t0);
}
END_TEST

/* What a process that was stopped for long between two steps can do at worst:
 * the tag of another client's slot is overwritten. */
START_TEST(spoilt_slot)
{
    apr_uint64_t *words;

    setup(100);
    svb_clients_put(table, id_of(1), nodes[0], SVB_KIND_WEB, t0);
    svb_clients_put(table, id_of(2), nodes[1], SVB_KIND_WEB, t0);
    for (words = table_mem; *words != id_of(1); words++) {
    }
    *words = id_of(3);
    ck_assert_int_eq(where(id_of(1), t0), -1);
    ck_assert_int_eq(where(id_of(3), t0), -1);
    ck_assert_int_eq(where(id_of(2), t0), nodes[1]);
    ck_assert(svb_clients_sweep(table, ALL, t0));
    ck_assert_uint_eq(words[1], 0);
    assert_counts(table, t0);
    ck_assert_uint_eq(svb_clients_count(table), 1);
}
END_TEST

START_TEST(save_and_restore)
{
    apr_time_t later = t0 + SEC(1000);
    svb_clients *old;
    svb_client client;
    apr_size_t pos = 0;
    unsigned saved = 0;

    setup(1000);
    old = table;
    for (unsigned i = 0; i < 900; i++) {
        svb_clients_put(old, id_of(i), nodes[i % NODES],
                        i % 3 ? SVB_KIND_WEB : SVB_KIND_SMART, t0 - SEC(i));
    }
    /* A graceful restart with a larger table and the same fleet region. */
    table = open_table(zeroed(svb_clients_size(5000)), 5000);
    while (svb_clients_next(old, &pos, t0, &client)) {
        svb_clients_restore(table, &client, later);
        saved++;
    }
    ck_assert_uint_eq(saved, 900 - svb_clients_evicted(old));
    ck_assert(svb_clients_sweep(table, ALL, later));
    assert_counts(table, later);
    for (unsigned i = 0; i < 900; i++) {
        int live = i % 3 == 0 || i <= 800;

        ck_assert_int_eq(where(id_of(i), later), live ? nodes[i % NODES] : -1);
        if (live) {
            svb_clients_find(table, id_of(i), later, &client);
            ck_assert_int_eq(client.seen, t0 - SEC(i));
            ck_assert_int_eq(client.kind,
                             i % 3 ? SVB_KIND_WEB : SVB_KIND_SMART);
        }
    }
}
END_TEST

/* --- a long random run against a plain model --- */

#define CLIENTS 300

static struct {
    int known, node;
    svb_kind kind;
    unsigned epoch;
    apr_time_t seen;
} model[CLIENTS];

static int model_live(int i, apr_time_t now)
{
    return model[i].known
           && model[i].epoch == svb_records_epoch(fleet, model[i].node)
           && apr_time_sec(now) - apr_time_sec(model[i].seen)
                  <= apr_time_sec(timeout(NULL, 0, model[i].kind));
}

static void model_put(int i, int node, svb_kind kind, apr_time_t now)
{
    model[i].known = 1;
    model[i].node = node;
    model[i].kind = kind;
    model[i].epoch = svb_records_epoch(fleet, node);
    model[i].seen = now;
}

static void model_step(apr_time_t now)
{
    int i = rand() % CLIENTS, j = rand() % CLIENTS,
        node = nodes[rand() % NODES];
    svb_kind kind = (svb_kind)(rand() % SVB_KINDS);

    switch (rand() % 20) {
    case 0:
        svb_clients_remove(table, id_of(i));
        model[i].known = 0;
        break;
    case 1:
        svb_clients_rename(table, id_of(i), id_of(j), node, kind, now);
        model[i].known = 0;
        model_put(j, node, kind, now);
        break;
    case 2:
        if (rand() % 50 == 0) {
            svb_records_next_epoch(fleet, node);
        }
        break;
    case 3:
        svb_clients_sweep(table, rand() % 100, now);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        svb_clients_put(table, id_of(i), node, kind, now);
        model_put(i, node, kind, now);
        break;
    default:
        REQUIRE(svb_clients_touch(table, id_of(i), now) == model_live(i, now));
        model[i].seen = model_live(i, now) ? now : model[i].seen;
    }
}

START_TEST(against_a_model)
{
    apr_time_t now = t0;

    setup(1000);
    srand(42 + _i);
    for (int n = 0; n < 100000; n++) {
        int i = rand() % CLIENTS;

        model_step(now);
        now += rand() % 3 ? 0 : SEC(rand() % 8);
        REQUIRE(where(id_of(i), now)
                == (model_live(i, now) ? model[i].node : -1));
        if (n % 5000 == 0) {
            while (!svb_clients_sweep(table, ALL, now)) {
            }
            /* The pass may have begun before; one more is from end to end. */
            ck_assert(svb_clients_sweep(table, ALL, now));
            assert_counts(table, now);
        }
    }
    ck_assert_uint_eq(svb_clients_evicted(table), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("clients");
    TCase *tc = tcase_create("clients");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, memory);
    tcase_add_test(tc, ids_are_keyed);
    tcase_add_test(tc, put_find_move_remove);
    tcase_add_test(tc, pending_and_renamed);
    tcase_add_test(tc, timeouts);
    tcase_add_test(tc, timeouts_at_the_ends);
    tcase_add_test(tc, clock_set_back);
    tcase_add_test(tc, epochs);
    tcase_add_test(tc, filled_to_capacity);
    tcase_add_test(tc, overfull);
    tcase_add_loop_test(tc, who_is_dropped, 0, 2);
    tcase_add_test(tc, sweep_corrects_counts);
    tcase_add_test(tc, sweep_leaves_a_busy_count_alone);
    tcase_add_test(tc, spoilt_slot);
    tcase_add_test(tc, save_and_restore);
    tcase_add_loop_test(tc, against_a_model, 0, 4);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
