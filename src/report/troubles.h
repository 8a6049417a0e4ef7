/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What is wrong, a card each: what, since when and why; what it did to users; what
 * happens by itself; what can be done.
 *
 * Troubles, worst first: nobody takes new users; the store lost; a node in error;
 * silent; suspect; jvmRoute differs; only one node takes new users; full; degraded; a
 * front end missing; evictions. Draining, maintenance and what else an administrator
 * has set are none.
 *
 * Texts are plain, from the pool, and may quote names of any bytes: writers escape
 * them.
 *
 * Pure: no clock but the snapshot's; any thread, any phase.
 */
#ifndef SVB_REPORT_TROUBLES_H
#define SVB_REPORT_TROUBLES_H

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

/**
 * Look for troubles.
 * @param p owns the array and its texts
 * @return of svb_trouble, worst first; never NULL
 */
apr_array_header_t *svb_troubles_of(apr_pool_t *p, const svb_snapshot *snap);

/** Keep those that are in this part of a snapshot, or of the whole. */
void svb_troubles_keep(apr_array_header_t *troubles, const svb_snapshot *part);

/** @return the kind's word, as JSON has it: "nobody", "store", "error", "silent",
 *          "suspect", "jvmroute", "one_left", "full", "degraded", "front_end",
 *          "evictions" */
const char *svb_trouble_name(svb_trouble_kind kind);

#endif /* SVB_REPORT_TROUBLES_H */
