/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/history.h"

#include <stdatomic.h>
#include <string.h>

#include "memory/hash.h"

#define ALIGNED __attribute__((aligned(64)))
#define HOUR SVB_HISTORY_HOUR_PLACES
#define WEEK SVB_HISTORY_WEEK_PLACES
#define ERRORS (SVB_HISTORY_LATELY + 2)

/* Whose it is: the key of its names, and since which steps there are samples. */
typedef struct {
    _Atomic apr_uint64_t key ALIGNED;
    _Atomic apr_uint64_t hour_since, week_since;
} owner;

typedef struct {
    owner of;
    _Atomic apr_uint32_t errors[ERRORS];
    _Atomic apr_uint16_t hour[HOUR];
    _Atomic apr_uint16_t week[WEEK];
} node_rec;

typedef struct {
    owner of;
    _Atomic apr_uint32_t hour[SVB_HISTORY_TRACKS][HOUR];
    _Atomic apr_uint32_t week[SVB_HISTORY_TRACKS][WEEK];
} fleet_rec;

typedef struct {
    _Atomic apr_uint64_t hour_taken[HOUR] ALIGNED; /* steps, by place */
    _Atomic apr_uint64_t week_taken[WEEK];
    _Atomic apr_uint64_t fleets[SVB_HISTORY_FLEETS]; /* fleet + 1; 0: free */
    node_rec nodes[SVB_RECORDS_MAX];
    fleet_rec of_fleets[SVB_HISTORY_FLEETS];
} region;

struct svb_history {
    region *shm;
};

apr_size_t svb_history_size(void)
{
    return sizeof(region);
}

apr_status_t svb_history_open(svb_history **history, void *mem, apr_pool_t *p)
{
    *history = apr_palloc(p, sizeof(**history));
    (*history)->shm = mem;
    return APR_SUCCESS;
}

/* -------------------------------------------------------------------- steps */

static apr_uint64_t step_of(apr_time_t now, apr_interval_time_t step)
{
    return now > 0 ? (apr_uint64_t)(now / step) : 0;
}

static apr_uint64_t hour_step(apr_time_t now)
{
    return step_of(now, SVB_HISTORY_HOUR_STEP);
}

static apr_uint64_t week_step(apr_time_t now)
{
    return step_of(now, SVB_HISTORY_WEEK_STEP);
}

static int hour_is_taken(const region *shm, apr_uint64_t step)
{
    return atomic_load(&shm->hour_taken[step % HOUR]) == step;
}

static int week_is_taken(const region *shm, apr_uint64_t step)
{
    return atomic_load(&shm->week_taken[step % WEEK]) == step;
}

/* The last step of which there may be a sample. */
static apr_uint64_t last_hour(const region *shm, apr_time_t now)
{
    apr_uint64_t step = hour_step(now);

    return step && !hour_is_taken(shm, step) ? step - 1 : step;
}

static apr_uint64_t last_week(const region *shm, apr_time_t now)
{
    apr_uint64_t step = week_step(now);

    return step && !week_is_taken(shm, step) ? step - 1 : step;
}

/* ------------------------------------------------------------------ whose it is */

static apr_uint64_t key_of(svb_records *records, int node)
{
    return svb_hash_node(svb_records_name(records, node),
                         svb_records_route(records, node));
}

/* The first steps before the key: who dies in between has begun nothing. */
static void begin(owner *of, apr_uint64_t key, apr_uint64_t hour,
                  apr_uint64_t week)
{
    atomic_store(&of->key, 0);
    atomic_store(&of->hour_since, hour);
    atomic_store(&of->week_since, week);
    atomic_store(&of->key, key);
}

static const node_rec *node_of(const svb_history *history, svb_records *records,
                               int node)
{
    const node_rec *rec = &history->shm->nodes[node];

    return atomic_load(&rec->of.key) == key_of(records, node) ? rec : NULL;
}

