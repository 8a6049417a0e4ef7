/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * rows: requests in flight, counted by several processes at once, and by some that
 * are killed.
 */
#include <signal.h>

#include "memory/records.h"
#include "memory/rows.h"
#include "workers.h"

/* Indices of two nodes. */
enum { A = 3, B = SVB_RECORDS_MAX - 1 };

static svb_rows *rows;
static const apr_time_t t0 = apr_time_from_sec(1796000000);

static void setup(void)
{
    workers_setup();
    svb_rows_open(&rows, share(svb_rows_size()), pool);
}

START_TEST(in_flight)
{
    apr_int64_t me = getpid();
    int row = svb_rows_claim(rows, me, alive);

    ck_assert_int_gt(row, 0);
    svb_rows_enter(rows, row, A);
    svb_rows_enter(rows, row, A);
    svb_rows_enter(rows, row, B);
    svb_rows_enter(rows, 0, B);
    svb_rows_leave(rows, row, A);
    ck_assert_uint_eq(svb_rows_in_flight(rows, A), 1);
    ck_assert_uint_eq(svb_rows_in_flight(rows, B), 2);
    svb_rows_sweep(rows, me, alive);
    ck_assert_uint_eq(svb_rows_in_flight(rows, A), 1);
    svb_rows_free(rows, row, me + 1); /* not its owner */
    ck_assert_uint_eq(svb_rows_in_flight(rows, A), 1);
    svb_rows_free(rows, row, me);
    ck_assert_uint_eq(svb_rows_in_flight(rows, A), 0);
    ck_assert_uint_eq(svb_rows_in_flight(rows, B), 1);
    svb_rows_free(rows, 0, me);
    ck_assert_uint_eq(svb_rows_in_flight(rows, B), 1);
    svb_rows_leave(rows, 0, B);
    ck_assert_uint_eq(svb_rows_in_flight(rows, B), 0);
}
END_TEST

static int everyone(apr_int64_t pid)
{
    (void)pid;
    return 1;
}

START_TEST(no_row_left)
{
    for (int i = 1; i < SVB_ROWS_MAX; i++) {
        ck_assert_int_gt(svb_rows_claim(rows, 100000 + i, everyone), 0);
    }
    ck_assert_int_eq(svb_rows_claim(rows, 1, everyone), 0);
    svb_rows_free(rows, 17, 100017);
    ck_assert_int_eq(svb_rows_claim(rows, 1, everyone), 17);
}
END_TEST

static void enter_and_hang(int worker)
{
    int row = svb_rows_claim(rows, getpid(), alive);

    board->results[worker][0] = row;
    for (int i = 0; i <= worker; i++) {
        svb_rows_enter(rows, row, A);
    }
    atomic_fetch_add(&board->ready, 1);
    for (;;) {
        pause();
    }
}

