/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * ring: what is pushed comes out in order, once; what is lost is told of, whoever is
 * killed wherever.
 */
#include "workers.h"
#include "share/ring.h"

static svb_ring *ring;
static svb_ring_entry list[SVB_RING_ENTRIES];
static const apr_time_t t0 = apr_time_from_sec(1796000000);

static void setup(void)
{
    workers_setup();
    svb_ring_open(&ring, share(svb_ring_size()), pool);
}

static unsigned drain(apr_time_t now)
{
    return svb_ring_drain(ring, list, SVB_RING_ENTRIES, now);
}

START_TEST(in_order)
{
    ck_assert_uint_eq(drain(t0), 0);
    svb_ring_push(ring, 7, SVB_CHANGE_PUT);
    svb_ring_push(ring, 8, SVB_CHANGE_GONE);
    svb_ring_push(ring, 7, SVB_CHANGE_GONE);
    ck_assert_uint_eq(svb_ring_waiting(ring), 3);
    ck_assert_uint_eq(svb_ring_drain(ring, list, 2, t0), 2);
    ck_assert_uint_eq(list[0].id, 7);
    ck_assert_int_eq(list[0].what, SVB_CHANGE_PUT);
    ck_assert_uint_eq(list[1].id, 8);
    ck_assert_int_eq(list[1].what, SVB_CHANGE_GONE);
    ck_assert_uint_eq(drain(t0), 1);
    ck_assert_int_eq(list[0].what, SVB_CHANGE_GONE);
    ck_assert_uint_eq(drain(t0), 0);
    ck_assert(!svb_ring_has_lost(ring));
}
END_TEST

START_TEST(many_rounds)
{
    apr_uint64_t next = 1;

    for (unsigned i = 1; i <= 5 * SVB_RING_ENTRIES; i++) {
        svb_ring_push(ring, i, SVB_CHANGE_PUT);
        if (i % 1000 == 0) {
            unsigned n = drain(t0);

            for (unsigned k = 0; k < n; k++) {
                REQUIRE(list[k].id == next++);
            }
        }
    }
    ck_assert(!svb_ring_has_lost(ring));
}
END_TEST

START_TEST(as_many_as_fit)
{
    for (unsigned i = 0; i < SVB_RING_ENTRIES; i++) {
        svb_ring_push(ring, i + 1, SVB_CHANGE_PUT);
    }
    ck_assert_uint_eq(drain(t0), SVB_RING_ENTRIES);
    ck_assert(!svb_ring_has_lost(ring));
    for (unsigned i = 0; i < SVB_RING_ENTRIES + 1; i++) {
        svb_ring_push(ring, i + 1, SVB_CHANGE_PUT);
    }
    ck_assert_uint_eq(svb_ring_waiting(ring), SVB_RING_ENTRIES);
    ck_assert_uint_eq(drain(t0), 0);
    ck_assert(svb_ring_has_lost(ring));
    ck_assert(!svb_ring_has_lost(ring));
    /* It is as good as new. */
    svb_ring_push(ring, 9, SVB_CHANGE_PUT);
    ck_assert_uint_eq(drain(t0), 1);
    ck_assert_uint_eq(list[0].id, 9);
    ck_assert(!svb_ring_has_lost(ring));
}
END_TEST

#define PUSHES 40000

static void push_many(int worker)
{
    wait_for_all();
    for (unsigned i = 0; i < PUSHES; i++) {
        svb_ring_push(ring, (apr_uint64_t)worker << 32 | i, SVB_CHANGE_PUT);
    }
}

/* Each writer's come in its order, and none is missing, while there is room. */
START_TEST(several_at_once)
{
    pid_t pids[WORKERS];
    unsigned next[WORKERS] = {0}, all = 0;

    for (int i = 0; i < WORKERS; i++) {
        pids[i] = spawn(push_many, i);
    }
    while (board->ready < WORKERS) {
        usleep(100);
    }
    board->go = 1;
    while (all < WORKERS * PUSHES && !svb_ring_has_lost(ring)) {
        unsigned n = drain(apr_time_now());

        for (unsigned i = 0; i < n; i++) {
            REQUIRE((unsigned)list[i].id >= next[list[i].id >> 32]);
            next[list[i].id >> 32] = (unsigned)list[i].id + 1;
        }
        all += n;
    }
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(waitpid(pids[i], NULL, 0), pids[i]);
        ck_assert(all < WORKERS * PUSHES || next[i] == PUSHES);
    }
}
END_TEST

