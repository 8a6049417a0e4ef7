/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A second chance for requests that a node has not served.
 *
 * A node in maintenance answers 503 to a request that would start a new client.
 * The user need not see that while another node can serve: the answer is thrown
 * away before a byte of it has reached the client, the request is put back to
 * what it was, and mod_proxy's handler runs again, for another node. The node
 * takes no new clients for the retry time of ServoyMaintenance; after that one
 * new client tries it again.
 *
 * The same goes, once, for a GET whose node failed in the middle of it: mod_proxy
 * gives up there, since it does not know whether a request may be repeated. A
 * GET or HEAD without a body may.
 *
 * Only GET and HEAD without a body and without Upgrade; a POST that starts a
 * client gets the node's answer. A 503 to a client that the table knows is the
 * application's own answer.
 */
#ifndef SVB_COURSE_MOD_RETRY_H
#define SVB_COURSE_MOD_RETRY_H

#include <apr_pools.h>

/** Register the handler and the filter; in register_hooks. */
void svb_retry_register(apr_pool_t *p);

#endif /* SVB_COURSE_MOD_RETRY_H */
