/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The last hour as a line: numbers, one every half minute, as the path of an SVG of 60
 * by 20.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_PAGE_SPARK_H
#define SVB_PAGE_SPARK_H

#include "page/view.h"
#include "report/snapshot.h"

/** A line under construction. */
typedef struct svb_spark {
    apr_uint64_t points[SVB_SNAP_HOUR + 1]; /* oldest first, the last is now */
    int n;
} svb_spark;

/** The line of a node. @param spark is overwritten */
void svb_spark_of_node(svb_spark *spark, const svb_snap_node *node);

/** The line of a fleet: its nodes' sum. @param spark is overwritten */
void svb_spark_of_fleet(svb_spark *spark, const svb_snap_fleet *fleet);

/** Set "path" and what it says in words, "path_says"; no path where that is
 *  but a point. */
void svb_spark_show(svb_view *v, const svb_spark *spark);

#endif /* SVB_PAGE_SPARK_H */
