/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * libFuzzer target: the sink. Any string must come out of it as valid UTF-8 and
 * without a byte that means something in the language it is written for, alone
 * and in the gap of a literal alike.
 */

#include "output.h"

/* The only quotes are the outer ones, or come after a backslash. */
static void check_quotes(const output *out, int outer)
{
    for (size_t i = outer; i < out->len; i++) {
        if (out->text[i] == '\\') {
            MUST(i + 1 < out->len && strchr("\\\"nrtbfu", out->text[i + 1]));
            i++;
        }
        else if (out->text[i] == '"') {
            MUST(outer && i + 1 == out->len);
        }
    }
}

static void check_sink(const char *text, svb_sink_text_fn *write,
                       const char *forbidden)
{
    output out = {NULL, 0, 0}, filled = {NULL, 0, 0};
    svb_sink s;

    svb_sink_init(&s, to_output, &out);
    write(&s, text);
    MUST(svb_sink_flush(&s) == APR_SUCCESS);
    MUST(out.len <= 6 * strlen(text) + 2);
    check_utf8(out.text, out.len);
    for (size_t i = 0; i < out.len; i++) {
        MUST(out.text[i] && !strchr(forbidden, out.text[i]));
    }
    if (write != svb_sink_html) {
        check_quotes(&out, write == svb_sink_json);
    }

    svb_sink_init(&s, to_output, &filled);
    svb_sink_fill(&s, write, "<%d>%s</>", 1, text);
    MUST(svb_sink_flush(&s) == APR_SUCCESS);
    MUST(filled.len == out.len + strlen("<1></>"));
    MUST(!memcmp(filled.text, "<1>", 3));
    MUST(!out.len || !memcmp(filled.text + 3, out.text, out.len));
    MUST(!memcmp(filled.text + 3 + out.len, "</>", 3));
    free(out.text);
    free(filled.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = input_text(data, size);

    check_sink(text, svb_sink_json, "<>&\n\r\t\f\x1b\x7f");
    check_sink(text, svb_sink_html, "<>\"'\r\f\x1b\x7f");
    check_sink(text, svb_sink_label, "\n\r\t\f\x1b\x7f");
    free(text);
    return 0;
}
