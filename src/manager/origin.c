/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "manager/origin.h"

#include <string.h>

#include <apr_cstr.h>

#include "launch/host.h"

static const struct {
    const char *begins;
    unsigned port;
} schemes[] = {{"http://", 80}, {"https://", 443}};

#define SCHEMES (sizeof(schemes) / sizeof(schemes[0]))

/* ":8080" and nothing behind it; 0 where it is anything else. */
static unsigned read_port(const char *text)
{
    apr_size_t len = strspn(text + 1, "0123456789");
    unsigned port = 0;

    if (*text != ':' || !len || len > 5 || text[1 + len]) {
        return 0;
    }
    while (*++text) {
        port = port * 10 + (unsigned)(*text - '0');
    }
    return port <= 65535 ? port : 0;
}

/* What stands behind the host: nothing, or its port. */
static const char *behind_host(const char *authority)
{
    const char *end = *authority == '[' ? strchr(authority, ']') : NULL;

    return end ? end + 1 : authority + strcspn(authority, ":");
}

int svb_origin_read(apr_pool_t *p, const char *text, svb_origin *origin)
{
    for (apr_size_t i = 0; i < SCHEMES; i++) {
        apr_size_t len = strlen(schemes[i].begins);
        const char *rest;

        if (apr_cstr_casecmpn(text, schemes[i].begins, len)) {
            continue;
        }
        rest = text + len;
        if (rest[strcspn(rest, "/\\?#@, \t\r\n")]) {
            return 0;
        }
        origin->host = svb_host_named(p, text);
        origin->usual = schemes[i].port;
        rest = behind_host(rest);
        origin->port = *rest ? read_port(rest) : origin->usual;
        return origin->host && *origin->host && origin->port;
    }
    return 0;
}

int svb_origin_has_port(const svb_origin *origin, unsigned port)
{
    return origin->port == (port ? port : origin->usual);
}
