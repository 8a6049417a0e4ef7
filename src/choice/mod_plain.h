/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The election as it nearly always is: the members that take new clients do so without
 * any if or but, and those that do not need no second look. One pass over them, without
 * mod_proxy's loop, decides then what choice/mod_election would have decided. Where
 * there is anything else (standbys, several lbsets, a node that is to be tried, nobody
 * left), it leaves the election to that.
 */
#ifndef SVB_CHOICE_MOD_PLAIN_H
#define SVB_CHOICE_MOD_PLAIN_H

#include "choice/contest.h"
#include "choice/mod_request.h"
#include "share/expect.h"

/**
 * @param contest of this election, with nothing summed up yet; upon success as
 *                svb_contest_won() wants it
 * @param turns   of other front ends, to be played through around it
 * @param won     the winner as it stood for election, set upon success
 * @param r       for memory, and for the workers' retry
 * @return the member, or NULL: not as simple as that, and nothing was changed but
 *         workers that were given another chance. In the request's thread, with
 *         mod_proxy's thread mutex of the balancer held
 */
const svb_member *svb_plain_member(const svb_request *req,
                                   const svb_members *members,
                                   const svb_expect_turns *turns,
                                   svb_contest *contest, svb_contest_node *won,
                                   request_rec *r);

#endif /* SVB_CHOICE_MOD_PLAIN_H */
