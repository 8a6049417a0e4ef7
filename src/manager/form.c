/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "manager/form.h"

#include <stddef.h>
#include <string.h>

#include <apr_strings.h>

#include "manager/utf8.h"
#include "memory/names.h"

/* A decoded name or value. */
typedef struct text {
    const char *data; /* NUL-terminated */
    apr_size_t len;
} text;

typedef struct field field;

/* Checks a field's value and stores it. Returns NULL or the error. */
typedef const char *store_fn(apr_pool_t *p, const field *f, text value,
                             void *slot);

/* One field that a form may have. */
struct field {
    const char *name;
    int required;       /* there and not empty */
    apr_size_t max;     /* longest value in bytes */
    store_fn *store;    /* by kind of value */
    apr_size_t offset;  /* where the result goes in svb_form */
    double least, most; /* kind number: the range, both included */
};

/* Input as it may stand in a message: short, printable, ASCII, no quotes. */
static const char *shown(apr_pool_t *p, text t)
{
    const apr_size_t most = 32;
    apr_size_t n = t.len < most ? t.len : most, i;
    char *copy = apr_pstrmemdup(p, t.data, n);

    for (i = 0; i < n; i++) {
        unsigned char c = (unsigned char)copy[i];

        if (c < 0x20 || c > 0x7e || c == '"') {
            copy[i] = '?';
        }
    }
    return t.len > most ? apr_pstrcat(p, copy, "...", NULL) : copy;
}

static const char *store_text(apr_pool_t *p, const field *f, text value,
                              void *slot)
{
    (void)p;
    (void)f;
    *(const char **)slot = value.data;
    return NULL;
}

static const char *store_action(apr_pool_t *p, const field *f, text value,
                                void *slot)
{
    const char *words = "";

    for (int i = 0; i < SVB_ACTIONS; i++) {
        const char *name = svb_action_name((svb_action_kind)i);

        if (strcmp(name, value.data) == 0) {
            *(svb_action_kind *)slot = (svb_action_kind)i;
            return NULL;
        }
        words = apr_pstrcat(p, words, i ? ", " : "", name, NULL);
    }
    return apr_psprintf(p, "Field \"%s\" is \"%s\", but must be one of %s.",
                        f->name, shown(p, value), words);
}

/* Plain decimals as "2", "0.5" or ".5": no sign, exponent, hexadecimal or
 * locale's comma, all of which strtod() would let through somewhere. */
static int decimal(const char *s, double *value)
{
    double scale = 1;
    int digits = 0;

    *value = 0;
    for (; *s >= '0' && *s <= '9'; s++, digits++) {
        *value = *value * 10 + (*s - '0');
    }
    if (*s == '.') {
        for (s++; *s >= '0' && *s <= '9'; s++, digits++) {
            *value = *value * 10 + (*s - '0');
            scale *= 10;
        }
    }
    *value /= scale;
    return *s == '\0' && digits > 0;
}

static const char *store_number(apr_pool_t *p, const field *f, text value,
                                void *slot)
{
    double d = 0;

    if (value.len > 0
        && (!decimal(value.data, &d) || d < f->least || d > f->most)) {
        return apr_psprintf(p,
                            "Field \"%s\" is \"%s\", but must be a number "
                            "from %.2f to %.0f, written like 0.5.",
                            f->name, shown(p, value), f->least, f->most);
    }
    *(double *)slot = d;
    return NULL;
}

#define AT(member) offsetof(svb_form, member)

static const field fields[] = {
    {"fleet", 1, SVB_NAME_MAX, store_text, AT(action.fleet), 0, 0},
    {"node", 1, SVB_NAME_MAX, store_text, AT(action.node), 0, 0},
    {"action", 1, 32, store_action, AT(action.kind), 0, 0},
    {"nonce", 1, 128, store_text, AT(nonce), 0, 0},
    {"value", 0, 16, store_number, AT(action.value), SVB_LOADFACTOR_MIN,
     SVB_LOADFACTOR_MAX},
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) & 15 : -1;
}

/* Undo '+' and %-escapes. Returns NULL or what is wrong, as the end of a
 * sentence. */
