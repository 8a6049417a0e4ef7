/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Choosing among the members of a balancer, with mod_proxy's own loop over
 * them, so that lbset, hot standby, hot spare and drain mean what they mean for
 * any balancer method. Who is the better of two is score.h's business; here
 * it is told how things are.
 *
 * All functions are called with the balancer's thread mutex held (mod_proxy's
 * own), as lbmethods are.
 */
#ifndef SVB_CHOICE_MOD_ELECTION_H
#define SVB_CHOICE_MOD_ELECTION_H

#include "choice/mod_request.h"

/** Find mod_proxy's optional functions; in post_config or later. */
void svb_condition_start(void);

/** May this worker serve, or take new clients as well? */
int svb_condition_can_serve(const proxy_worker *worker);
int svb_condition_takes_new(const proxy_worker *worker);

/** The same, after giving a worker whose retry time has come its chance. */
int svb_condition_can_serve_now(proxy_worker *worker, request_rec *r);

/** May it serve this request: can it serve now, has it not failed the request
 *  already, and, for a launch, does its node answer those who ask whether it is
 *  there (see nodes/mod_probe.h)? */
int svb_request_can_have(const svb_request *req, const svb_member *member,
                         request_rec *r);

/** Is the member's node in maintenance: has an administrator put it there, or
 *  has it refused a new client of late? */
int svb_condition_in_maintenance(const svb_member *member);

/** May the member take a new client now: usable, not draining, not full, and
 *  its node neither in maintenance nor found dead? */
int svb_condition_may_take_new(const svb_member *member);

/** Is there a member other than this, not tried yet, that may take a new
 *  client? */
int svb_election_has_other(const svb_request *req, const svb_member *than,
                           request_rec *r);

/** Does the member's node hold as many clients as it may (maxclients=)? */
int svb_condition_is_full(const svb_member *member);

/**
 * The member for a new client.
 * @return the member, or NULL when none may take one. Its node takes its turn,
 *         and the client is entered as a pending one, unless req->dry_run
 */
const svb_member *svb_election_run(svb_request *req, const svb_members *members,
                                   request_rec *r);

/**
 * The member that takes over the client of another: that one's redirect=, or
 * one of its group, or any, by rendezvous hashing of the client's id.
 * @param from the member whose node cannot serve
 * @param hash svb_hash_client() of the id
 */
const svb_member *svb_failover_member(const svb_request *req,
                                      const svb_members *members,
                                      const svb_member *from, apr_uint64_t hash,
                                      request_rec *r);

#endif /* SVB_CHOICE_MOD_ELECTION_H */
