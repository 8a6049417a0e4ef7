/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What the manager's harnesses share: a sink whose output is kept, and UTF-8
 * read another way than the manager reads it.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "fuzz.h"
#include "report/sink.h"

/** Output so far; all zero before the first. The text is NUL-terminated, and on
 *  the heap. */
typedef struct output {
    char *text;
    size_t len, room;
} output;

/**
 * A svb_sink_write_fn.
 * @param baton an output
 * @param data bytes
 * @param len their number
 * @return APR_SUCCESS
 */
static inline apr_status_t to_output(void *baton, const char *data,
                                     apr_size_t len)
{
    output *out = baton;

    MUST(len > 0);
    if (out->len + len >= out->room) {
        out->room = 2 * (out->room + len + 1);
        out->text = realloc(out->text, out->room);
        MUST(out->text);
    }
    memcpy(out->text + out->len, data, len);
    out->len += len;
    out->text[out->len] = '\0';
    return APR_SUCCESS;
}

/**
 * The text is well-formed UTF-8.
 * @param text the text
 * @param len its length in bytes
 */
static inline void check_utf8(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text, *end = s + len;

    while (s < end) {
        int more = *s < 0x80 ? 0 : *s < 0xe0 ? 1 : *s < 0xf0 ? 2 : 3;

        MUST(*s < 0x80 || (*s >= 0xc2 && *s <= 0xf4));
        MUST(end - s > more);
        MUST(s[0] != 0xe0 || s[1] >= 0xa0);
        MUST(s[0] != 0xed || s[1] <= 0x9f);
        MUST(s[0] != 0xf0 || s[1] >= 0x90);
        MUST(s[0] != 0xf4 || s[1] <= 0x8f);
        for (s++; more > 0; more--, s++) {
            MUST((*s & 0xc0) == 0x80);
        }
    }
}

/**
 * What has come in as text is text: UTF-8 without control characters.
 * @param text the text
 * @param most its greatest length in bytes
 */
static inline void check_clean(const char *text, size_t most)
{
    size_t len = strlen(text);

    MUST(len <= most);
    check_utf8(text, len);
    for (size_t i = 0; i < len; i++) {
        MUST((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
    }
}

#endif /* OUTPUT_H */
