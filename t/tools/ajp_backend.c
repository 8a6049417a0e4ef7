/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Many light AJP nodes, for benches: what a request costs in httpd is to be seen, not
 * what it costs behind it.
 *
 *     ajp_backend PORT N
 *
 * Node i of N listens on 127.1.(i / 250).(i % 250 + 1), port PORT, and says "ready" when
 * all do. It answers CPing, and any GET without a body: 200 and a few letters, on paths
 * that begin with /new with the cookie of a new session, JSESSIONID=NUMBER.nI. Ends with
 * its standard input.
 *
 * The AJP/1.3 packets are those of Tomcat's documentation of the protocol.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FD 65536
#define PACKET 8192
#define EVENTS 64

enum {
    FORWARD_REQUEST = 2,
    SEND_BODY = 3,
    SEND_HEADERS = 4,
    END_RESPONSE = 5,
    CPONG = 9,
    CPING = 10
};

/* A connection, by its descriptor. */
static struct {
    int node; /* its number + 1; 0: none; below 0: the listener of -node - 1 */
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

/* ------------------------------------------------------------------ packets */

static unsigned char *put16(unsigned char *p, unsigned n)
{
    p[0] = (unsigned char)(n >> 8);
    p[1] = (unsigned char)n;
    return p + 2;
}

static unsigned char *put_text(unsigned char *p, const char *text)
{
    size_t len = strlen(text);

    p = put16(p, (unsigned)len);
    memcpy(p, text, len + 1);
    return p + len + 1;
}

/* Its beginning; the length comes when the end is known. */
static unsigned char *begin(unsigned char *p, int type)
{
    p[0] = 'A';
    p[1] = 'B';
    p[4] = (unsigned char)type;
    return p + 5;
}

static unsigned char *end(unsigned char *packet, unsigned char *p)
{
    put16(packet + 2, (unsigned)(p - packet - 4));
    return p;
}

static void answer(int fd, int is_new)
{
    static unsigned long sessions;
    unsigned char out[512], *packet = out, *p = begin(packet, SEND_HEADERS);
    char cookie[80];

    p = put16(p, 200);
    p = put_text(p, "OK");
    p = put16(p, 2u + (unsigned)is_new);
    p = put16(p, 0xa001); /* Content-Type */
    p = put_text(p, "text/plain");
    p = put16(p, 0xa003); /* Content-Length */
    p = put_text(p, "6");
    if (is_new) {
        snprintf(cookie, sizeof(cookie), "JSESSIONID=%032lX.n%d; Path=/",
                 ++sessions, conns[fd].node - 1);
        p = put16(p, 0xa007); /* Set-Cookie */
        p = put_text(p, cookie);
    }
    packet = end(packet, p);
    p = put_text(begin(packet, SEND_BODY), "hello\n");
    packet = end(packet, p);
    p = begin(packet, END_RESPONSE);
    *p++ = 1; /* the connection may be used again */
    p = end(packet, p);
    if (write(fd, out, (size_t)(p - out)) != p - out) {
        hang_up(fd);
    }
}

/* prefix, method, protocol, then the path as a text. */
static int asks_for_new(const unsigned char *packet)
{
    size_t protocol = (size_t)packet[6] << 8 | packet[7];

    return !memcmp(packet + 8 + protocol + 1 + 2, "/new", 4);
}

static void take(int fd, const unsigned char *packet)
{
    static const unsigned char pong[] = {'A', 'B', 0, 1, CPONG};

    if (packet[4] == FORWARD_REQUEST) {
        answer(fd, asks_for_new(packet));
    }
    else if (packet[4] != CPING
             || write(fd, pong, sizeof(pong)) != (ssize_t)sizeof(pong)) {
        hang_up(fd);
    }
}

/* -------------------------------------------------------------------- sockets */

static void accept_at(int listener)
{
    int fd = accept(listener, NULL, NULL), on = 1;

    if (fd >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        watch(fd, -conns[listener].node);
        conns[fd].in = malloc(PACKET);
    }
}

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
    while (conns[fd].len >= 4
           && conns[fd].len >= (size = 4 + ((size_t)in[2] << 8 | in[3]))) {
        take(fd, in);
        if (!conns[fd].node) {
            return;
        }
        conns[fd].len -= size;
        memmove(in, in + size, conns[fd].len);
    }
}

int main(int argc, char **argv)
{
    int port = argc == 3 ? atoi(argv[1]) : 0, n = argc == 3 ? atoi(argv[2]) : 0;

    if (port <= 0 || n <= 0 || n > 60000) {
        fprintf(stderr, "usage: %s PORT N\n", argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
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
