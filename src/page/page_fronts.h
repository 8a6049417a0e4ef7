/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The line of the page that says who shares with this front end: as it should be, or in red
 * that the store is lost, and of when the counts are.
 *
 * Pure: no locks; any thread, any phase.
 */
#ifndef SVB_PAGE_PAGE_FRONTS_H
#define SVB_PAGE_PAGE_FRONTS_H

#include "report/sink.h"
#include "report/snapshot.h"

/** Write the line; nothing where nothing is shared. */
void svb_page_fronts(svb_sink *s, const svb_snapshot *snap);

#endif /* SVB_PAGE_PAGE_FRONTS_H */
