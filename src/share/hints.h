/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Hints: what front ends tell each other of nodes, so that all look at once, and what
 * comes of it. One front end's network may be broken, and is not to empty a node
 * everywhere: nobody's "refused" is believed. Whoever hears it asks the node himself.
 *
 *     seen here                                    told      and there
 *     a member refuses, which did not before       refused   asked at once, if no member
 *                                                            is known to refuse
 *     it was silent or gone, and answers           answers   asked at once, if not all its
 *                                                            members are known to answer
 *     it has begun to refuse new clients itself    in main-  believed until the time there
 *                                                  tenance   is up
 *
 * What is known already is not asked; so an echo ends there. And a node is asked for a
 * hint once a second at most, a quarter of how often it is asked anyway, however many
 * hints there are.
 *
 * Pure: no locks. Of the words in shared memory one thread of one process takes, and one
 * writes.
 */
#ifndef SVB_SHARE_HINTS_H
#define SVB_SHARE_HINTS_H

#include "nodes/condition.h"

/** A node is asked for a hint no more often than this. */
#define SVB_HINTS_EVERY apr_time_from_sec(1)

/** A hint that is older says nothing: the node was asked since. */
#define SVB_HINTS_FRESH apr_time_from_sec(2)

/** What there is to be told; bits. */
#define SVB_HINT_REFUSED 1
#define SVB_HINT_ANSWERS 2
#define SVB_HINT_MAINTENANCE 4

/** @return what a node is, to be told of when it changes: SVB_HINT_REFUSED, one of its
 *          members refuses; SVB_HINT_ANSWERS, some do answer; SVB_HINT_MAINTENANCE */
unsigned svb_hints_of(const svb_seen *seen);

/** @return of what a node is now what was not so before */
unsigned svb_hints_new(unsigned before, unsigned now);

/** Is a hint (one bit) news here, by what is seen here? */
int svb_hints_is_news(unsigned hint, const svb_seen *seen);

/** Nodes to be asked; in shared memory, all zero at first. */
typedef struct svb_hints {
    _Atomic int any;
    _Atomic apr_byte_t wanted[SVB_RECORDS_MAX];
    _Atomic apr_time_t asked[SVB_RECORDS_MAX]; /**< when it was last wanted */
} svb_hints;

/** There is a hint: the node is to be asked, if that is not too often. @param at when it
 *  was seen. @return whether it is */
int svb_hints_want(svb_hints *hints, int node, apr_time_t at, apr_time_t now);

/** Take those that are to be asked. @param nodes room for SVB_RECORDS_MAX
 *  @return how many */
int svb_hints_take(svb_hints *hints, int *nodes);

#endif /* SVB_SHARE_HINTS_H */
