/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Does rounds of the provider of src/exchange.h, as it is told on standard input, and
 * says what came of each in a line of JSON. For t/lib/SVB/Rounds.pm.
 *
 *   redis_exchange host=127.0.0.1 port=6379 timeout=100000 ...    (timeout: microseconds)
 *   > prefix=svb:{x} front_end=a batch=6162 log=b:0-0 want_survey=1
 *   < {"ok":true,"took":211,"written":1,"batches":[["b","1-0","6162"]],...}
 *
 * Bytes are in hex, those of batches that are read not at all after brief=1; a field is name:hex, or name alone: remove it. host= may list
 * addresses, with commas between; it may be left out: no address is known.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "redis/rounds.h"

#define LINE_MAX_BYTES (64 * 1024 * 1024)

static apr_pool_t *pool;
static int brief;

/* ------------------------------------------------------------------ reading */

static int hex(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, c);

    return c && at ? (int)(at - digits) : 0;
}

static svb_exchange_bytes bytes_of(const char *text, apr_pool_t *p)
{
    apr_size_t len = strlen(text) / 2;
    char *data = apr_palloc(p, len + 1);

    for (apr_size_t i = 0; i < len; i++) {
        data[i] = (char)(hex(text[2 * i]) * 16 + hex(text[2 * i + 1]));
    }
    data[len] = '\0';
    return (svb_exchange_bytes){data, len};
}

static svb_exchange_field field_of(char *text, apr_pool_t *p)
{
    char *colon = strchr(text, ':');
    svb_exchange_field field = {text, {NULL, 0}};

    if (colon) {
        *colon = '\0';
        field.value = bytes_of(colon + 1, p);
    }
    return field;
}

static svb_exchange_log log_of(char *text)
{
    char *colon = strchr(text, ':'), *dash = strchr(colon, '-');

    *colon = '\0';
    return (svb_exchange_log){
        text, {strtoull(colon + 1, NULL, 10), strtoull(dash + 1, NULL, 10)}};
}

#define PUSH(list, type, value) (*(type *)apr_array_push(list) = (value))

/* The flags and numbers of a round, by name. */
static void set_number(svb_exchange_round *round, const char *name,
                       const char *value)
{
    if (!strcmp(name, "keep_from")) {
        round->keep_from = strtoull(value, NULL, 10);
    }
    else if (!strcmp(name, "brief")) {
        brief = atoi(value);
    }
    else if (!strcmp(name, "want_admin")) {
        round->want_admin = atoi(value);
    }
    else if (!strcmp(name, "want_survey")) {
        round->want_survey = atoi(value);
    }
    else if (!strcmp(name, "want_keep")) {
        round->want_keep = atoi(value);
    }
    else if (!strcmp(name, "want_fresh_log")) {
        round->want_fresh_log = atoi(value);
    }
    else {
        fprintf(stderr, "what is %s?\n", name);
        exit(2);
    }
}

static void read_round(char *line, svb_exchange_round *round, apr_pool_t *p)
{
    apr_array_header_t *batches =
        apr_array_make(p, 4, sizeof(svb_exchange_bytes));
    apr_array_header_t *logs = apr_array_make(p, 4, sizeof(svb_exchange_log));
    apr_array_header_t *admin =
        apr_array_make(p, 4, sizeof(svb_exchange_field));
    apr_array_header_t *beats =
        apr_array_make(p, 4, sizeof(svb_exchange_field));
    char *rest = NULL;

    for (char *word = strtok_r(line, " \n", &rest); word;
         word = strtok_r(NULL, " \n", &rest)) {
        char *value = strchr(word, '=');

        *value++ = '\0';
        if (!strcmp(word, "prefix")) {
            round->prefix = value;
        }
        else if (!strcmp(word, "front_end")) {
            round->front_end = value;
        }
        else if (!strcmp(word, "batch")) {
            PUSH(batches, svb_exchange_bytes, bytes_of(value, p));
        }
        else if (!strcmp(word, "log")) {
            PUSH(logs, svb_exchange_log, log_of(value));
        }
        else if (!strcmp(word, "admin")) {
            PUSH(admin, svb_exchange_field, field_of(value, p));
        }
        else if (!strcmp(word, "heartbeat")) {
            PUSH(beats, svb_exchange_field, field_of(value, p));
        }
        else {
            set_number(round, word, value);
        }
    }
    round->batches = (svb_exchange_bytes *)batches->elts;
    round->n_batches = batches->nelts;
    round->logs = (svb_exchange_log *)logs->elts;
    round->n_logs = logs->nelts;
    round->admin = (svb_exchange_field *)admin->elts;
    round->n_admin = admin->nelts;
    round->heartbeats = (svb_exchange_field *)beats->elts;
    round->n_heartbeats = beats->nelts;
}

/* ------------------------------------------------------------------ writing */

static void put_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\' || (unsigned char)*text < ' '
            || (unsigned char)*text > '~') {
            printf("\\u%04x", (unsigned char)*text);
        }
        else {
            putchar(*text);
        }
    }
    putchar('"');
}

