/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Sections: what our directives say in one <Proxy "balancer://..."> (or, for the
 * manager, one <Location>), as it is kept in that section's per-directory
 * configuration, and which sections are a balancer's.
 *
 * <Proxy> itself matches by prefix; a balancer's settings are those of its very
 * own name, in the main server and in its virtual host.
 *
 * Values that were not given are SVB_UNSET (numbers) or NULL.
 *
 * All of it is for while the configuration is read, check_config and post_config,
 * when there is one thread.
 */
#ifndef SVB_CONFIG_MOD_SECTIONS_H
#define SVB_CONFIG_MOD_SECTIONS_H

#include <mod_proxy.h>

#include "config/mod_facts.h"
#include "config/pattern.h"

/** ServoyLaunch: what a launch gets. */
typedef enum svb_launch_mode {
    SVB_LAUNCH_REDIRECT,
    SVB_LAUNCH_REWRITE,
    SVB_LAUNCH_PROXY
} svb_launch_mode;

/** ServoyStart: what a web client that begins gets. */
typedef enum svb_start_mode {
    SVB_START_PROXY,
    SVB_START_REDIRECT
} svb_start_mode;

/** One ServoyNode line. */
typedef struct svb_node_line {
    const char *route; /**< the node's route, or "*" for the template */
    svb_facts facts;   /**< what it gives */
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
    apr_interval_time_t window_timeout; /**< 0 is off */
    ap_regex_t *window_match;
    const char *window_match_text;
    svb_pattern_shape window_shape; /**< in a balancer's own settings */
    ap_regex_t *stateless; /**< NULL is none, in a balancer's own settings */
    const char *stateless_text;
    svb_pattern_shape stateless_shape; /**< in a balancer's own settings */
    const char *route_cookie;          /**< "" is off */
    int learn_sessions;
    int launch;       /**< svb_launch_mode */
    int launch_limit; /**< bytes of a JNLP that is rewritten, at most */
    ap_regex_t *launch_match;
    const char *launch_match_text;
    svb_pattern_shape launch_shape; /**< likewise */
    const char *launch_cookie;      /**< "" is off */
    int start;                      /**< svb_start_mode */
    ap_regex_t *start_match;
    const char *start_match_text;
    svb_pattern_shape start_shape; /**< likewise */
    apr_interval_time_t launch_timeout;
    int maintenance;
    apr_interval_time_t maintenance_retry;
    ap_regex_t *maintenance_match;
    const char *maintenance_match_text;
    int suspect;                /**< failures in a row; 0 is off */
    apr_interval_time_t forget; /**< 0 is off */
    apr_interval_time_t slow_start;
    double catch_up; /**< 0 is off */
    int manager_actions;
} svb_section;

/** For the module record: a section in which nothing was said. */
void *svb_sections_create(apr_pool_t *p, char *path);

/** For the module record: what add says, and base where it says nothing. */
void *svb_sections_merge(apr_pool_t *p, void *base, void *add);

/**
 * Go through the sections of a server that have directives of ours, the main
 * server's first.
 * @param place where the walk is; 0 at first
 * @param dir   set to what mod_proxy has of the section
 * @return the next one, or NULL at the end
 */
const svb_section *svb_sections_next(server_rec *s, int *place,
                                     const proxy_dir_conf **dir);

/** Is it the section of the balancer of this name ("balancer://servoy")? */
int svb_sections_is_of(const proxy_dir_conf *dir, const char *balancer);

/** Does a pattern of a balancer's own settings match? In any thread. */
int svb_sections_match(const ap_regex_t *regex, const svb_pattern_shape *shape,
                       const char *text);

/**
 * A balancer's settings: its sections merged, with the defaults filled in.
 * @param p    for the result
 * @param s    the server that has the balancer
 * @param name the balancer's
 */
svb_section *svb_sections_merged(apr_pool_t *p, server_rec *s,
                                 const char *name);

#endif /* SVB_CONFIG_MOD_SECTIONS_H */
