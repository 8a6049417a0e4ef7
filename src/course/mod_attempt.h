/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The balancer method, and what surrounds it: how a request is followed through
 * mod_proxy.
 *
 *   pre_request     once an attempt, before mod_proxy takes any lock: reads the
 *                   session ids, notes that the last attempt failed
 *   finder          chooses the member; mod_proxy holds the balancer's thread
 *                   mutex. Not called where stickysession= found the member
 *   scheme_handler  the attempt begins: counters, SERVOY_* variables
 *   post_request    the request is over
 *   request_status  what came of it: errors, Retry-After
 */
#ifndef SVB_COURSE_MOD_ATTEMPT_H
#define SVB_COURSE_MOD_ATTEMPT_H

#include "choice/mod_request.h"

/** Register the method and the hooks; in register_hooks. */
void svb_attempt_register(apr_pool_t *p);

/**
 * The model by which balancers are recognised; in post_config.
 * NULL takes the method out of service.
 */
void svb_method_use(const svb_model *model);

/** @return the servoy balancer that this copy of a balancer is, or NULL */
svb_balancer *svb_method_balancer(const proxy_balancer *balancer);

/** @return the servoy balancer that the request is to be proxied to, or NULL */
svb_balancer *svb_method_balancer_of(request_rec *r);

/** The node has refused the request, or failed in the middle of it: forget the
 *  attempt, so that the next one is as the first. */
void svb_attempt_refused(svb_request *req);
void svb_attempt_failed(svb_request *req);

/**
 * Choose a member outside of mod_proxy's own handling, under the lock that
 * lbmethods are called with.
 * @return the worker, or NULL
 */
proxy_worker *svb_method_choose(svb_request *req, request_rec *r);

/** Set the variables that tell where a request goes, and why. */
void svb_decide_set_env(request_rec *r, const svb_balancer *balancer,
                        const proxy_worker *worker, enum svb_how how);

/** Tell the client when to come back; for an answer of 503. */
void svb_decide_set_retry_after(request_rec *r, const svb_balancer *balancer);

#endif /* SVB_COURSE_MOD_ATTEMPT_H */
