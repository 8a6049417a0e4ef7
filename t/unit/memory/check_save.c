/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_save: what is written is read again, and the file's bytes are those that
 * memory/save.h tells.
 */
#include "saved.h"

static void round_trip(unsigned nodes, unsigned clients, apr_size_t capacity)
{
    world a = new_world(2 * clients + 10), b = new_world(capacity);
    add_nodes(&a, nodes);
    /* another place for the rest */
    svb_records_add(b.records, "servoy", "first");
    if (nodes) {
        add_clients(&a, nodes, clients);
    }
    ck_assert_uint_eq(svb_clients_count(a.clients), clients);
    save(&a);
    load(&b);
    ck_assert_mem_eq(found.secret, secret, sizeof(found.secret));
    ck_assert_int_eq(found.saved, t0);
    ck_assert_uint_eq(found.number, 7);
    ck_assert_uint_eq(result.nodes, nodes);
    ck_assert_uint_eq(result.nodes_skipped, 0);
    ck_assert_uint_eq(result.clients, clients);
    ck_assert_uint_eq(result.skipped, 0);
    ck_assert_uint_eq(svb_clients_count(b.clients), clients);
    assert_nodes(&a, &b);
    ck_assert_uint_eq(assert_clients(&a, &b), clients);
    ck_assert_uint_eq(assert_clients(&b, &a), clients);
    end_world(&a);
    end_world(&b);
}

static svb_history *new_history(void)
{
    svb_history *history;

    svb_history_open(&history, zeroed(svb_history_size()), pool);
    return history;
}

START_TEST(round_trips)
{
    round_trip(0, 0, 10);
    round_trip(1, 0, 10);
    round_trip(1, 1, 10);
    round_trip(7, 100, 150);
    round_trip(1000, 5000, 7000);
    round_trip(SVB_RECORDS_MAX - 1, 100, 150);
    /* the content ends where a block does */
    round_trip(2, (2 * 8192 - HEADER - 2 * NODE - 8) / CLIENT, 2000);
    round_trip(2, (2 * 8192 - HEADER - 2 * NODE - 8) / CLIENT + 1, 2000);
}
END_TEST

START_TEST(many_clients)
{
    round_trip(10, 100000, 130000);
}
END_TEST

/* ------- the layout */

START_TEST(layout)
{
    world w = new_world(10);
    apr_size_t len, got;
    unsigned char *data = by_hand(&len), *written;
    int node = svb_records_add(w.records, "servoy", "s1");

    svb_records_set(w.records, node, SVB_WORD_ADMIN, 0x1122334455667788u);
    svb_records_say(w.records, node, "drained by somebody");
    for (unsigned i = 0; i < 3; i++) {
        svb_records_set(w.records, node, SVB_WORD_SAID_AT + i, 2000 + i);
    }
    for (unsigned i = 0; i < SVB_COUNTERS; i++) {
        svb_records_set_counter(w.records, node, i, 1000 + i);
    }
    svb_clients_put(w.clients, 0xfedcba9876543210u, node, SVB_KIND_SMART,
                    t0 - SEC(7));
    /* not in the file: expired, pending, of an epoch that has ended */
    svb_clients_put(w.clients, 5, node, SVB_KIND_WEB, t0 - SEC(1802));
    svb_clients_put(w.clients, 6, node, SVB_KIND_PENDING, t0);
    save(&w);
    written = slurp(&got);
    ck_assert_uint_eq(got, len);
    ck_assert_mem_eq(written, data, len);
}
END_TEST

/* What version 0.1 has left. */
START_TEST(version_1)
{
    world w = new_world(10);
    apr_size_t len;
    unsigned char *data = by_hand_in(1, &len);
    svb_client client;
    int node;

    ck_assert_uint_eq(len, 40 + 192 + CLIENT + TRAILER);
    spew(data, len);
    load(&w);
    ck_assert_int_eq(found.saved, t0);
    ck_assert_uint_eq(found.number, 0);
    ck_assert_int_eq(found.known_since, 0);
    ck_assert_int_eq(found.evicted_at, 0);
    ck_assert_uint_eq(result.clients, 1);
    ck_assert(svb_clients_find(w.clients, 0xfedcba9876543210u, t0, &client));
    node = svb_records_find(w.records, "servoy", "s1");
    ck_assert_uint_eq(svb_records_get(w.records, node, SVB_WORD_ADMIN),
                      0x1122334455667788u);
    ck_assert_uint_eq(svb_records_counter(w.records, node, 6), 1006);
}
END_TEST

