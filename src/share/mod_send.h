/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What this front end tells the others: changes of its clients, of each what it is by now;
 * all of them, when it is asked to walk; and whom it asks.
 *
 * A batch gets its number, in shared memory, before what it tells of is taken from the
 * ring: who is killed then leaves a gap in the numbers, and others ask for a walk. One that
 * could not be sent is sent again, under its number, with its ages as they are by then.
 *
 * One thread of one process; takes no lock.
 */
#ifndef SVB_SHARE_MOD_SEND_H
#define SVB_SHARE_MOD_SEND_H

#include "share/mod_sharing.h"

/** Begin; in post_config. */
void svb_send_start(apr_pool_t *pconf);

/**
 * Take up what there is to be told, and make batches of it and of what was not sent yet.
 * @param round its batches are filled in, from p
 */
void svb_send_fill(svb_exchange_round *round, apr_pool_t *p, apr_time_t now);

/** So many of them were sent. */
void svb_send_done(int n, apr_time_t now);

/** Something is to be told of a node. @param kind SVB_RECORD_REFUSED and so on */
void svb_send_hint(int node, unsigned kind, apr_time_t now);

#endif /* SVB_SHARE_MOD_SEND_H */
