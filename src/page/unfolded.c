/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/unfolded.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_tables.h>

#include "nodes/action.h"
#include "report/verdict.h"

#define U64 "%" APR_UINT64_T_FMT

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* How many of its last events a node shows. */
#define EVENTS 8

/* What a node's row is unfolded from. */
typedef struct unfolded {
    const svb_snapshot *snap;
    const svb_snap_node *node;
} unfolded;

/* ------------------------------------------------------------------ facts */

static const char *number(apr_pool_t *p, apr_uint64_t n)
{
    return apr_psprintf(p, U64, n);
}

static const char *bytes(apr_pool_t *p, apr_uint64_t n)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double shown = (double)n;
    int unit = 0;

    while (shown >= 1024 && unit < COUNT(units) - 1) {
        shown /= 1024;
        unit++;
    }
    return apr_psprintf(p, unit ? "%.1f %s" : "%.0f %s", shown, units[unit]);
}

typedef const char *fact_fn(apr_pool_t *p, const svb_snap_node *node);

static const char *explained(apr_pool_t *p, const svb_snap_node *node)
{
    (void)p;
    return svb_state_describe(node->state)->explained;
}

static const char *reason(apr_pool_t *p, const svb_snap_node *node)
{
    (void)p;
    return node->reason;
}

static const char *url(apr_pool_t *p, const svb_snap_node *node)
{
    (void)p;
    return node->url;
}

static const char *group(apr_pool_t *p, const svb_snap_node *node)
{
    (void)p;
    return node->group;
}

static const char *windowed(apr_pool_t *p, const svb_snap_node *node)
{
    return node->windowed > 0
               ? apr_psprintf(p,
                              U64 " of " U64 " web users live by their "
                                  "WebSockets",
                              node->windowed, node->web)
               : "";
}

static const char *share(apr_pool_t *p, const svb_snap_node *node)
{
    return svb_view_fraction(p, node->loadfactor);
}

static const char *limit(apr_pool_t *p, const svb_snap_node *node)
{
    return node->maxclients > 0 ? number(p, node->maxclients) : "no limit";
}

/* Unless it is why the node is in its state, which stands there already. */
static const char *said(apr_pool_t *p, const svb_snap_node *node)
{
    (void)p;
    return node->said && node->reason && strcmp(node->said, node->reason) == 0
               ? ""
               : node->said;
}

static const char *begun(apr_pool_t *p, const svb_snap_node *node)
{
    return apr_psprintf(p, U64 " elected, " U64 " launches",
                        node->counters[SVB_CTR_ELECTED],
                        node->counters[SVB_CTR_LAUNCHES]);
}

static const char *sticky(apr_pool_t *p, const svb_snap_node *node)
{
    return number(p, node->counters[SVB_CTR_STICKY]);
}

static const char *failovers(apr_pool_t *p, const svb_snap_node *node)
{
    return apr_psprintf(p, U64 " went elsewhere, " U64 " came from elsewhere",
                        node->counters[SVB_CTR_FAILED_OVER_FROM],
                        node->counters[SVB_CTR_FAILED_OVER_TO]);
}

static const char *errors(apr_pool_t *p, const svb_snap_node *node)
{
    return number(p, node->counters[SVB_CTR_ERRORS]);
}

static const char *refused(apr_pool_t *p, const svb_snap_node *node)
{
    return number(p, node->counters[SVB_CTR_MAINTENANCE_HITS]);
}

static const char *traffic(apr_pool_t *p, const svb_snap_node *node)
{
    return apr_psprintf(p, "%s to it, %s from it", bytes(p, node->bytes_to),
                        bytes(p, node->bytes_from));
}

/* What is not there is left out. */
static const struct {
    const char *term;
    fact_fn *say;
} facts[] = {
    {"State", explained},
    {"Why", reason},
    {"Set by", said},
    {"Direct URL", url},
    {"Group", group},
    {"Load factor", share},
    {"May hold", limit},
    {"Windows", windowed},
    {"New users, since the last reset", begun},
    {"Requests of its users", sticky},
    {"Failovers", failovers},
    {"Failed attempts", errors},
    {"New users refused in maintenance", refused},
    {"Traffic", traffic},
};

/* A link only where it is what it should be: a URL from a bad configuration might
 * be a script. */
static int is_link(const char *text)
{
    return strncmp(text, "http://", 7) == 0
           || strncmp(text, "https://", 8) == 0;
}

static void fill_fact(svb_view *v, const void *baton, int at)
{
    const unfolded *u = baton;
    const char *fact = facts[at].say(svb_view_pool(v), u->node);

    fact = fact ? fact : "";
    svb_view_text(v, "term", *fact ? facts[at].term : "");
    svb_view_text(v, "fact", fact);
    svb_view_text(v, "link", facts[at].say == url && is_link(fact) ? fact : "");
}

static void fill_until(svb_view *v, const svb_snap_node *node)
{
    svb_view_time(v, "until", node->until);
}

