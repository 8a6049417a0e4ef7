/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "redis/rounds.h"

#include <string.h>

#include <apr_strings.h>

#include "redis/answers.h"
#include "redis/link.h"

#define LOG_LIVES_FOR "300" /* seconds */
#define ADMIN_VERSION                                                          \
    "v" /* the field of P:admin that tells whether it has changed */

struct svb_exchange {
    svb_link *link;
    int count;    /* of XREAD */
    int too_much; /* the last one that was */
};

/* A round under way. */
typedef struct work {
    svb_exchange *exchange;
    const svb_exchange_round *round;
    svb_exchange_result *result;
    apr_pool_t *p;
    apr_array_header_t *asked; /* of question */
    apr_array_header_t
        *args; /* of the command being put together: const char * */
    apr_array_header_t *lens; /* and apr_size_t */
    const char *error;        /* the first one; nothing is asked behind it */
} work;

/* Take the answer. @return what is wrong with it */
typedef const char *taker(work *w, const svb_reply *reply, int i);

typedef struct question {
    const char *command;
    taker *take;
    int i; /* which of several */
} question;

/* ------------------------------------------------------------------- asking */

static void add_bytes(work *w, const char *data, apr_size_t len)
{
    APR_ARRAY_PUSH(w->args, const char *) = data;
    APR_ARRAY_PUSH(w->lens, apr_size_t) = len;
}

static void add(work *w, const char *text)
{
    add_bytes(w, text, strlen(text));
}

static void add_id(work *w, const svb_exchange_id *id)
{
    add(w, apr_psprintf(w->p, "%" APR_UINT64_T_FMT "-%" APR_UINT64_T_FMT,
                        id->ms, id->seq));
}

/* Begin a command on a key of ours. */
static void begin(work *w, const char *command, const char *key)
{
    apr_array_clear(w->args);
    apr_array_clear(w->lens);
    add(w, command);
    if (key) {
        add(w, apr_pstrcat(w->p, w->round->prefix, ":", key, NULL));
    }
}

static const char *log_key(work *w, const char *front_end)
{
    return apr_pstrcat(w->p, "log:", front_end, NULL);
}

/* Ask what has been put together. */
static void ask(work *w, taker *take, int i)
{
    question *asked = apr_array_push(w->asked);

    asked->command = APR_ARRAY_IDX(w->args, 0, const char *);
    asked->take = take;
    asked->i = i;
    if (!w->error) {
        w->error = svb_link_say(w->exchange->link, w->args->nelts,
                                (const char **)w->args->elts,
                                (const apr_size_t *)w->lens->elts);
    }
}

/* ------------------------------------------------------------------ answers */

static const char *take_number(work *w, const svb_reply *reply, int i)
{
    (void)w, (void)i;
    return reply->type == SVB_REPLY_INTEGER ? NULL : "is no number";
}

static const char *take_written(work *w, const svb_reply *reply, int i)
{
    svb_exchange_id id;

    (void)i;
    if (!svb_reply_is_string(reply)
        || !svb_answers_id(reply->text, reply->len, &id)) {
        return "is no id";
    }
    w->result->n_written++;
    return NULL;
}

static const char *take_logs(work *w, const svb_reply *reply, int count)
{
    return svb_answers_logs(reply, w->round, count, w->result, w->p);
}

static const char *take_admin_version(work *w, const svb_reply *reply, int i)
{
    (void)i;
    return svb_answers_value(reply, &w->result->admin_version);
}

/* The version is told apart from the rest. */
static const char *take_admin(work *w, const svb_reply *reply, int i)
{
    svb_exchange_result *result = w->result;
    const char *error =
        svb_answers_hash(reply, &result->admin, &result->n_admin, w->p);
    int kept = 0;

    (void)i;
    for (int j = 0; !error && j < result->n_admin; j++) {
        if (!strcmp(result->admin[j].name, ADMIN_VERSION)) {
            result->admin_version = result->admin[j].value;
        }
        else {
            result->admin[kept++] = result->admin[j];
        }
    }
    result->n_admin = kept;
    return error;
}

static const char *take_heartbeats(work *w, const svb_reply *reply, int i)
{
    (void)i;
    return svb_answers_hash(reply, &w->result->heartbeats,
                            &w->result->n_heartbeats, w->p);
}

static const char *take_time(work *w, const svb_reply *reply, int i)
{
    (void)i;
    return svb_answers_time(reply, &w->result->time);
}

static const char *take_last(work *w, const svb_reply *reply, int i)
{
    svb_exchange_log *last = &w->result->last[i];

    last->front_end = w->round->logs[i].front_end;
    w->result->n_last = i + 1;
    return svb_answers_last(reply, &last->id);
}

/* ------------------------------------------------------------ what is asked */

static void ask_writes(work *w)
{
    const svb_exchange_round *round = w->round;
    const char *own = log_key(w, round->front_end);
    const char *keep_from =
        apr_psprintf(w->p, "%" APR_UINT64_T_FMT, round->keep_from);

    if (round->want_fresh_log) {
        begin(w, "EXPIRE", own);
        add(w, "0");
        ask(w, take_number, 0);
    }
    for (int i = 0; i < round->n_batches; i++) {
        begin(w, "XADD", own);
        add(w, "MINID");
        add(w, "~");
        add(w, keep_from);
        add(w, "*");
        add(w, "b");
        add_bytes(w, round->batches[i].data, round->batches[i].len);
        ask(w, take_written, i);
    }
    if (round->want_keep) {
        begin(w, "EXPIRE", own);
        add(w, LOG_LIVES_FOR);
        ask(w, take_number, 0);
    }
}

