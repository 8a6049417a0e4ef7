/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * records: those of nodes that nobody needs any more, used again, also by processes
 * that are killed, or name their nodes meanwhile.
 */
#include <stdio.h>
#include <string.h>

#include "memory/records.h"
#include "stepping.h"
#include "workers.h"

static svb_records *records;

static void setup(void)
{
    workers_setup();
    svb_records_open(&records, share(svb_records_size()), pool);
}

static unsigned web(int node)
{
    return svb_records_clients(records, node, SVB_KIND_WEB);
}

static unsigned char held[SVB_RECORDS_MAX];

static const char *numbered(int n)
{
    static char route[16];

    snprintf(route, sizeof(route), "n%d", n);
    return route;
}

/* All of them taken by nodes of generation 0, numbered from 0. */
static void fill_up(void)
{
    memset(held, 0, sizeof(held));
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        REQUIRE(svb_records_add(records, "servoy", numbered(i)) >= 0);
    }
}

static int node(int n)
{
    return svb_records_find(records, "servoy", numbered(n));
}

static int reuse(const char *route, unsigned oldest)
{
    return svb_records_reuse(records, "servoy", route, oldest, held);
}

static void hold_all_but(int index)
{
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        held[i] = i != index;
    }
}

static int used(void)
{
    int n = 0;

    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        n += svb_records_used(records, i);
    }
    return n;
}

START_TEST(reused)
{
    int index;

    fill_up();
    index = node(7);
    ck_assert_int_eq(reuse("x", 0), -1); /* named by those who live */
    svb_records_begin(records, 2);
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        if (i != 7) {
            ck_assert_int_ge(svb_records_keep(records, "servoy", numbered(i)),
                             0);
        }
    }
    ck_assert_int_eq(svb_records_add(records, "servoy", "x"), -1);
    ck_assert_int_eq(reuse("x", 0), -1);
    ck_assert_int_eq(svb_records_find(records, "servoy", "x"), -1);
    ck_assert_int_eq(reuse("x", 1), index);
    ck_assert_int_eq(svb_records_find(records, "servoy", "x"), index);
    ck_assert_int_eq(svb_records_add(records, "servoy", "x"), index);
    ck_assert_str_eq(svb_records_route(records, index), "x");
    ck_assert_str_eq(svb_records_name(records, index), "servoy");
    ck_assert_int_eq(node(7), -1);
    ck_assert_int_eq(svb_records_add(records, "servoy", numbered(7)), -1);
    ck_assert_int_eq(used(), SVB_RECORDS_MAX);
    /* Nobody else's is to be had: all were kept. */
    ck_assert_int_eq(reuse("y", 2), -1);
    ck_assert_int_eq(reuse("y", 1), -1);
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        ck_assert(i == 7 || node(i) >= 0);
    }
}
END_TEST

START_TEST(names_of_the_reused)
{
    char longest[SVB_NAME_MAX + 2];
    int index;

    fill_up();
    svb_records_begin(records, 1);
    memset(longest, 'x', sizeof(longest));
    longest[SVB_NAME_MAX + 1] = '\0';
    ck_assert_int_eq(svb_records_reuse(records, "", "x", 1, held), -1);
    ck_assert_int_eq(reuse("", 1), -1);
    ck_assert_int_eq(reuse(longest, 1), -1);
    longest[SVB_NAME_MAX] = '\0';
    index = svb_records_reuse(records, longest, longest, 1, held);
    ck_assert_int_ge(index, 0);
    ck_assert_int_eq(svb_records_find(records, longest, longest), index);
}
END_TEST

/* The longest out of use goes first, then what an administrator spoke of, then none. */
START_TEST(order_of_the_reused)
{
    int longest_ago[3], held_one;

    fill_up();
    longest_ago[0] = node(5);
    longest_ago[1] = node(6);
    longest_ago[2] = node(8);
    held_one = node(9);
    svb_records_set(records, longest_ago[2], SVB_WORD_ADMIN, 1);
    held[held_one] = 1;
    for (unsigned generation = 1; generation < 4; generation++) {
        svb_records_begin(records, generation);
        for (int i = 0; i < SVB_RECORDS_MAX; i++) {
            /* 8 and 9 were named in the beginning alone, 5 then in 1, 6 in 2. */
            if ((i != 5 || generation == 1) && (i != 6 || generation == 2)
                && i != 8 && i != 9) {
                svb_records_keep(records, "servoy", numbered(i));
            }
        }
    }
    svb_records_begin(records, 4);
    ck_assert_int_eq(reuse("a", 1), longest_ago[2]); /* the only one */
    svb_records_begin(records, 3);
    ck_assert_int_eq(svb_records_find(records, "servoy", "a"), longest_ago[2]);
    svb_records_set(records, held_one, SVB_WORD_ADMIN, 1);
    held[held_one] = 0;
    ck_assert_int_eq(reuse("b", 3), longest_ago[0]);
    ck_assert_int_eq(reuse("c", 3), longest_ago[1]);
    ck_assert_int_eq(reuse("d", 3), held_one);
    ck_assert_int_eq(reuse("e", 3), -1);
}
END_TEST