/* A fleet's place, claimed where it has none. @return or -1 */
static int place_of(const svb_history *history, int fleet, int may_claim)
{
    for (int i = 0; i < SVB_HISTORY_FLEETS; i++) {
        _Atomic apr_uint64_t *at =
            &history->shm->fleets[(fleet + i) % SVB_HISTORY_FLEETS];
        apr_uint64_t seen = atomic_load(at), mine = (apr_uint64_t)fleet + 1;

        if (seen == 0
            && (!may_claim
                || atomic_compare_exchange_strong(at, &seen, mine))) {
            return may_claim ? (fleet + i) % SVB_HISTORY_FLEETS : -1;
        }
        if (seen == mine) {
            return (fleet + i) % SVB_HISTORY_FLEETS;
        }
    }
    return -1;
}

static const fleet_rec *fleet_of(const svb_history *history, int fleet)
{
    int place = place_of(history, fleet, 0);
    const fleet_rec *rec = place >= 0 ? &history->shm->of_fleets[place] : NULL;

    return rec && atomic_load(&rec->of.key) ? rec : NULL;
}

/* ------------------------------------------------------------------- samples */

/* Steps in which samples are taken; 0: not now. */
typedef struct {
    apr_uint64_t hour, week;
} due;

static apr_uint16_t saturated(unsigned clients)
{
    return clients > UINT16_MAX ? UINT16_MAX : (apr_uint16_t)clients;
}

/* A sample of a node. One that is new has its first at once. */
static void sample_node(svb_history *history, svb_records *records, int node,
                        due when, const due *present)
{
    node_rec *rec = &history->shm->nodes[node];
    apr_uint64_t key = key_of(records, node);

    if (atomic_load(&rec->of.key) != key) {
        when = *present;
        begin(&rec->of, key, when.hour, when.week);
    }
    if (when.hour) {
        atomic_store(&rec->hour[when.hour % HOUR],
                     saturated(svb_records_clients_all(records, node)));
        atomic_store(
            &rec->errors[when.hour % ERRORS],
            (apr_uint32_t)svb_records_counter(records, node, SVB_CTR_ERRORS));
    }
    if (when.week) {
        atomic_store(&rec->week[when.week % WEEK],
                     saturated(svb_records_clients_all(records, node)));
    }
}

/* What a fleet's counters are now. */
typedef struct {
    apr_uint32_t tracks[SVB_HISTORY_TRACKS];
} sums;

static sums sums_of(svb_records *records, int fleet)
{
    sums s = {{0}};

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(records, node)
            && svb_records_fleet_of(records, node) == fleet) {
            s.tracks[SVB_HISTORY_BEGUN] += (apr_uint32_t)svb_records_counter(
                records, node, SVB_CTR_ELECTED);
            s.tracks[SVB_HISTORY_LAUNCHES] += (apr_uint32_t)svb_records_counter(
                records, node, SVB_CTR_LAUNCHES);
        }
    }
    s.tracks[SVB_HISTORY_REFUSED] = (apr_uint32_t)svb_records_fleet_counter(
        records, fleet, SVB_FLEET_REFUSED);
    s.tracks[SVB_HISTORY_MOVED] = (apr_uint32_t)svb_records_fleet_counter(
        records, fleet, SVB_FLEET_MOVED);
    return s;
}

static void sample_fleet(svb_history *history, svb_records *records, int fleet,
                         due when, const due *present)
{
    int place = place_of(history, fleet, 1);
    fleet_rec *rec = &history->shm->of_fleets[place >= 0 ? place : 0];
    sums s;

    if (place < 0) {
        return;
    }
    if (!atomic_load(&rec->of.key)) {
        when = *present;
        begin(&rec->of, 1, when.hour, when.week);
    }
    if (!when.hour && !when.week) {
        return;
    }
    s = sums_of(records, fleet);
    for (int i = 0; i < SVB_HISTORY_TRACKS; i++) {
        if (when.hour) {
            atomic_store(&rec->hour[i][when.hour % HOUR], s.tracks[i]);
        }
        if (when.week) {
            atomic_store(&rec->week[i][when.week % WEEK], s.tracks[i]);
        }
    }
}

