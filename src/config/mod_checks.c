/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_checks.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>

#include "config/closest.h"
#include "config/mod_access.h"
#include "config/mod_fleets.h"
#include "config/mod_passes.h"
#include "config/mod_sections.h"
#include "config/mod_store.h"
#include "config/mod_tree.h"
#include "config/url.h"

/* ------------------------------------------------------------------ modules */

int svb_checks_modules(server_rec *main_server)
{
    static const struct {
        const char *file, *name, *what_for;
    } needed[] = {
        {"mod_proxy.c", "mod_proxy", "it does the proxying"},
        {"mod_proxy_balancer.c", "mod_proxy_balancer",
         "it carries out what lbmethod=servoy decides"},
        {"mod_slotmem_shm.c", "mod_slotmem_shm",
         "mod_proxy_balancer keeps its members there"},
        {"mod_watchdog.c", "mod_watchdog", "it does the periodic work"},
    };
    int status = OK;

    for (apr_size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!ap_find_linked_module(needed[i].file)) {
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, main_server,
                         SVB_LOGNO(0004) "mod_servoy_balancer needs %s (%s): "
                                         "load it in the configuration",
                         needed[i].name, needed[i].what_for);
            status = HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return status;
}

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

/* ------------------------------------------------------------------ members */

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

/* "; did you mean ...?" of a route that none of these balancers has, or "".
 * @param balancers of svb_balancer * */
static const char *meant_route(const svb_model *model,
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
            meant_route(model, balancer->fleet->balancers, target));
    }
}

