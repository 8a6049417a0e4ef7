/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_clients and svb_records under several processes that do everything at once,
 * some of which are killed at random and replaced; and elections by several
 * processes at once. The invariants are those of any such table: a client whose
 * node is up is where it was put, and after a sweep the counts are right.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/clients.h"
#include "choice/score.h"
#define WORKERS 6
#include "workers.h"

#define SEC(n) apr_time_from_sec(n)
#define ALL ((apr_size_t)-1)

#define NODES 5
#define OWN 50     /* clients that one worker alone speaks for */
#define SHARED 500 /* clients that all speak for, each on a node of its own */
#define CAPACITY 20000
#define SECONDS 4

static const unsigned char secret[SVB_CLIENTS_SECRET] = "0123456789abcde";

/* In shared memory. */
static struct {
    _Atomic int64_t clock; /* seconds; runs fast */
    _Atomic int stop;
    _Atomic int64_t calls[WORKERS];
} * shared;

static svb_records *records;
static svb_clients *table;
static void *table_mem;
static int nodes[NODES];

/* Own and shared clients are of kind smart and live for ever. */
static apr_interval_time_t timeout(void *baton, int node, svb_kind kind)
{
    static const apr_interval_time_t timeouts[SVB_KINDS] = {SEC(2), SEC(20), -1,
                                                            SEC(20)};

    (void)baton;
    (void)node;
    return timeouts[kind];
}

static void setup(void)
{
    pool_setup();
    shared = share(sizeof(*shared));
    atomic_store(&shared->clock, 1796000000);
    svb_records_open(&records, share(svb_records_size()), pool);
    for (int i = 0; i < NODES; i++) {
        char route[] = {'n', (char)('0' + i), 0};

        nodes[i] = svb_records_add(records, "servoy", route);
    }
    table_mem = share(svb_clients_size(CAPACITY));
    svb_clients_open(&table, table_mem, CAPACITY, secret, records, pool);
    svb_clients_set_timeout(table, timeout, NULL);
}

static apr_time_t now(void)
{
    return SEC(atomic_load(&shared->clock));
}

static apr_uint64_t id_of(int worker, int n)
{
    int both[2] = {worker, n};

    return svb_clients_id(table, (const char *)both, sizeof(both));
}

static apr_uint64_t random64(void)
{
    return (apr_uint64_t)random() << 33 ^ (apr_uint64_t)random() << 11
           ^ (apr_uint64_t)random();
}

/* ------------------------------------------------------------------ a worker */

/* What a worker knows of a client of its own. Its node's epoch, read before and
 * after, tells whether the client may be gone. */
typedef struct {
    int certain, there, alias, node;
    unsigned epoch;
} own_client;

static own_client own[OWN];

static void give_up(const char *what, int worker, int n)
{
    fprintf(stderr, "# worker %d, client %d: %s\n", worker, n, what);
    _exit(1);
}

static apr_uint64_t own_id(int worker, int n)
{
    return id_of(worker, 2 * n + own[n].alias);
}

static void own_look(int worker, int n)
{
    svb_client client;
    own_client *o = &own[n];
    int found = svb_clients_find(table, own_id(worker, n), now(), &client);

    if (!o->certain) {
        return;
    }
    if (found && !o->there) {
        give_up("found though it is gone", worker, n);
    }
    if (found && client.node != o->node) {
        give_up("on another node", worker, n);
    }
    if (!found && o->there && svb_records_epoch(records, o->node) == o->epoch) {
        give_up("not found", worker, n);
    }
}

static void own_put(int worker, int n)
{
    own_client *o = &own[n];
    unsigned before;

    o->node = nodes[random() % NODES];
    before = svb_records_epoch(records, o->node);
    if (random() % 2) {
        svb_clients_put(table, own_id(worker, n), o->node, SVB_KIND_SMART,
                        now());
    }
    else {
        apr_uint64_t old = own_id(worker, n);

        o->alias = !o->alias;
        svb_clients_rename(table, old, own_id(worker, n), o->node,
                           SVB_KIND_SMART, now());
    }
    o->there = 1;
    o->epoch = svb_records_epoch(records, o->node);
    o->certain = before == o->epoch;
}

