/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * One attempt to serve a request at one node: how it is followed through
 * mod_proxy, which may make several. The hooks, in the order in which they run,
 * and before or after whose of mod_proxy's modules:
 *
 *   pre_request     once an attempt, before mod_proxy_balancer's and before any
 *                   lock is taken: reads the session ids, notes that the last
 *                   attempt failed. Where stickysession= would undo a decision, it
 *                   chooses the member itself, and mod_proxy_balancer's does not run
 *   (the finder of choice/mod_method chooses the member, in mod_proxy_balancer's
 *                   pre_request, with its lock held; with stickysession= only
 *                   where the request carries no route of a member that serves)
 *   scheme_handler  before all others, of which the first that does the work ends
 *                   the hook: the attempt begins; counters, variables
 *   (the attempt: mod_proxy_http and the like. When no connection could be made,
 *                   all begins again with pre_request)
 *   post_request    once a request, before mod_proxy_balancer's: it is over
 *   request_status  last, once a request: what came of it; errors, Retry-After
 *
 * All run in the request's own thread.
 */
#ifndef SVB_COURSE_MOD_ATTEMPT_H
#define SVB_COURSE_MOD_ATTEMPT_H

#include "choice/mod_request.h"

/** Register the hooks; in register_hooks. */
void svb_attempt_register(apr_pool_t *p);

/**
 * The node has refused the request as a new client's: forget the attempt, so that
 * the next one is as the first, but not at this node. In the request's thread;
 * takes no lock.
 * @param req one for which a member was chosen
 */
void svb_attempt_refused(svb_request *req, request_rec *r);

/**
 * The request was cut off at its node: may it be run again? At the same node once if
 * the client's session is there and the node still answers; at another if it does
 * not, or if they share sessions; a new client's at one other. Asks the node, and
 * waits for its answer, which is a second and a half at most. In the request's
 * thread; takes no lock.
 * @param cuts how many runs were cut off before this one
 * @return whether; the next attempt is prepared then
 */
int svb_attempt_again(svb_request *req, request_rec *r, int cuts);

#endif /* SVB_COURSE_MOD_ATTEMPT_H */
