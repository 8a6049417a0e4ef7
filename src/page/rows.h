/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The nodes of a fleet as the page has them: which, in which order, and what is in a
 * row.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_PAGE_ROWS_H
#define SVB_PAGE_ROWS_H

#include "page/place.h"
#include "page/view.h"
#include "report/snapshot.h"

/** A fleet's rows. */
typedef struct svb_rows_table {
    const svb_snapshot *snap;
    const svb_snap_fleet *fleet;
    const svb_place *place;
    apr_array_header_t *nodes; /* of const svb_snap_node *, as they are shown */
    double fullest;            /* the most clients for a loadfactor */
} svb_rows_table;

/** @param p owns the table @return never NULL */
svb_rows_table *svb_rows_make(apr_pool_t *p, const svb_snapshot *snap,
                              const svb_snap_fleet *fleet,
                              const svb_place *place);

/** Fills a row; the baton is a svb_rows_table. */
svb_view_fill_fn svb_rows_fill;

/**
 * The anchor of a node, by which links lead to it: its name, with that of its fleet
 * where there are several.
 * @param p owns it
 * @param several are there several fleets?
 * @param fleet the fleet's name
 * @param name the node's, as it is shown
 */
const char *svb_rows_id(apr_pool_t *p, int several, const char *fleet,
                        const char *name);

/** What people call a state on the page. */
const char *svb_rows_word(svb_state state);

/** How many nodes of the fleet take new clients besides this one, and could. */
apr_uint64_t svb_rows_others(const svb_snap_fleet *fleet,
                             const svb_snap_node *node);

#endif /* SVB_PAGE_ROWS_H */