/* Nodes of one fleet stand apart: each fleet is met several times. */
static void sample_fleets(svb_history *history, svb_records *records, due when,
                          const due *present)
{
    unsigned char is_done[SVB_RECORDS_MAX] = {0};

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(records, node)) {
            int fleet = svb_records_fleet_of(records, node);

            if (!is_done[fleet]) {
                sample_fleet(history, records, fleet, when, present);
                is_done[fleet] = 1;
            }
        }
    }
}

void svb_history_take(svb_history *history, svb_records *records,
                      apr_time_t now)
{
    region *shm = history->shm;
    due present = {hour_step(now), week_step(now)}, when = present;

    if (hour_is_taken(shm, present.hour)) {
        when.hour = 0;
    }
    if (week_is_taken(shm, present.week)) {
        when.week = 0;
    }
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(records, node)) {
            sample_node(history, records, node, when, &present);
        }
    }
    sample_fleets(history, records, when, &present);
    if (when.hour) {
        atomic_store(&shm->hour_taken[when.hour % HOUR], when.hour);
    }
    if (when.week) {
        atomic_store(&shm->week_taken[when.week % WEEK], when.week);
    }
}

/* -------------------------------------------------------------------- to read */

/* Steps from the first that is told of up to the last, at most so many. */
static int steps_to(apr_uint64_t last, apr_uint64_t since, int most)
{
    if (!since || since > last) {
        return 0;
    }
    return last - since + 1 < (apr_uint64_t)most ? (int)(last - since + 1)
                                                 : most;
}

/* Places of hours, or of weeks; 0 where no sample was taken. @return as above */
static int read_out(const _Atomic apr_uint16_t *samples,
                    const _Atomic apr_uint64_t *taken, apr_size_t places,
                    apr_uint64_t since, apr_uint64_t last, int most,
                    unsigned *list)
{
    int n = steps_to(last, since, most);

    for (int i = 0; i < n; i++) {
        apr_uint64_t step = last - (apr_uint64_t)(n - 1 - i);
        apr_size_t at = step % places;

        list[i] =
            atomic_load(&taken[at]) == step ? atomic_load(&samples[at]) : 0;
    }
    return n;
}

int svb_history_hour(const svb_history *history, svb_records *records, int node,
                     apr_time_t now, unsigned list[SVB_HISTORY_HOUR])
{
    const region *shm = history->shm;
    const node_rec *rec = node_of(history, records, node);

    return rec ? read_out(rec->hour, shm->hour_taken, HOUR,
                          atomic_load(&rec->of.hour_since), last_hour(shm, now),
                          SVB_HISTORY_HOUR, list)
               : 0;
}

int svb_history_week(const svb_history *history, svb_records *records, int node,
                     apr_time_t now, unsigned list[SVB_HISTORY_WEEK])
{
    const region *shm = history->shm;
    const node_rec *rec = node_of(history, records, node);

    return rec ? read_out(rec->week, shm->week_taken, WEEK,
                          atomic_load(&rec->of.week_since), last_week(shm, now),
                          SVB_HISTORY_WEEK, list)
               : 0;
}

/* A counter's low bits, at two times: what is less has been reset. */
static apr_uint32_t growth(apr_uint32_t before, apr_uint32_t after)
{
    apr_uint32_t grown = after - before;

    return grown < UINT32_MAX / 2 ? grown : 0;
}

/* By how much a counter has grown from one step on. after: what it is at the end. */
static apr_uint32_t grown(const region *shm, const _Atomic apr_uint32_t *ring,
                          apr_size_t places, apr_uint64_t from, apr_uint64_t to,
                          const apr_uint32_t *end)
{
    apr_uint32_t sum = 0, before = 0, value;
    int any = 0;

    for (apr_uint64_t step = from; step <= to; step++) {
        if (hour_is_taken(shm, step)) {
            value = atomic_load(&ring[step % places]);
            sum += any ? growth(before, value) : 0;
            before = value;
            any = 1;
        }
    }
    return any && end ? sum + growth(before, *end) : sum;
}

/* The first of the last n steps, but not before there were any. */
static apr_uint64_t from(apr_uint64_t last, apr_uint64_t n, apr_uint64_t since)
{
    apr_uint64_t first = last > n ? last - n : 0;

    return first > since ? first : since;
}

