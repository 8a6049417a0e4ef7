/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_directives.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <ap_provider.h>
#include <ap_socache.h>
#include <http_core.h>

#include "config/mod_values.h"
#include "config/url.h"

#define CLIENT_TABLE_MAX (64 * 1024 * 1024)
#define LAUNCH_LIMIT_MAX (64 * 1024 * 1024)

/* ---------------------------------------------------------------- values */

const svb_section svb_section_defaults = {
    .fleet = "servoy",
    .session_timeout = apr_time_from_sec(30 * 60),
    .learn_sessions = 1,
    .launch = SVB_LAUNCH_REDIRECT,
    .launch_limit = 1024 * 1024,
    .launch_match_text = "^/servoy-client/.+\\.jnlp$",
    .launch_cookie = "SERVOYLAUNCH",
    .launch_timeout = apr_time_from_sec(8 * 3600),
    .maintenance = 1,
    .maintenance_retry = apr_time_from_sec(30),
    .slow_start = 0,
    .catch_up = 2,
    .manager_actions = 0,
};

const svb_server svb_server_defaults = {
    .client_table = 65536,
    .persist = 1,
};

const char *const svb_directives_probes[] = {"members", "url", "off", NULL};

void *svb_directives_create_section(apr_pool_t *p, char *path)
{
    svb_section *section = apr_pcalloc(p, sizeof(*section));

    (void)path;
    section->nodes = apr_array_make(p, 4, sizeof(svb_node_line));
    section->session_timeout = SVB_UNSET;
    section->learn_sessions = SVB_UNSET;
    section->launch = SVB_UNSET;
    section->launch_limit = SVB_UNSET;
    section->launch_timeout = SVB_UNSET;
    section->maintenance = SVB_UNSET;
    section->maintenance_retry = SVB_UNSET;
    section->slow_start = SVB_UNSET;
    section->catch_up = SVB_UNSET;
    section->manager_actions = SVB_UNSET;
    return section;
}

#define MERGE(field)                                                           \
    merged->field = add->field != SVB_UNSET ? add->field : base->field
#define MERGE_PTR(field) merged->field = add->field ? add->field : base->field

void *svb_directives_merge_section(apr_pool_t *p, void *basev, void *addv)
{
    const svb_section *base = basev, *add = addv;
    svb_section *merged = apr_pcalloc(p, sizeof(*merged));

    MERGE_PTR(where);
    MERGE_PTR(fleet);
    merged->nodes = apr_array_append(p, base->nodes, add->nodes);
    MERGE_PTR(session_cookies);
    MERGE(session_timeout);
    MERGE(learn_sessions);
    MERGE(launch);
    MERGE(launch_limit);
    MERGE_PTR(launch_match);
    MERGE_PTR(launch_match_text);
    MERGE_PTR(launch_cookie);
    MERGE(launch_timeout);
    MERGE(maintenance);
    MERGE(maintenance_retry);
    MERGE(slow_start);
    MERGE(catch_up);
    MERGE(manager_actions);
    return merged;
}

void *svb_directives_create_server(apr_pool_t *p, server_rec *s)
{
    svb_server *server = apr_pcalloc(p, sizeof(*server));

    (void)s;
    server->client_table = SVB_UNSET;
    server->persist = SVB_UNSET;
    return server;
}

static svb_server *server_config(server_rec *s)
{
    return ap_get_module_config(s->module_config, &servoy_balancer_module);
}

const svb_server *svb_directives_server(apr_pool_t *p, server_rec *main_server)
{
    const svb_server *base = &svb_server_defaults;
    const svb_server *add = server_config(main_server);
    svb_server *merged = apr_pcalloc(p, sizeof(*merged));

    MERGE(client_table);
    MERGE(persist);
    MERGE_PTR(persist_file);
    MERGE_PTR(shared_store);
    MERGE_PTR(front_ends);
    return merged;
}

/* ------------------------------------------------------------ directives */

/* Every directive of a section starts with this: it notes where our lines
 * begin, for messages about the section as a whole. */
static svb_section *section_of(cmd_parms *cmd, void *conf)
{
    svb_section *section = conf;

    if (!section->where) {
        section->where =
            apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename,
                         cmd->directive->line_num);
    }
    return section;
}

static const char *set_fleet(cmd_parms *cmd, void *conf, const char *arg)
{
    svb_section *section = section_of(cmd, conf);

    if (!svb_values_is_name(arg)) {
        return svb_values_bad(cmd, arg, SVB_NAME_ALLOWED);
    }
    section->fleet = arg;
    return NULL;
}

