/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The module's directives, as they were written.
 *
 * Directives of a balancer stand in <Proxy "balancer://..."> and are kept in
 * that section's per-directory configuration; config/mod_model.h collects the
 * sections of each balancer and puts the defaults in. What concerns the whole
 * server is kept in the main server's configuration.
 *
 * Values that were not given are UNSET (numbers) or NULL.
 */
#ifndef SVB_CONFIG_MOD_DIRECTIVES_H
#define SVB_CONFIG_MOD_DIRECTIVES_H

#include "mod_log.h"

#include <apr_tables.h>

#define SVB_UNSET (-1)

/** ServoyLaunch: what a launch gets. */
enum svb_launch_mode {
    SVB_LAUNCH_REDIRECT,
    SVB_LAUNCH_REWRITE,
    SVB_LAUNCH_PROXY
};

/** ServoyNode probe=: what is asked whether a node that launches are redirected
 *  to is there, when nothing else has told of late. */
enum svb_probe_mode {
    SVB_PROBE_MEMBERS, /**< its members: CPing for ajp, a connection for others */
    SVB_PROBE_URL,     /**< a connection to its direct URL as well */
    SVB_PROBE_OFF
};

/** The words for them, in this order; ends with NULL. */
extern const char *const svb_directives_probes[];

/** One ServoyNode line. */
typedef struct svb_node_line {
    const char *route; /**< the node's route, or "*" for the template */
    const char *url;   /**< direct URL with placeholders, or NULL */
    const char *group; /**< or NULL */
    int maxclients;    /**< or SVB_UNSET */
    int probe;         /**< enum svb_probe_mode, or SVB_UNSET */
    const char *text;  /**< the line itself, for messages */
    const char *where; /**< "file:line" */
} svb_node_line;

/** The directives of one <Proxy> section (or <Location>, for the manager). */
typedef struct svb_section {
    const char *where; /**< first of our lines, or NULL */
    const char *fleet;
    apr_array_header_t *nodes;           /**< of svb_node_line */
    apr_array_header_t *session_cookies; /**< of const char *, or NULL */
    apr_interval_time_t session_timeout;
    int learn_sessions;
    int launch;       /**< enum svb_launch_mode */
    int launch_limit; /**< bytes of a JNLP that is rewritten, at most */
    ap_regex_t *launch_match;
    const char *launch_match_text;
    const char *launch_cookie; /**< "" is off */
    apr_interval_time_t launch_timeout;
    int maintenance;
    apr_interval_time_t maintenance_retry;
    apr_interval_time_t slow_start;
    double catch_up; /**< 0 is off */
    int manager_actions;
} svb_section;

/** The directives of the server as a whole. */
typedef struct svb_server {
    int client_table; /**< clients */
    int persist;
    const char *persist_file; /**< or NULL: in the runtime folder */
    const char *shared_store;
    apr_array_header_t *front_ends; /**< of const char *, or NULL */
} svb_server;

/** For the module record. */
extern const command_rec svb_directives_commands[];
void *svb_directives_create_section(apr_pool_t *p, char *path);
void *svb_directives_merge_section(apr_pool_t *p, void *base, void *add);
void *svb_directives_create_server(apr_pool_t *p, server_rec *s);

/** The values that hold where nothing was said. */
extern const svb_section svb_section_defaults;
extern const svb_server svb_server_defaults;

/**
 * @param main_server the main server (ap_server_conf), not a virtual host
 * @return the server's directives with the defaults filled in, from p
 */
const svb_server *svb_directives_server(apr_pool_t *p, server_rec *main_server);

/** Say at level info which directives of the server as a whole were given but
 *  belong to a feature that is not built yet. */
void svb_directives_note_unused(server_rec *main_server);

#endif /* SVB_CONFIG_MOD_DIRECTIVES_H */