static void kill_and_reap(pid_t pid)
{
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(rows_of_the_killed)
{
    int first = -1;
    pid_t pids[WORKERS];

    for (int i = 0; i < WORKERS; i++) {
        pids[i] = spawn(enter_and_hang, i);
    }
    while (atomic_load(&board->ready) < WORKERS) {
        usleep(100);
    }
    for (int i = 0; i < WORKERS; i++) {
        for (int j = 0; j < i; j++) {
            ck_assert_int_ne(board->results[i][0], board->results[j][0]);
        }
    }
    ck_assert_uint_eq(svb_rows_in_flight(rows, A), 1 + 2 + 3 + 4);
    for (int i = 0; i < WORKERS; i++) {
        if (board->results[i][0] == 1) {
            first = i;
        }
    }
    ck_assert_int_ge(first, 0);
    /* Another child takes over a dead one's row, cleared. */
    kill_and_reap(pids[first]);
    ck_assert_int_eq(svb_rows_claim(rows, getpid(), alive), 1);
    ck_assert_uint_eq(svb_rows_in_flight(rows, A), 10 - (1 + first));
    svb_rows_enter(rows, 1, A);
    /* The others' are cleared by the sweep, and its own is not. */
    for (int i = 0; i < WORKERS; i++) {
        if (i != first) {
            kill_and_reap(pids[i]);
        }
    }
    svb_rows_sweep(rows, getpid(), alive);
    ck_assert_uint_eq(svb_rows_in_flight(rows, A), 1);
    ck_assert_int_eq(svb_rows_claim(rows, getpid() + 1, everyone), 2);
}
END_TEST

static int held;

static void count_held(void *baton, const svb_held *request)
{
    (void)baton, (void)request;
    held++;
}

static void copy_held(void *copies, const svb_held *request)
{
    ((svb_held *)copies)[held++] = *request;
}

START_TEST(what_is_held)
{
    const svb_held page = {.id = 77, .node = A, .since = t0},
                   window = {
                       .id = 78, .node = B, .is_window = 1, .since = t0 + 1999};
    svb_held seen[2];
    int row = svb_rows_claim(rows, getpid(), alive);
    int first = svb_rows_hold(rows, row, &page);
    int second = svb_rows_hold(rows, row, &window);

    svb_rows_held(rows, copy_held, seen);
    ck_assert_int_eq(held, 2);
    ck_assert_uint_eq(seen[0].id, 77);
    ck_assert_int_eq(seen[0].node, A);
    ck_assert_int_eq(seen[0].is_window, 0);
    ck_assert_int_eq(seen[0].since, t0);
    ck_assert_uint_eq(seen[1].id, 78);
    ck_assert_int_eq(seen[1].node, B);
    ck_assert_int_eq(seen[1].is_window, 1);
    ck_assert_int_eq(seen[1].since, t0 + 1000); /* whole milliseconds */
    held = 0;
    svb_rows_release(rows, row, first);
    svb_rows_release(rows, row, -1);
    svb_rows_held(rows, copy_held, seen);
    ck_assert_int_eq(held, 1);
    ck_assert_uint_eq(seen[0].id, 78);
    svb_rows_release(rows, row, second);
}
END_TEST

static apr_int64_t living[SVB_ROWS_MAX];

static int is_among_the_living(apr_int64_t process)
{
    for (int i = 0; i < SVB_ROWS_MAX; i++) {
        if (living[i] == process) {
            return 1;
        }
    }
    return 0;
}

/* A child dies, and another one gets its pid, which tells nothing: the dead one's
 * row is given back with what it has counted, whichever row the new one takes. */
START_TEST(same_pid_again)
{
    const apr_int64_t pid = 4711, first = pid | (apr_int64_t)100 << 32,
                      second = pid | (apr_int64_t)101 << 32, other = 4712;
    int row;

    living[0] = other;
    ck_assert_int_eq(svb_rows_claim(rows, other, is_among_the_living), 1);
    ck_assert_int_eq(svb_rows_claim(rows, first, is_among_the_living), 2);
    svb_rows_enter(rows, 2, A);
    svb_rows_hold(rows, 2, &(svb_held){.id = 77});
    svb_rows_free(rows, 1, other);
    living[0] = second;
    row = svb_rows_claim(rows, second, is_among_the_living);
    ck_assert_int_eq(row, 1);
    svb_rows_enter(rows, row, A);
    svb_rows_sweep(rows, second, is_among_the_living);
    ck_assert_uint_eq(svb_rows_in_flight(rows, A), 1);
    svb_rows_held(rows, count_held, NULL);
    ck_assert_int_eq(held, 0);
}
END_TEST

/* Where nothing but the pid tells processes apart, the number on a row may be the
 * new child's own. That row is a dead one's all the same, whichever the new one
 * takes, and nobody would clear it later: its owner seems to live. */
START_TEST(own_number_on_another_row)
{
    const apr_int64_t pid = 4711, other = 4712;

    ck_assert_int_eq(svb_rows_claim(rows, other, everyone), 1);
    ck_assert_int_eq(svb_rows_claim(rows, pid, everyone), 2);
    svb_rows_enter(rows, 2, A);
    svb_rows_hold(rows, 2, &(svb_held){.id = 77});
    svb_rows_free(rows, 1, other);
    ck_assert_int_eq(svb_rows_claim(rows, pid, everyone), 1);
    svb_rows_enter(rows, 1, B);
    ck_assert_uint_eq(svb_rows_in_flight(rows, A), 0);
    ck_assert_uint_eq(svb_rows_in_flight(rows, B), 1);
    svb_rows_held(rows, count_held, NULL);
    ck_assert_int_eq(held, 0);
    /* And the row is there for the next one. */
    ck_assert_int_eq(svb_rows_claim(rows, other, everyone), 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("rows");
    TCase *tc = tcase_create("rows");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, in_flight);
    tcase_add_test(tc, what_is_held);
    tcase_add_test(tc, no_row_left);
    tcase_add_test(tc, same_pid_again);
    tcase_add_test(tc, own_number_on_another_row);
    tcase_add_test(tc, rows_of_the_killed);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