static const char *set_node_url(cmd_parms *cmd, svb_node_line *line,
                                const char *value)
{
    const char *err = svb_url_check(cmd->pool, value);

    if (err) {
        return apr_psprintf(cmd->pool, "%s: url=%s: %s", cmd->cmd->name, value,
                            err);
    }
    line->url = value;
    return NULL;
}

static const char *set_node_group(cmd_parms *cmd, svb_node_line *line,
                                  const char *value)
{
    if (!svb_values_is_name(value)) {
        return svb_values_bad(cmd,
                              apr_pstrcat(cmd->pool, "group=", value, NULL),
                              SVB_NAME_ALLOWED);
    }
    line->group = value;
    return NULL;
}

static const char *set_node_maxclients(cmd_parms *cmd, svb_node_line *line,
                                       const char *value)
{
    apr_int64_t n;
    char *end;

    n = apr_strtoi64(value, &end, 10);
    if (!apr_isdigit(*value) || *end || n > APR_INT32_MAX) {
        return svb_values_bad(
            cmd, apr_pstrcat(cmd->pool, "maxclients=", value, NULL),
            "expected a number of clients, or 0 for no limit");
    }
    line->maxclients = (int)n;
    return NULL;
}

static const char *set_node_probe(cmd_parms *cmd, svb_node_line *line,
                                  const char *value)
{
    line->probe = svb_values_word(value, svb_directives_probes);
    return line->probe < 0
               ? svb_values_bad(cmd,
                                apr_pstrcat(cmd->pool, "probe=", value, NULL),
                                "expected members, url or off")
               : NULL;
}

static const struct {
    const char *key;
    const char *(*set)(cmd_parms *cmd, svb_node_line *line, const char *value);
} node_keys[] = {
    {"url", set_node_url},
    {"group", set_node_group},
    {"maxclients", set_node_maxclients},
    {"probe", set_node_probe},
};

#define NODE_KEYS (sizeof(node_keys) / sizeof(node_keys[0]))

static const char *set_node_key(cmd_parms *cmd, svb_node_line *line,
                                const char *arg)
{
    const char *value = ap_strchr_c(arg, '=');

    for (apr_size_t i = 0; value && i < NODE_KEYS; i++) {
        if (!ap_cstr_casecmp(
                apr_pstrmemdup(cmd->temp_pool, arg, (apr_size_t)(value - arg)),
                node_keys[i].key)) {
            return node_keys[i].set(cmd, line, value + 1);
        }
    }
    return svb_values_bad(cmd, arg,
                          "expected url=, group=, maxclients= or probe=");
}

static const char *set_node(cmd_parms *cmd, void *conf, int argc,
                            char *const argv[])
{
    svb_section *section = section_of(cmd, conf);
    svb_node_line *line;
    const char *err = NULL;

    if (argc < 2) {
        return apr_psprintf(cmd->pool,
                            "%s needs a route (or *) and at least one of url=, "
                            "group=, maxclients= and probe=",
                            cmd->cmd->name);
    }
    if (strcmp(argv[0], "*") && !svb_values_is_route(argv[0])) {
        return svb_values_bad(cmd, argv[0],
                              "expected * or a route of at most 63 printable "
                              "characters without blanks, quotes, commas, "
                              "semicolons and asterisks");
    }
    line = apr_array_push(section->nodes);
    line->route = argv[0];
    line->maxclients = SVB_UNSET;
    line->probe = SVB_UNSET;
    line->text =
        apr_pstrcat(cmd->pool, cmd->cmd->name, " ", cmd->directive->args, NULL);
    line->where = apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename,
                               cmd->directive->line_num);
    for (int i = 1; i < argc && !err; i++) {
        err = set_node_key(cmd, line, argv[i]);
    }
    return err;
}

