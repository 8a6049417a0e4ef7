/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/journal.h"

/* Seconds; 0: there is none. */
static apr_int64_t period_of(const svb_journal *journal, const svb_slots *slots,
                             apr_uint64_t word)
{
    svb_kind kind = svb_entry_kind(word);
    apr_interval_time_t lifetime = svb_slots_timeout(slots, word, kind);
    int periods = kind == SVB_KIND_WINDOWED ? SVB_JOURNAL_LEAST_PERIODS
                                            : *journal->periods;
    apr_int64_t period = apr_time_sec(lifetime) / (periods > 0 ? periods : 1);

    return lifetime < 0 ? 0 : period > 0 ? period : 1;
}

static int crosses(apr_uint64_t id, apr_int64_t period, apr_uint64_t before,
                   apr_time_t now)
{
    apr_int64_t phase = (apr_int64_t)(id % (apr_uint64_t)period);
    apr_int64_t to = apr_time_sec(now) + phase;
    apr_int64_t from = to - svb_entry_age(before, now);

    return from / period != to / period;
}

void svb_journal_swapped(const svb_journal *journal, const svb_slots *slots,
                         apr_uint64_t id, apr_uint64_t before,
                         apr_uint64_t after, apr_time_t now)
{
    apr_int64_t period;

    if (!journal) {
        return;
    }
    if ((before ^ after) & SVB_ENTRY_COUNTED) {
        journal->tell(journal->baton, id,
                      after ? SVB_CHANGE_PUT : SVB_CHANGE_GONE);
        return;
    }
    period = period_of(journal, slots, after);
    if (period && crosses(id, period, before, now)) {
        journal->tell(journal->baton, id, SVB_CHANGE_SEEN);
    }
}
