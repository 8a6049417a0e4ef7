/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A snapshot as a page for people.
 *
 * The page says first what is wrong, then what there is. Its markup, style and script
 * are files of their own: page.html, page.css, page.js. What it shows is a view
 * (page/view.h), from which the server fills page.html's pieces; the script fetches the
 * same view as JSON every few seconds, fills the same pieces, and changes what differs.
 * Without the script everything works but that, and the page is fetched anew.
 *
 * It needs nothing from outside, no inline style attribute and no inline event handler,
 * so it works under the strict policy of svb_page_csp(): one style element and one
 * script element, both with that policy's nonce.
 *
 * The page has buttons only where the snapshot's actions is set. They post the
 * fields that svb_form_parse() reads to the page's own URL; what costs something is a
 * link to the page that asks (svb_page_confirm()).
 *
 * The nonce of the policy and the nonce of the form (in the snapshot) are two
 * things: the first must be new for every answer, the second says that a post
 * came from a page of this server.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_PAGE_PAGE_H
#define SVB_PAGE_PAGE_H

#include <apr_pools.h>

#include "page/place.h"
#include "report/sink.h"
#include "report/snapshot.h"

/** The media type of what is written here. */
#define SVB_PAGE_TYPE "text/html; charset=utf-8"

/**
 * Write the page or, where the place asks about an action that there is, the question.
 * The work is linear in the number of nodes, but for sorting them.
 * @param snap the snapshot
 * @param place where on the page, and what was asked for
 * @param csp_nonce as given to svb_page_csp() for the same answer
 * @param s where to; is flushed
 * @return what svb_sink_flush() returned
 */
apr_status_t svb_page_write(const svb_snapshot *snap, const svb_place *place,
                            const char *csp_nonce, svb_sink *s);

/**
 * Write what the page shows as JSON, for its script.
 * @param snap the snapshot
 * @param place where on the page
 * @param s where to; is flushed
 * @return what svb_sink_flush() returned
 */
apr_status_t svb_page_json(const svb_snapshot *snap, const svb_place *place,
                           svb_sink *s);

/**
 * The value of the page's Content-Security-Policy header.
 * @param p owns the result
 * @param csp_nonce at least 128 random bits in base64 (either alphabet), new
 *        for every answer. What is empty or not base64 is left out, which
 *        forbids the page's style and script rather than letting others in.
 * @return the value, never NULL. Any phase.
 */
const char *svb_page_csp(apr_pool_t *p, const char *csp_nonce);

#endif /* SVB_PAGE_PAGE_H */