static const char *add_session_cookie(cmd_parms *cmd, void *conf,
                                      const char *arg)
{
    svb_section *section = section_of(cmd, conf);

    if (!svb_values_is_token(arg)) {
        return svb_values_bad(cmd, arg, "expected the name of a cookie");
    }
    if (!section->session_cookies) {
        section->session_cookies =
            apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(section->session_cookies, const char *) = arg;
    return NULL;
}

static const char *set_launch(cmd_parms *cmd, void *conf, const char *arg,
                              const char *option)
{
    static const char *const modes[] = {"redirect", "rewrite", "proxy", NULL};
    svb_section *section = section_of(cmd, conf);
    int mode = svb_values_word(arg, modes);

    if (mode < 0) {
        return svb_values_bad(cmd, arg, "expected redirect, rewrite or proxy");
    }
    section->launch = mode;
    if (!option) {
        return NULL;
    }
    if (mode != SVB_LAUNCH_REWRITE
        || ap_cstr_casecmpn(option, "limit=", sizeof("limit=") - 1)) {
        return svb_values_bad(
            cmd, option,
            "expected nothing more, or, after rewrite, limit= "
            "and a number of bytes");
    }
    return svb_values_bytes(cmd, option, option + sizeof("limit=") - 1,
                            LAUNCH_LIMIT_MAX, &section->launch_limit);
}

static const char *set_launch_match(cmd_parms *cmd, void *conf, const char *arg)
{
    svb_section *section = section_of(cmd, conf);

    section->launch_match = ap_pregcomp(cmd->pool, arg, AP_REG_EXTENDED);
    if (!section->launch_match) {
        return svb_values_bad(cmd, arg, "expected a regular expression");
    }
    section->launch_match_text = arg;
    return NULL;
}

static const char *set_launch_cookie(cmd_parms *cmd, void *conf,
                                     const char *arg)
{
    svb_section *section = section_of(cmd, conf);

    if (!ap_cstr_casecmp(arg, "off")) {
        section->launch_cookie = "";
    }
    else if (svb_values_is_token(arg)) {
        section->launch_cookie = arg;
    }
    else {
        return svb_values_bad(cmd, arg,
                              "expected the name of a cookie, or Off");
    }
    return NULL;
}

static const char *set_maintenance(cmd_parms *cmd, void *conf, const char *arg,
                                   const char *retry)
{
    svb_section *section = section_of(cmd, conf);
    const char *err = svb_values_flag(cmd, arg, &section->maintenance);

    if (!err && retry) {
        err = svb_values_time(cmd, retry, 0, &section->maintenance_retry);
    }
    return err;
}

static const char *set_session_timeout(cmd_parms *cmd, void *conf,
                                       const char *arg)
{
    return svb_values_time(cmd, arg, 0,
                           &section_of(cmd, conf)->session_timeout);
}

static const char *set_launch_timeout(cmd_parms *cmd, void *conf,
                                      const char *arg)
{
    return svb_values_time(cmd, arg, 0, &section_of(cmd, conf)->launch_timeout);
}

static const char *set_slow_start(cmd_parms *cmd, void *conf, const char *arg)
{
    return svb_values_time(cmd, arg, 1, &section_of(cmd, conf)->slow_start);
}

static const char *set_learn_sessions(cmd_parms *cmd, void *conf,
                                      const char *arg)
{
    return svb_values_flag(cmd, arg, &section_of(cmd, conf)->learn_sessions);
}

static const char *set_catch_up(cmd_parms *cmd, void *conf, const char *arg)
{
    svb_section *section = section_of(cmd, conf);
    char *end;

    if (!ap_cstr_casecmp(arg, "off")) {
        section->catch_up = 0;
        return NULL;
    }
    section->catch_up = strtod(arg, &end);
    if (!apr_isdigit(*arg) || *end || arg[strspn(arg, "0123456789.")]
        || section->catch_up < 1 || section->catch_up > 1000) {
        return svb_values_bad(cmd, arg,
                              "expected a factor from 1 to 1000, or Off");
    }
    return NULL;
}

static const char *set_manager_actions(cmd_parms *cmd, void *conf,
                                       const char *arg)
{
    svb_section *section = conf;

    return svb_values_flag(cmd, arg, &section->manager_actions);
}

/* What concerns the server as a whole cannot differ between virtual hosts. */
static svb_server *server_of(cmd_parms *cmd, const char **err)
{
    *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    return server_config(cmd->server);
}

static const char *set_client_table(cmd_parms *cmd, void *dummy,
                                    const char *arg)
{
    const char *err;
    svb_server *server = server_of(cmd, &err);
    apr_int64_t n;
    char *end;

    (void)dummy;
    if (err) {
        return err;
    }
    n = apr_strtoi64(arg, &end, 10);
    if (!apr_isdigit(*arg) || *end || n < 1 || n > CLIENT_TABLE_MAX) {
        return svb_values_bad(
            cmd, arg, "expected a number of clients from 1 to 67108864");
    }
    server->client_table = (int)n;
    return NULL;
}

static const char *set_persist(cmd_parms *cmd, void *dummy, const char *arg)
{
    const char *err;
    svb_server *server = server_of(cmd, &err);

    (void)dummy;
    if (err) {
        return err;
    }
    if (ap_strchr_c(arg, '/')) {
        server->persist = 1;
        server->persist_file = arg;
        return NULL;
    }
    if (svb_values_flag(cmd, arg, &server->persist)) {
        return svb_values_bad(cmd, arg,
                              "expected On, Off, or the path of a file");
    }
    return NULL;
}

static const char *set_shared_store(cmd_parms *cmd, void *dummy,
                                    const char *arg)
{
    const char *err, *name;
    svb_server *server = server_of(cmd, &err);

    (void)dummy;
    if (err) {
        return err;
    }
    name = ap_getword(cmd->temp_pool, &arg, ':');
    if (!ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, name,
                            AP_SOCACHE_PROVIDER_VERSION)) {
        return svb_values_bad(
            cmd, name,
            apr_psprintf(cmd->pool,
                         "there is no such socache provider; is mod_socache_%s "
                         "loaded?",
                         name));
    }
    server->shared_store = cmd->directive->args;
    return NULL;
}