/* Set all there is to set. */
static void write_all(int index)
{
    unsigned epoch = svb_records_epoch(records, index);

    for (int i = 0; i < SVB_WORDS; i++) {
        svb_records_set(records, index, i, 7);
    }
    svb_records_set(records, index, SVB_WORD_ADMIN, 0);
    for (int i = 0; i < SVB_COUNTERS; i++) {
        svb_records_set_counter(records, index, i, 7);
    }
    for (int i = 0; i < SVB_KINDS; i++) {
        svb_records_clients_add(records, index, epoch, i, 7);
    }
    for (int i = 0; i < SVB_RECORDS_MEMBERS; i++) {
        svb_records_slot(records, index, 100 + (apr_uint64_t)i);
    }
    svb_records_say(records, index, "jan");
    svb_records_elected(records, index);
}

static void assert_is_new(int index, unsigned epoch)
{
    char text[SVB_RECORDS_TEXT + 1];

    svb_records_said(records, index, text);
    ck_assert_str_eq(text, "");
    ck_assert_uint_ne(svb_records_epoch(records, index), epoch);
    for (int i = 0; i < SVB_WORDS; i++) {
        ck_assert_uint_eq(svb_records_get(records, index, i), 0);
    }
    for (int i = 0; i < SVB_COUNTERS; i++) {
        ck_assert_uint_eq(svb_records_counter(records, index, i), 0);
    }
    for (int i = 0; i < SVB_KINDS; i++) {
        ck_assert_uint_eq(svb_records_clients(records, index, i), 0);
    }
    for (int i = 0; i < SVB_RECORDS_MEMBERS; i++) {
        ck_assert_int_eq(
            svb_records_slot(records, index, 200 + (apr_uint64_t)i), i);
    }
    ck_assert_uint_eq(svb_records_last_turn(records, index), 0);
    /* Clients of before, whose processes still know their epoch. */
    svb_records_clients_add(records, index, epoch, SVB_KIND_WEB, 3);
    ck_assert_uint_eq(web(index), 0);
}

START_TEST(nothing_is_left)
{
    unsigned epoch;
    int index;

    fill_up();
    svb_records_begin(records, 1);
    index = svb_records_find(records, "servoy", numbered(3));
    hold_all_but(index);
    write_all(index);
    epoch = svb_records_epoch(records, index);
    ck_assert_int_eq(reuse("x", 1), index);
    assert_is_new(index, epoch);
}
END_TEST

/* A record whose claimer died is of no use to anybody as long as one may live who is
 * about to name it. */
START_TEST(claimed_and_left)
{
    apr_uint64_t *mem = share(svb_records_size());
    apr_size_t i = 0;
    int index;

    svb_records_open(&records, mem, pool);
    fill_up();
    index = node(3);
    /* As whoever claims one leaves it, who dies then: of its words that say that
     * generation 0 has named it, the first that, when 0, takes it out of use. */
    for (; svb_records_used(records, index); i++) {
        apr_uint64_t word = mem[i];

        mem[i] = word == 1 ? 0 : word;
        if (svb_records_used(records, index)) {
            mem[i] = word;
        }
    }
    hold_all_but(index);
    svb_records_begin(records, 1);
    ck_assert_int_eq(reuse("x", 0), -1);
    ck_assert_int_eq(reuse("x", 1), index);
    ck_assert_int_eq(svb_records_find(records, "servoy", "x"), index);
}
END_TEST

#define AT_A_TIME 1000

/* A child names a node while the parent gives its record away: either has it. */
static void name_it(int worker)
{
    wait_for_all();
    svb_records_begin(records, 2);
    for (int i = 0; i < AT_A_TIME; i++) {
        board->results[worker][i] =
            worker == 0
                ? svb_records_reuse(records, "parent", numbered(i), 1, held)
                : svb_records_keep(records, "servoy", numbered(i));
    }
}

