/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/mac.h"

#include <string.h>

#include <apr_siphash.h>

#include "share/wire.h"

/* Longest text that a key is made of. */
#define TEXT_MAX 256

/* Behind each part a NUL, so that no two places have the same text. */
static apr_size_t add(char *text, apr_size_t len, const char *part)
{
    apr_size_t more = strlen(part);

    more = more < TEXT_MAX - len - 1 ? more : TEXT_MAX - len - 1;
    memcpy(text + len, part, more);
    text[len + more] = '\0';
    return len + more + 1;
}

static void derive(unsigned char to[SVB_MAC_KEY],
                   const unsigned char from[SVB_MAC_KEY], char *text,
                   apr_size_t len)
{
    for (int half = 0; half < 2; half++) {
        text[len] = (char)half;
        svb_wire_put(to + 8 * half, 8, apr_siphash24(text, len + 1, from));
    }
}

svb_mac svb_mac_of(const unsigned char key[SVB_MAC_KEY], const char *what,
                   const char *prefix, const char *name)
{
    unsigned char own[SVB_MAC_KEY]; /* the common key makes ids, too */
    char text[TEXT_MAX + 1];
    svb_mac mac = {{0}};

    derive(own, key, text, add(text, 0, "servoy store"));
    derive(mac.key, own, text,
           add(text, add(text, add(text, 0, what), prefix), name));
    return mac;
}

void svb_mac_put(const svb_mac *mac, unsigned char *bytes, apr_size_t len)
{
    svb_wire_put(bytes + len, SVB_MAC_SIZE,
                 apr_siphash24(bytes, len, mac->key));
}

int svb_mac_is_good(const svb_mac *mac, const svb_exchange_bytes *bytes)
{
    unsigned char right[SVB_MAC_SIZE], differ = 0;
    apr_size_t len;

    if (!bytes->data || bytes->len < SVB_MAC_SIZE) {
        return 0;
    }
    len = bytes->len - SVB_MAC_SIZE;
    svb_wire_put(right, SVB_MAC_SIZE,
                 apr_siphash24(bytes->data, len, mac->key));
    for (int i = 0; i < SVB_MAC_SIZE; i++) {
        differ |=
            (unsigned char)(right[i]
                            ^ (unsigned char)bytes->data[len + (apr_size_t)i]);
    }
    return !differ;
}
