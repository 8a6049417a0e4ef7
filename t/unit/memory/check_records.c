/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * records: the records of nodes and what is counted for them, also by several
 * processes at once, and by some that are killed.
 */
#include <stdio.h>
#include <string.h>

#include "memory/records.h"
#include "workers.h"

static svb_records *records;

static void setup(void)
{
    workers_setup();
    svb_records_open(&records, share(svb_records_size()), pool);
}

/* --- records --- */

START_TEST(add_and_find)
{
    int a, b, c;

    ck_assert_int_eq(svb_records_find(records, "servoy", "a"), -1);
    a = svb_records_add(records, "servoy", "a");
    b = svb_records_add(records, "servoy", "b");
    c = svb_records_add(records, "other", "a");
    ck_assert(a >= 0 && b >= 0 && c >= 0 && a != b && b != c && a != c);
    ck_assert(a < SVB_RECORDS_MAX && b < SVB_RECORDS_MAX);
    ck_assert_int_eq(svb_records_add(records, "servoy", "a"), a);
    ck_assert_int_eq(svb_records_find(records, "servoy", "b"), b);
    ck_assert_int_eq(svb_records_find(records, "other", "a"), c);
    ck_assert_int_eq(svb_records_find(records, "other", "b"), -1);
    ck_assert_int_eq(svb_records_find(records, "servoya", ""), -1);
    ck_assert_int_eq(svb_records_find(records, "servo", "ya"), -1);
    ck_assert_str_eq(svb_records_name(records, c), "other");
    ck_assert_str_eq(svb_records_route(records, b), "b");
}
END_TEST

START_TEST(names)
{
    char longest[SVB_NAME_MAX + 2];
    int node;

    memset(longest, 'x', sizeof(longest));
    longest[SVB_NAME_MAX + 1] = '\0';
    ck_assert_int_eq(svb_records_add(records, longest, "a"), -1);
    ck_assert_int_eq(svb_records_add(records, "servoy", longest), -1);
    ck_assert_int_eq(svb_records_add(records, "", "a"), -1);
    ck_assert_int_eq(svb_records_add(records, "servoy", ""), -1);
    longest[SVB_NAME_MAX] = '\0';
    node = svb_records_add(records, longest, longest);
    ck_assert_int_ge(node, 0);
    ck_assert_str_eq(svb_records_name(records, node), longest);
    ck_assert_str_eq(svb_records_route(records, node), longest);
}
END_TEST

START_TEST(as_many_as_fit)
{
    unsigned char taken[SVB_RECORDS_MAX] = {0};
    char route[16];

    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        int node;

        snprintf(route, sizeof(route), "n%d", i);
        node = svb_records_add(records, "servoy", route);
        ck_assert_int_ge(node, 0);
        ck_assert(!taken[node]);
        taken[node] = 1;
    }
    ck_assert_int_eq(svb_records_add(records, "servoy", "one more"), -1);
    ck_assert_int_eq(svb_records_find(records, "servoy", "one more"), -1);
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        snprintf(route, sizeof(route), "n%d", i);
        ck_assert_str_eq(
            svb_records_route(records,
                              svb_records_find(records, "servoy", route)),
            route);
    }
}
END_TEST

static void add_all(int worker)
{
    char route[16];

    wait_for_all();
    for (int n = 0; n < 1000; n++) {
        /* Each in another order. */
        int i = (n * (2 * worker + 1) + 250 * worker) % 1000;

        if (worker == 2) {
            i = 999 - n; /* five times n is not all of them */
        }
        snprintf(route, sizeof(route), "n%d", i);
        board->results[worker][i] = svb_records_add(records, "servoy", route);
    }
}

START_TEST(added_at_once)
{
    at_once(add_all);
    for (int i = 0; i < 1000; i++) {
        for (int j = 0; j < WORKERS; j++) {
            ck_assert_int_ge(board->results[j][i], 0);
            ck_assert_int_eq(board->results[j][i], board->results[0][i]);
        }
        for (int j = 0; j < i; j++) {
            ck_assert_int_ne(board->results[0][i], board->results[0][j]);
        }
    }
}
END_TEST

/* --- counters, elections, states --- */

static void count_all(int worker)
{
    int node = svb_records_find(records, "servoy", "a");

    (void)worker;
    wait_for_all();
    for (int i = 0; i < 10000; i++) {
        svb_records_count(records, node, SVB_CTR_STICKY);
        svb_records_elected(records, node);
        svb_records_clients_add(records, node, 0, SVB_KIND_WEB, 1);
    }
}

