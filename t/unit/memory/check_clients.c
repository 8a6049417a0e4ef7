/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * clients in one process: what its calls promise, and a full table.
 */
#include "table.h"

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
    svb_clients_open(&clients, table_mem, 100, other, records, pool);
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
    ck_assert(!svb_clients_remove(table, id_of(1), t0));

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

    ck_assert(svb_clients_remove(table, id_of(1), t0));
    ck_assert(!svb_clients_remove(table, id_of(1), t0));
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
    ck_assert_int_eq(where(id_of(3), t0), nodes[3]);
    ck_assert_uint_eq(svb_clients_count(table), 1);
    /* ... and is remembered where it was: it may be another application's. */
    ck_assert_int_eq(where(id_of(1), t0), nodes[2]);
    ck_assert_int_eq(where(id_of(2), t0), nodes[2]);
    ck_assert_uint_eq(counted(nodes[2], SVB_KIND_REMEMBERED), 2);
    /* ... or does not, or from one that is unknown. */
    svb_clients_rename(table, id_of(3), id_of(3), nodes[3], SVB_KIND_WEB, t0);
    svb_clients_rename(table, id_of(8), id_of(9), nodes[4], SVB_KIND_WEB, t0);
    ck_assert_int_eq(where(id_of(3), t0), nodes[3]);
    ck_assert_int_eq(where(id_of(9), t0), nodes[4]);
    /* A request that ends without one. */
    svb_clients_put(table, 77, nodes[2], SVB_KIND_PENDING, t0);
    svb_clients_remove(table, 77, t0);
    ck_assert_uint_eq(svb_clients_count(table), 2);
    assert_counts(table, t0);
}
END_TEST

START_TEST(timeouts)
{
    const int seconds[SVB_KIND_GONE] = {60, 1800, 8 * 3600, 1800,
                                        90, 1800, 1800};

    setup(100);
    for (int kind = 0; kind < SVB_KIND_GONE; kind++) {
        if (kind == SVB_KIND_WINDOWED) {
            continue; /* see check_kinds.c */
        }
        apr_uint64_t id = id_of(kind);
        apr_time_t end = t0 + SEC(seconds[kind]);

        svb_clients_put(table, id, nodes[kind % NODES], kind, t0 + 999999);
        ck_assert_int_eq(where(id, end + 999999), nodes[kind % NODES]);
        ck_assert_int_eq(where(id, end + SEC(1)), -1);
        ck_assert(!svb_clients_touch(table, id, end + SEC(1)));
        /* Seen again in time, it lives on. */
        ck_assert(svb_clients_touch(table, id, end));
        ck_assert_int_eq(where(id, end + SEC(seconds[kind])),
                         nodes[kind % NODES]);
        ck_assert_int_eq(where(id, end + SEC(seconds[kind] + 1)), -1);
    }
    /* The dead are counted until the sweep comes by, and no longer. */
    ck_assert_uint_eq(svb_clients_count(table), SVB_KIND_GONE - 3);
    ck_assert_uint_eq(counted(nodes[5], SVB_KIND_REMEMBERED), 1);
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
    svb_records_next_epoch(records, nodes[0]);
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
    ck_assert(svb_clients_remove(table, id_of(4), t0));
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 1);
    ck_assert_uint_eq(counted(nodes[1], SVB_KIND_WEB), 11);
    assert_counts(table, t0);
    svb_clients_forget(table, nodes[1], t0);
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

/* The capacity is what the table holds, but for the slots that it needs to spare:
 * not half of it. */
START_TEST(holds_what_it_says)
{
    const unsigned capacity = 10000;

    setup(capacity);
    for (unsigned i = 0; i < 4 * capacity; i++) {
        svb_clients_put(table, id_of(i), nodes[i % NODES], SVB_KIND_WEB,
                        t0 + SEC(i / 100));
    }
    ck_assert_uint_ge(svb_clients_count(table), capacity);
    ck_assert_uint_le(svb_clients_count(table), capacity * 3 / 2);
    ck_assert_uint_le(svb_clients_bytes(table), 24 * capacity);
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
    svb_records_next_epoch(records, nodes[0]);
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
            before--; /* none of them was in its four buckets */
            ck_assert_uint_lt(i, 3003);
        }
    }
    ck_assert_uint_eq(counted(nodes[1], SVB_KIND_WEB)
                          + counted(nodes[2], SVB_KIND_WEB),
                      before);
    assert_counts(table, t0 + SEC(50));
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
    tcase_add_test(tc, holds_what_it_says);
    tcase_add_loop_test(tc, who_is_dropped, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
