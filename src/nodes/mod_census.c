/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_census.h"

#include "memory/events.h"
#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
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

static void tell(int node, int from, svb_state to, const char *reason,
                 server_rec *s, apr_time_t now)
{
    svb_records *records = svb_segments_records();
    svb_event event = {.time = now, .from = from, .to = (int)to};

    apr_cpystrn(event.fleet, svb_records_name(records, node),
                sizeof(event.fleet));
    apr_cpystrn(event.route, svb_records_route(records, node),
                sizeof(event.route));
    apr_cpystrn(event.reason, reason, sizeof(event.reason));
    svb_events_add(svb_segments_events(), &event);
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

/* @return the state */
static svb_state note(const svb_condition_sum *sum, server_rec *s,
                      apr_pool_t *p, apr_time_t now)
{
    svb_records *records = svb_segments_records();
    svb_condition c = svb_condition_of_node(sum, now);
    int before = svb_condition_note(records, sum->node, c.state, now);

    if (is_event(before, c.state)) {
        tell(sum->node, before, c.state, svb_condition_reason(p, sum, &c), s,
             now);
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
static void tell_empty(int node, svb_state state, server_rec *s)
{
    static char was_safe[SVB_RECORDS_MAX];
    svb_records *records = svb_segments_records();
    const char *route = svb_records_route(records, node);
    int is_safe = *route != SVB_MEMBERS_NO_ROUTE
                  && svb_condition_is_safe_to_stop(node, state);

    if (is_safe && !was_safe[node]) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     SVB_LOGNO(0062) "fleet %s, node %s (%s): no clients any "
                                     "more, safe to stop",
                     svb_records_name(records, node), route,
                     svb_state_name(state));
    }
    was_safe[node] = (char)is_safe;
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
            pass_time(&sums[node], now);
            tell_empty(node, note(&sums[node], model->main_server, p, now),
                       model->main_server);
        }
    }
}

void svb_census_note(const svb_fleet *fleet, int node, server_rec *s,
                     apr_pool_t *p, apr_time_t now)
{
    svb_condition_sum sum = {.node = node};

    for (int i = 0; i < fleet->balancers->nelts; i++) {
        if (!svb_model_repeats(fleet->balancers, i)) {
            svb_condition_add_members(
                &sum, APR_ARRAY_IDX(fleet->balancers, i, svb_balancer *));
        }
    }
    if (sum.added) {
        (void)note(&sum, s, p, now);
    }
}