static void push_for_ever(int worker)
{
    wait_for_all();
    for (unsigned i = 1;; i++) {
        svb_ring_push(ring, (apr_uint64_t)worker << 32 | i, SVB_CHANGE_PUT);
    }
}

static void look(void)
{
    usleep(300);
    drain(t0);
}

/* Whatever was left behind, what comes later is read, or told to be lost. */
START_TEST(killed_writers)
{
    apr_time_t now = t0;

    for (int round = 0; round < 100; round++) {
        int found;

        killed_at_work(push_for_ever, look);
        for (int i = 0; i < 3; i++) { /* those missed by now, and by then */
            now += SVB_RING_PATIENCE;
            drain(now);
        }
        ck_assert_uint_eq(svb_ring_waiting(ring), 0);
        svb_ring_has_lost(ring);
        svb_ring_push(ring, 77, SVB_CHANGE_GONE);
        found = drain(t0) == 1 && list[0].id == 77
                && list[0].what == SVB_CHANGE_GONE;
        ck_assert(found);
        ck_assert(!svb_ring_has_lost(ring));
    }
}
END_TEST

/* A number that nobody stores is waited for, and then passed over. */
START_TEST(killed_between_the_stores)
{
    _Atomic apr_uint64_t *pushed = share(svb_ring_size());

    svb_ring_open(&ring, (void *)pushed, pool);
    svb_ring_push(ring, 1, SVB_CHANGE_PUT);
    *pushed += 1; /* somebody took number 1, and died */
    svb_ring_push(ring, 3, SVB_CHANGE_PUT);
    ck_assert_uint_eq(drain(t0), 1);
    ck_assert_uint_eq(drain(t0 + SVB_RING_PATIENCE - 1), 0);
    ck_assert(!svb_ring_has_lost(ring));
    ck_assert_uint_eq(drain(t0 + SVB_RING_PATIENCE), 1);
    ck_assert_uint_eq(list[0].id, 3);
    ck_assert(svb_ring_has_lost(ring));
}
END_TEST

/* One of each client, which says the most; the same whatever came first. */
START_TEST(without_repeats)
{
    static const svb_ring_entry all[] = {
        {9, SVB_CHANGE_SEEN}, {UINT64_MAX, SVB_CHANGE_PUT},
        {9, SVB_CHANGE_PUT},  {1, SVB_CHANGE_GONE},
        {9, SVB_CHANGE_SEEN}, {1, SVB_CHANGE_SEEN},
    };

    ck_assert_uint_eq(svb_ring_without_repeats(list, 0), 0);
    for (int from = 0; from < COUNT(all); from++) {
        for (int i = 0; i < COUNT(all); i++) {
            list[i] = all[(from + i) % COUNT(all)];
        }
        ck_assert_uint_eq(svb_ring_without_repeats(list, COUNT(all)), 3);
        ck_assert_uint_eq(list[0].id, 1);
        ck_assert_int_eq(list[0].what, SVB_CHANGE_GONE);
        ck_assert_uint_eq(list[1].id, 9);
        ck_assert_int_eq(list[1].what, SVB_CHANGE_PUT);
        ck_assert_uint_eq(list[2].id, UINT64_MAX);
        ck_assert_int_eq(list[2].what, SVB_CHANGE_PUT);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("ring");
    TCase *tc = tcase_create("ring");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, in_order);
    tcase_add_test(tc, many_rounds);
    tcase_add_test(tc, as_many_as_fit);
    tcase_add_test(tc, several_at_once);
    tcase_add_test(tc, killed_writers);
    tcase_add_test(tc, killed_between_the_stores);
    tcase_add_test(tc, without_repeats);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
