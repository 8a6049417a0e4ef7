/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "mod_watchdog.h"

#include <mod_watchdog.h>

#include "memory/clients.h"
#include "memory/events.h"
#include "memory/evictions.h"
#include "memory/history.h"
#include "memory/mod_autosave.h"
#include "memory/mod_clients.h"
#include "memory/mod_former.h"
#include "memory/mod_segments.h"
#include "nodes/mod_addresses.h"
#include "nodes/mod_admin.h"
#include "nodes/mod_census.h"
#include "nodes/mod_probe.h"
#include "share/mod_hints.h"
#include "share/mod_share.h"

#define TICK_EVERY apr_time_from_sec(1)

/* A node may be killed and be there again within a second: that has to be seen. */
#define PROBE_EVERY apr_time_from_msec(250)

/* What an administrator says has to be on the disk within a second. */
#define SAVE_EVERY apr_time_from_msec(250)

/* So often is it an event. */
#define EVICTIONS_EVERY apr_time_from_sec(3600)

/* A table that is too small forgets clients. */
static void tell_evictions(const svb_model *model, apr_time_t now)
{
    svb_clients *clients = svb_segments_clients();
    apr_uint64_t evicted =
        svb_evictions_to_tell(svb_clients_evictions(clients), now);

    if (evicted) {
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, model->main_server,
            SVB_LOGNO(0061) "the client table is full: %" APR_UINT64_T_FMT
                            " clients were dropped so far, and are "
                            "counted again with their next request; give "
                            "ServoyClientTable more than %" APR_SIZE_T_FMT,
            evicted, svb_clients_capacity(clients));
        svb_events_add_server(svb_segments_events(), "the client table is full",
                              ": give ServoyClientTable more", EVICTIONS_EVERY,
                              now);
    }
}

static apr_status_t tick(int state, void *data, apr_pool_t *pool)
{
    if (state == AP_WATCHDOG_STATE_RUNNING) {
        apr_time_t now = apr_time_now();

        svb_segments_sweep();
        svb_former_follow(now);
        svb_clients_tick(now);
        tell_evictions(data, now);
        svb_admin_reconcile(data);
        svb_census_note_all(data, pool, now);
        svb_history_take(svb_segments_history(), svb_segments_records(), now);
    }
    return APR_SUCCESS;
}

static apr_status_t probe(int state, void *data, apr_pool_t *pool)
{
    if (state == AP_WATCHDOG_STATE_RUNNING) {
        svb_probe_round(data, pool);
    }
    return APR_SUCCESS;
}

static apr_status_t look_up(int state, void *data, apr_pool_t *pool)
{
    if (state == AP_WATCHDOG_STATE_RUNNING) {
        svb_addresses_look_up(data, pool);
    }
    else if (state == AP_WATCHDOG_STATE_STOPPING) {
        svb_addresses_stop();
    }
    return APR_SUCCESS;
}

static apr_status_t share(int state, void *data, apr_pool_t *pool)
{
    if (state == AP_WATCHDOG_STATE_RUNNING) {
        svb_share_tick(data, pool);
    }
    return APR_SUCCESS;
}

static apr_status_t ask(int state, void *data, apr_pool_t *pool)
{
    if (state == AP_WATCHDOG_STATE_RUNNING) {
        svb_hints_ask(data, pool);
    }
    return APR_SUCCESS;
}

static apr_status_t save(int state, void *data, apr_pool_t *pool)
{
    const svb_model *model = data;

    (void)pool;
    if (state == AP_WATCHDOG_STATE_RUNNING) {
        svb_autosave_tick(model->main_server);
    }
    else if (state == AP_WATCHDOG_STATE_STOPPING) {
        svb_autosave_stop();
    }
    return APR_SUCCESS;
}

/* As often as there are watchdogs' slices. */
#define SHARE_EVERY apr_time_from_msec(100)

/* Each has a thread of its own: what waits for nodes or for the disk must
 * not keep the rest. */
static const struct {
    const char *name;
    apr_interval_time_t every;
    ap_watchdog_callback_fn_t *callback;
    int for_sharing;
} watchdogs[] = {
    {"_servoy_", TICK_EVERY, tick, 0},
    {"_servoy_probe_", PROBE_EVERY, probe, 0},
    {"_servoy_names_", TICK_EVERY, look_up, 0},
    {"_servoy_save_", SAVE_EVERY, save, 0},
    {"_servoy_share_", SHARE_EVERY, share, 1},
    {"_servoy_hints_", SHARE_EVERY, ask, 1},
};

static apr_status_t start(apr_pool_t *pconf, const svb_model *model, int i)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get_instance =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *register_callback =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    ap_watchdog_t *watchdog;
    apr_status_t rv;

    if (!get_instance || !register_callback) {
        return APR_ENOTIMPL;
    }
    rv = get_instance(&watchdog, watchdogs[i].name, 0, 1, pconf);
    return rv == APR_SUCCESS ? register_callback(watchdog, watchdogs[i].every,
                                                 model, watchdogs[i].callback)
                             : rv;
}

apr_status_t svb_watchdog_start(apr_pool_t *pconf, const svb_model *model)
{
    int n = sizeof(watchdogs) / sizeof(watchdogs[0]);
    apr_status_t rv = svb_addresses_start(pconf, model->main_server);

    for (int i = 0; rv == APR_SUCCESS && i < n; i++) {
        if (svb_sharing() || !watchdogs[i].for_sharing) {
            rv = start(pconf, model, i);
        }
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, model->main_server,
                     SVB_LOGNO(0060) "cannot start the periodic work");
    }
    return rv;
}
