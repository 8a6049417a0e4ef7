/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Session ids: in a Cookie header, in a path, in a Set-Cookie header, and the
 * route suffix of one.
 *
 * A session id is opaque text that a node issued, usually `TEXT.ROUTE`, where
 * ROUTE is the node's jvmRoute. A client may send several (stale cookies of
 * another path, several cookie names, cookie and path parameter at once), so
 * the result is a list in the order of preference: cookies as they stand in
 * the header, then path parameters as they stand in the path.
 *
 * Invariants:
 *  - an id points into the text it was read from and is never longer than it;
 *    it is not NUL-terminated, and lives as long as that text;
 *  - no id of a list is empty, no two ids of a list have the same text;
 *  - the work is linear in the length of the text (times the number of
 *    configured names, and of ids up to SVB_SESSION_IDS_MAX).
 *
 * An id is a credential: never log one whole.
 *
 * Pure: no allocation, no state, no locks; usable from any thread in any phase.
 */

#ifndef SVB_CHOICE_SESSION_H
#define SVB_CHOICE_SESSION_H

#include <apr.h>
#include <apr_tables.h>
#include <apr_time.h>

/** Ids kept of one request; whatever a client sends beyond is ignored. */
#define SVB_SESSION_IDS_MAX 64

/** Longest route mod_proxy can hold (its field has 64 bytes). */
#define SVB_ROUTE_MAX 63

/** What a launch cookie's id is before its dot: lower-case hex digits. */
#define SVB_SESSION_LAUNCH_LEN ((apr_size_t)16)

/** One session id. */
typedef struct svb_session_id {
    /** the id, without quotes; not NUL-terminated */
    const char *id;
    /** its length in bytes */
    apr_size_t len;
    /** the configured name it came under: the pointer from the names array */
    const char *name;
    /** 1: a path parameter, 0: a cookie */
    int from_path;
} svb_session_id;

/** The ids of one request, best first. */
typedef struct svb_session_ids {
    int n;
    svb_session_id ids[SVB_SESSION_IDS_MAX];
} svb_session_ids;

/**
 * Read the ids of a Cookie header. Starts a new list: whatever @a out held is
 * dropped, so it needs no initialisation.
 *
 * Pairs are separated by ';' or ',' (httpd joins repeated headers with ", ").
 * A value in double quotes loses them and may contain separators; a quote that
 * is not closed, or not followed by a separator, is an ordinary character, so
 * that one broken cookie does not swallow those after it.
 *
 * @param out    the list, filled
 * @param cookie the header's value, or NULL when there is none
 * @param names  array of const char *: cookie names, compared with case
 */
void svb_session_from_cookie(svb_session_ids *out, const char *cookie,
                             const apr_array_header_t *names);

/**
 * Take a cookie out of a Cookie header, all of that name; the others stay as they
 * stand, but for separators and blanks around the whole.
 *
 * @param cookie the header's value, changed in place
 * @param name   the cookie's, compared with case
 * @return 1 when there was one
 */
int svb_session_strip(char *cookie, const char *name);

/**
 * Append the ids that stand in a path as parameter of any segment,
 * `;jsessionid=VALUE`. A value ends at ';', '/', '?', '#' or the end; reading
 * stops at '?' and '#', so a query is never looked at.
 *
 * @param out   the list as svb_session_from_cookie() left it; appended to
 * @param path  the path (origin form: it begins with '/'), or NULL
 * @param names array of const char *: parameter names, compared without case
 */
void svb_session_from_path(svb_session_ids *out, const char *path,
                           const apr_array_header_t *names);

/**
 * Iterate over what may be the route of an id, longest first: the text after
 * the first dot, after the second, and so on. Candidates that are empty or
 * longer than SVB_ROUTE_MAX are passed over. For "ab.eu.s1": "eu.s1", "s1".
 *
 * @param id    the id
 * @param pos   the iterator's place; set to 0 before the first call
 * @param route set to the candidate (within the id, not NUL-terminated)
 * @param len   set to its length, 1 to SVB_ROUTE_MAX
 * @return 1 with a candidate, 0 when there are no more (outputs untouched)
 */
int svb_session_next_route(const svb_session_id *id, apr_size_t *pos,
                           const char **route, apr_size_t *len);

/**
 * Length of an id without ".route".
 *
 * @param id        the id
 * @param route_len length of its route as svb_session_next_route() gave it
 * @return that length; the id's whole length when it has no dot at that place
 */
apr_size_t svb_session_base_len(const svb_session_id *id, apr_size_t route_len);

/**
 * Is it, by its looks, an id that the launch cookie was given: hex digits, a
 * dot, a route? (The cookie comes from outside: it may be anybody's making.)
 *
 * @param id the id, as svb_session_from_cookie() gave it
 * @return 1 when it is SVB_SESSION_LAUNCH_LEN of [0-9a-f], '.', and 1 to
 *         SVB_ROUTE_MAX bytes; else 0
 */
int svb_session_is_launch(const svb_session_id *id);

/**
 * Read one Set-Cookie header.
 *
 * @param set_cookie the header's value (one cookie), or NULL
 * @param names      array of const char *: cookie names, compared with case
 * @param now        the present time
 * @param out        filled when 1 is returned; its length may be 0 here
 * @param expired    set when 1 is returned: 1 when the client is told to drop
 *                   the cookie: empty value, or Max-Age of 0 or less, or
 *                   (without a valid Max-Age) Expires not later than @a now.
 *                   Max-Age or Expires that cannot be read count as absent; of
 *                   repeated attributes the last readable one counts (RFC 6265)
 * @return 1 when the cookie is one of @a names, else 0
 */
int svb_session_from_set_cookie(const char *set_cookie,
                                const apr_array_header_t *names, apr_time_t now,
                                svb_session_id *out, int *expired);

#endif /* SVB_CHOICE_SESSION_H */
