/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * From the configuration to a running server, in the order in which httpd asks:
 *
 *   check_config       is the configuration good? The only hook that a
 *                      configuration test runs
 *   early_post_config  before mod_proxy_balancer's: the method's name is mended
 *   post_config        the shared state is found or made, filled from what the
 *                      last run has saved, and put to work
 *   child_init         a child gets its row for requests in flight
 *
 * All but the last run in the parent, before there are children of this
 * generation; those of the one before go on meanwhile.
 */
#ifndef SVB_MOD_STARTUP_H
#define SVB_MOD_STARTUP_H

#include "mod_log.h"

/** For the hooks of these names; with httpd's parameters and results. */
int svb_startup_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                      server_rec *s);
int svb_startup_early(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                      server_rec *s);
int svb_startup_post_config(apr_pool_t *pconf, apr_pool_t *plog,
                            apr_pool_t *ptemp, server_rec *s);
void svb_startup_child(apr_pool_t *pchild, server_rec *s);

#endif /* SVB_MOD_STARTUP_H */
