/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * probe: what comes of asking those who answer, those who do not, and those who
 * answer something else, one at a time (check_probe_many.c: many at once). Real
 * sockets.
 */
#include <errno.h>
#include <stdlib.h>

#include "servers.h"

/* --- connections --- */

START_TEST(somebody_listens)
{
    int fd = listening("127.0.0.1", 8), before = open_files();

    ck_assert_int_eq(ask(fd, 0, LONG), SVB_REACH_OK);
    ck_assert_int_eq(open_files(), before);
}
END_TEST

START_TEST(nobody_listens)
{
    int fd = bound("127.0.0.1"), before = open_files();

    ck_assert_int_eq(ask(fd, 0, LONG), SVB_REACH_REFUSED);
    ck_assert_int_eq(ask(fd, 1, LONG), SVB_REACH_REFUSED);
    ck_assert_int_eq(open_files(), before);
}
END_TEST

START_TEST(nothing_is_said_but_to_ajp)
{
    static server s;

    s = (server){.hang_up = 1};

    start(&s);
    ck_assert_int_eq(ask(s.fd, 0, LONG), SVB_REACH_OK);
    wait_served(&s, 1);
    ck_assert_int_eq(atomic_load(&s.got_len), 0);
}
END_TEST

START_TEST(ipv6)
{
    int fd = bound("::1");

    if (fd < 0) {
        return; /* not here */
    }
    ck_assert_int_eq(ask(fd, 0, LONG), SVB_REACH_REFUSED);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(ask(fd, 0, LONG), SVB_REACH_OK);
    ck_assert_int_eq(ask(fd, 1, MSEC(100)), SVB_REACH_SILENT);
}
END_TEST

START_TEST(no_way_there)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    svb_probe probe = {.is_ajp = 1};

    /* An address that no connection can be made to. */
    inet_pton(AF_INET, "127.255.255.255", &name.sin_addr);
    if (connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0
        || errno != ENETUNREACH) {
        return; /* here it is like any other */
    }
    apr_sockaddr_info_get(&probe.addr, "127.255.255.255", APR_INET, 9, 0, pool);
    svb_probe_run(pool, &probe, 1, LONG);
    ck_assert_int_eq(probe.reach, SVB_REACH_SILENT);
}
END_TEST

START_TEST(only_the_address_that_is_meant)
{
    int closed = bound("127.0.0.1"), open = listening("127.0.0.1", 8);
    svb_probe probe = probe_of(closed, 0);

    probe.addr->next = address(open);
    svb_probe_run(pool, &probe, 1, LONG);
    ck_assert_int_eq(probe.reach, SVB_REACH_REFUSED);
}
END_TEST

/* Somebody who does not accept: his queue is full, and the kernel drops what
 * comes on top. */
typedef struct {
    int fd, filling[64], filled;
} crowded;

static void crowd(crowded *c)
{
    struct sockaddr_in name;
    socklen_t len = sizeof(name);

    c->fd = listening("127.0.0.1", 0);
    getsockname(c->fd, (struct sockaddr *)&name, &len);
    for (c->filled = 0; c->filled < 64; c->filled++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

        c->filling[c->filled] = fd;
        if (connect(fd, (struct sockaddr *)&name, len) < 0) {
            break; /* under way: this one hangs already */
        }
    }
    ck_assert_int_lt(c->filled, 64);
}

static void *close_it(void *data)
{
    crowded *c = data;

    usleep(300000);
    close(c->fd);
    return NULL;
}

static void *accept_all(void *data)
{
    crowded *c = data;
    int fd;

    usleep(300000);
    while ((fd = accept(c->fd, NULL, NULL)) >= 0) {
        if (write(fd, cpong, sizeof(cpong)) < 0) {
            close(fd);
        }
    }
    return NULL;
}

START_TEST(connecting_takes_too_long)
{
    apr_time_t began;
    static crowded c;

    crowd(&c);
    for (int is_ajp = 0; is_ajp < 2; is_ajp++) {
        began = apr_time_now();
        ck_assert_int_eq(ask(c.fd, is_ajp, MSEC(300)), SVB_REACH_SILENT);
        ck_assert_int_ge(apr_time_now() - began, MSEC(295));
    }
}
END_TEST

/* The kernel tries again after a second or so. */
START_TEST(connecting_takes_a_while)
{
    static crowded c;
    pthread_t thread;

    crowd(&c);
    pthread_create(&thread, NULL, accept_all, &c);
    ck_assert_int_eq(ask(c.fd, _i, LONG), SVB_REACH_OK);
}
END_TEST

START_TEST(refused_after_a_while)
{
    static crowded c;
    pthread_t thread;
    svb_probe probe;

    crowd(&c);
    probe = probe_of(c.fd, _i);
    pthread_create(&thread, NULL, close_it, &c);
    svb_probe_run(pool, &probe, 1, LONG);
    ck_assert_int_eq(probe.reach, SVB_REACH_REFUSED);
}
END_TEST

