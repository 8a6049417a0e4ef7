/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * JNLPs for the unit tests of svb_jnlp: how a sample is written down, in which
 * encodings it is tried, and what has to become of it byte by byte.
 */
#ifndef JNLP_SAMPLES_H
#define JNLP_SAMPLES_H

#include <string.h>

#include <apr_strings.h>

#include "launch/jnlp.h"
#include "unit.h"

/* Bytes with their number; there may be NULs among them. */
typedef struct bytes {
    char *at;
    apr_size_t len;
} bytes;

static inline bytes bytes_of(const char *s)
{
    bytes b = {apr_pstrdup(pool, s), strlen(s)};

    return b;
}

static inline void add(bytes *b, const char *s, apr_size_t len)
{
    memcpy(b->at + b->len, s, len);
    b->len += len;
}

/*
 * Read a copy that ends where the document does, so that a sanitizer sees who
 * reads on. The copy is what the result points into; the caller frees it.
 */
static inline const char *read_copy(bytes doc, char **copy,
                                    const svb_jnlp **jnlp)
{
    *copy = malloc(doc.len ? doc.len : 1);
    memcpy(*copy, doc.at, doc.len);
    return svb_jnlp_read(pool, *copy, doc.len, jnlp);
}

static inline void check_value(const char *what, const char *got,
                               const char *wanted)
{
    ck_assert_msg(!got == !wanted && (!got || !strcmp(got, wanted)),
                  "%s is %s, not %s", what, got ? got : "(none)",
                  wanted ? wanted : "(none)");
}

/*
 * The encodings that a sample is tried in. Samples are in UTF-8; "%E" in one
 * becomes what a declaration calls the encoding.
 */
static const struct {
    const char *name, *mark; /* byte order mark */
    apr_size_t mark_len;
    int unit, low;
} encodings[] = {
    {"utf-8", "", 0, 1, 0},
    {"UTF-8", "\xef\xbb\xbf", 3, 1, 0},
    {"UTF-16", "", 0, 2, 0},
    {"utf-16", "", 0, 2, 1},
    {"UTF-16LE", "\xff\xfe", 2, 2, 0},
    {"UTF-16", "\xfe\xff", 2, 2, 1},
};

/* The character at *s, which is moved on. The text is known to be proper. */
static inline unsigned decode_utf8(const char **s)
{
    unsigned c = (unsigned char)*(*s)++;
    int more = c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

    if (more) {
        c &= 0x3fU >> more;
    }
    while (more--) {
        c = c << 6 | ((unsigned char)*(*s)++ & 0x3f);
    }
    return c;
}

static inline void put_unit(bytes *b, unsigned unit, int low)
{
    b->at[b->len + (apr_size_t)low] = (char)(unit & 0xff);
    b->at[b->len + (apr_size_t)!low] = (char)(unit >> 8);
    b->len += 2;
}

static inline bytes encode(const char *s, int encoding)
{
    bytes b = {apr_palloc(pool, 2 * strlen(s) + 3), 0};

    add(&b, encodings[encoding].mark, encodings[encoding].mark_len);
    if (encodings[encoding].unit == 1) {
        add(&b, s, strlen(s));
        return b;
    }
    while (*s) {
        unsigned c = decode_utf8(&s);

        if (c < 0x10000) {
            put_unit(&b, c, encodings[encoding].low);
        }
        else {
            put_unit(&b, 0xd7c0 + (c >> 10), encodings[encoding].low);
            put_unit(&b, 0xdc00 + (c & 0x3ff), encodings[encoding].low);
        }
    }
    return b;
}

/* The values that are written, and how they have to stand in the text. */
static const struct {
    const char *codebase, *escaped_codebase;
    const char *href, *escaped_href;
} written[] = {
    {"https://lb.example.com/", "https://lb.example.com/",
     "https://lb.example.com/servoy-client/crm.jnlp",
     "https://lb.example.com/servoy-client/crm.jnlp"},
    {"http://10.0.0.1:8080/a?b=c&d=%26", "http://10.0.0.1:8080/a?b=c&amp;d=%26",
     "crm.jnlp?a='1'&b=\"2\"&c=<3>&amp;x&",
     "crm.jnlp?a=&apos;1&apos;&amp;b=&quot;2&quot;&amp;c=&lt;3>&amp;amp;x&amp;"},
    {"", "", "", ""},
    {"'\"<&", "&apos;&quot;&lt;&amp;", "=/>", "=/>"},
    {"http://[::1]:80/!#$%()*+,-./:;=?@[]^_`{|}~",
     "http://[::1]:80/!#$%()*+,-./:;=?@[]^_`{|}~", "-->", "-->"},
};

/*
 * A sample marks its places: ~ stands on either side of the raw codebase, ^ of
 * the raw href, and ` where an attribute that is not there has to be put. So
 * what is to be read and the whole of what is to be written follow from it by
 * plain copying.
 */
static inline char *without_marks(const char *sample)
{
    char *result = apr_palloc(pool, strlen(sample) + 1), *out = result;

    for (; *sample; sample++) {
        if (!strchr("~^`", *sample)) {
            *out++ = *sample;
        }
    }
    *out = '\0';
    return result;
}

