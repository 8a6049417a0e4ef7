/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Hashes of names that everybody may know: the same number on every machine, in
 * every process, after every start.
 *
 * The key is not secret. What a client could gain by choosing its id with care is
 * to be sent to a node of its choice, and the route in an id, which is not secret
 * either, gives it that anyway. The client table, where chosen ids could crowd
 * out others, has a secret key of its own (svb_clients_id()).
 *
 * Source: SipHash-2-4, as APR has it. Pure: no state, no locks; any thread, any
 * phase.
 */
#ifndef SVB_MEMORY_HASH_H
#define SVB_MEMORY_HASH_H

#include <apr.h>

/**
 * The hash by which a client is given to another node, and the like.
 * @param text what names it, the same bytes at every front end
 * @param len  its length
 */
apr_uint64_t svb_hash_text(const char *text, apr_size_t len);

/**
 * The draw of one client for one node: what svb_score_rendezvous() makes a score
 * of.
 * @param client svb_hash_text() of the client's id
 * @param route  the node's route
 */
apr_uint64_t svb_hash_pair(apr_uint64_t client, const char *route);

/**
 * The key of a node's record.
 * @param fleet the fleet's name
 * @param route the node's route; both at most SVB_NAME_MAX bytes
 * @return never 0
 */
apr_uint64_t svb_hash_node(const char *fleet, const char *route);

#endif /* SVB_MEMORY_HASH_H */
