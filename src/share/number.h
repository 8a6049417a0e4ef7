/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Numbers of what administrators say: a clock that all front ends move on. A new number is
 * the store's time in milliseconds, or one more than the highest that was met, whichever
 * is higher; so one that was said later, by somebody who knew of the other, is higher,
 * whatever clocks do.
 *
 * Pure: one word in shared memory, changed by compare-and-swap; no locks, any thread.
 */
#ifndef SVB_SHARE_NUMBER_H
#define SVB_SHARE_NUMBER_H

#include <apr.h>

/** A number was met. */
void svb_number_met(_Atomic apr_uint64_t *clock, apr_uint64_t number);

/** @return a new one, which nobody else gets here. @param now the store's ms */
apr_uint64_t svb_number_next(_Atomic apr_uint64_t *clock, apr_uint64_t now);

#endif /* SVB_SHARE_NUMBER_H */
