/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Who may do what the manager's page can, as far as the configuration's text tells: are
 * there places with ServoyManagerActions where nobody is kept out?
 *
 * What keeps people out are Require lines other than "all granted", and Deny or Allow
 * lines, of the place itself or of those around it. Where it cannot be told, since a
 * section is for a pattern of places or depends on the request, somebody is taken to
 * be kept out: a warning that is wrong teaches people to read none.
 *
 * For check_config and post_config, when there is one thread.
 */
#ifndef SVB_CONFIG_MOD_ACCESS_H
#define SVB_CONFIG_MOD_ACCESS_H

#include "config/mod_model.h"

/** Add what is wrong to the model's problems. Reads the configuration tree. */
void svb_access_check(svb_model *model);

#endif /* SVB_CONFIG_MOD_ACCESS_H */
