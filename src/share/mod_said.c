/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/mod_said.h"

#include <apr_strings.h>

#include "memory/hash.h"
#include "memory/mod_autosave.h"
#include "memory/mod_segments.h"
#include "nodes/mod_admin.h"
#include "share/number.h"

/* The field that has the highest number of all. */
#define VERSION "v"

/* Forgetting and closing that are older are over. */
#define TIMELY_MS 60000

static const svb_model *model;
static svb_mac mac;
static int want_all; /* the store has another version than we have read */

void svb_said_start(const svb_model *m)
{
    const svb_store *store = svb_store_get();

    model = m;
    mac = svb_mac_of(store->key, "word", store->prefix, "");
}

/* ------------------------------------------------------------------------- numbers */

static apr_uint64_t number_of(int node, svb_word word)
{
    return svb_records_get(svb_segments_records(), node, word);
}

static void met(apr_uint64_t number)
{
    svb_number_met(&svb_sharing()->clock, number);
}

/* Those that were kept from before a stop are met here. */
static void meet_numbers_of(int node)
{
    met(number_of(node, SVB_WORD_SAID_AT));
    met(number_of(node, SVB_WORD_FORGOT_AT));
    met(number_of(node, SVB_WORD_CLOSED_AT));
}

static apr_uint64_t next_number(int node)
{
    meet_numbers_of(node);
    return svb_number_next(&svb_sharing()->clock,
                           svb_sharing_store_ms(apr_time_now()));
}

/* Grows with each of them. */
static apr_uint64_t sum_of(apr_uint64_t said, apr_uint64_t forgot,
                           apr_uint64_t closed)
{
    return said + forgot + closed;
}

static apr_uint64_t sum_here(int node)
{
    return sum_of(number_of(node, SVB_WORD_SAID_AT),
                  number_of(node, SVB_WORD_FORGOT_AT),
                  number_of(node, SVB_WORD_CLOSED_AT));
}

int svb_said_here(int node, svb_action_kind kind)
{
    svb_word word = kind == SVB_ACTION_FORGET  ? SVB_WORD_FORGOT_AT
                    : kind == SVB_ACTION_CLOSE ? SVB_WORD_CLOSED_AT
                                               : SVB_WORD_SAID_AT;

    if (!svb_sharing() || kind == SVB_ACTION_RESET) {
        return 0;
    }
    svb_records_set(svb_segments_records(), node, word, next_number(node));
    svb_autosave_said(model->main_server);
    return 1;
}

/* ------------------------------------------------------------------------- writing */

static svb_exchange_field field_of(int node, apr_pool_t *p)
{
    svb_records *records = svb_segments_records();
    char *who = apr_palloc(p, SVB_RECORDS_TEXT + 1);
    svb_said said = {.fleet = svb_records_name(records, node),
                     .route = svb_records_route(records, node),
                     .said_at = number_of(node, SVB_WORD_SAID_AT),
                     .word = number_of(node, SVB_WORD_ADMIN),
                     .forgot_at = number_of(node, SVB_WORD_FORGOT_AT),
                     .closed_at = number_of(node, SVB_WORD_CLOSED_AT),
                     .who = who};

    meet_numbers_of(node);
    svb_records_said(records, node, who);
    return (svb_exchange_field){
        apr_pstrcat(p, said.fleet, "/", said.route, NULL),
        svb_said_write(&said, &mac, p)};
}

void svb_said_fill(svb_exchange_round *round, apr_pool_t *p)
{
    svb_records *records = svb_segments_records();
    apr_array_header_t *fields =
        apr_array_make(p, 4, sizeof(svb_exchange_field));
    svb_exchange_field version = {VERSION, {NULL, 0}};

    round->want_admin = want_all;
    /* Not before it is known what there is. */
    for (int node = 0; svb_sharing()->words_seen && node < SVB_RECORDS_MAX;
         node++) {
        if (svb_records_used(records, node)
            && sum_here(node) > svb_sharing()->words_at[node]) {
            APR_ARRAY_PUSH(fields, svb_exchange_field) = field_of(node, p);
        }
    }
    if (fields->nelts) {
        version.value.data =
            apr_psprintf(p, "%" APR_UINT64_T_FMT, svb_sharing()->clock);
        version.value.len = strlen(version.value.data);
        APR_ARRAY_PUSH(fields, svb_exchange_field) = version;
    }
    round->admin = (svb_exchange_field *)fields->elts;
    round->n_admin = fields->nelts;
}

/* ------------------------------------------------------------------------- hearing */

/* Was that done a moment ago, and while we were here? */
static int is_timely(apr_uint64_t number, apr_time_t now)
{
    return number >= svb_sharing_boot_ms()
           && number + TIMELY_MS > svb_sharing_store_ms(now);
}

static int is_newer(int node, svb_word word, apr_uint64_t number)
{
    if (number <= number_of(node, word)) {
        return 0;
    }
    svb_records_set(svb_segments_records(), node, word, number);
    met(number);
    return 1;
}

static void hear(int node, const svb_said *said, apr_time_t now)
{
    if (is_newer(node, SVB_WORD_SAID_AT, said->said_at)) {
        svb_admin_obey(model, node, said->word, said->who);
    }
    if (is_newer(node, SVB_WORD_FORGOT_AT, said->forgot_at)
        && is_timely(said->forgot_at, now)) {
        svb_admin_forget(node);
    }
    if (is_newer(node, SVB_WORD_CLOSED_AT, said->closed_at)
        && is_timely(said->closed_at, now)) {
        svb_admin_close(node);
    }
}

/* What an administrator had set while nothing was shared has no number; where nobody
 * knows better, it counts. */
static void number_what_was_kept(void)
{
    svb_records *records = svb_segments_records();

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(records, node) && number_of(node, SVB_WORD_ADMIN)
            && !sum_here(node)) {
            svb_records_set(records, node, SVB_WORD_SAID_AT, 1);
            met(1);
        }
    }
}

static void hear_all(const svb_exchange_result *result, apr_pool_t *p,
                     apr_time_t now)
{
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        svb_sharing()->words_at[node] = 0;
    }
    for (int i = 0; i < result->n_admin; i++) {
        svb_said said;
        int node = svb_said_read(&result->admin[i].value, &mac, &said, p)
                       ? svb_records_find(svb_segments_records(), said.fleet,
                                          said.route)
                       : -1;

        if (node >= 0) {
            hear(node, &said, now);
            svb_sharing()->words_at[node] =
                sum_of(said.said_at, said.forgot_at, said.closed_at);
        }
    }
    number_what_was_kept();
}

/* 0 says that none was read yet. */
static apr_uint64_t version_of(const svb_exchange_result *result)
{
    const svb_exchange_bytes *v = &result->admin_version;

    return svb_hash_text(v->data ? v->data : "", v->data ? v->len : 0) | 1;
}

static int is_written(const svb_exchange_round *round, const char *name)
{
    for (int i = 0; i < round->n_admin; i++) {
        if (strcmp(round->admin[i].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

void svb_said_done(const svb_exchange_round *round,
                   const svb_exchange_result *result, apr_pool_t *p,
                   apr_time_t now)
{
    if (round->want_admin) {
        hear_all(result, p, now);
        svb_sharing()->words_seen = version_of(result);
        want_all = 0;
    }
    else {
        want_all = version_of(result) != svb_sharing()->words_seen
                   || is_written(round, VERSION);
    }
}
