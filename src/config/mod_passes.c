/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_passes.h"

#include <apr_strings.h>
#include <http_core.h>

#include "config/closest.h"
#include "config/mod_tree.h"

#define SCHEME_LEN (sizeof(BALANCER_PREFIX) - 1)

/* ----------------------------------------------------------------- the lines */

/* A line that says where requests go. */
typedef struct {
    server_rec *server;
    const char *path;     /* NULL: not one path, but a pattern */
    const char *target;   /* "balancer://servoy/", "http://..." or "!" */
    const char *balancer; /* "balancer://servoy", or NULL: not a balancer's */
    const char *text;     /* for messages: the line and where it stands */
    int is_location;      /* it stands in one, and so has no path of its own */
} pass;

static int is_word(const char *a, const char *b)
{
    return !ap_cstr_casecmp(a, b);
}

/* The name at the beginning of a URL, in lower case; NULL where there is none, or
 * where it may go on with what a variable has. */
static const char *balancer_of(apr_pool_t *p, const char *target)
{
    apr_size_t len;
    char *name;

    if (ap_cstr_casecmpn(target, BALANCER_PREFIX, SCHEME_LEN)) {
        return NULL;
    }
    len = SCHEME_LEN + strcspn(target + SCHEME_LEN, "/?$%{}");
    if (len == SCHEME_LEN || (target[len] && target[len] != '/')) {
        return NULL;
    }
    name = apr_pstrmemdup(p, target, len);
    ap_str_tolower(name);
    return name;
}

static const char *text_of(apr_pool_t *p, const ap_directive_t *line)
{
    return apr_psprintf(p, "\"%s %s\" (%s)", line->directive, line->args,
                        svb_tree_where(p, line));
}

/* In a section of a place the path is that place. Others, <If> and <Directory>, say
 * nothing about it. */
static int read_pass(apr_pool_t *p, server_rec *s, const svb_tree_line *at,
                     pass *to)
{
    const char *args = at->line->args, *word = ap_getword_conf(p, &args);
    int is_pattern = is_word(at->line->directive, "ProxyPassMatch");

    to->is_location =
        at->section
        && !ap_cstr_casecmpn(at->section->directive, "<Location", 9);
    if (at->section && !to->is_location) {
        return 0;
    }
    if (is_word(word, "~")) {
        is_pattern = 1;
        word = ap_getword_conf(p, &args);
    }
    if (to->is_location) {
        to->path = svb_tree_place(p, at->section);
        to->target = word;
    }
    else {
        to->path = word;
        to->target = ap_getword_conf(p, &args);
    }
    if (is_pattern || ap_strcasestr(args, "interpolate")) {
        to->path = NULL;
    }
    to->server = s;
    to->balancer = balancer_of(p, to->target);
    to->text = text_of(p, at->line);
    return 1;
}

static void add_passes(apr_pool_t *p, apr_array_header_t *passes, server_rec *s,
                       const char *name)
{
    apr_array_header_t *lines = svb_tree_lines(p, s, name);

    for (int i = 0; i < lines->nelts; i++) {
        pass found;

        if (read_pass(p, s, &APR_ARRAY_IDX(lines, i, svb_tree_line), &found)) {
            APR_ARRAY_PUSH(passes, pass) = found;
        }
    }
}

static const pass *nth_pass(const apr_array_header_t *passes, int i)
{
    return &APR_ARRAY_IDX(passes, i, pass);
}

/* ----------------------------------------------------------------- balancers */

static const proxy_server_conf *proxy_conf(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &proxy_module);
}

static int is_servoy(const svb_model *model, const char *balancer)
{
    for (int i = 0; balancer && i < model->balancers->nelts; i++) {
        if (is_word(APR_ARRAY_IDX(model->balancers, i, svb_balancer *)->name,
                    balancer)) {
            return 1;
        }
    }
    return 0;
}

