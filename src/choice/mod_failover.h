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

#endif /* SVB_CHOICE_MOD_FAILOVER_H */
