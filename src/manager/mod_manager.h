/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The manager: the handler "servoy-manager" and its page, JSON and metrics.
 *
 * A <Location> with this handler is never proxied, whatever ProxyPass says of
 * the path.
 */
#ifndef SVB_MANAGER_MOD_MANAGER_H
#define SVB_MANAGER_MOD_MANAGER_H

#include "config/mod_model.h"

/**
 * Register the hooks. In register_hooks.
 * @param p the pool of the hooks
 */
void svb_manager_register(apr_pool_t *p);

/**
 * Say what is shown. In post_config, before there are threads; until then every
 * request is answered 500.
 * @param m the model, whose fleets are shown; lives as long as the configuration
 */
void svb_manager_use(const svb_model *m);

#endif /* SVB_MANAGER_MOD_MANAGER_H */
