/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_records: the records of nodes and what is counted for them, also by several
 * processes at once, and by some that are killed.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/records.h"
#include "unit.h"

#define SEC(n) apr_time_from_sec(n)
#define WORKERS 4

static const apr_time_t t0 = SEC(1796000000);

static svb_records *fleet;

/* Where processes of a test meet and leave results. */
static struct {
    _Atomic int ready, go;
    int results[WORKERS][SVB_RECORDS_MAX];
} * board;

static void *share(apr_size_t size)
{
    void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert(mem != MAP_FAILED);
    return mem;
}

static void setup(void)
{
    pool_setup();
    board = share(sizeof(*board));
    svb_records_open(&fleet, share(svb_records_size()), pool);
}

static int alive(apr_int64_t pid)
{
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

static pid_t spawn(void (*body)(int), int worker)
{
    pid_t pid = fork();

    if (pid == 0) {
        body(worker);
        _exit(0);
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

/* Run the body in all workers at the same time. */
static void at_once(void (*body)(int))
{
    pid_t pids[WORKERS];
    int status;

    for (int i = 0; i < WORKERS; i++) {
        pids[i] = spawn(body, i);
    }
    while (atomic_load(&board->ready) < WORKERS) {
        usleep(100);
    }
    atomic_store(&board->go, 1);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static void wait_for_all(void)
{
    atomic_fetch_add(&board->ready, 1);
    while (!atomic_load(&board->go)) {
    }
}

/* --- records --- */

START_TEST(add_and_find)
{
    int a, b, c;

    ck_assert_int_eq(svb_records_find(fleet, "servoy", "a"), -1);
    a = svb_records_add(fleet, "servoy", "a");
    b = svb_records_add(fleet, "servoy", "b");
    c = svb_records_add(fleet, "other", "a");
    ck_assert(a >= 0 && b >= 0 && c >= 0 && a != b && b != c && a != c);
    ck_assert(a < SVB_RECORDS_MAX && b < SVB_RECORDS_MAX);
    ck_assert_int_eq(svb_records_add(fleet, "servoy", "a"), a);
    ck_assert_int_eq(svb_records_find(fleet, "servoy", "b"), b);
    ck_assert_int_eq(svb_records_find(fleet, "other", "a"), c);
    ck_assert_int_eq(svb_records_find(fleet, "other", "b"), -1);
    ck_assert_int_eq(svb_records_find(fleet, "servoya", ""), -1);
    ck_assert_int_eq(svb_records_find(fleet, "servo", "ya"), -1);
    ck_assert_str_eq(svb_records_name(fleet, c), "other");
    ck_assert_str_eq(svb_records_route(fleet, b), "b");
}
END_TEST

START_TEST(names)
{
    char longest[SVB_NAME_MAX + 2];
    int node;

    memset(longest, 'x', sizeof(longest));
    longest[SVB_NAME_MAX + 1] = '\0';
    ck_assert_int_eq(svb_records_add(fleet, longest, "a"), -1);
    ck_assert_int_eq(svb_records_add(fleet, "servoy", longest), -1);
    ck_assert_int_eq(svb_records_add(fleet, "", "a"), -1);
    ck_assert_int_eq(svb_records_add(fleet, "servoy", ""), -1);
    longest[SVB_NAME_MAX] = '\0';
    node = svb_records_add(fleet, longest, longest);
    ck_assert_int_ge(node, 0);
    ck_assert_str_eq(svb_records_name(fleet, node), longest);
    ck_assert_str_eq(svb_records_route(fleet, node), longest);
}
END_TEST

START_TEST(as_many_as_fit)
{
    unsigned char taken[SVB_RECORDS_MAX] = {0};
    char route[16];

    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        int node;

        snprintf(route, sizeof(route), "n%d", i);
        node = svb_records_add(fleet, "servoy", route);
        ck_assert_int_ge(node, 0);
        ck_assert(!taken[node]);
        taken[node] = 1;
    }
    ck_assert_int_eq(svb_records_add(fleet, "servoy", "one more"), -1);
    ck_assert_int_eq(svb_records_find(fleet, "servoy", "one more"), -1);
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        snprintf(route, sizeof(route), "n%d", i);
        ck_assert_str_eq(
            svb_records_route(fleet, svb_records_find(fleet, "servoy", route)),
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
        board->results[worker][i] = svb_records_add(fleet, "servoy", route);
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
    int node = svb_records_find(fleet, "servoy", "a");

    (void)worker;
    wait_for_all();
    for (int i = 0; i < 10000; i++) {
        svb_records_count(fleet, node, SVB_CTR_STICKY);
        svb_records_elected(fleet, node, t0, SEC(60));
        svb_records_clients_add(fleet, node, 0, SVB_KIND_WEB, 1);
    }
}

START_TEST(counted_at_once)
{
    int node = svb_records_add(fleet, "servoy", "a");
    int other = svb_records_add(fleet, "servoy", "b");

    at_once(count_all);
    ck_assert_uint_eq(svb_records_counter(fleet, node, SVB_CTR_STICKY),
                      WORKERS * 10000);
    ck_assert_uint_eq(svb_records_counter(fleet, node, SVB_CTR_ELECTED), 0);
    ck_assert_uint_eq(svb_records_counter(fleet, other, SVB_CTR_STICKY), 0);
    ck_assert_uint_eq(svb_records_clients(fleet, node, SVB_KIND_WEB),
                      WORKERS * 10000);
    ck_assert_double_eq(svb_records_recent(fleet, node, t0, SEC(60)),
                        WORKERS * 10000);
    svb_records_elected(fleet, other, t0, SEC(60));
    ck_assert_uint_eq(svb_records_last_turn(fleet, other), WORKERS * 10000 + 1);
}
END_TEST

START_TEST(turns_and_recent_elections)
{
    int a = svb_records_add(fleet, "servoy", "a");
    int b = svb_records_add(fleet, "servoy", "b");

    ck_assert_uint_eq(svb_records_last_turn(fleet, a), 0);
    ck_assert_double_eq(svb_records_recent(fleet, a, t0, SEC(60)), 0);
    for (int i = 0; i < 8; i++) {
        svb_records_elected(fleet, a, t0, SEC(60));
    }
    svb_records_elected(fleet, b, t0, SEC(60));
    ck_assert_uint_lt(svb_records_last_turn(fleet, a),
                      svb_records_last_turn(fleet, b));
    ck_assert_double_eq(svb_records_recent(fleet, a, t0, SEC(60)), 8);
    ck_assert_double_eq(svb_records_recent(fleet, a, t0 + SEC(60), SEC(60)), 4);
    ck_assert_double_eq(svb_records_recent(fleet, a, t0 + SEC(180), SEC(60)),
                        1);
    ck_assert_double_lt(svb_records_recent(fleet, a, t0 + SEC(86400), SEC(60)),
                        1e-6);
    /* A clock that is set back makes no elections out of nothing. */
    ck_assert_double_eq(svb_records_recent(fleet, a, t0 - SEC(86400), SEC(60)),
                        8);
    svb_records_elected(fleet, a, t0 + SEC(60), SEC(60));
    ck_assert_double_eq(svb_records_recent(fleet, a, t0 + SEC(60), SEC(60)), 5);
}
END_TEST

START_TEST(decay)
{
    int a = svb_records_add(fleet, "servoy", "a");
    svb_records_load load;

    for (int i = 0; i < 1000; i++) {
        svb_records_elected(fleet, a, t0, SEC(100));
    }
    for (int i = 0; i < 6000; i += 7) {
        double expected = 1000 * exp2(-i / 100.0);

        ck_assert_double_eq_tol(
            svb_records_recent(fleet, a, t0 + SEC(i), SEC(100)), expected,
            0.003 * expected + 1e-9);
    }
    ck_assert_double_eq(svb_records_recent(fleet, a, t0 + SEC(9999999), SEC(1)),
                        0);
    svb_records_clients_add(fleet, a, 0, SVB_KIND_WEB, 5);
    svb_records_clients_add(fleet, a, 0, SVB_KIND_PENDING, 2);
    svb_records_clients_add(fleet, a, 0, SVB_KIND_SMART, 1);
    svb_records_set_up_since(fleet, a, t0 + 3);
    svb_records_look(fleet, a, t0 + SEC(100), SEC(100), &load);
    ck_assert_uint_eq(load.clients, 8);
    ck_assert_uint_eq(svb_records_clients_all(fleet, a), 8);
    ck_assert_double_eq(load.recent, 500);
    ck_assert_uint_eq(load.last_turn, 1000);
    ck_assert_int_eq(load.up_since, t0 + 3);
}
END_TEST

START_TEST(states)
{
    int node = svb_records_add(fleet, "servoy", "a");

    ck_assert_int_eq(svb_records_last_change(fleet, node), 0);
    ck_assert_int_eq(svb_records_note_state(fleet, node, 0, t0), -1);
    ck_assert_int_eq(svb_records_note_state(fleet, node, 0, t0 + 5), 0);
    ck_assert_int_eq(svb_records_last_change(fleet, node), t0);
    ck_assert_int_eq(svb_records_note_state(fleet, node, 254, t0 + 7), 0);
    ck_assert_int_eq(svb_records_note_state(fleet, node, 3, t0 + 9), 254);
    ck_assert_int_eq(svb_records_last_change(fleet, node), t0 + 9);
}
END_TEST

START_TEST(words_of_a_node)
{
    int a = svb_records_add(fleet, "servoy", "a"), used = 0;
    int b = svb_records_add(fleet, "servoy", "b");

    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        used += svb_records_used(fleet, i);
    }
    ck_assert_int_eq(used, 2);
    ck_assert(svb_records_used(fleet, a) && svb_records_used(fleet, b));

    ck_assert_uint_eq(svb_records_admin(fleet, a), 0);
    svb_records_set_admin(fleet, a, 0xfedcba9876543210u);
    ck_assert_uint_eq(svb_records_admin(fleet, a), 0xfedcba9876543210u);
    ck_assert_uint_eq(svb_records_admin(fleet, b), 0);

    ck_assert_int_eq(svb_records_up_since(fleet, a), 0);
    svb_records_set_up_since(fleet, a, t0 + 1);
    ck_assert_int_eq(svb_records_up_since(fleet, a), t0 + 1);

    svb_records_count(fleet, a, SVB_CTR_ERRORS);
    svb_records_set_counter(fleet, a, SVB_CTR_ERRORS, 40);
    svb_records_count(fleet, a, SVB_CTR_ERRORS);
    ck_assert_uint_eq(svb_records_counter(fleet, a, SVB_CTR_ERRORS), 41);
    ck_assert_uint_eq(svb_records_counter(fleet, b, SVB_CTR_ERRORS), 0);
}
END_TEST

START_TEST(reach)
{
    int a = svb_records_add(fleet, "servoy", "a");
    int b = svb_records_add(fleet, "servoy", "b");
    unsigned epoch = svb_records_epoch(fleet, a);

    ck_assert_int_eq(svb_records_reach(fleet, a), SVB_REACH_OK);
    ck_assert_int_eq(svb_records_set_reach(fleet, a, SVB_REACH_REFUSED),
                     SVB_REACH_OK);
    ck_assert_int_eq(svb_records_reach(fleet, a), SVB_REACH_REFUSED);
    ck_assert_int_eq(svb_records_reach(fleet, b), SVB_REACH_OK);
    ck_assert_int_eq(svb_records_set_reach(fleet, a, SVB_REACH_SILENT),
                     SVB_REACH_REFUSED);
    ck_assert_int_eq(svb_records_set_reach(fleet, a, SVB_REACH_SILENT),
                     SVB_REACH_SILENT);
    ck_assert_int_eq(svb_records_set_reach(fleet, a, SVB_REACH_OK),
                     SVB_REACH_SILENT);
    ck_assert_int_eq(svb_records_reach(fleet, a), SVB_REACH_OK);
    /* It is noted; what follows from it is not this one's business. */
    ck_assert_uint_eq(svb_records_epoch(fleet, a), epoch);
    ck_assert_int_eq(svb_records_last_change(fleet, a), 0);
    /* Every node has a word of its own. */
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        svb_records_set_reach(fleet, i, (enum svb_reach)(i % 3));
    }
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        ck_assert_int_eq(svb_records_reach(fleet, i), i % 3);
        ck_assert_int_eq(svb_records_heard(fleet, i), 0);
    }
}
END_TEST

START_TEST(reach_in_words)
{
    ck_assert_str_eq(svb_records_reach_text(SVB_REACH_REFUSED),
                     "connection refused");
    ck_assert_str_eq(svb_records_reach_text(SVB_REACH_SILENT), "timed out");
}
END_TEST

START_TEST(heard)
{
    int a = svb_records_add(fleet, "servoy", "a");
    int b = svb_records_add(fleet, "servoy", "b");

    ck_assert_int_eq(svb_records_heard(fleet, a), 0);
    svb_records_hear(fleet, a, t0);
    ck_assert_int_eq(svb_records_heard(fleet, a), t0);
    /* Rounded down, so that nothing counts for longer than it should. */
    svb_records_hear(fleet, a, t0 + SEC(2) - 1);
    ck_assert_int_eq(svb_records_heard(fleet, a), t0 + SEC(1));
    svb_records_hear(fleet, a, t0 + SEC(2));
    ck_assert_int_eq(svb_records_heard(fleet, a), t0 + SEC(2));
    /* One who has looked at the clock before is late with it. */
    svb_records_hear(fleet, a, t0 + SEC(1));
    ck_assert_int_eq(svb_records_heard(fleet, a), t0 + SEC(2));
    ck_assert_int_eq(svb_records_heard(fleet, b), 0);
    ck_assert_int_eq(svb_records_reach(fleet, a), SVB_REACH_OK);
}
END_TEST

static void reach_all(int worker)
{
    int node = svb_records_find(fleet, "servoy", "a");

    wait_for_all();
    board->results[worker][0] =
        (int)svb_records_set_reach(fleet, node, SVB_REACH_SILENT);
    for (int i = 0; i < 1000; i++) {
        svb_records_hear(fleet, node, t0 + SEC((i * (worker + 3)) % 1000));
    }
}

/* Who asks at the same time as others: one of them sees the change, and tells. */
START_TEST(one_finds_it_dead)
{
    int node = svb_records_add(fleet, "servoy", "a"), saw = 0;

    at_once(reach_all);
    for (int i = 0; i < WORKERS; i++) {
        saw += board->results[i][0] == SVB_REACH_OK;
    }
    ck_assert_int_eq(saw, 1);
    ck_assert_int_eq(svb_records_reach(fleet, node), SVB_REACH_SILENT);
    ck_assert_int_ge(svb_records_heard(fleet, node), t0 + SEC(990));
}
END_TEST

static void note_all(int worker)
{
    int node = svb_records_find(fleet, "servoy", "a");

    wait_for_all();
    board->results[worker][0] = svb_records_note_state(fleet, node, 7, t0);
}

START_TEST(one_sees_the_change)
{
    int node = svb_records_add(fleet, "servoy", "a"), saw = 0;

    svb_records_note_state(fleet, node, 1, t0);
    at_once(note_all);
    for (int i = 0; i < WORKERS; i++) {
        saw += board->results[i][0] != 7;
    }
    ck_assert_int_eq(saw, 1);
}
END_TEST

/* --- clients --- */

static unsigned web(int node)
{
    return svb_records_clients(fleet, node, SVB_KIND_WEB);
}

START_TEST(counts_and_epochs)
{
    int a = svb_records_add(fleet, "servoy", "a");
    int b = svb_records_add(fleet, "servoy", "b");
    unsigned epoch = svb_records_epoch(fleet, a);

    svb_records_clients_add(fleet, a, epoch, SVB_KIND_WEB, 3);
    svb_records_clients_add(fleet, a, epoch, SVB_KIND_SMART, 1);
    svb_records_clients_add(fleet, b, svb_records_epoch(fleet, b), SVB_KIND_WEB,
                            9);
    svb_records_clients_add(fleet, a, epoch, SVB_KIND_WEB, -1);
    ck_assert_uint_eq(web(a), 2);
    ck_assert_uint_eq(svb_records_clients(fleet, a, SVB_KIND_SMART), 1);
    ck_assert_uint_eq(svb_records_clients(fleet, a, SVB_KIND_PENDING), 0);

    svb_records_next_epoch(fleet, a);
    ck_assert_uint_ne(svb_records_epoch(fleet, a), epoch);
    ck_assert_uint_eq(web(a), 0);
    ck_assert_uint_eq(web(b), 9);
    /* What belongs to the old epoch changes nothing. */
    svb_records_clients_add(fleet, a, epoch, SVB_KIND_WEB, 1);
    svb_records_clients_add(fleet, a, epoch, SVB_KIND_WEB, -1);
    ck_assert_uint_eq(web(a), 0);
    epoch = svb_records_epoch(fleet, a);
    svb_records_clients_add(fleet, a, epoch, SVB_KIND_WEB, 1);
    ck_assert_uint_eq(web(a), 1);
    svb_records_clients_add(fleet, a, epoch, SVB_KIND_WEB, -5);
    ck_assert_uint_eq(web(a), 0);
    /* The number of an epoch has 16 bits and starts over. */
    for (int i = 0; i < 65536; i++) {
        svb_records_next_epoch(fleet, a);
    }
    ck_assert_uint_eq(svb_records_epoch(fleet, a), epoch);
}
END_TEST

START_TEST(corrected)
{
    int a = svb_records_add(fleet, "servoy", "a");
    apr_uint64_t mark;

    svb_records_next_epoch(fleet, a);
    mark = svb_records_clients_mark(fleet, a, SVB_KIND_WEB);
    svb_records_clients_correct(fleet, a, SVB_KIND_WEB, mark, 0, 12);
    ck_assert_uint_eq(web(a), 12);
    /* One more came meanwhile: 12 found and 13 counted may both be right. */
    mark = svb_records_clients_mark(fleet, a, SVB_KIND_WEB);
    svb_records_clients_add(fleet, a, 1, SVB_KIND_WEB, 1);
    svb_records_clients_correct(fleet, a, SVB_KIND_WEB, mark, 0, 12);
    ck_assert_uint_eq(web(a), 13);
    svb_records_clients_correct(fleet, a, SVB_KIND_WEB, mark, 0, 10);
    ck_assert_uint_eq(web(a), 10);
    /* What the caller did itself does not count as that. */
    mark = svb_records_clients_mark(fleet, a, SVB_KIND_WEB);
    svb_records_clients_add(fleet, a, 1, SVB_KIND_WEB, -4);
    svb_records_clients_correct(fleet, a, SVB_KIND_WEB, mark, 4, 7);
    ck_assert_uint_eq(web(a), 7);
    /* Nor is a count of another epoch of any use. */
    mark = svb_records_clients_mark(fleet, a, SVB_KIND_WEB);
    svb_records_next_epoch(fleet, a);
    svb_records_clients_correct(fleet, a, SVB_KIND_WEB, mark, 0, 99);
    ck_assert_uint_eq(web(a), 0);
    /* The number of changes starts over without harm. */
    for (int i = 0; i < 65530; i++) {
        svb_records_clients_add(fleet, a, 2, SVB_KIND_WEB, 1);
    }
    mark = svb_records_clients_mark(fleet, a, SVB_KIND_WEB);
    for (int i = 0; i < 20; i++) {
        svb_records_clients_add(fleet, a, 2, SVB_KIND_WEB, 1);
    }
    svb_records_clients_correct(fleet, a, SVB_KIND_WEB, mark, 0, 65530);
    ck_assert_uint_eq(web(a), 65550);
    svb_records_clients_correct(fleet, a, SVB_KIND_WEB, mark, 20, 65530);
    ck_assert_uint_eq(web(a), 65530);
}
END_TEST

/* --- requests in flight --- */

START_TEST(rows)
{
    int a = svb_records_add(fleet, "servoy", "a");
    int b = svb_records_add(fleet, "servoy", "b");
    apr_int64_t me = getpid();
    int row = svb_rows_claim(fleet, me, alive);

    ck_assert_int_gt(row, 0);
    svb_rows_enter(fleet, row, a);
    svb_rows_enter(fleet, row, a);
    svb_rows_enter(fleet, row, b);
    svb_rows_enter(fleet, 0, b);
    svb_rows_leave(fleet, row, a);
    ck_assert_uint_eq(svb_rows_in_flight(fleet, a), 1);
    ck_assert_uint_eq(svb_rows_in_flight(fleet, b), 2);
    svb_rows_sweep(fleet, me, alive);
    ck_assert_uint_eq(svb_rows_in_flight(fleet, a), 1);
    svb_rows_free(fleet, row, me + 1); /* not its owner */
    ck_assert_uint_eq(svb_rows_in_flight(fleet, a), 1);
    svb_rows_free(fleet, row, me);
    ck_assert_uint_eq(svb_rows_in_flight(fleet, a), 0);
    ck_assert_uint_eq(svb_rows_in_flight(fleet, b), 1);
    svb_rows_free(fleet, 0, me);
    ck_assert_uint_eq(svb_rows_in_flight(fleet, b), 1);
    svb_rows_leave(fleet, 0, b);
    ck_assert_uint_eq(svb_rows_in_flight(fleet, b), 0);
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
        ck_assert_int_gt(svb_rows_claim(fleet, 100000 + i, everyone), 0);
    }
    ck_assert_int_eq(svb_rows_claim(fleet, 1, everyone), 0);
    svb_rows_free(fleet, 17, 100017);
    ck_assert_int_eq(svb_rows_claim(fleet, 1, everyone), 17);
}
END_TEST