/* One that no front end has shared with. */
START_TEST(version_2)
{
    world w = new_world(10);
    apr_size_t len;
    unsigned char *data = by_hand_in(2, &len);
    int node = svb_records_add(w.records, "servoy", "s1");
    char said[SVB_RECORDS_TEXT + 1];

    ck_assert_uint_eq(len, 64 + 312 + CLIENT + TRAILER);
    svb_records_set(w.records, node, SVB_WORD_SAID_AT, 5);
    spew(data, len);
    load(&w);
    ck_assert_uint_eq(found.number, 7);
    ck_assert_uint_eq(result.clients, 1);
    svb_records_said(w.records, node, said);
    ck_assert_str_eq(said, "drained by somebody");
    ck_assert_uint_eq(svb_records_get(w.records, node, SVB_WORD_SAID_AT), 0);
}
END_TEST

/* One without a history. */
START_TEST(version_3)
{
    world w = new_world(10);
    apr_size_t len;
    unsigned char *data = by_hand_in(3, &len);
    unsigned hour[SVB_HISTORY_HOUR];
    int node = svb_records_add(w.records, "servoy", "s1");

    ck_assert_uint_eq(len, 64 + 336 + CLIENT + TRAILER);
    w.history = new_history();
    spew(data, len);
    load(&w);
    ck_assert_uint_eq(result.clients, 1);
    ck_assert_uint_eq(svb_records_get(w.records, node, SVB_WORD_SAID_AT), 2000);
    ck_assert_int_eq(svb_history_hour(w.history, w.records, node, t0, hour), 0);
}
END_TEST

/* An hour of samples, and what a fleet has counted. */
START_TEST(history)
{
    world a = new_world(10), b = new_world(10);
    unsigned hour[SVB_HISTORY_HOUR], week[SVB_HISTORY_WEEK];
    int node = svb_records_add(a.records, "servoy", "s1"), other, fleet;

    a.history = new_history();
    b.history = new_history();
    svb_clients_put(a.clients, 7, node, SVB_KIND_WEB, t0);
    fleet = svb_records_fleet(a.records, "servoy");
    svb_history_take(a.history, a.records, t0 - SEC(1210));
    svb_records_fleet_count(a.records, fleet, SVB_FLEET_REFUSED);
    svb_records_count(a.records, node, SVB_CTR_ERRORS);
    svb_history_take(a.history, a.records, t0);
    save(&a);
    ck_assert_int_eq(svb_history_hour(a.history, a.records, node, t0, hour),
                     41);

    load_at(&b, t0 + SEC(30));
    other = svb_records_find(b.records, "servoy", "s1");
    ck_assert_int_eq(
        svb_history_hour(b.history, b.records, other, t0 + SEC(60), hour), 42);
    ck_assert_uint_eq(hour[0], 1);
    ck_assert_uint_eq(hour[1], 0); /* nobody looked */
    ck_assert_uint_eq(hour[40], 1);
    ck_assert_uint_eq(hour[41], 0);
    ck_assert_int_eq(svb_history_week(b.history, b.records, other, t0, week),
                     3);
    ck_assert_uint_eq(week[0], 1);
    ck_assert_uint_eq(week[1], 0);
    ck_assert_uint_eq(week[2], 1);
    fleet = svb_records_fleet(b.records, "servoy");
    ck_assert_uint_eq(
        svb_records_fleet_counter(b.records, fleet, SVB_FLEET_REFUSED), 1);
    ck_assert_uint_eq(
        svb_history_recent_of(b.history, b.records, fleet, t0).refused, 1);
    ck_assert_uint_eq(svb_history_errors(b.history, b.records, other, t0), 1);
}
END_TEST

