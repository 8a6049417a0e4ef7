/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/condition.h"

/* A noted state: the time of the change, in microseconds, and the state plus one
 * below it. */
#define STATE_BITS 8
#define STATE_MASK 0xffu

int svb_condition_note(svb_records *records, int node, svb_state state,
                       apr_time_t now)
{
    apr_uint64_t next =
        (apr_uint64_t)now << STATE_BITS | ((apr_uint64_t)state + 1);
    apr_uint64_t seen;

    do {
        seen = svb_records_get(records, node, SVB_WORD_STATE);
        if ((seen & STATE_MASK) == (next & STATE_MASK)) {
            return (int)state;
        }
    } while (!svb_records_swap(records, node, SVB_WORD_STATE, seen, next));
    return (int)(seen & STATE_MASK) - 1;
}

int svb_condition_noted(svb_records *records, int node)
{
    return (int)(svb_records_get(records, node, SVB_WORD_STATE) & STATE_MASK)
           - 1;
}

apr_time_t svb_condition_since(svb_records *records, int node)
{
    return (apr_time_t)(svb_records_get(records, node, SVB_WORD_STATE)
                        >> STATE_BITS);
}

apr_time_t svb_condition_maintenance(svb_records *records, int node)
{
    return (apr_time_t)svb_records_get(records, node, SVB_WORD_MAINTENANCE);
}

void svb_condition_set_maintenance(svb_records *records, int node,
                                   apr_time_t until)
{
    svb_records_set(records, node, SVB_WORD_MAINTENANCE, (apr_uint64_t)until);
}

int svb_condition_claim_trial(svb_records *records, int node, apr_time_t now,
                              apr_time_t until)
{
    apr_uint64_t seen = svb_records_get(records, node, SVB_WORD_MAINTENANCE);

    return seen != 0 && (apr_time_t)seen <= now
           && svb_records_swap(records, node, SVB_WORD_MAINTENANCE, seen,
                               (apr_uint64_t)until);
}

svb_reach svb_condition_reach(svb_records *records, int node)
{
    return (svb_reach)svb_records_get(records, node, SVB_WORD_REACH);
}

svb_reach svb_condition_set_reach(svb_records *records, int node,
                                  svb_reach reach)
{
    return (svb_reach)svb_records_set(records, node, SVB_WORD_REACH,
                                      (apr_uint64_t)reach);
}

/* Written by every answer, so only when the second is another. */
void svb_condition_hear(svb_records *records, int node, apr_time_t now)
{
    apr_uint64_t second = (apr_uint64_t)apr_time_sec(now);

    if (svb_records_get(records, node, SVB_WORD_HEARD) < second) {
        svb_records_set(records, node, SVB_WORD_HEARD, second);
    }
}

apr_time_t svb_condition_heard(svb_records *records, int node)
{
    return apr_time_from_sec(
        (apr_time_t)svb_records_get(records, node, SVB_WORD_HEARD));
}

int svb_condition_may_warn(svb_records *records, int node, apr_time_t now,
                           apr_interval_time_t every)
{
    apr_uint64_t seen = svb_records_get(records, node, SVB_WORD_WARNED);

    return (seen == 0 || now >= (apr_time_t)seen + every)
           && svb_records_swap(records, node, SVB_WORD_WARNED, seen,
                               (apr_uint64_t)now);
}
