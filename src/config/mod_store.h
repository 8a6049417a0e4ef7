/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * ServoySharedStore, ServoySharedKey and ServoyFrontEnd: whether this front end shares
 * what it knows with others, where, and as whom.
 *
 * Files are read with the lines that name them, as the user who starts httpd; children
 * never do. What ids and the store's contents depend on (svb_store_same()) stays as it
 * was when the server was started, through all restarts that are none.
 *
 * For while the configuration is read, check_config and post_config, when there is one
 * thread; but svb_store_get() for everybody from post_config on, without locks.
 */
#ifndef SVB_CONFIG_MOD_STORE_H
#define SVB_CONFIG_MOD_STORE_H

#include "config/store.h"
#include "mod_log.h"

/** For the table of directives. */
const char *svb_store_set(cmd_parms *cmd, void *dummy, int argc,
                          char *const argv[]);
const char *svb_store_set_key(cmd_parms *cmd, void *dummy, const char *arg);
const char *svb_store_set_front_end(cmd_parms *cmd, void *dummy,
                                    const char *arg);

/**
 * What is wrong with all three together, or with what they need; for check_config and
 * configuration tests, too.
 * @param p of the text
 * @return NULL, or what it is; no start then
 */
const char *svb_store_wrong(apr_pool_t *p);

/** Is there a key, and no store that it would be for? */
int svb_store_key_is_idle(void);

/**
 * Put to use what was configured, or go on with what was there before a restart, where
 * that is another store or key; says so. In post_config, of the pass that counts.
 */
void svb_store_use(server_rec *main_server);

/** @return the store that is in use; never NULL. Lives as long as the configuration */
const svb_store *svb_store_get(void);

/** @return what can talk to it; NULL: mod_servoy_redis is not loaded */
const svb_exchange_provider *svb_store_provider(void);

#endif /* SVB_CONFIG_MOD_STORE_H */
