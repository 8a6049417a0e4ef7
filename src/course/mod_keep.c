/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_keep.h"

#include "memory/clients.h"
#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "memory/rows.h"

static void release(svb_request *req)
{
    svb_rows_release(svb_segments_rows(), svb_segments_row(), req->place);
    req->place = -1;
}

void svb_keep_hold(svb_request *req)
{
    const svb_held held = {.id = req->pending ? req->pending : req->client,
                           .node = svb_request_node(req),
                           .is_window = req->is_window,
                           .since = req->held_since};

    release(req);
    if (held.id && held.node >= 0) {
        req->place =
            svb_rows_hold(svb_segments_rows(), svb_segments_row(), &held);
    }
}

void svb_keep_see(svb_request *req, apr_uint64_t id, apr_time_t now)
{
    if (apr_time_sec(now) != apr_time_sec(req->seen)) {
        svb_clients_touch(svb_segments_clients(), id, now);
        req->seen = now;
    }
}

void svb_keep_end_pending(svb_request *req)
{
    svb_clients_remember(svb_segments_clients(), req->pending, apr_time_now());
    req->pending = 0;
}

void svb_keep_end(svb_request *req)
{
    release(req);
    if (req->pending) {
        svb_keep_end_pending(req);
    }
    else if (req->client && req->is_window) {
        svb_clients_window_seen(req->client, svb_request_node(req),
                                req->held_since, apr_time_now());
        req->is_window = 0;
    }
    else if (req->client) {
        svb_keep_see(req, req->client, apr_time_now());
    }
}
