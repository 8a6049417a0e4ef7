/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "manager/mod_manager.h"

#include <http_core.h>
#include <http_request.h>

#include "course/mod_answer.h"
#include "manager/mod_act.h"
#include "manager/mod_guard.h"
#include "manager/mod_server_status.h"
#include "manager/mod_show.h"

static const svb_model *model;

void svb_manager_use(const svb_model *m)
{
    model = m;
    svb_server_status_use(m);
}

static int handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, SVB_MANAGER_HANDLER)) {
        return DECLINED;
    }
    if (!model) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    svb_guard_fence(r);
    switch (r->method_number) {
    case M_GET:
        return svb_show(r, model);
    case M_POST:
        return svb_act(r, model);
    default:
        return svb_answer_not_allowed(r, "GET, HEAD, POST");
    }
}

/* -------------------------------------------------------- never to be proxied */

/* The walk through the <Location>s comes before the translation of the name,
 * in which ProxyPass takes what it wants; mod_proxy leaves alone what has the
 * variable no-proxy. */
static int keep_from_proxy(request_rec *r)
{
    const core_dir_config *dir = ap_get_core_module_config(r->per_dir_config);

    if (dir->handler && !strcmp(dir->handler, SVB_MANAGER_HANDLER)) {
        apr_table_setn(r->subprocess_env, "no-proxy", "1");
    }
    return DECLINED;
}

void svb_manager_register(apr_pool_t *p)
{
    static const char *const before_proxy[] = {"mod_proxy.c", NULL};

    (void)p;
    ap_hook_pre_translate_name(keep_from_proxy, NULL, before_proxy,
                               APR_HOOK_FIRST);
    ap_hook_translate_name(keep_from_proxy, NULL, before_proxy, APR_HOOK_FIRST);
    svb_server_status_register();
    ap_hook_handler(handler, NULL, before_proxy, APR_HOOK_FIRST);
}
