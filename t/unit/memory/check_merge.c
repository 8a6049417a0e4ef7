/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * clients: what others are told of, what they tell, and what it is like while they do not.
 */
#include "table.h"

/* What was told, the last first. */
static struct {
    apr_uint64_t id;
    svb_change what;
} told[4096];
static int n_told;

static void tell(void *baton, apr_uint64_t id, svb_change what)
{
    (void)baton;
    ck_assert_int_lt(n_told, COUNT(told));
    told[n_told].id = id;
    told[n_told++].what = what;
}

static _Atomic int periods = SVB_JOURNAL_PERIODS;
static const svb_journal journal = {tell, NULL, &periods};

static apr_interval_time_t shared_timeout(void *baton, int node, svb_kind kind)
{
    return kind == SVB_KIND_GONE ? SEC(224) : timeout(baton, node, kind);
}

static void shared_setup(void)
{
    setup(1000);
    svb_clients_set_timeout(table, shared_timeout, NULL);
    svb_clients_set_journal(table, &journal);
}

static int was_told(apr_uint64_t id, svb_change what)
{
    int was = n_told == 1 && told[0].id == id && told[0].what == what;

    n_told = 0;
    return was;
}

START_TEST(changes)
{
    svb_clients_put(table, id_of(1), nodes[1], SVB_KIND_WEB, t0);
    ck_assert(was_told(id_of(1), SVB_CHANGE_PUT));
    svb_clients_put(table, id_of(1), nodes[2], SVB_KIND_WEB, t0);
    ck_assert(was_told(id_of(1), SVB_CHANGE_PUT));
    svb_clients_window(table, id_of(1), nodes[2], t0);
    ck_assert(was_told(id_of(1), SVB_CHANGE_PUT));
    svb_clients_remember(table, id_of(1), t0);
    ck_assert(was_told(id_of(1), SVB_CHANGE_PUT));
    svb_clients_remove(table, id_of(1), t0);
    ck_assert(was_told(id_of(1), SVB_CHANGE_GONE));
    svb_clients_put(table, id_of(2), nodes[1], SVB_KIND_PENDING, t0);
    ck_assert(was_told(id_of(2), SVB_CHANGE_PUT));
    svb_clients_rename(table, id_of(2), id_of(3), nodes[1], SVB_KIND_WEB, t0);
    ck_assert_int_eq(n_told, 2);
    ck_assert(told[0].id == id_of(3) && told[0].what == SVB_CHANGE_PUT);
    ck_assert(told[1].id == id_of(2) && told[1].what == SVB_CHANGE_GONE);
}
END_TEST

/* 16 times in its lifetime, elsewhere for each; within the second nothing is written, and
 * nobody told. */
START_TEST(touches)
{
    int in[2] = {0};

    for (unsigned i = 0; i < 100; i++) {
        svb_clients_put(table, id_of(i), nodes[1], SVB_KIND_WEB, t0);
    }
    n_told = 0;
    for (int s = 1; s <= 224; s++) {
        for (unsigned i = 0; i < 100; i++) {
            svb_clients_touch(table, id_of(i), t0 + SEC(s));
            svb_clients_touch(table, id_of(i), t0 + SEC(s) + 1);
        }
        in[s > 112] += n_told;
        ck_assert_int_lt(n_told, 10);
        n_told = 0;
    }
    ck_assert_int_eq(in[0], 100);
    ck_assert_int_eq(in[1], 100);
    periods = 4;
    for (int s = 225; s <= 224 + 450; s++) {
        for (unsigned i = 0; i < 100; i++) {
            svb_clients_touch(table, id_of(i), t0 + SEC(s));
        }
    }
    ck_assert_int_eq(n_told, 100);
}
END_TEST

/* One that lives by its windows lives 90 s. */
START_TEST(open_windows)
{
    svb_clients_window(table, id_of(1), nodes[1], t0);
    n_told = 0;
    for (int s = 1; s <= 22 * 5; s++) {
        svb_clients_hold(table, id_of(1), t0 + SEC(s));
    }
    ck_assert_int_eq(n_told, 5);
}
END_TEST

static int merge(apr_uint64_t id, int node, svb_kind kind, apr_time_t seen,
                 apr_time_t now)
{
    svb_client client = {id, node, kind, seen};
    int changed = svb_clients_merge(table, &client, SVB_MERGE_STAYS, now);

    ck_assert_int_eq(n_told, 0);
    return changed;
}

static svb_client trace_of(apr_uint64_t id, apr_time_t now)
{
    svb_client client = {0};

    ck_assert(svb_clients_trace(table, id, now, &client));
    return client;
}

