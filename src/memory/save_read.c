/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/save.h"

#include <string.h>
#include <unistd.h>

#include <apr_siphash.h>
#include <apr_strings.h>

#include "memory/blocks.h"
#include "memory/save_parts.h"

/* Clients not seen for longer are dead. The table keeps seconds modulo 97 days
 * and would take one seen 98 days ago for one seen yesterday. */
#define LONGEST apr_time_from_sec(48 * 24 * 3600)

/* How many clients are restored together. */
#define AT_A_TIME 16

struct svb_save {
    apr_pool_t *p;
    int fd;
    struct stat info;
    unsigned version, nodes, fleets; /* from its header */
    svb_history_end end;             /* likewise */
    apr_uint64_t count;              /* clients that it has, by its length */
    svb_save_facts facts;

    apr_status_t rv; /* of what went wrong first */
    const char *err; /* what that was; NULL: the status tells */
    svb_blocks blocks;

    /* where to restore what is read */
    svb_records *records;
    svb_clients *clients;
    svb_history *history; /* NULL: it is not restored */
    apr_time_t now;
    svb_save_result *result; /* NULL: only look */
    int taken;               /* records that are */
    unsigned char has_clients[SVB_RECORDS_MAX];
    int record_of[SVB_RECORDS_MAX]; /* of a node by its number, or -1 */
};

/* Keep what went wrong first. @return whether nothing did so far */
static int ok(svb_save *s, apr_status_t rv, const char *err)
{
    if (s->rv == APR_SUCCESS && rv != APR_SUCCESS) {
        s->rv = rv;
        s->err = err;
    }
    return s->rv == APR_SUCCESS;
}

/* What is not so goes wrong with this status. */
static void must(svb_save *s, int is_so, apr_status_t rv, const char *err)
{
    ok(s, is_so ? APR_SUCCESS : rv, err);
}

static void get(svb_save *s, void *part, apr_size_t size)
{
    apr_status_t rv = svb_blocks_get(&s->blocks, part, size);

    ok(s, rv == APR_EOF ? APR_EGENERAL : rv,
       rv == APR_EOF ? "is cut short" : NULL);
}

static apr_status_t end(const svb_save *s, const char **err)
{
    *err = s->rv == APR_SUCCESS ? NULL : s->err ? s->err : "cannot be read";
    return s->rv;
}

/* ------- header */

static void get_start(svb_save *s, svb_header_part *raw)
{
    get(s, raw, SVB_START_SIZE);
    must(s, !memcmp(raw->magic, SVB_SAVE_MAGIC, sizeof(raw->magic)),
         APR_EGENERAL, "was not written by this module");
    s->version = SVB_LE32(raw->version);
    if (s->version < 1 || s->version > SVB_SAVE_VERSION) {
        ok(s, SVB_SAVE_EVERSION,
           apr_psprintf(s->p, "has version %u, where %d is known", s->version,
                        SVB_SAVE_VERSION));
    }
}

static void check_length(svb_save *s)
{
    apr_off_t rest =
        s->info.st_size
        - (apr_off_t)(SVB_HEADER_SIZE(s->version) + sizeof(apr_uint64_t)
                      + SVB_BLOCKS_SUM
                      + (apr_uint64_t)s->nodes * SVB_NODE_SIZE(s->version)
                      + (apr_uint64_t)s->fleets * sizeof(svb_fleet_part));

    must(s, rest >= 0 && rest % (apr_off_t)sizeof(svb_client_part) == 0,
         APR_EGENERAL, "does not have the length that its header says");
    if (s->rv == APR_SUCCESS) {
        s->count = (apr_uint64_t)rest / sizeof(svb_client_part);
    }
}

static void get_header(svb_save *s)
{
    svb_header_part raw = {0};
    apr_uint64_t saved, known_since, evicted_at, fleets;

    svb_blocks_begin_get(&s->blocks, s->fd, 0,
                         s->info.st_size - SVB_BLOCKS_SUM);
    get_start(s, &raw);
    if (s->rv == APR_SUCCESS) {
        get(s, (char *)&raw + SVB_START_SIZE,
            SVB_HEADER_SIZE(s->version) - SVB_START_SIZE);
    }
    s->nodes = SVB_LE32(raw.nodes);
    saved = SVB_LE64(raw.saved);
    known_since = SVB_LE64(raw.known_since);
    evicted_at = SVB_LE64(raw.evicted_at);
    fleets = SVB_LE64(raw.fleets);
    s->end = (svb_history_end){SVB_LE64(raw.history_hour),
                               SVB_LE64(raw.history_week)};
    must(s,
         s->nodes <= SVB_RECORDS_MAX && saved <= INT64_MAX
             && known_since <= INT64_MAX && evicted_at <= INT64_MAX
             && fleets <= SVB_HISTORY_FLEETS,
         APR_EGENERAL, "has a damaged header");
    s->fleets = fleets <= SVB_HISTORY_FLEETS ? (unsigned)fleets : 0;
    check_length(s);
    s->facts.number = SVB_LE64(raw.number);
    s->facts.saved = (apr_time_t)saved;
    s->facts.known_since = (apr_time_t)known_since;
    s->facts.evicted_at = (apr_time_t)evicted_at;
    memcpy(s->facts.secret, raw.secret, sizeof(raw.secret));
}

