/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "manager/mod_guard.h"

#include <stdatomic.h>
#include <string.h>

#include <apr_strings.h>

#include "config/hosts.h"
#include "config/mod_sections.h"
#include "launch/mod_front.h"
#include "manager/nonce.h"
#include "manager/origin.h"
#include "memory/mod_segments.h"

#define TELL_EVERY apr_time_from_sec(60)

/* So many bytes of what others write stand in messages. */
#define SHOWN_MOST 100

/* What is told of, each in its turn. */
typedef enum { HOST, PAGE, NONCE, LOOK, KINDS } kind;

_Static_assert(KINDS == SVB_SHARED_REFUSALS, "a place for each kind");

int svb_guard_may_act(request_rec *r)
{
    const svb_section *section =
        ap_get_module_config(r->per_dir_config, &servoy_balancer_module);

    return section && section->manager_actions == 1;
}

/* ----------------------------------------------------------------- what is told */

/* Is it time for one of this kind?
 * more: set to what is to stand behind it in the log */
static int may_tell(request_rec *r, kind which, const char **more)
{
    svb_refusals *refusals = &svb_segments_shared()->refusals[which];
    apr_time_t now = apr_time_now(), before = refusals->told;
    apr_uint64_t untold;

    if ((before <= now && now - before < TELL_EVERY)
        || !atomic_compare_exchange_strong(&refusals->told, &before, now)) {
        atomic_fetch_add(&refusals->untold, 1);
        return 0;
    }
    untold = atomic_exchange(&refusals->untold, 0);
    *more = untold ? apr_psprintf(r->pool,
                                  " (%" APR_UINT64_T_FMT
                                  " more since the last that was told)",
                                  untold)
                   : "";
    return 1;
}

/* Others' words, short and printable. */
static const char *shown(request_rec *r, const char *text)
{
    const char *part = apr_pstrndup(r->pool, text, SHOWN_MOST);

    return ap_escape_logitem(r->pool, part);
}

/* ------------------------------------------------------------------ its headers */

/* Those of answers that are errors as well. */
void svb_guard_fence(request_rec *r)
{
    static const char *const headers[][2] = {
        {"X-Frame-Options", "DENY"},
        {"Content-Security-Policy",
         "default-src 'none'; frame-ancestors 'none'"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };

    for (apr_size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        apr_table_setn(r->err_headers_out, headers[i][0], headers[i][1]);
    }
}

/* -------------------------------------------------------------------- its host */

static int is_own_host(const request_rec *r)
{
    return !r->hostname || svb_hosts_is_literal(r->hostname)
           || svb_front_is_own_name(r->server, r->hostname);
}

int svb_guard_may_offer(request_rec *r)
{
    const char *more;

    if (is_own_host(r)) {
        return 1;
    }
    if (may_tell(r, LOOK, &more)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      SVB_LOGNO(0158) "the manager is shown without actions to "
                                      "%s, who asks for it at \"%s\": that is "
                                      "no name of this virtual host; make it a "
                                      "ServerAlias, if it is to be one%s",
                      r->useragent_ip, shown(r, r->hostname), more);
    }
    return 0;
}

static const char *refuse_host(request_rec *r)
{
    const char *host = shown(r, r->hostname), *more;

    if (may_tell(r, HOST, &more)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      SVB_LOGNO(0155) "an action was refused that %s has sent "
                                      "to \"%s\": that is no name of this "
                                      "virtual host; make it a ServerAlias, if "
                                      "it is to be one%s",
                      r->useragent_ip, host, more);
    }
    return apr_psprintf(r->pool,
                        "Nothing was done: this was sent to \"%s\", which is "
                        "no name of this virtual host. Use a name that it has, "
                        "its address or localhost, or make this one a "
                        "ServerAlias.\n",
                        host);
}

/* -------------------------------------------------------------------- its page */

/* What browsers say of the page: ours, or the address bar. */
static int is_ours(const char *site)
{
    return !strcmp(site, "same-origin") || !strcmp(site, "none");
}

static int is_own_page(request_rec *r, const char *text, const char *site)
{
    svb_origin origin;

    if (!svb_origin_read(r->pool, text, &origin)) {
        return 0;
    }
    if (r->hostname && !ap_cstr_casecmp(origin.host, r->hostname)) {
        return site
               || svb_origin_has_port(
                   &origin, r->parsed_uri.port_str ? r->parsed_uri.port : 0);
    }
    return svb_front_is_own_name(r->server, origin.host);
}

static const char *refuse_page(request_rec *r, const char *whose)
{
    const char *more;

    if (may_tell(r, PAGE, &more)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      SVB_LOGNO(0156) "an action was refused that the browser "
                                      "of %s has sent to \"%s\" from a page "
                                      "that is not the manager's: %s%s",
                      r->useragent_ip,
                      r->hostname ? shown(r, r->hostname) : "-", whose, more);
    }
    return apr_psprintf(r->pool,
                        "Nothing was done: the browser says that a page has "
                        "sent this that is not the manager's (%s). Use the "
                        "manager's own page. If you did, there is a proxy on "
                        "the way: it has to pass on the Host header with its "
                        "port, or its name must be a ServerAlias of this "
                        "virtual host.\n",
                        whose);
}

int svb_guard_is_of_ours(request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");

    return !site || is_ours(site);
}

const char *svb_guard_stranger(request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");

    if (!is_own_host(r)) {
        return refuse_host(r);
    }
    if (!svb_guard_is_of_ours(r)) {
        return refuse_page(
            r, apr_pstrcat(r->pool, "Sec-Fetch-Site: ", shown(r, site), NULL));
    }
    if (origin && !is_own_page(r, origin, site)) {
        return refuse_page(
            r, apr_pstrcat(r->pool, "Origin: ", shown(r, origin), NULL));
    }
    return NULL;
}

/* ------------------------------------------------------------------- its nonce */

const char *svb_guard_nonce(request_rec *r)
{
    char *nonce = apr_palloc(r->pool, SVB_NONCE_LEN + 1);

    svb_nonce_make(nonce, svb_segments_shared()->nonce_key, r->user,
                   apr_time_now());
    return nonce;
}

int svb_guard_is_nonce(request_rec *r, const char *given)
{
    const char *more;
    int is_good = svb_nonce_is_good(given, svb_segments_shared()->nonce_key,
                                    r->user, apr_time_now());

    if (!is_good && may_tell(r, NONCE, &more)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      SVB_LOGNO(0157) "an action was refused that %s has sent: "
                                      "its nonce is none, or is of another "
                                      "user, of before a start, or older than "
                                      "an hour%s",
                      r->useragent_ip, more);
    }
    return is_good;
}
