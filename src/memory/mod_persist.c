/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/mod_persist.h"

#include <unistd.h>

#include <http_core.h>

#include "memory/mod_segments.h"
#include "memory/save.h"

#define DEFAULT_FILE "servoy_balancer.state"

/* What the cleanup at the parent's end needs. */
typedef struct {
    apr_pool_t *p;
    server_rec *server;
    const char *path;
    pid_t parent;
} ending;

const char *svb_persist_path(apr_pool_t *p, const char *file)
{
    return ap_runtime_dir_relative(p, file ? file : DEFAULT_FILE);
}

/* A file that cannot be used is kept for whoever wants to look, out of the way
 * of the next one. */
static void set_aside(apr_pool_t *p, server_rec *s, const char *path,
                      apr_status_t why, const char *err)
{
    const char *to;
    apr_status_t rv;

    if (APR_STATUS_IS_ENOENT(why)) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                     SVB_LOGNO(0080) "no saved state in %s: starting empty",
                     path);
        return;
    }
    rv = svb_save_set_aside(path, apr_time_now(), p, &to);
    ap_log_error(APLOG_MARK, APLOG_WARNING, rv == APR_SUCCESS ? 0 : rv, s,
                 SVB_LOGNO(0081) "saved state not used, starting empty: %s: "
                                 "%s; %s%s",
                 path, err,
                 rv == APR_SUCCESS ? "the file is now " : "it stays in place",
                 rv == APR_SUCCESS ? to : "");
}

int svb_persist_secret(apr_pool_t *p, server_rec *s, const char *path,
                       unsigned char *secret)
{
    const char *err = NULL;
    apr_status_t rv;

    rv = svb_save_read_secret(path, secret, p, &err);
    if (rv != APR_SUCCESS) {
        set_aside(p, s, path, rv, err);
    }
    return rv == APR_SUCCESS;
}

void svb_persist_restore(apr_pool_t *p, server_rec *s, const char *path)
{
    const char *err = NULL;
    svb_save_result result;
    apr_status_t rv =
        svb_save_read(path, svb_segments_records(), svb_segments_clients(),
                      apr_time_now(), p, &result, &err);

    if (rv != APR_SUCCESS) {
        set_aside(p, s, path, rv, err);
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                 SVB_LOGNO(0082) "saved state restored from %s: %u nodes, "
                                 "%" APR_UINT64_T_FMT
                                 " clients; %" APR_UINT64_T_FMT
                                 " clients are gone by now",
                 path, result.nodes, result.clients, result.skipped);
}

/* pconf goes at restarts as well, when the memory stays; and it may go in a
 * child, which has nothing to save. */
static apr_status_t save(void *baton)
{
    const ending *end = baton;
    const char *err = NULL;
    apr_status_t rv;

    if (getpid() != end->parent
        || ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_EXITING) {
        return APR_SUCCESS;
    }
    rv = svb_save_write(end->path, svb_segments_records(),
                        svb_segments_clients(), svb_segments_shared()->secret,
                        apr_time_now(), end->p, &err);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, end->server,
                     SVB_LOGNO(0083) "state not saved: %s: %s", end->path, err);
    }
    return rv;
}

void svb_persist_at_exit(apr_pool_t *pconf, server_rec *s, const char *path)
{
    ending *end = apr_pcalloc(pconf, sizeof(*end));

    end->p = pconf;
    end->server = s;
    end->path = path;
    end->parent = getpid();
    /* Before pconf's own subpools and files go. */
    apr_pool_pre_cleanup_register(pconf, end, save);
}
