/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_targets.h"

#include <apr_uri.h>

/* The list under construction. */
typedef struct {
    apr_pool_t *p;
    apr_array_header_t *targets; /* of svb_target * */
    apr_hash_t *by_node;         /* the same, by index of the node */
} list;

/* Nodes that an administrator has taken out are nobody's business. */
static int is_out(const proxy_worker *worker)
{
    return (worker->s->status & (PROXY_WORKER_DISABLED | PROXY_WORKER_STOPPED))
           != 0;
}

static svb_target *target_of(list *l, const svb_balancer *balancer,
                             const svb_member *member)
{
    svb_target *target =
        apr_hash_get(l->by_node, &member->node, sizeof(member->node));

    if (!target) {
        target = apr_pcalloc(l->p, sizeof(*target));
        target->node = member->node;
        target->fleet = balancer->fleet;
        target->endpoints = apr_array_make(l->p, 2, sizeof(svb_endpoint));
        apr_hash_set(l->by_node, &target->node, sizeof(target->node), target);
        APR_ARRAY_PUSH(l->targets, svb_target *) = target;
    }
    return target;
}

/* The direct URL has no worker. */
static int has_endpoint(const svb_target *target, const proxy_worker *worker)
{
    for (int i = 0; i < target->endpoints->nelts; i++) {
        if (APR_ARRAY_IDX(target->endpoints, i, svb_endpoint).worker
            == worker) {
            return 1;
        }
    }
    return 0;
}

static void add_endpoint(svb_target *target, svb_endpoint_kind kind, int slot,
                         proxy_worker *worker, const char *host,
                         apr_port_t port)
{
    svb_endpoint *endpoint;

    if (!has_endpoint(target, worker)) {
        endpoint = apr_array_push(target->endpoints);
        endpoint->kind = kind;
        endpoint->slot = slot;
        endpoint->worker = worker;
        endpoint->host = host;
        endpoint->port = port;
        endpoint->reach = SVB_REACH_UNKNOWN;
    }
}

static void add_url(list *l, svb_target *target, int slot, const char *url)
{
    apr_uri_t uri;

    if (url && apr_uri_parse(l->p, url, &uri) == APR_SUCCESS && uri.hostname) {
        add_endpoint(target, SVB_ENDPOINT_URL, slot, NULL, uri.hostname,
                     uri.port ? uri.port : apr_uri_port_of_scheme(uri.scheme));
    }
}

/* Virtual hosts have copies of a balancer, with the same members: each is asked
 * once, for whichever copy wants it. */
static void add_member(list *l, const svb_balancer *balancer,
                       const svb_member *member)
{
    svb_target *target = target_of(l, balancer, member);
    const proxy_worker_shared *s = member->worker->s;

    if (is_out(member->worker)) {
        return;
    }
    target->is_asked |= member->facts.probe != SVB_PROBE_OFF;
    if (member->url_slot >= 0) {
        add_url(l, target, member->url_slot, member->facts.url);
    }
    /* Nobody who is on another machine comes by a socket of this one. */
    add_endpoint(target,
                 ap_cstr_casecmp(s->scheme, "ajp") ? SVB_ENDPOINT_OTHER
                                                   : SVB_ENDPOINT_AJP,
                 member->slot, member->worker,
                 *s->uds_path ? NULL : s->hostname_ex, s->port);
}

apr_array_header_t *
svb_targets_list(apr_pool_t *p, const apr_array_header_t *balancers, int node)
{
    list l = {.p = p,
              .targets = apr_array_make(p, 16, sizeof(svb_target *)),
              .by_node = apr_hash_make(p)};

    for (int i = 0; i < balancers->nelts; i++) {
        svb_balancer *balancer = APR_ARRAY_IDX(balancers, i, svb_balancer *);
        const svb_members *members = svb_members_get(balancer);

        for (int j = 0; j < members->n; j++) {
            const svb_member *member = &members->all[j];

            if (member->node >= 0 && (node < 0 || member->node == node)) {
                add_member(&l, balancer, member);
            }
        }
    }
    return l.targets;
}
