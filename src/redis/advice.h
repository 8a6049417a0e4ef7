/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What the store refuses, in words that say what to do.
 *
 * Pure: no state; any thread.
 */
#ifndef SVB_REDIS_ADVICE_H
#define SVB_REDIS_ADVICE_H

#include <apr_pools.h>

/**
 * @param command what was asked, "XADD"
 * @param text    the store's answer, any bytes; printed without what could break a line
 * @param len     of it
 * @param p       of the result
 * @return a text for a log line: what was refused, and the way out where there is one
 */
const char *svb_advice(const char *command, const char *text, apr_size_t len,
                       apr_pool_t *p);

#endif /* SVB_REDIS_ADVICE_H */
