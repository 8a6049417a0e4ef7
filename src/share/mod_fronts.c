/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/mod_fronts.h"

#include <apr_strings.h>

#include "memory/mod_segments.h"
#include "share/batch.h"
#include "share/mod_read.h"

#define EVERY apr_time_from_sec(1)
#define KEEP_EVERY apr_time_from_sec(60)
#define TELL_EVERY apr_time_from_sec(60)

/* A heartbeat that is older than that is nobody's any more. */
#define LONG_GONE_MS (3600 * 1000)

/* One that differs more from the clock was not written now. */
#define FRESH_MS 10000

/* Who wrote one since then is alive. */
#define ALIVE_MS 3000

/* Our log may be ahead of the store's clock by that. */
#define AHEAD_MS 1000

/* The clock is only set anew when it differs by more: rounds take their time. */
#define OFFSET_PRECISION apr_time_from_msec(20)

#define BOOT_RANDOM_BITS 16

static server_rec *server;
static svb_mac own_mac;
static char
    to_remove[SVB_NAME_MAX + 1]; /* the heartbeat of one long gone, or "" */

void svb_fronts_start(server_rec *main_server)
{
    const svb_store *store = svb_store_get();

    server = main_server;
    own_mac =
        svb_mac_of(store->key, "heartbeat", store->prefix, store->front_end);
}

/* ------------------------------------------------------------------------- writing */

static apr_uint64_t elections(void)
{
    apr_uint64_t sum = 0;

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(svb_segments_records(), node)) {
            sum += svb_records_counter(svb_segments_records(), node,
                                       SVB_CTR_ELECTED);
        }
    }
    return sum;
}

/* In thousandths of one a second; 0 where counters were reset. */
static void count_own(apr_time_t now)
{
    svb_sharing_words *words = svb_sharing();
    apr_uint64_t all = elections();
    apr_interval_time_t since = now - words->beaten;

    words->expect.own =
        all > words->elected && since > 0 && words->beaten
            ? (apr_uint32_t)((double)(all - words->elected) * 1000
                             * APR_USEC_PER_SEC / (double)since)
            : 0;
    words->elected = all;
}

static apr_uint32_t lag_ms(apr_time_t now)
{
    apr_interval_time_t lag = now - svb_sharing()->good;

    return lag > 0 && svb_sharing()->good ? (apr_uint32_t)(lag / 1000) : 0;
}

static svb_exchange_field own_heartbeat(apr_pool_t *p, apr_time_t now)
{
    svb_heartbeat beat = {.least = SVB_BATCH_FORMAT_LEAST,
                          .most = SVB_BATCH_FORMAT,
                          .boot = svb_sharing()->boot,
                          .number = svb_sharing()->number,
                          .time = svb_sharing_store_ms(now),
                          .clients = svb_clients_count(svb_segments_clients()),
                          .elections = svb_sharing()->expect.own,
                          .lag = lag_ms(now),
                          .version = MOD_SERVOY_BALANCER_VERSION};

    return (svb_exchange_field){svb_store_get()->front_end,
                                svb_heartbeat_write(&beat, &own_mac, p)};
}

/* Its own log is only asked how far it goes: nothing comes after the last id of all. */
static void name_logs(svb_exchange_round *round, apr_pool_t *p)
{
    svb_exchange_log *logs =
        apr_palloc(p, (SVB_FRONTS_MAX + 1) * sizeof(*logs));
    int n = 0;

    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        const svb_front *front = &svb_sharing()->fronts[i];

        if (front->used) {
            logs[n++] =
                (svb_exchange_log){front->name, {front->id_ms, front->id_seq}};
        }
    }
    if (round->want_survey) {
        logs[n++] =
            (svb_exchange_log){round->front_end, {UINT64_MAX, UINT64_MAX}};
    }
    round->logs = logs;
    round->n_logs = n;
}

static void write_heartbeats(svb_exchange_round *round, apr_pool_t *p,
                             apr_time_t now)
{
    svb_exchange_field *fields = apr_pcalloc(p, 2 * sizeof(*fields));

    count_own(now);
    fields[0] = own_heartbeat(p, now);
    round->n_heartbeats = 1;
    if (*to_remove) {
        fields[1].name = apr_pstrdup(p, to_remove);
        round->n_heartbeats = 2;
        *to_remove = '\0';
    }
    round->heartbeats = fields;
}

/* The heartbeat is written in the round after the survey, which has to see who else has
 * written ours. */
