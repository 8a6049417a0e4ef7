/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_probe: what comes of asking those who answer, those who do not, and those
 * who answer something else. Real sockets, on this machine's own addresses.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "nodes/probe.h"
#include "unit.h"

#define MSEC(n) apr_time_from_msec(n)

/* For who is sure to answer, however busy the machine is. */
#define LONG apr_time_from_sec(20)

/* More than are asked at once. */
#define MANY 300

static const char cping[] = {0x12, 0x34, 0, 1, 10};
static const char cpong[] = {'A', 'B', 0, 1, 9};

static void setup(void)
{
    pool_setup();
    signal(SIGPIPE, SIG_IGN);
}

/* --- those who are asked --- */

/* A socket of its own on some port; the kernel accepts connections to it. */
static int bound(const char *host)
{
    int is_v6 = strchr(host, ':') != NULL;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

    inet_pton(AF_INET, host, &v4.sin_addr);
    inet_pton(AF_INET6, host, &v6.sin6_addr);
    if (fd >= 0
        && bind(fd, is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4,
                is_v6 ? sizeof(v6) : sizeof(v4))
               < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int listening(const char *host, int backlog)
{
    int fd = bound(host);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    return fd;
}

static apr_sockaddr_t *address(int fd)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof(name);
    char host[INET6_ADDRSTRLEN];
    apr_sockaddr_t *addr;
    int is_v6;

    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &len), 0);
    is_v6 = name.ss_family == AF_INET6;
    inet_ntop(name.ss_family,
              is_v6 ? (void *)&((struct sockaddr_in6 *)&name)->sin6_addr
                    : (void *)&((struct sockaddr_in *)&name)->sin_addr,
              host, sizeof(host));
    ck_assert_int_eq(apr_sockaddr_info_get(
                         &addr, host, APR_UNSPEC,
                         ntohs(is_v6 ? ((struct sockaddr_in6 *)&name)->sin6_port
                                     : ((struct sockaddr_in *)&name)->sin_port),
                         0, pool),
                     APR_SUCCESS);
    return addr;
}

/* What a server does with each of its connections. */
typedef struct server {
    int fd;
    const char *answer; /* after the CPing */
    size_t len;
    size_t piece; /* how much of it at a time; 0: all */
    int hang_up;  /* then, else it keeps the connection */
    int reset;    /* hang up with an RST */
    int deaf;     /* do not even read the CPing */
    useconds_t wait;
    char got[16]; /* from the last one */
    _Atomic int got_len, count;
} server;

static void hang_up(int fd, int reset)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (reset) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    close(fd);
}

static void serve_one(server *s, int fd)
{
    size_t piece = s->piece ? s->piece : s->len, i;
    ssize_t n = 0;
    int len = 0;

    while (!s->deaf && len < (int)sizeof(cping)
           && (n = read(fd, s->got + len, sizeof(s->got) - (size_t)len)) > 0) {
        len += (int)n;
    }
    atomic_store(&s->got_len, len);
    for (i = 0; i < s->len; i += piece) {
        usleep(s->wait);
        if (write(fd, s->answer + i, s->len - i < piece ? s->len - i : piece)
            < 0) {
            break;
        }
    }
    if (s->hang_up) {
        hang_up(fd, s->reset);
    }
    atomic_fetch_add(&s->count, 1);
}

static void *serve(void *data)
{
    server *s = data;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        serve_one(s, fd);
    }
    return NULL;
}

static void start(server *s)
{
    pthread_t thread;

    s->fd = listening("127.0.0.1", 512);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, s), 0);
    pthread_detach(thread);
}

/* --- asking --- */

static int open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;

    if (!dir) {
        return 0;
    }
    while (readdir(dir)) {
        n++;
    }
    closedir(dir);
    return n;
}

static svb_probe probe_of(int fd, int is_ajp)
{
    svb_probe probe = {.addr = address(fd), .is_ajp = is_ajp, .reach = 77};

    return probe;
}

static svb_reach ask(int fd, int is_ajp, apr_interval_time_t timeout)
{
    svb_probe probe = probe_of(fd, is_ajp);

    svb_probe_run(pool, &probe, 1, timeout);
    return probe.reach;
}

/* What comes of asking a server with a CPing, and whether that was well before
 * the time was up. */
