/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_clients, one machine instruction at a time: a child process makes one
 * call under ptrace. What it leaves behind if it is killed is looked at after
 * each instruction that changed something, and at many of them it is stopped
 * until its claims are void, while others use the table, and then goes on.
 */
#include "steps.h"

/* Instructions to step over in one test of stopping, all its runs together;
 * the environment variable SVB_STEPS says otherwise. A few millions try every
 * instruction, in minutes; this many try some, others each time. */
#define STEPS 15000

/* ---------------------------------------------------------- what has to hold */

/* After one sweep of the quiet table. */
static void assert_counts(world *w, apr_time_t now)
{
    unsigned found[NODES] = {0};
    apr_size_t pos = 0, sum = 0;
    svb_client client;

    ck_assert(svb_clients_sweep(w->table, ALL, now));
    while (svb_clients_next(w->table, &pos, now, &client)) {
        for (int i = 0; i < NODES; i++) {
            found[i] +=
                client.node == nodes[i] && svb_kind_is_counted(client.kind);
        }
        sum += svb_kind_is_counted(client.kind);
        REQUIRE(where(w, client.id, now) == client.node);
    }
    for (int i = 0; i < NODES; i++) {
        ck_assert_uint_eq(found[i],
                          svb_records_clients_all(w->records, nodes[i]));
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
        svb_clients_forget(copy.table, nodes[i], t0);
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

    memcpy(copy.records_mem, real.records_mem, svb_records_size());
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
        ck_assert(old == nodes[0] || (!s->known && old == -1));
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
        for (int kind = 0; kind < SVB_KINDS; kind++) {
            sum = sum * 0x9e3779b97f4a7c15u
                  + svb_records_clients_mark(real.records, nodes[i],
                                             (svb_kind)kind);
        }
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
