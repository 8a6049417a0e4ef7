/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The store that several front ends share, as it is configured: the line of
 * ServoySharedStore, the files it names, and what all of it comes to.
 *
 *     redis://host[:port][/db]    TCP; an IPv6 address in brackets
 *     rediss://host[:port][/db]   the same with TLS
 *     unix:/path                  a unix socket
 *     redis:host[:port]           as httpd's socache providers are named
 *     off
 *
 * Behind it key=value: user=, passwordfile=, name=, timeout=, cafile=, certfile=,
 * keyfile=. A password is never part of the line: configurations are read by more
 * people than are meant to have it, and it would be in messages.
 *
 * Pure: no state; any thread, any phase. Texts of errors complete a sentence that
 * begins with the directive, and are from the pool, or NULL: it is good.
 */
#ifndef SVB_CONFIG_STORE_H
#define SVB_CONFIG_STORE_H

#include <apr_pools.h>

#include "exchange.h"

/** Bytes of the key. */
#define SVB_STORE_KEY 16

/** The shortest and the longest time of a round. */
#define SVB_STORE_TIMEOUT_MIN (10 * 1000)
#define SVB_STORE_TIMEOUT_MAX APR_USEC_PER_SEC

/** What is to be used: of the configuration, or of the one before a restart. */
typedef struct svb_store {
    int on; /**< 0: nothing is shared, and of all else front_end alone counts */
    const char *url; /**< as to be shown: never with a password or user */
    svb_exchange_address address;
    const char *name;
    const char *prefix; /**< of its keys: svb:{name} */
    unsigned char key[SVB_STORE_KEY];
    const char *front_end; /**< our name in it */
} svb_store;

/** A line of ServoySharedStore. */
typedef struct svb_store_line {
    int on;
    const char *url;              /**< see svb_store */
    svb_exchange_address address; /**< without a password */
    const char *name;
    const char
        *password_file; /**< as written, or NULL; so are the address's files */
} svb_store_line;

/** Read the arguments of ServoySharedStore. @param line filled in, from p */
const char *svb_store_parse(apr_pool_t *p, int argc, char *const argv[],
                            svb_store_line *line);

/**
 * Can the file be read?
 * @param what the file holds where nobody but its owner may read it, "a key"; NULL:
 *             everybody may
 */
const char *svb_store_check_file(apr_pool_t *p, const char *path,
                                 const char *what);

/** Read a password from its file: one line. @param password set to it, from p */
const char *svb_store_read_password(apr_pool_t *p, const char *path,
                                    const char **password);

/** Read a key from its file: 32 hex digits. @param key filled in */
const char *svb_store_read_key(apr_pool_t *p, const char *path,
                               unsigned char key[SVB_STORE_KEY]);

/**
 * Are these the same: the place, the name in it, the key, and our own name? What the
 * ids and the state of front ends depend on cannot change while they run. A password
 * and a timeout can.
 */
int svb_store_same(const svb_store *a, const svb_store *b);

/** @return a copy, all of it from p */
svb_store *svb_store_copy(const svb_store *store, apr_pool_t *p);

#endif /* SVB_CONFIG_STORE_H */