/* The fields of a hash that are to be written, or else those to be removed. */
static void ask_fields(work *w, const char *key,
                       const svb_exchange_field *fields, int n, int written)
{
    int any = 0;

    begin(w, written ? "HSET" : "HDEL", key);
    for (int i = 0; i < n; i++) {
        if (!fields[i].value.data == !written) {
            add(w, fields[i].name);
            if (written) {
                add_bytes(w, fields[i].value.data, fields[i].value.len);
            }
            any = 1;
        }
    }
    if (any) {
        ask(w, take_number, 0);
    }
}

static void ask_hash(work *w, const char *key, const svb_exchange_field *fields,
                     int n)
{
    ask_fields(w, key, fields, n, 1);
    ask_fields(w, key, fields, n, 0);
}

static void ask_logs(work *w)
{
    const svb_exchange_round *round = w->round;

    if (!round->n_logs) {
        return;
    }
    begin(w, "XREAD", NULL);
    add(w, "COUNT");
    add(w, apr_itoa(w->p, w->exchange->count));
    add(w, "STREAMS");
    for (int i = 0; i < round->n_logs; i++) {
        add(w, apr_pstrcat(w->p, round->prefix,
                           ":log:", round->logs[i].front_end, NULL));
    }
    for (int i = 0; i < round->n_logs; i++) {
        add_id(w, &round->logs[i].id);
    }
    ask(w, take_logs, w->exchange->count);
}

static void ask_admin(work *w)
{
    begin(w, w->round->want_admin ? "HGETALL" : "HGET", "admin");
    if (!w->round->want_admin) {
        add(w, ADMIN_VERSION);
    }
    ask(w, w->round->want_admin ? take_admin : take_admin_version, 0);
}

static void ask_survey(work *w)
{
    const svb_exchange_round *round = w->round;

    if (!round->want_survey) {
        return;
    }
    begin(w, "HGETALL", "fe");
    ask(w, take_heartbeats, 0);
    begin(w, "TIME", NULL);
    ask(w, take_time, 0);
    w->result->last = apr_pcalloc(w->p, (apr_size_t)(round->n_logs + 1)
                                            * sizeof(svb_exchange_log));
    for (int i = 0; i < round->n_logs; i++) {
        begin(w, "XREVRANGE", log_key(w, round->logs[i].front_end));
        add(w, "+");
        add(w, "-");
        add(w, "COUNT");
        add(w, "1");
        ask(w, take_last, i);
    }
}

/* ------------------------------------------------------------------- rounds */

static void ask_all(work *w)
{
    ask_writes(w);
    ask_hash(w, "admin", w->round->admin, w->round->n_admin);
    ask_hash(w, "fe", w->round->heartbeats, w->round->n_heartbeats);
    ask_logs(w);
    ask_admin(w);
    ask_survey(w);
}

static const char *hear_all(work *w)
{
    const char *error = w->error;

    for (int i = 0; i < w->asked->nelts && !error; i++) {
        const question *asked = &APR_ARRAY_IDX(w->asked, i, question);
        svb_reply *reply;

        error = svb_link_hear(w->exchange->link, asked->command, &reply);
        if (!error) {
            const char *wrong = asked->take(w, reply, asked->i);

            if (wrong) {
                error =
                    svb_link_refuse(w->exchange->link, asked->command, wrong);
            }
        }
    }
    return error ? error : svb_link_end(w->exchange->link);
}

/* How much to ask for the next time. What has failed although somebody answers was
 * too much; from half of that on, more is tried only little by little, so that what
 * fits is what is asked for most of the time. */
static void learn(svb_exchange *exchange, int failed)
{
    if (failed && svb_link_heard(exchange->link)) {
        exchange->too_much = exchange->count;
        exchange->count = exchange->count > 4 ? exchange->count / 4 : 1;
    }
    else if (!failed && exchange->count < SVB_EXCHANGE_BATCHES) {
        exchange->count +=
            exchange->count * 4 <= exchange->too_much ? exchange->count : 1;
    }
}

static apr_status_t run(svb_exchange *exchange, const svb_exchange_round *round,
                        svb_exchange_result *result, apr_pool_t *p)
{
    work w = {exchange,
              round,
              result,
              p,
              apr_array_make(p, 32, sizeof(question)),
              apr_array_make(p, 64, sizeof(const char *)),
              apr_array_make(p, 64, sizeof(apr_size_t)),
              NULL};
    const char *error;

    memset(result, 0, sizeof(*result));
    error = svb_link_begin(exchange->link, round->addresses, p);
    if (!error) {
        ask_all(&w);
        error = hear_all(&w);
    }
    if (error) {
        memset(result, 0, sizeof(*result));
        result->error = error;
    }
    learn(exchange, error != NULL);
    result->took = svb_link_took(exchange->link);
    return error ? APR_EGENERAL : APR_SUCCESS;
}

static svb_exchange *open_exchange(const svb_exchange_address *address,
                                   apr_pool_t *p)
{
    svb_exchange *exchange = apr_pcalloc(p, sizeof(*exchange));

    exchange->link = svb_link_create(address, p);
    exchange->count = exchange->too_much = SVB_EXCHANGE_BATCHES;
    return exchange;
}

const svb_exchange_provider svb_rounds_provider = {
    .check = svb_link_check,
    .open = open_exchange,
    .run = run,
};
