/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/number.h"

#include <stdatomic.h>

void svb_number_met(_Atomic apr_uint64_t *clock, apr_uint64_t number)
{
    apr_uint64_t seen = *clock;

    while (seen < number
           && !atomic_compare_exchange_weak(clock, &seen, number)) {
    }
}

apr_uint64_t svb_number_next(_Atomic apr_uint64_t *clock, apr_uint64_t now)
{
    apr_uint64_t seen = *clock, next;

    do {
        next = seen + 1 > now ? seen + 1 : now;
    } while (!atomic_compare_exchange_weak(clock, &seen, next));
    return next;
}
