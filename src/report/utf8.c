/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "report/utf8.h"

/* How long is the sequence that this byte starts, which of its bits count, and
 * from which code point on may it be so long? */
static apr_size_t sequence(unsigned char first, apr_int32_t *bits,
                           apr_int32_t *least)
{
    static const struct {
        unsigned char mask, value;
        apr_int32_t least;
    } forms[] = {
        {0x80, 0x00, 0x0},
        {0xe0, 0xc0, 0x80},
        {0xf0, 0xe0, 0x800},
        {0xf8, 0xf0, 0x10000},
    };

    for (apr_size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if ((first & forms[i].mask) == forms[i].value) {
            *bits = first & (unsigned char)~forms[i].mask;
            *least = forms[i].least;
            return i + 1;
        }
    }
    return 0;
}

apr_int32_t svb_utf8_read(const char *data, apr_size_t len, apr_size_t *size)
{
    const unsigned char *p = (const unsigned char *)data;
    apr_int32_t c = 0, least = 0;
    apr_size_t n = sequence(p[0], &c, &least);

    *size = 1;
    if (n == 0 || n > len) {
        return -1;
    }
    for (apr_size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return -1;
        }
        c = (c << 6) | (p[i] & 0x3f);
    }
    if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        return -1;
    }
    *size = n;
    return c;
}
