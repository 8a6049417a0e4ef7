/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What every glue file needs: an httpd that is new enough, the module record and
 * the log ids.
 */
#ifndef SVB_MOD_LOG_H
#define SVB_MOD_LOG_H

#include <httpd.h>
#include <http_config.h>
#include <http_log.h>

#include "mod_servoy_balancer.h"

#if AP_SERVER_MAJORVERSION_NUMBER * 1000000                                    \
        + AP_SERVER_MINORVERSION_NUMBER * 1000 + AP_SERVER_PATCHLEVEL_NUMBER   \
    < 2004057
#error "mod_servoy_balancer needs Apache httpd 2.4.57 or later"
#endif

extern module AP_MODULE_DECLARE_DATA servoy_balancer_module;

APLOG_USE_MODULE(servoy_balancer);

/** Prefix of a log message: an id of our own, used for one message only. */
#define SVB_LOGNO(id) "SVB" #id ": "

#endif /* SVB_MOD_LOG_H */
