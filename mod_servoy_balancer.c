/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The front door: the module record and the hooks. What the module is and how
 * it is configured is told in README; how it is built, in src/README.
 */
#include "mod_log.h"

#include "choice/mod_method.h"
#include "config/mod_directives.h"
#include "config/mod_sections.h"
#include "course/mod_attempt.h"
#include "course/mod_learn.h"
#include "course/mod_retry.h"
#include "course/mod_windows.h"
#include "launch/mod_launch.h"
#include "launch/mod_rewrite.h"
#include "manager/mod_manager.h"
#include "memory/mod_segments.h"
#include "mod_startup.h"

static void register_hooks(apr_pool_t *p)
{
    static const char *const balancer[] = {"mod_proxy_balancer.c", NULL};
    static const char *const watchdog[] = {"mod_watchdog.c", NULL};

    ap_hook_check_config(svb_startup_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(svb_startup_early, NULL, balancer, APR_HOOK_MIDDLE);
    ap_hook_post_config(svb_startup_post_config, balancer, NULL,
                        APR_HOOK_MIDDLE);
    /* Before the threads that tick: a child's first tick needs its row and a pass
     * of its own. */
    ap_hook_child_init(svb_startup_child, NULL, watchdog, APR_HOOK_MIDDLE);
    ap_hook_child_status(svb_segments_child_status, NULL, NULL,
                         APR_HOOK_MIDDLE);
    svb_method_register(p);
    svb_attempt_register(p);
    svb_learn_register(p);
    svb_windows_register(p);
    svb_launch_register(p);
    svb_rewrite_register(p);
    svb_retry_register(p);
    svb_manager_register(p);
}

/* The one symbol that the module exports. */
/* clang-format off */
module AP_MODULE_DECLARE_DATA servoy_balancer_module
    __attribute__((visibility("default"))) = {
    STANDARD20_MODULE_STUFF,
    svb_sections_create,
    svb_sections_merge,
    svb_directives_create_server,
    NULL,
    svb_directives_commands,
    register_hooks,
    AP_MODULE_FLAG_NONE,
};
