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
 * Texts are plain, from the pool, and may quote names of any bytes: writers escape
 * them. Times in them are not spelled out: a writer puts "since" beside the text.
 *
 * Pure: no clock but the snapshot's; any thread, any phase.
 */
#ifndef SVB_REPORT_VERDICT_H
#define SVB_REPORT_VERDICT_H

#include "report/troubles.h"

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

#endif /* SVB_REPORT_VERDICT_H */
