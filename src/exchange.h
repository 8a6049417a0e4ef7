/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What the module asks of a second one that can talk to a store, so that what it is
 * linked with (hiredis) is loaded only where a store is used. Found by ap_lookup_provider
 * (SVB_EXCHANGE_GROUP, SVB_EXCHANGE_REDIS, SVB_EXCHANGE_VERSION).
 *
 * The store has, with P for the prefix: a stream P:log:FE of each front end, the hash
 * P:fe of heartbeats and the hash P:admin of what administrators have set. Whatever is in
 * them is bytes to the provider, which knows commands, and nothing of what they are for.
 *
 * A round is one pipeline with one deadline. A provider waits nowhere but there, has no
 * thread, looks no names up, logs nothing, and believes no byte of the store's.
 */
#ifndef SVB_EXCHANGE_H
#define SVB_EXCHANGE_H

#include <apr_network_io.h>
#include <apr_pools.h>
#include <apr_time.h>

#define SVB_EXCHANGE_GROUP "servoy-exchange"
#define SVB_EXCHANGE_REDIS "redis"
#define SVB_EXCHANGE_VERSION "1"

/** Most batches of one log that a round brings. */
#define SVB_EXCHANGE_BATCHES 32

/** How to reach a store: what ServoySharedStore says. Strings are NULL where unsaid. */
typedef struct svb_exchange_address {
    const char *host; /**< name or address; NULL with a path */
    int port;
    const char *path; /**< of a unix socket */
    int db;
    const char *user;
    const char *password; /**< what passwordfile= holds */
    int tls;
    const char *ca_file;
    const char *cert_file;
    const char *key_file;
    apr_interval_time_t timeout; /**< of a round, all in all */
} svb_exchange_address;

/** Bytes of somebody's. */
typedef struct svb_exchange_bytes {
    const char *data;
    apr_size_t len;
} svb_exchange_bytes;

/** The id of an entry of a stream. */
typedef struct svb_exchange_id {
    apr_uint64_t ms; /**< the store's clock when it was written */
    apr_uint64_t seq;
} svb_exchange_id;

/** A field of a hash. */
typedef struct svb_exchange_field {
    const char *name;
    svb_exchange_bytes value; /**< data NULL, when written: remove it */
} svb_exchange_field;

/** The log of a front end, from where it is to be read on; or the last id it has. */
typedef struct svb_exchange_log {
    const char *front_end;
    svb_exchange_id id;
} svb_exchange_log;

/** A batch that was read: an entry of a log. Empty where the entry holds none: it is
 *  to be read past all the same. */
typedef struct svb_exchange_batch {
    const char *front_end;
    svb_exchange_id id;
    svb_exchange_bytes bytes;
} svb_exchange_batch;

/** What a round is to do. */
typedef struct svb_exchange_round {
    const char *prefix;    /**< svb:{name} */
    const char *front_end; /**< ours */
    const apr_sockaddr_t
        *addresses; /**< of the store's host, as far as they are
                                            known; NULL: none, or a path */
    const svb_exchange_bytes *batches; /**< for our log, each an entry */
    int n_batches;
    apr_uint64_t keep_from;       /**< ms: older entries of our log may go */
    const svb_exchange_log *logs; /**< to read, each after that id */
    int n_logs;
    const svb_exchange_field *admin; /**< to write to P:admin */
    int n_admin;
    const svb_exchange_field
        *heartbeats; /**< to write to P:fe: ours, first of all; and
                                            to remove: those of the long gone */
    int n_heartbeats;
    int want_admin; /**< read all of P:admin, and not its field v alone */
    int want_survey; /**< read P:fe, TIME, and the last id of each log named above */
    int want_keep;      /**< let our log live for another five minutes */
    int want_fresh_log; /**< first of all drop our log: it is ahead of the clock */
} svb_exchange_round;

/** What came back. All from the round's pool. */
typedef struct svb_exchange_result {
    svb_exchange_batch *batches; /**< of all logs, those of one in order */
    int n_batches;
    int n_written; /**< how many of ours the store has taken */
    svb_exchange_bytes admin_version; /**< P:admin's field v; data NULL: none */
    svb_exchange_field *admin;        /**< with want_admin: all but v */
    int n_admin;
    svb_exchange_field *heartbeats; /**< with want_survey */
    int n_heartbeats;
    apr_time_t time; /**< with want_survey: the store's */
    svb_exchange_log
        *last; /**< with want_survey: the last id of each log; 0-0: none */
    int n_last;
    apr_interval_time_t took;
    const char *error; /**< why it failed, for a log line; NULL: it did not */
} svb_exchange_result;

/** A connection, or the want of one. Of one thread. */
typedef struct svb_exchange svb_exchange;

typedef struct svb_exchange_provider {
    /**
     * Is that an address the provider can use, as it is built? In the configuration's
     * test; opens nothing. @return NULL, or what is wrong with it and what to do
     */
    const char *(*check)(const svb_exchange_address *address, apr_pool_t *p);

    /**
     * For post_config, in the parent, which may read what children may not (TLS keys);
     * used then by one thread of one child.
     * @return a connection that is yet to be made; closed with the pool
     */
    svb_exchange *(*open)(const svb_exchange_address *address, apr_pool_t *p);

    /**
     * Connect, if need be, and do a round before the deadline. After an error the
     * connection is closed, and the next round makes another.
     * @param result filled in, from p; what was read before an error stays out of it
     * @return APR_SUCCESS, or an error with result->error
     */
    apr_status_t (*run)(svb_exchange *exchange, const svb_exchange_round *round,
                        svb_exchange_result *result, apr_pool_t *p);
} svb_exchange_provider;

#endif /* SVB_EXCHANGE_H */
