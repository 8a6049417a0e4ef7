/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Which front ends there are: each writes a heartbeat, once a second, and reads those of
 * the others; in the same round the store tells the time, and how far each log goes.
 *
 * Nobody is asked to be there, or waited for. Who has our name is told by its heartbeat: it
 * is of another boot than ours, though ours was written since.
 *
 * One thread of one process; takes no lock.
 */
#ifndef SVB_SHARE_MOD_FRONTS_H
#define SVB_SHARE_MOD_FRONTS_H

#include "share/mod_sharing.h"

/** Begin; in post_config. */
void svb_fronts_start(server_rec *main_server);

/** What is to be read, and, where it is time, our heartbeat and a survey.
 *  @param round logs, heartbeats and what is wanted are filled in, from p */
void svb_fronts_fill(svb_exchange_round *round, apr_pool_t *p, apr_time_t now);

/** Look at what came back. @param began when the round did */
void svb_fronts_done(const svb_exchange_round *round,
                     const svb_exchange_result *result, apr_pool_t *p,
                     apr_time_t began);

#endif /* SVB_SHARE_MOD_FRONTS_H */
