/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_clients, one machine instruction at a time: a child process makes one
 * call under ptrace. What it leaves behind if it is killed is looked at after
 * each instruction that changed something, and at many of them it is stopped
 * until its claims are void, while others use the table, and then goes on.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/clients.h"
#include "unit.h"

#define SEC(n) apr_time_from_sec(n)
#define ALL ((apr_size_t)-1)
#define CAPACITY 16 /* eight buckets, thirty-two slots */
#define NODES 3

/* Instructions to step over in one test of stopping, all its runs together;
 * the environment variable SVB_STEPS says otherwise. A few millions try every
 * instruction, in minutes; this many try some, others each time. */
#define STEPS 15000

static const apr_time_t t0 = SEC(1796000000);
static const unsigned char secret[SVB_CLIENTS_SECRET] = "0123456789abcde";

/* The shared memory, and a copy of it to look at. */
typedef struct {
    void *fleet_mem, *table_mem;
    svb_records *fleet;
    svb_clients *table;
} world;

static world real, copy;
static int nodes[NODES];

static apr_interval_time_t timeout(void *baton, int node, svb_kind kind)
{
    (void)baton;
    (void)node;
    return kind == SVB_KIND_PENDING ? SEC(60) : SEC(1800);
}

static void make_world(world *w)
{
    apr_size_t table_size = svb_clients_size(CAPACITY);

    w->fleet_mem = mmap(NULL, svb_records_size(), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    w->table_mem = mmap(NULL, table_size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(w->fleet_mem != MAP_FAILED && w->table_mem != MAP_FAILED);
    svb_records_open(&w->fleet, w->fleet_mem, pool);
    svb_clients_open(&w->table, w->table_mem, CAPACITY, secret, w->fleet, pool);
    svb_clients_set_timeout(w->table, timeout, NULL);
}

static void setup(void)
{
    pool_setup();
    make_world(&real);
    make_world(&copy);
    for (int i = 0; i < NODES; i++) {
        char route[] = {'n', (char)('0' + i), 0};

        nodes[i] = svb_records_add(real.fleet, "servoy", route);
    }
}

/* Clients far apart from one another, as hashes are. */
static apr_uint64_t id_of(unsigned n)
{
    return svb_clients_id(real.table, (const char *)&n, sizeof(n));
}

static int where(world *w, apr_uint64_t id, apr_time_t now)
{
    svb_client client;

    return svb_clients_find(w->table, id, now, &client) ? client.node : -1;
}

/* --- the calls to interrupt --- */

/* Client 1 is the one it is about, 2 its new id; those from 100 on stand by. */
typedef struct {
    const char *name;
    unsigned bystanders; /* 24 fit easily, with 60 the table is full */
    int known;           /* client 1 is on node 0 at the beginning */
    void (*call)(world *w, apr_time_t now);
} scenario;

static void call_put(world *w, apr_time_t now)
{
    svb_clients_put(w->table, id_of(1), nodes[1], SVB_KIND_WEB, now);
}

static void call_touch(world *w, apr_time_t now)
{
    svb_clients_touch(w->table, id_of(1), now + SEC(1));
}

static void call_remove(world *w, apr_time_t now)
{
    (void)now;
    svb_clients_remove(w->table, id_of(1));
}

static void call_rename(world *w, apr_time_t now)
{
    svb_clients_rename(w->table, id_of(1), id_of(2), nodes[0], SVB_KIND_WEB,
                       now);
}

static void call_sweep(world *w, apr_time_t now)
{
    svb_clients_sweep(w->table, svb_clients_buckets(w->table) - 2, now);
}

static const scenario scenarios[] = {
    {"a new client", 24, 0, call_put},
    {"a new client in a full table", 60, 0, call_put},
    {"a client that moves", 24, 1, call_put},
    {"a client that is seen", 24, 1, call_touch},
    {"a client that goes", 24, 1, call_remove},
    {"a client that is renamed", 24, 1, call_rename},
    {"a client that is renamed in a full table", 60, 1, call_rename},
    {"a sweep", 24, 1, call_sweep},
};

/* The table at the beginning of a scenario. */
static void prepare(const scenario *s)
{
    memset(real.table_mem, 0, svb_clients_size(CAPACITY));
    for (int i = 0; i < NODES; i++) {
        svb_records_next_epoch(real.fleet, nodes[i]);
    }
    for (unsigned i = 0; i < s->bystanders; i++) {
        svb_clients_put(real.table, id_of(100 + i), nodes[i % 2], SVB_KIND_WEB,
                        t0);
    }
    if (s->known) {
        svb_clients_put(real.table, id_of(1), nodes[0], SVB_KIND_WEB, t0);
    }
    if (s->call == call_sweep) {
        /* Something to do for it: dead clients and a wrong count. */
        for (unsigned i = 0; i < 5; i++) {
            svb_clients_put(real.table, id_of(i + 300), nodes[2], SVB_KIND_WEB,
                            t0 - SEC(3600));
        }
        svb_records_clients_add(real.fleet, nodes[0],
                                svb_records_epoch(real.fleet, nodes[0]),
                                SVB_KIND_WEB, 3);
    }
}

/* --- stepping --- */

/* Start a child that stops right before the call and after it, or return -1 where
 * ptrace is not to be had. */
static pid_t start(const scenario *s)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(2);
        }
        if (s->call == call_sweep) {
            /* Begin and end of a pass look at every node; leave them out. */
            svb_clients_sweep(real.table, 1, t0);
        }
        raise(SIGSTOP);
        s->call(&real, t0);
        raise(SIGSTOP);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSTOPPED(status) ? pid : -1;
}

