/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_clients and svb_records under several threads of one process, for
 * ThreadSanitizer, which cannot see what other processes do to shared memory.
 * It is a test without it, too.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/clients.h"
#include "memory/rows.h"
#include "nodes/condition.h"
#include "unit.h"

#define SEC(n) apr_time_from_sec(n)
#define ALL ((apr_size_t)-1)

#define THREADS 6
#define NODES 4
#define CLIENTS 64 /* so few that the threads always meet */
#define CALLS 200000
#define CAPACITY 16 /* so few that some are dropped */

static const unsigned char secret[SVB_CLIENTS_SECRET] = "0123456789abcde";

static void *records_mem, *rows_mem;
static svb_rows *rows;
static svb_records *records;
static svb_clients *table;
static int nodes[NODES];
static void *table_mem;
static _Atomic apr_int64_t seconds = 1796000000;
static _Atomic int wrong;

static apr_interval_time_t timeout(void *baton, int node, svb_kind kind)
{
    (void)baton;
    (void)node;
    return kind == SVB_KIND_PENDING ? SEC(3) : SEC(1800);
}

static void *zeroed(apr_size_t size)
{
    void *mem = NULL;

    ck_assert_int_eq(posix_memalign(&mem, 64, size), 0);
    return memset(mem, 0, size);
}

static svb_clients *open_table(apr_pool_t *p)
{
    svb_clients *clients;

    svb_clients_open(&clients, table_mem, CAPACITY, secret, records, p);
    svb_clients_set_timeout(clients, timeout, NULL);
    return clients;
}

static apr_time_t now(void)
{
    return SEC(atomic_load(&seconds));
}

static apr_uint64_t id_of(unsigned n)
{
    return svb_clients_id(table, (const char *)&n, sizeof(n));
}

/* Client n is on node n modulo their number, whoever puts it there. */
static void one_call(unsigned dice, unsigned n)
{
    int node = nodes[n % NODES];
    svb_client client;

    switch (dice) {
    case 0:
        svb_clients_remove(table, id_of(n), now());
        break;
    case 1:
        svb_clients_rename(table, id_of(n), id_of((n + NODES) % CLIENTS), node,
                           SVB_KIND_WEB, now());
        break;
    case 2:
        svb_clients_put(table, id_of(n), node, SVB_KIND_PENDING, now());
        break;
    case 3:
    case 4:
        svb_clients_put(table, id_of(n), node, SVB_KIND_WEB, now());
        break;
    case 5:
        svb_records_count(records, node, SVB_CTR_STICKY);
        svb_records_elected(records, node);
        break;
    case 6:
        svb_condition_note(records, node, (svb_state)(n % 5), now());
        break;
    case 8:
        svb_clients_window(table, id_of(n), node, now());
        break;
    case 9:
        svb_clients_remember(table, id_of(n), now());
        break;
    case 7:
        svb_rows_enter(rows, 0, node);
        svb_rows_leave(rows, 0, node);
        break;
    default:
        svb_clients_touch(table, id_of(n), now());
    }
    if (svb_clients_find(table, id_of(n), now(), &client)
        && client.node != node) {
        atomic_store(&wrong, 1);
    }
}

static void *work(void *arg)
{
    unsigned seed = (unsigned)(apr_size_t)arg;

    for (int i = 0; i < CALLS; i++) {
        unsigned n = (unsigned)rand_r(&seed) % CLIENTS;

        one_call((unsigned)rand_r(&seed) % 14, n);
        if (i % 1000 == 0) {
            atomic_fetch_add(&seconds, 1);
        }
        if (rand_r(&seed) % 10000 == 0) {
            svb_records_next_epoch(records, nodes[n % NODES]);
        }
    }
    return NULL;
}

/* A sweep of its own for this thread, as each process has. */
static void *sweep(void *arg)
{
    svb_clients *clients = open_table(arg);

    for (int i = 0; i < CALLS / 200; i++) {
        svb_clients_sweep(clients, 7, now());
    }
    return NULL;
}

START_TEST(everything_at_once)
{
    pthread_t threads[THREADS], sweeper;
    apr_pool_t *sub;
    svb_client client;
    apr_size_t pos = 0, sum = 0;

    pool_setup();
    apr_pool_create(&sub, NULL);
    records_mem = zeroed(svb_records_size());
    svb_records_open(&records, records_mem, pool);
    rows_mem = zeroed(svb_rows_size());
    svb_rows_open(&rows, rows_mem, pool);
    for (int i = 0; i < NODES; i++) {
        char route[] = {'n', (char)('0' + i), 0};

        nodes[i] = svb_records_add(records, "servoy", route);
    }
    table_mem = zeroed(svb_clients_size(CAPACITY));
    table = open_table(pool);
    pthread_create(&sweeper, NULL, sweep, sub);
    for (apr_size_t i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, work, (void *)(i + 1));
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_join(sweeper, NULL);

    ck_assert(!atomic_load(&wrong));
    ck_assert(svb_clients_sweep(table, ALL, now()));
    while (svb_clients_next(table, &pos, now(), &client)) {
        sum += svb_kind_is_counted(client.kind);
    }
    ck_assert_uint_gt(sum, 0);
    ck_assert_uint_eq(svb_clients_count(table), sum);
    free(records_mem);
    free(rows_mem);
    free(table_mem);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("clients_threads");
    TCase *tc = tcase_create("clients_threads");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, everything_at_once);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *sr = srunner_create(suite());

    /* No process of its own, which ThreadSanitizer would not follow. */
    srunner_set_fork_status(sr, CK_NOFORK);
    return unit_run(sr);
}
