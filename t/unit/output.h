/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A sink whose output is looked at: what the tests of the manager's writers
 * share.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <string.h>

#include <apr_strings.h>

#include "report/sink.h"
#include "unit.h"

/** What was written since setup(), NUL-terminated. */
static char *text;
static apr_size_t text_len, text_room;

/** A sink that writes there. */
static svb_sink sink __attribute__((unused));

/** A svb_sink_write_fn. */
static inline apr_status_t to_text(void *baton, const char *data,
                                   apr_size_t len)
{
    (void)baton;
    ck_assert_uint_gt(len, 0);
    while (text_len + len + 1 > text_room) {
        text_room = text_room ? 2 * text_room : 65536;
        text = realloc(text, text_room);
        ck_assert_ptr_nonnull(text);
    }
    memcpy(text + text_len, data, len);
    text_len += len;
    text[text_len] = '\0';
    return APR_SUCCESS;
}

/** A checked fixture, with teardown(). */
static inline void setup(void)
{
    pool_setup();
    text_len = 0;
    svb_sink_init(&sink, to_text, NULL);
}

static inline void teardown(void)
{
    free(text);
    text = NULL;
    text_room = 0;
    pool_teardown();
}

/** What has been put into the sink since the last call, as a copy. */
static inline const char *written(void)
{
    const char *copy;

    ck_assert_int_eq(svb_sink_flush(&sink), APR_SUCCESS);
    copy = apr_pstrmemdup(pool, text ? text : "", text_len);
    text_len = 0;
    return copy;
}

/** How often something is in the text. */
static inline int count(const char *what)
{
    const char *at = text;
    int n = 0;

    while ((at = strstr(at, what)) != NULL) {
        at += strlen(what);
        n++;
    }
    return n;
}

#endif /* OUTPUT_H */
