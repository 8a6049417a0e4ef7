/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "report/troubles.h"

#include <string.h>

#include <apr_strings.h>

#include "report/phrase.h"

/* For how long clients that were dropped are a matter of concern. */
#define EVICTIONS_MATTER apr_time_from_sec(3600)

#define U64 "%" APR_UINT64_T_FMT

/* A search under way. */
typedef struct work {
    apr_pool_t *p;
    const svb_snapshot *snap;
    const svb_snap_fleet *fleet; /* the one that is looked at */
    svb_snap_totals t;           /* of it */
    apr_array_header_t *found;   /* of svb_trouble */
} work;

static const svb_snap_node *node_at(const svb_snap_fleet *fleet, int i)
{
    return APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *);
}

/* Is a node of this fleet in this state, and not this one? */
static const svb_snap_node *any_in(const svb_snap_fleet *fleet, svb_state state)
{
    for (int i = 0; i < fleet->nodes->nelts; i++) {
        if (node_at(fleet, i)->state == state) {
            return node_at(fleet, i);
        }
    }
    return NULL;
}

/* The names in JSON, and how bad each is. */
static const struct {
    const char *name;
    svb_severity severity;
} kinds[SVB_TROUBLES] = {
    [SVB_TROUBLE_NOBODY] = {"nobody", SVB_SEVERITY_BAD},
    [SVB_TROUBLE_STORE] = {"store", SVB_SEVERITY_BAD},
    [SVB_TROUBLE_ERROR] = {"error", SVB_SEVERITY_BAD},
    [SVB_TROUBLE_SILENT] = {"silent", SVB_SEVERITY_BAD},
    [SVB_TROUBLE_SUSPECT] = {"suspect", SVB_SEVERITY_BAD},
    [SVB_TROUBLE_JVMROUTE] = {"jvmroute", SVB_SEVERITY_WARN},
    [SVB_TROUBLE_ONE_LEFT] = {"one_left", SVB_SEVERITY_WARN},
    [SVB_TROUBLE_FULL] = {"full", SVB_SEVERITY_WARN},
    [SVB_TROUBLE_DEGRADED] = {"degraded", SVB_SEVERITY_WARN},
    [SVB_TROUBLE_FRONT_END] = {"front_end", SVB_SEVERITY_WARN},
    [SVB_TROUBLE_EVICTIONS] = {"evictions", SVB_SEVERITY_WARN},
};

const char *svb_trouble_name(svb_trouble_kind kind)
{
    return (unsigned int)kind < SVB_TROUBLES ? kinds[kind].name : "";
}

/* A trouble of the server, or of the fleet that is looked at, or of its node. */
static svb_trouble *add(work *w, svb_trouble_kind kind,
                        const svb_snap_node *node)
{
    svb_trouble *t = apr_array_push(w->found);

    *t = (svb_trouble){.kind = kind,
                       .severity = kinds[kind].severity,
                       .fleet = w->fleet ? svb_phrase_text(w->fleet->name) : "",
                       .node = node ? svb_phrase_node(node) : "",
                       .what = "",
                       .since = node ? node->last_change : 0,
                       .effect = "",
                       .next = "",
                       .next_at = node ? node->until : 0,
                       .todo = ""};
    return t;
}

/* "20 users were moved to servoy1 (11) and servoy3 (9)", or "" */
static const char *moved(apr_pool_t *p, const svb_snap_node *node)
{
    apr_array_header_t *to = apr_array_make(p, 4, sizeof(const char *));
    apr_uint64_t all = 0;

    for (int i = 0; i < node->moved->nelts; i++) {
        const svb_snap_move *move =
            &APR_ARRAY_IDX(node->moved, i, svb_snap_move);

        all += move->clients;
        APR_ARRAY_PUSH(to, const char *) =
            node->moved->nelts == 1
                ? svb_phrase_text(move->to)
                : apr_psprintf(p, "%s (" U64 ")", svb_phrase_text(move->to),
                               move->clients);
    }
    if (all == 0) {
        return "";
    }
    return apr_psprintf(p, "%s %s moved to %s", svb_phrase_users(p, all),
                        all == 1 ? "was" : "were", svb_phrase_list(p, to));
}

