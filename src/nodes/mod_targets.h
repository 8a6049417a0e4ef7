/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Which nodes are asked whether they are there, and where: all that no ServoyNode
 * probe=off says otherwise of, at each of their members, and with probe=url at their
 * direct URL as well.
 */
#ifndef SVB_NODES_MOD_TARGETS_H
#define SVB_NODES_MOD_TARGETS_H

#include "nodes/mod_members.h"
#include "nodes/probe.h"

/** What can be asked. */
typedef enum svb_endpoint_kind {
    SVB_ENDPOINT_AJP,   /**< a member, with a CPing */
    SVB_ENDPOINT_OTHER, /**< a member, with a connection */
    SVB_ENDPOINT_URL    /**< the direct URL, likewise */
} svb_endpoint_kind;

/** One place where a node can be asked. */
typedef struct svb_endpoint {
    svb_endpoint_kind kind;
    int slot;             /**< in the node's record, or -1 */
    proxy_worker *worker; /**< the member, or NULL: the direct URL */
    const char *host;     /**< or NULL: cannot be asked (a socket file) */
    apr_port_t port;
    svb_reach reach; /**< for who asks; SVB_REACH_UNKNOWN at first */
} svb_endpoint;

/** A node. */
typedef struct svb_target {
    const svb_fleet *fleet;
    int node;                      /**< in svb_records */
    int is_asked;                  /**< unless ServoyNode says probe=off */
    apr_array_header_t *endpoints; /**< of svb_endpoint, without those that an
                                        administrator has taken out */
} svb_target;

/**
 * List the nodes of these balancers. In any thread; takes no lock.
 * @param p         pool of the list
 * @param balancers of svb_balancer *; all that lead to a node in question, as
 *                  those of its fleet do
 * @param node      the one to list, or -1 for all
 * @return array of svb_target *
 */
apr_array_header_t *
svb_targets_list(apr_pool_t *p, const apr_array_header_t *balancers, int node);

#endif /* SVB_NODES_MOD_TARGETS_H */
