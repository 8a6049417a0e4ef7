/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Smart clients: launched through the balancer, then never seen again.
 *
 * Each GET launch that reaches a node enters a client of kind smart, which
 * lives for ServoyLaunchTimeout. It is known by a random id that the browser
 * keeps in the launch cookie, in the form of a session id (the id, a dot, the
 * node's route), so that the next launch from the same browser reaches the same
 * node and renews that client instead of entering another.
 */
#ifndef SVB_COURSE_MOD_SMART_H
#define SVB_COURSE_MOD_SMART_H

#include "choice/mod_request.h"

/**
 * A launch goes to the chosen node: count it, enter its client, set the cookie.
 * Nothing happens for HEAD. Before the answer's headers are sent.
 * @param headers r->headers_out, or r->err_headers_out for an answer that httpd
 *                takes for an error
 */
void svb_smart_launched(svb_request *req, request_rec *r, apr_table_t *headers);

#endif /* SVB_COURSE_MOD_SMART_H */
