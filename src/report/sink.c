/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "report/sink.h"

#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

#include "report/utf8.h"

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

/* Short, and nothing in it from outside. */
static void put_printed(svb_sink *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put_printed(svb_sink *s, const char *format, ...)
{
    char text[64];
    va_list args;

    va_start(args, format);
    put(s, text, (apr_size_t)apr_vsnprintf(text, sizeof(text), format, args));
    va_end(args);
}

void svb_sink_literal(svb_sink *s, const char *data, apr_size_t len)
{
    put(s, data, len);
}

/* ------------------------------------------------------------ text, escaped */

/* How ASCII characters are written that do not stand for themselves. Control
 * characters without an entry never do. */
typedef const char *escapes[0x80];

static const escapes json_escapes = {
    ['"'] = "\\\"",    ['\\'] = "\\\\",   ['\b'] = "\\b", ['\f'] = "\\f",
    ['\n'] = "\\n",    ['\r'] = "\\r",    ['\t'] = "\\t", ['<'] = "\\u003c",
    ['>'] = "\\u003e", ['&'] = "\\u0026",
};

static const escapes html_escapes = {
    ['<'] = "&lt;",   ['>'] = "&gt;", ['&'] = "&amp;", ['"'] = "&quot;",
    ['\''] = "&#39;", ['\t'] = "\t",  ['\n'] = "\n",
};

/* The exposition format escapes only these three. Other control characters are
 * allowed in it, but readers that split at '\r' or form feed exist. */
static const escapes label_escapes = {
    ['\\'] = "\\\\",
    ['"'] = "\\\"",
    ['\n'] = "\\n",
};

static void put_text(svb_sink *s, const char *text)
{
    put(s, text, strlen(text));
}

static void put_escaped(svb_sink *s, const char *text, const escapes how)
{
    apr_size_t left = text ? strlen(text) : 0, size;

    for (; left > 0; text += size, left -= size) {
        apr_int32_t c = svb_utf8_read(text, left, &size);

        if (c >= 0 && c < 0x80 && how[c]) {
            put_text(s, how[c]);
        }
        else if (c >= 0x20 && c != 0x7f) {
            put(s, text, size);
        }
        else if (how == json_escapes) {
            put_printed(s, "\\u%04x", c < 0 ? 0xfffdu : (unsigned int)c);
        }
        else {
            put_text(s, REPLACEMENT);
        }
    }
}

void svb_sink_json(svb_sink *s, const char *text)
{
    put(s, "\"", 1);
    put_escaped(s, text, json_escapes);
    put(s, "\"", 1);
}

void svb_sink_html(svb_sink *s, const char *text)
{
    put_escaped(s, text, html_escapes);
}

void svb_sink_label(svb_sink *s, const char *text)
{
    put_escaped(s, text, label_escapes);
}

/* As ASCII alone: what is not is its number in HTML, or a question mark. */
static void put_ascii(svb_sink *s, const char *text, const escapes how)
{
    apr_size_t left = text ? strlen(text) : 0, size;

    for (; left > 0; text += size, left -= size) {
        apr_int32_t c = svb_utf8_read(text, left, &size);

        if (c >= 0 && c < 0x80 && how[c]) {
            put_text(s, how[c]);
        }
        else if (c >= 0x20 && c < 0x7f) {
            put(s, text, size);
        }
        else if (how == html_escapes) {
            put_printed(s, "&#%u;",
                        c < 0x20 || c == 0x7f ? 0xfffdu : (unsigned int)c);
        }
        else {
            put(s, "?", 1);
        }
    }
}

void svb_sink_html_ascii(svb_sink *s, const char *text)
{
    put_ascii(s, text, html_escapes);
}

void svb_sink_ascii(svb_sink *s, const char *text)
{
    static const escapes none = {NULL};

    put_ascii(s, text, none);
}

void svb_sink_filled(svb_sink *s, svb_sink_text_fn *write, const char *format,
                     ...)
{
    va_list args;

    va_start(args, format);
    for (;;) {
        apr_size_t plain = strcspn(format, "%");

        put(s, format, plain);
        format += plain;
        if (!*format) {
            break;
        }
        format += 1 + strspn(format + 1, "l");
        switch (*format++) {
        case 's':
            write(s, va_arg(args, const char *));
            break;
        case 'd':
            svb_sink_int(s, va_arg(args, int));
            break;
        default:
            svb_sink_uint(s, va_arg(args, apr_uint64_t));
            break;
        }
    }
    va_end(args);
}

/* ------------------------------------------------------- numbers and times */

void svb_sink_uint(svb_sink *s, apr_uint64_t n)
{
    put_printed(s, "%" APR_UINT64_T_FMT, n);
}

void svb_sink_int(svb_sink *s, apr_int64_t n)
{
    put_printed(s, "%" APR_INT64_T_FMT, n);
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
    put_printed(s, "%s%" APR_UINT64_T_FMT ".%0*d", d < 0 && n > 0 ? "-" : "",
                n / 10000, places, (int)fraction);
}

void svb_sink_time(svb_sink *s, apr_time_t t)
{
    const apr_time_t last = apr_time_from_sec(APR_INT64_C(253402300799));
    apr_time_exp_t e = {.tm_year = 70, .tm_mday = 1};

    apr_time_exp_gmt(&e, t < 0 ? 0 : t > last ? last : t);
    put_printed(s, "%04d-%02d-%02dT%02d:%02d:%02dZ", e.tm_year + 1900,
                e.tm_mon + 1, e.tm_mday, e.tm_hour, e.tm_min, e.tm_sec);
}

/* -------------------------------------------------------------- for people */

void svb_sink_count(svb_sink *s, apr_uint64_t n, const char *one,
                    const char *many)
{
    svb_sink_fill(s, svb_sink_html, "%" APR_UINT64_T_FMT " %s", n,
                  n == 1 ? one : many);
}

void svb_sink_duration(svb_sink *s, apr_interval_time_t t)
{
    static const struct {
        apr_int64_t seconds;
        const char *unit;
        int alone; /* what is smaller does not matter */
    } units[] = {
        {86400, "d", 0},
        {3600, "h", 0},
        {60, "min", 1},
        {1, "s", 1},
    };
    apr_int64_t left = t > 0 ? apr_time_sec(t) : 0;
    int i = 0;

    while (i < 3 && left < units[i].seconds) {
        i++;
    }
    put_printed(s, "%" APR_INT64_T_FMT " %s", left / units[i].seconds,
                units[i].unit);
    left %= units[i].seconds;
    if (!units[i].alone && left >= units[i + 1].seconds) {
        put_printed(s, " %" APR_INT64_T_FMT " %s", left / units[i + 1].seconds,
                    units[i + 1].unit);
    }
}

void svb_sink_size(svb_sink *s, apr_uint64_t bytes)
{
    static const char prefixes[] = "KMGTPE";
    const char *prefix = prefixes;

    if (bytes < 1024) {
        put_printed(s, "%d B", (int)bytes);
        return;
    }
    for (; bytes >= 1024 * 1024; prefix++) {
        bytes >>= 10;
    }
    bytes = bytes * 10 / 1024; /* tenths */
    put_printed(s, "%d.%d %ciB", (int)(bytes / 10), (int)(bytes % 10), *prefix);
}