static void put_bytes(svb_exchange_bytes bytes)
{
    if (!bytes.data) {
        fputs("null", stdout);
        return;
    }
    putchar('"');
    for (apr_size_t i = 0; i < bytes.len; i++) {
        printf("%02x", (unsigned char)bytes.data[i]);
    }
    putchar('"');
}

static void put_id(svb_exchange_id id)
{
    printf("\"%" APR_UINT64_T_FMT "-%" APR_UINT64_T_FMT "\"", id.ms, id.seq);
}

static void put_fields(const char *name, const svb_exchange_field *fields,
                       int n)
{
    printf(",\"%s\":[", name);
    for (int i = 0; i < n; i++) {
        fputs(i ? ",[" : "[", stdout);
        put_text(fields[i].name);
        putchar(',');
        put_bytes(fields[i].value);
        putchar(']');
    }
    putchar(']');
}

/* The beginning of the i-th entry of a list. */
static void put_place(int i, const char *front_end, svb_exchange_id id)
{
    fputs(i ? ",[" : "[", stdout);
    put_text(front_end);
    putchar(',');
    put_id(id);
}

static void put_result(apr_status_t rv, const svb_exchange_result *result)
{
    printf("{\"ok\":%s,\"took\":%ld,\"written\":%d,\"time\":%ld",
           rv ? "false" : "true", (long)result->took, result->n_written,
           (long)result->time);
    if (result->error) {
        fputs(",\"error\":", stdout);
        put_text(result->error);
    }
    fputs(",\"version\":", stdout);
    put_bytes(result->admin_version);
    put_fields("admin", result->admin, result->n_admin);
    put_fields("heartbeats", result->heartbeats, result->n_heartbeats);
    fputs(",\"batches\":[", stdout);
    for (int i = 0; i < result->n_batches; i++) {
        put_place(i, result->batches[i].front_end, result->batches[i].id);
        putchar(',');
        put_bytes(brief ? (svb_exchange_bytes){NULL, 0}
                        : result->batches[i].bytes);
        putchar(']');
    }
    fputs("],\"last\":[", stdout);
    for (int i = 0; i < result->n_last; i++) {
        put_place(i, result->last[i].front_end, result->last[i].id);
        putchar(']');
    }
    puts("]}");
    fflush(stdout);
}

/* ------------------------------------------------------------------ rounds */

static const char *argument(int argc, char **argv, const char *name)
{
    apr_size_t len = strlen(name);

    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], name, len) && argv[i][len] == '=') {
            return argv[i] + len + 1;
        }
    }
    return NULL;
}

/* The addresses in a list, linked. */
static apr_sockaddr_t *addresses_of(const char *list, int port)
{
    apr_sockaddr_t *first = NULL, **end = &first;
    char *rest = NULL;

    for (char *host = strtok_r(apr_pstrdup(pool, list ? list : ""), ",", &rest);
         host; host = strtok_r(NULL, ",", &rest)) {
        if (apr_sockaddr_info_get(end, host, APR_UNSPEC, (apr_port_t)port, 0,
                                  pool)) {
            fprintf(stderr, "%s is no address\n", host);
            exit(2);
        }
        end = &(*end)->next;
    }
    return first;
}

int main(int argc, char **argv)
{
    const char *port = argument(argc, argv, "port");
    const char *timeout = argument(argc, argv, "timeout");
    const char *db = argument(argc, argv, "db");
    const char *error;
    apr_sockaddr_t *addresses;
    svb_exchange *exchange;
    static char line[LINE_MAX_BYTES];

    apr_initialize();
    signal(SIGPIPE, SIG_IGN);
    apr_pool_create(&pool, NULL);
    svb_exchange_address address = {
        .host = argument(argc, argv, "path") ? NULL : "the.host",
        .port = port ? atoi(port) : 0,
        .path = argument(argc, argv, "path"),
        .db = db ? atoi(db) : 0,
        .user = argument(argc, argv, "user"),
        .password = argument(argc, argv, "password"),
        .tls = argument(argc, argv, "tls") != NULL,
        .ca_file = argument(argc, argv, "cafile"),
        .timeout = timeout ? atol(timeout) : 100000,
    };
    if (argument(argc, argv, "name")) {
        address.host = argument(argc, argv, "name");
    }
    addresses = addresses_of(argument(argc, argv, "host"), address.port);
    error = svb_rounds_provider.check(&address, pool);
    puts(error ? error : "ready");
    fflush(stdout);
    exchange = svb_rounds_provider.open(&address, pool);
    while (fgets(line, sizeof(line), stdin)) {
        svb_exchange_round round = {.prefix = "svb:{x}", .front_end = "a"};
        svb_exchange_result result;
        apr_status_t rv;
        apr_pool_t *p;

        apr_pool_create(&p, pool);
        read_round(line, &round, p);
        round.addresses = addresses;
        rv = svb_rounds_provider.run(exchange, &round, &result, p);
        put_result(rv, &result);
        apr_pool_destroy(p);
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
