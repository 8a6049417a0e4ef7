/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a POST to the manager does.
 */
#ifndef SVB_MANAGER_MOD_ACT_H
#define SVB_MANAGER_MOD_ACT_H

#include <httpd.h>

#include "config/mod_model.h"

/** Carry out a POST, if it may. In a request's thread. @return as a handler does */
int svb_act(request_rec *r, const svb_model *model);

#endif /* SVB_MANAGER_MOD_ACT_H */
