/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A request as it was before mod_proxy's handler ran: to be put back to that
 * when nothing of the answer has been sent.
 */
#ifndef MOD_SVB_REWIND_H
#define MOD_SVB_REWIND_H

#include "mod_svb.h"

typedef struct svb_rewind svb_rewind;

/** Remember. @return from the request's pool */
svb_rewind *svb_rewind_save(request_rec *r);

/** Put everything back; may be done any number of times. */
void svb_rewind_to(request_rec *r, const svb_rewind *start);

#endif /* MOD_SVB_REWIND_H */
