/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The nodes of a fleet as the page has them: a table with a row for each, whose
 * columns are fields (report/fields.h), and what unfolds below it.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_PAGE_PAGE_NODES_H
#define SVB_PAGE_PAGE_NODES_H

#include "report/sink.h"
#include "report/snapshot.h"

/**
 * Write a fleet's table. The element that scrolls is labelled by the one whose
 * id is "f" and the fleet's index.
 * @param s where to
 * @param snap the snapshot
 * @param fleet_at the index of a fleet that has nodes
 * @param totals what its nodes come to
 */
void svb_page_nodes_table(svb_sink *s, const svb_snapshot *snap, int fleet_at,
                          const svb_snap_totals *totals);

/**
 * Write a link to a node's row: what people call it is its route or, where it
 * has none, its first member.
 * @param s where to
 * @param snap the snapshot
 * @param fleet_at the index of the node's fleet
 * @param node_at the node's index in it
 */
void svb_page_nodes_link(svb_sink *s, const svb_snapshot *snap, int fleet_at,
                         int node_at);

/**
 * Write a state's word, coloured.
 * @param s where to
 * @param state the state
 */
void svb_page_nodes_badge(svb_sink *s, svb_state state);

#endif /* SVB_PAGE_PAGE_NODES_H */
