/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The front ends that share, as the page has them: one line. Pure: any phase.
 */
#ifndef SVB_PAGE_FRONTS_H
#define SVB_PAGE_FRONTS_H

#include "page/view.h"
#include "report/snapshot.h"

/** Set that line, where anything is shared. */
void svb_fronts_add(svb_view *v, const svb_snapshot *snap);

#endif /* SVB_PAGE_FRONTS_H */
