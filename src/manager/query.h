/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Names and values as URLs and forms carry them: "fleet=servoy&node=a%26b", which
 * is application/x-www-form-urlencoded. Nothing is guessed or repaired: what comes
 * out is valid UTF-8 without control characters.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_MANAGER_QUERY_H
#define SVB_MANAGER_QUERY_H

#include <apr_pools.h>

/** Some bytes of somebody else's. */
typedef struct svb_query_bytes {
    const char *data; /* not NUL-terminated; NULL: not even empty */
    apr_size_t len;
} svb_query_bytes;

/**
 * Take the next pair. As browsers do, "a=1&&b=2&" is two pairs.
 * @param left what is left of the query; is shortened
 * @param name is set to the name, still encoded
 * @param value is set to the value, still encoded; its data is NULL where there is
 *        no '='
 * @return 0 when no pair is left
 */
int svb_query_next(svb_query_bytes *left, svb_query_bytes *name,
                   svb_query_bytes *value);

/**
 * Undo '+' and %-escapes.
 * @param p owns the text
 * @param raw the bytes, as svb_query_next() sets them
 * @param text is set to what they stand for; of no use unless NULL is returned
 * @return NULL, or what is wrong with them as the end of a sentence that begins
 *         with what they are: "is not valid UTF-8"
 */
const char *svb_query_decode(apr_pool_t *p, svb_query_bytes raw,
                             const char **text);

/**
 * Find a value by name.
 * @param p owns the value
 * @param query the query, or NULL
 * @param name the name, as it is when decoded
 * @return the first value of that name, "" where it is not well-formed, NULL where
 *         there is none: a name without '=' has none
 */
const char *svb_query_value(apr_pool_t *p, const char *query, const char *name);

#endif /* SVB_MANAGER_QUERY_H */
