/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * A Smart Client's JNLP: reading its root element, and the same text with other
 * values for two of the root's attributes.
 *
 *     <jnlp spec="1.0+" codebase="http://node:8080" href="servoy-client/crm.jnlp">
 *           where the client loads from and talks to --^     ^-- where it can be
 *           had again: what shortcuts name and updates are looked for
 *
 * The places are found by expat, which reads the whole text, so that what is no
 * well-formed XML is never touched. They are then replaced in the text itself:
 * every byte outside of the two values stays what it was, encoding, byte order
 * mark, DOCTYPE, comments, references, white space and quotes included. An
 * attribute that is not there is put right after the root's name.
 *
 * Encodings: UTF-8, UTF-16 of either order, and those in which every byte below
 * 0x80 is ASCII and nothing else (US-ASCII, iso-8859-*, windows-125*, koi8-*).
 * Others are refused. So is one that declares an entity or hundreds of
 * attributes, or has a value of more than 8 KiB: the time and memory that
 * reading takes are bounded by the length of the text. No external entity is
 * read, whatever a DOCTYPE says.
 *
 * Pure: no state, no locks; usable from any thread in any phase, with a pool of
 * the caller's own. Results are allocated from that pool or point into the text,
 * which must outlive them.
 */

#ifndef SVB_LAUNCH_JNLP_H
#define SVB_LAUNCH_JNLP_H

#include <apr.h>
#include <apr_pools.h>

/** A JNLP that was read. */
typedef struct svb_jnlp svb_jnlp;

/**
 * Read a JNLP.
 *
 * @param p    for the result and for error texts
 * @param text the whole document; need not end with a NUL
 * @param len  its length in bytes
 * @param jnlp set on success only
 * @return NULL on success, else why it cannot be rewritten: a text that
 *         completes "the JNLP ..." and holds no byte that could break a log line
 */
const char *svb_jnlp_read(apr_pool_t *p, const char *text, apr_size_t len,
                          const svb_jnlp **jnlp);

/** @return the root's attribute as a reader takes it, in UTF-8 and with
 *          references resolved, or as a DOCTYPE defaults it; NULL: none. Of
 *          iso-8859-2 and up, windows-125* and koi8-* only the ASCII characters
 *          are known; others come as some CJK ideograph */
const char *svb_jnlp_codebase(const svb_jnlp *jnlp);
const char *svb_jnlp_href(const svb_jnlp *jnlp);

/**
 * Write the JNLP with other values.
 *
 * Both attributes are in the result, whether or not they were in the old text.
 *
 * @param p        for the result
 * @param jnlp     as it was read
 * @param codebase URL, of printable ASCII; '&', '<' and quotes are escaped
 * @param href     likewise
 * @param len      set to the length of the result in bytes
 * @return the new text, in the encoding of the old one
 */
const char *svb_jnlp_write(apr_pool_t *p, const svb_jnlp *jnlp,
                           const char *codebase, const char *href,
                           apr_size_t *len);

#endif /* SVB_LAUNCH_JNLP_H */