START_TEST(later_wins)
{
    apr_time_t now = t0 + SEC(100);

    ck_assert(merge(id_of(1), nodes[1], SVB_KIND_WEB, t0 + SEC(50), now));
    ck_assert_int_eq(where(id_of(1), now), nodes[1]);
    ck_assert_int_eq(trace_of(id_of(1), now).seen, t0 + SEC(50));
    ck_assert(!merge(id_of(1), nodes[2], SVB_KIND_WEB, t0 + SEC(49), now));
    ck_assert_int_eq(where(id_of(1), now), nodes[1]);
    ck_assert(merge(id_of(1), nodes[2], SVB_KIND_WEB, t0 + SEC(51), now));
    ck_assert_int_eq(where(id_of(1), now), nodes[2]);
    svb_clients_touch(table, id_of(1), now);
    n_told = 0;
    ck_assert(!merge(id_of(1), nodes[3], SVB_KIND_WEB, t0 + SEC(99), now));
    ck_assert(!merge(id_of(2), nodes[3], SVB_KIND_WEB, now - SEC(1801), now));
    ck_assert(merge(id_of(2), nodes[3], SVB_KIND_WEB, now - SEC(1799), now));
    assert_counts(table, now);
}
END_TEST

/* Whoever hears of what first, all come to the same kind; and to the node that it was put
 * to. */
START_TEST(in_the_same_second)
{
    static const svb_kind kinds[] = {
        SVB_KIND_PENDING,  SVB_KIND_ASSUMED,    SVB_KIND_SMART, SVB_KIND_WEB,
        SVB_KIND_WINDOWED, SVB_KIND_REMEMBERED, SVB_KIND_GONE};
    unsigned next = 1;

    for (int i = 0; i < COUNT(kinds); i++) {
        for (int k = 0; k < COUNT(kinds); k++, next += 2) {
            svb_client a, b;

            merge(id_of(next), nodes[1], kinds[i], t0, t0);
            merge(id_of(next), nodes[2], kinds[k], t0, t0);
            merge(id_of(next + 1), nodes[2], kinds[k], t0, t0);
            merge(id_of(next + 1), nodes[1], kinds[i], t0, t0);
            a = trace_of(id_of(next), t0);
            b = trace_of(id_of(next + 1), t0);
            ck_assert_int_eq(a.kind, b.kind);
            ck_assert_int_eq(a.kind, kinds[i > k ? i : k]);
        }
    }
    assert_counts(table, t0);
}
END_TEST

START_TEST(moved_in_the_same_second)
{
    svb_client x = {id_of(1), nodes[1], SVB_KIND_WEB, t0};
    svb_client y = {id_of(1), nodes[2], SVB_KIND_WEB, t0};

    ck_assert(svb_clients_merge(table, &x, 0, t0));
    ck_assert(!svb_clients_merge(table, &y, 0, t0));
    ck_assert(svb_clients_merge(table, &y, SVB_MERGE_PUT, t0));
    ck_assert(!svb_clients_merge(table, &x, 0, t0));
    ck_assert_int_eq(where(id_of(1), t0), nodes[2]);
}
END_TEST

/* What was seen of it before does not bring it back; what is seen later does. */
START_TEST(gone)
{
    svb_clients_put(table, id_of(1), nodes[1], SVB_KIND_WEB, t0);
    svb_clients_remove(table, id_of(1), t0 + SEC(10));
    n_told = 0;
    ck_assert_int_eq(where(id_of(1), t0 + SEC(10)), -1);
    ck_assert(!svb_clients_touch(table, id_of(1), t0 + SEC(10)));
    ck_assert_uint_eq(svb_clients_count(table), 0);
    ck_assert(
        !merge(id_of(1), nodes[1], SVB_KIND_WEB, t0 + SEC(9), t0 + SEC(11)));
    ck_assert_int_eq(trace_of(id_of(1), t0 + SEC(11)).kind, SVB_KIND_GONE);
    ck_assert(
        merge(id_of(1), nodes[1], SVB_KIND_WEB, t0 + SEC(11), t0 + SEC(11)));
    ck_assert_int_eq(where(id_of(1), t0 + SEC(11)), nodes[1]);
    ck_assert(
        merge(id_of(1), nodes[1], SVB_KIND_GONE, t0 + SEC(11), t0 + SEC(11)));
    ck_assert_int_eq(where(id_of(1), t0 + SEC(11)), -1);
    /* Of one that was not known, likewise. */
    ck_assert(merge(id_of(2), nodes[1], SVB_KIND_GONE, t0, t0));
    ck_assert(!merge(id_of(2), nodes[1], SVB_KIND_WEB, t0, t0));
    assert_counts(table, t0 + SEC(11));
    /* It is forgotten in the end, and nobody is shown it. */
    {
        apr_size_t pos = 0;
        svb_client client;

        ck_assert(!svb_clients_next(table, &pos, t0 + SEC(11), &client));
    }
    ck_assert_uint_eq(counted(nodes[1], SVB_KIND_GONE), 2);
    svb_clients_sweep(table, ALL, t0 + SEC(300));
    ck_assert_uint_eq(counted(nodes[1], SVB_KIND_GONE), 0);
    ck_assert(merge(id_of(2), nodes[1], SVB_KIND_WEB, t0, t0 + SEC(300)));
}
END_TEST

