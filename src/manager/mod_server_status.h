/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Our section of mod_status's page, where mod_status is loaded: who may see that
 * page may see the nodes' names, states and counts, and nothing else of ours.
 */
#ifndef SVB_MANAGER_MOD_SERVER_STATUS_H
#define SVB_MANAGER_MOD_SERVER_STATUS_H

#include "config/mod_model.h"

/** Register the hook. In register_hooks. */
void svb_server_status_register(void);

/**
 * Say what is shown. In post_config, before there are threads.
 * @param m the model, whose fleets are shown; lives as long as the configuration
 */
void svb_server_status_use(const svb_model *m);

#endif /* SVB_MANAGER_MOD_SERVER_STATUS_H */
