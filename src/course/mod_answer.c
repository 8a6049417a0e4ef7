/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_answer.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <mod_core.h>

#include "memory/mod_segments.h"
#include "nodes/mod_members.h"

/* Where nothing tells when to come back; and no later than that. */
#define RETRY_AFTER_GUESS 30
#define RETRY_AFTER_MOST 300

static int answer(request_rec *r, int status, const char *type,
                  const char *text)
{
    /* A body that nobody reads would be taken for the next request. */
    ap_discard_request_body(r);
    r->status = status;
    ap_set_content_type(r, type);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    ap_rputs(text, r);
    return OK;
}

int svb_answer_text(request_rec *r, int status, const char *text)
{
    return answer(r, status, "text/plain; charset=utf-8", text);
}

int svb_answer_not_allowed(request_rec *r, const char *allow)
{
    apr_table_setn(r->headers_out, "Allow", allow);
    return svb_answer_text(
        r, HTTP_METHOD_NOT_ALLOWED,
        apr_psprintf(r->pool, "%s is not allowed here, only %s.\n",
                     ap_method_name_of(r->pool, r->method_number), allow));
}

/* Nothing in it comes from the request. */
static const char unavailable_page[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>The application cannot be started just now</title>\n<style>\n"
    ":root{color-scheme:light dark}\n"
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;"
    "margin:15vh auto 0;padding:0 1.5rem}\n"
    "h1{font-size:1.5rem;line-height:1.25}\n"
    "a{display:inline-block;margin-top:.5rem;padding:.45rem 1.1rem;"
    "border:1px solid;border-radius:.4rem;color:inherit;text-decoration:none}\n"
    "</style>\n</head>\n<body>\n<main>\n"
    "<h1>The application cannot be started just now</h1>\n"
    "<p>None of its servers can take a new user at the moment. Please try again "
    "in a minute. If that does not help, tell whoever looks after the "
    "application.</p>\n<p><a href=\"\">Try again</a></p>\n"
    "</main>\n</body>\n</html>\n";

int svb_answer_unavailable(request_rec *r)
{
    if (ap_response_code_string(
            r, ap_index_of_response(HTTP_SERVICE_UNAVAILABLE))) {
        return HTTP_SERVICE_UNAVAILABLE;
    }
    return answer(r, HTTP_SERVICE_UNAVAILABLE, "text/html; charset=utf-8",
                  unavailable_page);
}

/* When the first member that is in error is tried again. */
static int retry_after(svb_balancer *balancer)
{
    const svb_members *members = svb_members_get(balancer);
    apr_time_t now = apr_time_now(),
               least = apr_time_from_sec(RETRY_AFTER_MOST);
    int any = 0;

    for (int i = 0; i < members->n; i++) {
        const proxy_worker_shared *s = members->all[i].worker->s;

        if (s->status & PROXY_WORKER_IN_ERROR) {
            apr_time_t wait = s->error_time + s->retry - now;

            least = wait < least ? wait : least;
            any = 1;
        }
    }
    if (!any) {
        return RETRY_AFTER_GUESS;
    }
    return least > 0 ? (int)apr_time_sec(least) + 1 : 1;
}

void svb_answer_count_refused(const svb_balancer *balancer)
{
    svb_records *records = svb_segments_records();

    svb_records_fleet_count(records,
                            svb_records_fleet(records, balancer->fleet->name),
                            SVB_FLEET_REFUSED);
}

void svb_answer_set_retry_after(request_rec *r, svb_balancer *balancer)
{
    apr_table_setn(r->err_headers_out, "Retry-After",
                   apr_itoa(r->pool, retry_after(balancer)));
}
