/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "manager/mod_act.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>

#include "course/mod_answer.h"
#include "manager/address.h"
#include "manager/form.h"
#include "manager/mod_guard.h"
#include "manager/mod_show.h"
#include "nodes/action.h"
#include "nodes/mod_admin.h"
#include "nodes/mod_census.h"
#include "page/rows.h"
#include "report/json.h"
#include "share/mod_said.h"

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

/* Does somebody look at a page? What takes anything is a program. */
static int is_browser(request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");

    return accept && ap_strcasestr(accept, "text/html");
}

/* ------------------------------------------------------------- back to the page */

static const char *pair(request_rec *r, const char *name, const char *value)
{
    return value ? apr_pstrcat(r->pool, "&", name, "=",
                               svb_view_url(r->pool, value), NULL)
                 : "";
}

/* To where the browser was, with the words for what has come of it: "done" with what the
 * node was before, or "again". */
static int send_back(request_rec *r, const svb_model *model,
                     const svb_action *action, const char *how, const char *was)
{
    const char *name = svb_action_name(action->kind), *keep;
    const char *id = svb_rows_id(r->pool, model->fleets->nelts > 1,
                                 action->fleet, action->node);
    svb_place place;

    svb_address_read(r->pool, r->args, &place);
    keep = svb_place_keep(r->pool, &place, NULL);
    apr_table_setn(
        r->headers_out, "Location",
        apr_pstrcat(
            r->pool, ap_os_escape_path(r->pool, r->uri, 1), "?", keep,
            pair(r, how, name) + !*keep, pair(r, "fleet", action->fleet),
            pair(r, "node", action->node), pair(r, "was", was),
            !strcmp(how, "again") && place.confirm ? pair(r, "confirm", name)
                                                   : "",
            !was && action->value > 0
                ? pair(r, "value", svb_view_fraction(r->pool, action->value))
                : "",
            "#", svb_view_url(r->pool, id), NULL));
    return HTTP_SEE_OTHER;
}

/* What the node is before something is done to it, in the word that the page tells by;
 * of what changes no state, but a number, that. */
static const char *state_of(request_rec *r, const svb_model *model,
                            const svb_action *action)
{
    svb_snapshot *snap = svb_show_take(r, model);
    svb_snap_fleet *fleet = svb_snapshot_fleet(snap, action->fleet);
    svb_snap_node *node =
        fleet ? svb_snap_fleet_node(fleet, action->node) : NULL;

    return !node ? NULL
           : action->kind == SVB_ACTION_LOADFACTOR
               ? svb_view_fraction(r->pool, node->loadfactor)
               : svb_state_name(node->state);
}

/* Back to the page for a browser, the node as it is now for a program. */
static int answer_action(request_rec *r, const svb_model *model,
                         const svb_action *action, const char *was)
{
    svb_snapshot *snap;
    svb_snap_node *node;
    svb_sink sink;

    if (!svb_show_accepts_json(r)) {
        return send_back(r, model, action, "done", was);
    }
    snap = svb_show_take(r, model);
    node = svb_snap_fleet_node(svb_snapshot_fleet(snap, action->fleet),
                               action->node);
    svb_show_set_headers(r, SVB_JSON_TYPE);
    svb_sink_init(&sink, svb_show_to_client, r);
    (void)svb_json_node(node, &sink);
    return OK;
}

/* A page from before a restart: its reader has meant it, but has to say so again. */
static int refuse_nonce(request_rec *r, const svb_model *model,
                        const svb_action *action)
{
    return is_browser(r) ? send_back(r, model, action, "again", NULL)
                         : svb_answer_text(
                             r, HTTP_FORBIDDEN,
                             "The nonce is not this server's, or older than "
                             "an hour: take it from the page or the JSON as "
                             "it is now.\n");
}

static const svb_fleet *fleet_named(const svb_model *model, const char *name)
{
    for (int i = 0; i < model->fleets->nelts; i++) {
        const svb_fleet *fleet = APR_ARRAY_IDX(model->fleets, i, svb_fleet *);

        if (!strcmp(fleet->name, name)) {
            return fleet;
        }
    }
    return NULL;
}

/* Its change of state tells who has drained a node; all else has to be told. */
static void note(request_rec *r, const svb_fleet *fleet, int node,
                 const svb_action *action, const char *who)
{
    apr_time_t now = apr_time_now();
    int has_changed = svb_census_note(fleet, node, r->server, r->pool, now);

    if (!has_changed || !svb_action_is_kept(action->kind)) {
        svb_census_note_action(
            node,
            action->kind == SVB_ACTION_LOADFACTOR
                ? apr_psprintf(r->pool, "loadfactor %.2f set by %s",
                               action->value, who)
                : apr_pstrcat(r->pool, svb_action_done(action->kind), " by ",
                              who, NULL),
            now);
    }
}

/* Do it, and note at once what the node is then. @return whether there is such */
static int carry_out(request_rec *r, const svb_model *model,
                     const svb_action *action)
{
    const svb_fleet *fleet = fleet_named(model, action->fleet);
    const char *who = apr_pstrcat(
        r->pool, r->user ? r->user : "somebody", " from ", r->useragent_ip,
        svb_sharing() ? " at " : NULL, svb_store_get()->front_end, NULL);
    int node = fleet ? svb_admin_act(model, action, who) : -1;

    if (node >= 0) {
        svb_said_here(node, action->kind);
        note(r, fleet, node, action, who);
    }
    return node >= 0;
}

int svb_act(request_rec *r, const svb_model *model)
{
    svb_form form;
    apr_size_t len;
    const char *body, *err, *was;

    if (!svb_guard_may_act(r)) {
        return svb_answer_text(r, HTTP_FORBIDDEN,
                               "ServoyManagerActions is off here.\n");
    }
    err = svb_guard_stranger(r);
    if (err) {
        return svb_answer_text(r, HTTP_FORBIDDEN, err);
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
    if (!svb_guard_is_nonce(r, form.nonce)) {
        return refuse_nonce(r, model, &form.action);
    }
    was = state_of(r, model, &form.action);
    if (!carry_out(r, model, &form.action)) {
        return svb_answer_text(r, HTTP_NOT_FOUND,
                               "There is no such fleet or node.\n");
    }
    log_action(r, &form.action);
    return answer_action(r, model, &form.action, was);
}
