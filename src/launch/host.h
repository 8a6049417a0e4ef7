/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * To which host a URL leads that somebody else has written: for telling ours
 * from others. (What an administrator writes is checked by config/url.h.)
 *
 * Pure: no state, no locks; usable from any thread in any phase, with a pool of
 * the caller's own.
 */

#ifndef SVB_LAUNCH_HOST_H
#define SVB_LAUNCH_HOST_H

#include <apr.h>
#include <apr_pools.h>

/**
 * The host that a URL names. Read as the sloppiest of readers
 * would: with '\' for '/', and what stands before an '@' left out.
 *
 * @param p     for the result
 * @param value the URL; not NULL
 * @return the host, in lower case and without port, brackets and a final dot,
 *         else with the bytes it has in the value; "" for a value that is
 *         absolute but names none ("file:/x", "x:y"); NULL for a relative one
 */
const char *svb_host_named(apr_pool_t *p, const char *value);

#endif /* SVB_LAUNCH_HOST_H */
