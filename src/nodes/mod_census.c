/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_census.h"

#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "nodes/condition.h"
#include "nodes/mod_condition.h"

/* One walk; sums[node].members is 0 for those that no balancer has. */
static svb_condition_sum sums[SVB_RECORDS_MAX];

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

/* A node that comes back begins its slow start. One of whose members none can
 * serve is down and has no clients any more; of those that do not answer,
 * nodes/mod_probe knows who may still have some. */
static void note_state(const svb_condition_sum *sum, apr_time_t now)
{
    svb_records *records = svb_segments_records();
    svb_state seen = svb_condition_seen(sum);
    int before = svb_condition_note(records, sum->node, seen, now);

    if (sum->best == SVB_STATE_ERROR) {
        svb_clients_node_down(sum->node);
    }
    if (before >= 0 && !svb_state_describe((svb_state)before)->can_serve
        && svb_state_describe(seen)->can_serve) {
        svb_records_set(records, sum->node, SVB_WORD_UP_SINCE,
                        (apr_uint64_t)now);
    }
}

/* A node that is being emptied has no clients any more: what somebody is waiting
 * for who wants to stop it. */
static void tell_empty(const svb_condition_sum *sum, server_rec *s,
                       apr_time_t now)
{
    static char was_safe[SVB_RECORDS_MAX];
    svb_records *records = svb_segments_records();
    svb_state state = svb_condition_state(sum, now);
    const char *route = svb_records_route(records, sum->node);
    int is_safe = *route != SVB_MEMBERS_NO_ROUTE
                  && svb_condition_is_safe_to_stop(sum->node, state);

    if (is_safe && !was_safe[sum->node] && state != SVB_STATE_ERROR) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     SVB_LOGNO(0062) "fleet %s, node %s (%s): no clients any "
                                     "more, safe to stop",
                     svb_records_name(records, sum->node), route,
                     svb_state_name(state));
    }
    was_safe[sum->node] = (char)is_safe;
}

void svb_census_note_states(const svb_model *model, apr_time_t now)
{
    memset(sums, 0, sizeof(sums));
    for (int i = 0; i < model->balancers->nelts; i++) {
        if (!svb_model_repeats(model->balancers, i)) {
            add_members(APR_ARRAY_IDX(model->balancers, i, svb_balancer *));
        }
    }
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (sums[node].members) {
            note_state(&sums[node], now);
            tell_empty(&sums[node], model->main_server, now);
        }
    }
}