static const char *add_front_end(cmd_parms *cmd, void *dummy, const char *arg)
{
    const char *err;
    svb_server *server = server_of(cmd, &err);

    (void)dummy;
    if (err) {
        return err;
    }
    if (!svb_values_is_name(arg)) {
        return svb_values_bad(cmd, arg, SVB_NAME_ALLOWED);
    }
    if (!server->front_ends) {
        server->front_ends = apr_array_make(cmd->pool, 4, sizeof(const char *));
    }
    APR_ARRAY_PUSH(server->front_ends, const char *) = arg;
    return NULL;
}

/* clang-format off */
const command_rec svb_directives_commands[] = {
    AP_INIT_TAKE1("ServoyFleet", set_fleet, NULL, PROXY_CONF,
        "the fleet that this balancer belongs to"),
    AP_INIT_TAKE_ARGV("ServoyNode", set_node, NULL, PROXY_CONF,
        "a route (or * for the rest), then url=, group=, maxclients=, probe="),
    AP_INIT_ITERATE("ServoySessionCookie", add_session_cookie, NULL, PROXY_CONF,
        "names of the cookies that carry the session id"),
    AP_INIT_TAKE1("ServoySessionTimeout", set_session_timeout, NULL, PROXY_CONF,
        "a web client not heard of for so long is gone"),
    AP_INIT_TAKE1("ServoyLearnSessions", set_learn_sessions, NULL, PROXY_CONF,
        "On or Off: stick sessions whose id carries no route"),
    AP_INIT_TAKE12("ServoyLaunch", set_launch, NULL, PROXY_CONF,
        "redirect, rewrite (then perhaps limit=) or proxy: what a launch gets"),
    AP_INIT_TAKE1("ServoyLaunchMatch", set_launch_match, NULL, PROXY_CONF,
        "a regular expression: which paths are launches"),
    AP_INIT_TAKE1("ServoyLaunchCookie", set_launch_cookie, NULL, PROXY_CONF,
        "name of the cookie that brings the next launch to the same node, or Off"),
    AP_INIT_TAKE1("ServoyLaunchTimeout", set_launch_timeout, NULL, PROXY_CONF,
        "a smart client is counted for so long after its last launch"),
    AP_INIT_TAKE12("ServoyMaintenance", set_maintenance, NULL, PROXY_CONF,
        "On or Off, then how long a node in maintenance is left alone"),
    AP_INIT_TAKE1("ServoySlowStart", set_slow_start, NULL, PROXY_CONF,
        "the time over which a node that comes up gets its full share"),
    AP_INIT_TAKE1("ServoyCatchUp", set_catch_up, NULL, PROXY_CONF,
        "at most so many times its fair share for a fresh node, or Off"),
    AP_INIT_TAKE1("ServoyClientTable", set_client_table, NULL, RSRC_CONF,
        "how many clients can be tracked at once"),
    AP_INIT_TAKE1("ServoyPersist", set_persist, NULL, RSRC_CONF,
        "On, Off or a file: the table survives a stop and start"),
    AP_INIT_TAKE1("ServoySharedStore", set_shared_store, NULL, RSRC_CONF,
        "a socache provider through which front ends share counts"),
    AP_INIT_ITERATE("ServoyFrontEnd", add_front_end, NULL, RSRC_CONF,
        "this front end's name, then the others'"),
    AP_INIT_TAKE1("ServoyManagerActions", set_manager_actions, NULL, ACCESS_CONF,
        "On or Off: whether the manager page may change anything"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}
};
/* clang-format on */

/* -------------------------------------------------- not in effect so far */

static void note(server_rec *s, const char *directive)
{
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                 SVB_LOGNO(0001) "%s has no effect yet in version %s",
                 directive, MOD_SERVOY_BALANCER_VERSION);
}

void svb_directives_note_unused(server_rec *main_server)
{
    const svb_server *server = server_config(main_server);

    if (server->shared_store) {
        note(main_server, "ServoySharedStore");
    }
    if (server->front_ends) {
        note(main_server, "ServoyFrontEnd");
    }
}
