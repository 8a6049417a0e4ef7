/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Launches: requests for a Smart Client's JNLP.
 *
 * A handler that runs after access control and before mod_proxy's. It answers
 * a launch with a redirect to the elected node's direct URL, or, where the
 * configuration says so or the node has none, leaves it to mod_proxy, bound to
 * the elected node. What is no launch may begin at the door (mod_door).
 */
#ifndef SVB_LAUNCH_MOD_LAUNCH_H
#define SVB_LAUNCH_MOD_LAUNCH_H

#include <apr_pools.h>

/** Register the handler; in register_hooks. */
void svb_launch_register(apr_pool_t *p);

#endif /* SVB_LAUNCH_MOD_LAUNCH_H */
