/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/pattern.h"

#include <string.h>

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

apr_size_t svb_pattern_literal(const char *regex)
{
    apr_size_t len;

    if (*regex != '^' || has_alternatives(regex)) {
        return 0;
    }
    len = strcspn(regex + 1, "\\^$.[]|()?*+{}");
    /* The last one may be there many times, or not at all. */
    return len > 0 && strchr("?*{", regex[1 + len]) && regex[1 + len] ? len - 1
                                                                      : len;
}

int svb_pattern_may_match(const char *regex, apr_size_t literal,
                          const char *text)
{
    return literal == 0 || !strncmp(text, regex + 1, literal);
}
