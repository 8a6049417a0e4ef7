/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_checks.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>

#include "config/mod_access.h"
#include "config/mod_fleets.h"
#include "config/mod_member_checks.h"
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

static int member_count(const svb_balancer *balancer)
{
    return balancer->proxy->workers->nelts;
}

static int has_route(const svb_balancer *balancer, const char *route)
{
    for (int n = 0; n < member_count(balancer); n++) {
        if (!strcmp(svb_model_worker(balancer, n)->s->route, route)) {
            return 1;
        }
    }
    return 0;
}

static int fleet_has_route(const svb_fleet *fleet, const char *route)
{
    for (int i = 0; i < fleet->balancers->nelts; i++) {
        if (has_route(APR_ARRAY_IDX(fleet->balancers, i, svb_balancer *),
                      route)) {
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
            svb_member_checks_meant(model, fleet->balancers, line->route));
    }
}

/* What another balancer of the fleet makes of a node by its template, where this one
 * makes something else of it by its own; else NULL, and it is known from now on.
 * @param facts set to what this one makes of it */
static const svb_facts *contradicted(svb_model *model, svb_balancer *balancer,
                                     proxy_worker *worker, apr_hash_t *known,
                                     svb_facts *facts)
{
    const char *route = worker->s->route;
    const svb_facts *other;

    if (!*route
        || apr_hash_get(balancer->fleet->lines, route, APR_HASH_KEY_STRING)
        || svb_model_facts(model->pool, balancer, worker, facts)) {
        return NULL;
    }
    other = apr_hash_get(known, route, APR_HASH_KEY_STRING);
    if (!other) {
        apr_hash_set(known, route, APR_HASH_KEY_STRING,
                     apr_pmemdup(model->pool, facts, sizeof(*facts)));
    }
    return other && !svb_facts_equal(other, facts) ? other : NULL;
}

/* Templates of two balancers of a fleet can contradict each other as well; about many
 * nodes, if so. */
static void check_templates(svb_model *model, svb_balancer *balancer,
                            apr_hash_t *known)
{
    const char *text = NULL;
    int more = -1;

    for (int n = 0; n < member_count(balancer); n++) {
        proxy_worker *worker = svb_model_worker(balancer, n);
        svb_facts facts;
        const svb_facts *other =
            contradicted(model, balancer, worker, known, &facts);

        if (other && ++more == 0) {
            text = apr_psprintf(model->pool, "about node %s: %s here, %s there",
                                worker->s->route,
                                svb_facts_text(model->pool, &facts),
                                svb_facts_text(model->pool, other));
        }
    }
    if (text) {
        svb_model_problem(
            model, APLOG_ERR, balancer->server,
            SVB_LOGNO(
                0014) "%s: \"ServoyNode *\" contradicts another balancer "
                      "of fleet %s %s%s; give each node a line of its own",
            balancer->name, balancer->fleet->name, text,
            more ? apr_psprintf(model->pool, ", and about %d more", more) : "");
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
        svb_member_checks_run(model, balancer);
        check_templates(model, balancer, known);
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
