/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "manager/mod_manager.h"

#include <apr_base64.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>

#include "course/mod_answer.h"
#include "manager/form.h"
#include "manager/json.h"
#include "manager/metrics.h"
#include "manager/mod_snapshot.h"
#include "manager/page.h"
#include "manager/query.h"
#include "manager/sink.h"
#include "manager/snapshot.h"
#include "memory/mod_segments.h"
#include "nodes/action.h"
#include "nodes/mod_admin.h"
#include "nodes/mod_census.h"
#include "share/mod_said.h"

#define CSP_NONCE_BYTES 18

static const svb_model *model;

void svb_manager_use(const svb_model *m)
{
    model = m;
}

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

static int accepts_json(request_rec *r)
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
    return accepts_json(r) ? &formats[1] : &formats[0];
}

/* ------------------------------------------------------------- the answers */

static apr_status_t to_client(void *r, const char *data, apr_size_t len)
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
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   svb_page_csp(r->pool, nonce));
    return svb_page_snapshot(snap, nonce, sink);
}

static int may_act(request_rec *r)
{
    const svb_section *section =
        ap_get_module_config(r->per_dir_config, &servoy_balancer_module);

    return section && section->manager_actions == 1;
}

static svb_snapshot *take(request_rec *r)
{
    return svb_snapshot_take(r->pool, model, r->server->server_hostname,
                             may_act(r));
}

static void set_headers(request_rec *r, const char *type)
{
    ap_set_content_type(r, type);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Referrer-Policy", "same-origin");
}

static int show(request_rec *r)
{
    const format *f = asked_for(r);
    svb_sink sink;

    if (!f) {
        return svb_answer_text(r, HTTP_BAD_REQUEST,
                               "format= must be html, json or prometheus.\n");
    }
    set_headers(r, f->type);
    svb_sink_init(&sink, to_client, r);
    /* That fails only when the client has gone. */
    (void)(f->write ? f->write(take(r), &sink) : write_page(r, take(r), &sink));
    return OK;
}

/* The body of a POST, or NULL when it is too long or did not come whole. */
static const char *read_body(request_rec *r, apr_size_t *len)
{
    char *body = apr_palloc(r->pool, SVB_FORM_MAX + 2);
    long got = 1;

    *len = 0;
    if (ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK) != OK) {
        return NULL;
    }
    if (ap_should_client_block(r)) {
        while (got > 0 && *len <= SVB_FORM_MAX) {
            got = ap_get_client_block(r, body + *len, SVB_FORM_MAX + 1 - *len);
            *len += got > 0 ? (apr_size_t)got : 0;
        }
    }
    return got < 0 || *len > SVB_FORM_MAX ? NULL : body;
}

static int is_form(request_rec *r)
{
    static const char type[] = "application/x-www-form-urlencoded";
    const char *given = apr_table_get(r->headers_in, "Content-Type");

    return given && !ap_cstr_casecmpn(given, type, sizeof(type) - 1)
           && strchr("; \t", given[sizeof(type) - 1]);
}

/* Takes as long for a wrong nonce as for the right one. */
static int is_nonce(const char *given)
{
    const char *right = svb_segments_shared()->nonce;
    apr_size_t len = strlen(right);
    unsigned char differ = strlen(given) != len;

    for (apr_size_t i = 0; i < len && given[i]; i++) {
        differ |= (unsigned char)(given[i] ^ right[i]);
    }
    return !differ;
}

/* Where it acts: resetting is each front end's own business. */
static const char *scope_of(const svb_action *action)
{
    return !svb_sharing()                     ? ""
           : action->kind == SVB_ACTION_RESET ? " (at this front end)"
           : svb_sharing()->link == SVB_LINK_CONNECTED
               ? " (at all front ends)"
               : " (here; shared when the store is back)";
}

static void log_action(request_rec *r, const svb_action *action)
{
    ap_log_rerror(
        APLOG_MARK, APLOG_NOTICE, 0, r,
        SVB_LOGNO(0065) "fleet %s, node %s: %s%s by user %s from %s%s",
        action->fleet, action->node, svb_action_name(action->kind),
        action->kind == SVB_ACTION_LOADFACTOR
            ? apr_psprintf(r->pool, " %.2f", action->value)
            : "",
        r->user ? r->user : "-", r->useragent_ip, scope_of(action));
}

/* Back to the page for a browser, the node as it is now for a program. */
static int answer_action(request_rec *r, const svb_action *action)
{
    svb_snapshot *snap;
    svb_snap_node *node;
    svb_sink sink;

    if (!accepts_json(r)) {
        apr_table_setn(r->headers_out, "Location",
                       ap_os_escape_path(r->pool, r->uri, 1));
        return HTTP_SEE_OTHER;
    }
    snap = take(r);
    node = svb_snap_fleet_node(svb_snapshot_fleet(snap, action->fleet),
                               action->node);
    set_headers(r, SVB_JSON_TYPE);
    svb_sink_init(&sink, to_client, r);
    (void)svb_json_node(node, &sink);
    return OK;
}

static const svb_fleet *fleet_named(const char *name)
{
    for (int i = 0; i < model->fleets->nelts; i++) {
        const svb_fleet *fleet = APR_ARRAY_IDX(model->fleets, i, svb_fleet *);

        if (!strcmp(fleet->name, name)) {
            return fleet;
        }
    }
    return NULL;
}

/* Do it, and note at once what the node is then. @return whether there is such */
static int carry_out(request_rec *r, const svb_action *action)
{
    const svb_fleet *fleet = fleet_named(action->fleet);
    const char *who = apr_pstrcat(
        r->pool, r->user ? r->user : "somebody", " from ", r->useragent_ip,
        svb_sharing() ? " at " : NULL, svb_store_get()->front_end, NULL);
    int node = fleet ? svb_admin_act(model, action, who) : -1;

    if (node >= 0) {
        svb_said_here(node, action->kind);
        svb_census_note(fleet, node, r->server, r->pool, apr_time_now());
    }
    return node >= 0;
}

static int act(request_rec *r)
{
    svb_form form;
    apr_size_t len;
    const char *body, *err;

    if (!may_act(r)) {
        return svb_answer_text(r, HTTP_FORBIDDEN,
                               "ServoyManagerActions is off here.\n");
    }
    if (!is_form(r)) {
        return svb_answer_text(
            r, HTTP_BAD_REQUEST,
            "Content-Type must be application/x-www-form-urlencoded.\n");
    }
    body = read_body(r, &len);
    err = body ? svb_form_parse(r->pool, body, len, &form)
               : "The form is too long, or did not come whole.";
    if (err) {
        return svb_answer_text(r, HTTP_BAD_REQUEST,
                               apr_pstrcat(r->pool, err, "\n", NULL));
    }
    if (!is_nonce(form.nonce)) {
        return svb_answer_text(r, HTTP_FORBIDDEN,
                               "The nonce is not this server's: take it from "
                               "the page or the JSON as it is now.\n");
    }
    if (!carry_out(r, &form.action)) {
        return svb_answer_text(r, HTTP_NOT_FOUND,
                               "There is no such fleet or node.\n");
    }
    log_action(r, &form.action);
    return answer_action(r, &form.action);
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
