/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Before and after an action: what it costs and, when it is done, what has come of it,
 * with a way back. Both are of the address (page/place.h), so that they survive a
 * restart and work without a script.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_PAGE_NOTE_H
#define SVB_PAGE_NOTE_H

#include "page/place.h"
#include "page/view.h"
#include "report/snapshot.h"

/** Set what is said of an action that was done, or has to be done again, if any. */
void svb_note_add(svb_view *v, const svb_snapshot *snap,
                  const svb_place *place);

/**
 * Set the question that is to be answered before an action, and what it costs.
 * @param v the view
 * @param snap the snapshot
 * @param place where on the page
 * @return 0 where there is nothing to be asked: no such node or action, or nothing may
 *         be done here
 */
int svb_note_ask(svb_view *v, const svb_snapshot *snap, const svb_place *place);

#endif /* SVB_PAGE_NOTE_H */
