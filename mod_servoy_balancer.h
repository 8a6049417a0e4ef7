/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What mod_servoy_balancer promises to other modules and to configurations:
 * its version and the names it uses in requests.
 */
#ifndef MOD_SERVOY_BALANCER_H
#define MOD_SERVOY_BALANCER_H

#define MOD_SERVOY_BALANCER_VERSION "0.1.0"

/** Name of the balancer method: ProxySet lbmethod=servoy */
#define SVB_LBMETHOD "servoy"

/** Name of the manager's handler: SetHandler servoy-manager */
#define SVB_MANAGER_HANDLER "servoy-manager"

/* Variables in a request's environment (r->subprocess_env), set when a node
 * has been chosen, for every attempt anew. */

/** the fleet whose node was chosen */
#define SVB_ENV_FLEET "SERVOY_FLEET"
/** the route of the node */
#define SVB_ENV_ROUTE "SERVOY_ROUTE"
/** why this node: known, route, failover, elected or launch */
#define SVB_ENV_HOW "SERVOY_HOW"
/** which client, as 12 hex digits that are the same for all its requests, and of no
 *  use for anything else; not set where the request is of no client */
#define SVB_ENV_CLIENT "SERVOY_CLIENT"

#endif /* MOD_SERVOY_BALANCER_H */
