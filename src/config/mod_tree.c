/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_tree.h"

#include <apr_lib.h>
#include <http_core.h>

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
