/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What administrators say of nodes holds at all front ends: draining, enabling, disabling,
 * maintenance and loadfactors, and that clients are forgotten or windows closed. Counters
 * are reset where that is said.
 *
 * Each is numbered (SVB_WORD_SAID_AT and so on) by a clock that all move on; the higher
 * number counts. Whoever holds a higher one than the store has writes it there, so what is
 * said while the store is away is told when it is back.
 *
 * Done once, forgetting and closing are over: whoever hears of them late, or was started
 * since, only takes the number.
 */
#ifndef SVB_SHARE_MOD_SAID_H
#define SVB_SHARE_MOD_SAID_H

#include "config/mod_model.h"
#include "nodes/action.h"
#include "share/mod_sharing.h"

/** Begin; in post_config. */
void svb_said_start(const svb_model *model);

/** An administrator has said something here: tell others. Any thread, takes no lock; also
 *  where nothing is shared. @return whether others will hear of it */
int svb_said_here(int node, svb_action_kind kind);

/** What there is to be written. One thread of one process, as all below.
 *  @param round admin and want_admin are filled in, from p */
void svb_said_fill(svb_exchange_round *round, apr_pool_t *p);

/** It was written; and hear what others have said. */
void svb_said_done(const svb_exchange_round *round,
                   const svb_exchange_result *result, apr_pool_t *p,
                   apr_time_t now);

#endif /* SVB_SHARE_MOD_SAID_H */