START_TEST(named_meanwhile)
{
    int given[SVB_RECORDS_MAX] = {0};

    fill_up();
    at_once(name_it);
    for (int i = 0; i < AT_A_TIME; i++) {
        int index = board->results[0][i];

        REQUIRE(index >= 0 && !given[index]);
        given[index] = 1;
        ck_assert_int_eq(svb_records_find(records, "parent", numbered(i)),
                         index);
    }
    for (int i = 0; i < AT_A_TIME; i++) {
        for (int w = 1; w < WORKERS; w++) {
            REQUIRE(board->results[w][i] == node(i));
        }
        REQUIRE(node(i) == -1 || !given[node(i)]);
    }
    ck_assert_int_eq(used(), SVB_RECORDS_MAX);
}
END_TEST

/* As it is if the parent is killed now: whoever comes next finds all others, and gives
 * the record to whom it likes; nothing of before is left in it. */
static void assert_killed_here(void *mem, int index, unsigned epoch)
{
    static svb_records *real;
    static void *copy;
    int found, next;

    real = records;
    copy = copy ? copy : share(svb_records_size());
    memcpy(copy, mem, svb_records_size());
    svb_records_open(&records, copy, pool);
    svb_records_begin(records, 2);
    for (int i = 0; i < 40; i++) {
        REQUIRE(i == 3 || (node(i) >= 0 && node(i) != index));
    }
    /* One of both, or neither, is the record's node. */
    found = svb_records_find(records, "servoy", "x");
    REQUIRE(found == -1 || found == index);
    REQUIRE(node(3) == -1 || (node(3) == index && found == -1));
    REQUIRE(svb_records_used(records, index)
            == (found == index || node(3) == index));
    next = svb_records_add(records, "servoy", "x");
    REQUIRE(next == found);
    if (found == -1) {
        next = svb_records_reuse(records, "servoy", "y", 2, held);
        REQUIRE(next == index);
        REQUIRE(svb_records_find(records, "servoy", "x") == -1);
        REQUIRE(svb_records_find(records, "servoy", "y") == index);
    }
    assert_is_new(index, epoch);
    REQUIRE(used() == SVB_RECORDS_MAX);
    records = real;
}

/* What there is of a node: of each first a brief, then its life, then the record, at last
 * a clock of four words. @return whether it is another than seen */
static int look_again(const char *mem, int index, char *seen)
{
    const apr_size_t brief = sizeof(svb_brief), life = 8, clock = 32;
    const apr_size_t sizes[] = {brief, life,
                                svb_records_size() / SVB_RECORDS_MAX - brief
                                    - life - clock};
    int is_new = 0;

    for (int i = 0; i < 3; i++) {
        const char *there = mem + (apr_size_t)index * sizes[i];

        is_new |= memcmp(seen, there, sizes[i]) != 0;
        memcpy(seen, there, sizes[i]);
        seen += sizes[i];
        mem += SVB_RECORDS_MAX * sizes[i];
    }
    return is_new;
}

START_TEST(killed_while_reusing)
{
    char *mem = share(svb_records_size());
    char *seen = calloc(1, svb_records_size() / SVB_RECORDS_MAX);
    int index, states = 0;
    unsigned epoch;
    pid_t pid;

    svb_records_open(&records, mem, pool);
    fill_up();
    index = node(3);
    hold_all_but(index);
    svb_records_begin(records, 1);
    write_all(index);
    epoch = svb_records_epoch(records, index);
    (void)look_again(mem, index, seen);
    pid = traced();
    if (pid == 0) {
        raise(SIGSTOP);
        reuse("x", 1);
        raise(SIGSTOP);
        _exit(0);
    }
    if (!stopped(pid)) {
        free(seen);
        return; /* no ptrace here */
    }
    while (step(pid)) {
        if (look_again(mem, index, seen)) {
            states++;
            assert_killed_here(mem, index, epoch);
        }
    }
    ck_assert_int_gt(states, 30);
    ck_assert_int_eq(svb_records_find(records, "servoy", "x"), index);
    assert_is_new(index, epoch);
    free(seen);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("reuse");
    TCase *tc = tcase_create("reuse");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, reused);
    tcase_add_test(tc, names_of_the_reused);
    tcase_add_test(tc, order_of_the_reused);
    tcase_add_test(tc, nothing_is_left);
    tcase_add_test(tc, claimed_and_left);
    tcase_add_test(tc, named_meanwhile);
    tcase_add_test(tc, killed_while_reusing);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
