/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Servers on this machine's own addresses, good ones and bad ones, and asking them
 * whether they are there.
 */
#ifndef SERVERS_H
#define SERVERS_H

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nodes/probe.h"
#include "unit.h"

#define MSEC(n) apr_time_from_msec(n)

/** For who is sure to answer, however busy the machine is. */
#define LONG apr_time_from_sec(20)

static const char cping[] = {0x12, 0x34, 0, 1, 10};
static const char cpong[] = {'A', 'B', 0, 1, 9};

static inline void setup(void)
{
    pool_setup();
    signal(SIGPIPE, SIG_IGN);
}

/* --- those who are asked --- */

/* A socket of its own on some port; the kernel accepts connections to it. */
static inline int bound(const char *host)
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

static inline int listening(const char *host, int backlog)
{
    int fd = bound(host);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    return fd;
}

static inline apr_sockaddr_t *address(int fd)
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

/* What a server does with each of its connections. Its thread may outlive the test, so it
 * has to be static. */
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

static inline void hang_up(int fd, int reset)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (reset) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    close(fd);
}

static inline void serve_one(server *s, int fd)
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

static inline void *serve(void *data)
{
    server *s = data;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        serve_one(s, fd);
    }
    return NULL;
}

static inline void start(server *s)
{
    pthread_t thread;

    s->fd = listening("127.0.0.1", 512);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, s), 0);
    pthread_detach(thread);
}

/* Until it is through with so many connections. */
static inline void wait_served(server *s, int n)
{
    for (int i = 0; i < 2000 && atomic_load(&s->count) < n; i++) {
        usleep(10000);
    }
    ck_assert_int_eq(atomic_load(&s->count), n);
}

/* --- asking --- */

static inline int open_files(void)
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

static inline svb_probe probe_of(int fd, int is_ajp)
{
    svb_probe probe = {.addr = address(fd), .is_ajp = is_ajp, .reach = 77};

    return probe;
}

static inline svb_reach ask(int fd, int is_ajp, apr_interval_time_t timeout)
{
    svb_probe probe = probe_of(fd, is_ajp);

    svb_probe_run(pool, &probe, 1, timeout);
    return probe.reach;
}

/* What comes of asking a server with a CPing, and whether that was well before
 * the time was up. */
static inline svb_reach ask_server(server *s)
{
    apr_time_t began = apr_time_now();
    svb_reach reach;

    start(s);
    reach = ask(s->fd, 1, LONG);
    ck_assert_int_lt(apr_time_now() - began, LONG / 2);
    return reach;
}

#endif /* SERVERS_H */
