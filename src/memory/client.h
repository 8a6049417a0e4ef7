/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What is known of a client, in words that all of memory/ shares.
 */
#ifndef SVB_MEMORY_CLIENT_H
#define SVB_MEMORY_CLIENT_H

#include <apr.h>
#include <apr_time.h>

/** What a client is. */
typedef enum svb_kind {
    SVB_KIND_PENDING,  /**< a new client whose first answer is not here yet */
    SVB_KIND_WEB,      /**< an HTTP session */
    SVB_KIND_SMART,    /**< a Smart Client, launched and never seen again */
    SVB_KIND_ASSUMED,  /**< an HTTP session by the client's own account: no node
                         has told us of it */
    SVB_KIND_WINDOWED, /**< an HTTP session that lives by its WebSockets */
    SVB_KIND_REMEMBERED, /**< no client any more, as far as we know: counted by
                            nobody, but at home where it was, should it return */
    SVB_KIND_ENDED, /**< likewise; it was windowed, and its time is up: its node
                       has ended it by its own rule */
    SVB_KIND_GONE, /**< removed: what stays for a while, where front ends share, so
                      that what another one saw earlier does not bring it back */
    SVB_KIND_EXPECTED, /**< no slot has it: new clients that other front ends may
                          have given to a node by now (share/expect.h) */
    SVB_KINDS
} svb_kind;

/**
 * Is it confirmed: was a node seen to begin its session, or does it keep a window of
 * its open? All others but remembered ones are somebody's mere word.
 */
static inline int svb_kind_is_confirmed(svb_kind kind)
{
    return kind == SVB_KIND_WEB || kind == SVB_KIND_WINDOWED;
}

/** A client that was not heard of for so long is idle. */
#define SVB_CLIENT_IDLE apr_time_from_sec(600)

/** A copy of what the table knows of a client. */
typedef struct svb_client {
    apr_uint64_t id; /**< from svb_clients_id(), or a random number */
    int node;        /**< index of the node's record */
    svb_kind kind;   /**< what it is */
    apr_time_t seen; /**< when last seen, in whole seconds */
} svb_client;

/**
 * How long a client is live without being seen. It is called often and must be
 * quick.
 * @return microseconds; less than 0, or more than 48 days, for ever. A client
 *         is dropped within the second after the timeout, never before it
 */
typedef apr_interval_time_t svb_clients_timeout_fn(void *baton, int node,
                                                   svb_kind kind);

/** Is it a client with a browser? */
static inline int svb_kind_is_web(svb_kind kind)
{
    return svb_kind_is_confirmed(kind) || kind == SVB_KIND_ASSUMED;
}

/** Is it a client, and not only remembered? */
static inline int svb_kind_is_counted(svb_kind kind)
{
    return kind < SVB_KIND_REMEMBERED || kind == SVB_KIND_EXPECTED;
}

#endif /* SVB_MEMORY_CLIENT_H */
