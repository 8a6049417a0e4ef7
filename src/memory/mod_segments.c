/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/mod_segments.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_shm.h>

#define RETAINED_KEY "mod_servoy_balancer"
#define MAGIC 0x53564253484d3035u /* grows with every change of layout */
#define ALIGNMENT 64

/* How long children of an earlier generation are expected to go on learning. */
#define FOLLOW_FOR apr_time_from_sec(15 * 60)

/* What outlives the module's unloading at a restart. */
typedef struct {
    apr_shm_t *nodes;
    apr_shm_t *table;
    apr_size_t capacity;
    apr_shm_t *old_table; /* the one before, or NULL */
    apr_size_t old_capacity;
    apr_time_t replaced; /* when it was */
} retained;

static svb_records *records;
static svb_rows *rows;
static svb_clients *clients, *old_clients;
static svb_shared *shared;
static apr_time_t replaced, followed;
static int row;

#define ROUNDED(size) (((size) + ALIGNMENT - 1) & ~(apr_size_t)(ALIGNMENT - 1))

static void *base_of(apr_shm_t *segment)
{
    return (void *)ROUNDED((apr_uintptr_t)apr_shm_baseaddr_get(segment));
}

static apr_size_t nodes_size(void)
{
    return ROUNDED(sizeof(svb_shared)) + ROUNDED(svb_records_size())
           + svb_rows_size();
}

/* From the process's pool: pconf goes at every restart. */
static apr_status_t make_segment(apr_shm_t **segment, apr_size_t size,
                                 server_rec *s)
{
    apr_status_t rv =
        apr_shm_create(segment, ALIGNMENT + size, NULL, s->process->pool);

    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     SVB_LOGNO(0020) "cannot make %" APR_SIZE_T_FMT
                                     " bytes of shared memory",
                     size);
    }
    return rv;
}

static apr_status_t make_nodes(retained *kept, server_rec *s,
                               const unsigned char *secret)
{
    apr_status_t rv = make_segment(&kept->nodes, nodes_size(), s);
    unsigned char random[16];
    svb_shared *words;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    words = base_of(kept->nodes);
    words->magic = MAGIC;
    words->size = nodes_size();
    words->started = apr_time_now();
    rv = apr_generate_random_bytes(random, sizeof(random));
    ap_bin2hex(random, sizeof(random), words->nonce);
    if (secret) {
        memcpy(words->secret, secret, sizeof(words->secret));
    }
    else if (rv == APR_SUCCESS) {
        rv = apr_generate_random_bytes(words->secret, sizeof(words->secret));
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     SVB_LOGNO(0022) "no random bytes for a secret");
    }
    return rv;
}

static apr_status_t open_table(svb_clients **table, apr_shm_t *segment,
                               apr_size_t capacity, apr_pool_t *pconf)
{
    return svb_clients_open(table, base_of(segment), capacity, shared->secret,
                            records, pconf);
}

/* Bring over the clients seen since a time. */
static void copy_clients(svb_clients *from, svb_clients *to, apr_time_t since,
                         apr_time_t now)
{
    svb_client client;
    apr_size_t pos = 0;

    while (svb_clients_next(from, &pos, now, &client)) {
        if (client.seen >= since) {
            svb_clients_restore(to, &client, now);
        }
    }
}

/* Make a table of the size that is wanted; the one there was becomes the old
 * one, and an older one still is given up: its children have seen two graceful
 * restarts. */
static apr_status_t make_table(retained *kept, server_rec *s,
                               apr_size_t capacity)
{
    apr_status_t rv;

    if (kept->old_table) {
        apr_shm_destroy(kept->old_table);
    }
    kept->old_table = kept->table;
    kept->old_capacity = kept->capacity;
    kept->replaced = apr_time_now();
    rv = make_segment(&kept->table, svb_clients_size(capacity), s);
    if (rv == APR_SUCCESS) {
        kept->capacity = capacity;
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                     SVB_LOGNO(0021) "the client table holds %" APR_SIZE_T_FMT
                                     " clients in %" APR_SIZE_T_FMT " bytes",
                     capacity, svb_clients_size(capacity));
    }
    return rv;
}

static void count_anew(apr_time_t now)
{
    while (!svb_clients_sweep(clients, svb_clients_buckets(clients), now)) {
    }
}

