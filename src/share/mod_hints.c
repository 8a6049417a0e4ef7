/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/mod_hints.h"

#include "memory/mod_segments.h"
#include "nodes/mod_condition.h"
#include "nodes/mod_probe.h"
#include "share/mod_send.h"

static const svb_model *model;

/* By node: what it was when last looked at, and that it was. */
#define LOOKED_AT 0x80u
static unsigned char before[SVB_RECORDS_MAX];

void svb_hints_start(const svb_model *m)
{
    model = m;
}

static svb_seen seen_of(int node)
{
    svb_seen seen = {.service = SVB_SERVICE_FINE};

    if (!svb_condition_is_fine(svb_segments_records(), node)) {
        svb_condition_see(svb_segments_records(), node,
                          svb_members_of_node(node), &seen);
    }
    return seen;
}

/* --------------------------------------------------------------------- telling */

static void tell(int node, unsigned hints, apr_time_t now)
{
    static const struct {
        unsigned hint, kind;
    } kinds[] = {{SVB_HINT_REFUSED, SVB_RECORD_REFUSED},
                 {SVB_HINT_ANSWERS, SVB_RECORD_ANSWERS},
                 {SVB_HINT_MAINTENANCE, SVB_RECORD_MAINTENANCE}};

    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (hints & kinds[i].hint) {
            svb_send_hint(node, kinds[i].kind, now);
        }
    }
}

void svb_hints_notice(apr_time_t now)
{
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        svb_seen seen;
        unsigned is;

        if (!svb_records_used(svb_segments_records(), node)) {
            continue;
        }
        seen = seen_of(node);
        is = svb_hints_of(&seen);
        /* That a node answers is nothing to be told when it is first looked at. */
        tell(node,
             svb_hints_new(before[node] & LOOKED_AT ? before[node]
                                                    : SVB_HINT_ANSWERS,
                           is),
             now);
        before[node] = (unsigned char)(is | LOOKED_AT);
    }
}

/* --------------------------------------------------------------------- hearing */

/* The most patient rules of those balancers that have the node. */
static int rules_of(int node, svb_rules *rules)
{
    svb_condition_sum sum = {.node = node};

    for (int i = 0; i < model->balancers->nelts; i++) {
        svb_condition_add_members(
            &sum, APR_ARRAY_IDX(model->balancers, i, svb_balancer *));
    }
    *rules = sum.rules;
    return sum.added;
}

/* Its node said so itself: it is believed until our own time is up. */
static void hear_maintenance(int node, apr_time_t at, apr_time_t now)
{
    svb_rules rules;

    if (rules_of(node, &rules) && now - at < rules.retry) {
        /* others have been told */
        before[node] |= LOOKED_AT | SVB_HINT_ANSWERS | SVB_HINT_MAINTENANCE;
        svb_condition_met(svb_segments_records(), node, SVB_MET_REFUSAL, 0, 0,
                          &rules, now);
    }
}

void svb_hints_hear(const svb_told_batch *batch, const svb_record *record)
{
    apr_time_t at = batch->sent - apr_time_from_msec(record->age);
    int node = svb_told_node(batch, record);
    svb_seen seen;

    if (record->kind == SVB_RECORD_MAINTENANCE) {
        hear_maintenance(node, at, batch->now);
        return;
    }
    seen = seen_of(node);
    if (svb_hints_is_news(record->kind == SVB_RECORD_REFUSED ? SVB_HINT_REFUSED
                                                             : SVB_HINT_ANSWERS,
                          &seen)) {
        svb_hints_want(&svb_sharing()->hints, node, at, batch->now);
    }
}

/* ---------------------------------------------------------------------- asking */

void svb_hints_ask(const svb_model *m, apr_pool_t *p)
{
    static int nodes[SVB_RECORDS_MAX];
    int n = svb_hints_take(&svb_sharing()->hints, nodes);

    if (n) {
        svb_probe_nodes(m, nodes, n, p);
    }
}
