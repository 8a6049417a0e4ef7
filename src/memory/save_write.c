/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/save.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "memory/blocks.h"
#include "memory/save_parts.h"

/* So many bytes are written before the disk is waited for, where there is time:
 * that takes a few milliseconds. */
#define SYNC_EVERY (1024 * 1024)

/* So many buckets are gone through before the disk begins to write them. */
#define BUCKETS 100000

static const char cannot_write[] =
    "cannot be saved: its temporary file cannot be written";

struct svb_save_writer {
    svb_blocks blocks;
    svb_records *records;
    svb_clients *clients;
    const svb_history *history; /* or NULL */
    svb_history_end end;        /* of it */
    int fleets[SVB_HISTORY_FLEETS], named_by[SVB_HISTORY_FLEETS];
    int n_fleets;
    apr_size_t pos;     /* where the walk over the clients goes on */
    apr_uint64_t count; /* clients so far */
    apr_off_t synced;   /* up to where the disk has it */
    int number_of[SVB_RECORDS_MAX]; /* of a record's node in the file, or -1 */
};

static void put_header(svb_save_writer *w, const svb_save_facts *facts)
{
    svb_header_part raw = {
        .version = SVB_LE32(SVB_SAVE_VERSION),
        .saved = SVB_LE64((apr_uint64_t)facts->saved),
        .number = SVB_LE64(facts->number),
        .known_since = SVB_LE64((apr_uint64_t)facts->known_since),
        .evicted_at = SVB_LE64((apr_uint64_t)facts->evicted_at),
        .history_hour = SVB_LE64(w->end.hour),
        .history_week = SVB_LE64(w->end.week),
        .fleets = SVB_LE64((apr_uint64_t)w->n_fleets)};
    apr_uint32_t nodes = 0;

    /* A node that is added from now on is not in this file. */
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        int used = svb_records_used(w->records, node);

        w->number_of[node] = used ? (int)nodes++ : -1;
    }
    memcpy(raw.magic, SVB_SAVE_MAGIC, sizeof(raw.magic));
    memcpy(raw.secret, facts->secret, sizeof(raw.secret));
    raw.nodes = SVB_LE32(nodes);
    svb_blocks_put(&w->blocks, &raw, sizeof(raw));
}

static void put_node(svb_save_writer *w, int node)
{
    svb_node_part raw = {
        .admin = SVB_LE64(svb_records_get(w->records, node, SVB_WORD_ADMIN))};
    char said[SVB_RECORDS_TEXT + 1];

    apr_cpystrn(raw.name, svb_records_name(w->records, node), sizeof(raw.name));
    apr_cpystrn(raw.route, svb_records_route(w->records, node),
                sizeof(raw.route));
    svb_records_said(w->records, node, said);
    apr_cpystrn(raw.said, said, sizeof(raw.said));
    for (int i = 0; i < SVB_COUNTERS; i++) {
        raw.counters[i] =
            SVB_LE64(svb_records_counter(w->records, node, (svb_counter)i));
    }
    svb_part_take_numbers(raw.numbers, w->records, node);
    if (w->history) {
        svb_history_save_node(w->history, w->records, node, &w->end,
                              &raw.history);
        svb_part_swap_node(&raw.history);
    }
    svb_blocks_put(&w->blocks, &raw, sizeof(raw));
}

/* Which fleets the nodes are of. The file has no more than there is a history of. */
static void list_fleets(svb_save_writer *w)
{
    unsigned char is_listed[SVB_RECORDS_MAX] = {0};

    for (int node = 0;
         node < SVB_RECORDS_MAX && w->n_fleets < SVB_HISTORY_FLEETS; node++) {
        if (svb_records_used(w->records, node)) {
            int fleet = svb_records_fleet_of(w->records, node);

            if (!is_listed[fleet]) {
                w->named_by[w->n_fleets] = node;
                w->fleets[w->n_fleets++] = fleet;
            }
            is_listed[fleet] = 1;
        }
    }
}

static void put_fleet(svb_save_writer *w, int i)
{
    svb_fleet_part raw = {.counters = {0}};

    apr_cpystrn(raw.name, svb_records_name(w->records, w->named_by[i]),
                sizeof(raw.name));
    for (int j = 0; j < SVB_FLEET_COUNTERS; j++) {
        raw.counters[j] = SVB_LE64(svb_records_fleet_counter(
            w->records, w->fleets[i], (svb_fleet_counter)j));
    }
    svb_history_save_fleet(w->history, w->fleets[i], &w->end, &raw.history);
    svb_part_swap_fleet(&raw.history);
    svb_blocks_put(&w->blocks, &raw, sizeof(raw));
}