START_TEST(counted_at_once)
{
    int node = svb_records_add(records, "servoy", "a");
    int other = svb_records_add(records, "servoy", "b");

    at_once(count_all);
    ck_assert_uint_eq(svb_records_counter(records, node, SVB_CTR_STICKY),
                      WORKERS * 10000);
    ck_assert_uint_eq(svb_records_counter(records, node, SVB_CTR_ELECTED), 0);
    ck_assert_uint_eq(svb_records_counter(records, other, SVB_CTR_STICKY), 0);
    ck_assert_uint_eq(svb_records_clients(records, node, SVB_KIND_WEB),
                      WORKERS * 10000);
    ck_assert_uint_eq(svb_records_elections(records, other), WORKERS * 10000);
    ck_assert_uint_eq(svb_records_elected(records, other), WORKERS * 10000);
    ck_assert_uint_eq(svb_records_last_turn(records, other),
                      WORKERS * 10000 + 1);
}
END_TEST

START_TEST(turns_of_a_fleet)
{
    int a = svb_records_add(records, "servoy", "a");
    int b = svb_records_add(records, "servoy", "b");
    int other = svb_records_add(records, "other", "a"), c;

    ck_assert_uint_eq(svb_records_last_turn(records, a), 0);
    ck_assert_uint_eq(svb_records_elections(records, a), 0);
    for (unsigned i = 0; i < 8; i++) {
        ck_assert_uint_eq(svb_records_elected(records, a), i);
    }
    ck_assert_uint_eq(svb_records_elected(records, b), 8);
    ck_assert_uint_eq(svb_records_last_turn(records, a), 8);
    ck_assert_uint_eq(svb_records_last_turn(records, b), 9);
    ck_assert_uint_eq(svb_records_elections(records, a), 9);
    /* A node that is added later counts with its fleet. */
    c = svb_records_add(records, "servoy", "c");
    ck_assert_uint_eq(svb_records_elections(records, c), 9);
    /* Another fleet has elections of its own. */
    ck_assert_uint_eq(svb_records_elections(records, other), 0);
    ck_assert_uint_eq(svb_records_elected(records, other), 0);
    ck_assert_uint_eq(svb_records_last_turn(records, other), 1);
    ck_assert_uint_eq(svb_records_elections(records, c), 9);
}
END_TEST

/* As many fleets as there can be nodes: each has its own count. */
START_TEST(as_many_fleets_as_fit)
{
    char name[16];
    int nodes[SVB_RECORDS_MAX];

    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        nodes[i] = svb_records_add(records, name, "a");
        ck_assert_int_ge(nodes[i], 0);
        for (int k = 0; k < i % 5; k++) {
            svb_records_elected(records, nodes[i]);
        }
    }
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        ck_assert_uint_eq(svb_records_elections(records, nodes[i]),
                          (unsigned)i % 5);
    }
}
END_TEST

static void add_for_ever(int worker)
{
    char name[16];

    wait_for_all();
    for (int i = worker;; i++) {
        snprintf(name, sizeof(name), "f%d", i % 40);
        svb_records_elected(records, svb_records_add(records, name, "a"));
        snprintf(name, sizeof(name), "n%d", i % 40);
        svb_records_elected(records, svb_records_add(records, "servoy", name));
    }
}

/* What is seen of a fleet by one of its nodes is seen by all, whoever was killed
 * while he made them. */
static void look_at_fleets(void)
{
    char name[16];

    for (int i = 0; i < 40; i++) {
        int first, second;
        apr_uint64_t before, own, after;

        snprintf(name, sizeof(name), "f%d", i);
        first = svb_records_add(records, name, "a");
        second = svb_records_add(records, name, "b");
        before = svb_records_elections(records, first);
        own = svb_records_elected(records, second);
        after = svb_records_elections(records, first);
        ck_assert_uint_ge(own, before);
        ck_assert_uint_gt(after, own);
    }
}

START_TEST(fleets_of_the_killed)
{
    for (int round = 0; round < 40; round++) {
        setup();
        killed_at_work(add_for_ever, look_at_fleets);
        look_at_fleets();
    }
}
END_TEST