START_TEST(gone_and_nothing_stays)
{
    svb_client client = {id_of(1), 0, SVB_KIND_GONE, t0};

    ck_assert(!svb_clients_merge(table, &client, 0, t0));
    merge(id_of(1), nodes[1], SVB_KIND_PENDING, t0, t0);
    ck_assert(svb_clients_merge(table, &client, 0, t0));
    ck_assert(!svb_clients_trace(table, id_of(1), t0, &client));
    assert_counts(table, t0);
}
END_TEST

START_TEST(of_a_node_that_has_lost_them)
{
    svb_clients_forget(table, nodes[1], t0 + SEC(10) + 5);
    ck_assert(
        !merge(id_of(1), nodes[1], SVB_KIND_WEB, t0 + SEC(10), t0 + SEC(12)));
    ck_assert(
        merge(id_of(1), nodes[2], SVB_KIND_WEB, t0 + SEC(10), t0 + SEC(12)));
    ck_assert(
        merge(id_of(1), nodes[1], SVB_KIND_WEB, t0 + SEC(11), t0 + SEC(12)));
    ck_assert_int_eq(where(id_of(1), t0 + SEC(12)), nodes[1]);
}
END_TEST

/* While others do not tell, those that they may have seen do not end. */
START_TEST(frozen)
{
    _Atomic apr_time_t at = 0;
    const apr_time_t late = t0 + SEC(1900);

    svb_clients_set_frozen(table, &at);
    for (unsigned i = 1; i <= 3; i++) {
        svb_clients_put(table, id_of(i), nodes[i], SVB_KIND_WEB, t0);
    }
    svb_clients_window(table, id_of(4), nodes[4], t0);
    svb_clients_put(table, id_of(6), nodes[3], SVB_KIND_WEB, t0 + SEC(80));
    at = t0 + SEC(80);
    svb_clients_touch(table, id_of(2), t0 + SEC(90));
    svb_clients_put(table, id_of(5), nodes[5], SVB_KIND_WEB, t0 + SEC(90));
    /* Those seen since do, as ever. */
    ck_assert_int_eq(where(id_of(5), late - SEC(10)), nodes[5]);
    ck_assert_int_eq(where(id_of(2), late - SEC(9)), -1);
    ck_assert_int_eq(where(id_of(5), late - SEC(9)), -1);
    svb_clients_sweep(table, ALL, late);
    ck_assert_int_eq(where(id_of(1), late), nodes[1]);
    /* In the second of the loss is before it, as far as anybody knows. */
    ck_assert_int_eq(where(id_of(6), late), nodes[3]);
    ck_assert_int_eq(trace_of(id_of(4), late).kind, SVB_KIND_WINDOWED);
    at = 0;
    ck_assert_int_eq(where(id_of(1), late), -1);
    svb_clients_sweep(table, ALL, late);
    assert_counts(table, late);
    ck_assert_uint_eq(svb_clients_count(table), 0);
}
END_TEST

/* They are no clients, but elections count them. */
START_TEST(expected)
{
    svb_records_clients_add(records, nodes[1], 0, SVB_KIND_EXPECTED, 3);
    ck_assert_uint_eq(svb_records_clients_all(records, nodes[1]), 3);
    ck_assert_uint_eq(svb_clients_count(table), 0);
    svb_clients_sweep(table, ALL, t0);
    ck_assert_uint_eq(counted(nodes[1], SVB_KIND_EXPECTED), 3);
    svb_clients_forget(table, nodes[1], t0);
    ck_assert_uint_eq(svb_records_clients_all(records, nodes[1]), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("merge");
    TCase *tc = tcase_create("merge");

    tcase_add_checked_fixture(tc, shared_setup, NULL);
    tcase_add_test(tc, changes);
    tcase_add_test(tc, touches);
    tcase_add_test(tc, open_windows);
    tcase_add_test(tc, later_wins);
    tcase_add_test(tc, in_the_same_second);
    tcase_add_test(tc, moved_in_the_same_second);
    tcase_add_test(tc, gone);
    tcase_add_test(tc, gone_and_nothing_stays);
    tcase_add_test(tc, of_a_node_that_has_lost_them);
    tcase_add_test(tc, frozen);
    tcase_add_test(tc, expected);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
