/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/hosts.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <apr_cstr.h>

/* Longest text of an address, with brackets. */
#define ADDRESS_MAX (INET6_ADDRSTRLEN + 2)

typedef enum { A_NAME, AN_ADDRESS, ANYTHING } what;

/* A host: a name of this length, or an address of that family. */
typedef struct {
    what what;
    const char *name;
    size_t len;
    int family;
    int is_literal; /* an address, or localhost: nobody is asked where it is */
    unsigned char bytes[sizeof(struct in6_addr)];
} host;

static int is_numeric(const char *text)
{
    return strchr(text, ':') || strspn(text, "0123456789.") == strlen(text);
}

/* Loopback is this machine, and may be any of its names; so may "any address". */
static int is_local_address(const host *h)
{
    static const unsigned char loopback[sizeof(struct in6_addr)] = {[15] = 1};
    static const unsigned char any[sizeof(struct in6_addr)];

    return h->family == AF_INET ? h->bytes[0] == 127 || !h->bytes[0]
                                : !memcmp(h->bytes, loopback, sizeof(any))
                                      || !memcmp(h->bytes, any, sizeof(any));
}

static void read_address(host *h, const char *text)
{
    char bare[ADDRESS_MAX];
    size_t len = strlen(text);

    h->what = ANYTHING;
    if (len >= sizeof(bare)) {
        return;
    }
    if (*text == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    memcpy(bare, text, len);
    bare[len] = '\0';
    h->family = strchr(bare, ':') ? AF_INET6 : AF_INET;
    h->is_literal = inet_pton(h->family, bare, h->bytes) == 1;
    if (h->is_literal && !is_local_address(h)) {
        h->what = AN_ADDRESS;
    }
}

static int ends_in_localhost(const host *h)
{
    static const char local[] = "localhost";
    const size_t n = sizeof(local) - 1;

    return h->len >= n && !apr_cstr_casecmpn(h->name + h->len - n, local, n)
           && (h->len == n || h->name[h->len - n - 1] == '.');
}

static host read_host(const char *text)
{
    host h = {.name = text, .len = strlen(text)};

    if (is_numeric(text)) {
        read_address(&h, text);
        return h;
    }
    if (h.len && text[h.len - 1] == '.') {
        h.len--;
    }
    h.is_literal = ends_in_localhost(&h);
    h.what = h.is_literal ? ANYTHING : A_NAME;
    return h;
}

/* The same, or the same with its domain. */
static int may_be_one_name(const host *a, const host *b)
{
    const host *longer = a->len > b->len ? a : b;
    size_t len = a->len > b->len ? b->len : a->len;

    return !apr_cstr_casecmpn(a->name, b->name, len)
           && (a->len == b->len || longer->name[len] == '.');
}

int svb_hosts_differ(const char *a, const char *b)
{
    host one = read_host(a), other = read_host(b);

    if (one.what != other.what || one.what == ANYTHING) {
        return 0;
    }
    return one.what == A_NAME
               ? !may_be_one_name(&one, &other)
               : one.family == other.family
                     && memcmp(one.bytes, other.bytes, sizeof(one.bytes)) != 0;
}

int svb_hosts_is_literal(const char *name)
{
    return read_host(name).is_literal;
}
