/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Short answers of our own, where httpd's canned ones do not say what is the
 * matter, or would list methods that are not allowed here (TRACE, OPTIONS).
 */
#ifndef SVB_COURSE_MOD_ANSWER_H
#define SVB_COURSE_MOD_ANSWER_H

#include "config/mod_model.h"
#include "mod_log.h"

/**
 * Answer with a line of plain text. In a handler, once; the request's body is
 * thrown away.
 * @param r the request
 * @param status the status
 * @param text the line, with its newline; nothing in it is escaped
 * @return OK, for the handler to return
 */
int svb_answer_text(request_rec *r, int status, const char *text);

/**
 * Answer 405. In a handler, once.
 * @param r the request
 * @param allow the methods that are allowed, as the Allow header has them; lives
 *        as long as the request
 * @return OK, for the handler to return
 */
int svb_answer_not_allowed(request_rec *r, const char *allow);

/**
 * Answer 503 to a launch that no node can take, with a page for whoever has
 * followed a link; when to come back is the caller's to say (Retry-After). Where
 * ErrorDocument 503 is set, that is the page. In a handler, once.
 * @param r the request
 * @return OK or HTTP_SERVICE_UNAVAILABLE, for the handler to return
 */
int svb_answer_unavailable(request_rec *r);

/** Tell the client when to come back (Retry-After); for an answer of 503. In a
 *  request's thread; takes no lock. */
void svb_answer_set_retry_after(request_rec *r, svb_balancer *balancer);

/** The client got 503 from us, and no node's answer; any thread. */
void svb_answer_count_refused(const svb_balancer *balancer);

#endif /* SVB_COURSE_MOD_ANSWER_H */
