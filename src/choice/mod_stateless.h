/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Requests that begin no client: those of ServoyStateless, and every OPTIONS. Without
 * an id that names a node they go to whoever has least to do just now. That is no
 * election: nobody is entered, no turn is taken, no share is used up, and no node in
 * maintenance or suspect is tried by them.
 */
#ifndef SVB_CHOICE_MOD_STATELESS_H
#define SVB_CHOICE_MOD_STATELESS_H

#include "choice/mod_request.h"

/**
 * Choose by the requests in flight for the loadfactor; of equals, the one that had its
 * turn longest ago. A full node is as good as any: no client begins. In the request's
 * thread, with mod_proxy's thread mutex of the balancer held.
 * @return the member, or NULL: none can serve
 */
const svb_member *svb_stateless_member(const svb_request *req,
                                       const svb_members *members,
                                       request_rec *r);

#endif /* SVB_CHOICE_MOD_STATELESS_H */