static const char *decode(apr_pool_t *p, const char *data, apr_size_t len,
                          text *out)
{
    char *to = apr_palloc(p, len + 1);
    apr_size_t i, size;

    out->data = to;
    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)data[i];

        if (c == '%') {
            if (len - i < 3 || hex(data[i + 1]) < 0 || hex(data[i + 2]) < 0) {
                return "has a % that is not followed by two hexadecimal digits";
            }
            c = (unsigned char)(hex(data[i + 1]) * 16 + hex(data[i + 2]));
            i += 2;
        }
        else if (c == '+') {
            c = ' ';
        }
        if (c < 0x20 || c == 0x7f) {
            return "has a control character";
        }
        *to++ = (char)c;
    }
    *to = '\0';
    out->len = (apr_size_t)(to - out->data);
    for (i = 0; i < out->len; i += size) {
        if (svb_utf8_read(out->data + i, out->len - i, &size) < 0) {
            return "is not valid UTF-8";
        }
    }
    return NULL;
}

static const char *unknown(apr_pool_t *p, text name)
{
    const char *words = fields[0].name;
    apr_size_t i;

    for (i = 1; i < FIELDS; i++) {
        words = apr_pstrcat(p, words, ", ", fields[i].name, NULL);
    }
    return apr_psprintf(p, "Field \"%s\" is unknown: allowed are %s.",
                        shown(p, name), words);
}

/* One "name=value". seen has a bit for each field so far. */
static const char *parse_pair(apr_pool_t *p, const char *data, apr_size_t len,
                              svb_form *out, unsigned int *seen)
{
    const char *equals = memchr(data, '=', len), *wrong;
    apr_size_t name_len = equals ? (apr_size_t)(equals - data) : len;
    const char *rest = equals ? equals + 1 : data + len;
    text name, value;
    apr_size_t i;

    wrong = decode(p, data, name_len, &name);
    if (wrong) {
        return apr_pstrcat(p, "The name of a field ", wrong, ".", NULL);
    }
    i = 0;
    while (i < FIELDS && strcmp(fields[i].name, name.data) != 0) {
        i++;
    }
    if (i == FIELDS) {
        return unknown(p, name);
    }
    if (*seen & (1u << i)) {
        return apr_psprintf(p, "Field \"%s\" is there more than once.",
                            fields[i].name);
    }
    *seen |= 1u << i;
    wrong = decode(p, rest, (apr_size_t)(data + len - rest), &value);
    if (wrong) {
        return apr_psprintf(p, "Field \"%s\" %s.", fields[i].name, wrong);
    }
    if (value.len > fields[i].max) {
        return apr_psprintf(p,
                            "Field \"%s\" is longer than the "
                            "%" APR_SIZE_T_FMT " bytes it may have.",
                            fields[i].name, fields[i].max);
    }
    if (value.len == 0 && fields[i].required) {
        return apr_psprintf(p, "Field \"%s\" is empty.", fields[i].name);
    }
    return fields[i].store(p, &fields[i], value,
                           (char *)out + fields[i].offset);
}

/* What only the fields together can tell. */
static const char *check_whole(apr_pool_t *p, const svb_form *form,
                               unsigned int seen)
{
    apr_size_t i;

    for (i = 0; i < FIELDS; i++) {
        if (fields[i].required && !(seen & (1u << i))) {
            return apr_psprintf(p, "Field \"%s\" is missing.", fields[i].name);
        }
    }
    if (form->action.kind == SVB_ACTION_LOADFACTOR && form->action.value == 0) {
        return apr_psprintf(p,
                            "Field \"value\" is missing: the action "
                            "loadfactor needs a number from %.2f to %.0f.",
                            SVB_LOADFACTOR_MIN, SVB_LOADFACTOR_MAX);
    }
    if (form->action.kind != SVB_ACTION_LOADFACTOR && form->action.value != 0) {
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
    unsigned int seen = 0;

    memset(out, 0, sizeof(*out));
    if (len > SVB_FORM_MAX) {
        return apr_psprintf(p,
                            "The form is longer than the %d bytes it may "
                            "have.",
                            SVB_FORM_MAX);
    }
    while (len > 0) {
        const char *end = memchr(body, '&', len);
        apr_size_t n = end ? (apr_size_t)(end - body) : len;

        if (n > 0) { /* as browsers do, "a=1&&b=2&" is two fields */
            const char *error = parse_pair(p, body, n, out, &seen);
            if (error) {
                return error;
            }
        }
        n += end ? 1 : 0;
        body += n;
        len -= n;
    }
    return check_whole(p, out, seen);
}