static void fill_member(svb_view *v, const void *baton, int at)
{
    const unfolded *u = baton;
    const svb_snap_member *m =
        APR_ARRAY_IDX(u->node->members, at, svb_snap_member *);
    apr_pool_t *p = svb_view_pool(v);

    svb_view_text(v, "member", m->worker);
    svb_view_text(v, "balancer", m->balancer);
    svb_view_text(v, "member_is", m->up ? "ok" : "bad");
    svb_view_text(v, "member_word",
                  m->up ? "\xe2\x9c\x93 up" : "\xe2\x96\xb2 down");
    svb_view_text(
        v, "member_says",
        apr_psprintf(p, "%s; mod_proxy: %s, " U64 " busy%s",
                     m->reason ? m->reason : "", m->status, m->busy,
                     m->lbset ? apr_psprintf(p, ", set %d", m->lbset) : ""));
}

/* ---------------------------------------------------------------- actions */

/* All that can be done, but for the loadfactor, which has a field. */
static const struct {
    svb_action_kind action;
    int asks; /* it costs something */
    const char *label, *explained;
} buttons[] = {
    {SVB_ACTION_DRAIN, 1, "Drain\xe2\x80\xa6",
     "No new users; those it has stay."},
    {SVB_ACTION_ENABLE, 0, "Back to work",
     "Takes new users again, from whatever an administrator set."},
    {SVB_ACTION_DISABLE, 1, "Take out\xe2\x80\xa6",
     "No requests at all; its users move to other nodes."},
    {SVB_ACTION_CLOSE, 1, "Close WebSockets\xe2\x80\xa6",
     "Their browsers connect again: elsewhere, once it is taken out."},
    {SVB_ACTION_MAINTENANCE, 1, "Maintenance\xe2\x80\xa6",
     "Does what draining does, under the name of maintenance."},
    {SVB_ACTION_FORGET, 1, "Forget users\xe2\x80\xa6",
     "Counts from 0; who asks again is counted again."},
    {SVB_ACTION_RESET, 1, "Reset counters\xe2\x80\xa6",
     "Sets its counters to 0."},
};

static void fill_button(svb_view *v, const void *baton, int at)
{
    const char *name = svb_action_name(buttons[at].action);

    (void)baton;
    svb_view_text(v, "may_post", buttons[at].asks ? "" : name);
    svb_view_text(v, "may_ask", buttons[at].asks ? name : "");
    svb_view_text(v, "button", buttons[at].label);
    svb_view_text(v, "does", buttons[at].explained);
}

/* ----------------------------------------------------------------- events */

void svb_unfolded_event(svb_view *v, const void *baton, int at)
{
    const svb_snap_event *event = ((const svb_snap_event *const *)baton)[at];
    apr_pool_t *p = svb_view_pool(v);
    const char *to = event->to ? event->to : "";
    int is_state = *to && event->from;

    svb_view_text(v, "event_key",
                  apr_psprintf(p, "%" APR_TIME_T_FMT " %s %s", event->time,
                               event->node ? event->node : "", to));
    svb_view_time(v, "at", event->time);
    svb_view_text(v, "about", event->node);
    svb_view_text(
        v, "became",
        !is_state      ? ""
        : *event->from ? apr_psprintf(
              p, "%s, was %s", strcmp(to, "error") == 0 ? "down" : to,
              strcmp(event->from, "error") == 0 ? "down" : event->from)
                       : to);
    svb_view_text(v, "happened", event->reason);
    svb_view_text(v, "event_kind", event->kind);
}

static int is_of(const svb_snap_event *event, const svb_snap_fleet *fleet,
                 const svb_snap_node *node)
{
    return event->node && event->fleet && node->route && fleet->name
           && strcmp(event->node, node->route) == 0
           && strcmp(event->fleet, fleet->name) == 0;
}

static void add_events(svb_view *v, const svb_snapshot *snap,
                       const svb_snap_fleet *fleet, const svb_snap_node *node)
{
    const svb_snap_event **its =
        apr_palloc(svb_view_pool(v), EVENTS * sizeof(*its));
    int n = 0;

    for (int i = 0; i < snap->events->nelts && n < EVENTS; i++) {
        const svb_snap_event *event =
            &APR_ARRAY_IDX(snap->events, i, svb_snap_event);

        if (is_of(event, fleet, node)) {
            its[n++] = event;
        }
    }
    svb_view_list(v, "its_events", n, svb_unfolded_event, its);
}

static void fill_more(svb_view *v, const void *baton, int at)
{
    const unfolded *u = baton;

    (void)at;
    svb_view_list(v, "facts", COUNT(facts), fill_fact, u);
    svb_view_list(v, "members", u->node->members->nelts, fill_member, u);
    fill_until(v, u->node);
    if (u->snap->actions && u->node->route && *u->node->route) {
        svb_view_list(v, "buttons", COUNT(buttons), fill_button, u);
        svb_view_text(v, "loadfactor",
                      svb_view_fraction(svb_view_pool(v), u->node->loadfactor));
    }
}

void svb_unfolded_add(svb_view *v, const svb_snapshot *snap,
                      const svb_snap_fleet *fleet, const svb_snap_node *node)
{
    unfolded *u = apr_palloc(svb_view_pool(v), sizeof(*u));

    *u = (unfolded){snap, node};
    add_events(v, snap, fleet, node);
    svb_view_list(v, "unfolded", 1, fill_more, u);
}
