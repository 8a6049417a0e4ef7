/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "launch/jnlp.h"

#include <limits.h>
#include <string.h>

#include <apr_cstr.h>
#include <apr_strings.h>
#include <expat.h>

#include "launch/tag.h"

/* What stands for an address is no longer, in UTF-8. */
#define VALUE_MAX 8192

/*
 * How many attributes a DOCTYPE may declare; the 1.5 DTD of JNLPs itself has
 * fewer. For each element expat looks at all that are declared for its name:
 * 40,000 of them and as many elements would take seconds.
 */
#define DECLARED_MAX 256

/* Of names that end up in a log line. */
#define NAME_MAX_SHOWN 40

/* How many bytes one byte of a value becomes at most: "&quot;". */
#define ESCAPED_MAX 6

/* Its counts were as long as a long was, until version 2.9. */
#if XML_MAJOR_VERSION > 2 || (XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION >= 9)
#define current_line XML_GetCurrentLineNumber64
#define current_index XML_GetCurrentByteIndex64
#define current_count XML_GetCurrentByteCount64
#else
#define current_line XML_GetCurrentLineNumber
#define current_index XML_GetCurrentByteIndex
#define current_count XML_GetCurrentByteCount
#endif

enum { CODEBASE, HREF, ATTRIBUTES };

static const char *const attribute_names[ATTRIBUTES] = {"codebase", "href"};

typedef struct attribute {
    const char *value;     /* decoded; NULL: none */
    apr_size_t begin, end; /* of the raw value, without its quotes; 0 and 0: it
                            * is not in the tag */
} attribute;

struct svb_jnlp {
    const char *text;
    apr_size_t len;
    int unit;              /* bytes that an ASCII character takes: 1 or 2 */
    int low;               /* which of them is its code: 0, or 1 in UTF-16BE */
    apr_size_t after_name; /* where the name of the root ends */
    attribute attributes[ATTRIBUTES];
};

/* What is being read. */
typedef struct reader {
    apr_pool_t *p;
    XML_Parser parser;
    svb_jnlp *jnlp;
    const char *error; /* the first that is not of expat's own finding */
    int declared;      /* attributes, so far */
} reader;

/* Finds the places in the start tag from begin to end; returns how many
 * attributes are there. */
static int find_places(svb_jnlp *jnlp, apr_size_t begin, apr_size_t end)
{
    svb_tag tag;
    svb_tag_attribute found;
    int attributes = 0;

    svb_tag_open(&tag, jnlp->text, begin, end);
    jnlp->unit = tag.unit;
    jnlp->low = tag.low;
    jnlp->after_name = tag.at;
    for (; svb_tag_next(&tag, &found); attributes++) {
        for (int i = 0; i < ATTRIBUTES; i++) {
            if (svb_tag_is_named(&tag, &found, attribute_names[i])) {
                jnlp->attributes[i].begin = found.value;
                jnlp->attributes[i].end = found.value_end;
            }
        }
    }
    return attributes;
}

/* A name as it may stand in a log line. */
static const char *printable(apr_pool_t *p, const char *name)
{
    char *result = apr_pstrndup(p, name, NAME_MAX_SHOWN);

    for (char *c = result; *c; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            *c = '?';
        }
    }
    return strlen(name) > NAME_MAX_SHOWN ? apr_pstrcat(p, result, "...", NULL)
                                         : result;
}

static void refuse(reader *r, const char *error)
{
    if (!r->error) {
        r->error = error;
    }
    XML_StopParser(r->parser, XML_FALSE);
}

/* Keep a copy, if it is of one of ours. */
static void keep_value(reader *r, const char *name, const char *value)
{
    for (int i = 0; i < ATTRIBUTES; i++) {
        if (strcmp(name, attribute_names[i])) {
            continue;
        }
        if (strlen(value) > VALUE_MAX) {
            refuse(r, apr_psprintf(r->p, "has a %s of more than %d bytes", name,
                                   VALUE_MAX));
            return;
        }
        r->jnlp->attributes[i].value = apr_pstrdup(r->p, value);
    }
}

