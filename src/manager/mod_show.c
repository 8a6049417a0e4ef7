/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "manager/mod_show.h"

#include <apr_base64.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>

#include "course/mod_answer.h"
#include "manager/accept.h"
#include "manager/address.h"
#include "manager/mod_guard.h"
#include "manager/query.h"
#include "page/page.h"
#include "report/json.h"
#include "report/metrics.h"
#include "report/mod_snapshot.h"
#include "report/sink.h"

#define CSP_NONCE_BYTES 18

/* ------------------------------------------------------------ which format */

typedef struct format {
    const char *name, *type;
    apr_status_t (*write)(const svb_snapshot *snap, svb_sink *sink);
} format;

static const format formats[SVB_ACCEPTS] = {
    [SVB_ACCEPT_HTML] = {"html", SVB_PAGE_TYPE, NULL}, /* write_page(): has
                                                        * headers of its own */
    [SVB_ACCEPT_JSON] = {"json", SVB_JSON_TYPE, svb_json_snapshot},
    [SVB_ACCEPT_PROMETHEUS] = {"prometheus", SVB_METRICS_TYPE,
                               svb_metrics_snapshot},
};

static svb_accept accepted(request_rec *r)
{
    return svb_accept_read(apr_table_get(r->headers_in, "Accept"));
}

int svb_show_accepts_json(request_rec *r)
{
    return accepted(r) == SVB_ACCEPT_JSON;
}

/* The format asked for, or NULL when there is no such thing. */
static const format *asked_for(request_rec *r)
{
    const char *name = svb_query_value(r->pool, r->args, "format");

    if (name) {
        for (int i = 0; i < SVB_ACCEPTS; i++) {
            if (!strcmp(name, formats[i].name)) {
                return &formats[i];
            }
        }
        return NULL;
    }
    return &formats[accepted(r)];
}

/* ------------------------------------------------------------- the answers */

apr_status_t svb_show_to_client(void *r, const char *data, apr_size_t len)
{
    return ap_rwrite(data, (int)len, r) < 0 ? APR_ECONNABORTED : APR_SUCCESS;
}

static apr_status_t write_page(request_rec *r, const svb_snapshot *snap,
                               svb_sink *sink)
{
    unsigned char bytes[CSP_NONCE_BYTES];
    svb_place place;
    char *nonce = apr_palloc(
        r->pool, (apr_size_t)apr_base64_encode_len((int)sizeof(bytes)));

    /* Without random bytes the policy has no nonce, and forbids all. */
    *nonce = '\0';
    if (apr_generate_random_bytes(bytes, sizeof(bytes)) == APR_SUCCESS) {
        apr_base64_encode_binary(nonce, bytes, (int)sizeof(bytes));
    }
    apr_table_setn(r->err_headers_out, "Content-Security-Policy",
                   svb_page_csp(r->pool, nonce));
    svb_address_read(r->pool, r->args, &place);
    return svb_page_write(snap, &place, nonce, sink);
}

/* What the page's script asks for: JSON, but of the page. */
static int is_for_page(request_rec *r, const format *f)
{
    const char *view = svb_query_value(r->pool, r->args, "view");

    return f == &formats[SVB_ACCEPT_JSON] && view && !strcmp(view, "page");
}

static apr_status_t write_view(request_rec *r, const svb_snapshot *snap,
                               svb_sink *sink)
{
    svb_place place;

    svb_address_read(r->pool, r->args, &place);
    return svb_page_json(snap, &place, sink);
}

/* Compressed where mod_deflate is there, whether or not somebody has thought of it:
 * a page of many nodes is the same over and over. Not for other sites' pages, which
 * could have it tell by its length what it says beside what they have asked for. */
static void compress(request_rec *r)
{
    if (ap_get_output_filter_handle("DEFLATE") && svb_guard_is_of_ours(r)) {
        ap_add_output_filter("DEFLATE", NULL, r, r->connection);
    }
}

