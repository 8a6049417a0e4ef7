/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What the rest of the module has seen of a node: told here, judged by condition.h,
 * and what follows from it is done at once: clients are forgotten, the change of
 * state is noted and told.
 *
 * Any thread, in a request or in the watchdog; takes no lock, waits for nobody.
 */
#ifndef SVB_NODES_MOD_EVIDENCE_H
#define SVB_NODES_MOD_EVIDENCE_H

#include "nodes/condition.h"
#include "nodes/mod_members.h"

/** Who has seen it, for the log, and memory for the duration of the call. */
typedef struct svb_witness {
    const svb_fleet *fleet;
    server_rec *server;
    apr_pool_t *p;
} svb_witness;

/** A member was asked, or has answered, or a request could not be sent to it.
 *  @param node  the record, -1 does nothing
 *  @param slot  the member's, or its direct URL's */
void svb_evidence_reached(const svb_witness *witness, int node, int slot,
                          svb_reach reach);

/** An answer to a request has come from the member. */
void svb_evidence_answered(const svb_witness *witness,
                           const svb_member *member);

/**
 * Is an answer of this status, without a session, a failure of the node's? Not those
 * that a request can bring upon itself, such as 400, 401 or 405: whoever likes could
 * make a node suspect.
 */
int svb_evidence_is_failure(int status);

/**
 * What a new client has met at a node.
 * @param status HTTP status of a failure, else 0
 * @param path   that it asked for, as the node sees it, without parameters and query;
 *               where nobody has begun a session of late, a failure says nothing
 */
void svb_evidence_met(const svb_witness *witness, const svb_balancer *balancer,
                      const svb_member *member, svb_met what, unsigned status,
                      const char *path);

/** @return when a new client last began a session at another node of the balancer, to
 *          the second; 0: never */
apr_time_t svb_evidence_others_began(const svb_balancer *balancer, int node);

#endif /* SVB_NODES_MOD_EVIDENCE_H */
