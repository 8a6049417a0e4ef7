/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Which member of a balancer a request goes to.
 *
 *   1. the member on whose node the client table has one of the request's ids,
 *      or else the one whose route an id ends in: of several ids the first whose
 *      member can serve;
 *   2. else, if an id named a node: its redirect= member, else the members of
 *      its group, else all; among several the choice is by rendezvous hashing
 *      of the id, so that all requests of the client move to the same node,
 *      at every front end;
 *   3. else the member whose node has the fewest clients for its loadfactor
 *      among those that may take new ones, mod_proxy's lbset, standby, spare
 *      and drain included.
 *
 * A member that has failed this request is not tried again.
 */
#ifndef SVB_CHOICE_MOD_DECIDE_H
#define SVB_CHOICE_MOD_DECIDE_H

#include "choice/mod_request.h"

/**
 * Choose a member. In a request's thread, with the balancer's thread mutex held
 * (mod_proxy's own), as lbmethods are called; takes no lock of its own.
 * @param req the request; its choice is set
 * @param r   for logging, and for the workers' retry
 * @return the chosen worker, or NULL when none can take the request. Its node
 *         takes its turn, in shared memory, unless req->dry_run
 */
proxy_worker *svb_decide(svb_request *req, request_rec *r);

/**
 * Mod_proxy_balancer has chosen a worker itself, by its stickysession=: find out
 * which client of it the request is of. Sets the request's choice. In a request's
 * thread; takes no lock.
 */
void svb_decide_adopt(svb_request *req, proxy_worker *worker, request_rec *r);

/**
 * Set the variables that tell where a request goes, and why: ours (SERVOY_*), and
 * mod_proxy_balancer's (BALANCER_*), which log formats use:
 *
 *     BALANCER_SESSION_STICKY  name of the cookie that the id came in
 *     BALANCER_SESSION_ROUTE   the route in the id
 *     BALANCER_ROUTE_CHANGED   1: the request goes to another route than that;
 *                              not set again where it stays
 *
 * In a request's thread; takes no lock.
 * @param req a request for which a member was chosen
 */
void svb_decide_set_env(request_rec *r, const svb_request *req,
                        const proxy_worker *worker, svb_how how);

/** Tell the client when to come back; for an answer of 503. In a request's
 *  thread; takes no lock. */
void svb_decide_set_retry_after(request_rec *r, svb_balancer *balancer);

#endif /* SVB_CHOICE_MOD_DECIDE_H */
