/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/page.h"

#include <string.h>

#include <apr_strings.h>

#include "page/note.h"
#include "page/overview.h"
#include "page/pieces.h"

#include "page/page.css.inc"
#include "page/page.js.inc"

apr_status_t svb_page_write(const svb_snapshot *snap, const svb_place *place,
                            const char *csp_nonce, svb_sink *s)
{
    svb_view *v = svb_view_make(snap->p, snap->time);
    int asks;

    svb_view_text(v, "csp", csp_nonce);
    svb_overview_head(v, snap, place);
    asks = place->confirm && svb_note_ask(v, snap, place);
    if (!asks) {
        svb_overview_add(v, snap, place);
    }
    svb_pieces_fill(s, "head", v);
    svb_sink_raw(s, EMBED_PAGE_CSS);
    svb_pieces_fill(s, "body", v);
    svb_pieces_fill(s, asks ? "confirm" : "main", v);
    if (!asks) {
        svb_pieces_fill(s, "pieces", v);
        svb_pieces_raw(s, "fields");
        svb_pieces_fill(s, "script", v);
        svb_sink_raw(s, EMBED_PAGE_JS);
        svb_pieces_fill(s, "foot", v);
    }
    else {
        svb_sink_raw(s, "</body>\n</html>\n");
    }
    return svb_sink_flush(s);
}

apr_status_t svb_page_json(const svb_snapshot *snap, const svb_place *place,
                           svb_sink *s)
{
    svb_view *v = svb_view_make(snap->p, snap->time);

    svb_overview_head(v, snap, place);
    svb_overview_add(v, snap, place);
    svb_view_json(s, v);
    svb_sink_raw(s, "\n");
    return svb_sink_flush(s);
}

const char *svb_page_csp(apr_pool_t *p, const char *csp_nonce)
{
    static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/-_=";
    const char *source = "'none'";

    if (csp_nonce && *csp_nonce
        && csp_nonce[strspn(csp_nonce, base64)] == '\0') {
        source = apr_pstrcat(p, "'nonce-", csp_nonce, "'", NULL);
    }
    return apr_pstrcat(p, "default-src 'none'; style-src ", source,
                       "; script-src ", source,
                       "; img-src data:; form-action 'self'; "
                       "frame-ancestors 'none'; base-uri 'none'; "
                       "connect-src 'self'",
                       NULL);
}