apr_uint64_t svb_history_errors(const svb_history *history,
                                svb_records *records, int node, apr_time_t now)
{
    const region *shm = history->shm;
    const node_rec *rec = node_of(history, records, node);
    apr_uint64_t last = last_hour(shm, now);
    apr_uint32_t is =
        (apr_uint32_t)svb_records_counter(records, node, SVB_CTR_ERRORS);

    return rec ? grown(
               shm, rec->errors, ERRORS,
               from(last, SVB_HISTORY_LATELY, atomic_load(&rec->of.hour_since)),
               last, &is)
               : 0;
}

static double per_minute(apr_uint32_t n)
{
    const double minutes = (double)(SVB_HISTORY_LATELY * SVB_HISTORY_HOUR_STEP)
                           / (double)apr_time_from_sec(60);

    return n / minutes;
}

/* An hour ago; where it is not known how many had begun by then, neither is this. */
static double begun_before(const region *shm, const fleet_rec *rec,
                           apr_uint64_t last)
{
    apr_uint64_t to = last - SVB_HISTORY_HOUR, first = to - SVB_HISTORY_LATELY;

    return last > SVB_HISTORY_HOUR + SVB_HISTORY_LATELY
                   && first >= atomic_load(&rec->of.hour_since)
                   && hour_is_taken(shm, first) && hour_is_taken(shm, to)
               ? per_minute(grown(shm, rec->hour[SVB_HISTORY_BEGUN], HOUR,
                                  first, to, NULL))
               : -1;
}

svb_history_recent svb_history_recent_of(const svb_history *history,
                                         svb_records *records, int fleet,
                                         apr_time_t now)
{
    const region *shm = history->shm;
    const fleet_rec *rec = fleet_of(history, fleet);
    apr_uint64_t last = last_hour(shm, now), since;
    sums is;

    if (!rec) {
        return (svb_history_recent){.begun_before = -1};
    }
    is = sums_of(records, fleet);
    since = atomic_load(&rec->of.hour_since);
    return (svb_history_recent){
        .refused = grown(shm, rec->hour[SVB_HISTORY_REFUSED], HOUR,
                         from(last, SVB_HISTORY_LATELY, since), last,
                         &is.tracks[SVB_HISTORY_REFUSED]),
        .begun = per_minute(grown(shm, rec->hour[SVB_HISTORY_BEGUN], HOUR,
                                  from(last, SVB_HISTORY_LATELY, since), last,
                                  &is.tracks[SVB_HISTORY_BEGUN])),
        .begun_before = begun_before(shm, rec, last),
        .moved = grown(shm, rec->hour[SVB_HISTORY_MOVED], HOUR,
                       from(last, SVB_HISTORY_HOUR, since), last,
                       &is.tracks[SVB_HISTORY_MOVED])};
}

/* --------------------------------------------------------- to a file, and back */

svb_history_end svb_history_end_of(const svb_history *history, apr_time_t now)
{
    return (svb_history_end){last_hour(history->shm, now),
                             last_week(history->shm, now)};
}

/* Is there a step of this age, in a ring that ends with that one? */
static int has(apr_uint64_t end, apr_size_t age)
{
    return end > age;
}

/* Of counters: where a sample is missing, the one before it. */
static void save_ring(const _Atomic apr_uint64_t *taken, apr_size_t places,
                      const _Atomic apr_uint32_t *ring, apr_size_t n,
                      apr_uint64_t end, apr_uint32_t *list)
{
    apr_uint32_t before = 0;

    for (apr_size_t i = 0; i < n; i++) {
        apr_size_t age = n - 1 - i;

        if (has(end, age)
            && atomic_load(&taken[(end - age) % places]) == end - age) {
            before = atomic_load(&ring[(end - age) % n]);
        }
        list[i] = before;
    }
}

static void save_clients(const _Atomic apr_uint64_t *taken,
                         const _Atomic apr_uint16_t *ring, apr_size_t n,
                         apr_uint64_t end, apr_uint16_t *list)
{
    for (apr_size_t i = 0; i < n; i++) {
        apr_size_t age = n - 1 - i;

        list[i] =
            has(end, age) && atomic_load(&taken[(end - age) % n]) == end - age
                ? atomic_load(&ring[(end - age) % n])
                : 0;
    }
}

