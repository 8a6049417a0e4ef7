/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What leads to the balancers: the ProxyPass lines, as they stand in the text of the
 * configuration, and what can be wrong with them although httpd takes them. A path whose
 * slash is lost, a balancer that is not there, a line that another one hides; and
 * ProxyErrorOverride, which hides from us what a node says of itself.
 *
 * For check_config and post_config, when there is one thread.
 */
#ifndef SVB_CONFIG_MOD_PASSES_H
#define SVB_CONFIG_MOD_PASSES_H

#include "config/mod_model.h"

/** Add what is wrong to the model's problems. Reads the configuration tree. */
void svb_passes_check(svb_model *model);

/** @return "; did you mean ...?" of the name of a balancer that there is not, "servo" or
 *          "balancer://servo", or "" */
const char *svb_passes_meant(const svb_model *model, const char *name);

#endif /* SVB_CONFIG_MOD_PASSES_H */
