/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The next try, for requests that a node has not served.
 *
 *   what has come of it     GET, HEAD, OPTIONS      others, body up    larger
 *                                                   to 64 KiB          bodies
 *   no connection           another node            another node       another node if
 *                                                                      nothing was sent
 *   503 with the words of   another node            another node       passed on
 *   maintenance, to a new
 *   client
 *   cut off, or answered    a new client: one       passed on          passed on
 *   with nonsense           other node; else the
 *                           same once if it still
 *                           answers, then another
 *   timed out               passed on               passed on          passed on
 *   any other answer        passed on               passed on          passed on
 *
 * An answer that is not passed on is stopped before a byte of it has reached the
 * client, the request is put back to what it was, and mod_proxy's handler runs again.
 * What of an answer has to be held until it is known, is held up to 4 KiB. When no
 * other node may take the client, the last one's own answer is passed.
 *
 * The first row is mod_proxy's own doing (it makes another attempt, mod_attempt), the
 * rest is done here. WebSockets have no second run.
 */
#ifndef SVB_COURSE_MOD_RETRY_H
#define SVB_COURSE_MOD_RETRY_H

#include <apr_pools.h>

/** Register the handler and the filter; in register_hooks. */
void svb_retry_register(apr_pool_t *p);

#endif /* SVB_COURSE_MOD_RETRY_H */
