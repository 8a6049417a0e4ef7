/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "mod_startup.h"

#include <http_core.h>

#include "choice/mod_method.h"
#include "config/mod_checks.h"
#include "config/mod_directives.h"
#include "config/mod_model.h"
#include "config/mod_store.h"
#include "course/mod_windows.h"
#include "manager/mod_manager.h"
#include "memory/clients.h"
#include "memory/mod_clients.h"
#include "memory/mod_former.h"
#include "memory/mod_persist.h"
#include "memory/mod_segments.h"
#include "mod_watchdog.h"
#include "nodes/mod_admin.h"
#include "nodes/mod_condition.h"
#include "nodes/mod_members.h"
#include "share/mod_share.h"

static int is_first_pass(void)
{
    return ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG;
}

/* Log the problems of a level; say whether there were any. */
static int tell(const svb_model *model, int level)
{
    int i, any = 0;

    for (i = 0; i < model->problems->nelts; i++) {
        const svb_problem *problem =
            &APR_ARRAY_IDX(model->problems, i, svb_problem);

        if (problem->level == level) {
            ap_log_error(APLOG_MARK, level, 0, problem->server, "%s",
                         problem->text);
            any = 1;
        }
    }
    return any;
}

/* Where state is saved, or NULL. */
static const char *persist_path(apr_pool_t *p, const svb_model *model)
{
    return model->server->persist
               ? svb_persist_path(p, model->server->persist_file)
               : NULL;
}

/* The only hook that a configuration test runs. Errors stop a start here as
 * well; warnings wait for post_config, when there is a log to write them to. */
int svb_startup_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                      server_rec *s)
{
    const char *path;
    svb_model *model;

    (void)pconf, (void)plog;
    if (svb_checks_modules(s) != OK) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    model = svb_model_build(ptemp, s);
    svb_checks_run(model);
    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST) {
        tell(model, APLOG_WARNING);
    }
    path = persist_path(ptemp, model);
    if (path && !svb_persist_check(ptemp, s, path)) {
        tell(model, APLOG_ERR);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return tell(model, APLOG_ERR) ? HTTP_INTERNAL_SERVER_ERROR : OK;
}

/* Before mod_proxy_balancer's, which reads the method's name. */
int svb_startup_early(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                      server_rec *s)
{
    (void)pconf, (void)plog, (void)ptemp;
    svb_model_mend_lbmethod(s);
    return OK;
}

static void use_balancers(apr_pool_t *pconf, apr_pool_t *ptemp,
                          svb_model *model)
{
    svb_members_begin(ptemp, model);
    for (int i = 0; i < model->balancers->nelts; i++) {
        svb_members_init(pconf,
                         APR_ARRAY_IDX(model->balancers, i, svb_balancer *));
    }
    svb_members_end(model);
}

static apr_status_t begin_saving(apr_pool_t *pconf, const svb_model *model,
                                 const svb_persist *found)
{
    server_rec *s = model->main_server;
    const char *path = persist_path(pconf, model);

    if (!path) {
        svb_persist_end(pconf);
        return APR_SUCCESS;
    }
    svb_persist_check_size(s, (apr_size_t)model->server->client_table);
    return svb_persist_begin(pconf, s, path, found);
}

static void note_start(int is_restart)
{
    svb_events_add_server(svb_segments_events(),
                          is_restart ? "configuration read anew"
                                     : "server started",
                          "", apr_time_from_sec(60), apr_time_now());
}

/* Find the shared state, or make it, from what the last run has saved if there
 * is such. The nodes must have their places before their clients come. */
static apr_status_t attach_state(apr_pool_t *pconf, apr_pool_t *ptemp,
                                 svb_model *model)
{
    server_rec *s = model->main_server;
    const char *path = persist_path(ptemp, model);
    const svb_store *store = svb_store_get();
    int is_restart = svb_segments_exist();
    svb_persist *found =
        path && !is_restart ? svb_persist_look(ptemp, s, path) : NULL;
    apr_status_t rv =
        svb_segments_attach(pconf, s, (apr_size_t)model->server->client_table,
                            store->on ? store->key
                            : found   ? svb_persist_secret(found)
                                      : NULL);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    svb_clients_start(pconf);
    rv = svb_share_start(pconf, model);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    use_balancers(pconf, ptemp, model);
    svb_former_move();
    if (found) {
        svb_persist_restore(found, s);
    }
    svb_admin_apply(model);
    svb_clients_tick(apr_time_now());
    svb_history_take(svb_segments_history(), svb_segments_records(),
                     apr_time_now());
    note_start(is_restart);
    return begin_saving(pconf, model, found);
}

int svb_startup_post_config(apr_pool_t *pconf, apr_pool_t *plog,
                            apr_pool_t *ptemp, server_rec *s)
{
    svb_model *model;

    (void)plog;
    if (is_first_pass()) {
        return OK;
    }
    model = svb_model_build(pconf, s);
    svb_checks_run(model);
    tell(model, APLOG_WARNING);
    svb_store_use(s);
    if (attach_state(pconf, ptemp, model) != APR_SUCCESS
        || svb_watchdog_start(pconf, model) != APR_SUCCESS) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    svb_condition_start();
    svb_method_use(model);
    svb_manager_use(model);
    return OK;
}

void svb_startup_child(apr_pool_t *pchild, server_rec *s)
{
    svb_segments_child_init(pchild);
    svb_windows_start(pchild, s);
}
