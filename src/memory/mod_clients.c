/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/mod_clients.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include <apr_siphash.h>

#include "memory/mod_segments.h"
#include "memory/rows.h"
#include "memory/survey.h"

/* A tick sweeps a quarter of the table, but as many buckets as this at least: the
 * counts of a table of the usual size are right after every second; and no more than
 * that: 16 MiB are read in a few milliseconds. */
#define TICKS_PER_PASS 4
#define LEAST_BUCKETS 32768
#define MOST_BUCKETS 262144

/* A request that is in flight for so long keeps a windowed client, too: one that only
 * happens to be there when we look does not. */
#define LONG_REQUEST apr_time_from_sec(5)

/* The peak of confirmed clients halves in so many ticks. */
#define PEAK_HALF_LIFE 1800.0

/* How long the clients of a node that no balancer has any more are kept. */
#define OF_NOBODY apr_time_from_sec(30 * 60)

/* ---------------------------------------------------------------- lifetimes */

/* Of this configuration: its own, or a shorter one than before would not count.
 * Requests that meet a new member add to them. */
static _Atomic apr_interval_time_t (*timeouts)[SVB_KINDS];

static svb_survey *survey;

static apr_interval_time_t timeout_of(void *baton, int node, svb_kind kind)
{
    apr_interval_time_t timeout = timeouts[node][kind];

    (void)baton;
    return timeout ? timeout : OF_NOBODY;
}

/* Of the names in logs. */
static unsigned char name_key[APR_SIPHASH_KSIZE];

/* No cookie has such a text, for it has NULs. */
static void make_name_key(void)
{
    for (apr_uint64_t half = 0; half < 2; half++) {
        const struct {
            char what[8];
            apr_uint64_t number;
        } text = {"names", half};
        apr_uint64_t part = svb_clients_id(svb_segments_clients(),
                                           (const char *)&text, sizeof(text));

        memcpy(name_key + half * sizeof(part), &part, sizeof(part));
    }
}

static apr_int64_t half_of_the_table(void)
{
    return (apr_int64_t)svb_clients_capacity(svb_segments_clients()) / 2;
}

