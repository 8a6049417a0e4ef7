/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "config/escape.h"

#include <stdlib.h>
#include <string.h>

static int is_hex_digit(char c)
{
    return c && strchr("0123456789abcdefABCDEF", c);
}

int svb_escape_read(const char *s)
{
    if (s[0] != '%' || !is_hex_digit(s[1]) || !is_hex_digit(s[2])) {
        return -1;
    }
    return (int)strtol((const char[]){s[1], s[2], '\0'}, NULL, 16);
}

static int is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9');
}

const char *svb_escape_text(apr_pool_t *p, const char *text, const char *kept,
                            int keeps_escapes)
{
    static const char digits[] = "0123456789ABCDEF";
    int keeps_alnum =
        !strncmp(kept, SVB_ESCAPE_ALNUM, sizeof(SVB_ESCAPE_ALNUM) - 1);
    char *result = apr_palloc(p, SVB_ESCAPE_LEN * strlen(text) + 1);
    char *out = result;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if ((keeps_alnum && is_alnum(*text)) || strchr(kept, *text)
            || (keeps_escapes && svb_escape_read(text) >= 0)) {
            *out++ = *text;
        }
        else {
            *out++ = '%';
            *out++ = digits[c >> 4];
            *out++ = digits[c & 15];
        }
    }
    *out = '\0';
    return result;
}
