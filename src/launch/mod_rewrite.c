/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "launch/mod_rewrite.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>
#include <util_md5.h>

#include "launch/host.h"
#include "launch/jnlp.h"
#include "launch/mod_front.h"

#define JNLP_TYPE "application/x-java-jnlp-file"

static ap_filter_rec_t *answer_filter;

/* A launch under way. */
typedef struct {
    svb_request *req;
    const char *href;
    apr_table_t *withheld; /* of the request's headers, from the node */
    int attempt;           /* whose answer we are in */
    int is_inflating;
    apr_bucket_brigade *held; /* as much of the answer as is there; or NULL */
} rewriting;

/* -------------------------------------------------------------- the request */

/* Conditions and ranges of a text that the node does not have, and encodings
 * that would have to be undone. */
static const char *const withheld_headers[] = {"Accept-Encoding",
                                               "If-Match",
                                               "If-Modified-Since",
                                               "If-None-Match",
                                               "If-Unmodified-Since",
                                               "If-Range",
                                               "Range",
                                               "Request-Range"};

#define WITHHELD (sizeof(withheld_headers) / sizeof(withheld_headers[0]))

static void withhold(rewriting *rw, request_rec *r)
{
    for (apr_size_t i = 0; i < WITHHELD; i++) {
        const char *value = apr_table_get(r->headers_in, withheld_headers[i]);

        if (value) {
            apr_table_setn(rw->withheld, withheld_headers[i], value);
            apr_table_unset(r->headers_in, withheld_headers[i]);
        }
    }
}

static void give_back(const rewriting *rw, request_rec *r)
{
    apr_table_overlap(r->headers_in, rw->withheld, APR_OVERLAP_TABLES_SET);
}

/* --------------------------------------------------------------- the answer */

static int is_jnlp(const request_rec *r)
{
    static const char type[] = JNLP_TYPE;
    const char *given = r->content_type;

    return given && !ap_cstr_casecmpn(given, type, sizeof(type) - 1)
           && ap_strchr_c("; \t", given[sizeof(type) - 1]);
}

/* Is it an answer that concerns us at all? */
static int is_ours(const rewriting *rw, const request_rec *r)
{
    const svb_member *member = rw->req->choice.member;

    return r->status == HTTP_OK && is_jnlp(r) && rw->req->attempt && member
           && member->facts.url;
}

static const char *encoding_of(request_rec *r)
{
    const char *encoding = apr_table_get(r->headers_out, "Content-Encoding");

    encoding = encoding ? encoding : r->content_encoding;
    return encoding && *encoding && ap_cstr_casecmp(encoding, "identity")
               ? encoding
               : NULL;
}

/* What the node's validators are about is not what is sent. */
static void drop_validators(request_rec *r)
{
    static const char *const validators[] = {
        "ETag",   "Last-Modified", "Content-Length", "Content-MD5",
        "Digest", "Repr-Digest",   "Content-Digest"};

    for (apr_size_t i = 0; i < sizeof(validators) / sizeof(*validators); i++) {
        apr_table_unset(r->headers_out, validators[i]);
    }
}

/* The next launch may be another node's. A node's own no-store stays. */
static void forbid_reuse(request_rec *r)
{
    const char *given = apr_table_get(r->headers_out, "Cache-Control");

    if (!given || !ap_strcasestr(given, "no-store")) {
        apr_table_setn(r->headers_out, "Cache-Control", "private, no-cache");
    }
    apr_table_unset(r->headers_out, "Expires");
}

/* ------------------------------------------------------------ passing it on */

static apr_status_t pass_as_it_is(ap_filter_t *f, apr_bucket_brigade *bb)
{
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

static apr_status_t pass_because(ap_filter_t *f, apr_bucket_brigade *bb,
                                 const char *why)
{
    const rewriting *rw = f->ctx;

    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, f->r,
                  SVB_LOGNO(0052) "%s: the JNLP of node %s is passed as it is: "
                                  "it %s",
                  rw->req->balancer->name, rw->req->choice.member->route, why);
    return pass_as_it_is(f, bb);
}