static svb_reach ask_server(server *s)
{
    apr_time_t began = apr_time_now();
    svb_reach reach;

    start(s);
    reach = ask(s->fd, 1, LONG);
    ck_assert_int_lt(apr_time_now() - began, LONG / 2);
    return reach;
}

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
    server s = {.hang_up = 1};
    int i;

    start(&s);
    ck_assert_int_eq(ask(s.fd, 0, LONG), SVB_REACH_OK);
    for (i = 0; i < 2000 && !atomic_load(&s.count); i++) {
        usleep(10000);
    }
    ck_assert_int_eq(atomic_load(&s.count), 1);
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
    crowded c;

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
    crowded c;
    pthread_t thread;

    crowd(&c);
    pthread_create(&thread, NULL, accept_all, &c);
    ck_assert_int_eq(ask(c.fd, _i, LONG), SVB_REACH_OK);
}
END_TEST

START_TEST(refused_after_a_while)
{
    crowded c;
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
    server s = {.answer = cpong, .len = sizeof(cpong)};
    int before;

    start(&s);
    ck_assert_int_eq(ask(s.fd, 1, LONG), SVB_REACH_OK);
    ck_assert_int_eq(atomic_load(&s.got_len), sizeof(cping));
    ck_assert_mem_eq(s.got, cping, sizeof(cping));
    s.hang_up = 1;
    before = open_files();
    ck_assert_int_eq(ask(s.fd, 1, LONG), SVB_REACH_OK);
    while (atomic_load(&s.count) < 2) {
        usleep(1000);
    }
    ck_assert_int_eq(open_files(), before);
}
END_TEST

START_TEST(cpong_in_pieces)
{
    server s = {.answer = cpong,
                .len = sizeof(cpong),
                .piece = (size_t)_i,
                .wait = 20000};

    ck_assert_int_eq(ask_server(&s), SVB_REACH_OK);
}
END_TEST

START_TEST(cpong_at_once)
{
    server s = {.answer = cpong, .len = sizeof(cpong), .deaf = 1, .hang_up = 0};

    ck_assert_int_eq(ask_server(&s), SVB_REACH_OK);
}
END_TEST

START_TEST(cpong_and_more)
{
    server s = {.answer = "AB\0\1\11AB\0\1\11 and so on", .len = 21};

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
    server s = {.answer = cpong, .len = sizeof(cpong) - 1};

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
    server s = {.answer = wrong[_i].bytes, .len = wrong[_i].len};

    ck_assert_int_eq(ask_server(&s), SVB_REACH_SILENT);
}
END_TEST

START_TEST(hangs_up)
{
    server s = {.hang_up = 1, .deaf = _i & 1, .reset = _i & 2};
    server half = {.answer = cpong, .len = 3, .hang_up = 1, .reset = _i & 2};

    ck_assert_int_eq(ask_server(&s), SVB_REACH_SILENT);
    ck_assert_int_eq(ask_server(&half), SVB_REACH_SILENT);
}
END_TEST

/* --- many --- */

START_TEST(nobody_to_ask)
{
    int before = open_files();

    svb_probe_run(pool, NULL, 0, LONG);
    ck_assert_int_eq(open_files(), before);
}
END_TEST

START_TEST(all_kinds_at_once)
{
    server good = {.answer = cpong, .len = sizeof(cpong), .hang_up = 1};
    server bad = {.answer = "HTTP/1.1 400 \r\n\r\n", .len = 17, .hang_up = 1};
    int closed = bound("127.0.0.1"), silent = listening("127.0.0.1", 8);
    svb_probe probes[6];

    start(&good);
    start(&bad);
    probes[0] = probe_of(silent, 1);
    probes[1] = probe_of(good.fd, 1);
    probes[2] = probe_of(closed, 1);
    probes[3] = probe_of(bad.fd, 1);
    probes[4] = probe_of(silent, 0);
    probes[5] = probe_of(closed, 0);
    svb_probe_run(pool, probes, 6, apr_time_from_sec(3));
    ck_assert_int_eq(probes[0].reach, SVB_REACH_SILENT);
    ck_assert_int_eq(probes[1].reach, SVB_REACH_OK);
    ck_assert_int_eq(probes[2].reach, SVB_REACH_REFUSED);
    ck_assert_int_eq(probes[3].reach, SVB_REACH_SILENT);
    ck_assert_int_eq(probes[4].reach, SVB_REACH_OK);
    ck_assert_int_eq(probes[5].reach, SVB_REACH_REFUSED);
}
END_TEST

