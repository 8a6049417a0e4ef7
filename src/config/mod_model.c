/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_model.h"

#include <apr_strings.h>
#include <http_core.h>

#include "config/mod_sections.h"
#include "config/url.h"
#include "memory/hash.h"

/* --------------------------------------------------------------- small ones */

void svb_model_problem(svb_model *model, int level, server_rec *s,
                       const char *format, ...)
{
    svb_problem *problem = apr_array_push(model->problems);
    va_list args;

    va_start(args, format);
    problem->level = level;
    problem->server = s;
    problem->text = apr_pvsprintf(model->pool, format, args);
    va_end(args);
}

const char *svb_model_member_text(const svb_model *model, proxy_worker *worker)
{
    return apr_psprintf(model->pool, "BalancerMember %s%s%s",
                        ap_proxy_worker_name(model->pool, worker),
                        *worker->s->route ? " route=" : "", worker->s->route);
}

proxy_worker *svb_model_worker(const svb_balancer *balancer, int i)
{
    return APR_ARRAY_IDX(balancer->proxy->workers, i, proxy_worker *);
}

svb_balancer *svb_model_balancer(const svb_model *model,
                                 const proxy_balancer *balancer)
{
    return apr_hash_get(model->by_proxy, &balancer, sizeof(balancer));
}

int svb_model_repeats(const apr_array_header_t *list, int i)
{
    const apr_array_header_t *workers =
        APR_ARRAY_IDX(list, i, svb_balancer *)->proxy->workers;

    while (--i >= 0) {
        if (APR_ARRAY_IDX(list, i, svb_balancer *)->proxy->workers == workers) {
            return 1;
        }
    }
    return 0;
}

static proxy_server_conf *proxy_conf(server_rec *s)
{
    return ap_get_module_config(s->module_config, &proxy_module);
}

static proxy_balancer *nth_balancer(proxy_server_conf *conf, int i)
{
    return &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer);
}

/* ------------------------------------------------- which balancers are ours */

static int has_lbmethod(const proxy_balancer *balancer, const char *name)
{
    return balancer->lbmethod && !strcmp(balancer->lbmethod->name, name);
}

/* The arrays of members that a servoy balancer of any server has. */
static apr_hash_t *servoy_arrays(apr_pool_t *p, server_rec *main_server)
{
    apr_hash_t *arrays = apr_hash_make(p);

    for (server_rec *s = main_server; s; s = s->next) {
        proxy_server_conf *conf = proxy_conf(s);

        for (int i = 0; i < conf->balancers->nelts; i++) {
            proxy_balancer *balancer = nth_balancer(conf, i);

            if (has_lbmethod(balancer, SVB_LBMETHOD)) {
                apr_hash_set(arrays, &balancer->workers,
                             sizeof(balancer->workers), balancer);
            }
        }
    }
    return arrays;
}

/* A <Proxy balancer://x> of the main server that a ProxyPass in a virtual host
 * names is copied there, members and all, but with mod_proxy's default method:
 * the copy's own "method was set" flag is on although nobody set it. */
static proxy_balancer *lost_from(const proxy_balancer *balancer,
                                 apr_hash_t *arrays)
{
    return has_lbmethod(balancer, "byrequests") ? apr_hash_get(
               arrays, &balancer->workers, sizeof(balancer->workers))
                                                : NULL;
}

void svb_model_mend_lbmethod(server_rec *main_server)
{
    apr_hash_t *arrays =
        servoy_arrays(main_server->process->pconf, main_server);

    for (server_rec *s = main_server; s; s = s->next) {
        proxy_server_conf *conf = proxy_conf(s);

        for (int i = 0; i < conf->balancers->nelts; i++) {
            proxy_balancer *balancer = nth_balancer(conf, i);
            proxy_balancer *origin = lost_from(balancer, arrays);

            if (origin) {
                balancer->lbmethod = origin->lbmethod;
                apr_cpystrn(balancer->s->lbpname, SVB_LBMETHOD,
                            sizeof(balancer->s->lbpname));
            }
        }
    }
}