/* Replace the body, and leave what else is in the brigade. */
static void set_body(request_rec *r, apr_bucket_brigade *bb, const char *text,
                     apr_size_t len)
{
    apr_bucket *b = APR_BRIGADE_FIRST(bb), *next;

    for (; b != APR_BRIGADE_SENTINEL(bb); b = next) {
        next = APR_BUCKET_NEXT(b);
        if (!APR_BUCKET_IS_METADATA(b)) {
            apr_bucket_delete(b);
        }
    }
    if (len) {
        APR_BRIGADE_INSERT_HEAD(
            bb, apr_bucket_pool_create(text, len, r->pool, bb->bucket_alloc));
    }
}

/* By the ETag alone. Dates are no condition for what has no Last-Modified; httpd
 * would take the time of day for it. @return OK, or the status to answer with */
static int meets_conditions(request_rec *r)
{
    apr_table_unset(r->headers_in, "If-Modified-Since");
    apr_table_unset(r->headers_in, "If-Unmodified-Since");
    return ap_meets_conditions(r);
}

static apr_status_t pass_rewritten(ap_filter_t *f, apr_bucket_brigade *bb,
                                   const char *text, apr_size_t len)
{
    request_rec *r = f->r;
    int rc;

    drop_validators(r);
    forbid_reuse(r);
    apr_table_setn(
        r->headers_out, "ETag",
        apr_psprintf(
            r->pool, "\"%s\"",
            ap_md5_binary(r->pool, (const unsigned char *)text, (int)len)));
    rc = meets_conditions(r);
    if (rc == OK) {
        set_body(r, bb, text, len);
        ap_set_content_length(r, (apr_off_t)len);
    }
    else {
        r->status = rc;
        r->status_line = NULL;
        set_body(r, bb, NULL, 0);
    }
    return pass_as_it_is(f, bb);
}

/* ---------------------------------------------------------------- rewriting */

/* The host that a value leads to, if it is neither the node's nor ours: somebody
 * has meant it so. NULL: it is. */
static const char *foreign_host(request_rec *r, const svb_member *member,
                                const char *value)
{
    const char *host = value ? svb_host_named(r->pool, value) : NULL;
    const char *direct = svb_host_named(r->pool, member->facts.url);

    return !host || !strcmp(host, direct)
                   || !ap_cstr_casecmp(host, member->worker->s->hostname_ex)
                   || svb_front_is_meant(r, host)
               ? NULL
               : host;
}

/* Words for what names a foreign host, or NULL. */
static const char *leads_elsewhere(request_rec *r, const svb_member *member,
                                   const svb_jnlp *jnlp)
{
    const char *attribute = "codebase";
    const char *host = foreign_host(r, member, svb_jnlp_codebase(jnlp));

    if (!host) {
        attribute = "href";
        host = foreign_host(r, member, svb_jnlp_href(jnlp));
    }
    return host ? apr_psprintf(r->pool,
                               "has a %s with a host of its own (\"%s\")",
                               attribute, ap_escape_logitem(r->pool, host))
                : NULL;
}