static int has_section(apr_pool_t *p, const server_rec *s, const char *balancer)
{
    apr_array_header_t *lines = svb_tree_lines(p, s, "<Proxy");

    for (int i = 0; i < lines->nelts; i++) {
        const char *name =
            svb_tree_place(p, APR_ARRAY_IDX(lines, i, svb_tree_line).line);
        const char *named = name ? balancer_of(p, name) : NULL;

        if (named && is_word(named, balancer)) {
            return 1;
        }
    }
    return 0;
}

/* A ProxyPass makes the balancer that it names, and leaves it empty. What has a
 * section of its own is meant to be there, and may be filled at run time. */
static int is_there(const svb_model *model, const server_rec *s,
                    const char *balancer)
{
    const apr_array_header_t *balancers = proxy_conf(s)->balancers;

    for (int i = 0; i < balancers->nelts; i++) {
        const proxy_balancer *b = &APR_ARRAY_IDX(balancers, i, proxy_balancer);

        if (is_word(b->s->name, balancer) && b->workers->nelts) {
            return 1;
        }
    }
    return has_section(model->pool, s, balancer)
           || has_section(model->pool, model->main_server, balancer);
}

/* The names of those that have members, in any server. */
static const char *const *known_balancers(const svb_model *model)
{
    apr_array_header_t *known = apr_array_make(model->pool, 8, sizeof(char *));

    for (int i = 0; i < model->balancers->nelts; i++) {
        const svb_balancer *b =
            APR_ARRAY_IDX(model->balancers, i, svb_balancer *);

        if (b->proxy->workers->nelts) {
            APR_ARRAY_PUSH(known, const char *) = b->name + SCHEME_LEN;
        }
    }
    APR_ARRAY_PUSH(known, const char *) = NULL;
    return (const char *const *)known->elts;
}

const char *svb_passes_meant(const svb_model *model, const char *name)
{
    const char *meant;

    if (!ap_cstr_casecmpn(name, BALANCER_PREFIX, SCHEME_LEN)) {
        name += SCHEME_LEN;
    }
    meant = svb_closest(name, known_balancers(model));
    return meant ? apr_pstrcat(model->pool, "; did you mean " BALANCER_PREFIX,
                               meant, "?", NULL)
                 : "";
}

/* What mod_proxy_cluster serves it makes itself, later. */
static void check_there(svb_model *model, const pass *to)
{
    const char *meant;

    if (!to->balancer || is_there(model, to->server, to->balancer)
        || ap_find_linked_module("mod_proxy_cluster.c")) {
        return;
    }
    meant = is_servoy(model, to->balancer)
                ? "; the one of this name is another virtual host's: put its "
                  "<Proxy> outside of all virtual hosts, or into this one, too"
                : svb_passes_meant(model, to->balancer);
    svb_model_problem(
        model, APLOG_WARNING, to->server,
        SVB_LOGNO(0161) "%s: there is no %s, so requests get 503%s", to->text,
        to->balancer,
        *meant ? meant
               : apr_psprintf(model->pool,
                              "; give it a <Proxy \"%s\"> with "
                              "BalancerMember lines",
                              to->balancer));
}

/* -------------------------------------------------------------------- slashes */

/* What follows the path is put behind the target as it is. */
static void check_slash(svb_model *model, const pass *to)
{
    apr_size_t path_len = to->path ? strlen(to->path) : 0;

    if (!path_len || to->path[path_len - 1] != '/'
        || !is_servoy(model, to->balancer)
        || to->target[strlen(to->target) - 1] == '/'
        || ap_strchr_c(to->target, '?')) {
        return;
    }
    svb_model_problem(
        model, APLOG_WARNING, to->server,
        SVB_LOGNO(0162) "%s: \"%s\" ends with a slash and \"%s\" does not: "
                        "\"%sindex.html\" would go to \"%sindex.html\"; make "
                        "it \"%s/\"",
        to->text, to->path, to->target, to->path, to->target, to->target);
}

