/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Which changes of the client table others are told of: a client that comes, moves,
 * becomes of another kind or goes; and, from time to time, that it is still there.
 *
 * A touch tells of its client when it crosses a multiple of the period, of which there
 * are 16 in the client's lifetime as a rule. The multiples lie elsewhere for each client,
 * so that those who came in a rush are not told of in one.
 *
 * Pure; takes no lock; any thread of any process.
 */
#ifndef SVB_MEMORY_JOURNAL_H
#define SVB_MEMORY_JOURNAL_H

#include "memory/slots.h"

/** How many periods a client's lifetime has: as a rule, and at least; and that of one
 *  that lives by its windows, which is short. */
#define SVB_JOURNAL_PERIODS 16
#define SVB_JOURNAL_LEAST_PERIODS 4

/** What has happened to a client. */
typedef enum svb_change {
    SVB_CHANGE_SEEN, /**< it is still there */
    SVB_CHANGE_PUT,  /**< it came, moved, or became of another kind */
    SVB_CHANGE_GONE  /**< it was removed */
} svb_change;

/** Called for each change. Quick: it is a request that waits. */
typedef void svb_journal_fn(void *baton, apr_uint64_t id, svb_change what);

/** Who is told. */
typedef struct svb_journal {
    svb_journal_fn *tell;
    void *baton;
    const _Atomic int *periods; /**< see above; above zero, in shared memory */
} svb_journal;

/** A client's word was swapped. @param journal NULL: nobody is told */
void svb_journal_swapped(const svb_journal *journal, const svb_slots *slots,
                         apr_uint64_t id, apr_uint64_t before,
                         apr_uint64_t after, apr_time_t now);

/** Tell of a client. @param journal likewise */
static inline void svb_journal_tell(const svb_journal *journal, apr_uint64_t id,
                                    svb_change what)
{
    if (journal) {
        journal->tell(journal->baton, id, what);
    }
}

#endif /* SVB_MEMORY_JOURNAL_H */
