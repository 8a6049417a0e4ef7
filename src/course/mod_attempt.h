/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * One attempt to serve a request at one node: how it is followed through
 * mod_proxy, which may make several.
 *
 *   pre_request     once an attempt, before mod_proxy takes any lock: reads the
 *                   session ids, notes that the last attempt failed
 *   (the finder of choice/mod_method chooses the member, unless
 *                   stickysession= has found it)
 *   scheme_handler  the attempt begins: counters, SERVOY_* variables
 *   post_request    the request is over
 *   request_status  what came of it: errors, Retry-After
 */
#ifndef SVB_COURSE_MOD_ATTEMPT_H
#define SVB_COURSE_MOD_ATTEMPT_H

#include "choice/mod_request.h"

/** Register the hooks; in register_hooks. */
void svb_attempt_register(apr_pool_t *p);

/** The node has refused the request, or failed in the middle of it: forget the
 *  attempt, so that the next one is as the first. */
void svb_attempt_refused(svb_request *req);
void svb_attempt_failed(svb_request *req);

#endif /* SVB_COURSE_MOD_ATTEMPT_H */
