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

/** @return the servoy balancer that the request is to be proxied to, or NULL. After
 *          mod_proxy has made its URL canonical: in handlers */
svb_balancer *svb_method_balancer_of(request_rec *r);

/** Does the URL begin with the very name of a servoy balancer, so that nothing is to be
 *  done to make it canonical? */
int svb_method_is_canonical(const request_rec *r, const char *url);

/**
 * Choose a member outside of mod_proxy's own handling, as that does it: under the
 * lock that lbmethods are called with, after members that are all in error were
 * given another chance (svb_condition_recover()). In a request's thread, without
 * that lock.
 * @return the worker, or NULL: none can take the request
 */
proxy_worker *svb_method_choose(svb_request *req, request_rec *r);

/** Is the method in force, as far as this process knows, and has that nothing to find
 *  out about the balancer first? balancer-manager can give it another one. */
int svb_method_is_in_force(const svb_balancer *balancer);

#endif /* SVB_CHOICE_MOD_METHOD_H */
