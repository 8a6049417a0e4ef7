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

/** Register the hooks; in register_hooks. */
void svb_manager_register(apr_pool_t *p);

/** The model whose fleets are shown; in post_config. */
void svb_manager_use(const svb_model *model);

#endif /* SVB_MANAGER_MOD_MANAGER_H */