START_TEST(words_of_a_node)
{
    int a = svb_records_add(records, "servoy", "a"), used = 0;
    int b = svb_records_add(records, "servoy", "b");

    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        used += svb_records_used(records, i);
    }
    ck_assert_int_eq(used, 2);
    ck_assert(svb_records_used(records, a) && svb_records_used(records, b));

    ck_assert_uint_eq(svb_records_get(records, a, SVB_WORD_ADMIN), 0);
    svb_records_set(records, a, SVB_WORD_ADMIN, 0xfedcba9876543210u);
    ck_assert_uint_eq(svb_records_get(records, a, SVB_WORD_ADMIN),
                      0xfedcba9876543210u);
    ck_assert_uint_eq(svb_records_get(records, b, SVB_WORD_ADMIN), 0);

    ck_assert_int_eq((apr_time_t)svb_records_get(records, a, SVB_WORD_UP_SINCE),
                     0);
    svb_records_set(records, a, SVB_WORD_UP_SINCE, 4711);
    ck_assert_int_eq((apr_time_t)svb_records_get(records, a, SVB_WORD_UP_SINCE),
                     4711);

    svb_records_count(records, a, SVB_CTR_ERRORS);
    svb_records_set_counter(records, a, SVB_CTR_ERRORS, 40);
    svb_records_count(records, a, SVB_CTR_ERRORS);
    ck_assert_uint_eq(svb_records_counter(records, a, SVB_CTR_ERRORS), 41);
    ck_assert_uint_eq(svb_records_counter(records, b, SVB_CTR_ERRORS), 0);
}
END_TEST

/* --- clients --- */

static unsigned web(int node)
{
    return svb_records_clients(records, node, SVB_KIND_WEB);
}

START_TEST(counts_and_epochs)
{
    int a = svb_records_add(records, "servoy", "a");
    int b = svb_records_add(records, "servoy", "b");
    unsigned epoch = svb_records_epoch(records, a);

    svb_records_clients_add(records, a, epoch, SVB_KIND_WEB, 3);
    svb_records_clients_add(records, a, epoch, SVB_KIND_SMART, 1);
    svb_records_clients_add(records, b, svb_records_epoch(records, b),
                            SVB_KIND_WEB, 9);
    svb_records_clients_add(records, a, epoch, SVB_KIND_WEB, -1);
    ck_assert_uint_eq(web(a), 2);
    ck_assert_uint_eq(svb_records_clients(records, a, SVB_KIND_SMART), 1);
    ck_assert_uint_eq(svb_records_clients(records, a, SVB_KIND_PENDING), 0);

    svb_records_next_epoch(records, a);
    ck_assert_uint_ne(svb_records_epoch(records, a), epoch);
    ck_assert_uint_eq(web(a), 0);
    ck_assert_uint_eq(web(b), 9);
    /* What belongs to the old epoch changes nothing. */
    svb_records_clients_add(records, a, epoch, SVB_KIND_WEB, 1);
    svb_records_clients_add(records, a, epoch, SVB_KIND_WEB, -1);
    ck_assert_uint_eq(web(a), 0);
    epoch = svb_records_epoch(records, a);
    svb_records_clients_add(records, a, epoch, SVB_KIND_WEB, 1);
    ck_assert_uint_eq(web(a), 1);
    svb_records_clients_add(records, a, epoch, SVB_KIND_WEB, -5);
    ck_assert_uint_eq(web(a), 0);
    /* The number of an epoch has 16 bits and starts over. */
    for (int i = 0; i < 65536; i++) {
        svb_records_next_epoch(records, a);
    }
    ck_assert_uint_eq(svb_records_epoch(records, a), epoch);
}
END_TEST

static unsigned in_brief(int node)
{
    return svb_brief_clients(svb_records_briefs(records) + node);
}

/* What elections compare follows from the counts, those of remembered clients left out. */
START_TEST(in_brief_as_in_full)
{
    int a = svb_records_add(records, "servoy", "a");
    unsigned epoch = svb_records_epoch(records, a), counted = 0;

    for (int kind = 0; kind < SVB_KINDS; kind++) {
        svb_records_clients_add(records, a, epoch, (svb_kind)kind, kind + 1);
        counted += svb_kind_is_counted((svb_kind)kind) ? kind + 1u : 0;
    }
    ck_assert_uint_eq(in_brief(a), counted);
    ck_assert_uint_eq(in_brief(a), svb_records_clients_all(records, a));
    svb_records_clients_add(records, a, epoch, SVB_KIND_WEB, -1);
    ck_assert_uint_eq(in_brief(a), counted - 1);
    svb_records_next_epoch(records, a);
    ck_assert_uint_eq(in_brief(a), 0);
    svb_records_clients_add(records, a, epoch, SVB_KIND_WEB, 1);
    ck_assert_uint_eq(in_brief(a), 0);
    svb_records_clients_add(records, a, svb_records_epoch(records, a),
                            SVB_KIND_WEB, 2);
    ck_assert_uint_eq(in_brief(a), 2);
}
END_TEST

