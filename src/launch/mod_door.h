/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The door: with ServoyStart redirect, a client that begins is sent to its node's
 * direct URL for good. A launch without the Smart Client, as it were.
 *
 * A handler that runs after that of launches and before mod_proxy's. It answers a GET
 * that ServoyStartMatch takes for a beginning, unless an id that comes with it names a
 * node: whoever has a session here is proxied as ever. So is who is elected onto a node
 * without a direct URL.
 */
#ifndef SVB_LAUNCH_MOD_DOOR_H
#define SVB_LAUNCH_MOD_DOOR_H

#include <apr_pools.h>

/** Register the handler; in register_hooks. */
void svb_door_register(apr_pool_t *p);

#endif /* SVB_LAUNCH_MOD_DOOR_H */