/* --- AJP --- */

START_TEST(cping_and_cpong)
{
    static server s;

    s = (server){.answer = cpong, .len = sizeof(cpong)};
    int before;

    start(&s);
    ck_assert_int_eq(ask(s.fd, 1, LONG), SVB_REACH_OK);
    ck_assert_int_eq(atomic_load(&s.got_len), sizeof(cping));
    ck_assert_mem_eq(s.got, cping, sizeof(cping));
    wait_served(&s, 1);
    s.hang_up = 1;
    before = open_files();
    ck_assert_int_eq(ask(s.fd, 1, LONG), SVB_REACH_OK);
    wait_served(&s, 2);
    ck_assert_int_eq(open_files(), before);
}
END_TEST

START_TEST(cpong_in_pieces)
{
    static server s;

    s = (server){.answer = cpong,
                 .len = sizeof(cpong),
                 .piece = (size_t)_i,
                 .wait = 20000};

    ck_assert_int_eq(ask_server(&s), SVB_REACH_OK);
}
END_TEST

START_TEST(cpong_at_once)
{
    static server s;

    s = (server){
        .answer = cpong, .len = sizeof(cpong), .deaf = 1, .hang_up = 0};

    ck_assert_int_eq(ask_server(&s), SVB_REACH_OK);
}
END_TEST

START_TEST(cpong_and_more)
{
    static server s;

    s = (server){.answer = "AB\0\1\11AB\0\1\11 and so on", .len = 21};

    ck_assert_int_eq(ask_server(&s), SVB_REACH_OK);
}
END_TEST

/* A process that hangs has its connections accepted by its kernel. */
START_TEST(no_answer)
{
    int fd = listening("127.0.0.1", 8), before = open_files();
    apr_time_t began = apr_time_now(), took;

    ck_assert_int_eq(ask(fd, 0, LONG), SVB_REACH_OK);
    began = apr_time_now();
    ck_assert_int_eq(ask(fd, 1, MSEC(400)), SVB_REACH_SILENT);
    took = apr_time_now() - began;
    ck_assert_int_ge(took, MSEC(395));
    ck_assert_int_lt(took, MSEC(400) + apr_time_from_sec(5));
    ck_assert_int_eq(open_files(), before);
}
END_TEST

START_TEST(half_an_answer)
{
    static server s;

    s = (server){.answer = cpong, .len = sizeof(cpong) - 1};

    start(&s);
    ck_assert_int_eq(ask(s.fd, 1, MSEC(300)), SVB_REACH_SILENT);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
} wrong[] = {
    {"HTTP/1.1 400 \r\n\r\n", 17},
    {"X", 1},
    {"AX", 2},
    {"AB\0\1\12", 5},
    {"AB\0\2\11", 5},
    {"\x12\x34\0\1\12", 5},
    {"\0\0\0\0\0", 5},
    {"AB\1\1\11", 5},
};

START_TEST(another_answer)
{
    static server s;

    s = (server){.answer = wrong[_i].bytes, .len = wrong[_i].len};

    ck_assert_int_eq(ask_server(&s), SVB_REACH_SILENT);
}
END_TEST

START_TEST(hangs_up)
{
    static server s;

    s = (server){.hang_up = 1, .deaf = _i & 1, .reset = _i & 2};
    static server half;

    half = (server){.answer = cpong, .len = 3, .hang_up = 1, .reset = _i & 2};

    ck_assert_int_eq(ask_server(&s), SVB_REACH_SILENT);
    ck_assert_int_eq(ask_server(&half), SVB_REACH_SILENT);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("probe");
    TCase *tc = tcase_create("probe");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, somebody_listens);
    tcase_add_test(tc, nobody_listens);
    tcase_add_test(tc, nothing_is_said_but_to_ajp);
    tcase_add_test(tc, ipv6);
    tcase_add_test(tc, no_way_there);
    tcase_add_test(tc, only_the_address_that_is_meant);
    tcase_add_test(tc, connecting_takes_too_long);
    tcase_add_loop_test(tc, connecting_takes_a_while, 0, 2);
    tcase_add_loop_test(tc, refused_after_a_while, 0, 2);
    tcase_add_test(tc, cping_and_cpong);
    tcase_add_loop_test(tc, cpong_in_pieces, 1, 5);
    tcase_add_test(tc, cpong_at_once);
    tcase_add_test(tc, cpong_and_more);
    tcase_add_test(tc, no_answer);
    tcase_add_test(tc, half_an_answer);
    tcase_add_loop_test(tc, another_answer, 0, COUNT(wrong));
    tcase_add_loop_test(tc, hangs_up, 0, 4);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