void svb_fronts_fill(svb_exchange_round *round, apr_pool_t *p, apr_time_t now)
{
    const svb_sharing_words *words = svb_sharing();

    round->want_survey = !words->has_time || now < words->surveyed
                         || now - words->surveyed >= EVERY;
    round->want_keep =
        words->has_time
        && (now < words->kept || now - words->kept >= KEEP_EVERY);
    round->want_fresh_log = words->must_drop_log;
    name_logs(round, p);
    if (words->has_time && words->boot && !round->want_survey
        && words->beaten <= words->surveyed) {
        write_heartbeats(round, p, now);
    }
}

/* ------------------------------------------------------------------------- reading */

static void set_clock(apr_time_t time, apr_time_t began,
                      apr_interval_time_t took)
{
    svb_sharing_words *words = svb_sharing();
    apr_time_t offset = time - (began + took / 2);
    apr_interval_time_t differs = offset - words->offset;
    apr_uint16_t random;

    if (!words->has_time || differs > OFFSET_PRECISION
        || differs < -OFFSET_PRECISION) {
        words->offset = offset;
    }
    words->has_time = 1;
    if (!words->boot
        && apr_generate_random_bytes((unsigned char *)&random, sizeof(random))
               == APR_SUCCESS) {
        words->boot = svb_sharing_store_ms(began) << BOOT_RANDOM_BITS | random;
    }
}

/* Of the two who have one name the one that was started later gives way. What is not of
 * just now was left in the store, by ourselves before our last start. */
static void look_at_own(const svb_heartbeat *beat, apr_uint64_t time)
{
    svb_sharing_words *words = svb_sharing();

    if (!words->beaten || beat->boot >= words->boot
        || beat->time + ALIVE_MS < time) {
        return;
    }
    words->link = SVB_LINK_STOPPED;
    words->since = apr_time_now();
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, server,
                 SVB_LOGNO(0132) "another front end has the name %s, too: this "
                                 "one shares nothing until it gets another one "
                                 "(ServoyFrontEnd) and is started again",
                 svb_store_get()->front_end);
}

/* Another one has told something under that name, and has given way to the one that had
 * it before: what that one told meanwhile was taken for older, and was not read. */
static void go_back_to(svb_front *front, const svb_heartbeat *beat)
{
    front->boot = beat->boot;
    front->number = beat->number;
    svb_read_gap(front);
}

static void look_at(const char *name, const svb_heartbeat *beat)
{
    svb_front *front = svb_sharing_front(name, 1);

    if (!front || beat->time < front->beat) {
        return;
    }
    if (beat->boot < front->boot && beat->time > front->beat) {
        go_back_to(front, beat);
    }
    front->beat = beat->time;
    front->beat_boot = beat->boot;
    front->clients = beat->clients;
    front->elections = beat->elections;
    front->lag = beat->lag;
    front->speaks =
        beat->least <= SVB_BATCH_FORMAT && beat->most >= SVB_BATCH_FORMAT_LEAST;
    apr_cpystrn(front->version, beat->version, sizeof(front->version));
}

static int is_fresh(apr_uint64_t beat, apr_uint64_t time)
{
    return beat < time + FRESH_MS;
}

static void read_heartbeats(const svb_exchange_result *result, apr_pool_t *p)
{
    const svb_store *store = svb_store_get();
    apr_uint64_t time = (apr_uint64_t)(result->time / 1000);

    for (int i = 0; i < result->n_heartbeats; i++) {
        const svb_exchange_field *field = &result->heartbeats[i];
        svb_mac mac =
            svb_mac_of(store->key, "heartbeat", store->prefix, field->name);
        svb_heartbeat beat;

        if (strlen(field->name) > SVB_NAME_MAX
            || !svb_heartbeat_read(&field->value, &mac, &beat, p)
            || !is_fresh(beat.time, time)) {
            svb_sharing()->rejected++;
        }
        else if (beat.time + LONG_GONE_MS < time) {
            apr_cpystrn(to_remove, field->name, sizeof(to_remove));
        }
        else if (strcmp(field->name, store->front_end) == 0) {
            look_at_own(&beat, time);
        }
        else {
            look_at(field->name, &beat);
        }
    }
}

