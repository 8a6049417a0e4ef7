/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Light HTTP nodes (backend.h). They answer any request without a body: 200 and a few
 * letters, on paths that begin with /new with the cookie of a new session,
 * JSESSIONID=NUMBER.nI. A request for a WebSocket gets one, which sends back the short
 * messages that it is sent.
 */
#include "backend.h"

#include <apr_base64.h>
#include <apr_sha1.h>

#define KEY "sec-websocket-key:"

/* What RFC 6455 has a server add to a key, to show that it has understood. */
#define ACCEPTED "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static void say(int fd, const void *bytes, size_t len)
{
    if (write(fd, bytes, len) != (ssize_t)len) {
        hang_up(fd);
    }
}

/* -------------------------------------------------------------------- requests */

static void answer(int fd, int is_new)
{
    static unsigned long sessions;
    char cookie[100] = "", out[300];
    int len;

    if (is_new) {
        snprintf(cookie, sizeof(cookie),
                 "Set-Cookie: JSESSIONID=%032lX.n%d; Path=/\r\n", ++sessions,
                 conns[fd].node - 1);
    }
    len = snprintf(out, sizeof(out),
                   "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                   "Content-Length: 6\r\n%s\r\nhello\n",
                   cookie);
    say(fd, out, (size_t)len);
}

static void open_window(int fd, const char *key)
{
    unsigned char digest[APR_SHA1_DIGESTSIZE];
    char text[160], out[300], *p = text;
    apr_sha1_ctx_t sha1;
    int len;

    while (*key == ' ') {
        key++;
    }
    while (*key > ' ' && p < text + 100) {
        *p++ = *key++;
    }
    memcpy(p, ACCEPTED, sizeof(ACCEPTED));
    apr_sha1_init(&sha1);
    apr_sha1_update(&sha1, text, (unsigned)strlen(text));
    apr_sha1_final(digest, &sha1);
    apr_base64_encode(text, (const char *)digest, sizeof(digest));
    len = snprintf(out, sizeof(out),
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                   text);
    conns[fd].tunnel = 1;
    say(fd, out, (size_t)len);
}

static const char *find(const char *text, const char *what)
{
    for (; *text; text++) {
        if (!strncasecmp(text, what, strlen(what))) {
            return text;
        }
    }
    return NULL;
}

static void take_request(int fd, const unsigned char *in, size_t size)
{
    char text[PACKET];
    const char *path, *key;

    memcpy(text, in, size);
    text[size - 1] = '\0';
    path = strchr(text, ' ');
    key = find(text, "\n" KEY);
    if (key) {
        open_window(fd, key + 1 + strlen(KEY));
    }
    else {
        answer(fd, path && !strncmp(path + 1, "/new", 4));
    }
}

/* ---------------------------------------------------------------------- frames */

/* A client's: two bytes, the mask's four, and less than 126 that it covers. */
static size_t whole_frame(int fd)
{
    size_t size = conns[fd].len < 2 ? 0 : 6u + (conns[fd].in[1] & 0x7f);

    return conns[fd].len >= size ? size : 0;
}

static void send_back(int fd, const unsigned char *in, size_t size)
{
    unsigned char out[2 + 0x7f];

    if ((in[1] & 0x7f) > 125) {
        hang_up(fd);
        return;
    }
    out[0] = in[0];
    out[1] = in[1] & 0x7f;
    for (size_t i = 6; i < size; i++) {
        out[i - 4] = in[i] ^ in[2 + (i - 6) % 4];
    }
    say(fd, out, size - 4);
}

/* ------------------------------------------------------------------ either one */

static size_t whole(int fd)
{
    const unsigned char *end;

    if (conns[fd].tunnel) {
        return whole_frame(fd);
    }
    end = memmem(conns[fd].in, conns[fd].len, "\r\n\r\n", 4);
    return end ? (size_t)(end - conns[fd].in) + 4 : 0;
}

static void take(int fd, const unsigned char *in, size_t size)
{
    conns[fd].tunnel ? send_back(fd, in, size) : take_request(fd, in, size);
}

int main(int argc, char **argv)
{
    return serve(argc, argv);
}