START_TEST(more_than_are_asked_at_once)
{
    server good = {.answer = cpong, .len = sizeof(cpong), .hang_up = 1};
    int closed = bound("127.0.0.1"), before, i;
    static svb_probe probes[MANY + 1];

    start(&good);
    for (i = 0; i < MANY; i++) {
        probes[i] = probe_of(i % 3 ? good.fd : closed, 1);
    }
    probes[MANY].reach = 77;
    before = open_files();
    svb_probe_run(pool, probes, MANY, LONG);
    for (i = 0; i < MANY; i++) {
        ck_assert_int_eq(probes[i].reach,
                         i % 3 ? SVB_REACH_OK : SVB_REACH_REFUSED);
    }
    ck_assert_int_eq(probes[MANY].reach, 77);
    for (i = 0; i < 2000 && atomic_load(&good.count) < MANY / 3 * 2; i++) {
        usleep(10000);
    }
    ck_assert_int_eq(atomic_load(&good.count), MANY / 3 * 2);
    ck_assert_int_eq(open_files(), before);
}
END_TEST

/* Side by side, so that many who are silent cost no more time than one, but for
 * those who have to wait for their turn. */
START_TEST(many_who_are_silent)
{
    server mute = {.len = 0};
    static svb_probe probes[MANY];
    apr_time_t began, took;

    start(&mute);
    for (int i = 0; i < MANY; i++) {
        probes[i] = probe_of(mute.fd, 1);
    }
    began = apr_time_now();
    svb_probe_run(pool, probes, MANY, MSEC(500));
    took = apr_time_now() - began;
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(probes[i].reach, SVB_REACH_SILENT);
    }
    ck_assert_int_ge(took, MSEC(995));
    ck_assert_int_lt(took, MSEC(1000) + apr_time_from_sec(10));
}
END_TEST

/* --- when it cannot ask --- */

/* From the lowest number that is free on, there are none but some.
 * @return what there was before */
static rlim_t leave_descriptors(int some)
{
    int next = dup(0);
    struct rlimit limit;
    rlim_t before;

    close(next);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)(next + some);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

static void restore_descriptors(rlim_t before)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = before;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

START_TEST(no_descriptors)
{
    int closed = bound("127.0.0.1"), open = listening("127.0.0.1", 8);
    svb_probe probes[3] = {probe_of(open, 0), probe_of(closed, 0),
                           probe_of(open, 1)};
    apr_time_t began = apr_time_now();
    rlim_t before = leave_descriptors(_i);

    svb_probe_run(pool, probes, 3, LONG);
    restore_descriptors(before);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(probes[i].reach, SVB_REACH_UNKNOWN);
    }
    ck_assert_int_lt(apr_time_now() - began, LONG / 2);
}
END_TEST

/* Those for whom they suffice are asked all the same. */
START_TEST(too_few_descriptors)
{
    int open = listening("127.0.0.1", 32), found[2] = {0, 0}, next;
    svb_probe probes[12];
    rlim_t before;

    for (int i = 0; i < 12; i++) {
        probes[i] = probe_of(open, 1);
    }
    next = dup(0);
    close(next);
    before = leave_descriptors(6);
    svb_probe_run(pool, probes, 12, MSEC(300));
    restore_descriptors(before);
    for (int i = 0; i < 12; i++) {
        ck_assert(probes[i].reach == SVB_REACH_SILENT
                  || probes[i].reach == SVB_REACH_UNKNOWN);
        found[probes[i].reach == SVB_REACH_UNKNOWN]++;
    }
    ck_assert_int_ge(found[0], 1);
    ck_assert_int_ge(found[1], 6);
    /* None was lost over it. */
    ck_assert_int_eq(dup(0), next);
}
END_TEST

static void nothing(int sig)
{
    (void)sig;
}

START_TEST(interrupted_by_signals)
{
    struct itimerval often = {.it_interval = {.tv_usec = 5000},
                              .it_value = {.tv_usec = 5000}};
    struct sigaction action = {.sa_handler = nothing};
    int fd = listening("127.0.0.1", 8);
    apr_time_t began = apr_time_now();

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    ck_assert_int_eq(ask(fd, 1, MSEC(300)), SVB_REACH_SILENT);
    ck_assert_int_ge(apr_time_now() - began, MSEC(295));
    ck_assert_int_eq(ask(fd, 0, LONG), SVB_REACH_OK);
}
END_TEST

START_TEST(in_words)
{
    ck_assert_str_eq(svb_probe_reach_text(SVB_REACH_REFUSED),
                     "connection refused");
    ck_assert_str_eq(svb_probe_reach_text(SVB_REACH_SILENT), "timed out");
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
    tcase_add_test(tc, nobody_to_ask);
    tcase_add_test(tc, all_kinds_at_once);
    tcase_add_test(tc, more_than_are_asked_at_once);
    tcase_add_test(tc, many_who_are_silent);
    tcase_add_loop_test(tc, no_descriptors, 0, 2);
    tcase_add_test(tc, too_few_descriptors);
    tcase_add_test(tc, interrupted_by_signals);
    tcase_add_test(tc, in_words);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
