/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The module's directives: how each is read.
 *
 * Those of a balancer stand in <Proxy "balancer://..."> and are kept in that
 * section (config/mod_sections.h). What concerns the whole server is kept in the
 * main server's configuration; of a shared store, in config/mod_store.h.
 *
 * All of it is for while the configuration is read, check_config and post_config,
 * when there is one thread.
 */
#ifndef SVB_CONFIG_MOD_DIRECTIVES_H
#define SVB_CONFIG_MOD_DIRECTIVES_H

#include <apr_tables.h>

#include "mod_log.h"

/** The directives of the server as a whole. */
typedef struct svb_server {
    int client_table;         /**< clients, at most */
    int persist;              /**< 0 or 1 */
    const char *persist_file; /**< or NULL: in the runtime folder */
} svb_server;

/** For the module record. */
extern const command_rec svb_directives_commands[];

/** For the module record: a server for which nothing was said. */
void *svb_directives_create_server(apr_pool_t *p, server_rec *s);

/**
 * @param main_server the main server (ap_server_conf), not a virtual host
 * @return the server's directives with the defaults filled in, from p
 */
const svb_server *svb_directives_server(apr_pool_t *p, server_rec *main_server);

#endif /* SVB_CONFIG_MOD_DIRECTIVES_H */
