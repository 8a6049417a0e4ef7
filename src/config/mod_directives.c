/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_directives.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>

#include "config/mod_sections.h"
#include "config/mod_store.h"
#include "config/mod_values.h"

#define CLIENT_TABLE_MAX (64 * 1024 * 1024)
#define SUSPECT_MAX 50
#define LAUNCH_LIMIT_MAX (64 * 1024 * 1024)

/* ------------------------------------------------------------------- values */

static const svb_server server_defaults = {
    .client_table = 65536,
    .persist = 1,
};

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
    svb_server *server =
        apr_pmemdup(p, server_config(main_server), sizeof(*server));

    if (server->client_table == SVB_UNSET) {
        server->client_table = server_defaults.client_table;
    }
    if (server->persist == SVB_UNSET) {
        server->persist = server_defaults.persist;
    }
    return server;
}

/* --------------------------------------------------------------- directives */

/* They may stand anywhere as far as httpd is concerned, since all that it says of
 * others is that they are "not allowed here". */
#define ANYWHERE (RSRC_CONF | ACCESS_CONF | PROXY_CONF)

/* Every directive of a section starts with this: is it the right kind of section?
 * Then it is noted where our lines begin, for messages about it as a whole. */
static const char *begin(cmd_parms *cmd, void *conf,
                         const char *(*is_misplaced)(cmd_parms *cmd))
{
    svb_section *section = conf;
    const char *err = is_misplaced(cmd);

    if (!err && !section->where) {
        section->where =
            apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename,
                         cmd->directive->line_num);
    }
    return err;
}

static const char *begin_balancer(cmd_parms *cmd, void *conf)
{
    return begin(cmd, conf, svb_values_in_balancer);
}

/* The field that a setter is for, which stands beside it in the table. */
static void *field_of(cmd_parms *cmd, void *conf)
{
    return (char *)conf + (apr_size_t)cmd->info;
}

static const char *set_name(cmd_parms *cmd, void *conf, const char *arg)
{
    const char **field = field_of(cmd, conf);
    const char *err = begin_balancer(cmd, conf);

    *field = arg;
    return err || svb_values_is_name(arg)
               ? err
               : svb_values_bad(cmd, arg, SVB_NAME_ALLOWED);
}

static const char *set_flag(cmd_parms *cmd, void *conf, const char *arg)
{
    const char *err = begin_balancer(cmd, conf);

    return err ? err : svb_values_flag(cmd, arg, field_of(cmd, conf));
}

static const char *set_manager_actions(cmd_parms *cmd, void *conf,
                                       const char *arg)
{
    const char *err = begin(cmd, conf, svb_values_in_location);

    return err ? err : svb_values_flag(cmd, arg, field_of(cmd, conf));
}

static const char *set_time(cmd_parms *cmd, void *conf, const char *arg)
{
    const char *err = begin_balancer(cmd, conf);

    return err ? err : svb_values_time(cmd, arg, 0, field_of(cmd, conf));
}

static const char *set_time_or_zero(cmd_parms *cmd, void *conf, const char *arg)
{
    const char *err = begin_balancer(cmd, conf);

    return err ? err : svb_values_time(cmd, arg, 1, field_of(cmd, conf));
}

static const char *set_node(cmd_parms *cmd, void *conf, int argc,
                            char *const argv[])
{
    svb_section *section = conf;
    svb_node_line *line;
    const char *err = begin_balancer(cmd, conf);

    if (err) {
        return err;
    }
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
    line->facts = svb_facts_unset;
    line->text =
        apr_pstrcat(cmd->pool, cmd->cmd->name, " ", cmd->directive->args, NULL);
    line->where = apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename,
                               cmd->directive->line_num);
    for (int i = 1; i < argc && !err; i++) {
        err = svb_facts_read(cmd, &line->facts, argv[i]);
    }
    return err;
}

