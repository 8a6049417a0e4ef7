/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What unfolds below a node's row: counters, members in plain words, URL, all that can
 * be done to it, and what happened to it.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_PAGE_UNFOLDED_H
#define SVB_PAGE_UNFOLDED_H

#include "page/view.h"
#include "report/snapshot.h"

/** Add that to a row. @param v the row's view */
void svb_unfolded_add(svb_view *v, const svb_snapshot *snap,
                      const svb_snap_fleet *fleet, const svb_snap_node *node);

/** Fills an event; the baton is a table of const svb_snap_event *. */
svb_view_fill_fn svb_unfolded_event;

#endif /* SVB_PAGE_UNFOLDED_H */
