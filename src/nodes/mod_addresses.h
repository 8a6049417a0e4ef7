/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The addresses of the hosts that are asked whether nodes are there, and of the
 * shared store's (addresses.h), in memory that all processes of a generation share.
 *
 * A resolver may keep somebody waiting for many seconds. So names are looked up
 * apart from all that is in a hurry: from a watchdog of their own, several side by
 * side, in threads that come and go with them. Requests and rounds of probes take
 * what is known.
 */
#ifndef SVB_NODES_MOD_ADDRESSES_H
#define SVB_NODES_MOD_ADDRESSES_H

#include "config/mod_model.h"

/**
 * Make the memory; in post_config, in the parent. It lasts as long as pconf, and
 * in children for as long as they live.
 * @return APR_SUCCESS or why there is no memory; logged
 */
apr_status_t svb_addresses_start(apr_pool_t *pconf, server_rec *main_server);

/**
 * Begin to look up the names that are due. From the watchdog, which is one thread
 * in one process; waits for nobody.
 * @param p for the duration of the call
 */
void svb_addresses_look_up(const svb_model *model, apr_pool_t *p);

/** Look nothing up any more; waits for what is under way. From the same thread. */
void svb_addresses_stop(void);

/**
 * The addresses of a host, as far as they are known; see svb_addresses_get(). Any
 * thread; takes no lock, waits for nobody.
 */
apr_sockaddr_t *svb_addresses_of(const char *host, apr_port_t port,
                                 apr_pool_t *p);

#endif /* SVB_NODES_MOD_ADDRESSES_H */
