/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What can be wrong with a configuration as a whole, found before it is used.
 *
 * Errors keep the server from starting and fail the configuration test;
 * warnings tell the way out. Each names the balancer and the line or member.
 *
 * For check_config and post_config, when there is one thread.
 */
#ifndef SVB_CONFIG_MOD_CHECKS_H
#define SVB_CONFIG_MOD_CHECKS_H

#include "config/mod_model.h"

/**
 * Look for everything that is wrong, and add it to the model's problems.
 * In check_config or post_config; reads the configuration tree.
 */
void svb_checks_run(svb_model *model);

/**
 * Is a module there without which nothing works? Says so at level error.
 * In check_config, before the model is built, since building needs mod_proxy.
 * @return OK, or HTTP_INTERNAL_SERVER_ERROR when one is missing
 */
int svb_checks_modules(server_rec *main_server);

#endif /* SVB_CONFIG_MOD_CHECKS_H */