/* A count that was corrected, or that somebody has left who was killed. */
START_TEST(mended)
{
    int a = svb_records_add(records, "servoy", "a");
    svb_brief *brief = (svb_brief *)svb_records_briefs(records) + a;
    apr_uint64_t mark = svb_records_clients_mark(records, a, SVB_KIND_WEB);

    svb_records_clients_correct(records, a, SVB_KIND_WEB, mark, 0, 12);
    svb_records_mend(records, a);
    ck_assert_uint_eq(in_brief(a), 12);
    brief->clients += 5;
    svb_records_mend(records, a);
    ck_assert_uint_eq(in_brief(a), 12);
    /* Killed after the new epoch and before the brief has been told. */
    mark = brief->clients;
    svb_records_next_epoch(records, a);
    brief->clients = mark;
    svb_records_mend(records, a);
    ck_assert_uint_eq(in_brief(a), 0);
    svb_records_clients_add(records, a, svb_records_epoch(records, a),
                            SVB_KIND_WEB, 1);
    ck_assert_uint_eq(in_brief(a), 1);
}
END_TEST

/* A turn says nothing of doubts, nor a doubt of turns. */
START_TEST(doubts_and_turns)
{
    int a = svb_records_add(records, "servoy", "a");
    const svb_brief *brief = svb_records_briefs(records) + a;

    ck_assert(!svb_brief_is_in_doubt(brief));
    svb_records_doubt(records, a, 1);
    svb_records_doubt(records, a, 1);
    ck_assert(svb_brief_is_in_doubt(brief));
    ck_assert_uint_eq(svb_records_last_turn(records, a), 0);
    svb_records_elected(records, a);
    ck_assert(svb_brief_is_in_doubt(brief));
    ck_assert_uint_eq(svb_records_last_turn(records, a), 1);
    svb_records_doubt(records, a, 0);
    ck_assert(!svb_brief_is_in_doubt(brief));
    ck_assert_uint_eq(svb_brief_turn(brief), 1);
}
END_TEST

START_TEST(corrected)
{
    int a = svb_records_add(records, "servoy", "a");
    apr_uint64_t mark;

    svb_records_next_epoch(records, a);
    mark = svb_records_clients_mark(records, a, SVB_KIND_WEB);
    svb_records_clients_correct(records, a, SVB_KIND_WEB, mark, 0, 12);
    ck_assert_uint_eq(web(a), 12);
    /* One more came meanwhile: 12 found and 13 counted may both be right. */
    mark = svb_records_clients_mark(records, a, SVB_KIND_WEB);
    svb_records_clients_add(records, a, 1, SVB_KIND_WEB, 1);
    svb_records_clients_correct(records, a, SVB_KIND_WEB, mark, 0, 12);
    ck_assert_uint_eq(web(a), 13);
    svb_records_clients_correct(records, a, SVB_KIND_WEB, mark, 0, 10);
    ck_assert_uint_eq(web(a), 10);
    /* What the caller did itself does not count as that. */
    mark = svb_records_clients_mark(records, a, SVB_KIND_WEB);
    svb_records_clients_add(records, a, 1, SVB_KIND_WEB, -4);
    svb_records_clients_correct(records, a, SVB_KIND_WEB, mark, 4, 7);
    ck_assert_uint_eq(web(a), 7);
    /* Nor is a count of another epoch of any use. */
    mark = svb_records_clients_mark(records, a, SVB_KIND_WEB);
    svb_records_next_epoch(records, a);
    svb_records_clients_correct(records, a, SVB_KIND_WEB, mark, 0, 99);
    ck_assert_uint_eq(web(a), 0);
    /* The number of changes starts over without harm. */
    for (int i = 0; i < 65530; i++) {
        svb_records_clients_add(records, a, 2, SVB_KIND_WEB, 1);
    }
    mark = svb_records_clients_mark(records, a, SVB_KIND_WEB);
    for (int i = 0; i < 20; i++) {
        svb_records_clients_add(records, a, 2, SVB_KIND_WEB, 1);
    }
    svb_records_clients_correct(records, a, SVB_KIND_WEB, mark, 0, 65530);
    ck_assert_uint_eq(web(a), 65550);
    svb_records_clients_correct(records, a, SVB_KIND_WEB, mark, 20, 65530);
    ck_assert_uint_eq(web(a), 65530);
}
END_TEST

/* --- members and texts --- */

