/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "manager/accept.h"

#include <string.h>

#include <apr.h>
#include <apr_lib.h>

/* Some bytes of the header, without the blanks around them. */
typedef struct part {
    const char *data;
    apr_size_t len;
} part;

/* The next part up to a separator that is not within quotes. @return whether there
 * is one */
static int next_part(const char **left, char separator, const char *end,
                     part *out)
{
    const char *at = *left, *stop;
    int quoted = 0;

    if (at >= end) {
        return 0;
    }
    for (stop = at; stop < end && (quoted || *stop != separator); stop++) {
        if (*stop == '\\' && quoted && stop + 1 < end) {
            stop++;
        }
        else if (*stop == '"') {
            quoted = !quoted;
        }
    }
    *left = stop + 1;
    while (at < stop && apr_isspace(*at)) {
        at++;
    }
    while (stop > at && apr_isspace(stop[-1])) {
        stop--;
    }
    *out = (part){at, (apr_size_t)(stop - at)};
    return 1;
}

static int is(const part *text, const char *word)
{
    return text->len == strlen(word)
           && strncasecmp(text->data, word, text->len) == 0;
}

static int begins(const part *text, const char *word)
{
    return text->len >= strlen(word)
           && strncasecmp(text->data, word, strlen(word)) == 0;
}

/* "q=0", "q=0.", "q=0.000" */
static int is_never(const part *parameter)
{
    if (!begins(parameter, "q=")) {
        return 0;
    }
    for (apr_size_t i = 2; i < parameter->len; i++) {
        if (parameter->data[i] != '0' && parameter->data[i] != '.') {
            return 0;
        }
    }
    return parameter->len > 2;
}

/* What one media range asks for; SVB_ACCEPTS: nothing that we know. */
static svb_accept of_range(const part *range)
{
    const char *left = range->data, *end = range->data + range->len;
    part type, parameter;
    int versioned = 0;

    if (!next_part(&left, ';', end, &type)) {
        return SVB_ACCEPTS;
    }
    while (next_part(&left, ';', end, &parameter)) {
        if (is_never(&parameter)) {
            return SVB_ACCEPTS;
        }
        versioned |= begins(&parameter, "version=");
    }
    if (is(&type, "text/html") || is(&type, "application/xhtml+xml")) {
        return SVB_ACCEPT_HTML;
    }
    if (is(&type, "application/json")) {
        return SVB_ACCEPT_JSON;
    }
    if (is(&type, "application/openmetrics-text")
        || (is(&type, "text/plain") && versioned)) {
        return SVB_ACCEPT_PROMETHEUS;
    }
    return SVB_ACCEPTS;
}

svb_accept svb_accept_read(const char *header)
{
    const char *left = header ? header : "";
    const char *end = left + strlen(left);
    svb_accept found = SVB_ACCEPTS;
    part range;

    while (next_part(&left, ',', end, &range)) {
        svb_accept asked = of_range(&range);

        if (asked == SVB_ACCEPT_HTML) {
            return asked;
        }
        if (found == SVB_ACCEPTS) {
            found = asked;
        }
    }
    return found == SVB_ACCEPTS ? SVB_ACCEPT_HTML : found;
}