static void check_facts(svb_model *model, svb_balancer *balancer, int n)
{
    proxy_worker *worker = svb_model_worker(balancer, n);
    svb_facts facts;
    const char *err = svb_model_facts(model->pool, balancer, worker, &facts);

    if (err) {
        svb_model_problem(model, APLOG_ERR, balancer->server,
                          SVB_LOGNO(0008) "%s: the direct URL of \"%s\", made "
                                          "from its ServoyNode url=: %s",
                          balancer->name, svb_model_member_text(model, worker),
                          err);
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

static void check_scheme(svb_model *model, svb_balancer *balancer, int n)
{
    proxy_worker *worker = svb_model_worker(balancer, n);
    const char *missing = missing_module(worker);

    if (missing) {
        svb_model_problem(model, APLOG_ERR, balancer->server,
                          SVB_LOGNO(0011) "%s: \"%s\" needs %s: load it in the "
                                          "configuration",
                          balancer->name, svb_model_member_text(model, worker),
                          missing);
    }
}

/* ---------------------------------------------------------------- balancers */

static void check_failonstatus(svb_model *model, svb_balancer *balancer)
{
    const apr_array_header_t *statuses = balancer->proxy->errstatuses;

    for (int i = 0; statuses && i < statuses->nelts; i++) {
        if (APR_ARRAY_IDX(statuses, i, int) == HTTP_SERVICE_UNAVAILABLE) {
            svb_model_problem(
                model, APLOG_WARNING, balancer->server,
                SVB_LOGNO(
                    0012) "%s: failonstatus contains 503: a node in "
                          "maintenance would be put in error and its users thrown off; "
                          "take 503 out",
                balancer->name);
            return;
        }
    }
}

static int fleet_has_route(const svb_fleet *fleet, const char *route)
{
    for (int i = 0; i < fleet->balancers->nelts; i++) {
        const svb_balancer *balancer =
            APR_ARRAY_IDX(fleet->balancers, i, svb_balancer *);
        int count = member_count(balancer);

        if (first_with_route(balancer, route, count) < count) {
            return 1;
        }
    }
    return 0;
}

static int fleet_can_grow(const svb_fleet *fleet)
{
    for (int i = 0; i < fleet->balancers->nelts; i++) {
        if (APR_ARRAY_IDX(fleet->balancers, i, svb_balancer *)->proxy->growth) {
            return 1;
        }
    }
    return 0;
}

static void check_lines(svb_model *model, svb_fleet *fleet)
{
    svb_balancer *first = APR_ARRAY_IDX(fleet->balancers, 0, svb_balancer *);
    apr_hash_index_t *hi;

    for (hi = apr_hash_first(model->pool, fleet->lines); hi;
         hi = apr_hash_next(hi)) {
        const svb_node_line *line = apr_hash_this_val(hi);
        int grows = fleet_can_grow(fleet);

        if (fleet_has_route(fleet, line->route)) {
            continue;
        }
        svb_model_problem(
            model, grows ? APLOG_WARNING : APLOG_ERR, first->server,
            SVB_LOGNO(0013) "%s: \"%s\" (%s): no member of fleet "
                            "%s has the route %s%s%s",
            first->name, line->text, line->where, fleet->name, line->route,
            grows ? ", unless one is added at run time" : "",
            meant_route(model, fleet->balancers, line->route));
    }
}

/* Templates of two balancers of a fleet can contradict each other as well. */
static void check_templates(svb_model *model, svb_balancer *balancer, int n,
                            apr_hash_t *known)
{
    proxy_worker *worker = svb_model_worker(balancer, n);
    svb_facts facts, *other;

    if (!*worker->s->route
        || apr_hash_get(balancer->fleet->lines, worker->s->route,
                        APR_HASH_KEY_STRING)
        || svb_model_facts(model->pool, balancer, worker, &facts)) {
        return;
    }
    other = apr_hash_get(known, worker->s->route, APR_HASH_KEY_STRING);
    if (!other) {
        apr_hash_set(known, worker->s->route, APR_HASH_KEY_STRING,
                     apr_pmemdup(model->pool, &facts, sizeof(facts)));
    }
    else if (!svb_facts_equal(other, &facts)) {
        svb_model_problem(
            model, APLOG_ERR, balancer->server,
            SVB_LOGNO(0014) "%s: \"ServoyNode *\" contradicts another balancer "
                            "of fleet %s about node %s: %s here, %s there; "
                            "give the node a line of its own",
            balancer->name, balancer->fleet->name, worker->s->route,
            svb_facts_text(model->pool, &facts),
            svb_facts_text(model->pool, other));
    }
}

/* The first direct URL of a balancer that is not https, or NULL. */
static const char *plain_url(const svb_model *model,
                             const svb_balancer *balancer)
{
    svb_facts facts;

    for (int i = 0; i < member_count(balancer); i++) {
        if (!svb_model_facts(model->pool, balancer,
                             svb_model_worker(balancer, i), &facts)
            && facts.url && !svb_url_is_https(facts.url)) {
            return facts.url;
        }
    }
    return NULL;
}

static void check_https(svb_model *model, svb_balancer *balancer)
{
    server_rec *s = balancer->server;
    const char *host =
        s->server_hostname ? s->server_hostname : "the main server";
    const char *plain =
        svb_tree_speaks_https(s) && svb_tree_proxies_to(s, balancer->name)
            ? plain_url(model, balancer)
            : NULL;

    if (plain && balancer->set.launch == SVB_LAUNCH_REDIRECT) {
        svb_model_problem(
            model, APLOG_WARNING, s,
            SVB_LOGNO(
                0015) "%s: launches at %s (https) would be sent to "
                      "%s (http), which Java Web Start does not follow; give the "
                      "node an https:// direct URL, or set ServoyLaunch rewrite or proxy",
            balancer->name, host, plain);
    }
    if (plain && balancer->set.start == SVB_START_REDIRECT) {
        svb_model_problem(
            model, APLOG_WARNING, s,
            SVB_LOGNO(
                0190) "%s: clients that start at %s (https) would be sent to "
                      "%s (http), and their passwords and sessions could be "
                      "read on the way; give the node an https:// direct URL, "
                      "or set ServoyStart proxy",
            balancer->name, host, plain);
    }
}

/* Each of the cookies says something else. */
static void check_cookies(svb_model *model, const svb_balancer *balancer)
{
    const svb_section *set = &balancer->set;
    const char *twice = NULL;

    if (*set->route_cookie && !strcmp(set->route_cookie, set->launch_cookie)) {
        twice = set->route_cookie;
    }
    for (int i = 0; i < set->session_cookies->nelts; i++) {
        const char *name = APR_ARRAY_IDX(set->session_cookies, i, const char *);

        if (!strcmp(name, set->route_cookie)
            || !strcmp(name, set->launch_cookie)) {
            twice = name;
        }
    }
    if (twice) {
        svb_model_problem(model, APLOG_ERR, balancer->server,
                          SVB_LOGNO(0016) "%s: the cookie %s is named by more "
                                          "than one of ServoySessionCookie, "
                                          "ServoyRouteCookie and "
                                          "ServoyLaunchCookie",
                          balancer->name, twice);
    }
}

/* ----------------------------------------------------------------- sections */

static int is_in_use(const svb_model *model, const proxy_dir_conf *dir)
{
    for (int i = 0; i < model->balancers->nelts; i++) {
        if (svb_sections_is_of(
                dir,
                APR_ARRAY_IDX(model->balancers, i, svb_balancer *)->name)) {
            return 1;
        }
    }
    return 0;
}

/* Directives of ours in a section that no servoy balancer reads. Virtual hosts
 * inherit sections: each is told of once. */
static void check_stray_sections(svb_model *model)
{
    apr_hash_t *seen = apr_hash_make(model->pool);
    const svb_section *section;
    const proxy_dir_conf *dir;

    for (server_rec *s = model->main_server; s; s = s->next) {
        for (int i = 0; (section = svb_sections_next(s, &i, &dir));) {
            if (!section->where || is_in_use(model, dir)
                || apr_hash_get(seen, section->where, APR_HASH_KEY_STRING)) {
                continue;
            }
            apr_hash_set(seen, section->where, APR_HASH_KEY_STRING, section);
            svb_model_problem(
                model, APLOG_WARNING, s,
                SVB_LOGNO(0002) "<Proxy \"%s\">: the Servoy directives from %s "
                                "on have no effect: no balancer of this name "
                                "has lbmethod=" SVB_LBMETHOD "%s",
                dir->p ? dir->p : "", section->where,
                svb_passes_meant(model, dir->p ? dir->p : ""));
        }
    }
}

/* ---------------------------------------------------------------------- all */

static void check_fleet(svb_model *model, svb_fleet *fleet)
{
    apr_hash_t *known = apr_hash_make(model->pool);

    check_lines(model, fleet);
    for (int i = 0; i < fleet->balancers->nelts; i++) {
        svb_balancer *balancer =
            APR_ARRAY_IDX(fleet->balancers, i, svb_balancer *);

        check_https(model, balancer);
        if (svb_model_repeats(fleet->balancers, i)) {
            continue;
        }
        check_failonstatus(model, balancer);
        check_cookies(model, balancer);
        check_no_route(model, balancer);
        check_direct_urls(model, balancer);
        check_health_checks(model, balancer);
        check_pings(model, balancer);
        for (int n = 0; n < member_count(balancer); n++) {
            check_scheme(model, balancer, n);
            check_route(model, balancer, n);
            check_redirect(model, balancer, n);
            check_facts(model, balancer, n);
            check_templates(model, balancer, n, known);
        }
    }
}

static void check_store(svb_model *model)
{
    const char *wrong = svb_store_wrong(model->pool);

    if (wrong) {
        svb_model_problem(model, APLOG_ERR, model->main_server,
                          SVB_LOGNO(0120) "%s", wrong);
    }
    if (svb_store_key_is_idle()) {
        svb_model_problem(
            model, APLOG_WARNING, model->main_server,
            SVB_LOGNO(0121) "ServoySharedKey does nothing without "
                            "ServoySharedStore");
    }
}

void svb_checks_run(svb_model *model)
{
    check_store(model);
    check_stray_sections(model);
    svb_fleets_check(model);
    svb_passes_check(model);
    svb_access_check(model);
    for (int i = 0; i < model->fleets->nelts; i++) {
        check_fleet(model, APR_ARRAY_IDX(model->fleets, i, svb_fleet *));
    }
}
