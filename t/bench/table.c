/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What the calls of svb_clients cost, with a thousand to four million clients
 * in a table of that capacity, called by one, two and four processes at once.
 *
 *     table [most clients]
 *
 * prints nanoseconds a call, the median over rounds of up to a thousand calls.
 * Each call of a round waits for the one before it, as if every request came
 * alone: these are latencies, with all the misses of the processor's caches.
 * Then the throughput of the look-ups of all processes together, in millions a
 * second and not waiting for one another, and the milliseconds that one pass of
 * the sweep takes.
 *
 *     id      hash a session id of 32 hexadecimal digits and a route
 *     read    one word anywhere in the table: no look-up can be quicker
 *     hit     look up a client that is there
 *     miss    look up one that is not
 *     touch   a client seen again within the second: nothing is written
 *     seen    a client seen again later
 *     put     a new client, where another one has gone: the table stays full
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memory/clients.h"

#define MOST_IN_ROUND 1000
#define ROUNDS 301
#define PROCESSES 4
#define NODES 16

enum op { OP_READ, OP_HIT, OP_MISS, OP_TOUCH, OP_SEEN, OP_PUT, OPS };

/* How long the throughput is measured for. */
#define RATE_NANOSECONDS 3e8

static const unsigned char secret[SVB_CLIENTS_SECRET] = "0123456789abcde";
static const apr_time_t t0 = apr_time_from_sec(1796000000);

/* Where processes meet and leave their results. */
static struct {
    _Atomic int ready[OPS + 1];
    double median[PROCESSES][OPS];
    double rate[PROCESSES];
} * board;

static svb_records *records;
static svb_clients *table;
static void *table_mem;
static apr_uint64_t *ids; /* of the clients in the table */
static apr_size_t clients;
static int nodes[NODES];

static apr_interval_time_t timeout(void *baton, int node, svb_kind kind)
{
    (void)node;
    (void)kind;
    return *(apr_interval_time_t *)baton;
}

static void *share(apr_size_t size)
{
    void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (mem == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return mem;
}

static double nanoseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof(*values), by_size);
    return values[n / 2];
}

