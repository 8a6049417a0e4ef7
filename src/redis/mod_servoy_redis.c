/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The module that can talk to Redis and Valkey: it offers mod_servoy_balancer what
 * exchange.h asks for (rounds.h), and does nothing else. A module of its own, so that
 * hiredis is needed only where several front ends share what they know.
 *
 * Where it stands among the LoadModule lines does not matter: it is asked for when the
 * whole configuration has been read.
 */
#include <httpd.h>

#include <ap_provider.h>
#include <http_config.h>

#include "redis/rounds.h"

static void register_hooks(apr_pool_t *p)
{
    ap_register_provider(p, SVB_EXCHANGE_GROUP, SVB_EXCHANGE_REDIS,
                         SVB_EXCHANGE_VERSION, &svb_rounds_provider);
}

/* The one symbol that the module exports. */
/* clang-format off */
module AP_MODULE_DECLARE_DATA servoy_redis_module
    __attribute__((visibility("default"))) = {
    STANDARD20_MODULE_STUFF,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    register_hooks,
    AP_MODULE_FLAG_NONE,
};
/* clang-format on */
