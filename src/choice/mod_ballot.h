/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * An election as the log tells it, to whoever asks later why a user came to this node:
 *
 *     elected servoy1 (12 for 1.0); servoy2 16; servoy3 braked; servoy4 draining
 *
 * The winner had 12 clients for its loadfactor, another one 16 for the same; one was not
 * to be flooded (choice/rate.h), one takes no new clients.
 */
#ifndef SVB_CHOICE_MOD_BALLOT_H
#define SVB_CHOICE_MOD_BALLOT_H

#include "choice/contest.h"
#include "choice/mod_request.h"

/**
 * Tell it, before the winner has taken its turn. Costs more than the election: for those
 * who log at debug. In a request's thread; takes no lock.
 * @param contest with all summed up
 * @param won     the winner, as it stood
 * @return the text, from p; of many nodes the first, and how many more there are
 */
const char *svb_ballot_text(const svb_request *req, const svb_members *members,
                            const svb_contest *contest,
                            const svb_contest_node *won, apr_pool_t *p);

#endif /* SVB_CHOICE_MOD_BALLOT_H */
