/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What only the text of the configuration tells: httpd keeps it as a tree of
 * directives for as long as it is being read, which is until post_config ends.
 */
#ifndef SVB_CONFIG_MOD_TREE_H
#define SVB_CONFIG_MOD_TREE_H

#include "mod_log.h"

/** Does a server speak TLS? In check_config or post_config. */
int svb_tree_speaks_https(const server_rec *s);

/** Does a directive of a server proxy to the balancer of this name? Those of the
 *  main server hold for all. In check_config or post_config. */
int svb_tree_proxies_to(const server_rec *s, const char *balancer);

#endif /* SVB_CONFIG_MOD_TREE_H */
