/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What was seen of a node, in the words of its record: the state that it was last
 * noted in, whether it answers, whether it has refused new clients.
 *
 * Pure: the clock is passed in. Every function is one atomic operation on one
 * word, or a few tries of it; none takes a lock, and all are safe in any thread
 * of any process, in any phase after svb_records_open().
 */
#ifndef SVB_NODES_CONDITION_H
#define SVB_NODES_CONDITION_H

#include "memory/records.h"
#include "nodes/probe.h"
#include "nodes/state.h"

/**
 * Note the state in which a node was seen.
 * @return the state noted before, or -1 when this is the first; where the two
 *         differ, the caller is the one process that saw the change
 */
int svb_condition_note(svb_records *records, int node, svb_state state,
                       apr_time_t now);

/** @return the state noted last, or -1 for none */
int svb_condition_noted(svb_records *records, int node);

/** @return when the noted state last changed, 0 for never noted */
apr_time_t svb_condition_since(svb_records *records, int node);

/**
 * Until when the node takes no new clients because it has refused one.
 * @return a time of day, perhaps past; 0 when it has not refused any since it
 *         last took one
 */
apr_time_t svb_condition_maintenance(svb_records *records, int node);
void svb_condition_set_maintenance(svb_records *records, int node,
                                   apr_time_t until);

/**
 * A node has refused new clients and its time is up: one client may try it.
 * @param until how long the others are to wait meanwhile
 * @return whether the caller is the one
 */
int svb_condition_claim_trial(svb_records *records, int node, apr_time_t now,
                              apr_time_t until);

/** What those who asked the node whether it is there have found last. */
svb_reach svb_condition_reach(svb_records *records, int node);

/** Note what was found. @param reach not SVB_REACH_UNKNOWN
 *  @return what had been found before */
svb_reach svb_condition_set_reach(svb_records *records, int node,
                                  svb_reach reach);

/** The node has given a sign of life: an answer to a request, or to a probe. */
void svb_condition_hear(svb_records *records, int node, apr_time_t now);

/** @return when the node last gave one, to the second, rounded down; 0: never */
apr_time_t svb_condition_heard(svb_records *records, int node);

/**
 * May a warning about the node be given? Once in a while, by one process.
 * @param every how long to be silent after one
 */
int svb_condition_may_warn(svb_records *records, int node, apr_time_t now,
                           apr_interval_time_t every);

#endif /* SVB_NODES_CONDITION_H */
