/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What every glue file needs: the module record and the log ids.
 */
#ifndef SVB_MOD_LOG_H
#define SVB_MOD_LOG_H

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>

#include "mod_servoy_balancer.h"

extern module AP_MODULE_DECLARE_DATA servoy_balancer_module;

APLOG_USE_MODULE(servoy_balancer);

/** Prefix of a log message: an id of our own, used for one message only. */
#define SVB_LOGNO(id) "SVB" #id ": "

#endif /* SVB_MOD_LOG_H */
