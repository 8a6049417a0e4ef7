/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Who wrote that: the front ends of a set have a key in common, which no store knows, and
 * put a code under all that they write to it. Bytes without the right one are nobody's.
 *
 * Each kind of value, and each log, has a key of its own, made of the common one: what is
 * good in one place is worth nothing in another. A code is 8 bytes of SipHash-2-4,
 * little-endian, behind what it is of.
 *
 * Pure: no state, no locks; any thread, any phase.
 */
#ifndef SVB_SHARE_MAC_H
#define SVB_SHARE_MAC_H

#include "exchange.h"

/** Bytes in a key. */
#define SVB_MAC_KEY 16

/** How many bytes a code takes. */
#define SVB_MAC_SIZE 8

/** The key of one place. */
typedef struct svb_mac {
    unsigned char key[SVB_MAC_KEY];
} svb_mac;

/**
 * The key of a place.
 * @param key    the front ends' common one
 * @param what   what kind of value stands there: "log"
 * @param prefix of the store's names
 * @param name   whose it is, or ""
 */
svb_mac svb_mac_of(const unsigned char key[SVB_MAC_KEY], const char *what,
                   const char *prefix, const char *name);

/** Write the code of what is before it. @param bytes len of them, and room for the code */
void svb_mac_put(const svb_mac *mac, unsigned char *bytes, apr_size_t len);

/** @return whether the last bytes are the code of those before them. Takes as long for a
 *          wrong one as for the right one */
int svb_mac_is_good(const svb_mac *mac, const svb_exchange_bytes *bytes);

#endif /* SVB_SHARE_MAC_H */
