/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The front end, as its clients know it: the URL at which they reach it, and
 * whether a host is one that they know it by.
 *
 * A request can say anything of the host it was sent to. Its word is taken only
 * where that is a name that the virtual host was given (ServerName, ServerAlias)
 * and UseCanonicalName does not say otherwise; then its port is taken as well,
 * for only the client knows by which port it came if there is a translation on
 * the way. Else ServerName it is, with ServerName's port or the one that the
 * connection came to. Headers like X-Forwarded-Host play no part.
 *
 * For a request's own thread, once its headers have been read; no locks.
 */
#ifndef SVB_LAUNCH_MOD_FRONT_H
#define SVB_LAUNCH_MOD_FRONT_H

#include "mod_log.h"

/** @return scheme://host[:port], from the request's pool, without a port that
 *          the scheme implies */
const char *svb_front_url(request_rec *r);

/**
 * Is a host the front end's, or one that the request has said it is? A node
 * makes its URLs of what the request says.
 * @param host in lower case, without port and brackets
 */
int svb_front_is_meant(request_rec *r, const char *host);

/**
 * Is it a name that the virtual host was given, by ServerName or ServerAlias, as httpd
 * compares them? A ServerAlias of wildcards alone ("*") takes every host, but names none.
 * Any thread.
 * @param host without port and brackets
 */
int svb_front_is_own_name(const server_rec *s, const char *host);

#endif /* SVB_LAUNCH_MOD_FRONT_H */
