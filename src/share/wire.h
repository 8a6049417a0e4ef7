/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Numbers and names in bytes that go to a store, and come from one: numbers are
 * little-endian, a name has its length before it, in a byte.
 *
 * Reading begins with all there is. Each read takes from the beginning; one of more than
 * there is fails, and so does all after it.
 *
 * Pure: no state, no locks; any thread, any phase.
 */
#ifndef SVB_SHARE_WIRE_H
#define SVB_SHARE_WIRE_H

#include <string.h>

#include <apr_strings.h>

/** Four letters, as a number. */
#define SVB_WIRE_TAG(a, b, c, d)                                               \
    ((apr_uint64_t)(a) | (apr_uint64_t)(b) << 8 | (apr_uint64_t)(c) << 16      \
     | (apr_uint64_t)(d) << 24)

/** Write the lowest bytes of a number. */
static inline void svb_wire_put(unsigned char *to, int bytes,
                                apr_uint64_t number)
{
    for (int i = 0; i < bytes; i++) {
        to[i] = (unsigned char)(number >> (8 * i));
    }
}

/** Write a name of up to 255 bytes. @return where to go on */
static inline unsigned char *svb_wire_put_name(unsigned char *to,
                                               const char *name)
{
    apr_size_t len = strlen(name);

    *to = (unsigned char)len;
    memcpy(to + 1, name, len);
    return to + 1 + len;
}

/** What is still to be read. */
typedef struct svb_wire {
    const unsigned char *at;
    apr_size_t left;
    int failed;
} svb_wire;

/** Pass over bytes. @return where they are, or NULL: there are not so many */
static inline const unsigned char *svb_wire_take(svb_wire *w, apr_size_t len)
{
    const unsigned char *at = w->at;

    if (w->failed || w->left < len) {
        w->failed = 1;
        return NULL;
    }
    w->at += len;
    w->left -= len;
    return at;
}

/** @return a number of so many bytes; 0: there are not so many */
static inline apr_uint64_t svb_wire_get(svb_wire *w, int bytes)
{
    const unsigned char *at = svb_wire_take(w, (apr_size_t)bytes);
    apr_uint64_t number = 0;

    for (int i = 0; at && i < bytes; i++) {
        number |= (apr_uint64_t)at[i] << (8 * i);
    }
    return number;
}

/**
 * @param most how long it may be; it must not be empty, nor have a NUL in it
 * @return a name, from p, or NULL: it is not there
 */
static inline const char *svb_wire_get_name(svb_wire *w, apr_size_t most,
                                            apr_pool_t *p)
{
    apr_size_t len = (apr_size_t)svb_wire_get(w, 1);
    const unsigned char *at = svb_wire_take(w, len);

    if (!at || len == 0 || len > most || memchr(at, 0, len)) {
        w->failed = 1;
        return NULL;
    }
    return apr_pstrmemdup(p, (const char *)at, len);
}

#endif /* SVB_SHARE_WIRE_H */
