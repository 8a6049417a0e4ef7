/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A walk over all nodes, about once a second, that notes what has become of them:
 * when a node's state changes, when it comes up again (its slow start begins), that
 * it is gone and its clients with it, and that it has become safe to stop, which
 * is told (SVB0062).
 */
#ifndef SVB_NODES_MOD_CENSUS_H
#define SVB_NODES_MOD_CENSUS_H

#include "config/mod_model.h"

/**
 * Note the state of each node. From the watchdog, which is one thread in one
 * process; takes no lock, waits for nobody.
 */
void svb_census_note_states(const svb_model *model, apr_time_t now);

#endif /* SVB_NODES_MOD_CENSUS_H */
