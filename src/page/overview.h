/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The page's view from top to bottom: head, sentence, troubles, and a section for each
 * fleet; what happened.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_PAGE_OVERVIEW_H
#define SVB_PAGE_OVERVIEW_H

#include "page/place.h"
#include "page/view.h"
#include "report/snapshot.h"

/** Set what every page of the manager has: title, server, front end, how bad it is.
 *  @param v the view @param snap the snapshot @param place where on the page */
void svb_overview_head(svb_view *v, const svb_snapshot *snap,
                       const svb_place *place);

/** Set all the rest. @param v likewise */
void svb_overview_add(svb_view *v, const svb_snapshot *snap,
                      const svb_place *place);

#endif /* SVB_PAGE_OVERVIEW_H */
