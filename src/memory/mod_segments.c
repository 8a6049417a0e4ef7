/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/mod_segments.h"

#include <apr_general.h>
#include <apr_shm.h>
#include <ap_mpm.h>

#include "memory/process.h"

#define RETAINED_KEY "mod_servoy_balancer"
#define MAGIC 0x53564253484d3137u /* grows with every change of layout */
#define ALIGNMENT 64

/* What outlives the module's unloading at a restart. The module that is loaded
 * next may be another build: what is not laid out as it is here is left alone. */
typedef struct {
    apr_uint64_t magic, size; /* of this layout */
    apr_shm_t *nodes;
    apr_shm_t *table;
    apr_size_t capacity;
    apr_shm_t *former; /* the table before, of another size, or NULL */
    apr_size_t former_capacity;
    apr_time_t replaced; /* when it was */
    apr_shm_t *extra;    /* what was asked for besides, or NULL */
    apr_size_t extra_size;
    svb_generations generations;
} retained;

static retained *current; /* what is retained, while this module is loaded */

static svb_records *records;
static svb_rows *rows;
static svb_events *events;
static svb_paths *paths;
static svb_moves *moves;
static svb_history *history;
static svb_clients *clients, *former;
static svb_shared *shared;
static apr_time_t replaced;
static int row;
static unsigned generation; /* of the configuration */

#define ROUNDED(size) (((size) + ALIGNMENT - 1) & ~(apr_size_t)(ALIGNMENT - 1))

static void *base_of(apr_shm_t *segment)
{
    return (void *)ROUNDED((apr_uintptr_t)apr_shm_baseaddr_get(segment));
}

/* ------------------------------------------------------------ what is retained */

static apr_size_t nodes_size(void)
{
    return ROUNDED(sizeof(svb_shared)) + ROUNDED(svb_records_size())
           + ROUNDED(svb_rows_size()) + ROUNDED(svb_events_size())
           + ROUNDED(svb_paths_size()) + ROUNDED(svb_moves_size())
           + ROUNDED(svb_history_size());
}

static int fits(const retained *kept)
{
    const svb_shared *words;

    if (!kept || kept->magic != MAGIC || kept->size != sizeof(*kept)
        || !kept->nodes) {
        return 0;
    }
    words = base_of(kept->nodes);
    return words->magic == MAGIC && words->size == nodes_size();
}

int svb_segments_exist(void)
{
    return fits(ap_retained_data_get(RETAINED_KEY));
}

static retained *retain_anew(server_rec *s)
{
    retained *kept = ap_retained_data_get(RETAINED_KEY);

    if (kept) {
        ap_log_error(
            APLOG_MARK, APLOG_NOTICE, 0, s,
            SVB_LOGNO(0024) "what is in memory was laid out by another "
                            "version of the module: starting empty");
    }
    kept = ap_retained_data_create(RETAINED_KEY, sizeof(*kept));
    kept->magic = MAGIC;
    kept->size = sizeof(*kept);
    return kept;
}

/* ------------------------------------------------------------------- the nodes */

/* From the process's pool: pconf goes at every restart. */
static apr_status_t make_segment(apr_shm_t **segment, apr_size_t size,
                                 server_rec *s)
{
    return apr_shm_create(segment, ALIGNMENT + size, NULL, s->process->pool);
}

static apr_status_t set_secrets(svb_shared *words, const unsigned char *secret)
{
    struct {
        unsigned char nonce_key[APR_SIPHASH_KSIZE];
        apr_uint64_t ids;
    } random;
    apr_status_t rv =
        apr_generate_random_bytes((unsigned char *)&random, sizeof(random));

    memcpy(words->nonce_key, random.nonce_key, sizeof(words->nonce_key));
    words->ids = random.ids;
    if (secret) {
        memcpy(words->secret, secret, sizeof(words->secret));
    }
    else if (rv == APR_SUCCESS) {
        rv = apr_generate_random_bytes(words->secret, sizeof(words->secret));
    }
    return rv;
}

static apr_status_t make_nodes(retained *kept, server_rec *s,
                               const unsigned char *secret)
{
    apr_status_t rv = make_segment(&kept->nodes, nodes_size(), s);
    svb_shared *words;

    if (rv != APR_SUCCESS) {
        kept->nodes = NULL;
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     SVB_LOGNO(0020) "cannot make %" APR_SIZE_T_FMT
                                     " bytes of shared memory",
                     nodes_size());
        return rv;
    }
    words = base_of(kept->nodes);
    words->magic = MAGIC;
    words->size = nodes_size();
    words->started = apr_time_now();
    words->known_since = words->started;
    rv = set_secrets(words, secret);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     SVB_LOGNO(0022) "no random bytes for a secret");
    }
    return rv;
}

/* Opening cannot fail: what is opened is a handle on memory that is there. */
static apr_status_t open_nodes(const retained *kept, apr_pool_t *p)
{
    char *at = base_of(kept->nodes);

    shared = (svb_shared *)at;
    at += ROUNDED(sizeof(svb_shared));
    svb_records_open(&records, at, p);
    svb_records_begin(records, generation);
    at += ROUNDED(svb_records_size());
    svb_rows_open(&rows, at, p);
    at += ROUNDED(svb_rows_size());
    svb_events_open(&events, at, p);
    at += ROUNDED(svb_events_size());
    svb_paths_open(&paths, at, p);
    at += ROUNDED(svb_paths_size());
    svb_moves_open(&moves, at, p);
    at += ROUNDED(svb_moves_size());
    return svb_history_open(&history, at, p);
}

/* ------------------------------------------------------------------- the table */

/* Make a table of the size that is wanted; the one there was becomes the former
 * one, and one from before that is given up: its children have seen two graceful
 * restarts. Where there is no memory for it, the table stays as it is. */
