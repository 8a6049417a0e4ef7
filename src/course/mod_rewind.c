/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_rewind.h"

/* What a handler and its filters change. Tables are copied, and copied again
 * when put back, so that a second time finds them as the first did. */
struct svb_rewind {
    request_rec fields;
    apr_table_t *headers_in, *headers_out, *err_headers_out, *notes, *env,
        *trailers_in, *trailers_out;
};

static apr_table_t *copy(request_rec *r, const apr_table_t *table)
{
    return table ? apr_table_copy(r->pool, table) : NULL;
}

svb_rewind *svb_rewind_save(request_rec *r)
{
    svb_rewind *start = apr_palloc(r->pool, sizeof(*start));

    start->fields = *r;
    start->headers_in = copy(r, r->headers_in);
    start->headers_out = copy(r, r->headers_out);
    start->err_headers_out = copy(r, r->err_headers_out);
    start->notes = copy(r, r->notes);
    start->env = copy(r, r->subprocess_env);
    start->trailers_in = copy(r, r->trailers_in);
    start->trailers_out = copy(r, r->trailers_out);
    return start;
}

void svb_rewind_to(request_rec *r, const svb_rewind *start)
{
    const request_rec *was = &start->fields;

    r->filename = was->filename;
    r->handler = was->handler;
    r->proxyreq = was->proxyreq;
    r->args = was->args;
    r->path_info = was->path_info;
    r->status = was->status;
    r->status_line = was->status_line;
    r->content_type = was->content_type;
    r->content_encoding = was->content_encoding;
    r->content_languages = was->content_languages;
    r->vlist_validator = was->vlist_validator;
    r->clength = was->clength;
    r->chunked = was->chunked;
    r->sent_bodyct = was->sent_bodyct;
    r->mtime = was->mtime;
    r->no_cache = was->no_cache;
    r->no_local_copy = was->no_local_copy;
    r->eos_sent = was->eos_sent;
    r->headers_in = copy(r, start->headers_in);
    r->headers_out = copy(r, start->headers_out);
    r->err_headers_out = copy(r, start->err_headers_out);
    r->notes = copy(r, start->notes);
    r->subprocess_env = copy(r, start->env);
    r->trailers_in = copy(r, start->trailers_in);
    r->trailers_out = copy(r, start->trailers_out);
}