/* ------- nodes */

/* NULs from the first one on. */
static int is_text(const char *raw, apr_size_t size)
{
    apr_size_t len = strnlen(raw, size);

    for (apr_size_t i = len; i < size; i++) {
        if (raw[i]) {
            return 0;
        }
    }
    return len < size;
}

static int is_name(const char raw[SVB_NAME_MAX + 1])
{
    return raw[0] && is_text(raw, SVB_NAME_MAX + 1);
}

static void restore_node(svb_save *s, unsigned number, svb_node_part *raw)
{
    apr_uint64_t admin = SVB_LE64(raw->admin);
    int node = svb_records_find(s->records, raw->name, raw->route);

    if (node < 0
        && (s->has_clients[number] || admin
            || s->taken < SVB_RECORDS_MAX / 2)) {
        node = svb_records_add(s->records, raw->name, raw->route);
        s->taken += node >= 0;
    }
    s->record_of[number] = node;
    if (node < 0) {
        s->result->nodes_skipped++;
        return;
    }
    s->result->nodes++;
    svb_records_set(s->records, node, SVB_WORD_ADMIN, admin);
    if (raw->said[0]) {
        svb_records_say(s->records, node, raw->said);
    }
    svb_part_give_numbers(raw->numbers, s->records, node);
    if (s->history) {
        svb_part_swap_node(&raw->history);
        svb_history_restore_node(s->history, s->records, node, &s->end,
                                 &raw->history);
    }
    for (int i = 0; i < SVB_COUNTERS; i++) {
        svb_records_set_counter(s->records, node, (svb_counter)i,
                                SVB_LE64(raw->counters[i]));
    }
}

static void get_nodes(svb_save *s)
{
    for (unsigned number = 0; number < s->nodes && !s->rv; number++) {
        svb_node_part raw = {0};

        get(s, &raw, SVB_NODE_SIZE(s->version));
        must(s, is_name(raw.name) && is_name(raw.route), APR_EGENERAL,
             "has a damaged name of a node");
        must(s, is_text(raw.said, sizeof(raw.said)), APR_EGENERAL,
             "has a damaged text of a node");
        if (s->rv == APR_SUCCESS && s->result) {
            restore_node(s, number, &raw);
        }
    }
}

/* ------- fleets */

static void restore_fleet(svb_save *s, svb_fleet_part *raw)
{
    int fleet = svb_records_fleet(s->records, raw->name);

    for (int i = 0; i < SVB_FLEET_COUNTERS; i++) {
        svb_records_set_fleet_counter(s->records, fleet, (svb_fleet_counter)i,
                                      SVB_LE64(raw->counters[i]));
    }
    if (s->history) {
        svb_part_swap_fleet(&raw->history);
        svb_history_restore_fleet(s->history, fleet, &s->end, &raw->history);
    }
}

static void get_fleets(svb_save *s)
{
    for (unsigned i = 0; i < s->fleets && !s->rv; i++) {
        svb_fleet_part raw = {.name = ""};

        get(s, &raw, sizeof(raw));
        must(s, !s->rv && is_name(raw.name), APR_EGENERAL,
             "has a damaged name of a fleet");
        if (s->rv == APR_SUCCESS && s->result) {
            restore_fleet(s, &raw);
        }
    }
}

/* ------- clients */

static void restore_client(svb_save *s, const svb_client_part *raw)
{
    svb_client client = {SVB_LE64(raw->id), s->record_of[SVB_LE16(raw->node)],
                         (svb_kind)raw->kind,
                         apr_time_from_sec((apr_time_t)SVB_LE32(raw->seen))};

    if (client.node >= 0 && !s->result->other_secret
        && s->now - client.seen <= LONGEST) {
        client.seen = client.seen > s->now ? s->now : client.seen;
        svb_clients_restore(s->clients, &client, s->now);
    }
}

