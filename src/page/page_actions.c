/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/page_actions.h"

#include "nodes/action.h"

/* A literal with gaps, whose texts become HTML. */
#define put(s, ...) svb_sink_fill((s), svb_sink_html, __VA_ARGS__)

/* The first four are in plain sight, the others stand in what unfolds. Those
 * that take something from users ask first. */
static const struct {
    svb_action_kind action;
    const char *label;
    const char *explained;
    const char *ask; /* followed by the route and "?", or NULL */
    int folded;
} buttons[] = {
    {SVB_ACTION_DRAIN, "Drain", "Takes no new clients, keeps those it has",
     NULL, 0},
    {SVB_ACTION_ENABLE, "Enable", "Back to normal", NULL, 0},
    {SVB_ACTION_MAINTENANCE, "Maintenance",
     "Takes no new clients until it is enabled", NULL, 0},
    {SVB_ACTION_DISABLE, "Disable", "No requests at all, its clients move",
     "Cut off all clients of", 0},
    {SVB_ACTION_CLOSE, "Close WebSockets",
     "Its clients connect again, elsewhere once it is disabled",
     "Close all WebSockets of", 1},
    {SVB_ACTION_FORGET, "Forget clients",
     "Drops the node's clients from the table", "Forget all clients of", 1},
    {SVB_ACTION_RESET, "Reset counters", "Zeroes the node's counters", NULL, 1},
};

static void put_form_start(svb_sink *s, const svb_snapshot *snap,
                           const svb_snap_fleet *fleet,
                           const svb_snap_node *node)
{
    put(s,
        "<form method=\"post\" aria-label=\"Actions on %s\">"
        "<input type=\"hidden\" name=\"fleet\" value=\"%s\">"
        "<input type=\"hidden\" name=\"node\" value=\"%s\">"
        "<input type=\"hidden\" name=\"nonce\" value=\"%s\">",
        node->route, fleet->name, node->route, snap->nonce);
}

/* A form of its own: Return in its field must not press another button. */
static void put_loadfactor_form(svb_sink *s, const svb_snapshot *snap,
                                const svb_snap_fleet *fleet,
                                const svb_snap_node *node)
{
    put_form_start(s, snap, fleet, node);
    svb_sink_raw(s, "<label>Load factor <input type=\"number\" "
                    "name=\"value\" step=\"0.01\" required min=\"");
    svb_sink_double(s, SVB_LOADFACTOR_MIN);
    svb_sink_raw(s, "\" max=\"");
    svb_sink_double(s, SVB_LOADFACTOR_MAX);
    svb_sink_raw(s, "\" value=\"");
    svb_sink_double(s, node->loadfactor);
    put(s,
        "\"></label> <button name=\"action\" value=\"%s\">Set</button>"
        "</form>\n",
        svb_action_name(SVB_ACTION_LOADFACTOR));
}

void svb_page_actions(svb_sink *s, const svb_snapshot *snap,
                      const svb_snap_fleet *fleet, const svb_snap_node *node,
                      int folded)
{
    if (folded) {
        put_loadfactor_form(s, snap, fleet, node);
    }
    put_form_start(s, snap, fleet, node);
    for (apr_size_t i = 0; i < sizeof(buttons) / sizeof(buttons[0]); i++) {
        if (buttons[i].folded != folded) {
            continue;
        }
        put(s, "<button name=\"action\" value=\"%s\" title=\"%s",
            svb_action_name(buttons[i].action), buttons[i].explained);
        if (buttons[i].ask) {
            put(s, "\" data-ask=\"%s %s?", buttons[i].ask, node->route);
        }
        put(s, "\">%s</button>", buttons[i].label);
    }
    svb_sink_raw(s, "</form>\n");
}
