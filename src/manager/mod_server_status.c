/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "manager/mod_server_status.h"

#include <apr_optional_hooks.h>
#include <mod_status.h>

#include "manager/mod_show.h"
#include "report/mod_snapshot.h"
#include "report/server_status.h"

static const svb_model *model;

void svb_server_status_use(const svb_model *m)
{
    model = m;
}

static int add_section(request_rec *r, int flags)
{
    svb_snapshot *snap;
    svb_sink sink;

    if (!model || model->fleets->nelts == 0) {
        return DECLINED;
    }
    snap = svb_snapshot_take(r->pool, model, r->server->server_hostname, 0);
    svb_sink_init(&sink, svb_show_to_client, r);
    /* That fails only when the client has gone. */
    (void)(flags & AP_STATUS_SHORT
               ? svb_server_status_lines(snap, &sink)
               : svb_server_status_html(snap, !(flags & AP_STATUS_NOTABLE),
                                        &sink));
    return OK;
}

/* Nobody calls it where there is no mod_status. */
void svb_server_status_register(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, add_section, NULL, NULL,
                      APR_HOOK_MIDDLE);
}
