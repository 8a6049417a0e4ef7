/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What other front ends tell: which batches are believed, and what becomes of what they say
 * (share/told.h). What is missing between them: share/missing.h.
 *
 * A batch is believed by its code, and while its time sent and the time at which the store
 * got it do not differ by more than ten seconds, so that nothing can be played again
 * later.
 *
 * One thread of one process; takes no lock.
 */
#ifndef SVB_SHARE_MOD_READ_H
#define SVB_SHARE_MOD_READ_H

#include "share/mod_sharing.h"

/** Read on. @param p for the duration of the call */
void svb_read_batches(const svb_exchange_result *result, apr_pool_t *p,
                      apr_time_t now);

/** Ask those again who were asked and do not walk; none that are gone. */
void svb_read_look_after_walks(apr_time_t now);

#endif /* SVB_SHARE_MOD_READ_H */