/* ----------------------------------------------------------- building it up */

static svb_fleet *fleet_of(svb_model *model, const char *name)
{
    svb_fleet *fleet;

    for (int i = 0; i < model->fleets->nelts; i++) {
        fleet = APR_ARRAY_IDX(model->fleets, i, svb_fleet *);
        if (!strcmp(fleet->name, name)) {
            return fleet;
        }
    }
    fleet = apr_pcalloc(model->pool, sizeof(*fleet));
    fleet->name = name;
    fleet->salt = svb_hash_text(name, strlen(name));
    fleet->balancers = apr_array_make(model->pool, 2, sizeof(svb_balancer *));
    fleet->lines = apr_hash_make(model->pool);
    APR_ARRAY_PUSH(model->fleets, svb_fleet *) = fleet;
    return fleet;
}

static void add_balancer(svb_model *model, server_rec *s, proxy_balancer *proxy)
{
    svb_balancer *balancer = apr_pcalloc(model->pool, sizeof(*balancer));

    balancer->name = proxy->s->name;
    balancer->name_len = strlen(balancer->name);
    balancer->proxy = proxy;
    balancer->server = s;
    balancer->set = *svb_sections_merged(model->pool, s, balancer->name);
    balancer->fleet = fleet_of(model, balancer->set.fleet);
    APR_ARRAY_PUSH(balancer->fleet->balancers, svb_balancer *) = balancer;
    APR_ARRAY_PUSH(model->balancers, svb_balancer *) = balancer;
    apr_hash_set(model->by_proxy, &balancer->proxy, sizeof(balancer->proxy),
                 balancer);
}

static const proxy_worker *with_route(const svb_balancer *balancer,
                                      const char *route)
{
    const apr_array_header_t *workers = balancer->proxy->workers;
    int end = __atomic_load_n(&workers->nelts, __ATOMIC_ACQUIRE);

    for (int i = 0; i < end; i++) {
        const proxy_worker *worker = APR_ARRAY_IDX(workers, i, proxy_worker *);

        /* At run time one may be on its way: its place is there first. */
        if (worker && worker->s && !strcmp(worker->s->route, route)) {
            return worker;
        }
    }
    return NULL;
}

/* The line with its url expanded: %h is the host of the member beside it, who
 * may ask for it elsewhere in the fleet. Where there is none, or what comes of
 * it is no URL, the line stays, for others to expand or to complain about. */
static const svb_node_line *expanded(apr_pool_t *p,
                                     const svb_balancer *balancer,
                                     const svb_node_line *line,
                                     const char *route)
{
    const proxy_worker *worker = with_route(balancer, route);
    svb_node_line *copy;
    const char *url;

    if (!worker || !line->facts.url
        || svb_url_expand(p, line->facts.url, worker->s->hostname_ex, route,
                          &url)) {
        return line;
    }
    copy = apr_pmemdup(p, line, sizeof(*line));
    copy->facts.url = url;
    return copy;
}

/* Put one line's facts into the fleet's; complain where another line of the
 * fleet says otherwise. */
static void merge_line(svb_model *model, svb_balancer *balancer,
                       const svb_node_line *line)
{
    svb_fleet *fleet = balancer->fleet;
    svb_node_line *known =
        apr_hash_get(fleet->lines, line->route, APR_HASH_KEY_STRING);
    const char *key;

    if (!known) {
        apr_hash_set(fleet->lines, line->route, APR_HASH_KEY_STRING,
                     apr_pmemdup(model->pool, line, sizeof(*line)));
        return;
    }
    key = svb_facts_conflict(&known->facts, &line->facts);
    if (key) {
        svb_model_problem(
            model, APLOG_ERR, balancer->server,
            SVB_LOGNO(0003) "%s: \"%s\" (%s) contradicts \"%s\" "
                            "(%s): a node of fleet %s can have only one %s",
            balancer->name, line->text, line->where, known->text, known->where,
            fleet->name, key);
        return;
    }
    svb_facts_complete(&known->facts, &line->facts);
}