/* A clock that was set back: what lies ahead is not believed; all else is. */
START_TEST(history_ahead)
{
    world a = new_world(10), b = new_world(10);
    unsigned hour[SVB_HISTORY_HOUR];
    int node = svb_records_add(a.records, "servoy", "s1");

    a.history = new_history();
    b.history = new_history();
    svb_records_count(a.records, node, SVB_CTR_ERRORS);
    svb_history_take(a.history, a.records, t0);
    save(&a);
    ck_assert_int_eq(load_at(&b, t0 - SEC(3600)), APR_SUCCESS);
    node = svb_records_find(b.records, "servoy", "s1");
    ck_assert_uint_eq(svb_records_counter(b.records, node, SVB_CTR_ERRORS), 1);
    ck_assert_int_eq(
        svb_history_hour(b.history, b.records, node, t0 - SEC(3600), hour), 0);
}
END_TEST

START_TEST(numbers_of_words)
{
    world w = new_world(10);
    apr_size_t len;
    unsigned char *data = by_hand(&len);
    int node;

    spew(data, len);
    load(&w);
    node = svb_records_find(w.records, "servoy", "s1");
    ck_assert_uint_eq(svb_records_get(w.records, node, SVB_WORD_SAID_AT), 2000);
    ck_assert_uint_eq(svb_records_get(w.records, node, SVB_WORD_FORGOT_AT),
                      2001);
    ck_assert_uint_eq(svb_records_get(w.records, node, SVB_WORD_CLOSED_AT),
                      2002);
}
END_TEST

START_TEST(all_facts)
{
    svb_save_facts facts = facts_at(t0);
    world w = new_world(10);

    facts.number = 0xfedcba9876543210u;
    facts.known_since = t0 - SEC(1000);
    facts.evicted_at = t0 - SEC(2000);
    ck_assert_int_eq(
        svb_save_write(path, w.records, w.clients, NULL, &facts, pool, &error),
        0);
    load(&w);
    ck_assert_mem_eq(&found, &facts, sizeof(facts));
}
END_TEST

START_TEST(all_kinds)
{
    world a = new_world(100), b = new_world(100);
    int node;

    add_nodes(&a, 2);
    node = node_for(&a, 1);
    for (int kind = 0; kind < SVB_KIND_GONE; kind++) {
        svb_clients_put(a.clients, id_of(&a, (unsigned)kind), node, kind,
                        t0 - SEC(kind));
    }
    save(&a);
    load(&b);
    ck_assert_uint_eq(assert_clients(&b, &a), SVB_KIND_GONE - 1);
    ck_assert_uint_eq(result.clients, SVB_KIND_GONE - 1);
    ck_assert_uint_eq(result.skipped, 0);
}
END_TEST

/* The checksum of more than one block. */
START_TEST(long_checksum)
{
    world w = new_world(4000);
    apr_size_t len;
    unsigned char *data, *again;

    add_nodes(&w, 2);
    add_clients(&w, 2, 2000);
    save(&w);
    data = slurp(&len);
    again = apr_pmemdup(pool, data, len);
    memset(again + len - 8, 0, 8);
    seal(again, len);
    ck_assert_mem_eq(data, again, len);
}
END_TEST

START_TEST(all_names)
{
    char longest[SVB_NAME_MAX + 1];
    world a = new_world(10), b = new_world(10);

    memset(longest, 'x', SVB_NAME_MAX);
    longest[SVB_NAME_MAX] = 0;
    svb_records_add(a.records, longest, "\x01\xff \"\n");
    svb_records_add(a.records, "s", longest);
    save(&a);
    load(&b);
    ck_assert_uint_eq(result.nodes, 2);
    assert_nodes(&a, &b);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, round_trips);
    tcase_add_test(tc, many_clients);
    tcase_add_test(tc, layout);
    tcase_add_test(tc, version_1);
    tcase_add_test(tc, version_2);
    tcase_add_test(tc, version_3);
    tcase_add_test(tc, history);
    tcase_add_test(tc, history_ahead);
    tcase_add_test(tc, numbers_of_words);
    tcase_add_test(tc, all_facts);
    tcase_add_test(tc, all_kinds);
    tcase_add_test(tc, long_checksum);
    tcase_add_test(tc, all_names);
}

int main(void)
{
    return run_saved("save", add_tests);
}