static void own_step(int worker)
{
    int n = (int)(random() % OWN);

    own_look(worker, n);
    switch (random() % 8) {
    case 0:
        svb_clients_remove(table, own_id(worker, n), now());
        own[n].there = 0;
        own[n].certain = 1;
        break;
    case 1:
    case 2:
        own_put(worker, n);
        break;
    default:
        svb_clients_touch(table, own_id(worker, n), now());
    }
    own_look(worker, n);
}

/* All workers agree where such a client is to be. */
static void shared_step(int worker)
{
    int n = (int)(random() % SHARED), node = nodes[n % NODES];
    apr_uint64_t id = id_of(-1, n);
    svb_client client;

    if (svb_clients_find(table, id, now(), &client) && client.node != node) {
        give_up("shared, on another node", worker, n);
    }
    switch (random() % 8) {
    case 0:
        svb_clients_remove(table, id, now());
        break;
    case 1:
    case 2:
    case 3:
        svb_clients_put(table, id, node, SVB_KIND_SMART, now());
        break;
    default:
        svb_clients_touch(table, id, now());
    }
}

/* Users who come, get a session and are not heard of again. */
static void passing_step(void)
{
    apr_uint64_t token = random64();
    int node = nodes[random() % NODES];

    svb_clients_put(table, token, node, SVB_KIND_PENDING, now());
    if (random() % 4) {
        svb_clients_rename(table, token, random64(), node, SVB_KIND_WEB, now());
    }
    else if (random() % 2) {
        svb_clients_remove(table, token, now());
    }
}

static void work(int worker)
{
    srandom((unsigned)getpid());
    while (!atomic_load(&shared->stop)) {
        long dice = random() % 20000;

        atomic_fetch_add(&shared->calls[worker], 1);
        if (dice == 0) {
            svb_records_next_epoch(records, nodes[random() % NODES]);
        }
        else if (dice < 200) {
            svb_clients_sweep(table, 500, now());
        }
        else if (dice < 400) {
            passing_step();
        }
        else if (dice < 10000) {
            own_step(worker);
        }
        else {
            shared_step(worker);
        }
    }
    _exit(0);
}

/* As above, but nothing happens that only a sweep can put right. The workers
 * are many to a client, so that they always meet. */
static void work_calmly(int worker)
{
    srandom((unsigned)getpid());
    while (!atomic_load(&shared->stop)) {
        int n = (int)(random() % 8), to = (int)(random() % 8);

        switch (random() % 4) {
        case 0:
            svb_clients_remove(table, id_of(-1, n), now());
            break;
        case 1:
            svb_clients_rename(table, id_of(-1, n), id_of(-1, to),
                               nodes[worker % NODES], SVB_KIND_WEB, now());
            break;
        default:
            svb_clients_put(table, id_of(-1, n), nodes[random() % NODES],
                            SVB_KIND_SMART, now());
        }
    }
}

/* ---------------------------------------------------------------- afterwards */

