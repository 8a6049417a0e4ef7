/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a request's environment says of where it goes, and why, for logs and
 * expressions: variables of our own (SERVOY_*), and those that mod_proxy_balancer
 * sets, with stickysession= or without (BALANCER_*):
 *
 *     BALANCER_SESSION_STICKY  name of the cookie that the id came in
 *     BALANCER_SESSION_ROUTE   the route in the id; "-" where no node of the fleet has
 *                              what it ends in, which may be a part of a secret then
 *     BALANCER_ROUTE_CHANGED   1: the request goes to another route than that;
 *                              not set where it does not
 */
#ifndef SVB_CHOICE_MOD_VARIABLES_H
#define SVB_CHOICE_MOD_VARIABLES_H

#include "choice/mod_request.h"

/**
 * Set them for an attempt. In a request's thread; takes no lock.
 * @param req a request for which a member was chosen
 */
void svb_variables_set(request_rec *r, svb_request *req,
                       const proxy_worker *worker, svb_how how);

/**
 * It is now known which client the request is of. Who had another id before keeps its
 * name in this request; how it goes on is told at debug. Likewise.
 * @param client the id in the table, or 0: of none
 */
void svb_variables_set_client(request_rec *r, svb_request *req,
                              apr_uint64_t client);

/** Set those of mod_proxy_balancer's that it has not set itself: where it had nothing to
 *  do with the choice. Likewise. */
void svb_variables_set_balancer(request_rec *r, const svb_request *req,
                                const proxy_worker *worker);

#endif /* SVB_CHOICE_MOD_VARIABLES_H */
