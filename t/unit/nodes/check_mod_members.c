/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_members: the index of a balancer's members while mod_proxy is adding one.
 *
 * A stage of mod_proxy's for a member that is coming: there is room for it in the
 * array, but no worker; a worker, but without what processes share of it; that,
 * but not yet made usable in this process.
 */
#include "nodes/mod_members.h"

#include "memory/mod_clients.h"
#include "memory/mod_room.h"
#include "memory/mod_segments.h"
#include "workers.h"

#define MOST 8

static svb_records *records;
static proxy_worker workers[MOST];
static proxy_worker_shared shared[MOST];
static proxy_balancer proxy;
static svb_fleet fleet = {.name = "servoy"};
static svb_balancer balancer = {
    .name = "balancer://servoy", .proxy = &proxy, .fleet = &fleet};

/* ------------------------------------------- what mod_members asks for */

svb_records *svb_segments_records(void)
{
    return records;
}

static svb_shared words;

svb_shared *svb_segments_shared(void)
{
    return &words;
}

void svb_room_begin(void)
{
}

int svb_room_for(const char *name, const char *route)
{
    return svb_records_add(records, name, route);
}

module AP_MODULE_DECLARE_DATA servoy_balancer_module;
static int told; /* lines in the log */

void ap_log_error_(const char *file, int line, int module_index, int level,
                   apr_status_t status, const server_rec *s, const char *fmt,
                   ...)
{
    (void)file, (void)line, (void)module_index, (void)status, (void)s;
    ck_assert_int_eq(level & APLOG_LEVELMASK, APLOG_ERR);
    ck_assert_ptr_nonnull(strstr(fmt, "no room for"));
    told++;
}

void svb_clients_set_timeouts(int node, const svb_lifetimes *live)
{
    (void)node, (void)live;
}

const char *svb_model_facts(apr_pool_t *p, const svb_balancer *b,
                            const proxy_worker *worker, svb_facts *facts)
{
    (void)p, (void)b, (void)worker;
    memset(facts, 0, sizeof(*facts));
    return NULL;
}

/* ------------------------------------------------------ mod_proxy's part */

static proxy_worker **push(proxy_worker *worker)
{
    proxy_worker **place = apr_array_push(proxy.workers);

    *place = worker;
    return place;
}

static void set_shared(int i)
{
    apr_snprintf(shared[i].route, sizeof(shared[i].route), "s%d", i);
    apr_snprintf(shared[i].name_ex, sizeof(shared[i].name_ex), "ajp://s%d", i);
    shared[i].index = i;
    workers[i].s = &shared[i];
}

static void make_usable(int i)
{
    workers[i].local_status |= PROXY_WORKER_INITIALIZED;
}

static void add(int i)
{
    set_shared(i);
    make_usable(i);
    push(&workers[i]);
}

/* Three members from the start, as they are before children are. */
static void setup(void)
{
    workers_setup();
    svb_records_open(&records, share(svb_records_size()), pool);
    memset(&words, 0, sizeof(words));
    told = 0;
    memset(workers, 0, sizeof(workers));
    memset(shared, 0, sizeof(shared));
    proxy.workers = apr_array_make(pool, MOST, sizeof(proxy_worker *));
    for (int i = 0; i < 3; i++) {
        set_shared(i);
        push(&workers[i]);
    }
    svb_members_init(pool, &balancer);
}

static int has(const char *route)
{
    return svb_members_by_route(svb_members_get(&balancer), route,
                                strlen(route))
           != NULL;
}

START_TEST(from_the_start)
{
    const svb_members *members = svb_members_get(&balancer);

    ck_assert_int_eq(members->n, 3);
    ck_assert_ptr_eq(members, svb_members_get(&balancer));
    ck_assert_ptr_eq(members, svb_members_refresh(&balancer));
    ck_assert(has("s0") && has("s1") && has("s2") && !has("s3"));
}
END_TEST

