/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/action.h"

#include <stddef.h>

static const char *const names[SVB_ACTIONS] = {
    [SVB_ACTION_DRAIN] = "drain",     [SVB_ACTION_ENABLE] = "enable",
    [SVB_ACTION_DISABLE] = "disable", [SVB_ACTION_MAINTENANCE] = "maintenance",
    [SVB_ACTION_CLOSE] = "close",     [SVB_ACTION_LOADFACTOR] = "loadfactor",
    [SVB_ACTION_FORGET] = "forget",   [SVB_ACTION_RESET] = "reset",
};

static const char *const done[SVB_ACTIONS] = {
    [SVB_ACTION_DRAIN] = "drained",
    [SVB_ACTION_ENABLE] = "enabled",
    [SVB_ACTION_DISABLE] = "disabled",
    [SVB_ACTION_MAINTENANCE] = "put in maintenance",
    [SVB_ACTION_CLOSE] = "WebSockets closed",
    [SVB_ACTION_LOADFACTOR] = "loadfactor set",
    [SVB_ACTION_FORGET] = "clients forgotten",
    [SVB_ACTION_RESET] = "counters set to zero",
};

int svb_action_is_kept(svb_action_kind kind)
{
    return kind == SVB_ACTION_DRAIN || kind == SVB_ACTION_DISABLE
           || kind == SVB_ACTION_MAINTENANCE;
}

const char *svb_action_done(svb_action_kind kind)
{
    return (unsigned int)kind < SVB_ACTIONS ? done[kind] : "";
}

const char *svb_action_name(svb_action_kind kind)
{
    return (unsigned int)kind < SVB_ACTIONS ? names[kind] : "";
}
