/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * libFuzzer target: the names and values of a query. Any bytes must be split
 * into pairs of which nothing is lost; what is decoded must be clean text, and
 * the same however it was escaped.
 */

#include <apr_strings.h>

#include "manager/query.h"
#include "output.h"

/* With every byte escaped, it is the same. */
static void check_escaped(apr_pool_t *p, const char *text)
{
    const char *query = "a=b&format=", *value;

    for (const char *c = text; *c; c++) {
        query = apr_psprintf(p, "%s%%%02x", query, (unsigned char)*c);
    }
    value = svb_query_value(p, query, "format");
    MUST(value && !strcmp(value, text));
}

static void check_bytes(apr_pool_t *p, svb_query_bytes raw)
{
    const char *text = NULL, *error = svb_query_decode(p, raw, &text);

    if (error) {
        check_error(error);
        return;
    }
    check_clean(text, raw.len);
    if (raw.len < 64) {
        check_escaped(p, text);
    }
}

/* The pairs are the query, but for empty ones. */
static void check_pairs(apr_pool_t *p, const char *query, size_t len)
{
    svb_query_bytes left = {query, len}, name, value;
    const char *at = query;

    while (svb_query_next(&left, &name, &value)) {
        for (; at < name.data; at++) {
            MUST(*at == '&');
        }
        MUST(at == name.data && !memchr(name.data, '&', name.len));
        MUST(!memchr(name.data, '=', name.len));
        at += name.len;
        if (value.data) {
            MUST(*at == '=' && value.data == at + 1);
            MUST(!memchr(value.data, '&', value.len));
            at = value.data + value.len;
        }
        MUST(at == left.data && left.data + left.len == query + len);
        check_bytes(p, name);
        check_bytes(p, value);
    }
    for (; at < query + len; at++) {
        MUST(*at == '&');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size);
    const char *value;
    apr_pool_t *p;

    apr_pool_create(&p, root_pool());
    check_pairs(p, (const char *)data, size);
    value = svb_query_value(p, text, "format");
    if (value) {
        check_clean(value, strlen(text));
        MUST(strchr(text, '='));
    }
    else {
        MUST(!strstr(text, "&format=") && strncmp(text, "format=", 7));
    }
    free(text);
    apr_pool_destroy(p);
    return 0;
}
