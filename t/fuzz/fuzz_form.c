/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * libFuzzer target: the manager's form parser, and the sink that its input may
 * end up in. Any bytes must give either a well-formed action or a message that
 * can be logged; any string must come out of the sink without a byte that means
 * something in the language it is written for.
 */

#include <apr_strings.h>

#include "fuzz.h"
#include "memory/records.h"
#include "manager/form.h"
#include "manager/sink.h"
#include "manager/utf8.h"

typedef struct output {
    char *text;
    apr_size_t len, room;
} output;

static apr_status_t to_output(void *baton, const char *data, apr_size_t len)
{
    output *out = baton;

    MUST(len > 0 && out->len + len <= out->room);
    memcpy(out->text + out->len, data, len);
    out->len += len;
    return APR_SUCCESS;
}

static void check_utf8(const char *data, apr_size_t len)
{
    apr_size_t size;

    for (; len > 0; data += size, len -= size) {
        MUST(svb_utf8_read(data, len, &size) >= 0);
        MUST(size > 0 && size <= len);
    }
}

static void check_field(const char *value, apr_size_t most)
{
    apr_size_t len = strlen(value), i;

    MUST(len > 0 && len <= most);
    check_utf8(value, len);
    for (i = 0; i < len; i++) {
        MUST((unsigned char)value[i] >= 0x20 && value[i] != 0x7f);
    }
}

static void check_form(apr_pool_t *p, const char *data, apr_size_t len)
{
    svb_form form;
    const char *error = svb_form_parse(p, data, len, &form);

    if (error) {
        MUST(strlen(error) < 400);
        check_error(error);
        return;
    }
    check_field(form.action.fleet, SVB_NAME_MAX);
    check_field(form.action.node, SVB_NAME_MAX);
    check_field(form.nonce, 128);
    MUST(*svb_action_name(form.action.kind));
    if (form.action.kind == SVB_ACTION_LOADFACTOR) {
        MUST(form.action.value >= SVB_LOADFACTOR_MIN);
        MUST(form.action.value <= SVB_LOADFACTOR_MAX);
    }
    else {
        MUST(form.action.value == 0);
    }
}

static void check_sink(apr_pool_t *p, const char *text, apr_size_t len,
                       void (*write)(svb_sink *, const char *),
                       const char *forbidden)
{
    output out = {NULL, 0, 6 * len + 2};
    apr_size_t i;
    svb_sink s;

    out.text = apr_palloc(p, out.room);
    svb_sink_init(&s, to_output, &out);
    write(&s, text);
    MUST(svb_sink_flush(&s) == APR_SUCCESS);
    check_utf8(out.text, out.len);
    for (i = 0; i < out.len; i++) {
        MUST(out.text[i] && !strchr(forbidden, out.text[i]));
    }
    if (write == svb_sink_html) {
        return;
    }
    /* the only quotes are the outer ones or come after a backslash */
    for (i = write == svb_sink_json; i < out.len; i++) {
        if (out.text[i] == '\\') {
            MUST(i + 1 < out.len && strchr("\\\"nrtbfu", out.text[i + 1]));
            i++;
        }
        else if (out.text[i] == '"') {
            MUST(write == svb_sink_json && i + 1 == out.len);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p;
    char *text;

    apr_pool_create(&p, root_pool());
    check_form(p, (const char *)data, size);
    text = input_text(data, size);
    size = strlen(text);
    check_sink(p, text, size, svb_sink_json, "<>&\n\r\t\f\x1b\x7f");
    check_sink(p, text, size, svb_sink_html, "<>\"'\r\f\x1b\x7f");
    check_sink(p, text, size, svb_sink_label, "\n\r\t\f\x1b\x7f");
    free(text);
    apr_pool_destroy(p);
    return 0;
}
