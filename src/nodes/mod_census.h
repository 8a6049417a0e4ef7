/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What has become of the nodes: a node's state is noted when it changes, and how many
 * clients it had then, which is an event, told once (SVB0094); one that comes up again begins its slow start; one that
 * has become safe to stop is told as well (SVB0062).
 *
 * Noted is it by whoever has reported what changed it, at once (mod_evidence), and by
 * a walk over all nodes about once a second. No function takes a lock or waits.
 */
#ifndef SVB_NODES_MOD_CENSUS_H
#define SVB_NODES_MOD_CENSUS_H

#include "config/mod_model.h"

/** Note the state of each node. From the watchdog, which is one thread in one
 *  process. @param p for the duration of the call */
void svb_census_note_all(const svb_model *model, apr_pool_t *p, apr_time_t now);

/** Note the state of one node of a fleet, by all its members. Any thread.
 *  @param p for the duration of the call
 *  @return whether it is another one than before */
int svb_census_note(const svb_fleet *fleet, int node, server_rec *s,
                    apr_pool_t *p, apr_time_t now);

/** What an administrator has done to the node is an event, where no change of its
 *  state tells of it. Any thread. @param what with who did it */
void svb_census_note_action(int node, const char *what, apr_time_t now);

#endif /* SVB_NODES_MOD_CENSUS_H */
