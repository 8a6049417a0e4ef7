/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What can be done to a node, as forms on the page. They post the fields that
 * svb_form_parse() reads to the page's own URL.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_PAGE_PAGE_ACTIONS_H
#define SVB_PAGE_PAGE_ACTIONS_H

#include "report/sink.h"
#include "report/snapshot.h"

/**
 * Write the forms.
 * @param s where to
 * @param snap the snapshot, for its nonce
 * @param fleet the node's fleet
 * @param node a node with a route
 * @param folded those that stand in what unfolds, or those in plain sight
 */
void svb_page_actions(svb_sink *s, const svb_snapshot *snap,
                      const svb_snap_fleet *fleet, const svb_snap_node *node,
                      int folded);

#endif /* SVB_PAGE_PAGE_ACTIONS_H */
