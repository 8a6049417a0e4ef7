/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/mod_clients.h"

#include <math.h>
#include <stdatomic.h>

#include "memory/mod_segments.h"
#include "memory/rows.h"

/* A pass of the sweep takes at least so many ticks, and no tick more buckets
 * than this: 16 MiB are read in a few milliseconds. */
#define TICKS_PER_PASS 4
#define MOST_BUCKETS 262144

/* The peak of confirmed clients halves in so many ticks. */
#define PEAK_HALF_LIFE 1800.0

/* How long the clients of a node that no balancer has any more are kept. */
#define OF_NOBODY apr_time_from_sec(30 * 60)

/* ---------------------------------------------------------------- lifetimes */

/* Of this configuration: its own, or a shorter one than before would not count.
 * Requests that meet a new member add to them. */
static _Atomic apr_interval_time_t (*timeouts)[SVB_KINDS];

static apr_interval_time_t timeout_of(void *baton, int node, svb_kind kind)
{
    apr_interval_time_t timeout = timeouts[node][kind];

    (void)baton;
    return timeout ? timeout : OF_NOBODY;
}

void svb_clients_start(apr_pool_t *pconf)
{
    apr_time_t replaced;
    svb_clients *former = svb_segments_former(&replaced);

    timeouts = apr_pcalloc(pconf, SVB_RECORDS_MAX * sizeof(*timeouts));
    svb_clients_set_timeout(svb_segments_clients(), timeout_of, NULL);
    if (former) {
        svb_clients_set_timeout(former, timeout_of, NULL);
    }
}

static void at_least(_Atomic apr_interval_time_t *timeout,
                     apr_interval_time_t value)
{
    if (*timeout < value) {
        *timeout = value;
    }
}

void svb_clients_set_timeouts(int node, apr_interval_time_t session,
                              apr_interval_time_t launch)
{
    _Atomic apr_interval_time_t *kinds = timeouts[node];

    kinds[SVB_KIND_PENDING] = SVB_PENDING_TIMEOUT;
    at_least(&kinds[SVB_KIND_WEB], session);
    at_least(&kinds[SVB_KIND_ASSUMED], session);
    at_least(&kinds[SVB_KIND_SMART], launch);
}

/* ---------------------------------------------------------------------- ids */

apr_uint64_t svb_clients_fleet_id(apr_uint64_t salt, const char *text,
                                  apr_size_t len)
{
    apr_uint64_t id = svb_clients_id(svb_segments_clients(), text, len) ^ salt;

    return id ? id : 1;
}

/* ------------------------------------------------------------------- counts */

unsigned svb_clients_web(int node)
{
    svb_records *records = svb_segments_records();

    return svb_records_clients(records, node, SVB_KIND_WEB)
           + svb_records_clients(records, node, SVB_KIND_ASSUMED);
}

unsigned svb_clients_load(int node)
{
    svb_records *records = svb_segments_records();

    return svb_clients_web(node)
           + svb_records_clients(records, node, SVB_KIND_SMART)
           + svb_records_clients(records, node, SVB_KIND_PENDING);
}

/* Several notice it at once, or keep noticing: only who finds clients on the
 * node begins a new epoch, so that its numbers last. */
void svb_clients_node_down(int node)
{
    if (svb_clients_load(node) > 0) {
        svb_clients_forget(svb_segments_clients(), node);
    }
}

int svb_clients_assume(apr_uint64_t id, int node, apr_time_t now)
{
    svb_shared *shared = svb_segments_shared();

    if (atomic_fetch_sub(&shared->assumed_room, 1) <= 0) {
        return 0;
    }
    return svb_clients_put(svb_segments_clients(), id, node, SVB_KIND_ASSUMED,
                           now);
}

/* --------------------------------------------------------------------- ticks */

static void refill_room(void)
{
    svb_records *records = svb_segments_records();
    svb_shared *shared = svb_segments_shared();
    apr_int64_t confirmed = 0, assumed = 0, all = 0, peak, room;

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(records, node)) {
            confirmed += svb_records_clients(records, node, SVB_KIND_WEB);
            assumed += svb_records_clients(records, node, SVB_KIND_ASSUMED);
            all += svb_clients_load(node);
        }
    }
    /* Kept in 1/1024ths, or the decay of small numbers would be lost. */
    peak = (apr_int64_t)((double)shared->confirmed_peak
                         * exp2(-1 / PEAK_HALF_LIFE));
    peak = peak > confirmed * 1024 ? peak : confirmed * 1024;
    shared->confirmed_peak = (apr_uint64_t)peak;
    peak /= 1024;
    room = (peak > SVB_ASSUMED_LEAST ? peak : SVB_ASSUMED_LEAST) - assumed;
    if (all
        > (apr_int64_t)svb_clients_capacity(svb_segments_clients()) / 4 * 3) {
        room = 0;
    }
    shared->assumed_room = room > 0 ? room : 0;
}

static void touch(void *now, apr_uint64_t id)
{
    svb_clients_touch(svb_segments_clients(), id, *(apr_time_t *)now);
}

void svb_clients_tick(apr_time_t now)
{
    svb_clients *clients = svb_segments_clients();
    apr_size_t buckets = svb_clients_buckets(clients) / TICKS_PER_PASS + 1;

    svb_rows_held(svb_segments_rows(), touch, &now);
    svb_clients_sweep(clients, buckets < MOST_BUCKETS ? buckets : MOST_BUCKETS,
                      now);
    refill_room();
}
