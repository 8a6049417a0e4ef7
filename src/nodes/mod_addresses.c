/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_addresses.h"

#include <stdatomic.h>

#include <apr_shm.h>
#include <apr_strings.h>
#include <apr_thread_pool.h>

#include "config/mod_store.h"
#include "nodes/addresses.h"
#include "nodes/mod_targets.h"

/* How many names are looked up side by side, so that those which hang do not keep
 * the others. */
#define AT_ONCE 16

static svb_addresses *addresses;

apr_status_t svb_addresses_start(apr_pool_t *pconf, server_rec *main_server)
{
    apr_shm_t *shm;
    apr_status_t rv = apr_shm_create(&shm, svb_addresses_size(), NULL, pconf);

    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, main_server,
                     SVB_LOGNO(0064) "no shared memory for addresses");
        return rv;
    }
    memset(apr_shm_baseaddr_get(shm), 0, svb_addresses_size());
    svb_addresses_open(&addresses, apr_shm_baseaddr_get(shm), pconf);
    return APR_SUCCESS;
}

apr_sockaddr_t *svb_addresses_of(const char *host, apr_port_t port,
                                 apr_pool_t *p)
{
    return svb_addresses_get(addresses, host, port, p);
}

/* -------------------------------------------------------------- looking up */

/* This process's threads for it; NULL until one is needed. */
static apr_pool_t *pool;
static apr_thread_pool_t *threads;

/* By place: the name is being looked up, or waits for that. */
static _Atomic char is_under_way[SVB_ADDRESSES_HOSTS];

typedef struct {
    apr_pool_t *p; /* its own */
    const char *host;
    int place;
} look_up;

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *data)
{
    look_up *job = data;
    apr_sockaddr_t *found = NULL;

    (void)thread;
    if (apr_sockaddr_info_get(&found, job->host, APR_UNSPEC, 0, 0, job->p)
        != APR_SUCCESS) {
        found = NULL;
    }
    svb_addresses_put(addresses, job->place, found, apr_time_now());
    atomic_store(&is_under_way[job->place], 0);
    apr_pool_destroy(job->p);
    return NULL;
}

static int have_threads(void)
{
    if (!pool && apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 0;
    }
    return threads
           || apr_thread_pool_create(&threads, 0, AT_ONCE, pool) == APR_SUCCESS;
}

static void begin(const char *host, int place)
{
    apr_pool_t *p;
    look_up *job;

    if (!have_threads() || apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return;
    }
    apr_pool_tag(p, "svb_addresses");
    job = apr_palloc(p, sizeof(*job));
    job->p = p;
    job->host = apr_pstrdup(p, host);
    job->place = place;
    atomic_store(&is_under_way[place], 1);
    if (apr_thread_pool_push(threads, run, job, APR_THREAD_TASK_PRIORITY_NORMAL,
                             NULL)
        != APR_SUCCESS) {
        atomic_store(&is_under_way[place], 0);
        apr_pool_destroy(p);
    }
}

static void begin_if_due(const char *host, apr_time_t now)
{
    int place = host && !svb_addresses_is_literal(host)
                    ? svb_addresses_place(addresses, host)
                    : -1;

    if (place >= 0 && !atomic_load(&is_under_way[place])
        && svb_addresses_is_due(addresses, place, now)) {
        begin(host, place);
    }
}

void svb_addresses_look_up(const svb_model *model, apr_pool_t *p)
{
    apr_time_t now = apr_time_now();
    const apr_array_header_t *targets =
        svb_targets_list(p, model->balancers, -1);

    for (int i = 0; i < targets->nelts; i++) {
        const svb_target *target = APR_ARRAY_IDX(targets, i, svb_target *);

        for (int j = 0; target->is_asked && j < target->endpoints->nelts; j++) {
            begin_if_due(APR_ARRAY_IDX(target->endpoints, j, svb_endpoint).host,
                         now);
        }
    }
    begin_if_due(svb_store_get()->address.host, now);
}

void svb_addresses_stop(void)
{
    if (threads) {
        apr_thread_pool_destroy(threads);
        threads = NULL;
    }
}
