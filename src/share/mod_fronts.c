/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/mod_fronts.h"

#include <apr_strings.h>

#include "memory/mod_segments.h"
#include "share/batch.h"

/* And up to this more, by chance: two who have one name would write their heartbeats
 * one right after the other for ever, and the later one would never read the other's. */
#define EVERY apr_time_from_sec(1)
#define CHANCE_MS 300
#define KEEP_EVERY apr_time_from_sec(60)

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

/* How long after the last survey: its microseconds are as good as dice. */
static apr_interval_time_t until_next_survey(void)
{
    return EVERY + svb_sharing()->surveyed % 1000 * CHANCE_MS;
}

/* The heartbeat is written in the round after the survey, which has to see who else has
 * written ours. */
void svb_fronts_fill(svb_exchange_round *round, apr_pool_t *p, apr_time_t now)
{
    const svb_sharing_words *words = svb_sharing();

    round->want_survey = !words->has_time || now < words->surveyed
                         || now - words->surveyed >= until_next_survey();
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

static int is_fresh(apr_uint64_t beat, apr_uint64_t time)
{
    return beat < time + FRESH_MS;
}

static void hear_of(const char *name, const svb_heartbeat *beat,
                    apr_uint64_t time)
{
    svb_front *front = svb_front_find(svb_sharing()->fronts, name);

    if (front && svb_missing_beat(front, beat)) {
        svb_sharing()->gaps++;
    }
    (void)svb_front_beat(svb_sharing()->fronts, name, beat, time);
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
        else if (beat.time + SVB_FRONT_FORGOTTEN_MS < time) {
            apr_cpystrn(to_remove, field->name, sizeof(to_remove));
        }
        else if (strcmp(field->name, store->front_end) == 0) {
            look_at_own(&beat, time);
        }
        else {
            hear_of(field->name, &beat, time);
        }
    }
}

/* Emptied, or another store: what was read so far says nothing. */
static void compare_logs(const svb_exchange_result *result)
{
    for (int i = 0; i < result->n_last; i++) {
        const svb_exchange_log *last = &result->last[i];
        svb_front *front =
            svb_front_find(svb_sharing()->fronts, last->front_end);

        if (strcmp(last->front_end, svb_store_get()->front_end) == 0) {
            svb_sharing()->must_drop_log =
                last->id.ms > (apr_uint64_t)(result->time / 1000) + AHEAD_MS;
        }
        else if (front && svb_missing_log(front, last->id.ms, last->id.seq)) {
            svb_sharing()->gaps++;
        }
    }
}

/* What follows from who there is. */
static void judge(apr_uint64_t time)
{
    svb_sharing_words *words = svb_sharing();

    svb_front_give_back(words->fronts, time);
    words->format = svb_front_format(words->fronts, time);
    svb_front_elections(words->fronts, svb_store_get()->front_end,
                        &words->expect, time);
    if (words->newcomer) {
        words->newcomer =
            svb_missing_introduce(words->fronts, words->newcomer, time);
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
    judge((apr_uint64_t)(result->time / 1000));
}