static int is_client(const svb_save *s, const svb_client_part *raw)
{
    return raw->id != 0 && SVB_LE16(raw->node) < s->nodes && raw->zero == 0
           && raw->kind != SVB_KIND_PENDING && raw->kind <= SVB_KIND_ENDED;
}

/* So many at a time that the processor has their places in the table at hand when
 * they are looked for: that is what takes longest. */
static void get_some_clients(svb_save *s, unsigned n)
{
    svb_client_part raw[AT_A_TIME];

    get(s, raw, n * sizeof(raw[0]));
    for (unsigned i = 0; i < n && !s->rv; i++) {
        must(s, is_client(s, &raw[i]), APR_EGENERAL, "has a damaged client");
        if (s->rv == APR_SUCCESS) {
            s->has_clients[SVB_LE16(raw[i].node)] = 1;
            if (s->result) {
                svb_clients_prefetch(s->clients, SVB_LE64(raw[i].id));
            }
        }
    }
    for (unsigned i = 0; i < n && s->result && !s->rv; i++) {
        restore_client(s, &raw[i]);
    }
}

static void get_clients(svb_save *s)
{
    for (apr_uint64_t left = s->count; left > 0 && !s->rv;) {
        unsigned n = left < AT_A_TIME ? (unsigned)left : AT_A_TIME;

        get_some_clients(s, n);
        left -= n;
    }
}

/* Read the file from its beginning to its end. */
static void walk(svb_save *s)
{
    apr_uint64_t clients = 0;

    get_header(s);
    if (s->history && s->rv == APR_SUCCESS
        && !svb_history_begin(s->history, &s->end, s->now)) {
        s->history = NULL;
    }
    get_nodes(s);
    get_fleets(s);
    get_clients(s);
    get(s, &clients, sizeof(clients));
    must(s, SVB_LE64(clients) == s->count, APR_EGENERAL,
         "does not have as many clients as it says");
    if (s->rv == APR_SUCCESS) {
        must(s, svb_blocks_end_get(&s->blocks), APR_EGENERAL,
             "is damaged: its checksum is wrong");
    }
}

/* ------- a whole file */

static apr_status_t close_file(void *fd)
{
    close(*(int *)fd);
    return APR_SUCCESS;
}

apr_status_t svb_save_open(const char *path, apr_pool_t *p, svb_save **save,
                           const char **err)
{
    svb_save *s = apr_pcalloc(p, sizeof(*s));
    apr_status_t rv = svb_save_file_open(path, &s->fd, &s->info, err);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    s->p = p;
    apr_pool_cleanup_register(p, &s->fd, close_file, apr_pool_cleanup_null);
    get_header(s);
    *save = s->rv == APR_SUCCESS ? s : NULL;
    return end(s, err);
}

const svb_save_facts *svb_save_facts_of(const svb_save *save)
{
    return &save->facts;
}

const struct stat *svb_save_stat_of(const svb_save *save)
{
    return &save->info;
}

apr_status_t svb_save_verify(svb_save *save, const char **err)
{
    walk(save);
    return end(save, err);
}

/* Clients of all kinds, remembered ones as well. */
static apr_uint64_t held(svb_records *records)
{
    apr_uint64_t sum = 0;

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        for (int kind = 0;
             kind <= SVB_KIND_ENDED && svb_records_used(records, node);
             kind++) {
            sum += svb_records_clients(records, node, (svb_kind)kind);
        }
    }
    return sum;
}

/* Would the table find the clients of this file? */
static int has_secret(const svb_clients *clients, const unsigned char *secret)
{
    apr_uint64_t id = apr_siphash24("secret", 6, secret);

    return svb_clients_id(clients, "secret", 6) == (id ? id : 1);
}

apr_status_t svb_save_restore(svb_save *save, svb_records *records,
                              svb_clients *clients, svb_history *history,
                              apr_time_t now, svb_save_result *result,
                              const char **err)
{
    apr_uint64_t before = held(records), after;

    memset(result, 0, sizeof(*result));
    result->other_secret = !has_secret(clients, save->facts.secret);
    save->records = records;
    save->clients = clients;
    save->history = history;
    save->now = now;
    save->taken = 0;
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        save->taken += svb_records_used(records, node) != 0;
    }
    save->result = result;
    walk(save);
    if (save->rv != APR_SUCCESS && save->err) {
        save->err = "was changed while it was read";
    }
    after = held(records);
    result->clients = after > before ? after - before : 0;
    result->skipped =
        save->count > result->clients ? save->count - result->clients : 0;
    return end(save, err);
}
