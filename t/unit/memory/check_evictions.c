/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * evictions: each is told of once, and not too often; a new table has none.
 */
#include "memory/evictions.h"
#include "table.h"

START_TEST(told_once)
{
    svb_evictions e = {0};

    ck_assert_uint_eq(svb_evictions_to_tell(&e, t0), 0);
    svb_evictions_add(&e, SVB_KIND_WEB, t0);
    svb_evictions_add(&e, SVB_KIND_WEB, t0 + SEC(1));
    ck_assert_int_eq(e.at, t0 + SEC(1));
    ck_assert_uint_eq(svb_evictions_to_tell(&e, t0 + SEC(2)), 2);
    ck_assert_uint_eq(svb_evictions_to_tell(&e, t0 + SEC(2)), 0);
    ck_assert_uint_eq(svb_evictions_to_tell(&e, t0 + SEC(3600)), 0);
}
END_TEST

START_TEST(once_a_minute)
{
    svb_evictions e = {0};

    svb_evictions_add(&e, SVB_KIND_WEB, t0);
    ck_assert_uint_eq(svb_evictions_to_tell(&e, t0), 1);
    svb_evictions_add(&e, SVB_KIND_WEB, t0 + SEC(30));
    ck_assert_uint_eq(svb_evictions_to_tell(&e, t0 + SEC(59)), 0);
    ck_assert_uint_eq(svb_evictions_to_tell(&e, t0 + SEC(60)), 2);
    /* Set back, the clock does not keep it silent. */
    svb_evictions_add(&e, SVB_KIND_WEB, t0 - SEC(7200));
    ck_assert_uint_eq(svb_evictions_to_tell(&e, t0 - SEC(7200)), 3);
}
END_TEST

/* Who waits for a table that would know everybody has to wait on. */
START_TEST(of_what)
{
    svb_evictions e = {0};

    svb_evictions_add(&e, SVB_KIND_PENDING, t0 + SEC(1));
    ck_assert_int_eq(e.session_at, 0);
    ck_assert_int_eq(e.launch_at, 0);
    svb_evictions_add(&e, SVB_KIND_SMART, t0 + SEC(2));
    ck_assert_int_eq(e.session_at, 0);
    ck_assert_int_eq(e.launch_at, t0 + SEC(2));
    ck_assert_int_eq(e.count, 2);
    svb_evictions_add(&e, SVB_KIND_REMEMBERED, t0 + SEC(3));
    ck_assert_int_eq(e.session_at, t0 + SEC(3));
    ck_assert_int_eq(e.count, 2);
    ck_assert_int_eq(e.at, t0 + SEC(2));
    svb_evictions_add(&e, SVB_KIND_ASSUMED, t0 + SEC(4));
    ck_assert_int_eq(e.session_at, t0 + SEC(4));
    ck_assert_int_eq(e.at, t0 + SEC(4));
}
END_TEST

START_TEST(of_one_table)
{
    const unsigned capacity = 100;
    svb_clients *small, *large;

    setup(capacity);
    small = table;
    for (unsigned i = 0; i < 5 * capacity; i++) {
        svb_clients_put(small, id_of(i), nodes[0], SVB_KIND_WEB, t0 + SEC(i));
    }
    large = open_table(zeroed(svb_clients_size(10 * capacity)), 10 * capacity);
    ck_assert_uint_gt(svb_clients_evicted(small), 0);
    ck_assert_int_eq(svb_clients_evictions(small)->at,
                     t0 + SEC(5 * capacity - 1));
    ck_assert_uint_eq(svb_clients_evicted(large), 0);
    ck_assert_int_eq(svb_clients_evictions(large)->at, 0);
    /* Another handle on the same table, as after a restart, knows what was told. */
    ck_assert_uint_gt(
        svb_evictions_to_tell(svb_clients_evictions(small), t0 + SEC(1000)), 0);
    small = open_table(table_mem, capacity);
    ck_assert_uint_eq(
        svb_evictions_to_tell(svb_clients_evictions(small), t0 + SEC(2000)), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("evictions");
    TCase *tc = tcase_create("evictions");

    tcase_add_test(tc, told_once);
    tcase_add_test(tc, once_a_minute);
    tcase_add_test(tc, of_what);
    tcase_add_test(tc, of_one_table);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
