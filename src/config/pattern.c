/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/pattern.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

/* Characters that do not stand for themselves. */
#define SPECIAL "\\^$.[]|()?*+{}"

/* An alternative that is not within parentheses. In doubt there is one: brackets and
 * escapes are not looked into. */
static int has_alternatives(const char *regex)
{
    int depth = 0;

    for (; *regex; regex++) {
        depth += (*regex == '(') - (*regex == ')');
        if (*regex == '|' && depth <= 0) {
            return 1;
        }
        if (*regex == '[' || *regex == '\\') {
            return strchr(regex, '|') != NULL;
        }
    }
    return 0;
}

static apr_size_t literal_of(const char *regex)
{
    apr_size_t len;

    if (*regex != '^' || has_alternatives(regex)) {
        return 0;
    }
    len = strcspn(regex + 1, SPECIAL);
    /* The last one may be there many times, or not at all. */
    return len > 0 && strchr("?*{", regex[1 + len]) && regex[1 + len] ? len - 1
                                                                      : len;
}

/* The letters that text stands for up to its "$", which ends it, or NULL: it is more
 * than letters. */
static const char *letters_of(apr_pool_t *p, const char *text)
{
    char *letters = apr_palloc(p, strlen(text) + 1), *out = letters;

    for (; *text && strcmp(text, "$"); text++) {
        if (*text == '\\' && apr_ispunct(text[1])) {
            text++;
        }
        else if (strchr(SPECIAL, *text)) {
            return NULL;
        }
        *out++ = *text;
    }
    *out = '\0';
    return *text ? letters : NULL;
}

svb_pattern_shape svb_pattern_read(apr_pool_t *p, const char *regex)
{
    apr_size_t len = literal_of(regex);
    svb_pattern_shape shape = {.prefix = apr_pstrmemdup(p, regex + 1, len),
                               .prefix_len = len};
    const char *rest = regex + 1 + len;

    if (len == 0) {
        return shape;
    }
    if (*rest == '\0') {
        shape.is_whole = 1;
    }
    else if (!strncmp(rest, ".+", 2)
             && (shape.suffix = letters_of(p, rest + 2)) != NULL) {
        shape.suffix_len = strlen(shape.suffix);
        shape.is_whole = 1;
    }
    return shape;
}

/* What "." and "$" make of the end of a line is for others to know. */
svb_pattern_answer svb_pattern_try(const svb_pattern_shape *shape,
                                   const char *text)
{
    apr_size_t len;

    if (strncmp(text, shape->prefix, shape->prefix_len)) {
        return SVB_PATTERN_NO;
    }
    if (!shape->is_whole) {
        return SVB_PATTERN_PERHAPS;
    }
    if (!shape->suffix) {
        return SVB_PATTERN_YES;
    }
    if (strpbrk(text, "\r\n")) {
        return SVB_PATTERN_PERHAPS;
    }
    text += shape->prefix_len;
    len = strlen(text);
    return len > shape->suffix_len
                   && !memcmp(text + len - shape->suffix_len, shape->suffix,
                              shape->suffix_len)
               ? SVB_PATTERN_YES
               : SVB_PATTERN_NO;
}
