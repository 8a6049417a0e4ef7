/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/hash.h"

#include <string.h>

#include <apr_siphash.h>

#include "memory/names.h"

/* Front ends of all versions have to agree: these never change. */
static const unsigned char client_key[APR_SIPHASH_KSIZE + 1] =
    "svb_elect client";
static const unsigned char node_key[APR_SIPHASH_KSIZE + 1] = "svb_fleet names";

apr_uint64_t svb_hash_text(const char *text, apr_size_t len)
{
    return apr_siphash24(text, len, client_key);
}

/* The client is half of the key and the route the text. Its bytes in a set
 * order, so that the result does not depend on the machine. */
apr_uint64_t svb_hash_pair(apr_uint64_t client, const char *route)
{
    unsigned char key[APR_SIPHASH_KSIZE];

    memcpy(key, client_key, sizeof(key));
    for (int i = 0; i < 8; i++) {
        key[i] = (unsigned char)(client >> (8 * i));
    }
    return apr_siphash24(route, strlen(route), key);
}

/* The NUL between the names keeps "a"+"bc" apart from "ab"+"c". */
apr_uint64_t svb_hash_node(const char *fleet, const char *route)
{
    char text[2 * (SVB_NAME_MAX + 1)];
    apr_size_t fleet_len = strlen(fleet) + 1, route_len = strlen(route) + 1;
    apr_uint64_t key;

    memcpy(text, fleet, fleet_len);
    memcpy(text + fleet_len, route, route_len);
    key = apr_siphash24(text, fleet_len + route_len, node_key);
    return key ? key : 1;
}
