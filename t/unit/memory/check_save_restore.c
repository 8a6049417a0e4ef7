/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_save: what becomes of a file's nodes and clients in a memory that is not
 * the one they were saved from, at another time.
 */
#include "saved.h"

/* Give the only client another time, in seconds from t0; and load it. */
static void load_seen(world *w, apr_int64_t from_t0)
{
    apr_size_t len;
    unsigned char *data = by_hand(&len);

    put(data + HEADER + NODE + 12, (apr_uint64_t)(apr_time_sec(t0) + from_t0),
        4);
    seal(data, len);
    spew(data, len);
    *w = new_world(10);
    load(w);
    ck_assert_uint_eq(result.clients + result.skipped, 1);
    ck_assert_uint_eq(result.clients, svb_clients_count(w->clients));
}

START_TEST(times)
{
    const apr_int64_t day = 24 * 3600, ghosts[] = {97, 98, 100, 194, 1000};
    svb_client client;
    world w;

    load_seen(&w, -8 * 3600 + 2);
    ck_assert_uint_eq(result.clients, 1);
    load_seen(&w, -8 * 3600 - 2);
    ck_assert_uint_eq(result.skipped, 1);
    load_seen(&w, 60);
    ck_assert(svb_clients_find(w.clients, 0xfedcba9876543210u, t0, &client));
    ck_assert_int_eq(client.seen, SEC(apr_time_sec(t0)));
    load_seen(&w, 400 * day);
    ck_assert(svb_clients_find(w.clients, 0xfedcba9876543210u, t0, &client));
    ck_assert_int_eq(client.seen, SEC(apr_time_sec(t0)));
    /* times that the table's own seconds cannot tell from those of today */
    load_seen(&w, -0x800000);
    ck_assert_uint_eq(result.skipped, 1);
    for (unsigned i = 0; i < COUNT(ghosts); i++) {
        load_seen(&w, -ghosts[i] * day);
        ck_assert_uint_eq(result.skipped, 1);
    }
}
END_TEST

/* A clock that was never set, one beyond the file's seconds. */
START_TEST(odd_clocks)
{
    const apr_time_t clocks[] = {0, SEC(1), SEC(UINT32_MAX), SEC(5000000000)};

    for (int i = 0; i < 4; i++) {
        world a = new_world(10), b = new_world(10);
        int node = svb_records_add(a.records, "servoy", "s1");

        svb_clients_put(a.clients, 7, node, SVB_KIND_WEB, clocks[i]);
        ck_assert_int_eq(save_at(&a, clocks[i]), APR_SUCCESS);
        ck_assert_int_eq(load_at(&b, clocks[i]), APR_SUCCESS);
        ck_assert_uint_eq(result.clients, i < 3);
    }
}
END_TEST

/* ------- into another memory */

START_TEST(a_smaller_table)
{
    world a = new_world(4000), b = new_world(500);
    apr_uint64_t count;

    add_nodes(&a, 5);
    add_clients(&a, 5, 2000);
    save(&a);
    load(&b);
    count = assert_clients(&b, &a);
    ck_assert_uint_eq(count, svb_clients_count(b.clients));
    ck_assert_uint_eq(count, result.clients);
    ck_assert_uint_gt(count, 450);
    ck_assert_uint_eq(result.clients + result.skipped, 2000);
}
END_TEST

START_TEST(other_nodes)
{
    world a = new_world(100), b = new_world(100);
    int other;

    add_nodes(&a, 3);
    add_clients(&a, 3, 30);
    save(&a);
    other = svb_records_add(b.records, "servoy", "new");
    svb_records_set(b.records, other, SVB_WORD_ADMIN, 77);
    ck_assert_int_ge(svb_records_add(b.records, "servoy", "r2"), 0);
    load(&b);
    ck_assert_uint_eq(result.nodes, 3);
    ck_assert_uint_eq(result.clients, 30);
    assert_nodes(&a, &b);
    assert_clients(&a, &b);
    ck_assert_uint_eq(svb_records_get(b.records, other, SVB_WORD_ADMIN), 77);
}
END_TEST

static void fill(world *w, int n)
{
    for (int i = 0; i < n; i++) {
        ck_assert_int_ge(
            svb_records_add(w->records, "full", apr_psprintf(pool, "n%d", i)),
            0);
    }
}

START_TEST(full_records)
{
    world a = new_world(100), b = new_world(100);

    add_nodes(&a, 3);
    add_clients(&a, 3, 30);
    save(&a);
    fill(&b, SVB_RECORDS_MAX - 1);
    svb_records_add(b.records, "servoy", "r2");
    load(&b);
    ck_assert_uint_eq(result.nodes, 1);
    ck_assert_uint_eq(result.nodes_skipped, 2);
    ck_assert_uint_eq(result.clients, 10);
    ck_assert_uint_eq(result.skipped, 20);
    ck_assert_uint_eq(assert_clients(&b, &a), 10);
}
END_TEST

START_TEST(nodes_of_long_ago)
{
    world a = new_world(100), b = new_world(100);
    int node = -1;

    for (int i = 0; i < 5; i++) {
        const char *route = apr_psprintf(pool, "old%d", i);

        node = svb_records_add(a.records, "servoy", route);
        svb_records_count(a.records, node, SVB_CTR_STICKY);
        if (i == 3) {
            svb_records_set(a.records, node, SVB_WORD_ADMIN, 1);
        }
    }
    svb_clients_put(a.clients, 7, node, SVB_KIND_WEB, t0);
    save(&a);
    fill(&b, SVB_RECORDS_MAX / 2 - 1);
    load(&b);
    ck_assert_uint_eq(result.nodes, 3);
    ck_assert_uint_eq(result.nodes_skipped, 2);
    ck_assert_int_ge(svb_records_find(b.records, "servoy", "old3"), 0);
    ck_assert_int_ge(svb_records_find(b.records, "servoy", "old4"), 0);
    ck_assert_uint_eq(result.clients, 1);
}
END_TEST

/* Twice the same file, into the same memory. */
START_TEST(again)
{
    world w;
    apr_size_t len;

    small_file(&w, &len);
    load(&w);
    ck_assert_uint_eq(result.clients, 3);
    load(&w);
    ck_assert_uint_eq(result.nodes, 2);
    ck_assert_uint_eq(result.clients, 0);
    ck_assert_uint_eq(result.skipped, 3);
    ck_assert_uint_eq(svb_clients_count(w.clients), 3);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, times);
    tcase_add_test(tc, odd_clocks);
    tcase_add_test(tc, a_smaller_table);
    tcase_add_test(tc, other_nodes);
    tcase_add_test(tc, full_records);
    tcase_add_test(tc, nodes_of_long_ago);
    tcase_add_test(tc, again);
}

int main(void)
{
    return run_saved("save_restore", add_tests);
}