/* Let it go on to its end. */
static void finish(pid_t pid)
{
    int status;

    do {
        ptrace(PTRACE_CONT, pid, NULL, NULL);
        REQUIRE(waitpid(pid, &status, 0) == pid);
    } while (WIFSTOPPED(status));
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* One instruction; 0 when the call has returned. */
static int step(pid_t pid)
{
    int status;

    if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0) {
        return 0;
    }
    REQUIRE(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
    if (WSTOPSIG(status) == SIGTRAP) {
        return 1;
    }
    finish(pid);
    return 0;
}

/* --- what has to hold --- */

/* After one sweep of the quiet table. */
static void assert_counts(world *w, apr_time_t now)
{
    unsigned found[NODES] = {0};
    apr_size_t pos = 0, sum = 0;
    svb_client client;

    ck_assert(svb_clients_sweep(w->table, ALL, now));
    while (svb_clients_next(w->table, &pos, now, &client)) {
        for (int i = 0; i < NODES; i++) {
            found[i] += client.node == nodes[i];
        }
        sum++;
        REQUIRE(where(w, client.id, now) == client.node);
    }
    for (int i = 0; i < NODES; i++) {
        ck_assert_uint_eq(
            found[i], svb_records_clients(w->fleet, nodes[i], SVB_KIND_WEB));
    }
    ck_assert_uint_eq(svb_clients_count(w->table), sum);
}

/* Nobody but the client of the call is on another node than before, and at most
 * one had to go to make room for it. */
static void assert_bystanders(world *w, const scenario *s, apr_uint64_t evicted)
{
    unsigned missing = 0;

    for (unsigned i = 0; i < s->bystanders; i++) {
        int node = where(w, id_of(100 + i), t0);

        missing += node == -1;
        REQUIRE(node == -1 || node == nodes[i % 2]);
    }
    ck_assert_uint_le(missing, evicted + (s->bystanders > 24));
}

/* Even if two slots have it. */
static void assert_once(world *w, apr_uint64_t id)
{
    apr_size_t pos = 0;
    svb_client client;
    int times = 0;

    while (svb_clients_next(w->table, &pos, t0, &client)) {
        times += client.id == id;
    }
    ck_assert_int_le(times, 1);
}

/* Once all are gone, every slot is free: its second word is zero. */
static void assert_no_slot_is_lost(apr_time_t now)
{
    const apr_uint64_t *words = copy.table_mem;

    for (int i = 0; i < NODES; i++) {
        svb_clients_forget(copy.table, nodes[i]);
    }
    assert_counts(&copy, now);
    for (apr_size_t i = 9; i < svb_clients_size(CAPACITY) / 8; i += 2) {
        REQUIRE(words[i] == 0);
    }
}

/* As it is if the child is killed now. The copy is looked at and used on. */
static void assert_killed_here(const scenario *s, apr_uint64_t evicted)
{
    apr_time_t later = t0 + SEC(10);
    int old, new;

    memcpy(copy.fleet_mem, real.fleet_mem, svb_records_size());
    memcpy(copy.table_mem, real.table_mem, svb_clients_size(CAPACITY));
    assert_bystanders(&copy, s, evicted);
    assert_once(&copy, id_of(1));
    old = where(&copy, id_of(1), t0);
    new = where(&copy, id_of(2), t0);
    if (s->call == call_put) {
        ck_assert(old == nodes[1] || old == (s->known ? nodes[0] : -1));
    }
    else if (s->call == call_rename) {
        /* In a full table either may have been dropped for another client. */
        ck_assert(old == nodes[0] || new == nodes[0] || s->bystanders > 24);
    }
    else if (s->call != call_remove) {
        ck_assert_int_eq(old, nodes[0]);
    }
    /* Whoever comes next is not held up. */
    ck_assert(
        svb_clients_put(copy.table, id_of(1), nodes[2], SVB_KIND_WEB, t0));
    ck_assert_int_eq(where(&copy, id_of(1), t0), nodes[2]);
    assert_counts(&copy, later);
    ck_assert_int_eq(where(&copy, id_of(1), later), nodes[2]);
    assert_no_slot_is_lost(later);
}

/* A number that changes whenever anything in the shared memory does. */
static apr_uint64_t state_now(void)
{
    apr_uint64_t sum = 0;
    const apr_uint64_t *word = real.table_mem;

    for (apr_size_t i = 0; i < svb_clients_size(CAPACITY) / 8; i++) {
        sum = sum * 0x9e3779b97f4a7c15u + word[i];
    }
    for (int i = 0; i < NODES; i++) {
        sum = sum * 0x9e3779b97f4a7c15u
              + svb_records_clients_mark(real.fleet, nodes[i], SVB_KIND_WEB);
    }
    return sum;
}

START_TEST(killed_anywhere)
{
    const scenario *s = &scenarios[_i];
    apr_uint64_t evicted, seen;
    int states = 1;
    pid_t pid;

    setup();
    prepare(s);
    evicted = svb_clients_evicted(real.table);
    pid = start(s);
    if (pid < 0) {
        return; /* no ptrace here */
    }
    seen = state_now();
    assert_killed_here(s, evicted);
    while (step(pid)) {
        if (state_now() != seen) {
            seen = state_now();
            states++;
            assert_killed_here(s, evicted);
        }
    }
    ck_assert_int_ge(states, 2);
}
END_TEST

/* Another process puts the same client when the child has just claimed a slot
 * for it: for a moment there are two. */
START_TEST(killed_beside_another)
{
    const scenario *s = &scenarios[0];
    apr_uint64_t seen;
    int states = 0;
    pid_t pid;

    setup();
    prepare(s);
    pid = start(s);
    if (pid < 0) {
        return;
    }
    seen = state_now();
    while (step(pid)) {
        if (state_now() != seen) {
            states++;
            if (states == 1) {
                svb_clients_put(real.table, id_of(1), nodes[1], SVB_KIND_WEB,
                                t0);
            }
            seen = state_now();
            assert_killed_here(s, 0);
            ck_assert_int_eq(where(&real, id_of(1), t0), nodes[1]);
        }
    }
    ck_assert_int_ge(states, 5);
    ck_assert_uint_eq(svb_clients_count(real.table), s->bystanders + 1);
}
END_TEST

/* While the child is stopped, its claim becomes void and others come: so many
 * new clients that one takes the slot it was about, and the same client on
 * another node. */
#define OTHERS 30

static void others(const scenario *s, apr_time_t later)
{
    for (unsigned i = 0; i < OTHERS; i++) {
        svb_clients_put(real.table, id_of(500 + i), nodes[2], SVB_KIND_WEB,
                        later);
    }
    if (s->known) {
        svb_clients_put(real.table, id_of(1), nodes[2], SVB_KIND_WEB, later);
    }
    svb_clients_sweep(real.table, ALL, later);
}

/* How many of all those that the call is not about are there. */
static unsigned present(const scenario *s, apr_time_t now)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < s->bystanders; i++) {
        int node = where(&real, id_of(100 + i), now);

        REQUIRE(node == -1 || node == nodes[i % 2]);
        sum += node != -1;
    }
    for (unsigned i = 0; i < OTHERS; i++) {
        int node = where(&real, id_of(500 + i), now);

        REQUIRE(node == -1 || node == nodes[2]);
        sum += node != -1;
    }
    return sum;
}

