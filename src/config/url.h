/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * The direct URL of a node, at which clients reach it without the balancer,
 * and the template it is made from.
 *
 *     scheme://host[:port][/prefix]
 *
 * scheme is http or https; host a name, an IPv4 address or an IPv6 address in
 * brackets; prefix a path. In host and prefix a template may hold %h (the
 * member's host) and %r (its route): `https://%r.example.com:8443/%h`. The two
 * cannot be mistaken for percent escapes, since h and r are not hex digits;
 * escapes (%20) are allowed in the prefix and copied as they are.
 *
 * Invariants of a direct URL, that is of what svb_url_expand() makes:
 *  - its authority is a host and perhaps a port, with no userinfo, and is what
 *    every URL parser takes it for: no byte of it is special to any of them;
 *  - it has no query, no fragment, no empty or dot segment, no trailing '/',
 *    so that a path can be appended as it is;
 *  - every byte of it is printable ASCII that java.net.URI accepts.
 *
 * Pure: no state, no locks; usable from any thread in any
 * phase, with a pool of the caller's own. Error texts complete a sentence that
 * begins with the URL or the directive ("url=x: must be ..."), are allocated
 * from that pool or static, and hold no byte that could break a log line.
 */

#ifndef SVB_CONFIG_URL_H
#define SVB_CONFIG_URL_H

#include <apr.h>
#include <apr_pools.h>

/**
 * Check a template.
 *
 * @param p    for the error text
 * @param tmpl the template, or NULL (which is an error)
 * @return NULL when it is good, else what is wrong and what is allowed
 */
const char *svb_url_check(apr_pool_t *p, const char *tmpl);

/**
 * Check a direct URL: as svb_url_check(), and it holds no placeholder.
 *
 * @param p   for the error text
 * @param url the URL, or NULL (which is an error)
 * @return NULL when it is good, else what is wrong and what is allowed
 */
const char *svb_url_check_expanded(apr_pool_t *p, const char *url);

/**
 * Make a direct URL from a template. Scheme and host become lower case; an
 * IPv6 address gets brackets unless it has some; a trailing '/' goes. In the
 * prefix, host and route are percent-encoded where needed. The result is
 * checked again, so a host or route that does not fit its place is an error.
 *
 * @param p     for the URL and for error texts
 * @param tmpl  the template
 * @param host  the member's host; may be NULL when the template has no %h
 * @param route the member's route; may be NULL when the template has no %r
 * @param url   set on success only
 * @return NULL on success, else what is wrong
 */
const char *svb_url_expand(apr_pool_t *p, const char *tmpl, const char *host,
                           const char *route, const char **url);

/**
 * Is this an https URL?
 *
 * @param url a template or a direct URL
 * @return 1 when its scheme is https (in any case), else 0
 */
int svb_url_is_https(const char *url);

#endif /* SVB_CONFIG_URL_H */
