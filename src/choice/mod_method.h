/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The balancer method as mod_proxy knows it: lbmethod=servoy.
 */
#ifndef SVB_CHOICE_MOD_METHOD_H
#define SVB_CHOICE_MOD_METHOD_H

#include "choice/mod_request.h"

/** Register the method; in register_hooks. */
void svb_method_register(apr_pool_t *p);

/**
 * The model by which balancers are recognised; in post_config.
 * NULL takes the method out of service.
 */
void svb_method_use(const svb_model *model);

/** @return the servoy balancer that this copy of a balancer is, or NULL */
svb_balancer *svb_method_balancer(const proxy_balancer *balancer);

/** @return the servoy balancer of this server that a URL names ("balancer://servoy/x"),
 *          or NULL */
svb_balancer *svb_method_balancer_at(const server_rec *s, const char *url);

/** @return the servoy balancer that the request is to be proxied to, or NULL */
svb_balancer *svb_method_balancer_of(request_rec *r);

/**
 * Choose a member outside of mod_proxy's own handling, as that does it: under the
 * lock that lbmethods are called with, after members that are all in error were
 * given another chance (svb_condition_recover()). In a request's thread, without
 * that lock.
 * @return the worker, or NULL: none can take the request
 */
proxy_worker *svb_method_choose(svb_request *req, request_rec *r);

#endif /* SVB_CHOICE_MOD_METHOD_H */
