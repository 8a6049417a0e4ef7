/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * clients: kinds that come and go by other rules than requests, and what those whom
 * nobody has confirmed may cost the others.
 */
#include "table.h"

static svb_kind kind_of(apr_uint64_t id, apr_time_t now)
{
    svb_client client;

    ck_assert(svb_clients_find(table, id, now, &client));
    return client.kind;
}

static unsigned of_all(svb_kind kind)
{
    unsigned sum = 0;

    for (int i = 0; i < NODES; i++) {
        sum += counted(nodes[i], kind);
    }
    return sum;
}

START_TEST(a_window_makes_it_windowed)
{
    setup(100);
    svb_clients_put(table, id_of(1), nodes[1], SVB_KIND_WEB, t0);
    svb_clients_put(table, id_of(2), nodes[2], SVB_KIND_ASSUMED, t0);
    svb_clients_put(table, id_of(3), nodes[3], SVB_KIND_SMART, t0);
    svb_clients_put(table, id_of(4), nodes[4], SVB_KIND_REMEMBERED, t0);
    for (unsigned i = 1; i <= 4; i++) {
        ck_assert(svb_clients_window(table, id_of(i), nodes[i], t0 + SEC(5)));
    }
    ck_assert(svb_clients_window(table, id_of(5), nodes[5], t0 + SEC(5)));
    ck_assert_int_eq(kind_of(id_of(1), t0 + SEC(5)), SVB_KIND_WINDOWED);
    ck_assert_int_eq(kind_of(id_of(2), t0 + SEC(5)), SVB_KIND_WINDOWED);
    ck_assert_int_eq(kind_of(id_of(3), t0 + SEC(5)), SVB_KIND_SMART);
    ck_assert_int_eq(kind_of(id_of(4), t0 + SEC(5)), SVB_KIND_WINDOWED);
    ck_assert_int_eq(where(id_of(5), t0 + SEC(5)), nodes[5]);
    /* It is where its window is. */
    ck_assert(svb_clients_window(table, id_of(1), nodes[0], t0 + SEC(6)));
    ck_assert_int_eq(where(id_of(1), t0 + SEC(6)), nodes[0]);
    assert_counts(table, t0 + SEC(6));
}
END_TEST

/* Requests do not keep it, a window or a long request does. */
START_TEST(lives_by_its_windows)
{
    apr_time_t end = t0 + SEC(91);

    setup(100);
    svb_clients_window(table, id_of(1), nodes[1], t0);
    ck_assert(svb_clients_touch(table, id_of(1), t0 + SEC(60)));
    ck_assert_int_eq(kind_of(id_of(1), end - SEC(1)), SVB_KIND_WINDOWED);
    ck_assert_int_eq(kind_of(id_of(1), end), SVB_KIND_ENDED);
    ck_assert(svb_clients_hold(table, id_of(1), t0 + SEC(60)));
    ck_assert_int_eq(kind_of(id_of(1), end), SVB_KIND_WINDOWED);
    end += SEC(60);
    ck_assert_int_eq(kind_of(id_of(1), end), SVB_KIND_ENDED);
    /* Its node has ended it by then: what is open now is no sign of it. */
    ck_assert(svb_clients_hold(table, id_of(1), end));
    ck_assert_int_eq(kind_of(id_of(1), end), SVB_KIND_ENDED);
}
END_TEST

/* It is counted until the sweep comes by, and sticks for as long as a session. */
START_TEST(has_ended_then)
{
    apr_time_t end = t0 + SEC(91), last = t0 + SEC(1800);

    setup(100);
    svb_clients_window(table, id_of(1), nodes[1], t0);
    ck_assert_uint_eq(svb_clients_count(table), 1);
    svb_clients_sweep(table, ALL, end);
    ck_assert_uint_eq(svb_clients_count(table), 0);
    assert_counts(table, end);
    ck_assert(svb_clients_remember(table, id_of(1), end));
    ck_assert_int_eq(kind_of(id_of(1), last), SVB_KIND_ENDED);
    ck_assert_int_eq(where(id_of(1), last), nodes[1]);
    ck_assert_int_eq(where(id_of(1), last + SEC(1)), -1);
    svb_clients_sweep(table, ALL, last + SEC(1));
    assert_counts(table, last + SEC(1));
    ck_assert_uint_eq(of_all(SVB_KIND_ENDED), 0);
}
END_TEST

