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

#endif /* SVB_CHOICE_MOD_DECIDE_H */
