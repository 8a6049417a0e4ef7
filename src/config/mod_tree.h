/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What only the text of the configuration tells: httpd keeps it as a tree of
 * directives for as long as it is being read, which is until post_config ends.
 */
#ifndef SVB_CONFIG_MOD_TREE_H
#define SVB_CONFIG_MOD_TREE_H

#include "mod_log.h"

/** A directive of a server. */
typedef struct svb_tree_line {
    const ap_directive_t *line;
    const ap_directive_t *section; /**< the innermost it stands in, other than
                                        <VirtualHost>; or NULL */
} svb_tree_line;

/**
 * The directives of a name that a server's own text has: the main server's are those
 * outside of <VirtualHost>. In check_config or post_config.
 * @param p of the result
 * @return of svb_tree_line, in their order
 */
apr_array_header_t *svb_tree_lines(apr_pool_t *p, const server_rec *s,
                                   const char *name);

/** @return "file:line" of a directive, from p */
const char *svb_tree_where(apr_pool_t *p, const ap_directive_t *line);

/** @return what a section is for: its first argument without the bracket that closes
 *          it; NULL where that is a regular expression or has wildcards */
const char *svb_tree_place(apr_pool_t *p, const ap_directive_t *section);

/** Is a section for a pattern of places, of which this is one? Not where it is for one
 *  place. */
int svb_tree_is_pattern_for(apr_pool_t *p, const ap_directive_t *section,
                            const char *place);

/** Does a place, /a, have all that is below another, /a/b? As httpd compares the paths
 *  of <Location> and ProxyPass: /a has /a/b and not /ab, and // is /. */
int svb_tree_covers(const char *place, const char *other);

/** Does a server speak TLS? In check_config or post_config. */
int svb_tree_speaks_https(const server_rec *s);

/** Does a directive of a server proxy to the balancer of this name? Those of the
 *  main server hold for all. In check_config or post_config. */
int svb_tree_proxies_to(const server_rec *s, const char *balancer);

#endif /* SVB_CONFIG_MOD_TREE_H */