static apr_status_t rewrite(ap_filter_t *f, apr_bucket_brigade *bb)
{
    const rewriting *rw = f->ctx;
    const svb_member *member = rw->req->choice.member;
    request_rec *r = f->r;
    const svb_jnlp *jnlp;
    const char *err, *rewritten;
    char *text;
    apr_size_t len;
    apr_status_t rv = apr_brigade_pflatten(bb, &text, &len, r->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    err = svb_jnlp_read(r->pool, text, len, &jnlp);
    if (!err) {
        err = leads_elsewhere(r, member, jnlp);
    }
    if (err) {
        return pass_because(f, bb, err);
    }
    rewritten =
        svb_jnlp_write(r->pool, jnlp, member->facts.url, rw->href, &len);
    return pass_rewritten(f, bb, rewritten, len);
}

/* --------------------------------------------------------------- the filter */

static int is_end(const apr_bucket *b)
{
    return APR_BUCKET_IS_EOS(b);
}

/* The node has gone in the middle of it. */
static int is_break(const apr_bucket *b)
{
    return AP_BUCKET_IS_ERROR(b) || AP_BUCKET_IS_EOC(b);
}

static int has(const apr_bucket_brigade *bb, int (*is_it)(const apr_bucket *b))
{
    const apr_bucket *b = APR_BRIGADE_FIRST(bb);

    while (b != APR_BRIGADE_SENTINEL(bb) && !is_it(b)) {
        b = APR_BUCKET_NEXT(b);
    }
    return b != APR_BRIGADE_SENTINEL(bb);
}

/* Let mod_deflate undo the encoding: its filter comes before ours, so that the
 * answer comes here again. @return whether it can */
static int can_inflate(rewriting *rw, const char *encoding)
{
    return !rw->is_inflating
           && (!ap_cstr_casecmp(encoding, "gzip")
               || !ap_cstr_casecmp(encoding, "x-gzip"))
           && ap_get_output_filter_handle("INFLATE") != NULL;
}

static apr_status_t inflate(ap_filter_t *f, apr_bucket_brigade *bb)
{
    rewriting *rw = f->ctx;

    rw->is_inflating = 1;
    return ap_pass_brigade(
        ap_add_output_filter_handle(ap_get_output_filter_handle("INFLATE"),
                                    NULL, f->r, f->r->connection),
        bb);
}

/* Add to what is held, until all is there. */
static apr_status_t hold(ap_filter_t *f, apr_bucket_brigade *bb)
{
    rewriting *rw = f->ctx;
    apr_off_t len = 0;
    apr_status_t rv = ap_save_brigade(f, &rw->held, &bb, f->r->pool);

    if (rv == APR_SUCCESS) {
        rv = apr_brigade_length(rw->held, 1, &len);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (has(rw->held, is_break)) {
        return pass_as_it_is(f, rw->held);
    }
    if (len > rw->req->balancer->set.launch_limit) {
        return pass_because(f, rw->held, "is larger than limit= allows");
    }
    return has(rw->held, is_end) ? rewrite(f, rw->held) : APR_SUCCESS;
}

static apr_status_t on_begin(ap_filter_t *f, apr_bucket_brigade *bb)
{
    rewriting *rw = f->ctx;
    request_rec *r = f->r;
    const char *encoding = encoding_of(r);

    give_back(rw, r);
    if (!is_ours(rw, r)) {
        return pass_as_it_is(f, bb);
    }
    /* What a GET would be told of its text cannot be known without the text. */
    if (r->header_only) {
        if (encoding && can_inflate(rw, encoding)) {
            apr_table_unset(r->headers_out, "Content-Encoding");
        }
        drop_validators(r);
        forbid_reuse(r);
        return pass_as_it_is(f, bb);
    }
    if (encoding && can_inflate(rw, encoding)) {
        return inflate(f, bb);
    }
    if (encoding) {
        return pass_because(f, bb,
                            "is compressed in a way that is not undone "
                            "here (for gzip, load mod_deflate)");
    }
    rw->attempt = rw->req->attempts;
    rw->held = NULL;
    return hold(f, bb);
}

static apr_status_t on_answer(ap_filter_t *f, apr_bucket_brigade *bb)
{
    const rewriting *rw = f->ctx;

    return rw->attempt == rw->req->attempts ? hold(f, bb) : on_begin(f, bb);
}

void svb_rewrite_prepare(svb_request *req, request_rec *r, const char *href)
{
    rewriting *rw = apr_pcalloc(r->pool, sizeof(*rw));

    rw->req = req;
    rw->href = href;
    rw->withheld = apr_table_make(r->pool, WITHHELD);
    withhold(rw, r);
    ap_add_output_filter_handle(answer_filter, rw, r, r->connection);
}

void svb_rewrite_register(apr_pool_t *p)
{
    (void)p;
    /* After the filter that learns from the answer's headers, and before those
     * that an administrator may have set, as DEFLATE. */
    answer_filter = ap_register_output_filter("SERVOY_JNLP", on_answer, NULL,
                                              AP_FTYPE_RESOURCE + 1);
}
