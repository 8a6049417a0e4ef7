/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_fleets.h"

#include <apr_strings.h>

#include "config/hosts.h"
#include "memory/records.h"

/* -------------------------------------------------------------------- hosts */

/* A member and its balancer. */
typedef struct {
    const svb_balancer *balancer;
    proxy_worker *worker;
} placed_member;

/* Behind a socket of this machine there may be any. */
static int has_host(const proxy_worker *worker)
{
    return *worker->s->route && !*worker->s->uds_path
           && *worker->s->hostname_ex;
}

/* A member of the same route on another host, in a balancer before this one; two in
 * one are an error anyhow. */
static const placed_member *elsewhere(const apr_array_header_t *of_route,
                                      const placed_member *member)
{
    for (int i = 0; of_route && i < of_route->nelts; i++) {
        const placed_member *other = &APR_ARRAY_IDX(of_route, i, placed_member);

        if (other->balancer != member->balancer
            && svb_hosts_differ(other->worker->s->hostname_ex,
                                member->worker->s->hostname_ex)) {
            return other;
        }
    }
    return NULL;
}

static void add_placed(svb_model *model, apr_hash_t *by_route,
                       const placed_member *member)
{
    const char *route = member->worker->s->route;
    apr_array_header_t *list =
        apr_hash_get(by_route, route, APR_HASH_KEY_STRING);

    if (!list) {
        list = apr_array_make(model->pool, 2, sizeof(*member));
        apr_hash_set(by_route, route, APR_HASH_KEY_STRING, list);
    }
    APR_ARRAY_PUSH(list, placed_member) = *member;
}

/* Fleets that nobody has told apart: the balancers of a test and of production, say,
 * with the same routes. Told once for a balancer, however many routes it has.
 * @param by_route route -> array of placed_member, of the fleet's other balancers */
static void check_hosts(svb_model *model, svb_balancer *balancer,
                        apr_hash_t *by_route)
{
    placed_member first = {0}, other = {0};
    int more = -1;

    for (int n = 0; n < balancer->proxy->workers->nelts; n++) {
        placed_member m = {balancer, svb_model_worker(balancer, n)};
        const placed_member *found =
            has_host(m.worker) ? elsewhere(
                apr_hash_get(by_route, m.worker->s->route, APR_HASH_KEY_STRING),
                &m)
                               : NULL;

        if (found && ++more == 0) {
            first = m;
            other = *found;
        }
        if (has_host(m.worker)) {
            add_placed(model, by_route, &m);
        }
    }
    if (more >= 0) {
        svb_model_problem(
            model, APLOG_WARNING, balancer->server,
            SVB_LOGNO(
                0018) "%s: \"%s\" and \"%s\" of %s are one node, since both are "
                      "of fleet %s and have the route %s, but their hosts differ%s; "
                      "give one of the balancers a ServoyFleet of its own, or both "
                      "members the same host",
            balancer->name, svb_model_member_text(model, first.worker),
            svb_model_member_text(model, other.worker), other.balancer->name,
            balancer->fleet->name, first.worker->s->route,
            more ? apr_psprintf(model->pool, " (and so do those of %d more)",
                                more)
                 : "");
    }
}

/* -------------------------------------------------------------------- nodes */

/* Each is one for its fleet, however many balancers have it. */
static void count_nodes(svb_model *model, const svb_fleet *fleet,
                        apr_hash_t *nodes)
{
    for (int i = 0; i < fleet->balancers->nelts; i++) {
        const svb_balancer *balancer =
            APR_ARRAY_IDX(fleet->balancers, i, svb_balancer *);

        for (int n = 0; n < balancer->proxy->workers->nelts; n++) {
            const proxy_worker_shared *s = svb_model_worker(balancer, n)->s;
            const char *name = apr_pstrcat(
                model->pool, fleet->name, *s->route ? " route " : " member ",
                *s->route ? s->route : s->name_ex, NULL);

            apr_hash_set(nodes, name, APR_HASH_KEY_STRING, name);
        }
    }
}

static void check_number(svb_model *model)
{
    apr_hash_t *nodes = apr_hash_make(model->pool);

    for (int i = 0; i < model->fleets->nelts; i++) {
        count_nodes(model, APR_ARRAY_IDX(model->fleets, i, svb_fleet *), nodes);
    }
    if (apr_hash_count(nodes) > SVB_RECORDS_MAX) {
        svb_model_problem(
            model, APLOG_ERR, model->main_server,
            SVB_LOGNO(0019) "the servoy balancers have %u nodes, all fleets "
                            "together: there is room for %d; take some out, or "
                            "serve them by another httpd",
            apr_hash_count(nodes), SVB_RECORDS_MAX);
    }
}

/* ---------------------------------------------------------------------- all */

static void check_fleet(svb_model *model, const svb_fleet *fleet)
{
    apr_hash_t *by_route = apr_hash_make(model->pool);

    for (int i = 0; i < fleet->balancers->nelts; i++) {
        if (!svb_model_repeats(fleet->balancers, i)) {
            check_hosts(model,
                        APR_ARRAY_IDX(fleet->balancers, i, svb_balancer *),
                        by_route);
        }
    }
}

void svb_fleets_check(svb_model *model)
{
    check_number(model);
    for (int i = 0; i < model->fleets->nelts; i++) {
        check_fleet(model, APR_ARRAY_IDX(model->fleets, i, svb_fleet *));
    }
}
