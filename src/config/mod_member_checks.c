/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_member_checks.h"

#include <apr_strings.h>
#include <http_core.h>

#include "config/closest.h"

/* --------------------------------------------------------------- their modules */

static const struct {
    const char *scheme, *file, *name;
} scheme_modules[] = {
    {"ajp", "mod_proxy_ajp.c", "mod_proxy_ajp"},
    {"http", "mod_proxy_http.c", "mod_proxy_http"},
    {"https", "mod_proxy_http.c", "mod_proxy_http"},
    {"ws", "mod_proxy_wstunnel.c", "mod_proxy_wstunnel"},
    {"wss", "mod_proxy_wstunnel.c", "mod_proxy_wstunnel"},
    {"h2", "mod_proxy_http2.c", "mod_proxy_http2"},
    {"h2c", "mod_proxy_http2.c", "mod_proxy_http2"},
};

static const char *missing_module(const proxy_worker *worker)
{
    for (apr_size_t i = 0;
         i < sizeof(scheme_modules) / sizeof(scheme_modules[0]); i++) {
        if (!ap_cstr_casecmp(worker->s->scheme, scheme_modules[i].scheme)
            && !ap_find_linked_module(scheme_modules[i].file)) {
            return scheme_modules[i].name;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------- several at once */

static int member_count(const svb_balancer *balancer)
{
    return balancer->proxy->workers->nelts;
}

/* The first member with this route before the n-th, or the n-th itself. */
static int first_with_route(const svb_balancer *balancer, const char *route,
                            int n)
{
    int i;

    for (i = 0; i < n && strcmp(svb_model_worker(balancer, i)->s->route, route);
         i++) {
    }
    return i;
}

/* What is told of several members at once: the first few by name, and how many more
 * there are, so that a large fleet's mistake is one line of the log. */
typedef struct {
    proxy_worker *first;
    const char *names;
    int count;
} member_list;

#define NAMED 3

static member_list
members_that(const svb_model *model, const svb_balancer *balancer,
             int (*is_so)(const svb_model *model, const svb_balancer *balancer,
                          proxy_worker *worker))
{
    member_list list = {NULL, "", 0};

    for (int n = 0; n < member_count(balancer); n++) {
        proxy_worker *worker = svb_model_worker(balancer, n);

        if (!is_so(model, balancer, worker)) {
            continue;
        }
        if (list.count++ < NAMED) {
            list.first = list.first ? list.first : worker;
            list.names = apr_pstrcat(
                model->pool, list.names, *list.names ? ", \"" : "\"",
                svb_model_member_text(model, worker), "\"", NULL);
        }
    }
    if (list.count > NAMED) {
        list.names = apr_psprintf(model->pool, "%s and %d more", list.names,
                                  list.count - NAMED);
    }
    return list;
}

/* Where one is told of in words of its own, for how many more they hold. */
static const char *and_more(const svb_model *model, int more)
{
    return more ? apr_psprintf(model->pool, " (and likewise %d more)", more)
                : "";
}

static const char *verb(const member_list *list, const char *of_one,
                        const char *of_several)
{
    return list->count == 1 ? of_one : of_several;
}

static int has_no_route(const svb_model *model, const svb_balancer *balancer,
                        proxy_worker *worker)
{
    (void)model, (void)balancer;
    return !*worker->s->route;
}

static void check_no_route(svb_model *model, svb_balancer *balancer)
{
    member_list list = members_that(model, balancer, has_no_route);

    if (list.count) {
        svb_model_problem(
            model, APLOG_WARNING, balancer->server,
            SVB_LOGNO(0005) "%s: %s %s no route: clients stick there only by "
                            "learning; give each a route= equal to its node's "
                            "jvmRoute",
            balancer->name, list.names, verb(&list, "has", "have"));
    }
}

static void check_route(svb_model *model, svb_balancer *balancer, int n)
{
    proxy_worker *worker = svb_model_worker(balancer, n);
    int first = first_with_route(balancer, worker->s->route, n);

    if (*worker->s->route && first < n) {
        svb_model_problem(
            model, APLOG_ERR, balancer->server,
            SVB_LOGNO(0006) "%s: \"%s\" and \"%s\" have the same route: a "
                            "route names one node",
            balancer->name,
            svb_model_member_text(model, svb_model_worker(balancer, first)),
            svb_model_member_text(model, worker));
    }
}

const char *svb_member_checks_meant(const svb_model *model,
                                    const apr_array_header_t *balancers,
                                    const char *route)
{
    apr_array_header_t *known = apr_array_make(model->pool, 8, sizeof(char *));
    const char *meant;

    for (int i = 0; i < balancers->nelts; i++) {
        const svb_balancer *b = APR_ARRAY_IDX(balancers, i, svb_balancer *);

        for (int n = 0; n < member_count(b); n++) {
            APR_ARRAY_PUSH(known, const char *) =
                svb_model_worker(b, n)->s->route;
        }
    }
    APR_ARRAY_PUSH(known, const char *) = NULL;
    meant = svb_closest(route, (const char *const *)known->elts);
    return meant ? apr_pstrcat(model->pool, "; did you mean ", meant, "?", NULL)
                 : "";
}

static void check_redirect(svb_model *model, svb_balancer *balancer, int n)
{
    proxy_worker *worker = svb_model_worker(balancer, n);
    const char *target = worker->s->redirect;
    int count = member_count(balancer);

    if (*target && first_with_route(balancer, target, count) == count) {
        svb_model_problem(
            model, APLOG_WARNING, balancer->server,
            SVB_LOGNO(0007) "%s: \"%s\" has redirect=%s, but no "
                            "member of the balancer has that route%s",
            balancer->name, svb_model_member_text(model, worker), target,
            svb_member_checks_meant(model, balancer->fleet->balancers, target));
    }
}

/* A line may be a template, and wrong for all. */
static void check_facts(svb_model *model, svb_balancer *balancer)
{
    proxy_worker *first = NULL;
    const char *what = NULL;
    int more = -1;

    for (int n = 0; n < member_count(balancer); n++) {
        proxy_worker *worker = svb_model_worker(balancer, n);
        svb_facts facts;
        const char *err =
            svb_model_facts(model->pool, balancer, worker, &facts);

        if (err && ++more == 0) {
            first = worker;
            what = err;
        }
    }
    if (first) {
        svb_model_problem(model, APLOG_ERR, balancer->server,
                          SVB_LOGNO(0008) "%s: the direct URL of \"%s\", made "
                                          "from its ServoyNode url=: %s%s",
                          balancer->name, svb_model_member_text(model, first),
                          what, and_more(model, more));
    }
}

static int has_no_direct_url(const svb_model *model,
                             const svb_balancer *balancer, proxy_worker *worker)
{
    svb_facts facts;

    return *worker->s->route
           && !svb_model_facts(model->pool, balancer, worker, &facts)
           && !facts.url;
}

static void check_direct_urls(svb_model *model, svb_balancer *balancer)
{
    int launches = balancer->set.launch != SVB_LAUNCH_PROXY;
    int starts = balancer->set.start == SVB_START_REDIRECT;
    member_list list = {NULL, "", 0};

    if (launches || starts) {
        list = members_that(model, balancer, has_no_direct_url);
    }
    if (list.count) {
        svb_model_problem(
            model, APLOG_WARNING, balancer->server,
            SVB_LOGNO(0009) "%s: %s %s no direct URL: %s elected there are "
                            "proxied; give each one with ServoyNode %s url=, "
                            "or set %s proxy",
            balancer->name, list.names, verb(&list, "has", "have"),
            !starts     ? "launches"
            : !launches ? "clients that start and are"
                        : "launches, and clients that start and are",
            list.first->s->route,
            !starts     ? "ServoyLaunch"
            : !launches ? "ServoyStart"
                        : "ServoyLaunch and ServoyStart");
    }
}

static int is_checked_by_http(const svb_model *model,
                              const svb_balancer *balancer,
                              proxy_worker *worker)
{
    hcmethod_t method = worker->s->method;

    (void)model, (void)balancer;
    return !*worker->s->hcexpr
           && (method == GET || method == HEAD || method == GET11
               || method == HEAD11);
}

static void check_health_checks(svb_model *model, svb_balancer *balancer)
{
    member_list list = members_that(model, balancer, is_checked_by_http);

    if (list.count) {
        svb_model_problem(
            model, APLOG_WARNING, balancer->server,
            SVB_LOGNO(
                0010) "%s: %s %s checked with an HTTP request: the 503 of a "
                      "node in maintenance would fail it and throw its users "
                      "off; use hcmethod=TCP or CPING, or an hcexpr that "
                      "accepts 503",
            balancer->name, list.names, verb(&list, "is", "are"));
    }
}

/* One that hangs accepts connections as if nothing had happened: only an answer to
 * a ping, or to a health check by one, tells. */
static int is_ajp_without_ping(const svb_model *model,
                               const svb_balancer *balancer,
                               proxy_worker *worker)
{
    (void)model, (void)balancer;
    return !ap_cstr_casecmp(worker->s->scheme, "ajp")
           && !worker->s->ping_timeout_set && worker->s->method != CPING;
}

static void check_pings(svb_model *model, svb_balancer *balancer)
{
    member_list list = members_that(model, balancer, is_ajp_without_ping);

    if (list.count) {
        svb_model_problem(
            model, APLOG_WARNING, balancer->server,
            SVB_LOGNO(0160) "%s: %s %s no ping=: users of a node that hangs "
                            "wait until their requests time out; give each "
                            "ping=3",
            balancer->name, list.names, verb(&list, "has", "have"));
    }
}

/* Of those that need a module that is not there the first, of each module. */
static void check_schemes(svb_model *model, svb_balancer *balancer)
{
    apr_hash_t *told = apr_hash_make(model->pool);

    for (int n = 0; n < member_count(balancer); n++) {
        const char *missing = missing_module(svb_model_worker(balancer, n));
        int more = 0;

        if (!missing || apr_hash_get(told, missing, APR_HASH_KEY_STRING)) {
            continue;
        }
        apr_hash_set(told, missing, APR_HASH_KEY_STRING, missing);
        for (int i = n + 1; i < member_count(balancer); i++) {
            more += missing_module(svb_model_worker(balancer, i)) == missing;
        }
        svb_model_problem(
            model, APLOG_ERR, balancer->server,
            SVB_LOGNO(0011) "%s: \"%s\" needs %s%s: load it in the "
                            "configuration",
            balancer->name,
            svb_model_member_text(model, svb_model_worker(balancer, n)),
            missing, and_more(model, more));
    }
}

/* ------------------------------------------------------------------------ all */

void svb_member_checks_run(svb_model *model, svb_balancer *balancer)
{
    check_schemes(model, balancer);
    check_no_route(model, balancer);
    check_facts(model, balancer);
    check_direct_urls(model, balancer);
    check_health_checks(model, balancer);
    check_pings(model, balancer);
    for (int n = 0; n < member_count(balancer); n++) {
        check_route(model, balancer, n);
        check_redirect(model, balancer, n);
    }
}
