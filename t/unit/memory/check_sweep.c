/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * clients: what the sweep makes of counts and of what the dead have left, and how
 * clients move to another table.
 */
#include "table.h"

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
    svb_records_next_epoch(records, nodes[3]);
    /* As if processes had been killed between two steps. */
    svb_records_clients_add(records, nodes[0],
                            svb_records_epoch(records, nodes[0]), SVB_KIND_WEB,
                            5);
    svb_records_clients_add(records, nodes[1],
                            svb_records_epoch(records, nodes[1]), SVB_KIND_WEB,
                            -7);
    svb_records_clients_add(records, nodes[3],
                            svb_records_epoch(records, nodes[3]),
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
        svb_clients_remove(table, id_of(i), t0);
    }
    ck_assert(svb_clients_sweep(table, half, t0));
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 900);

    svb_clients_sweep(table, half, t0);
    for (unsigned i = 100; i < 110; i++) {
        svb_clients_remove(table, id_of(i), t0);
    }
    svb_records_clients_add(records, nodes[0], 0, SVB_KIND_WEB, -1);
    svb_records_clients_add(records, nodes[0], 0, SVB_KIND_WEB, 1);
    ck_assert(svb_clients_sweep(table, half, t0));
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 890);
    ck_assert(svb_clients_sweep(table, ALL, t0));
    assert_counts(table, t0);

    svb_records_clients_add(records, nodes[0], 0, SVB_KIND_WEB, 200);
    svb_clients_sweep(table, half, t0);
    svb_clients_put(table, id_of(5000), nodes[0], SVB_KIND_WEB, t0);
    ck_assert(svb_clients_sweep(table, half, t0));
    ck_assert_uint_le(abs((int)counted(nodes[0], SVB_KIND_WEB) - 891), 1);
    /* A node that goes down meanwhile has no clients, whatever was found. */
    svb_clients_sweep(table, half, t0);
    svb_clients_forget(table, nodes[0], t0);
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
    /* A graceful restart with a larger table and the same records region. */
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

/* A pass that the parent has begun is no business of a child's: its marks are of
 * before, and what it has counted is not there any more. */
START_TEST(pass_begun_before_the_fork)
{
    const unsigned clients = 262144;
    apr_size_t quarter;

    setup(clients);
    quarter = svb_clients_buckets(table) / 4;
    ck_assert(!svb_clients_sweep(table, quarter, t0));
    /* Now we are the child, which says so, and the clients come. */
    svb_clients_begin_pass(table);
    for (unsigned i = 0; i < clients; i++) {
        svb_clients_put(table, id_of(i), nodes[0], SVB_KIND_WEB, t0);
    }
    while (!svb_clients_sweep(table, quarter, t0 + SEC(1))) {
    }
    ck_assert_uint_ge(counted(nodes[0], SVB_KIND_WEB), clients - 2);
    assert_counts(table, t0 + SEC(1));
}
END_TEST

/* Nor is it where the child sweeps at once, and so much has happened that the marks
 * look like those of now. */
START_TEST(pass_begun_afresh)
{
    apr_size_t half;

    setup(2000);
    half = svb_clients_buckets(table) / 2 + 1;
    ck_assert(!svb_clients_sweep(table, half, t0));
    svb_clients_begin_pass(table);
    for (unsigned i = 0; i < 1000; i++) {
        svb_clients_put(table, id_of(i), nodes[0], SVB_KIND_WEB, t0);
    }
    for (unsigned i = 0; i < (1 << 20) - 500; i++) {
        svb_records_clients_add(records, nodes[0], 0, SVB_KIND_WEB, 1);
        svb_records_clients_add(records, nodes[0], 0, SVB_KIND_WEB, -1);
    }
    ck_assert(!svb_clients_sweep(table, half, t0));
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 1000);
    ck_assert(svb_clients_sweep(table, half, t0));
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 1000);
}
END_TEST

/* The same without a fork: as many changes within a pass as the machine can make
 * in a second change nothing. */
START_TEST(many_changes_within_a_pass)
{
    const unsigned clients = 262144;
    apr_size_t quarter;

    setup(clients);
    quarter = svb_clients_buckets(table) / 4;
    svb_clients_sweep(table, quarter, t0);
    for (unsigned i = 0; i < clients; i++) {
        svb_clients_put(table, id_of(i), nodes[0], SVB_KIND_WEB, t0);
    }
    while (!svb_clients_sweep(table, quarter, t0 + SEC(1))) {
    }
    ck_assert_uint_ge(counted(nodes[0], SVB_KIND_WEB), clients - 2);
}
END_TEST

/* Nor is a pass any good that another process has overtaken while ours had to
 * pause, or that the clock was set back in. */
START_TEST(pass_with_a_pause)
{
    static const int pauses[] = {11, -3600};
    apr_size_t half;

    setup(2000);
    for (unsigned i = 0; i < 1000; i++) {
        svb_clients_put(table, id_of(i), nodes[0], SVB_KIND_WEB, t0);
    }
    half = svb_clients_buckets(table) / 2 + 1;
    ck_assert(!svb_clients_sweep(table, half, t0));
    /* Counts as they are after so many changes that none can be seen. */
    for (unsigned i = 0; i < 1 << 20; i++) {
        svb_records_clients_add(records, nodes[0], 0, SVB_KIND_WEB, 1);
        svb_records_clients_add(records, nodes[0], 0, SVB_KIND_WEB, -1);
    }
    for (unsigned i = 1000; i < 1500; i++) {
        svb_clients_put(table, id_of(i), nodes[0], SVB_KIND_WEB, t0);
        svb_records_clients_add(records, nodes[1], 0, SVB_KIND_WEB, 0);
    }
    ck_assert(!svb_clients_sweep(table, half, t0 + SEC(pauses[_i])));
    ck_assert(svb_clients_sweep(table, half, t0 + SEC(pauses[_i])));
    ck_assert_uint_eq(counted(nodes[0], SVB_KIND_WEB), 1500);
}
END_TEST

/* A client that was not put back is not said to be there. */
START_TEST(restore_says_what_it_did)
{
    svb_client client = {0, 0, SVB_KIND_WEB, t0};

    setup(100);
    client.id = id_of(1);
    client.node = nodes[0];
    ck_assert(!svb_clients_restore(table, &client, t0 + SEC(1802)));
    ck_assert_int_eq(where(id_of(1), t0), -1);
    ck_assert(svb_clients_restore(table, &client, t0 + SEC(1800)));
    ck_assert_int_eq(where(id_of(1), t0), nodes[0]);
    /* It is here, and was seen later. */
    client.seen = t0 - SEC(5);
    ck_assert(svb_clients_restore(table, &client, t0));
    svb_clients_find(table, id_of(1), t0, &client);
    ck_assert_int_eq(client.seen, t0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sweep");
    TCase *tc = tcase_create("sweep");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, sweep_corrects_counts);
    tcase_add_test(tc, sweep_leaves_a_busy_count_alone);
    tcase_add_test(tc, spoilt_slot);
    tcase_add_test(tc, save_and_restore);
    tcase_add_test(tc, pass_begun_before_the_fork);
    tcase_add_test(tc, pass_begun_afresh);
    tcase_add_test(tc, many_changes_within_a_pass);
    tcase_add_loop_test(tc, pass_with_a_pause, 0, 2);
    tcase_add_test(tc, restore_says_what_it_did);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
