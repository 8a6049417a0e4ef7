/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/mod_share.h"

#include "memory/mod_segments.h"
#include "nodes/mod_addresses.h"
#include "share/mod_fronts.h"
#include "share/mod_hints.h"
#include "share/mod_notices.h"
#include "share/mod_read.h"
#include "share/mod_said.h"
#include "share/mod_send.h"

/* After failures: the first ones, and all others. */
#define RETRY_FIRST apr_time_from_msec(300)
#define RETRY_SECOND apr_time_from_msec(600)
#define RETRY_LATER apr_time_from_sec(1)

/* Rounds that fail for so long make the store lost. */
#define LOST_AFTER apr_time_from_sec(1)

/* When it is back, others have so long to tell what they have seen. */
#define THAW_AFTER apr_time_from_sec(5)

/* How long logs are kept, in ms. */
#define LOG_KEPT 120000

/* More records than that a second, and clients are told of less often. */
#define MANY_RECORDS 200000

static svb_exchange *exchange;
static const svb_exchange_provider *provider;

apr_status_t svb_share_start(apr_pool_t *pconf, const svb_model *model)
{
    const svb_store *store = svb_store_get();
    apr_status_t rv = svb_sharing_start(model->main_server, pconf);

    if (rv != APR_SUCCESS || !svb_sharing()) {
        return rv;
    }
    provider = svb_store_provider();
    exchange = provider ? provider->open(&store->address, pconf) : NULL;
    svb_fronts_start(model->main_server);
    svb_send_start(pconf);
    svb_notices_start(model->main_server);
    svb_hints_start(model);
    svb_said_start(model);
    svb_segments_shared()->is_incomplete = !svb_sharing_is_complete();
    return APR_SUCCESS;
}

/* ---------------------------------------------------------- what is expected no more */

/* The others were heard of: half of what they were thought to have elected is known by
 * now, as far as anybody can tell. */
static void halve_expected(void)
{
    svb_records *records = svb_segments_records();

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        unsigned n = svb_records_used(records, node)
                         ? svb_records_clients(records, node, SVB_KIND_EXPECTED)
                         : 0;

        if (n) {
            svb_records_clients_add(records, node,
                                    svb_records_epoch(records, node),
                                    SVB_KIND_EXPECTED, -(int)((n + 1) / 2));
        }
    }
}

static void tell_less_often_in_a_rush(apr_time_t now)
{
    static apr_uint64_t sent;
    static apr_time_t at;
    svb_sharing_words *words = svb_sharing();
    apr_uint64_t n = words->sent - sent;

    if (now >= at && now - at < APR_USEC_PER_SEC) {
        return;
    }
    if (n > MANY_RECORDS && words->periods > SVB_JOURNAL_LEAST_PERIODS) {
        words->periods--;
    }
    else if (n < MANY_RECORDS / 2 && words->periods < SVB_JOURNAL_PERIODS) {
        words->periods++;
    }
    sent = words->sent;
    at = now;
}

/* ------------------------------------------------------------------ there, or not */

static void set_link(svb_link link, apr_time_t now)
{
    svb_sharing()->link = (int)link;
    svb_sharing()->since = now;
}

static void lose(const svb_model *model, const char *error, apr_time_t now)
{
    svb_sharing_words *words = svb_sharing();

    if (!words->frozen_at) {
        words->frozen_at = words->good ? words->good : now;
    }
    words->thaw_at = 0;
    set_link(SVB_LINK_LOST, now);
    svb_notices_event("shared store lost", "", now);
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, model->main_server,
                 SVB_LOGNO(0130) "shared store %s is lost: %s; this front end "
                                 "counts with what it knows",
                 svb_store_get()->url, error ? error : "no answer");
}

static void fail(const svb_model *model, const char *error, apr_time_t now)
{
    svb_sharing_words *words = svb_sharing();

    words->failures++;
    words->failed++;
    words->retry_at = now
                      + (words->failed == 1   ? RETRY_FIRST
                         : words->failed == 2 ? RETRY_SECOND
                                              : RETRY_LATER);
    if ((words->link == SVB_LINK_CONNECTED && now - words->good >= LOST_AFTER)
        || (!words->since && words->failed > 2)) {
        lose(model, error, now);
    }
}

static void find(const svb_model *model, apr_time_t now)
{
    svb_sharing_words *words = svb_sharing();

    if (words->link == SVB_LINK_LOST) {
        set_link(SVB_LINK_CONNECTED, now);
        words->thaw_at = now + THAW_AFTER;
        svb_notices_event("shared store back", "", now);
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, model->main_server,
                     SVB_LOGNO(0131) "shared store %s is there: front end %s",
                     svb_store_get()->url, svb_store_get()->front_end);
    }
    words->failed = 0;
    words->good = now;
    words->retry_at = 0;
}

static void thaw(apr_time_t now)
{
    svb_sharing_words *words = svb_sharing();

    if (words->frozen_at && words->thaw_at && now >= words->thaw_at
        && svb_sharing_is_complete()) {
        words->frozen_at = 0;
    }
}

/* --------------------------------------------------------------------------- rounds */

static void run(const svb_model *model, apr_pool_t *p, apr_time_t now)
{
    const svb_store *store = svb_store_get();
    svb_sharing_words *words = svb_sharing();
    svb_exchange_round round = {.prefix = store->prefix,
                                .front_end = store->front_end};
    svb_exchange_result result = {0};

    if (store->address.host) {
        round.addresses = svb_addresses_of(store->address.host,
                                           (apr_port_t)store->address.port, p);
    }
    svb_fronts_fill(&round, p, now);
    if (words->boot) {
        round.keep_from = svb_sharing_store_ms(now) - LOG_KEPT;
        svb_said_fill(&round, p);
        svb_send_fill(&round, p, now);
    }
    if (provider->run(exchange, &round, &result, p) != APR_SUCCESS) {
        fail(model, result.error, apr_time_now());
        return;
    }
    words->round_trip = result.took;
    find(model, now);
    svb_send_done(result.n_written, now);
    svb_fronts_done(&round, &result, p, now);
    if (words->link != SVB_LINK_CONNECTED) {
        return;
    }
    svb_read_batches(&result, p, apr_time_now());
    svb_said_done(&round, &result, p, now);
    svb_expect_heard(&words->expect, now);
    halve_expected();
}

void svb_share_tick(const svb_model *model, apr_pool_t *p)
{
    svb_sharing_words *words = svb_sharing();
    apr_time_t now = apr_time_now();

    if (!words || !exchange || words->link == SVB_LINK_STOPPED
        || (now < words->retry_at && words->retry_at - now <= RETRY_LATER)) {
        return;
    }
    svb_hints_notice(now);
    run(model, p, now);
    svb_read_look_after_walks(now);
    svb_notices_tell(now);
    tell_less_often_in_a_rush(now);
    thaw(now);
    svb_segments_shared()->is_incomplete = !svb_sharing_is_complete();
}