void svb_clients_start(apr_pool_t *pconf)
{
    apr_time_t replaced;
    svb_clients *former = svb_segments_former(&replaced);

    survey = svb_survey_make(pconf);
    timeouts = apr_pcalloc(pconf, SVB_RECORDS_MAX * sizeof(*timeouts));
    make_name_key();
    svb_clients_set_timeout(svb_segments_clients(), timeout_of, NULL);
    /* Until the first tick has counted them. */
    svb_segments_shared()->unconfirmed_room = half_of_the_table();
    svb_clients_set_room(svb_segments_clients(),
                         &svb_segments_shared()->unconfirmed_room);
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

void svb_clients_set_timeouts(int node, const svb_lifetimes *live)
{
    _Atomic apr_interval_time_t *kinds = timeouts[node];

    kinds[SVB_KIND_PENDING] = SVB_PENDING_TIMEOUT;
    at_least(&kinds[SVB_KIND_WEB], live->session);
    at_least(&kinds[SVB_KIND_ASSUMED], live->session);
    at_least(&kinds[SVB_KIND_REMEMBERED], live->session);
    at_least(&kinds[SVB_KIND_ENDED], live->session);
    at_least(&kinds[SVB_KIND_WINDOWED],
             live->window ? live->window : live->session);
    at_least(&kinds[SVB_KIND_SMART], live->launch);
    /* Twice as long as it takes until others tell of it again. */
    at_least(&kinds[SVB_KIND_GONE], live->session / SVB_JOURNAL_PERIODS * 2);
}

/* ---------------------------------------------------------------------- ids */

apr_uint64_t svb_clients_fleet_id(apr_uint64_t salt, const char *text,
                                  apr_size_t len)
{
    apr_uint64_t id = svb_clients_id(svb_segments_clients(), text, len) ^ salt;

    return id ? id : 1;
}

/* A number of the server's, hashed, so that nobody knows the next one. */
apr_uint64_t svb_clients_new_id(void)
{
    const struct {
        char what[8];
        apr_uint64_t number;
    } text = {"new id", ++svb_segments_shared()->ids};

    return svb_clients_id(svb_segments_clients(), (const char *)&text,
                          sizeof(text));
}

apr_uint64_t svb_clients_pending_id(void)
{
    return svb_clients_number_id(svb_segments_clients(),
                                 ++svb_segments_shared()->ids);
}

void svb_clients_call(apr_uint64_t id, char *name)
{
    static const char digits[] = "0123456789abcdef";
    apr_uint64_t hash = apr_siphash24(&id, sizeof(id), name_key);

    for (int i = 0; i < SVB_CLIENTS_CALLED; i++, hash >>= 4) {
        name[i] = digits[hash & 15];
    }
    name[SVB_CLIENTS_CALLED] = '\0';
}

/* ------------------------------------------------------------------- counts */

static unsigned count_of(int node, svb_kind kind)
{
    return svb_records_clients(svb_segments_records(), node, kind);
}

unsigned svb_clients_windowed(int node)
{
    return count_of(node, SVB_KIND_WINDOWED);
}

unsigned svb_clients_confirmed(int node)
{
    return count_of(node, SVB_KIND_WEB) + count_of(node, SVB_KIND_WINDOWED);
}

unsigned svb_clients_web(int node)
{
    return svb_clients_confirmed(node) + count_of(node, SVB_KIND_ASSUMED);
}

unsigned svb_clients_load(int node)
{
    return svb_records_clients_all(svb_segments_records(), node);
}

/* ------------------------------------------------------------- is it complete */

static int is_older(apr_time_t since, apr_interval_time_t age, apr_time_t now)
{
    return since < now - age;
}

int svb_clients_has_all_sessions(apr_interval_time_t age, apr_time_t now)
{
    const svb_evictions *dropped =
        svb_clients_evictions(svb_segments_clients());

    return is_older(svb_segments_shared()->known_since, age, now)
           && is_older(dropped->session_at, age, now);
}

int svb_clients_has_all_launches(apr_interval_time_t age, apr_time_t now)
{
    const svb_evictions *dropped =
        svb_clients_evictions(svb_segments_clients());

    return is_older(svb_segments_shared()->known_since, age, now)
           && is_older(dropped->launch_at, age, now);
}

/* ------------------------------------------------------------ who has no clients */

/* Several notice it at once, or keep noticing: only who finds clients on the
 * node begins a new epoch, so that its numbers last. */
void svb_clients_node_down(int node)
{
    apr_time_t now = apr_time_now();
    unsigned had = svb_clients_load(node);

    if (had > 0) {
        /* Whoever finds none any more finds how many there were. */
        svb_records_set(svb_segments_records(), node, SVB_WORD_LOST_NOW, had);
        svb_clients_forget(svb_segments_clients(), node, now);
    }
    else {
        svb_clients_lost(svb_segments_clients(), node, now);
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

int svb_clients_merge_told(const svb_client *client, unsigned how,
                           apr_time_t now)
{
    svb_clients *clients = svb_segments_clients();
    svb_client there;

    /* What nobody has confirmed takes from our own bound, or forged ids would be so
     * many times more. */
    if (client->kind == SVB_KIND_ASSUMED
        && !svb_clients_find(clients, client->id, now, &there)
        && atomic_fetch_sub(&svb_segments_shared()->assumed_room, 1) <= 0) {
        return 0;
    }
    return svb_clients_merge(clients, client, how, now);
}

/* --------------------------------------------------------------------- ticks */

/* What the nodes have, all together. */
typedef struct {
    apr_int64_t confirmed, assumed, unconfirmed, all;
} totals;

static totals sum_up(void)
{
    totals sum = {0};

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(svb_segments_records(), node)) {
            sum.confirmed += svb_clients_confirmed(node);
            sum.assumed += count_of(node, SVB_KIND_ASSUMED);
            sum.all +=
                svb_clients_load(node) - count_of(node, SVB_KIND_EXPECTED);
            svb_records_mend(svb_segments_records(), node);
        }
    }
    sum.unconfirmed = sum.all - sum.confirmed;
    return sum;
}

/* Kept in 1/1024ths, or the decay of small numbers would be lost. */
static apr_int64_t peak_of(svb_shared *shared, apr_int64_t confirmed)
{
    apr_int64_t peak = (apr_int64_t)((double)shared->confirmed_peak
                                     * exp2(-1 / PEAK_HALF_LIFE));

    peak = peak > confirmed * 1024 ? peak : confirmed * 1024;
    shared->confirmed_peak = (apr_uint64_t)peak;
    return peak / 1024;
}

static apr_int64_t left(apr_int64_t bound, apr_int64_t taken)
{
    return bound > taken ? bound - taken : 0;
}

static void refill_rooms(void)
{
    svb_shared *shared = svb_segments_shared();
    apr_int64_t capacity =
        (apr_int64_t)svb_clients_capacity(svb_segments_clients());
    totals sum = sum_up();
    apr_int64_t peak = peak_of(shared, sum.confirmed);

    shared->unconfirmed_room = left(half_of_the_table(), sum.unconfirmed);
    shared->assumed_room =
        sum.all > capacity / 4 * 3
            ? 0
            : left(peak > SVB_ASSUMED_LEAST ? peak : SVB_ASSUMED_LEAST,
                   sum.assumed);
}

void svb_clients_window_seen(apr_uint64_t id, int node, apr_time_t since,
                             apr_time_t now)
{
    if (now - since >= SVB_WINDOW_PROVEN) {
        svb_clients_window(svb_segments_clients(), id, node, now);
    }
}

static void keep_alive(void *baton, const svb_held *held)
{
    svb_clients *clients = svb_segments_clients();
    apr_time_t now = *(apr_time_t *)baton;

    svb_survey_add(survey, held);
    if (held->is_window) {
        svb_clients_window_seen(held->id, held->node, held->since, now);
    }
    else if (now - held->since >= LONG_REQUEST) {
        svb_clients_hold(clients, held->id, now);
    }
    else {
        svb_clients_touch(clients, held->id, now);
    }
}

void svb_clients_tick(apr_time_t now)
{
    svb_clients *clients = svb_segments_clients();
    apr_size_t buckets = svb_clients_buckets(clients) / TICKS_PER_PASS + 1;

    buckets = buckets > LEAST_BUCKETS ? buckets : LEAST_BUCKETS;
    svb_rows_held(svb_segments_rows(), keep_alive, &now);
    svb_survey_end(survey, svb_segments_records());
    svb_clients_sweep(clients, buckets < MOST_BUCKETS ? buckets : MOST_BUCKETS,
                      now);
    refill_rooms();
}