static void stopped_at(const scenario *s, int steps)
{
    apr_time_t later = t0 + SEC(10);
    apr_uint64_t evicted;
    unsigned before, after;
    int n, there;
    pid_t pid;

    prepare(s);
    pid = start(s);
    for (n = 0; n < steps && step(pid); n++) {
    }
    if (n < steps) {
        return;
    }
    there = where(&real, id_of(1), t0) != -1;
    others(s, later);
    evicted = svb_clients_evicted(real.table);
    before = present(s, later);
    finish(pid);
    /* It may drop one to make room, which is counted, and spoils none. */
    evicted = svb_clients_evicted(real.table) - evicted;
    after = present(s, later);
    ck_assert_uint_le(before - after, evicted);
    ck_assert_uint_le(evicted, 2);
    if (s->call == call_put && !there) {
        /* It had not been there yet, to be dropped by others. */
        ck_assert_int_ne(where(&real, id_of(1), later), -1);
    }
    assert_counts(&real, later);
    ck_assert_uint_eq(present(s, later), after);
}

START_TEST(stopped_anywhere)
{
    const scenario *s = &scenarios[_i];
    const char *env = getenv("SVB_STEPS");
    double steps = env ? atof(env) : STEPS;
    int all = 0, first = 0, last = 0, stride;
    apr_uint64_t seen;
    pid_t pid;

    setup();
    prepare(s);
    pid = start(s);
    if (pid < 0) {
        return;
    }
    seen = state_now();
    while (step(pid)) {
        all++;
        if (state_now() != seen) {
            seen = state_now();
            last = all;
            first = first ? first : all;
        }
    }
    /* Most of the call is hashing and looking. Where it matters is from a
     * little before the first change until the last one. */
    first = first > 30 ? first - 30 : 0;
    stride = (int)((last - first) * (double)last / steps) + 1;
    for (int n = first + (int)(getpid() % stride); n < last; n += stride) {
        stopped_at(s, n);
    }
    stopped_at(s, (int)(getpid() % all));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("clients_steps");
    TCase *tc = tcase_create("clients_steps");

    tcase_set_timeout(tc, getenv("SVB_STEPS") ? 3600 : 120);
    tcase_add_loop_test(tc, killed_anywhere, 0, COUNT(scenarios));
    tcase_add_test(tc, killed_beside_another);
    tcase_add_loop_test(tc, stopped_anywhere, 0, COUNT(scenarios));
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
