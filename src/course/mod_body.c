/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_body.h"

#include <http_protocol.h>
#include <util_filter.h>

#include "choice/mod_request.h"

static ap_filter_rec_t *keep_filter;

struct svb_body {
    apr_bucket_brigade *kept;   /* what was read so far */
    apr_bucket_brigade *replay; /* what of it is still to be read again */
    apr_off_t len;
    int is_lost; /* too long, or nobody's who may begin a client */
    int has_ended;
};

static void lose(svb_body *body)
{
    body->is_lost = 1;
    apr_brigade_cleanup(body->kept);
}

/* The decision has been made by the time that a node reads the body. */
static int is_wanted(request_rec *r)
{
    const svb_request *req = svb_request_get(r);

    return req && svb_request_is_unbound(req);
}

static apr_status_t keep_bucket(svb_body *body, apr_bucket *b)
{
    const char *data;
    apr_size_t len;
    apr_status_t rv = apr_bucket_read(b, &data, &len, APR_BLOCK_READ);

    if (rv == APR_SUCCESS) {
        body->len += (apr_off_t)len;
        rv = body->len > SVB_BODY_MAX
                 ? APR_ENOSPC
                 : apr_brigade_write(body->kept, NULL, NULL, data, len);
    }
    return rv;
}

/* What cannot be kept is passed on all the same. */
static void keep(svb_body *body, apr_bucket_brigade *bb)
{
    for (apr_bucket *b = APR_BRIGADE_FIRST(bb);
         b != APR_BRIGADE_SENTINEL(bb) && !body->is_lost;
         b = APR_BUCKET_NEXT(b)) {
        if (APR_BUCKET_IS_EOS(b)) {
            body->has_ended = 1;
        }
        else if (!APR_BUCKET_IS_METADATA(b)
                 && keep_bucket(body, b) != APR_SUCCESS) {
            lose(body);
        }
    }
}

/* Hand out the next part of what was read before, and its end with the last. */
static apr_status_t read_again(svb_body *body, apr_bucket_brigade *bb,
                               apr_off_t most)
{
    apr_bucket *after;
    apr_status_t rv = apr_brigade_partition(body->replay, most, &after);

    if (rv != APR_SUCCESS && rv != APR_INCOMPLETE) {
        return rv;
    }
    while (!APR_BRIGADE_EMPTY(body->replay)
           && APR_BRIGADE_FIRST(body->replay) != after) {
        apr_bucket *b = APR_BRIGADE_FIRST(body->replay);

        APR_BUCKET_REMOVE(b);
        APR_BRIGADE_INSERT_TAIL(bb, b);
    }
    return APR_SUCCESS;
}

static apr_status_t on_read(ap_filter_t *f, apr_bucket_brigade *bb,
                            ap_input_mode_t mode, apr_read_type_e block,
                            apr_off_t most)
{
    svb_body *body = f->ctx;
    apr_status_t rv;

    if (mode == AP_MODE_READBYTES && !APR_BRIGADE_EMPTY(body->replay)) {
        return read_again(body, bb, most);
    }
    rv = ap_get_brigade(f->next, bb, mode, block, most);
    if (rv == APR_SUCCESS && !body->is_lost) {
        if (mode == AP_MODE_READBYTES && is_wanted(f->r)) {
            keep(body, bb);
        }
        else {
            lose(body);
        }
    }
    return rv;
}

svb_body *svb_body_watch(request_rec *r)
{
    svb_body *body = apr_pcalloc(r->pool, sizeof(*body));

    body->kept = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    body->replay = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    ap_add_input_filter_handle(keep_filter, body, r, r->connection);
    return body;
}

int svb_body_is_kept(const svb_body *body)
{
    return !body->is_lost;
}

void svb_body_rewind(svb_body *body)
{
    apr_brigade_cleanup(body->replay);
    for (apr_bucket *b = APR_BRIGADE_FIRST(body->kept);
         b != APR_BRIGADE_SENTINEL(body->kept); b = APR_BUCKET_NEXT(b)) {
        apr_bucket *copy;

        if (apr_bucket_copy(b, &copy) == APR_SUCCESS) {
            APR_BRIGADE_INSERT_TAIL(body->replay, copy);
        }
    }
    if (body->has_ended) {
        APR_BRIGADE_INSERT_TAIL(
            body->replay, apr_bucket_eos_create(body->replay->bucket_alloc));
    }
}

void svb_body_register(apr_pool_t *p)
{
    (void)p;
    keep_filter = ap_register_input_filter("SERVOY_BODY", on_read, NULL,
                                           AP_FTYPE_RESOURCE);
}
