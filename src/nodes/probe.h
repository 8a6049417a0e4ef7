/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Asking many addresses at once whether somebody is there.
 *
 * To ask is to connect and, where AJP is spoken, to send a CPing and wait for
 * the CPong: a process that hangs still has its connections accepted, by its
 * kernel, but does not answer. Nothing is kept open.
 *
 *     connected (AJP: CPong came)       SVB_REACH_OK
 *     connection refused                SVB_REACH_REFUSED
 *     no answer in time, cut off, hung
 *     up, or no route to it             SVB_REACH_SILENT
 *     could not ask (no descriptors)    SVB_REACH_UNKNOWN
 *
 * Source: the CPing and CPong packets of AJP/1.3, which need no secret.
 *
 * No state, no locks; usable from any thread in any phase, with a pool of the
 * caller's own.
 */
#ifndef SVB_NODES_PROBE_H
#define SVB_NODES_PROBE_H

#include <apr_network_io.h>

/** What is known of the connection to somebody. */
typedef enum svb_reach {
    SVB_REACH_UNKNOWN = -1, /**< could not be asked; never noted */
    SVB_REACH_OK,           /**< it answers, or nobody has asked */
    SVB_REACH_SILENT,       /**< it takes too long: hangs, or is cut off */
    SVB_REACH_REFUSED,      /**< its machine says that nobody is there */
    SVB_REACH_DOUBTFUL /**< a request could not be sent, nobody has asked yet:
                               never the outcome of asking */
} svb_reach;

/** One address to ask. */
typedef struct svb_probe {
    apr_sockaddr_t *addr; /**< in: whom; its ->next plays no part */
    int is_ajp;           /**< in: send a CPing */
    svb_reach reach;      /**< out: what came of it */
} svb_probe;

/**
 * Ask them all, side by side.
 * @param p       for sockets, which are closed again
 * @param probes  whom to ask; filled in
 * @param n       how many
 * @param timeout how long to wait for those who do not answer, altogether for
 *                every 256 of them
 */
void svb_probe_run(apr_pool_t *p, svb_probe *probes, int n,
                   apr_interval_time_t timeout);

/**
 * What somebody has answered to a CPing.
 * @param answer the first bytes of it
 * @param len    how many there are
 * @return SVB_REACH_OK when they begin with a CPong, SVB_REACH_UNKNOWN when they
 *         are the beginning of one, else SVB_REACH_SILENT
 */
svb_reach svb_probe_pong(const char *answer, apr_size_t len);

#endif /* SVB_NODES_PROBE_H */
