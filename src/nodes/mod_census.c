/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_census.h"

#include <apr_strings.h>

#include "memory/events.h"
#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "memory/moves.h"
#include "memory/records.h"
#include "nodes/condition.h"
#include "nodes/mod_condition.h"
#include "nodes/mod_members.h"
#include "nodes/state.h"

/* One walk; sums[node].added is 0 for those that no balancer has. */
static svb_condition_sum sums[SVB_RECORDS_MAX];

/* ------------------------------------------------------------------- an event */

static const char *name_of(int state)
{
    return state < 0 ? "new" : svb_state_name((svb_state)state);
}

static void add_event(svb_event *event, int node, const char *reason)
{
    svb_records *records = svb_segments_records();

    apr_cpystrn(event->fleet, svb_records_name(records, node),
                sizeof(event->fleet));
    apr_cpystrn(event->route, svb_records_route(records, node),
                sizeof(event->route));
    apr_cpystrn(event->reason, reason, sizeof(event->reason));
    svb_events_add(svb_segments_events(), event);
}

void svb_census_note_action(int node, const char *what, apr_time_t now)
{
    svb_event event = {
        .time = now, .from = -1, .to = -1, .kind = SVB_EVENT_ACTION};

    add_event(&event, node, what);
}

static void tell(int node, int from, svb_state to, const char *reason,
                 server_rec *s, apr_time_t now)
{
    svb_records *records = svb_segments_records();
    svb_event event = {
        .time = now, .from = from, .to = (int)to, .kind = SVB_EVENT_STATE};

    add_event(&event, node, reason);
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                 SVB_LOGNO(0094) "fleet %s, node %s: %s, was %s: %s",
                 svb_records_name(records, node),
                 svb_records_route(records, node), svb_state_name(to),
                 name_of(from), reason);
}

/* The first state of a node is no event, unless something is the matter. */
static int is_event(int from, svb_state to)
{
    return from != (int)to && (from >= 0 || to != SVB_STATE_READY);
}

static int serves(int state)
{
    return state < 0 || svb_state_describe((svb_state)state)->can_serve;
}

/* With which it came to be in its new state: those it had, or has lost by it. They were
 * noted before they were forgotten, so that this finds the one or the other. */
static unsigned clients_of(int node)
{
    svb_records *records = svb_segments_records();
    unsigned has = svb_clients_load(node);
    unsigned lost =
        (unsigned)svb_records_set(records, node, SVB_WORD_LOST_NOW, 0);

    return lost > has ? lost : has;
}

/* A node that does not serve any more: how many that concerns. */
static const char *with_clients(apr_pool_t *p, const char *reason, int is_down,
                                svb_state state, unsigned had)
{
    return !is_down || !had
               ? reason
               : apr_psprintf(p, "%s; %s %u client%s", reason,
                              state == SVB_STATE_ERROR ? "it has lost"
                                                       : "it has",
                              had, had == 1 ? "" : "s");
}

/* The node is in another state than before, or is seen for the first time. */
static void change(const svb_condition_sum *sum, const svb_condition *c,
                   int before, server_rec *s, apr_pool_t *p, apr_time_t now)
{
    svb_records *records = svb_segments_records();
    unsigned had = clients_of(sum->node);
    int is_down = c->state == SVB_STATE_SILENT || c->state == SVB_STATE_ERROR;

    svb_records_set(records, sum->node, SVB_WORD_BEFORE,
                    (apr_uint64_t)before + 1);
    /* Who moved before it was known to be down was counted there. */
    had += svb_moves_begin(svb_segments_moves(), sum->node,
                           is_down || !c->serves, now);
    svb_records_set(records, sum->node, SVB_WORD_HAD, had);
    if (is_event(before, c->state)) {
        tell(sum->node, before, c->state,
             with_clients(p, svb_condition_reason(p, sum, c), is_down, c->state,
                          had),
             s, now);
    }
}

