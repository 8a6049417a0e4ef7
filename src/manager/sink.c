/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "manager/sink.h"

#include <string.h>

#include "manager/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void svb_sink_init(svb_sink *s, svb_sink_write_fn *write, void *baton)
{
    s->write = write;
    s->baton = baton;
    s->rv = APR_SUCCESS;
    s->used = 0;
}

apr_status_t svb_sink_flush(svb_sink *s)
{
    if (s->rv == APR_SUCCESS && s->used > 0) {
        s->rv = s->write(s->baton, s->buf, s->used);
    }
    s->used = 0;
    return s->rv;
}

static void put(svb_sink *s, const char *data, apr_size_t len)
{
    while (len > 0) {
        apr_size_t room = sizeof(s->buf) - s->used;
        apr_size_t n = len < room ? len : room;

        memcpy(s->buf + s->used, data, n);
        s->used += n;
        data += n;
        len -= n;
        if (s->used == sizeof(s->buf)) {
            svb_sink_flush(s);
        }
    }
}

void svb_sink_literal(svb_sink *s, const char *data, apr_size_t len)
{
    put(s, data, len);
}

void svb_sink_word(svb_sink *s, const char *word)
{
    for (; word && *word; word++) {
        char c = *word;
        int fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                   || (c >= '0' && c <= '9') || c == '_' || c == '-';

        put(s, fine ? &c : "_", 1);
    }
}

/* A language's way to write ASCII characters that are not themselves in it:
 * writes c and returns true, or returns false for "c stands for itself". */
typedef int escape_fn(svb_sink *s, unsigned char c);

static void put_escaped(svb_sink *s, const char *text, escape_fn *escape,
                        const char *replacement)
{
    apr_size_t left = text ? strlen(text) : 0, size;

    for (; left > 0; text += size, left -= size) {
        apr_int32_t c = svb_utf8_read(text, left, &size);

        if (c < 0) {
            put(s, replacement, strlen(replacement));
        }
        else if (c >= 0x80 || !escape(s, (unsigned char)c)) {
            put(s, text, size);
        }
    }
}

static int escape_json(svb_sink *s, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    static const char hex[] = "0123456789abcdef";
    const char *known = strchr(from, c);

    if (known) {
        char pair[2] = {'\\', to[known - from]};
        put(s, pair, sizeof(pair));
        return 1;
    }
    if (c < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '&') {
        char code[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        put(s, code, sizeof(code));
        return 1;
    }
    return 0;
}

static int escape_html(svb_sink *s, unsigned char c)
{
    switch (c) {
    case '<':
        svb_sink_raw(s, "&lt;");
        return 1;
    case '>':
        svb_sink_raw(s, "&gt;");
        return 1;
    case '&':
        svb_sink_raw(s, "&amp;");
        return 1;
    case '"':
        svb_sink_raw(s, "&quot;");
        return 1;
    case '\'':
        svb_sink_raw(s, "&#39;");
        return 1;
    case '\t':
    case '\n':
        return 0;
    default:
        if (c >= 0x20 && c != 0x7f) {
            return 0;
        }
        svb_sink_raw(s, REPLACEMENT);
        return 1;
    }
}

/* The exposition format escapes only these three. Other control characters are
 * allowed in it, but readers that split at '\r' or form feed exist. */
static int escape_label(svb_sink *s, unsigned char c)
{
    switch (c) {
    case '\\':
        svb_sink_raw(s, "\\\\");
        return 1;
    case '"':
        svb_sink_raw(s, "\\\"");
        return 1;
    case '\n':
        svb_sink_raw(s, "\\n");
        return 1;
    default:
        if (c >= 0x20 && c != 0x7f) {
            return 0;
        }
        svb_sink_raw(s, REPLACEMENT);
        return 1;
    }
}

void svb_sink_json(svb_sink *s, const char *text)
{
    put(s, "\"", 1);
    put_escaped(s, text, escape_json, "\\ufffd");
    put(s, "\"", 1);
}

void svb_sink_html(svb_sink *s, const char *text)
{
    put_escaped(s, text, escape_html, REPLACEMENT);
}

void svb_sink_label(svb_sink *s, const char *text)
{
    put_escaped(s, text, escape_label, REPLACEMENT);
}

/* At least so many digits, with zeros in front. */
static void put_digits(svb_sink *s, apr_uint64_t n, int least)
{
    char digits[20]; /* 2^64 has 20 */
    int at = sizeof(digits);

    while (n > 0 || least > 0) {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
        least--;
    }
    put(s, digits + at, sizeof(digits) - at);
}

void svb_sink_uint(svb_sink *s, apr_uint64_t n)
{
    put_digits(s, n, 1);
}

void svb_sink_int(svb_sink *s, apr_int64_t n)
{
    if (n < 0) {
        put(s, "-", 1);
    }
    put_digits(s, n < 0 ? 0 - (apr_uint64_t)n : (apr_uint64_t)n, 1);
}

void svb_sink_double(svb_sink *s, double d)
{
    const double most = 1e12;
    apr_uint64_t n, fraction;
    int places = 4;

    if (d != d) {
        d = 0;
    }
    d = d > most ? most : d < -most ? -most : d;
    n = (apr_uint64_t)((d < 0 ? -d : d) * 10000 + 0.5);
    fraction = n % 10000;
    while (places > 1 && fraction % 10 == 0) {
        fraction /= 10;
        places--;
    }
    if (d < 0 && n > 0) {
        put(s, "-", 1);
    }
    put_digits(s, n / 10000, 1);
    put(s, ".", 1);
    put_digits(s, fraction, places);
}

void svb_sink_time(svb_sink *s, apr_time_t t)
{
    const apr_time_t last = apr_time_from_sec(APR_INT64_C(253402300799));
    apr_time_exp_t e;

    t = t < 0 ? 0 : t > last ? last : t;
    if (apr_time_exp_gmt(&e, t) != APR_SUCCESS) {
        memset(&e, 0, sizeof(e));
        e.tm_year = 70;
        e.tm_mday = 1;
    }
    put_digits(s, (apr_uint64_t)e.tm_year + 1900, 4);
    put(s, "-", 1);
    put_digits(s, (apr_uint64_t)e.tm_mon + 1, 2);
    put(s, "-", 1);
    put_digits(s, (apr_uint64_t)e.tm_mday, 2);
    put(s, "T", 1);
    put_digits(s, (apr_uint64_t)e.tm_hour, 2);
    put(s, ":", 1);
    put_digits(s, (apr_uint64_t)e.tm_min, 2);
    put(s, ":", 1);
    put_digits(s, (apr_uint64_t)e.tm_sec, 2);
    put(s, "Z", 1);
}
