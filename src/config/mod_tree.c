/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_tree.h"

#include <apr_fnmatch.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>

/* ---------------------------------------------------------------- the tree */

static const ap_directive_t *vhost_tree(const server_rec *s)
{
    const ap_directive_t *node;

    for (node = ap_conftree; node; node = node->next) {
        if (!ap_cstr_casecmp(node->directive, "<VirtualHost") && s->defn_name
            && !strcmp(node->filename, s->defn_name)
            && node->line_num == (int)s->defn_line_number) {
            return node->first_child;
        }
    }
    return NULL;
}

static void collect(apr_array_header_t *lines, const ap_directive_t *node,
                    const ap_directive_t *section, const char *name)
{
    for (; node; node = node->next) {
        if (!ap_cstr_casecmp(node->directive, "<VirtualHost")) {
            continue;
        }
        if (!ap_cstr_casecmp(node->directive, name)) {
            APR_ARRAY_PUSH(lines, svb_tree_line) =
                (svb_tree_line){node, section};
        }
        if (node->first_child) {
            collect(lines, node->first_child, node, name);
        }
    }
}

apr_array_header_t *svb_tree_lines(apr_pool_t *p, const server_rec *s,
                                   const char *name)
{
    apr_array_header_t *lines = apr_array_make(p, 4, sizeof(svb_tree_line));

    collect(lines, s->is_virtual ? vhost_tree(s) : ap_conftree, NULL, name);
    return lines;
}

const char *svb_tree_where(apr_pool_t *p, const ap_directive_t *line)
{
    return apr_psprintf(p, "%s:%d", line->filename, line->line_num);
}

/* The pattern or the place, whichever a section is for. */
static const char *subject(apr_pool_t *p, const ap_directive_t *section,
                           int *is_regex)
{
    char *text = apr_pstrdup(p, section->args);
    char *end = strrchr(text, '>');
    const char *args = text, *word;

    if (end) {
        *end = '\0';
    }
    word = ap_getword_conf(p, &args);
    *is_regex = !strcmp(word, "~");
    if (*is_regex) {
        return ap_getword_conf(p, &args);
    }
    *is_regex = ap_strcasestr(section->directive, "Match") != NULL;
    return word;
}

const char *svb_tree_place(apr_pool_t *p, const ap_directive_t *section)
{
    int is_regex;
    const char *text = subject(p, section, &is_regex);

    return is_regex || apr_fnmatch_test(text) ? NULL : text;
}

int svb_tree_is_pattern_for(apr_pool_t *p, const ap_directive_t *section,
                            const char *place)
{
    int is_regex;
    const char *text = subject(p, section, &is_regex);
    ap_regex_t *regex = is_regex ? ap_pregcomp(p, text, AP_REG_EXTENDED) : NULL;

    return is_regex ? regex && !ap_regexec(regex, place, 0, NULL, 0)
                    : apr_fnmatch_test(text)
                          && apr_fnmatch(text, place, APR_FNM_PATHNAME)
                                 == APR_SUCCESS;
}

int svb_tree_covers(const char *place, const char *other)
{
    const char *p = place;

    while (*p) {
        if (*p != *other) {
            return 0;
        }
        do {
            p++;
        } while (p[-1] == '/' && *p == '/');
        do {
            other++;
        } while (other[-1] == '/' && *other == '/');
    }
    return p == place || p[-1] == '/' || !*other || *other == '/';
}

/* ------------------------------------------------------------ what it says */

/* Names of balancers are in lower case, whatever directives say. */
static int args_name(const ap_directive_t *directive, const char *balancer)
{
    apr_size_t len = strlen(balancer);

    for (const char *at = directive->args;
         (at = ap_strcasestr(at, balancer)) != NULL; at += len) {
        if (!apr_isalnum(at[len]) && (!at[len] || !strchr("-._", at[len]))) {
            return 1;
        }
    }
    return 0;
}

/* Does a directive below node proxy to the balancer? */
static int proxies_to(const ap_directive_t *node, const char *balancer,
                      int into_vhosts)
{
    for (; node; node = node->next) {
        if (!ap_cstr_casecmp(node->directive, "<VirtualHost") && !into_vhosts) {
            continue;
        }
        if ((!ap_cstr_casecmpn(node->directive, "ProxyPass", 9)
             || !ap_cstr_casecmp(node->directive, "RewriteRule"))
            && args_name(node, balancer)) {
            return 1;
        }
        if (node->first_child
            && proxies_to(node->first_child, balancer, into_vhosts)) {
            return 1;
        }
    }
    return 0;
}

/* The last SSLEngine among these directives: 1 on, 0 off, -1 not there. */
static int ssl_engine(const ap_directive_t *node)
{
    int engine = -1;

    for (; node; node = node->next) {
        if (!ap_cstr_casecmp(node->directive, "SSLEngine")) {
            engine = !ap_cstr_casecmp(node->args, "on");
        }
    }
    return engine;
}

/* mod_ssl tells only requests and its own post_config whether a server speaks
 * TLS, so the configuration tree has to answer. */
int svb_tree_speaks_https(const server_rec *s)
{
    int engine = s->is_virtual ? ssl_engine(vhost_tree(s)) : -1;

    if (engine < 0) {
        engine = ssl_engine(ap_conftree);
    }
    return engine == 1
           || (s->server_scheme && !strcmp(s->server_scheme, "https"));
}

int svb_tree_proxies_to(const server_rec *s, const char *balancer)
{
    return proxies_to(ap_conftree, balancer, 0)
           || (s->is_virtual && proxies_to(vhost_tree(s), balancer, 1));
}