/* -------------------------------------------------------- what hides the others */

/* All that a server has, in the order in which mod_proxy asks them: the last
 * <Location> counts, and before the others; of these the first, the main server's
 * before its own. */
static apr_array_header_t *in_order(apr_pool_t *p,
                                    const apr_array_header_t *own,
                                    const apr_array_header_t *inherited)
{
    const apr_array_header_t *last_first[] = {own, inherited};
    const apr_array_header_t *first_first[] = {inherited, own};
    apr_array_header_t *all = apr_array_make(p, 8, sizeof(pass));

    for (int k = 0; k < 2; k++) {
        for (int i = last_first[k]->nelts; --i >= 0;) {
            if (nth_pass(last_first[k], i)->is_location) {
                APR_ARRAY_PUSH(all, pass) = *nth_pass(last_first[k], i);
            }
        }
    }
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < first_first[k]->nelts; i++) {
            if (!nth_pass(first_first[k], i)->is_location) {
                APR_ARRAY_PUSH(all, pass) = *nth_pass(first_first[k], i);
            }
        }
    }
    return all;
}

/* Where the hiding line sends what the hidden one is for. */
static const char *other_target(apr_pool_t *p, const pass *hiding,
                                const pass *hidden)
{
    apr_size_t len = strlen(hiding->path);

    return strlen(hidden->path) < len
               ? hiding->target
               : apr_pstrcat(p, hiding->target, hidden->path + len, NULL);
}

static int hides(const svb_model *model, const pass *hiding, const pass *hidden)
{
    return hiding->path && hidden->path
           && svb_tree_covers(hiding->path, hidden->path)
           && (is_servoy(model, hiding->balancer)
               || is_servoy(model, hidden->balancer))
           && ap_cstr_casecmp(other_target(model->pool, hiding, hidden),
                              hidden->target);
}

#define NAMED 3

static const char *way_out(const pass *hiding, const pass *hidden)
{
    if (!hiding->is_location) {
        return "the first ProxyPass that fits counts: put the wider one last";
    }
    if (hidden->is_location) {
        return "the last <Location> that fits counts: put the wider one first";
    }
    return "what stands in a <Location> counts before other lines: put both "
           "into <Location> sections, the wider one first";
}

/* Which lines does the n-th hide? Where both are the main server's, they are told of
 * there alone. */
static void check_hiding(svb_model *model, server_rec *s,
                         const apr_array_header_t *all, int n)
{
    const pass *hiding = nth_pass(all, n), *first = NULL;
    const char *names = "";
    int count = 0;

    for (int i = n + 1; i < all->nelts; i++) {
        const pass *hidden = nth_pass(all, i);

        if ((hiding->server != s && hidden->server != s)
            || !hides(model, hiding, hidden)) {
            continue;
        }
        first = first ? first : hidden;
        if (count++ < NAMED) {
            names = apr_pstrcat(model->pool, names, *names ? ", " : "",
                                hidden->text, NULL);
        }
    }
    if (!count) {
        return;
    }
    svb_model_problem(
        model, APLOG_WARNING, s,
        SVB_LOGNO(0163) "%s%s %s never asked: %s takes all of %s before; %s",
        names,
        count > NAMED ? apr_psprintf(model->pool, " and %d more", count - NAMED)
                      : "",
        count == 1 ? "is" : "are", hiding->text,
        count == 1 ? first->path : "their paths", way_out(hiding, first));
}

/* --------------------------------------------------------- ProxyErrorOverride */

/* On, and for a 503 as well. */
static int overrides_503(apr_pool_t *p, const ap_directive_t *line)
{
    const char *args = line->args;
    int any = 0;

    if (!is_word(ap_getword_conf(p, &args), "On")) {
        return 0;
    }
    for (; *args; any = 1) {
        if (!strcmp(ap_getword_conf(p, &args), "503")) {
            return 1;
        }
    }
    return !any;
}