/* The history that is asked for: "hour", "week" or none. */
static void add_history(request_rec *r, svb_snapshot *snap)
{
    const char *history = svb_query_value(r->pool, r->args, "history");

    if (history && !strcmp(history, "week")) {
        svb_snapshot_add_week(r->pool, snap);
    }
    else if (history) {
        snap->history = SVB_SNAP_OF_HOUR;
    }
}

svb_snapshot *svb_show_take(request_rec *r, const svb_model *model)
{
    int actions = svb_guard_may_act(r) && svb_guard_may_offer(r);
    svb_snapshot *snap =
        svb_snapshot_take(r->pool, model, r->server->server_hostname, actions);

    if (actions) {
        snap->nonce = svb_guard_nonce(r);
    }
    add_history(r, snap);
    return snap;
}

static int knows_history(request_rec *r)
{
    const char *history = svb_query_value(r->pool, r->args, "history");

    return !history || !strcmp(history, "hour") || !strcmp(history, "week");
}

void svb_show_set_headers(request_rec *r, const char *type)
{
    ap_set_content_type(r, type);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Referrer-Policy", "same-origin");
}

int svb_show_error(request_rec *r, int status, const char *what)
{
    svb_sink sink;

    /* A body that nobody reads would be taken for the next request. */
    ap_discard_request_body(r);
    r->status = status;
    svb_show_set_headers(r, SVB_JSON_TYPE);
    svb_sink_init(&sink, svb_show_to_client, r);
    (void)svb_json_error(what, &sink);
    return OK;
}

/* Nothing is there of what was asked for: what, to who reads that format. Only
 * JSON repeats it, as only there it can stand for nothing else. */
static int answer_not_found(request_rec *r, const format *f, const char *fleet,
                            const char *node)
{
    const char *which = node ? "node" : "fleet";

    if (f != &formats[SVB_ACCEPT_JSON]) {
        return svb_answer_text(
            r, HTTP_NOT_FOUND,
            apr_pstrcat(r->pool, "There is no such ", which, ".\n", NULL));
    }
    return svb_show_error(r, HTTP_NOT_FOUND,
                          apr_pstrcat(r->pool, "There is no ", which, " \"",
                                      node ? node : fleet,
                                      node && fleet ? "\" in the fleet \"" : "",
                                      node && fleet ? fleet : "", "\".", NULL));
}

/* A fleet and a node in the page's own words are what those are of: the page that
 * asks, or tells what was done, is whole. */
static int is_whole(request_rec *r, const format *f)
{
    static const char *const words[] = {"confirm", "done", "again"};

    for (int i = 0; i < 3; i++) {
        if (svb_query_value(r->pool, r->args, words[i])) {
            return f == &formats[SVB_ACCEPT_HTML] || is_for_page(r, f);
        }
    }
    return 0;
}

int svb_show(request_rec *r, const svb_model *model)
{
    const format *f = asked_for(r);
    const char *fleet = svb_query_value(r->pool, r->args, "fleet");
    const char *node = svb_query_value(r->pool, r->args, "node");
    svb_snapshot *snap;
    svb_sink sink;

    if (!f) {
        return svb_show_error(r, HTTP_BAD_REQUEST,
                              "format= must be html, json or prometheus.");
    }
    if (!knows_history(r)) {
        return svb_show_error(r, HTTP_BAD_REQUEST,
                              "history= must be hour or week.");
    }
    snap = svb_show_take(r, model);
    if ((fleet || node) && !is_whole(r, f)) {
        snap = svb_snapshot_part(r->pool, snap, fleet, node);
        if (!snap) {
            return answer_not_found(r, f, fleet, node);
        }
    }
    svb_show_set_headers(r, f->type);
    compress(r);
    svb_sink_init(&sink, svb_show_to_client, r);
    /* That fails only when the client has gone. */
    (void)(is_for_page(r, f) ? write_view(r, snap, &sink)
           : f->write        ? f->write(snap, &sink)
                             : write_page(r, snap, &sink));
    return OK;
}
