/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "manager/form.h"

#include <stddef.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "manager/query.h"
#include "memory/names.h"

/* Longest piece of the input that stands in a message. */
#define SHOWN_MOST 32

typedef enum value_kind { TEXT, ACTION, NUMBER } value_kind;

/* The fields that a form may have. */
typedef struct field {
    const char *name;
    int required;      /* there and not empty */
    apr_size_t max;    /* longest value in bytes */
    value_kind kind;   /* of value */
    apr_size_t offset; /* where it goes in svb_form */
} field;

#define AT(member) offsetof(svb_form, member)

static const field fields[] = {
    {"fleet", 1, SVB_NAME_MAX, TEXT, AT(action.fleet)},
    {"node", 1, SVB_NAME_MAX, TEXT, AT(action.node)},
    {"action", 1, 32, ACTION, AT(action.kind)},
    {"nonce", 1, 128, TEXT, AT(nonce)},
    {"value", 0, 16, NUMBER, AT(action.value)},
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* Input as it may stand in a message: short, printable, ASCII, no quotes. */
static const char *shown(apr_pool_t *p, const char *text)
{
    char *copy = apr_pstrndup(p, text, SHOWN_MOST);

    for (char *c = copy; *c; c++) {
        if (*c < 0x20 || *c > 0x7e || *c == '"') {
            *c = '?';
        }
    }
    return strlen(text) > SHOWN_MOST ? apr_pstrcat(p, copy, "...", NULL) : copy;
}

static const char *wrong(apr_pool_t *p, const char *name, const char *how)
{
    return apr_pstrcat(p, "Field \"", name, "\" ", how, ".", NULL);
}

static const char *store_action(apr_pool_t *p, const char *value,
                                svb_action_kind *kind)
{
    const char *words = "";

    for (int i = 0; i < SVB_ACTIONS; i++) {
        const char *name = svb_action_name((svb_action_kind)i);

        if (strcmp(name, value) == 0) {
            *kind = (svb_action_kind)i;
            return NULL;
        }
        words = apr_pstrcat(p, words, i ? ", " : "", name, NULL);
    }
    return apr_psprintf(p, "is \"%s\", but must be one of %s", shown(p, value),
                        words);
}

/* Plain decimals as "2", "0.5" or ".5": no sign, exponent, hexadecimal or
 * locale's comma, all of which strtod() would let through somewhere. */
static int decimal(const char *s, double *value)
{
    double scale = 0; /* before the point */
    int digits = 0;

    for (*value = 0; *s; s++) {
        if (apr_isdigit(*s)) {
            *value = *value * 10 + (*s - '0');
            scale *= 10;
            digits++;
        }
        else if (*s == '.' && scale == 0) {
            scale = 1;
        }
        else {
            return 0;
        }
    }
    *value /= scale > 0 ? scale : 1;
    return digits > 0;
}

static const char *store_number(apr_pool_t *p, const char *value, double *d)
{
    *d = 0;
    if (*value
        && (!decimal(value, d) || *d < SVB_LOADFACTOR_MIN
            || *d > SVB_LOADFACTOR_MAX)) {
        return apr_psprintf(p,
                            "is \"%s\", but must be a number from %.2f to "
                            "%.0f, written like 0.5",
                            shown(p, value), SVB_LOADFACTOR_MIN,
                            SVB_LOADFACTOR_MAX);
    }
    return NULL;
}

/* Returns NULL, or what is wrong with the value as the end of a sentence. */
static const char *store(apr_pool_t *p, const field *f, svb_query_bytes raw,
                         svb_form *out)
{
    void *slot = (char *)out + f->offset;
    const char *value, *how = svb_query_decode(p, raw, &value);

    if (how) {
        return how;
    }
    if (strlen(value) > f->max) {
        return apr_psprintf(
            p, "is longer than the %" APR_SIZE_T_FMT " bytes it may have",
            f->max);
    }
    if (f->required && !*value) {
        return "is empty";
    }
    switch (f->kind) {
    case ACTION:
        return store_action(p, value, slot);
    case NUMBER:
        return store_number(p, value, slot);
    default:
        *(const char **)slot = value;
        return NULL;
    }
}

static const char *unknown(apr_pool_t *p, const char *name)
{
    const char *words = fields[0].name;

    for (apr_size_t i = 1; i < FIELDS; i++) {
        words = apr_pstrcat(p, words, ", ", fields[i].name, NULL);
    }
    return wrong(p, shown(p, name),
                 apr_pstrcat(p, "is unknown: allowed are ", words, NULL));
}

/* One "name=value". seen has a bit for each field so far. */
static const char *parse_pair(apr_pool_t *p, svb_query_bytes raw,
                              svb_query_bytes value, svb_form *out,
                              unsigned int *seen)
{
    const char *name, *how = svb_query_decode(p, raw, &name);
    apr_size_t i = 0;

    if (how) {
        return apr_pstrcat(p, "The name of a field ", how, ".", NULL);
    }
    while (i < FIELDS && strcmp(fields[i].name, name) != 0) {
        i++;
    }
    if (i == FIELDS) {
        return unknown(p, name);
    }
    how = *seen & (1u << i) ? "is there more than once"
                            : store(p, &fields[i], value, out);
    *seen |= 1u << i;
    return how ? wrong(p, name, how) : NULL;
}

/* What only the fields together can tell. */
static const char *check_whole(apr_pool_t *p, const svb_form *form,
                               unsigned int seen)
{
    int wants_value = form->action.kind == SVB_ACTION_LOADFACTOR;

    for (apr_size_t i = 0; i < FIELDS; i++) {
        if (fields[i].required && !(seen & (1u << i))) {
            return wrong(p, fields[i].name, "is missing");
        }
    }
    if (wants_value && form->action.value == 0) {
        return apr_psprintf(p,
                            "Field \"value\" is missing: the action "
                            "loadfactor needs a number from %.2f to %.0f.",
                            SVB_LOADFACTOR_MIN, SVB_LOADFACTOR_MAX);
    }
    if (!wants_value && form->action.value != 0) {
        return apr_psprintf(p,
                            "Field \"value\" must be empty for the action "
                            "%s: only loadfactor has a value.",
                            svb_action_name(form->action.kind));
    }
    return NULL;
}

const char *svb_form_parse(apr_pool_t *p, const char *body, apr_size_t len,
                           svb_form *out)
{
    svb_query_bytes left = {body, len}, name, value;
    const char *error = NULL;
    unsigned int seen = 0;

    memset(out, 0, sizeof(*out));
    if (len > SVB_FORM_MAX) {
        return apr_psprintf(p,
                            "The form is longer than the %d bytes it may have.",
                            SVB_FORM_MAX);
    }
    while (!error && svb_query_next(&left, &name, &value)) {
        error = parse_pair(p, name, value, out, &seen);
    }
    return error ? error : check_whole(p, out, seen);
}
