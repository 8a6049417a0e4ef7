/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/state.h"

/* Indexed by svb_state. "error" is the only bad one: disabled and stopped were
 * somebody's decision, and a page that cries for those hides the real ones. */
static const svb_state_info states[SVB_STATES] = {
    [SVB_STATE_READY] = {"ready", "ready", SVB_SEVERITY_OK, 1, 1,
                         "Serves its clients and takes new ones."},
    [SVB_STATE_SLOWSTART] = {"slowstart", "starting slowly", SVB_SEVERITY_BUSY,
                             1, 1,
                             "Came up lately: its share of new clients grows "
                             "to the full one."},
    [SVB_STATE_DEGRADED] = {"degraded", "degraded", SVB_SEVERITY_WARN, 1, 1,
                            "One of its members cannot be reached: takes new "
                            "clients only when no whole node can."},
    [SVB_STATE_SUSPECT] = {"suspect", "suspect", SVB_SEVERITY_BAD, 1, 0,
                           "Answers new clients with errors: they are sent "
                           "elsewhere, but for one now and then who tries."},
    [SVB_STATE_FULL] = {"full", "full", SVB_SEVERITY_WARN, 1, 0,
                        "Holds as many clients as it may: takes no new ones."},
    [SVB_STATE_DRAINING] = {"draining", "draining", SVB_SEVERITY_BUSY, 1, 0,
                            "Serves the clients it has and takes no new ones, "
                            "until it is enabled."},
    [SVB_STATE_MAINTENANCE] = {"maintenance", "in maintenance",
                               SVB_SEVERITY_WARN, 1, 0,
                               "Serves the clients it has and refuses new "
                               "ones: maintenance mode."},
    [SVB_STATE_STANDBY] = {"standby", "on standby", SVB_SEVERITY_BUSY, 1, 0,
                           "Hot standby: takes new clients only when no "
                           "other node can."},
    [SVB_STATE_SPARE] = {"spare", "spare", SVB_SEVERITY_BUSY, 1, 0,
                         "Hot spare: steps in for a node that cannot serve."},
    [SVB_STATE_SILENT] = {"silent", "silent", SVB_SEVERITY_BAD, 1, 0,
                          "Does not answer, or too late: keeps its clients "
                          "for a while, gets no new ones and no launches."},
    [SVB_STATE_ERROR] = {"error", "in error", SVB_SEVERITY_BAD, 0, 0,
                         "Cannot be reached or failed its health check: "
                         "serves nobody."},
    [SVB_STATE_DISABLED] = {"disabled", "disabled", SVB_SEVERITY_WARN, 0, 0,
                            "Disabled by an administrator: serves nobody."},
    [SVB_STATE_STOPPED] = {"stopped", "stopped", SVB_SEVERITY_WARN, 0, 0,
                           "Stopped by an administrator: serves nobody."},
};

static const char *const severities[SVB_SEVERITIES] = {
    [SVB_SEVERITY_OK] = "ok",
    [SVB_SEVERITY_BUSY] = "busy",
    [SVB_SEVERITY_WARN] = "warn",
    [SVB_SEVERITY_BAD] = "bad",
};

svb_state svb_state_best(svb_state a, svb_state b)
{
    return a < b ? a : b;
}

int svb_state_is_out(svb_state state)
{
    return state == SVB_STATE_DISABLED || state == SVB_STATE_STOPPED;
}

const svb_state_info *svb_state_describe(svb_state state)
{
    if ((unsigned int)state >= SVB_STATES) {
        state = SVB_STATE_ERROR;
    }
    return &states[state];
}

const char *svb_state_name(svb_state state)
{
    return svb_state_describe(state)->name;
}

const char *svb_state_severity_name(svb_severity severity)
{
    if ((unsigned int)severity >= SVB_SEVERITIES) {
        severity = SVB_SEVERITY_BAD;
    }
    return severities[severity];
}
