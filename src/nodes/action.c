/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/action.h"

#include <stddef.h>

static const char *const names[SVB_ACTIONS] = {
    [SVB_ACTION_DRAIN] = "drain",     [SVB_ACTION_ENABLE] = "enable",
    [SVB_ACTION_DISABLE] = "disable", [SVB_ACTION_MAINTENANCE] = "maintenance",
    [SVB_ACTION_CLOSE] = "close",     [SVB_ACTION_LOADFACTOR] = "loadfactor",
    [SVB_ACTION_FORGET] = "forget",   [SVB_ACTION_RESET] = "reset",
};

const char *svb_action_name(svb_action_kind kind)
{
    return (unsigned int)kind < SVB_ACTIONS ? names[kind] : "";
}
