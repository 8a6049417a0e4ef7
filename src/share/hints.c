/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/hints.h"

#include <stdatomic.h>

static int refuses(const svb_seen *seen)
{
    for (int i = 0; i < SVB_CONDITION_MEMBERS; i++) {
        if (seen->members[i] == SVB_REACH_REFUSED) {
            return 1;
        }
    }
    return 0;
}

unsigned svb_hints_of(const svb_seen *seen)
{
    return (refuses(seen) ? SVB_HINT_REFUSED : 0u)
           | (seen->level <= SVB_LEVEL_DEGRADED ? SVB_HINT_ANSWERS : 0u)
           | (seen->service == SVB_SERVICE_MAINTENANCE ? SVB_HINT_MAINTENANCE
                                                       : 0u);
}

unsigned svb_hints_new(unsigned before, unsigned now)
{
    return now & ~before;
}

int svb_hints_is_news(unsigned hint, const svb_seen *seen)
{
    return hint == SVB_HINT_REFUSED   ? !refuses(seen)
           : hint == SVB_HINT_ANSWERS ? seen->level != SVB_LEVEL_ANSWERS
                                      : 0;
}

int svb_hints_want(svb_hints *hints, int node, apr_time_t at, apr_time_t now)
{
    apr_interval_time_t since = now - hints->asked[node];

    if (now - at > SVB_HINTS_FRESH || (since >= 0 && since < SVB_HINTS_EVERY)) {
        return 0;
    }
    hints->asked[node] = now;
    hints->wanted[node] = 1;
    hints->any = 1;
    return 1;
}

int svb_hints_take(svb_hints *hints, int *nodes)
{
    int n = 0;

    if (!atomic_exchange(&hints->any, 0)) {
        return 0;
    }
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (hints->wanted[node] && atomic_exchange(&hints->wanted[node], 0)) {
            nodes[n++] = node;
        }
    }
    return n;
}
