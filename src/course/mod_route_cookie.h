/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The cookie of ServoyRouteCookie: the route of a node that keeps something for a user
 * who has no session yet (a login under way), or whose session's id does not name it.
 *
 * It comes from outside and proves nothing: whatever is in it that is not the route of
 * a member is as if it were not there. The nodes do not get to see it.
 *
 * All in the request's own thread.
 */
#ifndef SVB_COURSE_MOD_ROUTE_COOKIE_H
#define SVB_COURSE_MOD_ROUTE_COOKIE_H

#include "choice/mod_request.h"

/**
 * Take the cookie out of the request, while it is sent to a node.
 * @return what the Cookie header was, for svb_route_cookie_show(); NULL: untouched
 */
const char *svb_route_cookie_hide(const svb_request *req, request_rec *r);

/** Put the header back. @param before what hide has given; NULL does nothing */
void svb_route_cookie_show(request_rec *r, const char *before);

/** Set the cookie with the answer of the member that was chosen, unless that has no
 *  route, or one that cannot stand in a cookie. */
void svb_route_cookie_set(const svb_request *req, request_rec *r);

#endif /* SVB_COURSE_MOD_ROUTE_COOKIE_H */