static const char *had(apr_pool_t *p, const svb_snap_node *node)
{
    return node->had > 0
               ? apr_psprintf(p, "It had %s.", svb_phrase_users(p, node->had))
               : "";
}

/* Nodes of a group have the same sessions, so users that move lose nothing. */
static const char *lost_by_moving(const svb_snap_node *node)
{
    return node->group && *node->group ? " and go on there"
                                       : " and had to start again";
}

static void add_error(work *w, const svb_snap_node *node)
{
    svb_trouble *t = add(w, SVB_TROUBLE_ERROR, node);
    const char *gone = moved(w->p, node);
    const char *smart =
        node->smart > 0
            ? apr_psprintf(w->p, " About %s may hang.",
                           svb_phrase_count(w->p, node->smart, "Smart Client",
                                            "Smart Clients"))
            : "";

    t->what =
        apr_pstrcat(w->p, "is down: ", svb_phrase_text(node->reason), NULL);
    t->effect =
        *gone ? apr_pstrcat(w->p, gone, lost_by_moving(node), ".", smart, NULL)
        : node->had > 0
            ? apr_pstrcat(w->p, had(w->p, node),
                          " None of them has asked since.", smart, NULL)
            : apr_pstrcat(w->p, "Nobody was on it.", smart, NULL);
    t->next = "It is asked again every second.";
    t->todo = apr_psprintf(w->p,
                           "Look at Tomcat on %s. When it answers, it is back "
                           "by itself.",
                           svb_phrase_host(node));
}

static void add_silent(work *w, const svb_snap_node *node)
{
    svb_trouble *t = add(w, SVB_TROUBLE_SILENT, node);
    apr_uint64_t all = node->web + node->smart;
    const char *gone = moved(w->p, node);

    t->what =
        apr_pstrcat(w->p, "is silent: ", svb_phrase_text(node->reason), NULL);
    t->effect = apr_pstrcat(
        w->p, *gone ? apr_pstrcat(w->p, gone, ". ", NULL) : "",
        all > 0 ? apr_psprintf(w->p, "%s of it wait for an answer, or move. ",
                               svb_phrase_users(w->p, all))
                : "",
        "New users go to other nodes.", NULL);
    t->next = "It is asked again every second; should it stay silent "
              "(ServoyForget), its users count as lost.";
    t->todo = apr_psprintf(
        w->p,
        "See on %s whether Tomcat hangs: a long garbage collection, "
        "no free thread, a firewall.",
        svb_phrase_host(node));
}

/* What a status often means that all new users get. */
static const char *meaning(apr_pool_t *p, const svb_snap_node *node)
{
    static const struct {
        const char *status, *todo;
    } known[] = {
        {"403", "Compare secret= in the configuration with the AJP connector "
                "in server.xml of %s."},
        {"404", "See whether the application is deployed on %s."},
        {"500", "See Tomcat's log on %s: the application did not start."},
        {"503", "See Tomcat's log on %s: the application is not available."},
    };
    const char *reason = svb_phrase_text(node->reason);

    for (apr_size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strstr(reason, known[i].status)) {
            return apr_psprintf(p, known[i].todo, svb_phrase_host(node));
        }
    }
    return apr_psprintf(p, "See Tomcat's log on %s.", svb_phrase_host(node));
}

static void add_suspect(work *w, const svb_snap_node *node)
{
    svb_trouble *t = add(w, SVB_TROUBLE_SUSPECT, node);

    t->what = apr_pstrcat(
        w->p, "fails new users: ", svb_phrase_text(node->reason), NULL);
    t->effect = "New users go to other nodes; those who are on it stay.";
    t->next = "One new user tries it now and then; the first who succeeds "
              "brings it back.";
    t->todo = meaning(w->p, node);
}

static void add_full(work *w, const svb_snap_node *node)
{
    svb_trouble *t = add(w, SVB_TROUBLE_FULL, node);

    t->what = apr_psprintf(w->p, "is full: " U64 " of " U64 " clients",
                           node->web + node->smart, node->maxclients);
    t->effect = "New users go to other nodes.";
    t->next = "It takes new users again when one leaves.";
    t->todo = "Add a node, or raise maxclients= where the licence allows it.";
}

