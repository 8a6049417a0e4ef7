/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "mod_svb_manager.h"

#include <apr_base64.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>

#include "mod_svb_answer.h"
#include "mod_svb_view.h"
#include "svb_html.h"
#include "svb_json.h"
#include "svb_metrics.h"

#define CSP_NONCE_BYTES 18

static const svb_model *model;

void svb_manager_use(const svb_model *m)
{
    model = m;
}

/* ------------------------------------------------------------ which format */

typedef struct {
    const char *name, *type;
    apr_status_t (*write)(request_rec *r, const svb_snapshot *snap,
                          svb_sink *sink);
} format;

static apr_status_t write_html(request_rec *r, const svb_snapshot *snap,
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
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   svb_html_csp(r->pool, nonce));
    return svb_html_page(snap, nonce, sink);
}

static apr_status_t write_json(request_rec *r, const svb_snapshot *snap,
                               svb_sink *sink)
{
    (void)r;
    return svb_json_snapshot(snap, sink);
}

static apr_status_t write_metrics(request_rec *r, const svb_snapshot *snap,
                                  svb_sink *sink)
{
    (void)r;
    return svb_metrics_snapshot(snap, sink);
}

static const format formats[] = {
    {"html", SVB_HTML_TYPE, write_html},
    {"json", SVB_JSON_TYPE, write_json},
    {"prometheus", SVB_METRICS_TYPE, write_metrics},
};

#define FORMATS (sizeof(formats) / sizeof(formats[0]))

static int accepts_json(request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");

    return accept && ap_strcasestr(accept, "application/json")
           && !ap_strcasestr(accept, "text/html");
}

/* The format asked for, or NULL when there is no such thing. */
static const format *asked_for(request_rec *r)
{
    const char *query = r->args ? r->args : "", *pair;
    apr_size_t i;

    while (*query) {
        pair = ap_getword(r->pool, &query, '&');
        if (strncmp(pair, "format=", 7)) {
            continue;
        }
        for (i = 0; i < FORMATS; i++) {
            if (!strcmp(pair + 7, formats[i].name)) {
                return &formats[i];
            }
        }
        return NULL;
    }
    return accepts_json(r) ? &formats[1] : &formats[0];
}

/* ------------------------------------------------------------- the answers */

static apr_status_t to_client(void *r, const char *data, apr_size_t len)
{
    return ap_rwrite(data, (int)len, r) < 0 ? APR_ECONNABORTED : APR_SUCCESS;
}

static int show(request_rec *r)
{
    const format *f = asked_for(r);
    svb_sink sink;

    if (!f) {
        return svb_answer_text(r, HTTP_BAD_REQUEST,
                               "format= must be html, json or prometheus.\n");
    }
    ap_set_content_type(r, f->type);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Referrer-Policy", "same-origin");
    svb_sink_init(&sink, to_client, r);
    /* That fails only when the client has gone. */
    (void)f->write(
        r, svb_view_take(r->pool, model, r->server->server_hostname, 0), &sink);
    return OK;
}

static int act(request_rec *r)
{
    int rc = ap_discard_request_body(r);

    return rc != OK ? rc
                    : svb_answer_text(r, HTTP_FORBIDDEN,
                                      "The manager is read-only here.\n");
}

static int handler(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, SVB_MANAGER_HANDLER)) {
        return DECLINED;
    }
    if (!model) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    switch (r->method_number) {
    case M_GET:
        return show(r);
    case M_POST:
        return act(r);
    default:
        return svb_answer_not_allowed(r, "GET, HEAD, POST");
    }
}

/* -------------------------------------------------------- never to be proxied */

/* The walk through the <Location>s comes before the translation of the name,
 * in which ProxyPass takes what it wants; mod_proxy leaves alone what has the
 * variable no-proxy. */
static int keep_from_proxy(request_rec *r)
{
    const core_dir_config *dir = ap_get_core_module_config(r->per_dir_config);

    if (dir->handler && !strcmp(dir->handler, SVB_MANAGER_HANDLER)) {
        apr_table_setn(r->subprocess_env, "no-proxy", "1");
    }
    return DECLINED;
}

void svb_manager_register(apr_pool_t *p)
{
    static const char *const before_proxy[] = {"mod_proxy.c", NULL};

    (void)p;
    ap_hook_pre_translate_name(keep_from_proxy, NULL, before_proxy,
                               APR_HOOK_FIRST);
    ap_hook_translate_name(keep_from_proxy, NULL, before_proxy, APR_HOOK_FIRST);
    ap_hook_handler(handler, NULL, before_proxy, APR_HOOK_FIRST);
}