static void put_client(svb_save_writer *w, const svb_client *client)
{
    apr_time_t seen = apr_time_sec(client->seen);
    int number = w->number_of[client->node];
    svb_client_part raw = {SVB_LE64(client->id), SVB_LE16((apr_uint16_t)number),
                           (apr_byte_t)client->kind, 0, 0};

    if (number >= 0 && client->kind != SVB_KIND_PENDING && client->id != 0) {
        /* The file's 32 bits last until 2106. */
        seen = seen < 0 ? 0 : seen > UINT32_MAX ? UINT32_MAX : seen;
        raw.seen = SVB_LE32((apr_uint32_t)seen);
        svb_blocks_put(&w->blocks, &raw, sizeof(raw));
        w->count++;
    }
}

static void put_clients(svb_save_writer *w, apr_size_t buckets, apr_time_t now)
{
    svb_client client;

    while (
        w->blocks.rv == APR_SUCCESS
        && svb_clients_next_below(w->clients, &w->pos, buckets, now, &client)) {
        put_client(w, &client);
    }
}

/* Let the disk begin with what there is, so that there is less to wait for. */
static void start_sync(svb_save_writer *w)
{
#ifdef SYNC_FILE_RANGE_WRITE
    if (w->blocks.rv == APR_SUCCESS && w->blocks.at > w->synced) {
        (void)sync_file_range(w->blocks.fd, w->synced, w->blocks.at - w->synced,
                              SYNC_FILE_RANGE_WRITE);
    }
#endif
    w->synced = w->blocks.at;
}

/* Wait for the disk. */
static void sync_now(svb_save_writer *w)
{
    if (w->blocks.rv == APR_SUCCESS && fdatasync(w->blocks.fd) != 0) {
        w->blocks.rv = errno;
    }
    w->synced = w->blocks.at;
}

svb_save_writer *svb_save_begin(int fd, svb_records *records,
                                svb_clients *clients,
                                const svb_history *history,
                                const svb_save_facts *facts, apr_pool_t *p)
{
    svb_save_writer *w = apr_pcalloc(p, sizeof(*w));

    w->records = records;
    w->clients = clients;
    w->history = history;
    if (history) {
        w->end = svb_history_end_of(history, facts->saved);
        list_fleets(w);
    }
    svb_blocks_begin_put(&w->blocks, fd, 0);
    put_header(w, facts);
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (w->number_of[node] >= 0) {
            put_node(w, node);
        }
    }
    for (int i = 0; i < w->n_fleets; i++) {
        put_fleet(w, i);
    }
    return w;
}

apr_status_t svb_save_step(svb_save_writer *w, apr_size_t buckets,
                           apr_time_t now)
{
    put_clients(w, buckets, now);
    if (w->blocks.at - w->synced >= SYNC_EVERY) {
        sync_now(w);
    }
    return w->blocks.rv;
}

/* The rest, but for waiting. */
static void put_rest(svb_save_writer *w, apr_time_t now)
{
    apr_uint64_t count;

    put_clients(w, svb_clients_buckets(w->clients), now);
    count = SVB_LE64(w->count);
    svb_blocks_put(&w->blocks, &count, sizeof(count));
    svb_blocks_end_put(&w->blocks);
}

apr_status_t svb_save_end(svb_save_writer *w, apr_time_t now)
{
    put_rest(w, now);
    /* What was there before may have been longer. */
    if (w->blocks.rv == APR_SUCCESS
        && ftruncate(w->blocks.fd, w->blocks.at) != 0) {
        w->blocks.rv = errno;
    }
    sync_now(w);
    return w->blocks.rv;
}

static apr_status_t write_to(int fd, svb_records *records, svb_clients *clients,
                             const svb_history *history,
                             const svb_save_facts *facts, apr_pool_t *p,
                             const char **err)
{
    svb_save_writer *w =
        svb_save_begin(fd, records, clients, history, facts, p);
    apr_size_t buckets = svb_clients_buckets(clients);

    for (apr_size_t at = 0; at < buckets; at += BUCKETS) {
        put_clients(w, at, facts->saved);
        start_sync(w);
    }
    put_rest(w, facts->saved);
    sync_now(w);
    *err = w->blocks.rv == APR_SUCCESS ? NULL : cannot_write;
    return w->blocks.rv;
}

apr_status_t svb_save_write(const char *path, svb_records *records,
                            svb_clients *clients, const svb_history *history,
                            const svb_save_facts *facts, apr_pool_t *p,
                            const char **err)
{
    apr_pool_t *sub;
    const char *temp;
    apr_status_t rv;
    int fd;

    apr_pool_create(&sub, p);
    temp = apr_pstrcat(sub, path, ".new", NULL);
    rv = svb_save_file_create(temp, &fd);
    if (rv != APR_SUCCESS) {
        *err = "cannot be saved: its temporary file cannot be created";
    }
    else {
        rv = write_to(fd, records, clients, history, facts, sub, err);
        if (rv == APR_SUCCESS) {
            rv = svb_save_file_replace(temp, fd, path, err);
        }
        if (rv != APR_SUCCESS && svb_save_file_is(temp, fd)) {
            unlink(temp);
        }
        close(fd);
    }
    apr_pool_destroy(sub);
    return rv;
}
