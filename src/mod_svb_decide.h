/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Which member of a balancer a request goes to.
 *
 *   1. the member whose route one of the request's session ids ends in, the
 *      first id whose member can serve;
 *   2. else, if an id named a node: its redirect= member, else the members of
 *      its group, else all; among several the choice is by rendezvous hashing
 *      of the id, so that all requests of the client move to the same node,
 *      at every front end;
 *   3. else the member with the least load among those that may take new
 *      clients, mod_proxy's lbset, standby, spare and drain included.
 *
 * A member that has failed this request is not tried again.
 */
#ifndef MOD_SVB_DECIDE_H
#define MOD_SVB_DECIDE_H

#include "mod_svb_request.h"

/** Find mod_proxy's optional functions; in post_config or later. */
void svb_decide_init(void);

/**
 * Choose a member.
 * @param req the request; its choice is set
 * @param r   for logging, and for the workers' retry
 * @return the chosen worker, or NULL when none can take the request
 * Called with the balancer's thread mutex held (mod_proxy's own), as lbmethods
 * are; changes shared state (the node takes its turn) unless req->dry_run.
 */
proxy_worker *svb_decide(svb_request *req, request_rec *r);

/**
 * Seconds after which a client that got 503 may try again: when the first
 * member in error is due for its retry, or a guess.
 */
int svb_decide_retry_after(const svb_balancer *balancer);

/** May this worker serve, or take new clients as well? */
int svb_decide_can_serve(const proxy_worker *worker);
int svb_decide_takes_new(const proxy_worker *worker);

#endif /* MOD_SVB_DECIDE_H */
