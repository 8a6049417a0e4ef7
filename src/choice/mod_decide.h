/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Which member of a balancer a request goes to.
 *
 *   1. the member on whose node the client table has one of the request's ids, those
 *      of clients before those that are only remembered; or else the one whose route
 *      an id ends in, or that the route cookie names beside an id without any: of
 *      several the first whose member can serve. An id is dead, and names nobody, where
 *      its node takes no new clients and the table would know it, but does not, or
 *      knows it to have ended;
 *   2. else, if an id named a node: its redirect= member, else the members of its
 *      group, else all; among several the choice is by rendezvous hashing of the id,
 *      so that all requests of the client move to the same node, at every front end;
 *      full ones only where nobody else is left;
 *   3. else, if it begins no client, the member with the fewest requests in flight
 *      for its loadfactor (choice/mod_stateless);
 *   4. else the member that the route cookie names, if it takes new clients;
 *   5. else the member whose node has the fewest clients for its loadfactor among those
 *      that may take new ones, mod_proxy's lbset, standby, spare and drain included
 *      (choice/mod_election).
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
 * Choose the member that the request's ids name, if it can serve. Likewise, but needs
 * no mutex.
 * @return the chosen worker, or NULL: svb_decide() has to be asked
 */
proxy_worker *svb_decide_known(svb_request *req, request_rec *r);

/** Say in the log that none can take the request, and in its variables whose it is. */
void svb_decide_log_none(svb_request *req, request_rec *r);

/**
 * Mod_proxy_balancer has chosen a worker itself, by its stickysession=: find out
 * which client of it the request is of. Sets the request's choice. In a request's
 * thread; takes no lock.
 */
void svb_decide_adopt(svb_request *req, proxy_worker *worker, request_rec *r);

/**
 * @param route_len set to the length of the route, 0 for none
 * @return the member named by the longest route that an id ends in, or NULL
 */
const svb_member *svb_decide_routed(const svb_members *members,
                                    const svb_session_id *id,
                                    apr_size_t *route_len);

#endif /* SVB_CHOICE_MOD_DECIDE_H */