/* Virtual hosts inherit sections: the same line is read once. */
static int seen_before(apr_hash_t *seen, const svb_node_line *line)
{
    if (apr_hash_get(seen, &line->text, sizeof(line->text))) {
        return 1;
    }
    apr_hash_set(seen, &line->text, sizeof(line->text), line);
    return 0;
}

static void merge_lines(svb_model *model)
{
    apr_hash_t *seen = apr_hash_make(model->pool);

    for (int i = 0; i < model->balancers->nelts; i++) {
        svb_balancer *balancer =
            APR_ARRAY_IDX(model->balancers, i, svb_balancer *);

        for (int j = 0; j < balancer->set.nodes->nelts; j++) {
            const svb_node_line *line =
                &APR_ARRAY_IDX(balancer->set.nodes, j, svb_node_line);

            if (strcmp(line->route, "*") && !seen_before(seen, line)) {
                merge_line(model, balancer,
                           expanded(model->pool, balancer, line, line->route));
            }
        }
    }
}

svb_model *svb_model_build(apr_pool_t *p, server_rec *main_server)
{
    svb_model *model = apr_pcalloc(p, sizeof(*model));
    apr_hash_t *arrays = servoy_arrays(p, main_server);

    model->pool = p;
    model->main_server = main_server;
    model->server = svb_directives_server(p, main_server);
    model->balancers = apr_array_make(p, 4, sizeof(svb_balancer *));
    model->fleets = apr_array_make(p, 2, sizeof(svb_fleet *));
    model->problems = apr_array_make(p, 4, sizeof(svb_problem));
    model->by_proxy = apr_hash_make(p);
    for (server_rec *s = main_server; s; s = s->next) {
        proxy_server_conf *conf = proxy_conf(s);

        for (int i = 0; i < conf->balancers->nelts; i++) {
            proxy_balancer *proxy = nth_balancer(conf, i);

            if (has_lbmethod(proxy, SVB_LBMETHOD) || lost_from(proxy, arrays)) {
                add_balancer(model, s, proxy);
            }
        }
    }
    merge_lines(model);
    return model;
}

/* -------------------------------------------------------------------- facts */

static const svb_node_line *template_of(const svb_balancer *balancer)
{
    /* The last one given counts, as with any directive. */
    for (int i = balancer->set.nodes->nelts; --i >= 0;) {
        const svb_node_line *line =
            &APR_ARRAY_IDX(balancer->set.nodes, i, svb_node_line);

        if (!strcmp(line->route, "*")) {
            return line;
        }
    }
    return NULL;
}

static const svb_node_line *
line_for(apr_pool_t *p, const svb_balancer *balancer, const char *route)
{
    const svb_fleet *fleet = balancer->fleet;
    const svb_node_line *line;

    line = apr_hash_get(fleet->lines, route, APR_HASH_KEY_STRING);
    if (line) {
        return line;
    }
    line = template_of(balancer);
    for (int i = 0; !line && i < fleet->balancers->nelts; i++) {
        balancer = APR_ARRAY_IDX(fleet->balancers, i, svb_balancer *);
        line = template_of(balancer);
        line = line ? expanded(p, balancer, line, route) : NULL;
    }
    return line;
}

const char *svb_model_facts(apr_pool_t *p, const svb_balancer *balancer,
                            const proxy_worker *worker, svb_facts *facts)
{
    const svb_node_line *line =
        *worker->s->route ? line_for(p, balancer, worker->s->route) : NULL;
    const char *err = NULL;

    *facts = line ? line->facts : svb_facts_unset;
    svb_facts_complete(facts, &svb_facts_defaults);
    if (facts->url) {
        err = svb_url_expand(p, facts->url, worker->s->hostname_ex,
                             worker->s->route, &facts->url);
        if (err) {
            facts->url = NULL;
        }
    }
    return err;
}