/* Emptied, or another store: what was read so far says nothing. */
static void compare_logs(const svb_exchange_result *result)
{
    for (int i = 0; i < result->n_last; i++) {
        const svb_exchange_log *last = &result->last[i];
        svb_front *front = svb_sharing_front(last->front_end, 0);

        if (strcmp(last->front_end, svb_store_get()->front_end) == 0) {
            svb_sharing()->must_drop_log =
                last->id.ms > (apr_uint64_t)(result->time / 1000) + AHEAD_MS;
        }
        else if (front
                 && (last->id.ms < front->id_ms
                     || (last->id.ms == front->id_ms
                         && last->id.seq < front->id_seq))) {
            front->id_ms = front->id_seq = 0;
            svb_read_gap(front);
        }
    }
}

/* What elections the others hold, and how many of them before us by name. */
static void add_up_elections(apr_time_t now)
{
    svb_expect *expect = &svb_sharing()->expect;
    apr_uint32_t others = 0, before = 0;
    int n = 0;

    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        const svb_front *front = &svb_sharing()->fronts[i];

        if (!front->used
            || svb_sharing_of_front(front, now) == SVB_FRONT_GONE) {
            continue;
        }
        n++;
        others += front->elections;
        if (strcmp(front->name, svb_store_get()->front_end) < 0) {
            before += front->elections;
        }
    }
    expect->others = others;
    expect->before = before;
    expect->front_ends = n;
}

/* Who is new asks one of the others, and is done when that has walked, or is gone. */
static void be_introduced(apr_time_t now)
{
    svb_sharing_words *words = svb_sharing();
    svb_front *first = NULL;

    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        svb_front *front = &words->fronts[i];

        if (front->used && svb_sharing_of_front(front, now) == SVB_FRONT_HERE) {
            if (front->walk != SVB_WALK_NONE) {
                return;
            }
            first =
                !first || strcmp(front->name, first->name) < 0 ? front : first;
        }
    }
    if (first && words->newcomer == 1) {
        first->walk = SVB_WALK_WANTED;
        words->newcomer = 2; /* has asked */
    }
    else {
        words->newcomer = 0;
    }
}

void svb_fronts_done(const svb_exchange_round *round,
                     const svb_exchange_result *result, apr_pool_t *p,
                     apr_time_t began)
{
    svb_sharing_words *words = svb_sharing();

    if (round->n_heartbeats) {
        words->beaten = began;
    }
    if (round->want_keep) {
        words->kept = began;
    }
    if (round->want_fresh_log) {
        words->must_drop_log = 0;
    }
    if (!round->want_survey) {
        return;
    }
    words->surveyed = began;
    set_clock(result->time, began, result->took);
    read_heartbeats(result, p);
    if (words->link == SVB_LINK_STOPPED) {
        return;
    }
    compare_logs(result);
    add_up_elections(began);
    if (words->newcomer) {
        be_introduced(began);
    }
}

/* ------------------------------------------------------------------------- telling */

static void tell(svb_front *front, svb_front_state is)
{
    if (is == SVB_FRONT_INCOMPATIBLE) {
        ap_log_error(
            APLOG_MARK, APLOG_ERR, 0, server,
            SVB_LOGNO(0133) "front end %s (version %s) writes in a "
                            "format that this one cannot read: what it "
                            "tells is not used",
            front->name, front->version);
    }
    else if (is == SVB_FRONT_GONE) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, server,
                     SVB_LOGNO(0134) "front end %s is gone: no sign of life "
                                     "for 10 seconds",
                     front->name);
    }
    else if (front->told == SVB_FRONT_GONE
             || front->told == SVB_FRONT_INCOMPATIBLE) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, server,
                     SVB_LOGNO(0135) "front end %s is here", front->name);
    }
}

static void tell_rejected(apr_time_t now)
{
    svb_sharing_words *words = svb_sharing();

    if (words->rejected == words->told_rejected
        || (now >= words->told_rejected_at
            && now - words->told_rejected_at < TELL_EVERY)) {
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                 SVB_LOGNO(0136) "the shared store has what none of our front "
                                 "ends wrote, or not lately: %" APR_UINT64_T_FMT
                                 " times so far, not used; is the key "
                                 "(ServoySharedKey) the same everywhere?",
                 words->rejected);
    words->told_rejected = words->rejected;
    words->told_rejected_at = now;
}

void svb_fronts_tell(apr_time_t now)
{
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        svb_front *front = &svb_sharing()->fronts[i];
        svb_front_state is;

        if (!front->used) {
            continue;
        }
        is = svb_sharing_of_front(front, now);
        if (svb_sharing()->link == SVB_LINK_CONNECTED
            && (int)is != front->told) {
            tell(front, is);
            front->told = (int)is;
        }
    }
    tell_rejected(now);
}