START_TEST(remembered)
{
    setup(100);
    svb_clients_put(table, id_of(1), nodes[1], SVB_KIND_WEB, t0);
    svb_clients_put(table, id_of(2), nodes[2], SVB_KIND_SMART, t0);
    svb_clients_put(table, id_of(3), nodes[3], SVB_KIND_PENDING, t0);
    ck_assert(svb_clients_remember(table, id_of(1), t0 + SEC(9)));
    ck_assert(svb_clients_remember(table, id_of(2), t0 + SEC(9)));
    ck_assert(svb_clients_remember(table, id_of(3), t0 + SEC(9)));
    ck_assert(!svb_clients_remember(table, id_of(4), t0 + SEC(9)));
    ck_assert_int_eq(kind_of(id_of(1), t0 + SEC(9)), SVB_KIND_REMEMBERED);
    ck_assert_int_eq(kind_of(id_of(2), t0 + SEC(9)), SVB_KIND_SMART);
    ck_assert_int_eq(where(id_of(3), t0 + SEC(9)), -1);
    ck_assert_uint_eq(svb_clients_count(table), 1);
    assert_counts(table, t0 + SEC(9));
    /* The new epoch of a node that has lost its clients goes for them, too. */
    svb_records_next_epoch(records, nodes[1]);
    ck_assert_int_eq(where(id_of(1), t0 + SEC(9)), -1);
}
END_TEST

static void fill(svb_kind kind, unsigned from, apr_time_t now)
{
    const unsigned slots = 8 * 4;
    unsigned there = 0;

    for (unsigned i = from; there < slots && i < from + 4000; i++) {
        there = 0;
        svb_clients_put(table, id_of(i), nodes[i % 2], kind, now);
        for (int k = 0; k < SVB_KINDS; k++) {
            there += of_all((svb_kind)k);
        }
    }
    ck_assert_uint_eq(there, slots);
}

static const svb_kind unconfirmed[] = {SVB_KIND_PENDING, SVB_KIND_SMART,
                                       SVB_KIND_ASSUMED, SVB_KIND_REMEMBERED,
                                       SVB_KIND_ENDED};

/* Anybody can make them up. */
START_TEST(nobody_confirmed_goes_for_them)
{
    svb_kind kind = unconfirmed[_i];
    unsigned taken = 0;

    setup(16);
    fill(SVB_KIND_WEB, 0, t0);
    for (unsigned i = 0; i < 1000; i++) {
        taken += (unsigned)svb_clients_put(table, id_of(10000 + i), nodes[3],
                                           kind, t0 + SEC(60));
    }
    ck_assert_uint_eq(taken, 0);
    ck_assert_uint_eq(of_all(SVB_KIND_WEB), 32);
}
END_TEST

/* Those who are only remembered go first, then what nobody has confirmed. */
START_TEST(in_that_order)
{
    setup(16);
    for (unsigned i = 0; i < 8; i++) {
        svb_clients_put(table, id_of(i), nodes[1], SVB_KIND_WEB, t0 + SEC(1));
    }
    fill(SVB_KIND_SMART, 100, t0);
    for (unsigned i = 0; i < 8; i++) {
        ck_assert(svb_clients_remember(table, id_of(i), t0 + SEC(1)));
    }
    for (unsigned i = 2000; of_all(SVB_KIND_REMEMBERED) > 0; i++) {
        unsigned smart = of_all(SVB_KIND_SMART),
                 old = of_all(SVB_KIND_REMEMBERED);

        svb_clients_put(table, id_of(i), nodes[2], SVB_KIND_WEB, t0 + SEC(2));
        ck_assert(of_all(SVB_KIND_REMEMBERED) == old - 1
                  || of_all(SVB_KIND_SMART) == smart - 1);
        ck_assert_uint_lt(i, 2500);
    }
    assert_counts(table, t0 + SEC(2));
}
END_TEST

/* While there is no room, a new one takes the place of its like. */
START_TEST(room_for_them)
{
    _Atomic apr_int64_t room = 8;
    unsigned refused = 0;

    setup(16);
    svb_clients_set_room(table, &room);
    for (unsigned i = 0; i < 500; i++) {
        refused += !svb_clients_put(table, id_of(i), nodes[i % 3],
                                    unconfirmed[i % 3], t0 + SEC(i % 50));
    }
    ck_assert_uint_eq(svb_clients_count(table), 8);
    ck_assert_uint_lt(refused, 300); /* where none of them is in its buckets */
    /* Those who are confirmed have theirs. */
    for (unsigned i = 1000; i < 1016; i++) {
        ck_assert(svb_clients_put(table, id_of(i), nodes[4], SVB_KIND_WEB, t0));
    }
    ck_assert_uint_eq(counted(nodes[4], SVB_KIND_WEB), 16);
    /* What is there already costs nothing. */
    room = 1;
    svb_clients_put(table, id_of(1000), nodes[4], SVB_KIND_ASSUMED, t0);
    ck_assert_int_eq(room, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("kinds");
    TCase *tc = tcase_create("kinds");

    tcase_add_test(tc, a_window_makes_it_windowed);
    tcase_add_test(tc, lives_by_its_windows);
    tcase_add_test(tc, has_ended_then);
    tcase_add_test(tc, remembered);
    tcase_add_loop_test(tc, nobody_confirmed_goes_for_them, 0, 5);
    tcase_add_test(tc, in_that_order);
    tcase_add_test(tc, room_for_them);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
