/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The one place where bytes from outside become output.
 *
 * A sink is a small buffer in front of a write callback. What is put into it is
 * either a literal of the source (svb_sink_raw(), which does not compile for
 * anything else) or goes through the function of the language it ends up in:
 * JSON, HTML, Prometheus labels. So a writer cannot forget to escape. Both at
 * once are a literal with gaps:
 *
 *     svb_sink_fill(s, svb_sink_html, "<h2 id=\"f%d\">%s</h2>", i, name);
 *
 * - Strings are taken as UTF-8; a byte that is not part of a well-formed
 *   sequence comes out as U+FFFD. So do control characters in HTML and label
 *   values. NULL counts as "".
 * - Numbers and times do not depend on the locale.
 * - The first error of the callback sticks: everything after it is discarded,
 *   and svb_sink_flush() reports it. Writers need not check in between.
 *
 * A sink belongs to one thread. It allocates nothing, so it may live on the
 * stack and needs no cleanup. All functions may be called in any phase.
 */
#ifndef SVB_REPORT_SINK_H
#define SVB_REPORT_SINK_H

#include <apr.h>
#include <apr_errno.h>
#include <apr_time.h>

/**
 * Takes the output.
 * @param baton as given to svb_sink_init()
 * @param data bytes, valid during the call; not NUL-terminated
 * @param len their number, above zero
 * @return APR_SUCCESS, or an error, after which it is not called again
 */
typedef apr_status_t svb_sink_write_fn(void *baton, const char *data,
                                       apr_size_t len);

/** A sink; its members are the business of report/sink.c. */
typedef struct svb_sink {
    svb_sink_write_fn *write;
    void *baton;
    apr_status_t rv;
    apr_size_t used;
    char buf[2048];
} svb_sink;

/**
 * Make a sink ready for use.
 * @param s the sink, overwritten
 * @param write takes the output
 * @param baton is handed to it
 */
void svb_sink_init(svb_sink *s, svb_sink_write_fn *write, void *baton);

/**
 * Hand what is buffered to the callback. To be called once at the end.
 * @param s the sink
 * @return the first error of the callback so far, or APR_SUCCESS
 */
apr_status_t svb_sink_flush(svb_sink *s);

/**
 * Write a string literal as it is. Anything but a literal does not compile.
 * @param s the sink
 * @param literal the literal
 */
#define svb_sink_raw(s, literal)                                               \
    svb_sink_literal((s), "" literal "", sizeof(literal) - 1)

/**
 * Write one of two literals.
 * @param s the sink
 * @param condition which one
 * @param yes the one where it holds
 * @param no the other
 */
#define svb_sink_either(s, condition, yes, no)                                 \
    ((condition) ? svb_sink_raw(s, yes) : svb_sink_raw(s, no))

/**
 * What svb_sink_raw() calls; not to be called otherwise.
 * @param s the sink
 * @param data a literal of the source
 * @param len its length
 */
void svb_sink_literal(svb_sink *s, const char *data, apr_size_t len);

/**
 * Writes text in a language: one of the functions below.
 * @param s the sink
 * @param text any bytes, or NULL for ""
 */
typedef void svb_sink_text_fn(svb_sink *s, const char *text);

/**
 * Write a string literal with gaps. Anything but a literal does not compile,
 * nor does a gap that does not fit its argument.
 * @param s the sink
 * @param write fills the gaps of text
 * @param ... the literal, and what goes into its gaps: "%s" takes text, "%d" an
 *        int, "%" APR_UINT64_T_FMT an apr_uint64_t; there are no others
 */
#define svb_sink_fill(s, write, ...)                                           \
    svb_sink_filled((s), (write), "" __VA_ARGS__)

/**
 * What svb_sink_fill() calls; not to be called otherwise.
 * @param s the sink
 * @param write fills the gaps of text
 * @param format a literal of the source
 */
void svb_sink_filled(svb_sink *s, svb_sink_text_fn *write, const char *format,
                     ...) __attribute__((format(printf, 3, 4)));

/**
 * Write a JSON string with its quotes. Besides what JSON asks for, '<', '>',
 * '&' and DEL are escaped: harmless even to who takes the answer for HTML.
 * @param s the sink
 * @param text any bytes, or NULL for ""
 */
void svb_sink_json(svb_sink *s, const char *text);

/**
 * Write HTML text, or the value of an attribute in double or single quotes
 * (which are the caller's). Tab and newline stay.
 * @param s the sink
 * @param text any bytes, or NULL for ""
 */
void svb_sink_html(svb_sink *s, const char *text);

/**
 * Write HTML text as svb_sink_html() does, for a page in whatever charset: what is
 * not ASCII becomes a character reference.
 * @param s the sink
 * @param text any bytes, or NULL for ""
 */
void svb_sink_html_ascii(svb_sink *s, const char *text);

/**
 * Write plain text into a line: what is not printable ASCII becomes '?'.
 * @param s the sink
 * @param text any bytes, or NULL for ""
 */
void svb_sink_ascii(svb_sink *s, const char *text);

/**
 * Write the value of a Prometheus label, without its quotes.
 * @param s the sink
 * @param text any bytes, or NULL for ""
 */
void svb_sink_label(svb_sink *s, const char *text);

/**
 * Write an unsigned number in decimal.
 * @param s the sink
 * @param n the number
 */
void svb_sink_uint(svb_sink *s, apr_uint64_t n);

/**
 * Write a signed number in decimal.
 * @param s the sink
 * @param n the number
 */
void svb_sink_int(svb_sink *s, apr_int64_t n);

/**
 * Write a fraction, rounded to four digits after the point, of which at least
 * one is kept: "1.0", "0.25". That is valid in JSON, in HTML's number fields
 * and in Prometheus.
 * @param s the sink
 * @param d the fraction; beyond +-1e12 it is cut to that, not-a-number is 0.0
 */
void svb_sink_double(svb_sink *s, double d);

/**
 * Write a time as RFC 3339 has it, in UTC: "2026-11-22T10:00:00Z".
 * @param s the sink
 * @param t the time; what is not in the years 1970 to 9999 is cut to them
 */
void svb_sink_time(svb_sink *s, apr_time_t t);

/**
 * Write a number of things: "1 node", "2 nodes". For HTML.
 * @param s the sink
 * @param n how many
 * @param one what one of them is called
 * @param many what others are called
 */
void svb_sink_count(svb_sink *s, apr_uint64_t n, const char *one,
                    const char *many);

/**
 * Write a time span for people, in the two largest units that tell something:
 * "3 d 4 h", "5 min", "12 s".
 * @param s the sink
 * @param t the time; what is below zero counts as zero
 */
void svb_sink_duration(svb_sink *s, apr_interval_time_t t);

/**
 * Write a number of bytes for people: "512 B", "1.4 MiB".
 * @param s the sink
 * @param bytes the number
 */
void svb_sink_size(svb_sink *s, apr_uint64_t bytes);

#endif /* SVB_REPORT_SINK_H */