START_TEST(slots_of_members)
{
    int a = svb_records_add(records, "servoy", "a");
    int b = svb_records_add(records, "servoy", "b");
    int slots[SVB_RECORDS_MEMBERS];
    unsigned seen = 0;

    for (int i = 0; i < SVB_RECORDS_MEMBERS; i++) {
        slots[i] = svb_records_slot(records, a, 100 + (apr_uint64_t)i);
        ck_assert(slots[i] >= 0 && slots[i] < SVB_RECORDS_MEMBERS);
        ck_assert(!(seen & 1U << slots[i]));
        seen |= 1U << slots[i];
    }
    ck_assert_int_eq(svb_records_slot(records, a, 99), -1);
    ck_assert_int_eq(svb_records_slot(records, a, 103), slots[3]);
    ck_assert_int_ge(svb_records_slot(records, b, 99), 0);
    /* What is gone makes room; what stays keeps its own. */
    svb_records_keep_slots(records, a, seen & ~(1U << slots[2]));
    ck_assert_int_eq(svb_records_slot(records, a, 99), slots[2]);
    ck_assert_int_eq(svb_records_slot(records, a, 103), slots[3]);
    ck_assert_int_eq(svb_records_slot(records, a, 102), -1);
}
END_TEST

static int shared_node; /* what the workers work on */

static void claim_slots(int worker)
{
    wait_for_all();
    for (int i = 0; i < SVB_RECORDS_MEMBERS; i++) {
        board->results[worker][i] =
            svb_records_slot(records, shared_node, 1 + (apr_uint64_t)i);
    }
}

START_TEST(slots_at_once)
{
    shared_node = svb_records_add(records, "servoy", "a");
    at_once(claim_slots);
    for (int i = 0; i < SVB_RECORDS_MEMBERS; i++) {
        ck_assert_int_ge(board->results[0][i], 0);
        for (int w = 1; w < WORKERS; w++) {
            ck_assert_int_eq(board->results[w][i], board->results[0][i]);
        }
    }
}
END_TEST

START_TEST(texts)
{
    char text[SVB_RECORDS_TEXT + 1], longest[SVB_RECORDS_TEXT + 40];
    int a = svb_records_add(records, "servoy", "a");
    int b = svb_records_add(records, "servoy", "b");

    svb_records_said(records, a, text);
    ck_assert_str_eq(text, "");
    svb_records_say(records, a, "jan");
    svb_records_said(records, a, text);
    ck_assert_str_eq(text, "jan");
    svb_records_said(records, b, text);
    ck_assert_str_eq(text, "");
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    svb_records_say(records, a, longest);
    svb_records_said(records, a, text);
    ck_assert_uint_eq(strlen(text), SVB_RECORDS_TEXT);
    svb_records_say(records, a, "");
    svb_records_said(records, a, text);
    ck_assert_str_eq(text, "");
}
END_TEST

static void say_for_ever(int worker)
{
    char own[SVB_RECORDS_TEXT + 1];

    memset(own, 'a' + worker, sizeof(own) - 1);
    own[sizeof(own) - 1] = '\0';
    wait_for_all();
    for (;;) {
        svb_records_say(records, shared_node, own);
    }
}

static void look_at_text(void)
{
    char text[SVB_RECORDS_TEXT + 1];

    svb_records_said(records, shared_node, text);
    ck_assert_uint_eq(strspn(text, (char[2]){text[0]}), strlen(text));
}

/* Whoever is killed while it says something leaves a whole text, or none. */
START_TEST(texts_of_the_killed)
{
    char text[SVB_RECORDS_TEXT + 1];

    shared_node = svb_records_add(records, "servoy", "a");
    for (int round = 0; round < 40; round++) {
        killed_at_work(say_for_ever, look_at_text);
        svb_records_say(records, shared_node, "jan");
        svb_records_said(records, shared_node, text);
        ck_assert_str_eq(text, "jan");
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("records");
    TCase *tc = tcase_create("records");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, add_and_find);
    tcase_add_test(tc, names);
    tcase_add_test(tc, as_many_as_fit);
    tcase_add_test(tc, added_at_once);
    tcase_add_test(tc, counted_at_once);
    tcase_add_test(tc, turns_of_a_fleet);
    tcase_add_test(tc, as_many_fleets_as_fit);
    tcase_add_test(tc, fleets_of_the_killed);
    tcase_add_test(tc, words_of_a_node);
    tcase_add_test(tc, counts_and_epochs);
    tcase_add_test(tc, in_brief_as_in_full);
    tcase_add_test(tc, mended);
    tcase_add_test(tc, doubts_and_turns);
    tcase_add_test(tc, corrected);
    tcase_add_test(tc, slots_of_members);
    tcase_add_test(tc, slots_at_once);
    tcase_add_test(tc, texts);
    tcase_add_test(tc, texts_of_the_killed);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