static const char *add_session_cookie(cmd_parms *cmd, void *conf,
                                      const char *arg)
{
    svb_section *section = conf;
    const char *err = begin_balancer(cmd, conf);

    if (err) {
        return err;
    }
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
    svb_section *section = conf;
    int mode = svb_values_word(arg, modes);
    const char *err = begin_balancer(cmd, conf);

    if (err) {
        return err;
    }
    if (mode < 0) {
        return svb_values_bad_word(cmd, arg, modes,
                                   "expected redirect, rewrite or proxy");
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

static const char *compile(cmd_parms *cmd, svb_section *section,
                           const char *arg, int flags, ap_regex_t **match,
                           const char **text)
{
    const char *err = begin_balancer(cmd, section);

    *match = ap_pregcomp(cmd->pool, arg, flags);
    *text = arg;
    return err || *match
               ? err
               : svb_values_bad(cmd, arg, "expected a regular expression");
}

static const char *set_launch_match(cmd_parms *cmd, void *conf, const char *arg)
{
    svb_section *section = conf;

    return compile(cmd, section, arg, AP_REG_EXTENDED, &section->launch_match,
                   &section->launch_match_text);
}

static const char *set_start(cmd_parms *cmd, void *conf, const char *arg)
{
    static const char *const modes[] = {"proxy", "redirect", NULL};
    svb_section *section = conf;
    const char *err = begin_balancer(cmd, conf);

    section->start = svb_values_word(arg, modes);
    return err || section->start >= 0
               ? err
               : svb_values_bad_word(cmd, arg, modes,
                                     "expected proxy or redirect");
}

static const char *set_start_match(cmd_parms *cmd, void *conf, const char *arg)
{
    svb_section *section = conf;

    return compile(cmd, section, arg, AP_REG_EXTENDED, &section->start_match,
                   &section->start_match_text);
}

static const char *set_window_match(cmd_parms *cmd, void *conf, const char *arg)
{
    svb_section *section = conf;

    return compile(cmd, section, arg, AP_REG_EXTENDED, &section->window_match,
                   &section->window_match_text);
}

static const char *set_stateless(cmd_parms *cmd, void *conf, const char *arg)
{
    svb_section *section = conf;

    if (!ap_cstr_casecmp(arg, "none")) {
        section->stateless = NULL;
        section->stateless_text = arg;
        return begin_balancer(cmd, conf);
    }
    return compile(cmd, section, arg, AP_REG_EXTENDED, &section->stateless,
                   &section->stateless_text);
}

static const char *set_cookie_or_off(cmd_parms *cmd, void *conf,
                                     const char *arg)
{
    const char **field = field_of(cmd, conf);
    const char *err = begin_balancer(cmd, conf);

    *field = ap_cstr_casecmp(arg, "off") ? arg : "";
    return err || svb_values_is_token(arg)
               ? err
               : svb_values_bad(cmd, arg,
                                "expected the name of a cookie, or Off");
}

static const char *set_maintenance(cmd_parms *cmd, void *conf, const char *arg,
                                   const char *retry)
{
    svb_section *section = conf;
    const char *err = begin_balancer(cmd, conf);

    if (!err) {
        err = svb_values_flag(cmd, arg, &section->maintenance);
    }
    if (!err && retry) {
        err = svb_values_time(cmd, retry, 0, &section->maintenance_retry);
    }
    return err;
}

static const char *set_maintenance_match(cmd_parms *cmd, void *conf,
                                         const char *arg)
{
    svb_section *section = conf;

    return compile(cmd, section, arg, AP_REG_EXTENDED | AP_REG_DOTALL,
                   &section->maintenance_match,
                   &section->maintenance_match_text);
}

static const char *set_suspect(cmd_parms *cmd, void *conf, const char *arg)
{
    svb_section *section = conf;
    const char *err = begin_balancer(cmd, conf);

    if (!ap_cstr_casecmp(arg, "off")) {
        section->suspect = 0;
        return err;
    }
    return err || svb_values_number(arg, 1, SUSPECT_MAX, &section->suspect)
               ? err
               : svb_values_bad(cmd, arg,
                                "expected a number from 1 to 50, or Off");
}

static const char *set_time_or_off(cmd_parms *cmd, void *conf, const char *arg)
{
    if (!ap_cstr_casecmp(arg, "off")) {
        *(apr_interval_time_t *)field_of(cmd, conf) = 0;
        return begin_balancer(cmd, conf);
    }
    return set_time(cmd, conf, arg);
}

static const char *set_catch_up(cmd_parms *cmd, void *conf, const char *arg)
{
    svb_section *section = conf;
    const char *err = begin_balancer(cmd, conf);
    char *end;

    if (err) {
        return err;
    }
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

static svb_server *server_of(cmd_parms *cmd, const char **err)
{
    *err = svb_values_in_server(cmd);
    return server_config(cmd->server);
}

static const char *set_client_table(cmd_parms *cmd, void *dummy,
                                    const char *arg)
{
    const char *err;
    svb_server *server = server_of(cmd, &err);

    (void)dummy;
    if (err) {
        return err;
    }
    return svb_values_number(arg, 1, CLIENT_TABLE_MAX, &server->client_table)
               ? NULL
               : svb_values_bad(cmd, arg,
                                "expected a number of clients from 1 to "
                                "67108864");
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

#define FIELD(field) ((void *)APR_OFFSETOF(svb_section, field))

/* clang-format off */
const command_rec svb_directives_commands[] = {
    AP_INIT_TAKE1("ServoyFleet", set_name, FIELD(fleet), ANYWHERE,
        "the fleet that this balancer belongs to"),
    AP_INIT_TAKE_ARGV("ServoyNode", set_node, NULL, ANYWHERE,
        "a route (or * for the rest), then url=, group=, maxclients=, probe="),
    AP_INIT_ITERATE("ServoySessionCookie", add_session_cookie, NULL, ANYWHERE,
        "names of the cookies that carry the session id"),
    AP_INIT_TAKE1("ServoySessionTimeout", set_time, FIELD(session_timeout), ANYWHERE,
        "a web client not heard of for so long is gone"),
    AP_INIT_TAKE1("ServoyWindowTimeout", set_time_or_off, FIELD(window_timeout), ANYWHERE,
        "so long a client is counted whose last WebSocket was closed, or Off"),
    AP_INIT_TAKE1("ServoyWindowMatch", set_window_match, NULL, ANYWHERE,
        "a regular expression: which WebSockets are windows that clients live by"),
    AP_INIT_TAKE1("ServoyStateless", set_stateless, NULL, ANYWHERE,
        "a regular expression, or None: paths whose requests begin no client"),
    AP_INIT_TAKE1("ServoyRouteCookie", set_cookie_or_off, FIELD(route_cookie), ANYWHERE,
        "name of the cookie that brings back who has no session yet, or Off"),
    AP_INIT_TAKE1("ServoyLearnSessions", set_flag, FIELD(learn_sessions), ANYWHERE,
        "On or Off: stick sessions whose id carries no route"),
    AP_INIT_TAKE12("ServoyLaunch", set_launch, NULL, ANYWHERE,
        "redirect, rewrite (then perhaps limit=) or proxy: what a launch gets"),
    AP_INIT_TAKE1("ServoyLaunchMatch", set_launch_match, NULL, ANYWHERE,
        "a regular expression: which paths are launches"),
    AP_INIT_TAKE1("ServoyLaunchCookie", set_cookie_or_off, FIELD(launch_cookie), ANYWHERE,
        "name of the cookie that brings the next launch to the same node, or Off"),
    AP_INIT_TAKE1("ServoyLaunchTimeout", set_time, FIELD(launch_timeout), ANYWHERE,
        "a smart client is counted for so long after its last launch"),
    AP_INIT_TAKE1("ServoyStart", set_start, NULL, ANYWHERE,
        "proxy or redirect: what a web client that begins gets"),
    AP_INIT_TAKE1("ServoyStartMatch", set_start_match, NULL, ANYWHERE,
        "a regular expression: which paths begin a web client"),
    AP_INIT_TAKE12("ServoyMaintenance", set_maintenance, NULL, ANYWHERE,
        "On or Off, then how long a node in maintenance is left alone"),
    AP_INIT_TAKE1("ServoyMaintenanceMatch", set_maintenance_match, NULL, ANYWHERE,
        "what the text of a 503 says where it means maintenance"),
    AP_INIT_TAKE1("ServoySuspect", set_suspect, NULL, ANYWHERE,
        "how many new clients in a row a node may fail, or Off"),
    AP_INIT_TAKE1("ServoyForget", set_time_or_off, FIELD(forget), ANYWHERE,
        "after how long of silence a node has lost its clients, or Off"),
    AP_INIT_TAKE1("ServoySlowStart", set_time_or_zero, FIELD(slow_start), ANYWHERE,
        "the time over which a node that comes up gets its full share"),
    AP_INIT_TAKE1("ServoyCatchUp", set_catch_up, NULL, ANYWHERE,
        "at most so many times its fair share for a fresh node, or Off"),
    AP_INIT_TAKE1("ServoyClientTable", set_client_table, NULL, ANYWHERE,
        "how many clients can be tracked at once"),
    AP_INIT_TAKE1("ServoyPersist", set_persist, NULL, ANYWHERE,
        "On, Off or a file: the table survives a stop and start"),
    AP_INIT_TAKE_ARGV("ServoySharedStore", svb_store_set, NULL, ANYWHERE,
        "the URL of the store that front ends share, or Off, then user=, passwordfile=, "
        "name=, timeout=, cafile=, certfile=, keyfile="),
    AP_INIT_TAKE1("ServoySharedKey", svb_store_set_key, NULL, ANYWHERE,
        "the file of the key that front ends have in common"),
    AP_INIT_TAKE1("ServoyFrontEnd", svb_store_set_front_end, NULL, ANYWHERE,
        "this front end's name in the store"),
    AP_INIT_TAKE1("ServoyManagerActions", set_manager_actions, FIELD(manager_actions), ANYWHERE,
        "On or Off: whether the manager page may change anything"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}
};
/* clang-format on */
