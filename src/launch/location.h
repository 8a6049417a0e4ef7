/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Where a launch is sent: the Location of its redirect.
 *
 *     Location = direct URL of the node      (configured, see config/url.h)
 *              + path as the node would see it, as the client encoded it
 *              + "?" and the query, if any
 *
 * Invariants:
 *  - No outside byte makes Location name another host. The direct URL ends
 *    with its authority (or with a prefix, which begins with '/'); what follows
 *    at once is the '/' of the path, which ends the authority for every URL
 *    parser. So "//evil", "@evil", ":80@evil" or "/..;/" in path or query are
 *    nothing but path or query. A backslash, which browsers take for '/', is
 *    percent-encoded and in any case stands behind that '/'.
 *  - Location is one header line: control characters are refused, and it is
 *    made of bytes that java.net.URI accepts, which is the strictest reader
 *    among launchers. An encoded CR LF ("%0d%0a") is passed as it is: it stays
 *    encoded.
 *  - What the client encoded acceptably arrives byte for byte.
 *
 * Pure: no state, no locks; usable from any thread in any phase, with a pool of
 * the caller's own. Results are allocated from that pool or are part of the
 * arguments.
 */

#ifndef SVB_LAUNCH_LOCATION_H
#define SVB_LAUNCH_LOCATION_H

#include <apr.h>
#include <apr_pools.h>

/**
 * The path that ServoyLaunchMatch is matched against: without the ";params" of
 * its segments, as a Tomcat sees it ("/a;x/b.jnlp;jsessionid=1" gives
 * "/a/b.jnlp").
 *
 * @param p    for the result
 * @param path the decoded path as the node would see it
 * @return the path, possibly @a path itself
 */
const char *svb_location_match_path(apr_pool_t *p, const char *path);

/**
 * The client's own encoding of the path as the node would see it: the shortest
 * suffix of the request target's path that begins with '/' and decodes to that
 * path. (A suffix, since ProxyPass may have taken off a prefix: "/app/%61%20b"
 * with node path "/a b" gives "/%61%20b".)
 *
 * httpd may have left an escape as it is, as with AllowEncodedSlashes NoDecode:
 * so an escape matches what it stands for or, where that does not match, itself
 * (without regard to the case of its digits). Since an escape that does both is
 * one of a digit ("%30", which ends in the "0" it stands for), and httpd leaves
 * none of these, there is nothing to try twice: the comparison is one walk from
 * the ends of both, linear in their lengths.
 *
 * @param p         for the result
 * @param raw_uri   the request target as the client sent it: "/path?query" or
 *                  "http://any.host/path?query" (whose host plays no part)
 * @param node_path the decoded path the node would see, after all mapping
 * @return the raw path (no query), or NULL when there is no such suffix (the
 *         path was rewritten or normalised), or the target's path has an
 *         invalid escape or %00, or one of the arguments is NULL. Then the
 *         caller encodes node_path itself
 */
const char *svb_location_raw_path(apr_pool_t *p, const char *raw_uri,
                                  const char *node_path);

/**
 * Path and query of a request target, as the client sent them.
 *
 * @param p       for the results
 * @param raw_uri the request target: "/path?query" or
 *                "http://any.host/path?query" (whose host plays no part)
 * @param path    set to the path, which begins with '/'
 * @param query   set to the query without its '?', or NULL for none
 * @return 1, or 0 when it has no path ("*", "http://any.host") or is NULL
 */
int svb_location_target(apr_pool_t *p, const char *raw_uri, const char **path,
                        const char **query);

/**
 * A query with everything percent-encoded that svb_location_make() encodes:
 * for a node's HTTP connector, which refuses what is not.
 *
 * @param p     for the result
 * @param query the query, without its '?'
 * @return the query, encoded
 */
const char *svb_location_query(apr_pool_t *p, const char *query);

/**
 * Make the Location of a launch, or the href of its JNLP.
 *
 * Percent-encoded in path and query: whatever java.net.URI refuses, that is
 * blanks, `"<>\^` and backquote, `{|}`, '#', bytes from 0x80 on, a '%' that is
 * not followed by two hexadecimal digits ("%25"), and in the path also '[',
 * ']' and '?'. Everything else stays as it is.
 *
 * @param p            for the result and for error texts
 * @param direct_url   the node's direct URL, as svb_url_expand() makes it, or
 *                     the front end's own
 * @param encoded_path the path, encoded; begins with '/'
 * @param query        the query without its '?', or NULL for none; an empty one
 *                     keeps its '?'
 * @param location     set on success only
 * @return NULL on success, else why not: not a direct URL, the path does not
 *         begin with '/', or a control character in path or query
 */
const char *svb_location_make(apr_pool_t *p, const char *direct_url,
                              const char *encoded_path, const char *query,
                              const char **location);

/** The same for a direct URL that svb_url_expand() has made, which is a good one. */
const char *svb_location_join(apr_pool_t *p, const char *direct_url,
                              const char *encoded_path, const char *query,
                              const char **location);

#endif /* SVB_LAUNCH_LOCATION_H */
