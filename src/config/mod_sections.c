/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_sections.h"

#include <apr_strings.h>
#include <http_core.h>

static const svb_section section_defaults = {
    .fleet = "servoy",
    .session_timeout = apr_time_from_sec(30 * 60),
    .window_timeout = apr_time_from_sec(90),
    .window_match_text = "^/websocket/",
    .stateless_text = "^/servoy-(service|admin)/",
    .route_cookie = "SERVOYROUTE",
    .learn_sessions = 1,
    .launch = SVB_LAUNCH_REDIRECT,
    .launch_limit = 1024 * 1024,
    .launch_match_text = "^/servoy-client/.+\\.jnlp$",
    .launch_cookie = "SERVOYLAUNCH",
    .start = SVB_START_PROXY,
    .start_match_text = "^/(solutions?/[^/]+|servoy-webclient)(/|$)",
    .launch_timeout = apr_time_from_sec(8 * 3600),
    .maintenance = 1,
    .maintenance_retry = apr_time_from_sec(30),
    .maintenance_match_text =
        "(?i)server in maintenance mode|system is inaccessible",
    .suspect = 3,
    .forget = apr_time_from_sec(60),
    .slow_start = 0,
    .catch_up = 2,
    .manager_actions = 0,
};

void *svb_sections_create(apr_pool_t *p, char *path)
{
    svb_section *section = apr_palloc(p, sizeof(*section));

    (void)path;
    *section = (svb_section){
        .nodes = apr_array_make(p, 4, sizeof(svb_node_line)),
        .session_timeout = SVB_UNSET,
        .window_timeout = SVB_UNSET,
        .learn_sessions = SVB_UNSET,
        .launch = SVB_UNSET,
        .launch_limit = SVB_UNSET,
        .start = SVB_UNSET,
        .launch_timeout = SVB_UNSET,
        .maintenance = SVB_UNSET,
        .maintenance_retry = SVB_UNSET,
        .suspect = SVB_UNSET,
        .forget = SVB_UNSET,
        .slow_start = SVB_UNSET,
        .catch_up = SVB_UNSET,
        .manager_actions = SVB_UNSET,
    };
    return section;
}

#define MERGE(field)                                                           \
    merged->field = add->field != SVB_UNSET ? add->field : base->field
#define MERGE_PTR(field) merged->field = add->field ? add->field : base->field

static svb_section *merge(apr_pool_t *p, const svb_section *base,
                          const svb_section *add)
{
    svb_section *merged = apr_pcalloc(p, sizeof(*merged));

    MERGE_PTR(where);
    MERGE_PTR(fleet);
    merged->nodes = apr_array_append(p, base->nodes, add->nodes);
    MERGE_PTR(session_cookies);
    MERGE(session_timeout);
    MERGE(window_timeout);
    MERGE_PTR(window_match);
    MERGE_PTR(window_match_text);
    merged->stateless = add->stateless_text ? add->stateless : base->stateless;
    MERGE_PTR(stateless_text);
    MERGE_PTR(route_cookie);
    MERGE(learn_sessions);
    MERGE(launch);
    MERGE(launch_limit);
    MERGE_PTR(launch_match);
    MERGE_PTR(launch_match_text);
    MERGE_PTR(launch_cookie);
    MERGE(start);
    MERGE_PTR(start_match);
    MERGE_PTR(start_match_text);
    MERGE(launch_timeout);
    MERGE(maintenance);
    MERGE(maintenance_retry);
    MERGE_PTR(maintenance_match);
    MERGE_PTR(maintenance_match_text);
    MERGE(suspect);
    MERGE(forget);
    MERGE(slow_start);
    MERGE(catch_up);
    MERGE(manager_actions);
    return merged;
}

/* httpd asks for it with every request that goes through a <Proxy> section. */
void *svb_sections_merge(apr_pool_t *p, void *basev, void *addv)
{
    const svb_section *base = basev, *add = addv;

    return !add->where ? basev : !base->where ? addv : merge(p, base, add);
}

const svb_section *svb_sections_next(server_rec *s, int *place,
                                     const proxy_dir_conf **dir)
{
    const proxy_server_conf *conf =
        ap_get_module_config(s->module_config, &proxy_module);

    while (*place < conf->sec_proxy->nelts) {
        ap_conf_vector_t *vector =
            APR_ARRAY_IDX(conf->sec_proxy, (*place)++, ap_conf_vector_t *);
        const svb_section *section =
            ap_get_module_config(vector, &servoy_balancer_module);

        if (section) {
            *dir = ap_get_module_config(vector, &proxy_module);
            return section;
        }
    }
    return NULL;
}

int svb_sections_is_of(const proxy_dir_conf *dir, const char *balancer)
{
    apr_size_t len = strlen(balancer);

    return dir->p && !dir->r && !ap_cstr_casecmpn(dir->p, balancer, len)
           && (dir->p[len] == '\0' || dir->p[len] == '/');
}

static svb_section *defaults(apr_pool_t *p)
{
    svb_section *base = apr_pmemdup(p, &section_defaults, sizeof(*base));

    base->nodes = apr_array_make(p, 1, sizeof(svb_node_line));
    base->session_cookies = apr_array_make(p, 1, sizeof(const char *));
    APR_ARRAY_PUSH(base->session_cookies, const char *) = "JSESSIONID";
    base->maintenance_match = ap_pregcomp(p, base->maintenance_match_text,
                                          AP_REG_EXTENDED | AP_REG_DOTALL);
    base->launch_match =
        ap_pregcomp(p, base->launch_match_text, AP_REG_EXTENDED);
    base->start_match = ap_pregcomp(p, base->start_match_text, AP_REG_EXTENDED);
    base->window_match =
        ap_pregcomp(p, base->window_match_text, AP_REG_EXTENDED);
    base->stateless = ap_pregcomp(p, base->stateless_text, AP_REG_EXTENDED);
    return base;
}

int svb_sections_match(const ap_regex_t *regex, const svb_pattern_shape *shape,
                       const char *text)
{
    svb_pattern_answer answer = svb_pattern_try(shape, text);

    return answer == SVB_PATTERN_PERHAPS ? !ap_regexec(regex, text, 0, NULL, 0)
                                         : answer == SVB_PATTERN_YES;
}

/* With RegexDefaultOptions ICASE nothing is plain to see. */
static svb_pattern_shape shape_of(apr_pool_t *p, const char *regex)
{
    return svb_pattern_read(
        p, ap_regcomp_get_default_cflags() & AP_REG_ICASE ? "" : regex);
}

svb_section *svb_sections_merged(apr_pool_t *p, server_rec *s, const char *name)
{
    svb_section *merged = defaults(p);
    const svb_section *section;
    const proxy_dir_conf *dir;

    for (int i = 0; (section = svb_sections_next(s, &i, &dir));) {
        if (svb_sections_is_of(dir, name)) {
            merged = merge(p, merged, section);
        }
    }
    merged->window_shape = shape_of(p, merged->window_match_text);
    merged->stateless_shape = shape_of(p, merged->stateless_text);
    merged->launch_shape = shape_of(p, merged->launch_match_text);
    merged->start_shape = shape_of(p, merged->start_match_text);
    return merged;
}
