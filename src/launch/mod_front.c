/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "launch/mod_front.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>

#include "launch/host.h"

typedef int same_fn(const char *host, const char *name);

static int is_in(const apr_array_header_t *names, const char *host,
                 same_fn *are_same)
{
    for (int i = 0; names && i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        if (name && !are_same(host, name)) {
            return 1;
        }
    }
    return 0;
}

/* "*" is everybody's. */
static int compare_with_part(const char *host, const char *pattern)
{
    return pattern[strspn(pattern, "*?.")] ? ap_strcasecmp_match(host, pattern)
                                           : 1;
}

static int is_one_of(const server_rec *s, const char *host, same_fn *match)
{
    return (s->server_hostname && !ap_cstr_casecmp(s->server_hostname, host))
           || is_in(s->names, host, ap_cstr_casecmp)
           || is_in(s->wild_names, host, match);
}

/* Is it a name that the virtual host was given? */
static int is_name_of(const server_rec *s, const char *host)
{
    return is_one_of(s, host, ap_strcasecmp_match);
}

int svb_front_is_own_name(const server_rec *s, const char *host)
{
    return is_one_of(s, host, compare_with_part);
}

/* httpd's own answer, where the request's word plays no part in it or may. */
static const char *name_and_port(request_rec *r, apr_port_t *port)
{
    const server_rec *s = r->server;
    const char *name = ap_get_server_name(r);

    if (r->hostname
        && (ap_cstr_casecmp(name, r->hostname) || is_name_of(s, name))) {
        *port = ap_get_server_port(r);
        return name;
    }
    *port = s->port ? s->port : r->connection->local_addr->port;
    return s->server_hostname;
}

const char *svb_front_url(request_rec *r)
{
    apr_port_t port;
    const char *name = name_and_port(r, &port);
    int is_bare_ipv6 = ap_strchr_c(name, ':') && *name != '[';
    const char *url =
        apr_psprintf(r->pool, is_bare_ipv6 ? "%s://[%s]" : "%s://%s",
                     ap_http_scheme(r), name);

    return ap_is_default_port(port, r)
               ? url
               : apr_psprintf(r->pool, "%s:%u", url, (unsigned)port);
}

/* Does a header that names hosts name this one? Whatever else stands in it, the
 * host is one of the words between its delimiters. */
static int header_names(request_rec *r, const char *header, const char *host)
{
    const char *value = apr_table_get(r->headers_in, header);
    char *words = apr_pstrdup(r->pool, value ? value : ""), *last;

    for (char *word = apr_strtok(words, " \t,;=\"", &last); word;
         word = apr_strtok(NULL, " \t,;=\"", &last)) {
        const char *named =
            svb_host_named(r->pool, apr_pstrcat(r->pool, "//", word, NULL));

        if (named && !strcmp(named, host)) {
            return 1;
        }
    }
    return 0;
}

int svb_front_is_meant(request_rec *r, const char *host)
{
    static const char *const headers[] = {"Host", "X-Forwarded-Host",
                                          "Forwarded"};

    if (is_name_of(r->server, host)
        || (r->hostname && !ap_cstr_casecmp(r->hostname, host))
        || !strcmp(r->connection->local_ip, host)) {
        return 1;
    }
    for (apr_size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (header_names(r, headers[i], host)) {
            return 1;
        }
    }
    return 0;
}
