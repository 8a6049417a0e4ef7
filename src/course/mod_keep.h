/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Keeping a request's client alive: while it is in flight its child's row holds the id,
 * by which the watchdog finds it, and its end is a last sign of it.
 *
 * All in the request's own thread.
 */
#ifndef SVB_COURSE_MOD_KEEP_H
#define SVB_COURSE_MOD_KEEP_H

#include "choice/mod_request.h"

/** Hold the client that the request is of now, instead of the one that was: the pending
 *  one, if there is such; a window, if the request is one (req->is_window). */
void svb_keep_hold(svb_request *req);

/** The client was seen. Once for each second is enough. */
void svb_keep_see(svb_request *req, apr_uint64_t id, apr_time_t now);

/** It is known by now what the pending client has become, or that it is none. */
void svb_keep_end_pending(svb_request *req);

/** The request is over; may be called more than once. */
void svb_keep_end(svb_request *req);

#endif /* SVB_COURSE_MOD_KEEP_H */