static void enter_and_hang(int worker)
{
    int row = svb_rows_claim(fleet, getpid(), alive);
    int a = svb_records_find(fleet, "servoy", "a");

    board->results[worker][0] = row;
    for (int i = 0; i <= worker; i++) {
        svb_rows_enter(fleet, row, a);
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
    int a = svb_records_add(fleet, "servoy", "a"), first = -1;
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
    ck_assert_uint_eq(svb_rows_in_flight(fleet, a), 1 + 2 + 3 + 4);
    for (int i = 0; i < WORKERS; i++) {
        if (board->results[i][0] == 1) {
            first = i;
        }
    }
    ck_assert_int_ge(first, 0);
    /* Another child takes over a dead one's row, cleared. */
    kill_and_reap(pids[first]);
    ck_assert_int_eq(svb_rows_claim(fleet, getpid(), alive), 1);
    ck_assert_uint_eq(svb_rows_in_flight(fleet, a), 10 - (1 + first));
    svb_rows_enter(fleet, 1, a);
    /* The others' are cleared by the sweep, and its own is not. */
    for (int i = 0; i < WORKERS; i++) {
        if (i != first) {
            kill_and_reap(pids[i]);
        }
    }
    svb_rows_sweep(fleet, getpid(), alive);
    ck_assert_uint_eq(svb_rows_in_flight(fleet, a), 1);
    ck_assert_int_eq(svb_rows_claim(fleet, getpid() + 1, everyone), 2);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("fleet");
    TCase *tc = tcase_create("fleet");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, add_and_find);
    tcase_add_test(tc, names);
    tcase_add_test(tc, as_many_as_fit);
    tcase_add_test(tc, added_at_once);
    tcase_add_test(tc, counted_at_once);
    tcase_add_test(tc, turns_and_recent_elections);
    tcase_add_test(tc, decay);
    tcase_add_test(tc, states);
    tcase_add_test(tc, words_of_a_node);
    tcase_add_test(tc, one_sees_the_change);
    tcase_add_test(tc, reach);
    tcase_add_test(tc, reach_in_words);
    tcase_add_test(tc, heard);
    tcase_add_test(tc, one_finds_it_dead);
    tcase_add_test(tc, counts_and_epochs);
    tcase_add_test(tc, corrected);
    tcase_add_test(tc, rows);
    tcase_add_test(tc, no_row_left);
    tcase_add_test(tc, rows_of_the_killed);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
