/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "manager/mod_show.h"

#include <apr_base64.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>

#include "course/mod_answer.h"
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

static const format formats[] = {
    {"html", SVB_PAGE_TYPE, NULL}, /* write_page(): has headers of its own */
    {"json", SVB_JSON_TYPE, svb_json_snapshot},
    {"prometheus", SVB_METRICS_TYPE, svb_metrics_snapshot},
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

int svb_show_accepts_json(request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");

    return accept && ap_strcasestr(accept, "application/json")
           && !ap_strcasestr(accept, "text/html");
}

/* The format asked for, or NULL when there is no such thing. */
static const format *asked_for(request_rec *r)
{
    const char *name = svb_query_value(r->pool, r->args, "format");

    if (name) {
        for (apr_size_t i = 0; i < FORMATS; i++) {
            if (!strcmp(name, formats[i].name)) {
                return &formats[i];
            }
        }
        return NULL;
    }
    return svb_show_accepts_json(r) ? &formats[1] : &formats[0];
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
    char *nonce = apr_palloc(
        r->pool, (apr_size_t)apr_base64_encode_len((int)sizeof(bytes)));

    /* Without random bytes the policy has no nonce, and forbids all. */
    *nonce = '\0';
    if (apr_generate_random_bytes(bytes, sizeof(bytes)) == APR_SUCCESS) {
        apr_base64_encode_binary(nonce, bytes, (int)sizeof(bytes));
    }
    apr_table_setn(r->err_headers_out, "Content-Security-Policy",
                   svb_page_csp(r->pool, nonce));
    return svb_page_snapshot(snap, nonce, sink);
}

svb_snapshot *svb_show_take(request_rec *r, const svb_model *model)
{
    int actions = svb_guard_may_act(r) && svb_guard_may_offer(r);
    svb_snapshot *snap =
        svb_snapshot_take(r->pool, model, r->server->server_hostname, actions);

    if (actions) {
        snap->nonce = svb_guard_nonce(r);
    }
    return snap;
}

void svb_show_set_headers(request_rec *r, const char *type)
{
    ap_set_content_type(r, type);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Referrer-Policy", "same-origin");
}

int svb_show(request_rec *r, const svb_model *model)
{
    const format *f = asked_for(r);
    svb_sink sink;

    if (!f) {
        return svb_answer_text(r, HTTP_BAD_REQUEST,
                               "format= must be html, json or prometheus.\n");
    }
    svb_show_set_headers(r, f->type);
    svb_sink_init(&sink, svb_show_to_client, r);
    /* That fails only when the client has gone. */
    (void)(f->write ? f->write(svb_show_take(r, model), &sink)
                    : write_page(r, svb_show_take(r, model), &sink));
    return OK;
}