static int touches(const svb_model *model, const apr_array_header_t *passes,
                   const char *place)
{
    for (int i = 0; i < passes->nelts; i++) {
        const pass *to = nth_pass(passes, i);

        if (is_servoy(model, to->balancer)
            && (!place || !to->path || svb_tree_covers(place, to->path)
                || svb_tree_covers(to->path, place))) {
            return 1;
        }
    }
    return 0;
}

/* The line that counts for a server as a whole: its own last one. */
static const ap_directive_t *of_server(svb_model *model, server_rec *s)
{
    apr_array_header_t *lines =
        svb_tree_lines(model->pool, s, "ProxyErrorOverride");

    for (int i = lines->nelts; --i >= 0;) {
        if (!APR_ARRAY_IDX(lines, i, svb_tree_line).section) {
            return APR_ARRAY_IDX(lines, i, svb_tree_line).line;
        }
    }
    return s->is_virtual ? of_server(model, model->main_server) : NULL;
}

static void tell_override(svb_model *model, server_rec *s,
                          const ap_directive_t *line, apr_hash_t *told)
{
    if (apr_hash_get(told, &line, sizeof(line))) {
        return;
    }
    apr_hash_set(told, apr_pmemdup(model->pool, &line, sizeof(line)),
                 sizeof(line), line);
    svb_model_problem(
        model, APLOG_WARNING, s,
        SVB_LOGNO(0164) "%s: the words of a node's 503 would not be seen, and "
                        "new clients of a node in maintenance get an error "
                        "page instead of another node; name the statuses, and "
                        "leave 503 out: ProxyErrorOverride On 500 502 504",
        text_of(model->pool, line));
}

/* @param told lines that have been told of: others may inherit them */
static void check_override(svb_model *model, server_rec *s,
                           const apr_array_header_t *passes, apr_hash_t *told)
{
    const ap_directive_t *line = of_server(model, s);
    apr_array_header_t *lines =
        svb_tree_lines(model->pool, s, "ProxyErrorOverride");

    if (line && overrides_503(model->pool, line)
        && touches(model, passes, NULL)) {
        tell_override(model, s, line, told);
    }
    for (int i = 0; i < lines->nelts; i++) {
        const svb_tree_line *at = &APR_ARRAY_IDX(lines, i, svb_tree_line);

        if (at->section
            && !ap_cstr_casecmpn(at->section->directive, "<Location", 9)
            && overrides_503(model->pool, at->line)
            && svb_tree_place(model->pool, at->section)
            && touches(model, passes,
                       svb_tree_place(model->pool, at->section))) {
            tell_override(model, s, at->line, told);
        }
    }
}

/* ------------------------------------------------------------------------ all */

static apr_array_header_t *passes_of(apr_pool_t *p, server_rec *s)
{
    apr_array_header_t *passes = apr_array_make(p, 8, sizeof(pass));

    add_passes(p, passes, s, "ProxyPass");
    add_passes(p, passes, s, "ProxyPassMatch");
    return passes;
}

void svb_passes_check(svb_model *model)
{
    apr_pool_t *p = model->pool;
    apr_array_header_t *none = apr_array_make(p, 1, sizeof(pass));
    apr_array_header_t *mains = passes_of(p, model->main_server);
    apr_hash_t *told = apr_hash_make(p);

    if (!model->balancers->nelts) {
        return;
    }
    for (server_rec *s = model->main_server; s; s = s->next) {
        apr_array_header_t *own = s->is_virtual ? passes_of(p, s) : mains;
        apr_array_header_t *all = in_order(
            p, own, s->is_virtual && proxy_conf(s)->ppinherit ? mains : none);

        for (int i = 0; i < own->nelts; i++) {
            check_there(model, nth_pass(own, i));
            check_slash(model, nth_pass(own, i));
        }
        for (int i = 0; i < all->nelts; i++) {
            check_hiding(model, s, all, i);
        }
        check_override(model, s, all, told);
    }
}
