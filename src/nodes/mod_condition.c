/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_condition.h"

#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "nodes/condition.h"
#include "nodes/mod_admin.h"
#include "nodes/probe.h"

APR_DECLARE_OPTIONAL_FN(int, ap_proxy_retry_worker,
                        (const char *proxy_function, proxy_worker *worker,
                         server_rec *s));

static APR_OPTIONAL_FN_TYPE(ap_proxy_retry_worker) * retry_worker;

void svb_condition_start(void)
{
    retry_worker = APR_RETRIEVE_OPTIONAL_FN(ap_proxy_retry_worker);
}

int svb_condition_can_serve(const proxy_worker *worker)
{
    return PROXY_WORKER_IS_USABLE(worker);
}

int svb_condition_takes_new(const proxy_worker *worker)
{
    return PROXY_WORKER_IS_USABLE(worker) && !PROXY_WORKER_IS_DRAINING(worker);
}

/* A worker in error becomes usable when its retry time has passed; somebody
 * has to ask. */
int svb_condition_can_serve_now(proxy_worker *worker, request_rec *r)
{
    if (!svb_condition_can_serve(worker) && retry_worker) {
        retry_worker("SERVOY", worker, r->server);
    }
    return svb_condition_can_serve(worker);
}

int svb_condition_is_full(const svb_member *member)
{
    return member->facts.maxclients > 0
           && svb_clients_load(member->node)
                  >= (unsigned)member->facts.maxclients;
}

/* Refused a new client, and the time to try again has not come. */
static int has_refused(const svb_member *member)
{
    return svb_condition_maintenance(svb_segments_records(), member->node)
           > apr_time_now();
}

int svb_condition_answers(const svb_member *member)
{
    return member->node < 0
           || svb_condition_reach(svb_segments_records(), member->node)
                  == SVB_REACH_OK;
}

int svb_condition_in_maintenance(const svb_member *member)
{
    return member->node >= 0
           && (svb_admin_in_maintenance(member->node) || has_refused(member));
}

int svb_condition_may_be_tried(const svb_member *member)
{
    return member->node >= 0 && svb_condition_takes_new(member->worker)
           && !svb_admin_in_maintenance(member->node)
           && !svb_condition_is_full(member);
}

int svb_condition_may_take_new(const svb_member *member)
{
    return svb_condition_may_be_tried(member) && !has_refused(member)
           && svb_condition_answers(member);
}
