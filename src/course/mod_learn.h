/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What answers teach the client table.
 *
 *   sessions in it               course/mod_sessions
 *   a new client's session, or   evidence: what that node can do
 *   none
 *   a page without a session     a login may be on its way: course/mod_route_cookie
 *   a launch was honoured        there is a smart client
 *   a WebSocket                  a window that its client lives by, if it stays open
 *   neither, and there was no id a request without a session; the pending client
 *                                goes when the request does
 *
 * Read when the answer's headers are there: course/mod_retry, whose filter sees them,
 * says so; where it does not run the request, a resource filter does on its first
 * brigade, or, for a WebSocket, which no resource filter sees, when 101 passes
 * a connection filter. All in the request's own thread.
 */
#ifndef SVB_COURSE_MOD_LEARN_H
#define SVB_COURSE_MOD_LEARN_H

#include "choice/mod_request.h"

/** Register the filters; in register_hooks. */
void svb_learn_register(apr_pool_t *p);

/** An attempt begins: watch for its answer, unless somebody else does
 *  (req->is_watched), keep the client alive meanwhile. */
void svb_learn_begin(svb_request *req, request_rec *r);

/** The answer to a request that is watched: its headers are there. */
void svb_learn_answer(svb_request *req, request_rec *r);

/** Count the request for the nodes that it concerns, now that it is served. */
void svb_learn_count(const svb_request *req);

/**
 * A client that was not known got this status, and no session, from the member that
 * was chosen: evidence, if a node can be blamed for it. OPTIONS begins no session.
 */
void svb_learn_failure(svb_request *req, request_rec *r, int status);

/** The request is over; may be called more than once. */
void svb_learn_end(svb_request *req);

#endif /* SVB_COURSE_MOD_LEARN_H */