static apr_status_t make_table(retained *kept, server_rec *s,
                               apr_size_t capacity)
{
    apr_shm_t *segment;
    apr_status_t rv = make_segment(&segment, svb_clients_size(capacity), s);

    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, kept->table ? APLOG_ERR : APLOG_CRIT, rv, s,
                     SVB_LOGNO(0023) "no memory for a client table of "
                                     "%" APR_SIZE_T_FMT
                                     " clients (%" APR_SIZE_T_FMT " bytes)%s",
                     capacity, svb_clients_size(capacity),
                     kept->table ? ": the present one is kept" : "");
        return kept->table ? APR_SUCCESS : rv;
    }
    if (kept->former) {
        apr_shm_destroy(kept->former);
    }
    kept->former = kept->table;
    kept->former_capacity = kept->capacity;
    kept->replaced = apr_time_now();
    kept->table = segment;
    kept->capacity = capacity;
    shared->moved = 0;
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                 SVB_LOGNO(0021) "the client table holds %" APR_SIZE_T_FMT
                                 " clients in %" APR_SIZE_T_FMT " bytes",
                 capacity, svb_clients_size(capacity));
    return APR_SUCCESS;
}

static apr_status_t open_table(svb_clients **table, apr_shm_t *segment,
                               apr_size_t capacity, apr_pool_t *p)
{
    *table = NULL;
    return segment ? svb_clients_open(table, base_of(segment), capacity,
                                      shared->secret, records, p)
                   : APR_SUCCESS;
}

static apr_status_t attach_table(retained *kept, apr_pool_t *pconf,
                                 server_rec *s, apr_size_t capacity)
{
    apr_status_t rv = APR_SUCCESS;

    if (!kept->table || kept->capacity != capacity) {
        rv = make_table(kept, s, capacity);
    }
    if (rv == APR_SUCCESS) {
        rv = open_table(&clients, kept->table, kept->capacity, pconf);
    }
    if (rv == APR_SUCCESS) {
        rv = open_table(&former, kept->former, kept->former_capacity, pconf);
    }
    replaced = kept->replaced;
    return rv;
}

/* --------------------------------------------------------------- generations */

/* The MPM's number of those whom it will start next. */
static void begin_generation(void)
{
    int number;

    if (ap_mpm_query(AP_MPMQ_GENERATION, &number) == APR_SUCCESS) {
        generation = (unsigned)number;
    }
}

unsigned svb_segments_oldest_generation(void)
{
    return svb_generations_oldest(&current->generations, generation);
}

void svb_segments_child_status(server_rec *s, pid_t pid, ap_generation_t number,
                               int slot, mpm_child_status status)
{
    (void)s, (void)pid, (void)slot;
    if (current && status == MPM_CHILD_STARTED) {
        svb_generations_started(&current->generations, (unsigned)number);
    }
    else if (current && status == MPM_CHILD_EXITED) {
        svb_generations_ended(&current->generations, (unsigned)number);
    }
}

/* ---------------------------------------------------------------------- both */

apr_status_t svb_segments_attach(apr_pool_t *pconf, server_rec *main_server,
                                 apr_size_t capacity,
                                 const unsigned char *secret)
{
    retained *kept = ap_retained_data_get(RETAINED_KEY);
    apr_status_t rv = APR_SUCCESS;

    begin_generation();
    if (!fits(kept)) {
        kept = retain_anew(main_server);
        rv = make_nodes(kept, main_server, secret);
    }
    current = kept;
    if (rv == APR_SUCCESS) {
        rv = open_nodes(kept, pconf);
    }
    return rv == APR_SUCCESS ? attach_table(kept, pconf, main_server, capacity)
                             : rv;
}

void *svb_segments_extra(server_rec *main_server, apr_size_t size, int *is_new)
{
    apr_status_t rv = APR_SUCCESS;

    *is_new = !current->extra || current->extra_size != size;
    if (*is_new) {
        rv = make_segment(&current->extra, size, main_server);
        current->extra_size = rv == APR_SUCCESS ? size : 0;
    }
    if (rv != APR_SUCCESS) {
        current->extra = NULL;
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, main_server,
                     SVB_LOGNO(0137) "no memory for what front ends share "
                                     "(%" APR_SIZE_T_FMT " bytes)",
                     size);
        return NULL;
    }
    return base_of(current->extra);
}

static apr_status_t release_row(void *process)
{
    svb_rows_free(rows, row, *(apr_int64_t *)process);
    row = 0;
    return APR_SUCCESS;
}

void svb_segments_child_init(apr_pool_t *pchild)
{
    apr_int64_t *process = apr_palloc(pchild, sizeof(*process));

    *process = svb_process_self();
    row = svb_rows_claim(rows, *process, svb_process_is_alive);
    apr_pool_cleanup_register(pchild, process, release_row,
                              apr_pool_cleanup_null);
    svb_clients_begin_pass(clients);
}

void svb_segments_sweep(void)
{
    svb_rows_sweep(rows, svb_process_self(), svb_process_is_alive);
}

svb_records *svb_segments_records(void)
{
    return records;
}

svb_rows *svb_segments_rows(void)
{
    return rows;
}

svb_events *svb_segments_events(void)
{
    return events;
}

svb_paths *svb_segments_paths(void)
{
    return paths;
}

svb_moves *svb_segments_moves(void)
{
    return moves;
}

svb_history *svb_segments_history(void)
{
    return history;
}

svb_clients *svb_segments_clients(void)
{
    return clients;
}

svb_clients *svb_segments_former(apr_time_t *when)
{
    *when = replaced;
    return former;
}

svb_shared *svb_segments_shared(void)
{
    return shared;
}

int svb_segments_row(void)
{
    return row;
}
