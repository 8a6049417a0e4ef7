/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Many light nodes, for benches: what a request costs in front of them is to be seen,
 * not what it costs behind. The sockets; what they speak is up to the program.
 *
 *     ..._backend PORT N
 *
 * Node i of N listens on 127.1.(i / 250).(i % 250 + 1), port PORT, and says "ready" when
 * all do. Ends with its standard input.
 */
#ifndef SVB_TOOLS_BACKEND_H
#define SVB_TOOLS_BACKEND_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FD 65536
#define PACKET 8192
#define EVENTS 64

/* A connection, by its descriptor. */
static struct {
    int node; /* its number + 1; 0: none; below 0: the listener of -node - 1 */
    int tunnel; /* whether it has become a WebSocket */
    size_t len;
    unsigned char *in;
} conns[MAX_FD];

static int poller;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void watch(int fd, int node)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (fd >= MAX_FD || epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)) {
        die("epoll_ctl");
    }
    conns[fd].node = node;
    conns[fd].tunnel = 0;
    conns[fd].len = 0;
}

static void listen_at(int node, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((unsigned short)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    at.sin_addr.s_addr = htonl(0x7f010001u + (unsigned)(node / 250) * 256
                               + (unsigned)(node % 250));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 511)) {
        die("listen");
    }
    watch(fd, -node - 1);
}

static void hang_up(int fd)
{
    free(conns[fd].in);
    conns[fd].in = NULL;
    conns[fd].node = 0;
    close(fd);
}

/** @return bytes of the first thing in what fd has sent, or 0 while it is not whole */
static size_t whole(int fd);

/** Answer it; may hang up. */
static void take(int fd, const unsigned char *in, size_t size);

static void accept_at(int listener)
{
    int fd = accept(listener, NULL, NULL), on = 1;

    if (fd >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        watch(fd, -conns[listener].node);
        conns[fd].in = malloc(PACKET);
    }
}

/* All that has come whole is taken. */
static void read_from(int fd)
{
    unsigned char *in = conns[fd].in;
    ssize_t n = read(fd, in + conns[fd].len, PACKET - conns[fd].len);
    size_t size;

    if (n <= 0) {
        hang_up(fd);
        return;
    }
    conns[fd].len += (size_t)n;
    while ((size = whole(fd)) > 0) {
        take(fd, in, size);
        if (!conns[fd].node) {
            return;
        }
        conns[fd].len -= size;
        memmove(in, in + size, conns[fd].len);
    }
}

/* As many descriptors as may be. */
static void raise_limit(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int serve(int argc, char **argv)
{
    int port = argc == 3 ? atoi(argv[1]) : 0, n = argc == 3 ? atoi(argv[2]) : 0;

    if (port <= 0 || n <= 0 || n > 60000) {
        fprintf(stderr, "usage: %s PORT N\n", argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    raise_limit();
    poller = epoll_create1(0);
    for (int node = 0; node < n; node++) {
        listen_at(node, port);
    }
    watch(0, 0);
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(poller, events, EVENTS, -1);

        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;

            if (fd == 0) {
                return 0;
            }
            if (conns[fd].node < 0) {
                accept_at(fd);
            }
            else if (conns[fd].node > 0) {
                read_from(fd);
            }
        }
    }
}

#endif /* SVB_TOOLS_BACKEND_H */
