/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What other front ends tell: which batches are believed, what is missing between them,
 * and what follows for the client table.
 *
 * A batch is believed by its code, and while its time sent and the time at which the store
 * got it do not differ by more than ten seconds, so that nothing can be played again
 * later. Boots grow: one of an older boot counts only where a heartbeat says that the front
 * end is of that boot. Of each boot, numbers follow each other: one that was read before
 * is a second sending, one that is missing makes a gap, and then the front end is asked to
 * walk.
 *
 * One thread of one process; takes no lock.
 */
#ifndef SVB_SHARE_MOD_READ_H
#define SVB_SHARE_MOD_READ_H

#include "config/mod_model.h"
#include "share/mod_sharing.h"

/** Begin; in post_config. */
void svb_read_start(const svb_model *model);

/** Read on. @param p for the duration of the call */
void svb_read_batches(const svb_exchange_result *result, apr_pool_t *p,
                      apr_time_t now);

/** Something of this front end's is missing: it has to walk. */
void svb_read_gap(svb_front *front);

/** Ask those again who were asked and do not walk; none that are gone. */
void svb_read_look_after_walks(apr_time_t now);

/** Tell others of nodes that have begun to refuse new clients by their own word. */
void svb_read_notice_maintenance(apr_time_t now);

#endif /* SVB_SHARE_MOD_READ_H */