static void add_degraded(work *w, const svb_snap_node *node)
{
    svb_trouble *t = add(w, SVB_TROUBLE_DEGRADED, node);
    apr_array_header_t *why = apr_array_make(w->p, 2, sizeof(const char *));

    for (int i = 0; i < node->members->nelts; i++) {
        const svb_snap_member *m =
            APR_ARRAY_IDX(node->members, i, svb_snap_member *);

        if (!m->up) {
            APR_ARRAY_PUSH(why, const char *) = svb_phrase_text(m->reason);
        }
    }
    t->what =
        apr_psprintf(w->p, "is degraded, %d of %s down: %s", why->nelts,
                     svb_phrase_count(w->p, (apr_uint64_t)node->members->nelts,
                                      "member", "members"),
                     why->nelts ? svb_phrase_list(w->p, why)
                                : svb_phrase_text(node->reason));
    t->effect = "What goes by that member fails, or goes to other nodes. New "
                "users go to whole nodes.";
    t->next = "It is asked again every second.";
    t->todo = apr_psprintf(w->p, "Look at that connector of Tomcat on %s.",
                           svb_phrase_host(node));
}

static void add_jvmroute(work *w, const svb_snap_node *node)
{
    svb_trouble *t = add(w, SVB_TROUBLE_JVMROUTE, node);

    int is_told = strcmp(node->other_route, SVB_NAME_UNTOLD) != 0;

    t->what =
        is_told ? apr_psprintf(w->p,
                               "has another jvmRoute: its sessions end in .%s",
                               node->other_route)
                : "has another jvmRoute: its sessions end in no node's route";
    t->since = node->other_route_at;
    t->next_at = 0;
    t->effect = "Its users are known here by memory alone: another front end, "
                "or a lost table, may send them elsewhere.";
    t->next = "Nothing.";
    t->todo = apr_psprintf(
        w->p,
        is_told ? "Set jvmRoute=\"%s\" in server.xml of %s, or "
                  "route=%s in the configuration."
                : "Set jvmRoute=\"%s\" in server.xml of %s, or route= to what "
                  "stands there.",
        svb_phrase_node(node), svb_phrase_host(node), node->other_route);
}

static void add_of_node(work *w, const svb_snap_node *node)
{
    static void (*const by_state[SVB_STATES])(work *, const svb_snap_node *) = {
        [SVB_STATE_ERROR] = add_error,       [SVB_STATE_SILENT] = add_silent,
        [SVB_STATE_SUSPECT] = add_suspect,   [SVB_STATE_FULL] = add_full,
        [SVB_STATE_DEGRADED] = add_degraded,
    };

    if ((unsigned int)node->state < SVB_STATES && by_state[node->state]) {
        by_state[node->state](w, node);
    }
    if (node->other_route && *node->other_route) {
        add_jvmroute(w, node);
    }
}

/* What brings more nodes that take new users: those that broke, and those that an
 * administrator has set aside. */
static const char *way_back(work *w)
{
    static const svb_state broken[] = {SVB_STATE_ERROR, SVB_STATE_SILENT,
                                       SVB_STATE_SUSPECT};
    static const svb_state set_aside[] = {
        SVB_STATE_DRAINING, SVB_STATE_MAINTENANCE, SVB_STATE_DISABLED,
        SVB_STATE_STOPPED};
    const svb_snap_node *mend = NULL, *enable = NULL;

    for (int i = 0; i < 3 && !mend; i++) {
        mend = any_in(w->fleet, broken[i]);
    }
    for (int i = 0; i < 4 && !enable; i++) {
        enable = any_in(w->fleet, set_aside[i]);
    }
    if (mend && enable) {
        return apr_psprintf(w->p, "Mend %s, or put %s back to work.",
                            svb_phrase_node(mend), svb_phrase_node(enable));
    }
    return enable ? apr_psprintf(w->p, "Put %s back to work.",
                                 svb_phrase_node(enable))
           : mend ? apr_psprintf(w->p, "Mend %s.", svb_phrase_node(mend))
                  : "Add a node, or raise maxclients=.";
}

