/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The election of a node for a new client, with mod_proxy's own loop over the
 * members, so that lbset, hot standby, hot spare and drain mean what they mean for
 * any balancer method. Who is the better of two is choice/score's business; here
 * it is told how things are.
 */
#ifndef SVB_CHOICE_MOD_ELECTION_H
#define SVB_CHOICE_MOD_ELECTION_H

#include "choice/mod_request.h"

/**
 * The member for a new client. Called with the balancer's thread mutex held
 * (mod_proxy's own), as lbmethods are.
 * @return the member, or NULL when none may take one. Its node takes its turn,
 *         and the client is entered as a pending one, unless req->dry_run
 */
const svb_member *svb_election_run(svb_request *req, const svb_members *members,
                                   request_rec *r);

/**
 * The member has a new client on the way, although nobody knows its session yet: others
 * who are deciding just now must see it. A launched client is entered under its own id
 * when it is sent off, and nobody where req->dry_run. In the request's thread.
 */
void svb_election_enter(svb_request *req, const svb_member *member);

/** Is there a member other than this, not tried yet, that may take a new client?
 *  No lock needs to be held. */
int svb_election_has_other(const svb_request *req, const svb_member *than,
                           request_rec *r);

#endif /* SVB_CHOICE_MOD_ELECTION_H */
