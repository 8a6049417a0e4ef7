/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_smart.h"

#include <apr_strings.h>

#include "choice/mod_failover.h"
#include "choice/mod_variables.h"
#include "memory/clients.h"
#include "memory/mod_clients.h"
#include "memory/mod_segments.h"

#define ID_LEN SVB_SESSION_LAUNCH_LEN

/* A keyed hash of a number: nobody can tell another client's. */
static const char *new_id(request_rec *r)
{
    apr_uint64_t number = svb_clients_new_id();
    char *id = apr_palloc(r->pool, ID_LEN + 1);

    ap_bin2hex(&number, sizeof(number), id);
    return id;
}

_Static_assert(ID_LEN == 2 * sizeof(apr_uint64_t), "an id in hex digits");

/* The launch cookie's id, if it is one of ours by its looks, or NULL. */
static const char *old_id(request_rec *r, const svb_request *req)
{
    const svb_session_id *old = req->n_ids ? &req->ids[0] : NULL;

    return old && !strcmp(old->name, req->balancer->set.launch_cookie)
                   && svb_session_is_launch(old)
               ? apr_pstrmemdup(r->pool, old->id, ID_LEN)
               : NULL;
}

static void set_cookie(request_rec *r, const svb_request *req, const char *id,
                       apr_table_t *headers)
{
    const char *name = req->balancer->set.launch_cookie;
    const char *route = req->choice.member->route;

    if (*name && *route) {
        apr_table_addn(
            headers, "Set-Cookie",
            apr_pstrcat(r->pool, name, "=", id, ".", route,
                        "; Path=/; HttpOnly; SameSite=Lax",
                        strcmp(ap_http_scheme(r), "https") ? NULL : "; Secure",
                        NULL));
    }
}

static void enter(const svb_request *req, apr_uint64_t key, int is_new)
{
    int node = req->choice.member->node;

    if (is_new) {
        svb_clients_put_new(svb_segments_clients(), key, node, SVB_KIND_SMART,
                            apr_time_now());
    }
    else {
        svb_clients_put(svb_segments_clients(), key, node, SVB_KIND_SMART,
                        apr_time_now());
    }
}

void svb_smart_launched(svb_request *req, request_rec *r, apr_table_t *headers)
{
    int node = req->choice.member->node;
    const char *old, *id;
    apr_uint64_t key;

    if (r->header_only || node < 0) {
        return;
    }
    old = old_id(r, req);
    id = old ? old : new_id(r);
    svb_records_count(svb_segments_records(), node, SVB_CTR_LAUNCHES);
    svb_failover_done(&req->choice, req->client, apr_time_now());
    key = svb_clients_fleet_id(req->balancer->fleet->salt, id, ID_LEN);
    enter(req, key, !old);
    svb_variables_set_client(r, req, key);
    set_cookie(r, req, id, headers);
}