/* The processor is not to begin the next call before this one has ended. */
static void wait_for_it(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("lfence" ::: "memory");
#elif defined(__aarch64__)
    __asm__ volatile("dsb sy\n\tisb" ::: "memory");
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

static void one_call(enum op op, apr_size_t n, apr_time_t now)
{
    svb_client client;

    switch (op) {
    case OP_READ:
        (void)*(volatile char *)((char *)table_mem
                                 + (ids[n] % svb_clients_buckets(table)) * 64);
        break;
    case OP_HIT:
        svb_clients_find(table, ids[n], now, &client);
        break;
    case OP_MISS:
        svb_clients_find(table, ~ids[n], now, &client);
        break;
    case OP_TOUCH:
    case OP_SEEN:
        svb_clients_touch(table, ids[n], now);
        break;
    default:
        svb_clients_put(table, ids[n], nodes[n % NODES], SVB_KIND_WEB, now);
    }
    wait_for_it();
}

/* These clients go, and their ids become those of others. */
static void replace(apr_size_t from, apr_size_t to)
{
    for (apr_size_t n = from; n < to; n++) {
        svb_clients_remove(table, ids[n], t0);
        ids[n] = svb_clients_id(table, (const char *)&ids[n], sizeof(*ids));
    }
}

/* A process has its own share of the clients; their ids are in no order. */
static void measure(int process, int processes, enum op op)
{
    static double rounds[ROUNDS];
    apr_size_t share = clients / (apr_size_t)processes, n = 0;
    apr_size_t size = share < MOST_IN_ROUND ? share : MOST_IN_ROUND;
    apr_time_t now = t0 + apr_time_from_sec(op >= OP_SEEN ? 100 : 0);
    double begin;

    for (int i = 0; i < ROUNDS; i++, n += size) {
        apr_size_t from = share * (apr_size_t)process;

        if (n + size > share) {
            n = 0;
            now += op == OP_SEEN ? apr_time_from_sec(10) : 0;
        }
        if (op == OP_PUT) {
            replace(from + n, from + n + size);
        }
        begin = nanoseconds();
        for (apr_size_t k = from + n; k < from + n + size; k++) {
            one_call(op, k, now);
        }
        rounds[i] = (nanoseconds() - begin) / (double)size;
    }
    board->median[process][op] = median(rounds, ROUNDS);
}

/* Have all pages of the table at hand, as a process has after a while. */
static void warm_up(void)
{
    for (apr_size_t i = 0; i < svb_clients_bytes(table); i += 512) {
        (void)*(volatile char *)((char *)table_mem + i);
    }
}

/* Millions of look-ups a second, while all processes are at it. */
static double rate(int process, int processes)
{
    apr_size_t share = clients / (apr_size_t)processes, n = 0, calls = 0;
    double begin = nanoseconds(), spent;
    svb_client client;

    do {
        for (int k = 0; k < 1000; k++) {
            n = n + 1 < share ? n + 1 : 0;
            svb_clients_find(table, ids[share * (apr_size_t)process + n], t0,
                             &client);
        }
        calls += 1000;
        spent = nanoseconds() - begin;
    } while (spent < RATE_NANOSECONDS);
    return 1e3 * (double)calls / spent;
}

static void meet(int place, int processes)
{
    atomic_fetch_add(&board->ready[place], 1);
    while (atomic_load(&board->ready[place]) < processes) {
    }
}

static void run(int process, int processes)
{
    warm_up();
    meet(OPS, processes);
    board->rate[process] = rate(process, processes);
    for (int op = 0; op < OPS; op++) {
        meet(op, processes);
        measure(process, processes, op);
    }
}

static double id_cost(void)
{
    static double rounds[ROUNDS];
    const int size = MOST_IN_ROUND;
    char text[] = "0A1B2C3D4E5F60718293A4B5C6D7E8F9.servoy1";
    apr_uint64_t id = 0;

    for (int i = 0; i < ROUNDS; i++) {
        double begin = nanoseconds();

        for (int k = 0; k < size; k++) {
            text[0] = (char)id;
            id = svb_clients_id(table, text, sizeof(text) - 1);
        }
        rounds[i] = (nanoseconds() - begin) / size;
    }
    return median(rounds, ROUNDS);
}

static void fill(apr_pool_t *pool)
{
    static apr_interval_time_t half_an_hour = apr_time_from_sec(1800);

    table_mem = share(svb_clients_size(clients));
    svb_clients_open(&table, table_mem, clients, secret, records, pool);
    svb_clients_set_timeout(table, timeout, &half_an_hour);
    ids = share(clients * sizeof(*ids));
    for (apr_size_t i = 0; i < clients; i++) {
        ids[i] = svb_clients_id(table, (const char *)&i, sizeof(i));
        svb_clients_put(table, ids[i], nodes[i % NODES], SVB_KIND_WEB, t0);
    }
}

static double sweep_cost(void)
{
    double passes[5];

    for (int i = 0; i < 5; i++) {
        double begin = nanoseconds();

        svb_clients_sweep(table, svb_clients_buckets(table), t0);
        passes[i] = (nanoseconds() - begin) / 1e6;
    }
    return median(passes, 5);
}

static void report(int processes, apr_uint64_t evicted)
{
    double sum = 0;

    printf("%8lu %6.1f %7lu %5d %5.0f", (unsigned long)clients,
           (double)svb_clients_bytes(table) / (double)clients,
           (unsigned long)evicted, processes, id_cost());
    for (int op = 0; op < OPS; op++) {
        double of_all[PROCESSES];

        for (int i = 0; i < processes; i++) {
            of_all[i] = board->median[i][op];
        }
        printf(" %6.0f", median(of_all, processes));
    }
    for (int i = 0; i < processes; i++) {
        sum += board->rate[i];
    }
    printf(" %8.1f %6.1f\n", sum, sweep_cost());
    fflush(stdout);
}

static void measure_all(int processes)
{
    apr_uint64_t evicted = svb_clients_evicted(table);

    memset(board, 0, sizeof(*board));
    for (int i = 0; i < processes; i++) {
        if (fork() == 0) {
            run(i, processes);
            _exit(0);
        }
    }
    while (wait(NULL) > 0) {
    }
    report(processes, evicted);
}

int main(int argc, char **argv)
{
    const apr_size_t sizes[] = {1000, 10000, 100000, 1000000, 4000000};
    apr_size_t most = argc > 1 ? strtoul(argv[1], NULL, 10) : 4000000;
    apr_pool_t *pool;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    board = share(sizeof(*board));
    svb_records_open(&records, share(svb_records_size()), pool);
    for (int i = 0; i < NODES; i++) {
        char route[16];

        snprintf(route, sizeof(route), "node%d", i);
        nodes[i] = svb_records_add(records, "servoy", route);
    }
    printf(
        " clients  bytes dropped procs    id   read    hit   miss  touch   seen"
        "    put  Mhits/s  sweep\n");
    for (int i = 0; i < 5 && sizes[i] <= most; i++) {
        clients = sizes[i];
        fill(pool);
        for (int processes = 1; processes <= PROCESSES; processes *= 2) {
            measure_all(processes);
        }
        munmap(ids, clients * sizeof(*ids));
        munmap(table_mem, svb_clients_bytes(table));
        for (int k = 0; k < NODES; k++) {
            svb_clients_forget(table, nodes[k], t0);
        }
    }
    return 0;
}
