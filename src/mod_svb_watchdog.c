/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "mod_svb_watchdog.h"

#include <mod_watchdog.h>

#include "mod_svb_shm.h"
#include "mod_svb_view.h"

#define WATCHDOG_NAME "_servoy_"
#define INTERVAL apr_time_from_sec(1)

static apr_status_t tick(int state, void *data, apr_pool_t *pool)
{
    if (state == AP_WATCHDOG_STATE_RUNNING) {
        svb_shm_sweep();
        svb_view_note_states(pool, data);
    }
    return APR_SUCCESS;
}

apr_status_t svb_watchdog_start(apr_pool_t *pconf, const svb_model *model)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get_instance =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *register_callback =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    ap_watchdog_t *watchdog;
    apr_status_t rv = APR_ENOTIMPL;

    if (get_instance && register_callback) {
        rv = get_instance(&watchdog, WATCHDOG_NAME, 0, 1, pconf);
    }
    if (rv == APR_SUCCESS) {
        rv = register_callback(watchdog, INTERVAL, model, tick);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, model->main_server,
                     SVB_LOGNO(0060) "cannot start the periodic work");
    }
    return rv;
}