/* @return the state */
static svb_state note(const svb_condition_sum *sum, server_rec *s,
                      apr_pool_t *p, apr_time_t now, int *has_changed)
{
    svb_records *records = svb_segments_records();
    svb_condition c = svb_condition_of_node(sum, now);
    int before = svb_condition_note(records, sum->node, c.state, now);

    *has_changed = before != (int)c.state;
    if (*has_changed) {
        change(sum, &c, before, s, p, now);
    }
    else if (svb_records_get(records, sum->node, SVB_WORD_LOST_NOW)) {
        svb_records_set(records, sum->node, SVB_WORD_LOST_NOW, 0);
    }
    if (!serves(before) && c.serves) {
        svb_records_set(records, sum->node, SVB_WORD_UP_SINCE,
                        (apr_uint64_t)now);
    }
    return c.state;
}

/* ----------------------------------------------------------------- safe to stop */

/* A node that is being emptied has no clients any more: what somebody is waiting
 * for who wants to stop it. */
static void tell_empty(int node, svb_state state, server_rec *s, apr_time_t now)
{
    svb_records *records = svb_segments_records();
    const char *route = svb_records_route(records, node);
    apr_uint64_t since = svb_records_get(records, node, SVB_WORD_EMPTY_SINCE);
    int is_safe = *route != SVB_MEMBERS_NO_ROUTE
                  && svb_condition_is_safe_to_stop(node, state);

    if (is_safe == (since != 0)) {
        return;
    }
    svb_records_set(records, node, SVB_WORD_EMPTY_SINCE,
                    is_safe ? (apr_uint64_t)now : 0);
    if (is_safe) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     SVB_LOGNO(0062) "fleet %s, node %s (%s): no clients any "
                                     "more, safe to stop",
                     svb_records_name(records, node), route,
                     svb_state_name(state));
    }
}

/* Time itself is evidence: of those who are silent, and of those who are through
 * their slow start. */
static void pass_time(const svb_condition_sum *sum, apr_time_t now)
{
    int result =
        svb_condition_tick(svb_segments_records(), sum->node,
                           svb_members_of_node(sum->node), &sum->rules, now);

    if (result & SVB_HAS_LOST) {
        svb_clients_node_down(sum->node);
    }
    svb_condition_brief(sum->node);
}

/* ------------------------------------------------------------------------ walks */

static void add_members(svb_balancer *balancer)
{
    const svb_members *members = svb_members_refresh(balancer);

    for (int i = 0; i < members->n; i++) {
        const svb_member *member = &members->all[i];

        if (member->node >= 0) {
            sums[member->node].node = member->node;
            svb_condition_add(&sums[member->node], balancer, member);
        }
    }
}

void svb_census_note_all(const svb_model *model, apr_pool_t *p, apr_time_t now)
{
    memset(sums, 0, sizeof(sums));
    for (int i = 0; i < model->balancers->nelts; i++) {
        if (!svb_model_repeats(model->balancers, i)) {
            add_members(APR_ARRAY_IDX(model->balancers, i, svb_balancer *));
        }
    }
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (sums[node].added) {
            int has_changed;
            svb_state state;

            pass_time(&sums[node], now);
            state = note(&sums[node], model->main_server, p, now, &has_changed);
            tell_empty(node, state, model->main_server, now);
        }
    }
}

int svb_census_note(const svb_fleet *fleet, int node, server_rec *s,
                    apr_pool_t *p, apr_time_t now)
{
    svb_condition_sum sum = {.node = node};
    int has_changed = 0;

    for (int i = 0; i < fleet->balancers->nelts; i++) {
        if (!svb_model_repeats(fleet->balancers, i)) {
            svb_condition_add_members(
                &sum, APR_ARRAY_IDX(fleet->balancers, i, svb_balancer *));
        }
    }
    if (sum.added) {
        (void)note(&sum, s, p, now, &has_changed);
    }
    return has_changed;
}
