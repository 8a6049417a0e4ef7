/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/note.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "page/rows.h"

#define U64 "%" APR_UINT64_T_FMT

/* A node and what is done to it. */
typedef struct matter {
    const svb_snapshot *snap;
    const svb_snap_fleet *fleet;
    const svb_snap_node *node;
    const svb_place *place;
    apr_uint64_t users;
    apr_uint64_t others; /* nodes that take new users besides it */
} matter;

typedef const char *say_fn(apr_pool_t *p, const matter *m);

static const char *users(apr_pool_t *p, apr_uint64_t n)
{
    return apr_psprintf(p, U64 " user%s", n, n == 1 ? "" : "s");
}

/* -------------------------------------------------------------- what it costs */

/* "1 node is left for new users." */
static const char *left(apr_pool_t *p, const matter *m)
{
    return m->others == 0
               ? "No node is left for new users: they are turned away with 503."
               : apr_psprintf(p, U64 " node%s left for new users.", m->others,
                              m->others == 1 ? " is" : "s are");
}

static const char *drained(apr_pool_t *p, const matter *m)
{
    return m->users == 0
               ? "Nobody is on it."
               : apr_psprintf(p,
                              "Its %s stay%s on it until they are "
                              "done.",
                              users(p, m->users), m->users == 1 ? "s" : "");
}

static const char *cut_off(apr_pool_t *p, const matter *m)
{
    if (m->users == 0) {
        return "Nobody is on it.";
    }
    return m->node->group && *m->node->group
               ? apr_psprintf(p,
                              "%s move%s to another node of group %s and go on "
                              "there.",
                              users(p, m->users), m->users == 1 ? "s" : "",
                              m->node->group)
               : apr_psprintf(p, "%s must start again.", users(p, m->users));
}

static const char *smart(apr_pool_t *p, const matter *m)
{
    return m->node->smart > 0
               ? apr_psprintf(p,
                              "About " U64 " of them are Smart Clients, which "
                              "talk to the node directly and notice nothing.",
                              m->node->smart)
               : "";
}

static const char *closed(apr_pool_t *p, const matter *m)
{
    return apr_psprintf(p,
                        "The windows of %s connect again within seconds: to "
                        "this node, or elsewhere once it is taken out.",
                        users(p, m->node->windowed));
}

static const char *forgotten(apr_pool_t *p, const matter *m)
{
    return apr_psprintf(p,
                        "%s count no more until they ask again. Sessions whose "
                        "id has no route may start again elsewhere.",
                        users(p, m->users));
}

static const char *not_undone(apr_pool_t *p, const matter *m)
{
    (void)p;
    (void)m;
    return "This cannot be undone.";
}

static const char *no_users_hurt(apr_pool_t *p, const matter *m)
{
    (void)p;
    (void)m;
    return "Users notice nothing.";
}

static const char *as_draining(apr_pool_t *p, const matter *m)
{
    (void)p;
    (void)m;
    return "It does what draining does; only the name that is shown differs. "
           "It lasts until somebody puts the node back to work.";
}

/* ------------------------------------------------------------ all the actions */

static const char *drains(apr_pool_t *p, const matter *m)
{
    (void)p;
    return m->node->state == SVB_STATE_DRAINING ? "drains" : "is to drain";
}

/* How it is asked, what it costs, and how it is told when it was done. */
static const struct {
    const char *ask, *go, *told;
    say_fn *costs[3];
} words[SVB_ACTIONS] = {
    [SVB_ACTION_DRAIN] = {"Drain", "Drain", NULL, {drained, left}},
    [SVB_ACTION_ENABLE] = {"Put back to work",
                           "Back to work",
                           "is back to work",
                           {no_users_hurt}},
    [SVB_ACTION_DISABLE] = {"Disable",
                            "Disable",
                            "is taken out",
                            {cut_off, smart, left}},
    [SVB_ACTION_MAINTENANCE] = {"Set to maintenance",
                                "Maintenance",
                                "is in maintenance",
                                {as_draining, drained, left}},
    [SVB_ACTION_CLOSE] = {"Close the WebSockets of",
                          "Close WebSockets",
                          "has its WebSockets closed",
                          {closed}},
    [SVB_ACTION_LOADFACTOR] = {"Change the load factor of",
                               "Set load factor",
                               "has another load factor",
                               {no_users_hurt}},
    [SVB_ACTION_FORGET] = {"Forget the users of",
                           "Forget users",
                           "has its users forgotten",
                           {forgotten, not_undone}},
    [SVB_ACTION_RESET] = {"Set to 0 the counters of",
                          "Reset counters",
                          "counts from 0 again",
                          {no_users_hurt, not_undone}},
};

/* @return SVB_ACTIONS where it is none */
static int action_named(const char *name)
{
    int i = 0;

    while (
        i < SVB_ACTIONS
        && (!name || strcmp(svb_action_name((svb_action_kind)i), name) != 0)) {
        i++;
    }
    return i;
}

/* The node that the place is about. @return NULL where there is none */
static matter *find(apr_pool_t *p, const svb_snapshot *snap,
                    const svb_place *place)
{
    matter *m = apr_pcalloc(p, sizeof(*m));

    m->snap = snap;
    m->place = place;
    m->fleet = place->fleet ? svb_snapshot_fleet(snap, place->fleet) : NULL;
    m->node = m->fleet && place->node && *place->node
                  ? svb_snap_fleet_node(m->fleet, place->node)
                  : NULL;
    if (!m->node) {
        return NULL;
    }
    m->users = m->node->web + m->node->smart;
    m->others = svb_rows_others(m->fleet, m->node);
    return m;
}