static apr_status_t attach_table(retained *kept, apr_pool_t *pconf,
                                 server_rec *s, apr_size_t capacity)
{
    apr_status_t rv = APR_SUCCESS;
    int resized = !kept->table || kept->capacity != capacity;

    if (resized) {
        rv = make_table(kept, s, capacity);
    }
    if (rv == APR_SUCCESS) {
        rv = open_table(&clients, kept->table, capacity, pconf);
    }
    old_clients = NULL;
    if (rv == APR_SUCCESS && kept->old_table) {
        rv = open_table(&old_clients, kept->old_table, kept->old_capacity,
                        pconf);
        replaced = followed = kept->replaced;
    }
    if (rv == APR_SUCCESS && resized && old_clients) {
        copy_clients(old_clients, clients, 0, kept->replaced);
        count_anew(kept->replaced);
    }
    return rv;
}

static int fits(const retained *kept)
{
    const svb_shared *words;

    if (!kept->nodes) {
        return 0;
    }
    words = base_of(kept->nodes);
    return words->magic == MAGIC && words->size == nodes_size();
}

static apr_status_t open_nodes(apr_pool_t *p)
{
    char *at = (char *)shared + ROUNDED(sizeof(svb_shared));
    apr_status_t rv = svb_records_open(&records, at, p);

    return rv == APR_SUCCESS
               ? svb_rows_open(&rows, at + ROUNDED(svb_records_size()), p)
               : rv;
}

int svb_segments_exists(void)
{
    const retained *kept = ap_retained_data_get(RETAINED_KEY);

    return kept && fits(kept);
}

apr_status_t svb_segments_attach(apr_pool_t *pconf, server_rec *main_server,
                                 apr_size_t capacity,
                                 const unsigned char *secret, int *is_new)
{
    retained *kept = ap_retained_data_get(RETAINED_KEY);
    apr_status_t rv = APR_SUCCESS;

    if (!kept) {
        kept = ap_retained_data_create(RETAINED_KEY, sizeof(*kept));
    }
    *is_new = !fits(kept);
    if (*is_new) {
        memset(kept, 0, sizeof(*kept));
        rv = make_nodes(kept, main_server, secret);
    }
    if (rv == APR_SUCCESS) {
        shared = base_of(kept->nodes);
        rv = open_nodes(pconf);
    }
    return rv == APR_SUCCESS ? attach_table(kept, pconf, main_server, capacity)
                             : rv;
}

static int is_alive(apr_int64_t pid)
{
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

static apr_status_t release_row(void *dummy)
{
    (void)dummy;
    svb_rows_free(rows, row, getpid());
    row = 0;
    return APR_SUCCESS;
}

void svb_segments_child_init(apr_pool_t *pchild)
{
    row = svb_rows_claim(rows, getpid(), is_alive);
    apr_pool_cleanup_register(pchild, NULL, release_row, apr_pool_cleanup_null);
}

svb_records *svb_segments_records(void)
{
    return records;
}

svb_rows *svb_segments_rows(void)
{
    return rows;
}

svb_clients *svb_segments_clients(void)
{
    return clients;
}

svb_shared *svb_segments_shared(void)
{
    return shared;
}

int svb_segments_row(void)
{
    return row;
}

void svb_segments_sweep(void)
{
    svb_rows_sweep(rows, getpid(), is_alive);
}

void svb_segments_follow(apr_time_t now)
{
    if (old_clients && now < replaced + FOLLOW_FOR) {
        /* Last seen is kept in whole seconds. */
        copy_clients(old_clients, clients, followed - apr_time_from_sec(2),
                     now);
        followed = now;
    }
}

int svb_segments_find_old(apr_uint64_t id, apr_time_t now, svb_client *client)
{
    if (!old_clients || now >= replaced + FOLLOW_FOR
        || !svb_clients_find(old_clients, id, now, client)) {
        return 0;
    }
    svb_clients_restore(clients, client, now);
    return 1;
}

void svb_segments_remove_old(apr_uint64_t id)
{
    svb_client client;

    if (old_clients
        && svb_clients_find(old_clients, id, apr_time_now(), &client)
        && svb_clients_remove(old_clients, id)) {
        /* It stands in both tables, and was counted once. */
        svb_records_clients_add(records, client.node,
                                svb_records_epoch(records, client.node),
                                client.kind, 1);
    }
}