void svb_history_save_node(const svb_history *history, svb_records *records,
                           int node, const svb_history_end *end,
                           svb_history_node *part)
{
    const region *shm = history->shm;
    const node_rec *rec = node_of(history, records, node);

    memset(part, 0, sizeof(*part));
    if (rec) {
        part->hour_since = atomic_load(&rec->of.hour_since);
        part->week_since = atomic_load(&rec->of.week_since);
        save_ring(shm->hour_taken, HOUR, rec->errors, ERRORS, end->hour,
                  part->errors);
        save_clients(shm->hour_taken, rec->hour, HOUR, end->hour, part->hour);
        save_clients(shm->week_taken, rec->week, WEEK, end->week, part->week);
    }
}

void svb_history_save_fleet(const svb_history *history, int fleet,
                            const svb_history_end *end, svb_history_fleet *part)
{
    const region *shm = history->shm;
    const fleet_rec *rec = fleet_of(history, fleet);

    memset(part, 0, sizeof(*part));
    for (int i = 0; rec && i < SVB_HISTORY_TRACKS; i++) {
        part->hour_since = atomic_load(&rec->of.hour_since);
        part->week_since = atomic_load(&rec->of.week_since);
        save_ring(shm->hour_taken, HOUR, rec->hour[i], HOUR, end->hour,
                  part->hour[i]);
        save_ring(shm->week_taken, WEEK, rec->week[i], WEEK, end->week,
                  part->week[i]);
    }
}

int svb_history_begin(svb_history *history, const svb_history_end *end,
                      apr_time_t now)
{
    region *shm = history->shm;

    if (end->hour < HOUR || end->week < WEEK || end->hour > hour_step(now)
        || end->week > week_step(now)) {
        return 0;
    }
    for (apr_size_t age = 0; age < HOUR; age++) {
        atomic_store(&shm->hour_taken[(end->hour - age) % HOUR],
                     end->hour - age);
    }
    for (apr_size_t age = 0; age < WEEK; age++) {
        atomic_store(&shm->week_taken[(end->week - age) % WEEK],
                     end->week - age);
    }
    return 1;
}

static void restore_ring(_Atomic apr_uint32_t *ring, apr_size_t n,
                         apr_uint64_t end, const apr_uint32_t *list)
{
    for (apr_size_t i = 0; i < n; i++) {
        atomic_store(&ring[(end - (n - 1 - i)) % n], list[i]);
    }
}

static void restore_clients(_Atomic apr_uint16_t *ring, apr_size_t n,
                            apr_uint64_t end, const apr_uint16_t *list)
{
    for (apr_size_t i = 0; i < n; i++) {
        atomic_store(&ring[(end - (n - 1 - i)) % n], list[i]);
    }
}

void svb_history_restore_node(svb_history *history, svb_records *records,
                              int node, const svb_history_end *end,
                              const svb_history_node *part)
{
    node_rec *rec = &history->shm->nodes[node];

    if (part->hour_since && part->week_since) {
        restore_ring(rec->errors, ERRORS, end->hour, part->errors);
        restore_clients(rec->hour, HOUR, end->hour, part->hour);
        restore_clients(rec->week, WEEK, end->week, part->week);
        begin(&rec->of, key_of(records, node), part->hour_since,
              part->week_since);
    }
}

void svb_history_restore_fleet(svb_history *history, int fleet,
                               const svb_history_end *end,
                               const svb_history_fleet *part)
{
    int place = place_of(history, fleet, 1);
    fleet_rec *rec = &history->shm->of_fleets[place >= 0 ? place : 0];

    if (place < 0 || !part->hour_since || !part->week_since) {
        return;
    }
    for (int i = 0; i < SVB_HISTORY_TRACKS; i++) {
        restore_ring(rec->hour[i], HOUR, end->hour, part->hour[i]);
        restore_ring(rec->week[i], WEEK, end->week, part->week[i]);
    }
    begin(&rec->of, 1, part->hour_since, part->week_since);
}