static inline char *raw_value(const char *sample, char mark)
{
    const char *s = strchr(sample, mark);

    return s ? apr_pstrmemdup(pool, s + 1,
                              (apr_size_t)(strchr(s + 1, mark) - s - 1))
             : NULL;
}

/* The sample with the values of written[w] in their places. */
static inline char *with_values(const char *sample, int w)
{
    apr_size_t room = strlen(sample) + strlen(written[w].escaped_codebase)
                      + strlen(written[w].escaped_href) + 64;
    bytes b = {apr_palloc(pool, room), 0};
    const char *insert = "";

    if (!strchr(sample, '~')) {
        insert = apr_pstrcat(pool, " codebase=\"", written[w].escaped_codebase,
                             "\"", NULL);
    }
    if (!strchr(sample, '^')) {
        insert = apr_pstrcat(pool, insert, " href=\"", written[w].escaped_href,
                             "\"", NULL);
    }
    for (const char *s = sample; *s; s++) {
        const char *put = *s == '~'   ? written[w].escaped_codebase
                          : *s == '^' ? written[w].escaped_href
                          : *s == '`' ? insert
                                      : NULL;

        if (!put) {
            add(&b, s, 1);
            continue;
        }
        add(&b, put, strlen(put));
        if (*s != '`') {
            s = strchr(s + 1, *s);
        }
    }
    b.at[b.len] = '\0';
    return b.at;
}

static inline void check_same(bytes got, bytes wanted)
{
    apr_size_t i = 0;

    while (i < got.len && i < wanted.len && got.at[i] == wanted.at[i]) {
        ++i;
    }
    ck_assert_msg(i == got.len && i == wanted.len,
                  "differs from byte %d of %d (wanted: %d) on: %.60s", (int)i,
                  (int)got.len, (int)wanted.len, got.at + i);
}

static inline bytes write_values(const svb_jnlp *jnlp, const char *codebase,
                                 const char *href)
{
    bytes b;

    b.at = (char *)svb_jnlp_write(pool, jnlp, codebase, href, &b.len);
    return b;
}

/*
 * What was written, read again, gives what was written; and it can be written
 * over in turn.
 */
static inline void check_written(bytes doc, int w)
{
    const svb_jnlp *jnlp = NULL;
    char *copy;
    const char *error = read_copy(doc, &copy, &jnlp);

    ck_assert_msg(!error, "%s", error);
    check_value("codebase", svb_jnlp_codebase(jnlp), written[w].codebase);
    check_value("href", svb_jnlp_href(jnlp), written[w].href);
    check_same(write_values(jnlp, written[w].codebase, written[w].href), doc);
    free(copy);
}

/*
 * Everything about one document: doc as it is, and wanted[w] as it has to be
 * with written[w]. codebase and href are the decoded ones, or NULL. plain: both
 * are in the tag and need no escaping.
 */
static inline void check_document(bytes doc, const bytes *wanted,
                                  const char *codebase, const char *href,
                                  int plain)
{
    const svb_jnlp *jnlp = NULL, *again = NULL;
    char *copy, *second;
    const char *error = read_copy(doc, &copy, &jnlp);

    ck_assert_msg(!error, "%s", error);
    check_value("codebase", svb_jnlp_codebase(jnlp), codebase);
    check_value("href", svb_jnlp_href(jnlp), href);
    for (int w = 0; w < COUNT(written); w++) {
        bytes got = write_values(jnlp, written[w].codebase, written[w].href),
              back;

        check_same(got, wanted[w]);
        check_written(got, w);
        if (plain) {
            ck_assert_ptr_null(read_copy(got, &second, &again));
            back = write_values(again, codebase, href);
            free(second);
            check_same(back, doc);
        }
    }
    /* reading and writing left the text alone */
    ck_assert_int_eq(memcmp(copy, doc.at, doc.len), 0);
    free(copy);
}

/* In place of a value: what stands raw in the sample. */
#define RAW "(raw)"

typedef struct sample {
    const char *text;
    const char *codebase, *href; /* decoded; RAW; NULL: none */
} sample;

static inline int is_raw(const char *value)
{
    return value && !strcmp(value, RAW);
}

static inline void check_sample(const sample *s, const char *text, int encoding)
{
    const char *codebase = s->codebase, *href = s->href;
    bytes wanted[COUNT(written)];
    int plain = is_raw(codebase) && is_raw(href), w;

    if (is_raw(codebase)) {
        codebase = raw_value(text, '~');
    }
    if (is_raw(href)) {
        href = raw_value(text, '^');
    }
    for (w = 0; w < COUNT(written); w++) {
        wanted[w] = encode(with_values(text, w), encoding);
    }
    check_document(encode(without_marks(text), encoding), wanted, codebase,
                   href, plain);
}

static inline void check_error(const char *error, const char *wanted)
{
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(strstr(error, wanted) != NULL, "error is: %s", error);
    for (const char *c = error; *c; c++) {
        ck_assert(*c >= 0x20 && *c < 0x7f);
    }
}

#endif /* JNLP_SAMPLES_H */
