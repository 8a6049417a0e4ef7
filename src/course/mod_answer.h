/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Short answers of our own, where httpd's canned ones do not say what is the
 * matter, or would list methods that are not allowed here (TRACE, OPTIONS).
 */
#ifndef SVB_COURSE_MOD_ANSWER_H
#define SVB_COURSE_MOD_ANSWER_H

#include "config/mod_model.h"
#include "mod_log.h"

/** Answer with a status and a line of plain text. @return OK, for a handler */
int svb_answer_text(request_rec *r, int status, const char *text);

/** Answer 405. @param allow the methods, as the Allow header has them */
int svb_answer_not_allowed(request_rec *r, const char *allow);

/**
 * Answer 503 to a launch that no node can take, with a page for whoever has
 * followed a link; when to come back is the caller's to say (Retry-After). Where
 * ErrorDocument 503 is set, that is the page.
 * @return OK or HTTP_SERVICE_UNAVAILABLE, for a handler
 */
int svb_answer_unavailable(request_rec *r);

/** Tell the client when to come back (Retry-After); for an answer of 503. In a
 *  request's thread; takes no lock. */
void svb_answer_set_retry_after(request_rec *r, svb_balancer *balancer);

#endif /* SVB_COURSE_MOD_ANSWER_H */
