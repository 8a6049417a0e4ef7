/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "mod_svb_shm.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <apr_shm.h>

#define RETAINED_KEY "mod_servoy_balancer"
#define MAGIC 0x53564253484d3031u /* grows with every change of layout */
#define ALIGNMENT 64

typedef struct {
    apr_uint64_t magic;
    apr_uint64_t size;
    apr_time_t started;
} header;

/* What outlives the module's unloading at a restart. */
typedef struct {
    apr_shm_t *segment;
} retained;

static svb_fleet *fleet;
static const header *head;
static int row;

#define ROUNDED(size) (((size) + ALIGNMENT - 1) & ~(apr_size_t)(ALIGNMENT - 1))

static apr_size_t segment_size(void)
{
    return ALIGNMENT + ROUNDED(sizeof(header)) + svb_fleet_size();
}

static header *header_of(apr_shm_t *segment)
{
    return (header *)ROUNDED((apr_uintptr_t)apr_shm_baseaddr_get(segment));
}

static apr_status_t make_segment(retained *kept, server_rec *s)
{
    apr_status_t rv;

    /* From the process's pool: pconf goes at every restart. */
    rv = apr_shm_create(&kept->segment, segment_size(), NULL, s->process->pool);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s,
                     SVB_LOGNO(0020) "cannot make %" APR_SIZE_T_FMT " bytes of "
                                     "shared memory for the nodes",
                     segment_size());
        return rv;
    }
    header_of(kept->segment)->magic = MAGIC;
    header_of(kept->segment)->size = segment_size();
    header_of(kept->segment)->started = apr_time_now();
    return APR_SUCCESS;
}

apr_status_t svb_shm_attach(apr_pool_t *pconf, server_rec *main_server)
{
    retained *kept = ap_retained_data_get(RETAINED_KEY);
    apr_status_t rv = APR_SUCCESS;

    if (!kept) {
        kept = ap_retained_data_create(RETAINED_KEY, sizeof(*kept));
    }
    if (!kept->segment || header_of(kept->segment)->magic != MAGIC
        || header_of(kept->segment)->size != segment_size()) {
        rv = make_segment(kept, main_server);
    }
    if (rv == APR_SUCCESS) {
        head = header_of(kept->segment);
        rv = svb_fleet_open(&fleet, (char *)head + ROUNDED(sizeof(header)),
                            pconf);
    }
    return rv;
}

static int is_alive(apr_int64_t pid)
{
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

static apr_status_t release_row(void *dummy)
{
    (void)dummy;
    svb_fleet_row_release(fleet, row, getpid());
    row = 0;
    return APR_SUCCESS;
}

void svb_shm_child_init(apr_pool_t *pchild)
{
    row = svb_fleet_row_claim(fleet, getpid(), is_alive);
    apr_pool_cleanup_register(pchild, NULL, release_row, apr_pool_cleanup_null);
}

svb_fleet *svb_shm_fleet(void)
{
    return fleet;
}

int svb_shm_row(void)
{
    return row;
}

apr_time_t svb_shm_started(void)
{
    return head->started;
}

void svb_shm_sweep(void)
{
    svb_fleet_rows_sweep(fleet, getpid(), is_alive);
}
