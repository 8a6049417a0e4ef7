/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What can be wrong with the members of a balancer. Of what is true of many of them
 * there is one message, which names a few and counts the rest: a large fleet's mistake
 * is one line of the log.
 *
 * For check_config and post_config, when there is one thread.
 */
#ifndef SVB_CONFIG_MOD_MEMBER_CHECKS_H
#define SVB_CONFIG_MOD_MEMBER_CHECKS_H

#include "config/mod_model.h"

/** Add what is wrong to the model's problems. */
void svb_member_checks_run(svb_model *model, svb_balancer *balancer);

/**
 * A route that no member has: which was meant?
 * @param balancers of svb_balancer *, in which it was looked for
 * @return "; did you mean ...?", or ""
 */
const char *svb_member_checks_meant(const svb_model *model,
                                    const apr_array_header_t *balancers,
                                    const char *route);

#endif /* SVB_CONFIG_MOD_MEMBER_CHECKS_H */