/* The root always stands in the document itself, never in an entity. */
static void XMLCALL on_root(void *baton, const XML_Char *name,
                            const XML_Char **atts)
{
    reader *r = baton;
    const char *colon = strchr(name, ':');
    apr_size_t begin = (apr_size_t)current_index(r->parser);
    apr_size_t end = begin + (apr_size_t)current_count(r->parser);

    /* nothing but the root is of interest */
    XML_SetStartElementHandler(r->parser, NULL);
    if (strcmp(colon ? colon + 1 : name, "jnlp")) {
        refuse(r, apr_psprintf(r->p, "has the root element <%s>, not <jnlp>",
                               printable(r->p, name)));
        return;
    }
    /* expat lists those that a DOCTYPE defaults as well, and counts in names
     * and values; what was overlooked would be written twice */
    if (find_places(r->jnlp, begin, end) * 2
        != XML_GetSpecifiedAttributeCount(r->parser)) {
        refuse(r, "has a root element whose attributes cannot be told apart");
        return;
    }
    for (; *atts; atts += 2) {
        keep_value(r, atts[0], atts[1]);
    }
}

/*
 * The first one ends it. Nobody needs them in a JNLP, and a few lines of them
 * can stand for gigabytes, or refer to each other as deep as to take a stack:
 * expat bounds the one since 2.4.0, the other since 2.7.0.
 */
static void XMLCALL on_entity(void *baton, const XML_Char *name,
                              int is_parameter, const XML_Char *value,
                              int value_len, const XML_Char *base,
                              const XML_Char *system_id,
                              const XML_Char *public_id,
                              const XML_Char *notation)
{
    reader *r = baton;

    (void)is_parameter;
    (void)value;
    (void)value_len;
    (void)base;
    (void)system_id;
    (void)public_id;
    (void)notation;
    refuse(r, apr_psprintf(r->p, "declares an entity (%s)",
                           printable(r->p, name)));
}

static void XMLCALL on_declared(void *baton, const XML_Char *element,
                                const XML_Char *name, const XML_Char *type,
                                const XML_Char *value, int is_required)
{
    reader *r = baton;

    (void)element;
    (void)name;
    (void)type;
    (void)value;
    (void)is_required;
    if (++r->declared > DECLARED_MAX) {
        refuse(r, apr_psprintf(r->p, "declares more than %d attributes",
                               DECLARED_MAX));
    }
}

/* That there is such a handler keeps expat from expanding entities in content,
 * and that is all it is for. */
static void XMLCALL on_anything(void *baton, const XML_Char *s, int len)
{
    (void)baton;
    (void)s;
    (void)len;
}

/* An encoding in which every byte below 0x80 is ASCII and nothing else. */
static int is_ascii_based(const char *encoding)
{
    static const char *const families[] = {"windows-125", "iso-8859-", "koi8-"};

    for (apr_size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (!apr_cstr_casecmpn(encoding, families[i], strlen(families[i]))) {
            return 1;
        }
    }
    return 0;
}

/*
 * Called for what expat does not know itself. What the upper bytes stand for
 * does not matter: each becomes a letter of its own (a CJK ideograph, of which
 * there are enough in a row), so that it may stand in names as well.
 */
static int XMLCALL on_encoding(void *baton, const XML_Char *name,
                               XML_Encoding *info)
{
    reader *r = baton;

    if (!is_ascii_based(name)) {
        r->error = apr_pstrcat(r->p, "is in an encoding not known here (",
                               printable(r->p, name), ")", NULL);
        return XML_STATUS_ERROR;
    }
    /* with a NUL at the beginning it is UTF-16, whatever it says: expat would
     * believe it and go on byte by byte, in the midst of the document */
    if (memchr(r->jnlp->text, 0, r->jnlp->len < 4 ? r->jnlp->len : 4)) {
        r->error = apr_pstrcat(r->p, "is in UTF-16, but says it is in ",
                               printable(r->p, name), NULL);
        return XML_STATUS_ERROR;
    }
    for (int i = 0; i < 256; i++) {
        info->map[i] = i < 0x80 ? i : 0x4e00 + i;
    }
    info->data = NULL;
    info->convert = NULL;
    info->release = NULL;
    return XML_STATUS_OK;
}

/*
 * Has UTF-16 half a character? Expat takes two units for a character when it
 * has seen the first: a quote that stands in place of the second one ends no
 * value for expat, but does for us and others.
 */
static int has_lone_surrogate(const svb_jnlp *jnlp)
{
    const char *high = jnlp->text + !jnlp->low;

    if (jnlp->unit != 2) {
        return 0;
    }
    for (apr_size_t at = 0; at + 4 <= jnlp->len; at += 2) {
        if ((high[at] & 0xfc) == 0xd8) {
            at += 2;
            if ((high[at] & 0xfc) != 0xdc) {
                return 1;
            }
        }
    }
    return 0;
}

