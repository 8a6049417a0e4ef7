/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A request as it was before mod_proxy's handler ran: to be put back to that
 * when nothing of the answer has been sent.
 */
#ifndef SVB_COURSE_MOD_REWIND_H
#define SVB_COURSE_MOD_REWIND_H

#include "mod_log.h"

typedef struct svb_rewind svb_rewind;

/** Remember. @return from the request's pool */
svb_rewind *svb_rewind_save(request_rec *r);

/** Put everything back; may be done any number of times. */
void svb_rewind_to(request_rec *r, const svb_rewind *start);

#endif /* SVB_COURSE_MOD_REWIND_H */
