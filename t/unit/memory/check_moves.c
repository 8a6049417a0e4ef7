/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * moves: each client that another node took over counts once, by where it went, since
 * its node came to be in the state that it is in; whoever is killed meanwhile.
 */
#include "memory/moves.h"
#include "memory/records.h"
#include "workers.h"

#define SEC(n) apr_time_from_sec(n)

static const apr_time_t t0 = SEC(1796000000);

static svb_moves *moves;
static svb_move list[SVB_MOVES_MAX];

static void setup(void)
{
    workers_setup();
    svb_moves_open(&moves, share(svb_moves_size()), pool);
}

static int move(int to, apr_uint64_t client)
{
    return svb_moves_add(moves, 7, to, client, t0);
}

START_TEST(most_first)
{
    ck_assert_int_eq(svb_moves_of(moves, 7, list), 0);
    ck_assert(move(3, 100));
    ck_assert(move(2047, 101));
    ck_assert(move(2047, 102));
    ck_assert(move(0, 103));
    ck_assert_int_eq(svb_moves_of(moves, 7, list), 3);
    ck_assert(list[0].to == 2047 && list[0].clients == 2);
    ck_assert(list[1].to == 0 && list[1].clients == 1);
    ck_assert(list[2].to == 3 && list[2].clients == 1);
    ck_assert_int_eq(svb_moves_of(moves, 8, list), 0);
}
END_TEST

START_TEST(a_client_counts_once)
{
    ck_assert(move(3, 100));
    ck_assert(!move(3, 100));
    ck_assert(!move(4, 100));
    ck_assert_int_eq(svb_moves_of(moves, 7, list), 1);
    ck_assert_uint_eq(list[0].clients, 1);
    /* from another node, it does */
    ck_assert(svb_moves_add(moves, 3, 4, 100, t0));
}
END_TEST

START_TEST(many_destinations)
{
    for (int to = 100; to < 140; to++) {
        move(to, 5000 + (apr_uint64_t)to);
    }
    ck_assert_int_eq(svb_moves_of(moves, 7, list), SVB_MOVES_MAX);
    ck_assert_int_eq(list[0].to, -1);
    ck_assert_uint_eq(list[0].clients, 40 - (SVB_MOVES_MAX - 1));
}
END_TEST

START_TEST(another_state)
{
    move(3, 100);
    /* they moved because it went down, which is found out now */
    ck_assert_uint_eq(svb_moves_begin(moves, 7, 1, t0 + SEC(1)), 1);
    ck_assert_int_eq(svb_moves_of(moves, 7, list), 1);
    ck_assert_uint_eq(svb_moves_begin(moves, 7, 0, t0 + SEC(2)), 0);
    ck_assert_int_eq(svb_moves_of(moves, 7, list), 0);
    ck_assert(move(3, 100));
    svb_moves_begin(moves, 7, 1, t0 + SEC(60));
    ck_assert_int_eq(svb_moves_of(moves, 7, list), 0);
}
END_TEST

static void move_for_ever(int worker)
{
    wait_for_all();
    for (apr_uint64_t n = (apr_uint64_t)worker;; n += 97) {
        move((int)(n % 30), n);
        if (n % 5000 < 97) {
            svb_moves_begin(moves, 7, 0, t0);
        }
    }
}

static void look(void)
{
    int n = svb_moves_of(moves, 7, list);

    REQUIRE(n <= SVB_MOVES_MAX);
    for (int i = 0; i < n; i++) {
        REQUIRE(list[i].to >= -1 && list[i].to < 30 && list[i].clients > 0);
        REQUIRE(i == 0 || list[i - 1].clients >= list[i].clients);
    }
}

START_TEST(killed)
{
    for (int round = 0; round < 20; round++) {
        killed_at_work(move_for_ever, look);
        svb_moves_begin(moves, 7, 0, t0);
        ck_assert_int_eq(svb_moves_of(moves, 7, list), 0);
        ck_assert(move(3, ~(apr_uint64_t)0 - (unsigned)round));
        ck_assert_int_eq(svb_moves_of(moves, 7, list), 1);
        ck_assert(list[0].to == 3 && list[0].clients == 1);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("moves");
    TCase *tc = tcase_create("moves");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, most_first);
    tcase_add_test(tc, a_client_counts_once);
    tcase_add_test(tc, many_destinations);
    tcase_add_test(tc, another_state);
    tcase_add_test(tc, killed);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
