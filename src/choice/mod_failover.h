/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Who takes over the client of a node that cannot serve it.
 */
#ifndef SVB_CHOICE_MOD_FAILOVER_H
#define SVB_CHOICE_MOD_FAILOVER_H

#include "choice/mod_request.h"

/**
 * The member that takes over the client of another: that one's redirect=, or
 * one of its group, or any, by rendezvous hashing of the client's id. Called with
 * the balancer's thread mutex held (mod_proxy's own), as lbmethods are.
 * @param from the member whose node cannot serve
 * @param hash svb_hash_text() of the id
 * @return the member, or NULL when nobody can serve
 */
const svb_member *svb_failover_member(const svb_request *req,
                                      const svb_members *members,
                                      const svb_member *from, apr_uint64_t hash,
                                      request_rec *r);

/**
 * A client whose node could not serve it was served elsewhere: counted once of each
 * client (memory/moves), where the choice was a failover.
 * @param client its id where it came from, or 0: nobody knows
 * @param now    time of day
 */
void svb_failover_done(const svb_choice *choice, apr_uint64_t client,
                       apr_time_t now);

#endif /* SVB_CHOICE_MOD_FAILOVER_H */
