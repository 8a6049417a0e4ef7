/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "manager/query.h"

#include <string.h>

#include <apr_escape.h>
#include <apr_strings.h>

#include "report/utf8.h"

int svb_query_next(svb_query_bytes *left, svb_query_bytes *name,
                   svb_query_bytes *value)
{
    const char *end, *equals;

    while (left->len > 0 && *left->data == '&') {
        left->data++;
        left->len--;
    }
    if (left->len == 0) {
        return 0;
    }
    end = memchr(left->data, '&', left->len);
    *name = (svb_query_bytes){left->data,
                              end ? (apr_size_t)(end - left->data) : left->len};
    left->data += name->len;
    left->len -= name->len;
    *value = (svb_query_bytes){NULL, 0};
    equals = memchr(name->data, '=', name->len);
    if (equals) {
        *value = (svb_query_bytes){
            equals + 1, (apr_size_t)(name->data + name->len - equals - 1)};
        name->len = (apr_size_t)(equals - name->data);
    }
    return 1;
}

const char *svb_query_decode(apr_pool_t *p, svb_query_bytes raw,
                             const char **text)
{
    char *copy = apr_pstrmemdup(p, raw.data ? raw.data : "", raw.len);
    apr_size_t left, size;

    *text = copy;
    if (strlen(copy) != raw.len) {
        return "has a control character";
    }
    switch (
        apr_unescape_url(copy, copy, APR_ESCAPE_STRING, NULL, NULL, 1, NULL)) {
    case APR_EINVAL:
        return "has a % that is not followed by two hexadecimal digits";
    case APR_BADCH: /* %00 */
        return "has a control character";
    default:
        break;
    }
    for (left = strlen(copy); left > 0; copy += size, left -= size) {
        apr_int32_t c = svb_utf8_read(copy, left, &size);

        if (c < 0) {
            return "is not valid UTF-8";
        }
        if (c < 0x20 || c == 0x7f) {
            return "has a control character";
        }
    }
    return NULL;
}

const char *svb_query_value(apr_pool_t *p, const char *query, const char *name)
{
    svb_query_bytes left = {query, query ? strlen(query) : 0}, raw, value;
    const char *text;

    while (svb_query_next(&left, &raw, &value)) {
        if (value.data && !svb_query_decode(p, raw, &text)
            && strcmp(text, name) == 0) {
            return svb_query_decode(p, value, &text) ? "" : text;
        }
    }
    return NULL;
}