static int by_id(const void *a, const void *b)
{
    apr_uint64_t x = *(const apr_uint64_t *)a, y = *(const apr_uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void assert_counts(void)
{
    unsigned found[SVB_RECORDS_MAX][SVB_KINDS] = {{0}};
    apr_uint64_t *ids = calloc(4 * CAPACITY, sizeof(*ids));
    apr_size_t pos = 0, sum = 0, remembered = 0;
    svb_client client;

    while (svb_clients_next(table, &pos, now(), &client)) {
        found[client.node][client.kind]++;
        remembered += !svb_kind_is_counted(client.kind);
        ids[sum++] = client.id;
    }
    qsort(ids, sum, sizeof(*ids), by_id);
    for (apr_size_t i = 1; i < sum; i++) {
        REQUIRE(ids[i] != ids[i - 1]);
    }
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        for (int kind = 0; kind < SVB_KINDS; kind++) {
            REQUIRE(found[node][kind]
                    == svb_records_clients(records, node, kind));
        }
    }
    ck_assert_uint_eq(svb_clients_count(table), sum - remembered);
    free(ids);
}

/* Once all are gone, every slot is free: its second word is zero. */
static void assert_no_slot_is_lost(void)
{
    const apr_uint64_t *words = table_mem;

    for (int i = 0; i < NODES; i++) {
        svb_clients_forget(table, nodes[i], now());
    }
    svb_clients_sweep(table, ALL, now());
    ck_assert_uint_eq(svb_clients_count(table), 0);
    for (apr_size_t i = 9; i < svb_clients_bytes(table) / 8; i += 2) {
        REQUIRE(words[i] == 0);
    }
}

START_TEST(everything_at_once)
{
    pid_t pids[WORKERS];
    int kills = 0, status;
    int64_t calls = 0;
    apr_time_t start = apr_time_now();

    setup();
    srandom((unsigned)getpid());
    for (int i = 0; i < WORKERS; i++) {
        pids[i] = spawn(work, i);
    }
    while (apr_time_now() < start + SEC(SECONDS)) {
        int i = (int)(random() % WORKERS);

        usleep(3000);
        if (kills % 5 == 0) {
            atomic_fetch_add(&shared->clock, 1);
        }
        kill(pids[i], SIGKILL);
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert(WIFSIGNALED(status));
        pids[i] = spawn(work, i);
        kills++;
    }
    atomic_store(&shared->stop, 1);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        calls += atomic_load(&shared->calls[i]);
    }
    atomic_fetch_add(&shared->clock, 10); /* claims of the dead are void */
    ck_assert(svb_clients_sweep(table, ALL, now()));
    assert_counts();
    ck_assert_uint_eq(svb_clients_evicted(table), 0);
    for (int i = 0; i < SHARED; i++) {
        shared_step(0);
    }
    assert_counts();
    assert_no_slot_is_lost();
    fprintf(stderr, "# %d kills, %ld calls\n", kills, (long)calls);
}
END_TEST

START_TEST(counts_without_a_sweep)
{
    pid_t pids[WORKERS];
    int status;

    setup();
    for (int i = 0; i < WORKERS; i++) {
        pids[i] = spawn(work_calmly, i);
    }
    usleep(1000000);
    atomic_store(&shared->stop, 1);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_counts();
    ck_assert_uint_le(svb_clients_count(table), 8);
}
END_TEST

/* ----------------------------------------------------------------- elections */

#define ARRIVALS 400

static const double loadfactors[NODES] = {1, 1, 2, 3, 0.5};

/* New clients, each elected, pending for a while, and then a session. */
static void arrive(int worker)
{
    for (int n = 0; n < ARRIVALS; n++) {
        svb_score_candidate best = {0};
        apr_uint64_t token;
        int won = -1;

        srandom((unsigned)(worker * ARRIVALS + n));
        token = random64();
        for (int i = 0; i < NODES; i++) {
            unsigned clients = 0;
            svb_score_candidate cand = {0};

            for (int kind = 0; kind < SVB_KINDS; kind++) {
                clients += svb_records_clients(records, nodes[i], kind);
            }
            cand.load = svb_score_load(clients, loadfactors[i]);
            cand.last_turn = svb_records_last_turn(records, nodes[i]);
            if (won < 0 || svb_score_better(&cand, &best)) {
                best = cand;
                won = i;
            }
        }
        svb_clients_put(table, token, nodes[won], SVB_KIND_PENDING, now());
        svb_records_elected(records, nodes[won]);
        usleep(random() % 500);
        svb_clients_rename(table, token, id_of(worker, n), nodes[won],
                           SVB_KIND_SMART, now());
    }
}

START_TEST(elections_at_once)
{
    pid_t pids[WORKERS];
    unsigned clients[NODES], sum = 0;
    int status;

    setup();
    for (int i = 0; i < WORKERS; i++) {
        pids[i] = spawn(arrive, i);
    }
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    assert_counts();
    for (int i = 0; i < NODES; i++) {
        clients[i] = svb_records_clients(records, nodes[i], SVB_KIND_SMART);
        sum += clients[i];
    }
    ck_assert_uint_eq(sum, WORKERS * ARRIVALS);
    for (int i = 0; i < NODES; i++) {
        for (int j = 0; j < NODES; j++) {
            /* One client, and those that others were just electing. */
            ck_assert_double_le(clients[i] / loadfactors[i],
                                (clients[j] + 1) / loadfactors[j]
                                    + (WORKERS - 1) / loadfactors[i] + 1e-6);
        }
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("clients_stress");
    TCase *tc = tcase_create("clients_stress");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, everything_at_once);
    tcase_add_test(tc, counts_without_a_sweep);
    tcase_add_test(tc, elections_at_once);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
