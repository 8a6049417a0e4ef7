/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/addresses.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <string.h>

#include "memory/hash.h"

typedef struct {
    apr_uint32_t family; /* of the C library */
    unsigned char bytes[sizeof(struct in6_addr)];
} address;

typedef struct {
    apr_uint32_t n;
    address each[SVB_ADDRESSES_EACH];
} answer;

typedef struct {
    _Atomic apr_uint64_t key;   /* 0: free */
    _Atomic apr_uint64_t due;   /* when to look it up again */
    _Atomic apr_uint64_t count; /* of answers; the last is answers[count % 2] */
    answer answers[2];
} place_of_host;

struct svb_addresses {
    place_of_host *places;
};

apr_size_t svb_addresses_size(void)
{
    return sizeof(place_of_host) * SVB_ADDRESSES_HOSTS;
}

void svb_addresses_open(svb_addresses **addresses, void *mem, apr_pool_t *p)
{
    *addresses = apr_palloc(p, sizeof(**addresses));
    (*addresses)->places = mem;
}

int svb_addresses_place(svb_addresses *addresses, const char *host)
{
    apr_uint64_t key = svb_hash_text(host, strlen(host)) | 1; /* never 0 */

    for (apr_uint64_t i = 0; i < SVB_ADDRESSES_HOSTS; i++) {
        int place = (int)((key / 2 + i) % SVB_ADDRESSES_HOSTS);
        apr_uint64_t seen = 0;

        if (atomic_compare_exchange_strong(&addresses->places[place].key, &seen,
                                           key)
            || seen == key) {
            return place;
        }
    }
    return -1;
}

int svb_addresses_is_due(svb_addresses *addresses, int place, apr_time_t now)
{
    return (apr_time_t)atomic_load(&addresses->places[place].due) <= now;
}

/* @return whether it is of a kind that has a place here */
static int from_sockaddr(address *to, const apr_sockaddr_t *from)
{
    to->family = (apr_uint32_t)from->family;
    if ((from->family != AF_INET && from->family != AF_INET6)
        || (apr_size_t)from->ipaddr_len > sizeof(to->bytes)) {
        return 0;
    }
    memcpy(to->bytes, from->ipaddr_ptr, (apr_size_t)from->ipaddr_len);
    return 1;
}

void svb_addresses_put(svb_addresses *addresses, int place,
                       const apr_sockaddr_t *found, apr_time_t now)
{
    place_of_host *at = &addresses->places[place];
    apr_uint64_t count = atomic_load(&at->count);
    answer *next = &at->answers[(count + 1) % 2];

    atomic_store(&at->due, (apr_uint64_t)(now
                                          + (found ? SVB_ADDRESSES_GOOD_FOR
                                                   : SVB_ADDRESSES_RETRY)));
    if (!found) {
        return;
    }
    next->n = 0;
    for (; found && next->n < SVB_ADDRESSES_EACH; found = found->next) {
        next->n += (apr_uint32_t)from_sockaddr(&next->each[next->n], found);
    }
    atomic_store(&at->count, count + 1);
}

/* A copy of the present answer: it was that as long as nothing came after it. */
static answer present(place_of_host *at)
{
    answer copy = {0};
    apr_uint64_t count;

    do {
        count = atomic_load(&at->count);
        memcpy(&copy, &at->answers[count % 2], sizeof(copy));
    } while (atomic_load(&at->count) != count);
    return copy;
}

int svb_addresses_is_literal(const char *host)
{
    struct in6_addr any;

    return inet_pton(AF_INET, host, &any) == 1
           || inet_pton(AF_INET6, host, &any) == 1;
}

apr_sockaddr_t *svb_addresses_get(svb_addresses *addresses, const char *host,
                                  apr_port_t port, apr_pool_t *p)
{
    apr_sockaddr_t *first = NULL, **last = &first;
    int place;
    answer known;

    if (svb_addresses_is_literal(host)) {
        return apr_sockaddr_info_get(&first, host, APR_UNSPEC, port, 0, p)
                       == APR_SUCCESS
                   ? first
                   : NULL;
    }
    place = svb_addresses_place(addresses, host);
    if (place < 0) {
        return NULL;
    }
    known = present(&addresses->places[place]);
    for (apr_uint32_t i = 0; i < known.n; i++) {
        char text[INET6_ADDRSTRLEN];

        if (inet_ntop((int)known.each[i].family, known.each[i].bytes, text,
                      sizeof(text))
            && apr_sockaddr_info_get(last, text, (int)known.each[i].family,
                                     port, 0, p)
                   == APR_SUCCESS) {
            last = &(*last)->next;
        }
    }
    return first;
}