const char *svb_jnlp_read(apr_pool_t *p, const char *text, apr_size_t len,
                          const svb_jnlp **jnlp)
{
    reader r = {p, NULL, NULL, NULL, 0};

    if (!len) {
        return "is empty";
    }
    if (len > INT_MAX) {
        return "is too long to be parsed";
    }
    r.jnlp = apr_pcalloc(p, sizeof(*r.jnlp));
    r.jnlp->text = text;
    r.jnlp->len = len;
    r.parser = XML_ParserCreate(NULL);
    if (!r.parser) {
        return "cannot be parsed: out of memory";
    }
    XML_SetUserData(r.parser, &r);
    XML_SetStartElementHandler(r.parser, on_root);
    XML_SetEntityDeclHandler(r.parser, on_entity);
    XML_SetAttlistDeclHandler(r.parser, on_declared);
    XML_SetDefaultHandler(r.parser, on_anything);
    XML_SetUnknownEncodingHandler(r.parser, on_encoding, &r);
    if (XML_Parse(r.parser, text, (int)len, 1) != XML_STATUS_OK && !r.error) {
        r.error = apr_psprintf(p, "cannot be parsed: %s (line %lu)",
                               XML_ErrorString(XML_GetErrorCode(r.parser)),
                               (unsigned long)current_line(r.parser));
    }
    XML_ParserFree(r.parser);
    if (!r.error && has_lone_surrogate(r.jnlp)) {
        r.error = "cannot be parsed: it is not in proper UTF-16";
    }
    if (!r.error) {
        *jnlp = r.jnlp;
    }
    return r.error;
}

const char *svb_jnlp_codebase(const svb_jnlp *jnlp)
{
    return jnlp->attributes[CODEBASE].value;
}

const char *svb_jnlp_href(const svb_jnlp *jnlp)
{
    return jnlp->attributes[HREF].value;
}

/* The new text on its way; there is room. */
typedef struct writer {
    const svb_jnlp *jnlp;
    char *out;
} writer;

static void put_text(writer *w, const char *s)
{
    for (; *s; s++) {
        if (w->jnlp->unit == 2) {
            w->out[!w->jnlp->low] = '\0';
        }
        w->out[w->jnlp->low] = *s;
        w->out += w->jnlp->unit;
    }
}

/* Both quotes are escaped, so that it may stand between either. */
static void put_value(writer *w, const char *s)
{
    for (; *s; s++) {
        char c[2] = {*s, '\0'};

        put_text(w, *s == '&'    ? "&amp;"
                    : *s == '<'  ? "&lt;"
                    : *s == '"'  ? "&quot;"
                    : *s == '\'' ? "&apos;"
                                 : c);
    }
}

static void put_old(writer *w, apr_size_t begin, apr_size_t end)
{
    memcpy(w->out, w->jnlp->text + begin, end - begin);
    w->out += end - begin;
}

const char *svb_jnlp_write(apr_pool_t *p, const svb_jnlp *jnlp,
                           const char *codebase, const char *href,
                           apr_size_t *len)
{
    const char *values[ATTRIBUTES] = {codebase, href};
    const attribute *const a = jnlp->attributes;
    apr_size_t at = jnlp->after_name, added;
    int href_first = a[HREF].begin < a[CODEBASE].begin;
    char *result;
    writer w;

    added = ESCAPED_MAX * (strlen(codebase) + strlen(href))
            + strlen(" codebase=\"\" href=\"\"");
    result = apr_palloc(p, jnlp->len + (apr_size_t)jnlp->unit * added);
    w.jnlp = jnlp;
    w.out = result;
    put_old(&w, 0, at);
    for (int i = 0; i < ATTRIBUTES; i++) {
        if (!a[i].begin) {
            put_text(&w, " ");
            put_text(&w, attribute_names[i]);
            put_text(&w, "=\"");
            put_value(&w, values[i]);
            put_text(&w, "\"");
        }
    }
    for (int i = 0; i < ATTRIBUTES; i++) {
        int which = href_first ? ATTRIBUTES - 1 - i : i;

        if (a[which].begin) {
            put_old(&w, at, a[which].begin);
            put_value(&w, values[which]);
            at = a[which].end;
        }
    }
    put_old(&w, at, jnlp->len);
    *len = (apr_size_t)(w.out - result);
    return result;
}
