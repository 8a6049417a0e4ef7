/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_rewind.h"

/* What a handler and its filters change. Tables are copied, and copied again
 * when put back, so that a second time finds them as the first did. */
struct svb_rewind {
    request_rec fields;
    apr_table_t *headers_in, *headers_out, *err_headers_out, *notes, *env,
        *trailers_in, *trailers_out;
};

/* Most are empty, and of most requests none is ever put back. */
static apr_table_t *copy(request_rec *r, const apr_table_t *table)
{
    return table && !apr_is_empty_table(table) ? apr_table_copy(r->pool, table)
                                               : NULL;
}

static void put_back(request_rec *r, apr_table_t **table,
                     const apr_table_t *was)
{
    if (was) {
        *table = apr_table_copy(r->pool, was);
    }
    else if (*table) {
        *table = apr_table_make(r->pool, 4);
    }
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
    put_back(r, &r->headers_in, start->headers_in);
    put_back(r, &r->headers_out, start->headers_out);
    put_back(r, &r->err_headers_out, start->err_headers_out);
    put_back(r, &r->notes, start->notes);
    put_back(r, &r->subprocess_env, start->env);
    put_back(r, &r->trailers_in, start->trailers_in);
    put_back(r, &r->trailers_out, start->trailers_out);
}
