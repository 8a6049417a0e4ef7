/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "mod_svb_answer.h"

#include <apr_strings.h>
#include <http_protocol.h>

int svb_answer_text(request_rec *r, int status, const char *text)
{
    /* A body that nobody reads would be taken for the next request. */
    ap_discard_request_body(r);
    r->status = status;
    ap_set_content_type(r, "text/plain; charset=utf-8");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    ap_rputs(text, r);
    return OK;
}

int svb_answer_not_allowed(request_rec *r, const char *allow)
{
    apr_table_setn(r->headers_out, "Allow", allow);
    return svb_answer_text(
        r, HTTP_METHOD_NOT_ALLOWED,
        apr_psprintf(r->pool, "%s is not allowed here, only %s.\n",
                     ap_method_name_of(r->pool, r->method_number), allow));
}