START_TEST(one_comes_in_stages)
{
    const svb_members *before = svb_members_get(&balancer), *after;
    proxy_worker **place = push(NULL);

    ck_assert_ptr_eq(svb_members_get(&balancer), before);
    ck_assert_ptr_eq(svb_members_refresh(&balancer), before);
    *place = &workers[3];
    ck_assert_ptr_eq(svb_members_get(&balancer), before);
    ck_assert_ptr_eq(svb_members_refresh(&balancer), before);
    set_shared(3);
    ck_assert_ptr_eq(svb_members_get(&balancer), before);
    make_usable(3);
    after = svb_members_get(&balancer);
    ck_assert_int_eq(after->n, 4);
    ck_assert(has("s3"));
    ck_assert_ptr_eq(svb_members_by_worker(after, &workers[3])->worker,
                     &workers[3]);
    ck_assert_ptr_eq(svb_members_get(&balancer), after);
}
END_TEST

/* Two are coming, and the later one is first: those behind a gap count. */
START_TEST(one_overtakes_another)
{
    proxy_worker **gap = push(NULL);
    const svb_members *members;

    add(4);
    members = svb_members_get(&balancer);
    ck_assert_int_eq(members->n, 4);
    ck_assert(has("s4") && !has("s3"));
    ck_assert_ptr_eq(svb_members_by_worker(members, &workers[4])->worker,
                     &workers[4]);
    /* A gap that stays costs no new index each time. */
    ck_assert_ptr_eq(svb_members_get(&balancer), members);
    set_shared(3);
    make_usable(3);
    *gap = &workers[3];
    ck_assert_int_eq(svb_members_get(&balancer)->n, 5);
    ck_assert(has("s3") && has("s4"));
}
END_TEST

START_TEST(a_route_changes_beside_a_gap)
{
    push(NULL);
    apr_cpystrn(shared[1].route, "moved", sizeof(shared[1].route));
    ck_assert(!has("moved") && !has("s1"));
    svb_members_refresh(&balancer);
    ck_assert(has("moved") && !has("s1"));
    ck_assert_int_eq(svb_members_get(&balancer)->n, 3);
}
END_TEST

/* Who has no room is told of once, however often the index is made anew, and by how
 * many processes. */
START_TEST(no_room)
{
    char route[16];

    for (int i = 0; i < SVB_RECORDS_MAX - 3; i++) {
        apr_snprintf(route, sizeof(route), "n%d", i);
        ck_assert_int_ge(svb_records_add(records, "other", route), 0);
    }
    add(3);
    ck_assert(has("s3"));
    ck_assert_int_eq(svb_members_get(&balancer)->all[3].node, -1);
    ck_assert_int_eq(told, 1);
    add(4);
    ck_assert(has("s4"));
    ck_assert_int_eq(told, 2);
    /* As in another process. */
    svb_members_init(pool, &balancer);
    ck_assert(has("s3") && has("s4"));
    ck_assert_int_eq(told, 2);
}
END_TEST

/* At a start one line says it of all of them. */
START_TEST(no_room_at_a_start)
{
    svb_balancer twice = balancer;
    svb_balancer *list[] = {&balancer, &twice};
    apr_array_header_t array = {.nelts = 2, .elts = (char *)list};
    svb_model model = {.balancers = &array};
    char route[16];

    for (int i = 0; i < SVB_RECORDS_MAX - 3; i++) {
        apr_snprintf(route, sizeof(route), "n%d", i);
        ck_assert_int_ge(svb_records_add(records, "other", route), 0);
    }
    set_shared(3);
    push(&workers[3]);
    set_shared(4);
    push(&workers[4]);
    svb_members_begin(pool, &model);
    svb_members_init(pool, &balancer);
    svb_members_init(pool, &twice);
    ck_assert_int_eq(told, 0);
    svb_members_end(&model);
    ck_assert_int_eq(told, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mod_members");
    TCase *tc = tcase_create("mod_members");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, from_the_start);
    tcase_add_test(tc, one_comes_in_stages);
    tcase_add_test(tc, one_overtakes_another);
    tcase_add_test(tc, no_room);
    tcase_add_test(tc, no_room_at_a_start);
    tcase_add_test(tc, a_route_changes_beside_a_gap);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