static void add_nobody(work *w)
{
    svb_trouble *t = add(w, SVB_TROUBLE_NOBODY, NULL);
    apr_uint64_t refused = w->fleet->recent.refused;
    int by_itself =
        w->t.in_state[SVB_STATE_ERROR] || w->t.in_state[SVB_STATE_SILENT]
        || w->t.in_state[SVB_STATE_SUSPECT] || w->t.in_state[SVB_STATE_FULL];

    t->what = apr_pstrcat(w->p, "No node takes new users: ",
                          svb_phrase_states(w->p, &w->t), NULL);
    t->effect = refused > 0
                    ? apr_psprintf(w->p,
                                   "New users are turned away with 503: " U64
                                   " in 5 minutes.",
                                   refused)
                    : "New users are turned away with 503; none has come in "
                      "the last 5 minutes.";
    t->next =
        by_itself ? "The first node that can takes them again." : "Nothing.";
    t->todo = way_back(w);
}

/* The only node of several that takes new users, reserves counted, or NULL. */
static const svb_snap_node *only_one(const work *w)
{
    const svb_snap_node *last = NULL;
    int n = 0;

    for (int i = 0; i < w->fleet->nodes->nelts; i++) {
        const svb_snap_node *node = node_at(w->fleet, i);

        if (svb_state_describe(node->state)->takes_new
            || node->state == SVB_STATE_STANDBY
            || node->state == SVB_STATE_SPARE) {
            last = node;
            n++;
        }
    }
    return n == 1 && w->fleet->nodes->nelts > 1 ? last : NULL;
}

static void add_one_left(work *w, const svb_snap_node *node)
{
    svb_trouble *t = add(w, SVB_TROUBLE_ONE_LEFT, node);

    t->what = apr_pstrcat(w->p, "is the only node that takes new users: ",
                          svb_phrase_states(w->p, &w->t), NULL);
    t->since = t->next_at = 0;
    t->effect = "All new users go to it; without it they would be turned away.";
    t->next = "Each node that comes back takes its share.";
    t->todo = way_back(w);
}

static void look_at_fleet(work *w, const svb_snap_fleet *fleet)
{
    const svb_snap_node *last;

    w->fleet = fleet;
    svb_snap_fleet_totals(fleet, &w->t);
    if (w->t.nodes > 0 && w->t.takes_new == 0) {
        add_nobody(w);
    }
    last = only_one(w);
    if (last) {
        add_one_left(w, last);
    }
    for (int i = 0; i < fleet->nodes->nelts; i++) {
        add_of_node(w, node_at(fleet, i));
    }
    w->fleet = NULL;
}

static void look_at_store(work *w)
{
    const svb_snap_store *store = &w->snap->store;
    svb_trouble *t;

    if (!store->url || strcmp(svb_phrase_text(store->state), "lost") != 0) {
        return;
    }
    t = add(w, SVB_TROUBLE_STORE, NULL);
    t->what = apr_psprintf(w->p, "The shared store %s is lost", store->url);
    t->since = store->since;
    t->effect =
        store->known
            ? "What is known of the other front ends' users grows old; no node "
              "is safe to stop."
            : "Only this front end's users are counted; no node is safe to "
              "stop.";
    t->next = "It is tried again all the time; what is done here meanwhile is "
              "done at the other front ends when it is back.";
    t->todo = "Look at the Redis or Valkey server, and at the way to it.";
}