static void set_node(svb_view *v, const matter *m)
{
    apr_pool_t *p = svb_view_pool(v);

    svb_view_text(v, "fleet", m->fleet->name);
    svb_view_text(v, "node", m->node->route);
    svb_view_text(v, "id_url",
                  svb_view_url(p, svb_rows_id(p, m->snap->fleets->nelts > 1,
                                              m->fleet->name, m->node->route)));
    svb_view_text(v, "fleet_url", svb_view_url(p, m->fleet->name));
    svb_view_text(v, "node_url", svb_view_url(p, m->node->route));
}

/* ------------------------------------------------------------------- question */

typedef struct question {
    const matter *m;
    int action;
} question;

static void fill_cost(svb_view *v, const void *baton, int at)
{
    const question *q = baton;
    say_fn *say = words[q->action].costs[at];

    svb_view_text(v, "cost", say ? say(svb_view_pool(v), q->m) : "");
}

int svb_note_ask(svb_view *v, const svb_snapshot *snap, const svb_place *place)
{
    apr_pool_t *p = svb_view_pool(v);
    question *q = apr_palloc(p, sizeof(*q));
    int action = action_named(place->confirm);

    q->action = action;
    q->m = find(p, snap, place);
    if (!q->m || action == SVB_ACTIONS || !snap->actions) {
        return 0;
    }
    set_node(v, q->m);
    svb_view_text(v, "asked", words[action].ask);
    svb_view_text(v, "go", words[action].go);
    svb_view_text(v, "action", place->confirm);
    svb_view_text(v, "value",
                  action == SVB_ACTION_LOADFACTOR ? place->value : "");
    svb_view_list(v, "costs", 3, fill_cost, q);
    svb_view_text(v, "stale", place->again ? "1" : "");
    return 1;
}

/* --------------------------------------------------------------------- answer */

static int state_named(const char *name)
{
    int i = 0;

    while (i < SVB_STATES
           && strcmp(svb_state_name((svb_state)i), name ? name : "") != 0) {
        i++;
    }
    return i;
}

/* What brings the node back to what it was. */
static int way_back(int action, int was)
{
    if (action != SVB_ACTION_DRAIN && action != SVB_ACTION_ENABLE
        && action != SVB_ACTION_DISABLE && action != SVB_ACTION_MAINTENANCE) {
        return SVB_ACTIONS;
    }
    switch (was) {
    case SVB_STATE_DRAINING:
        return SVB_ACTION_DRAIN;
    case SVB_STATE_MAINTENANCE:
        return SVB_ACTION_MAINTENANCE;
    case SVB_STATE_DISABLED:
    case SVB_STATE_STOPPED:
        return SVB_ACTION_DISABLE;
    case SVB_STATES:
        return SVB_ACTIONS;
    default:
        return SVB_ACTION_ENABLE;
    }
}

static int is_number(const char *text)
{
    for (; *text && (apr_isdigit(*text) || *text == '.'); text++) {
    }
    return !*text;
}

/* "servoy1 drains; was ready." */
static void tell_done(svb_view *v, const matter *m, int action)
{
    apr_pool_t *p = svb_view_pool(v);
    const char *was = m->place->was;
    int state = state_named(was), back = way_back(action, state);
    const char *told = words[action].told;

    svb_view_text(v, "note_node", m->node->route);
    if (!told) {
        told = drains(p, m);
    }
    if (action == SVB_ACTION_LOADFACTOR && was && is_number(was)) {
        svb_view_text(v, "note",
                      apr_psprintf(p, "has load factor %s; it was %s.",
                                   svb_view_fraction(p, m->node->loadfactor),
                                   was));
        svb_view_text(v, "undo", svb_action_name(SVB_ACTION_LOADFACTOR));
        svb_view_text(v, "undo_value", was);
        return;
    }
    svb_view_text(v, "note",
                  back < SVB_ACTIONS ? apr_psprintf(
                      p, "%s; was %s.", told, svb_rows_word((svb_state)state))
                                     : apr_pstrcat(p, told, ".", NULL));
    if (back < SVB_ACTIONS && back != action && m->snap->actions) {
        const char *name = svb_action_name((svb_action_kind)back);

        svb_view_text(v, back == SVB_ACTION_DISABLE ? "undo_ask" : "undo",
                      name);
    }
}

static void tell_again(svb_view *v, const matter *m, int action)
{
    svb_view_text(v, "note_again", "1");
    svb_view_text(v, "note_node", m->node->route);
    svb_view_text(v, "undo", svb_action_name((svb_action_kind)action));
    svb_view_text(v, "undo_value",
                  action == SVB_ACTION_LOADFACTOR ? m->place->value : "");
    svb_view_text(v, "undo_label", words[action].go);
}

static void fill_note(svb_view *v, const void *baton, int at)
{
    const matter *m = baton;
    int again = action_named(m->place->again);

    (void)at;
    set_node(v, m);
    if (again < SVB_ACTIONS) {
        tell_again(v, m, again);
    }
    else {
        tell_done(v, m, action_named(m->place->done));
    }
}

void svb_note_add(svb_view *v, const svb_snapshot *snap, const svb_place *place)
{
    const matter *m = find(svb_view_pool(v), snap, place);

    if (m
        && (action_named(place->done) < SVB_ACTIONS
            || (action_named(place->again) < SVB_ACTIONS && snap->actions))) {
        svb_view_list(v, "notes", 1, fill_note, m);
    }
}
