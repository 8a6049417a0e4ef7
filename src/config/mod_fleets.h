/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What can be wrong with fleets although each balancer is good: more nodes than there
 * is room for, and two nodes that are taken for one, since their balancers are of one
 * fleet and they have one route.
 *
 * For check_config and post_config, when there is one thread.
 */
#ifndef SVB_CONFIG_MOD_FLEETS_H
#define SVB_CONFIG_MOD_FLEETS_H

#include "config/mod_model.h"

/** Add what is wrong to the model's problems. */
void svb_fleets_check(svb_model *model);

#endif /* SVB_CONFIG_MOD_FLEETS_H */
