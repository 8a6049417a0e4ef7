/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/evictions.h"

#include <stdatomic.h>

#define TELL_EVERY apr_time_from_sec(60)

void svb_evictions_add(svb_evictions *evictions, svb_kind kind, apr_time_t now)
{
    if (kind == SVB_KIND_GONE) {
        return;
    }
    if (kind == SVB_KIND_SMART) {
        atomic_store(&evictions->launch_at, now);
    }
    else if (kind != SVB_KIND_PENDING) {
        atomic_store(&evictions->session_at, now);
    }
    if (svb_kind_is_counted(kind)) {
        atomic_fetch_add(&evictions->count, 1);
        atomic_store(&evictions->at, now);
    }
}

apr_time_t svb_evictions_last(const svb_evictions *evictions)
{
    apr_time_t session = atomic_load(&evictions->session_at);
    apr_time_t launch = atomic_load(&evictions->launch_at);

    return session > launch ? session : launch;
}

void svb_evictions_restore(svb_evictions *evictions, apr_time_t last)
{
    atomic_store(&evictions->session_at, last);
    atomic_store(&evictions->launch_at, last);
}

apr_uint64_t svb_evictions_to_tell(svb_evictions *evictions, apr_time_t now)
{
    apr_uint64_t count = atomic_load(&evictions->count);
    apr_uint64_t told = atomic_load(&evictions->told);
    apr_time_t told_at = atomic_load(&evictions->told_at);

    /* A time that lies ahead is one of before the clock was set back. */
    if (count == told || (now >= told_at && now < told_at + TELL_EVERY)
        || !atomic_compare_exchange_strong(&evictions->told, &told, count)) {
        return 0;
    }
    atomic_store(&evictions->told_at, now);
    return count;
}
