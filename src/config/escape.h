/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Percent escapes: reading one, and writing text with all escaped that may not
 * stand where it goes.
 *
 * Pure: no state, no locks; usable from any thread in any phase, with a pool of
 * the caller's own.
 */
#ifndef SVB_CONFIG_ESCAPE_H
#define SVB_CONFIG_ESCAPE_H

#include <apr_pools.h>

#define SVB_ESCAPE_ALNUM                                                       \
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/** What means itself wherever in a URL it stands. */
#define SVB_ESCAPE_PLAIN SVB_ESCAPE_ALNUM "-._~"

/** What may stand unescaped in the path of a URL, as java.net.URI (the strictest
 *  reader among our clients) sees it: '/' too, '%' itself not. */
#define SVB_ESCAPE_PATH SVB_ESCAPE_ALNUM "-_.!~*'():@&=+$,;/"

/** How long an escape is, in bytes. */
#define SVB_ESCAPE_LEN 3

/**
 * The byte that a percent escape stands for.
 *
 * @param s NUL-terminated text
 * @return 0 to 255 when it begins with "%XX", else -1
 */
int svb_escape_read(const char *s);

/**
 * Escape, with upper-case digits, all bytes of a text but some.
 *
 * @param p             for the result
 * @param text          the text
 * @param kept          the bytes that stay what they are
 * @param keeps_escapes whether the '%' of what is an escape already stays, too
 * @return the text, escaped
 */
const char *svb_escape_text(apr_pool_t *p, const char *text, const char *kept,
                            int keeps_escapes);

#endif /* SVB_CONFIG_ESCAPE_H */
