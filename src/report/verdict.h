/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a snapshot amounts to, in words: what somebody who looks at three in the morning
 * wants to know before anything else. Page, JSON and servoyctl say the same words,
 * since they are made here alone.
 *
 *     sentence   "servoy2 is down." "Users are served by 2 of 3 nodes; new users can
 *                start."
 *     title      "\xe2\x96\xb2 1 down", or "" where all is well
 *     troubles   a card each: what, since when and why; what it did to users; what
 *                happens by itself; what can be done
 *
 * Troubles, worst first: nobody takes new users; the store lost; a node in error;
 * silent; suspect; jvmRoute differs; only one node takes new users; full; degraded; a
 * front end missing; evictions. Draining, maintenance and what else an administrator
 * has set are none.
 *
 * Texts are plain, from the pool, and may quote names of any bytes: writers escape
 * them. Times in them are not spelled out: a writer puts "since" beside the text.
 *
 * Pure: no clock but the snapshot's; any thread, any phase.
 */
#ifndef SVB_REPORT_VERDICT_H
#define SVB_REPORT_VERDICT_H

#include "report/snapshot.h"

/** What a trouble is of. */
typedef enum svb_trouble_kind {
    SVB_TROUBLE_NOBODY, /**< no node of the fleet takes new users */
    SVB_TROUBLE_STORE,  /**< the shared store is lost */
    SVB_TROUBLE_ERROR,
    SVB_TROUBLE_SILENT,
    SVB_TROUBLE_SUSPECT,
    SVB_TROUBLE_JVMROUTE, /**< jvmRoute and route= differ */
    SVB_TROUBLE_ONE_LEFT, /**< of several, one node takes new users */
    SVB_TROUBLE_FULL,
    SVB_TROUBLE_DEGRADED,
    SVB_TROUBLE_FRONT_END, /**< another front end is missing */
    SVB_TROUBLE_EVICTIONS,
    SVB_TROUBLES
} svb_trouble_kind;

/** A card. */
typedef struct svb_trouble {
    svb_trouble_kind kind;
    svb_severity severity; /**< bad or warn */
    const char *fleet;     /**< name, or "" */
    const char *node;      /**< its name as shown (route or member), or "" */
    const char *what;   /**< without the node's name in front: "does not answer:
                                connection refused by ajp://app2:8009" */
    apr_time_t since;   /**< 0: unknown */
    const char *effect; /**< what it did to users, or "" */
    const char *next;   /**< what happens by itself, or "" */
    apr_time_t next_at; /**< when that is, or 0 */
    const char *todo;   /**< what can be done, or "" */
} svb_trouble;

/** The whole. */
typedef struct svb_verdict {
    svb_severity severity; /**< of the worst */
    const char *title;     /**< "" or what a tab among thirty is to tell */
    const char
        *headline;    /**< what is wrong: "servoy2 is down."; or all is well:
                                "All 3 nodes serve." */
    const char *rest; /**< and what follows: "74 users." */
    apr_array_header_t
        *troubles; /**< of svb_trouble, worst first; never NULL */
} svb_verdict;

/** Look at a snapshot. @param p owns the texts @return never NULL */
svb_verdict *svb_verdict_of(apr_pool_t *p, const svb_snapshot *snap);

/** @return the kind's word, as JSON has it: "nobody", "store", "error", "silent",
 *          "suspect", "jvmroute", "one_left", "full", "degraded", "front_end",
 *          "evictions" */
const char *svb_trouble_name(svb_trouble_kind kind);

/** How many nodes are in which states, in words: "1 down, 2 draining"; from p. */
const char *svb_verdict_states(apr_pool_t *p, const svb_snap_totals *totals);

/** How a node is called: its route, or where it has none, its first member. */
const char *svb_verdict_node_name(const svb_snap_node *node);

#endif /* SVB_REPORT_VERDICT_H */
