/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Users with open windows, for benches: many WebSockets through a front end, all idle.
 *
 *     windows PORT N
 *
 * Each of N users comes to /new on 127.0.0.1, port PORT, and opens a WebSocket at
 * /websocket with all the cookies that he got, on the same connection if that is still
 * there. At most AT_ONCE do so at a time. When each has one, or has failed, it says
 * "open N". For each line of its input it then sends a short message through all of them
 * and says "answered N": how many had the same back, within ten seconds. Ends with its
 * input.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 64
#define ANSWER 2048
#define COOKIES 256
#define EVENTS 64
#define TRIES 5
#define PATIENCE_SECONDS 10

typedef enum { IDLE, PAGE, OPENING, OPEN, FAILED } state;

typedef struct {
    int fd;
    state state;
    int tries;
    int answered;
    size_t len;
    char in[ANSWER];
    char cookies[COOKIES]; /* "a=1; b=2" */
} user;

static user *users;
static int users_n, port, poller;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Connections wait for one another no longer than the front end takes to accept. */
static int connected(user *u)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((unsigned short)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = u};

    u->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (u->fd < 0) {
        die("socket");
    }
    if (connect(u->fd, (struct sockaddr *)&to, sizeof(to))
        || epoll_ctl(poller, EPOLL_CTL_ADD, u->fd, &event)) {
        close(u->fd);
        u->fd = -1;
    }
    return u->fd >= 0;
}

/* ------------------------------------------------------------------- requests */

static void ask(user *u)
{
    char text[COOKIES + 300];
    int len;

    u->len = 0;
    if (u->state == PAGE) {
        len = snprintf(text, sizeof(text),
                       "GET /new HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    else {
        len = snprintf(text, sizeof(text),
                       "GET /websocket HTTP/1.1\r\nHost: localhost\r\n"
                       "Cookie: %s\r\nConnection: Upgrade\r\n"
                       "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                       u->cookies);
    }
    if (write(u->fd, text, (size_t)len) != len) {
        shutdown(u->fd, SHUT_RDWR); /* seen as its end, soon */
    }
}

/* On a new connection what was asked last is asked again. */
static void again(user *u)
{
    close(u->fd);
    u->fd = -1;
    if (++u->tries > TRIES || u->state == OPEN || !connected(u)) {
        u->state = FAILED;
        return;
    }
    ask(u);
}

static void begin(user *u)
{
    u->state = PAGE;
    if (connected(u)) {
        ask(u);
    }
    else {
        u->state = FAILED;
    }
}

/* -------------------------------------------------------------------- answers */

static void keep_cookies(user *u)
{
    static const char name[] = "\r\nSet-Cookie: ";
    char *p = u->cookies, *end = u->cookies + sizeof(u->cookies);

    for (const char *at = u->in; (at = strcasestr(at, name)) != NULL;) {
        size_t len;

        at += sizeof(name) - 1;
        len = strcspn(at, ";\r");
        if (p + len + 3 < end) {
            p += sprintf(p, "%s%.*s", p > u->cookies ? "; " : "", (int)len, at);
        }
    }
}

static void take_answer(user *u)
{
    const char *body = strstr(u->in, "\r\n\r\n");
    int status = 0;

    if (!body || sscanf(u->in, "HTTP/1.1 %d", &status) != 1) {
        return;
    }
    if (u->state == PAGE && status == 200) {
        if (strchr(body + 4, '\n')) {
            keep_cookies(u);
            u->state = OPENING;
            ask(u);
        }
    }
    else if (u->state == OPENING && status == 101) {
        u->state = OPEN;
    }
    else {
        fprintf(stderr, "status %d\n", status);
        close(u->fd);
        u->state = FAILED;
    }
}

static void read_from(user *u)
{
    ssize_t n = read(u->fd, u->in + u->len, sizeof(u->in) - 1 - u->len);

    if (n <= 0) {
        again(u);
    }
    else if (u->state == OPEN) {
        u->answered = 1;
    }
    else {
        u->len += (size_t)n;
        u->in[u->len] = '\0';
        take_answer(u);
    }
}

/* ------------------------------------------------------------------- all of them */

static int count(state from, state to)
{
    int n = 0;

    for (int i = 0; i < users_n; i++) {
        n += users[i].state >= from && users[i].state <= to;
    }
    return n;
}

/* What has come within so many milliseconds. */
static void look(int milliseconds)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(poller, events, EVENTS, milliseconds);

    for (int i = 0; i < n; i++) {
        read_from(events[i].data.ptr);
    }
}

static void open_all(void)
{
    time_t last = time(NULL);
    int begun = 0, settled = 0;

    while (settled < users_n && time(NULL) - last < PATIENCE_SECONDS) {
        int now;

        while (begun < users_n && begun - settled < AT_ONCE) {
            begin(&users[begun++]);
        }
        look(100);
        now = count(OPEN, FAILED);
        last = now > settled ? time(NULL) : last;
        settled = now;
    }
    printf("open %d\n", count(OPEN, OPEN));
}

static void ask_all(void)
{
    static const unsigned char message[] = {0x81, 0x82, 0, 0, 0, 0, 'h', 'i'};
    time_t begun = time(NULL);
    int answered = 0, open = count(OPEN, OPEN);

    for (int i = 0; i < users_n; i++) {
        users[i].answered = 0;
        if (users[i].state == OPEN
            && write(users[i].fd, message, sizeof(message))
                   != (ssize_t)sizeof(message)) {
            users[i].state = FAILED;
        }
    }
    while (answered < open && time(NULL) - begun < PATIENCE_SECONDS) {
        look(100);
        answered = 0;
        for (int i = 0; i < users_n; i++) {
            answered += users[i].answered && users[i].state == OPEN;
        }
    }
    printf("answered %d\n", answered);
}

static void raise_limit(void)
{
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    char line[100];

    port = argc == 3 ? atoi(argv[1]) : 0;
    users_n = argc == 3 ? atoi(argv[2]) : 0;
    if (port <= 0 || users_n <= 0) {
        fprintf(stderr, "usage: %s PORT N\n", argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    raise_limit();
    poller = epoll_create1(0);
    users = calloc((size_t)users_n, sizeof(*users));
    if (poller < 0 || !users) {
        die("no room");
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    open_all();
    while (fgets(line, sizeof(line), stdin)) {
        ask_all();
    }
    return 0;
}
