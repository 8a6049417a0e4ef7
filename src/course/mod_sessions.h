/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What an answer says of sessions, in the client table.
 *
 *   a session cookie is set      there is a client on this node; it replaces the pending
 *                                one that the election has entered. An id that the
 *                                request came with (login, failover) is remembered, for
 *                                it may be another application's. Of several cookies
 *                                the first is the client
 *   a session cookie is removed  the client has logged out, unless its cookie is set in
 *                                the same answer
 *   neither, but the request's   the node has honoured the id: a client that was known is
 *   id named the node            seen, one that was not is assumed
 *   to a stateless request       nobody is counted, but sessions stick
 *
 * All in the request's own thread.
 */
#ifndef SVB_COURSE_MOD_SESSIONS_H
#define SVB_COURSE_MOD_SESSIONS_H

#include "choice/mod_request.h"

/** What was found. */
typedef struct svb_sessions_taught {
    int cookies;     /**< of sessions, set or taken back */
    int begun;       /**< sessions that began */
    int is_unrouted; /**< one of these does not tell its node */
} svb_sessions_taught;

/** Read the headers of the answer of the member that was chosen, which has a node. */
svb_sessions_taught svb_sessions_learn(svb_request *req, request_rec *r,
                                       apr_time_t now);

/** @return the client that the request is of by what it says itself, or 0: its id may
 *          be one whose node cannot be told from it */
apr_uint64_t svb_sessions_own_word(svb_request *req);

#endif /* SVB_COURSE_MOD_SESSIONS_H */