static void look_at_front(work *w, const svb_snap_front *front)
{
    const char *state = svb_phrase_text(front->state);
    svb_trouble *t;

    if (front->self || strcmp(state, "here") == 0) {
        return;
    }
    t = add(w, SVB_TROUBLE_FRONT_END, NULL);
    t->since = front->seen;
    t->next = "It is one of us again when it is heard of.";
    if (strcmp(state, "incompatible") == 0) {
        t->what = apr_psprintf(
            w->p, "Front end %s is incompatible: its version is %s",
            svb_phrase_text(front->name), svb_phrase_text(front->version));
        t->effect = "What it does is not known here.";
        t->todo = "Give all front ends the same version, key and nodes.";
        return;
    }
    if (strcmp(state, "lagging") == 0) {
        t->what = apr_psprintf(w->p, "Front end %s lags behind",
                               svb_phrase_text(front->name));
        t->effect = "Its users are counted late.";
        t->todo = "Look at its load, and at its way to the store.";
        return;
    }
    t->what = apr_psprintf(w->p, "Front end %s is gone",
                           svb_phrase_text(front->name));
    t->effect = "Its users come here if something sends them; their sessions "
                "are known.";
    t->todo = "Start httpd there, or see why it does not reach the store.";
}

static void look_at_table(work *w)
{
    const svb_snap_table *table = &w->snap->table;
    svb_trouble *t;

    /* Once a table was made larger, or the rush is over, it is no trouble. */
    if (!table->evicted_at
        || w->snap->time >= table->evicted_at + EVICTIONS_MATTER) {
        return;
    }
    t = add(w, SVB_TROUBLE_EVICTIONS, NULL);
    t->what = apr_psprintf(
        w->p, "The client table had no room for %s: it holds " U64,
        svb_phrase_count(w->p, table->evicted, "client", "clients"),
        table->capacity);
    t->since = table->evicted_at;
    t->effect = "They are found by the route in their id alone, and counted "
                "when they ask again.";
    t->next = "Nothing.";
    t->todo = "Raise ServoyClientTable.";
}

/* Worst first; of a kind in the order in which they were found. Few or many: each
 * kind is picked in its turn. */
static apr_array_header_t *sorted_by_kind(const work *w)
{
    const apr_array_header_t *found = w->found;
    apr_array_header_t *sorted = apr_array_make(
        w->p, found->nelts > 0 ? found->nelts : 1, sizeof(svb_trouble));

    for (int kind = 0; kind < SVB_TROUBLES; kind++) {
        for (int i = 0; i < found->nelts; i++) {
            const svb_trouble *t = &APR_ARRAY_IDX(found, i, svb_trouble);

            if ((int)t->kind == kind) {
                APR_ARRAY_PUSH(sorted, svb_trouble) = *t;
            }
        }
    }
    return sorted;
}

apr_array_header_t *svb_troubles_of(apr_pool_t *p, const svb_snapshot *snap)
{
    work w = {.p = p, .snap = snap};

    w.found = apr_array_make(p, 4, sizeof(svb_trouble));
    look_at_store(&w);
    for (int i = 0; i < snap->fleets->nelts; i++) {
        look_at_fleet(&w, APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *));
    }
    for (int i = 0; i < snap->fronts->nelts; i++) {
        look_at_front(&w, &APR_ARRAY_IDX(snap->fronts, i, svb_snap_front));
    }
    look_at_table(&w);
    return sorted_by_kind(&w);
}

/* Is what the trouble is of in that part of the whole? */
static int is_in(const svb_snapshot *part, const svb_trouble *trouble)
{
    const svb_snap_fleet *fleet =
        *trouble->fleet ? svb_snapshot_fleet(part, trouble->fleet) : NULL;

    if (!fleet || !*trouble->node) {
        return fleet || !*trouble->fleet;
    }
    for (int i = 0; i < fleet->nodes->nelts; i++) {
        if (strcmp(svb_phrase_node(
                       APR_ARRAY_IDX(fleet->nodes, i, svb_snap_node *)),
                   trouble->node)
            == 0) {
            return 1;
        }
    }
    return 0;
}

void svb_troubles_keep(apr_array_header_t *troubles, const svb_snapshot *part)
{
    int kept = 0;

    for (int i = 0; i < troubles->nelts; i++) {
        svb_trouble trouble = APR_ARRAY_IDX(troubles, i, svb_trouble);

        if (is_in(part, &trouble)) {
            APR_ARRAY_IDX(troubles, kept++, svb_trouble) = trouble;
        }
    }
    troubles->nelts = kept;
}
