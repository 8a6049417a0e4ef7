/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "redis/answers.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* The name of the field of an entry that holds the batch. */
#define BATCH_FIELD "b"

/* Decimal digits and nothing else, of a number that fits. */
static int number(const char *text, apr_size_t len, apr_uint64_t *n)
{
    *n = 0;
    for (apr_size_t i = 0; i < len; i++) {
        apr_uint64_t digit = (apr_uint64_t)(text[i] - '0');

        if (text[i] < '0' || text[i] > '9'
            || *n > (APR_UINT64_MAX - digit) / 10) {
            return 0;
        }
        *n = *n * 10 + digit;
    }
    return len > 0;
}

int svb_answers_id(const char *text, apr_size_t len, svb_exchange_id *id)
{
    const char *dash = memchr(text, '-', len);
    apr_size_t before = dash ? (apr_size_t)(dash - text) : 0;

    return dash && number(text, before, &id->ms)
           && number(dash + 1, len - before - 1, &id->seq);
}

static int is_later(const svb_exchange_id *a, const svb_exchange_id *b)
{
    return a->ms != b->ms ? a->ms > b->ms : a->seq > b->seq;
}

/* ------------------------------------------------------------------ entries */

/* [id, [name, value, ...]] */
static const char *read_entry(const svb_reply *reply, svb_exchange_batch *batch)
{
    svb_reply *const *parts = svb_reply_elements(reply, 2);
    svb_reply *const *fields;

    if (!parts || !svb_reply_is_string(parts[0])
        || !svb_answers_id(parts[0]->text, parts[0]->len, &batch->id)) {
        return "has an entry without an id";
    }
    fields = svb_reply_elements(parts[1], -1);
    if (!fields || parts[1]->n_elements % 2) {
        return "has an entry without fields";
    }
    batch->bytes.data = "";
    batch->bytes.len = 0;
    for (int i = 0; i < parts[1]->n_elements; i += 2) {
        if (!svb_reply_is_string(fields[i])
            || !svb_reply_is_string(fields[i + 1])) {
            return "has a field that is no string";
        }
        if (!strcmp(fields[i]->text, BATCH_FIELD)) {
            batch->bytes.data = fields[i + 1]->text;
            batch->bytes.len = fields[i + 1]->len;
        }
    }
    return NULL;
}

/* Which of the logs asked for has that key? */
static const svb_exchange_log *log_of(const svb_exchange_round *round,
                                      const svb_reply *key)
{
    apr_size_t len = strlen(round->prefix);

    if (!svb_reply_is_string(key) || key->len != strlen(key->text)
        || strncmp(key->text, round->prefix, len)
        || strncmp(key->text + len, ":log:", 5)) {
        return NULL;
    }
    for (int i = 0; i < round->n_logs; i++) {
        if (!strcmp(key->text + len + 5, round->logs[i].front_end)) {
            return &round->logs[i];
        }
    }
    return NULL;
}

/* [key, [entry, ...]]: later ones each, and not more than were asked for. */
static const char *read_log(const svb_reply *reply,
                            const svb_exchange_round *round, int count,
                            apr_array_header_t *batches)
{
    svb_reply *const *parts = svb_reply_elements(reply, 2);
    svb_reply *const *entries = parts ? svb_reply_elements(parts[1], -1) : NULL;
    const svb_exchange_log *log = parts ? log_of(round, parts[0]) : NULL;
    svb_exchange_id last;

    if (!log || !entries || parts[1]->n_elements > count) {
        return "has a log that was not asked for";
    }
    last = log->id;
    for (int i = 0; i < parts[1]->n_elements; i++) {
        svb_exchange_batch batch = {.front_end = log->front_end};
        const char *error = read_entry(entries[i], &batch);

        if (!error && !is_later(&batch.id, &last)) {
            error = "has entries out of order";
        }
        if (error) {
            return error;
        }
        last = batch.id;
        APR_ARRAY_PUSH(batches, svb_exchange_batch) = batch;
    }
    return NULL;
}

const char *svb_answers_logs(const svb_reply *reply,
                             const svb_exchange_round *round, int count,
                             svb_exchange_result *result, apr_pool_t *p)
{
    svb_reply *const *logs = svb_reply_elements(reply, -1);
    apr_array_header_t *batches =
        apr_array_make(p, 32, sizeof(svb_exchange_batch));
    const char *error = NULL;

    if (reply->type == SVB_REPLY_NIL) {
        return NULL;
    }
    if (!logs || reply->n_elements > round->n_logs) {
        return "is no list of logs";
    }
    for (int i = 0; i < reply->n_elements && !error; i++) {
        error = read_log(logs[i], round, count, batches);
    }
    if (!error) {
        result->batches = (svb_exchange_batch *)batches->elts;
        result->n_batches = batches->nelts;
    }
    return error;
}

const char *svb_answers_last(const svb_reply *reply, svb_exchange_id *id)
{
    svb_reply *const *entries = svb_reply_elements(reply, -1);
    svb_exchange_batch batch;
    const char *error;

    id->ms = id->seq = 0;
    if (!entries || reply->n_elements > 1) {
        return "is no list of one entry";
    }
    if (!reply->n_elements) {
        return NULL;
    }
    error = read_entry(entries[0], &batch);
    if (!error) {
        *id = batch.id;
    }
    return error;
}

/* ------------------------------------------------------------ hashes, time */

const char *svb_answers_hash(const svb_reply *reply,
                             svb_exchange_field **fields, int *n, apr_pool_t *p)
{
    svb_reply *const *parts = svb_reply_elements(reply, -1);
    apr_array_header_t *list;

    if (!parts || reply->n_elements % 2) {
        return "is no list of names and values";
    }
    list = apr_array_make(p, reply->n_elements / 2 + 1,
                          sizeof(svb_exchange_field));
    for (int i = 0; i < reply->n_elements; i += 2) {
        svb_exchange_field *field;

        if (!svb_reply_is_string(parts[i])
            || !svb_reply_is_string(parts[i + 1])) {
            return "has a field that is no string";
        }
        if (parts[i]->len != strlen(parts[i]->text)) {
            continue; /* with a NUL in it: nobody's name */
        }
        field = apr_array_push(list);
        field->name = parts[i]->text;
        field->value.data = parts[i + 1]->text;
        field->value.len = parts[i + 1]->len;
    }
    *fields = (svb_exchange_field *)list->elts;
    *n = list->nelts;
    return NULL;
}

const char *svb_answers_value(const svb_reply *reply, svb_exchange_bytes *value)
{
    if (reply->type == SVB_REPLY_NIL) {
        value->data = NULL;
        value->len = 0;
        return NULL;
    }
    if (!svb_reply_is_string(reply)) {
        return "is no string";
    }
    value->data = reply->text;
    value->len = reply->len;
    return NULL;
}

const char *svb_answers_time(const svb_reply *reply, apr_time_t *time)
{
    svb_reply *const *parts = svb_reply_elements(reply, 2);
    apr_uint64_t sec, usec;

    if (!parts || !svb_reply_is_string(parts[0])
        || !svb_reply_is_string(parts[1])
        || !number(parts[0]->text, parts[0]->len, &sec)
        || !number(parts[1]->text, parts[1]->len, &usec) || usec >= 1000000
        || sec > APR_INT64_MAX / 2000000) {
        return "is no time";
    }
    *time = apr_time_from_sec((apr_time_t)sec) + (apr_time_t)usec;
    return NULL;
}
