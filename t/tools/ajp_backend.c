/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Light AJP nodes (backend.h). They answer CPing, and any GET without a body: 200 and a
 * few letters, on paths that begin with /new with the cookie of a new session,
 * JSESSIONID=NUMBER.nI.
 *
 * The AJP/1.3 packets are those of Tomcat's documentation of the protocol.
 */
#include "backend.h"

enum {
    FORWARD_REQUEST = 2,
    SEND_BODY = 3,
    SEND_HEADERS = 4,
    END_RESPONSE = 5,
    CPONG = 9,
    CPING = 10
};

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

static size_t whole(int fd)
{
    const unsigned char *in = conns[fd].in;
    size_t size = conns[fd].len < 4 ? 0 : 4 + ((size_t)in[2] << 8 | in[3]);

    return conns[fd].len >= size ? size : 0;
}

static void take(int fd, const unsigned char *packet, size_t size)
{
    static const unsigned char pong[] = {'A', 'B', 0, 1, CPONG};

    (void)size;
    if (packet[4] == FORWARD_REQUEST) {
        answer(fd, asks_for_new(packet));
    }
    else if (packet[4] != CPING
             || write(fd, pong, sizeof(pong)) != (ssize_t)sizeof(pong)) {
        hang_up(fd);
    }
}

int main(int argc, char **argv)
{
    return serve(argc, argv);
}
