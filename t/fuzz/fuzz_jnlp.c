/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * libFuzzer harness of svb_jnlp. The input is a document. What is taken can be
 * written with any values and read again, gives these values, and is the same
 * text everywhere else.
 */

#include <sanitizer/allocator_interface.h>

#include <apr_allocator.h>

#include "fuzz.h"
#include "launch/jnlp.h"

/*
 * Memory: what reading takes at most at a time, beyond what there was before, is
 * bounded by the size of the document; and so is what writing takes.
 *
 * That is up to the parser. The worst of all are elements that are open: 100
 * bytes for "<a>". Entities could stand for more than they are, but are refused.
 * What else there is at least are blocks of APR's.
 */
#define A_BYTE 64
#define AT_LEAST (64 * 1024)

static long held, held_most;

static void on_malloc(const volatile void *memory, size_t size)
{
    (void)memory;
    held += (long)size;
    held_most = held > held_most ? held : held_most;
}

static void on_free(const volatile void *memory)
{
    held -= (long)__sanitizer_get_allocated_size(memory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    MUST(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free));
    return 0;
}

/* Begin to watch. @return what is held now */
static long watch(void)
{
    return held_most = held;
}

/* Read a document, and watch. */
static const char *read_watched(apr_pool_t *p, const char *text, apr_size_t len,
                                const svb_jnlp **jnlp)
{
    long before = watch();
    const char *error = svb_jnlp_read(p, text, len, jnlp);

    MUST(held_most - before <= A_BYTE * (long)len + AT_LEAST);
    return error;
}

/* Write one, and watch. */
static const char *write_watched(apr_pool_t *p, const svb_jnlp *jnlp,
                                 const char *codebase, const char *href,
                                 apr_size_t *len)
{
    long before = watch();
    const char *text = svb_jnlp_write(p, jnlp, codebase, href, len);

    MUST(held_most - before <= (long)*len + AT_LEAST);
    return text;
}

/* A document, and how many bytes a character of its markup takes. */
typedef struct document {
    const char *text;
    apr_size_t len, unit, low;
} document;

static document as_document(const char *text, apr_size_t len)
{
    document d = {text, len, 1, 0};

    MUST(len > 2);
    if (!memcmp(text, "\xff\xfe", 2) || !text[1]) {
        d.unit = 2;
    }
    else if (!memcmp(text, "\xfe\xff", 2) || !text[0]) {
        d.unit = 2;
        d.low = 1;
    }
    return d;
}

/* Where s first stands in the document; its length when nowhere. */
static apr_size_t find(const document *d, const char *s)
{
    apr_size_t len = strlen(s) * d->unit, at, i;

    for (at = 0; at + len <= d->len; at += d->unit) {
        for (i = 0; i < len; i++) {
            char c = d->unit == 1 || i % 2 == d->low ? s[i / d->unit] : '\0';

            if (d->text[at + i] != c) {
                break;
            }
        }
        if (i == len) {
            return at;
        }
    }
    return d->len;
}

/* Do the old bytes at the offset go on with the new ones from begin to end? */
static int same(const document *old, apr_size_t at, const document *new,
                apr_size_t begin, apr_size_t end)
{
    MUST(begin <= end && end <= new->len);
    return at <= old->len && old->len - at >= end - begin
           && !memcmp(old->text + at, new->text + begin, end - begin);
}

#define CODEBASE "codebase-of-the-fuzzer"
#define HREF "href-of-the-fuzzer"

/*
 * The new text is: a, value, b, value, c. Where an attribute was put in, its
 * name and quotes are the end of a and the beginning of b. So the old text is
 * one of
 *     a, old value, b, old value, c
 *     a and b without what was put in, old value, c
 *     a and c without what was put in, while b is nothing else
 */
static void check_rest(const document *old, const document *new)
{
    apr_size_t codebase = find(new, CODEBASE), href = find(new, HREF);
    int in_order = codebase < href;
    const char *first = in_order ? CODEBASE : HREF;
    const char *second = in_order ? HREF : CODEBASE;
    apr_size_t a_end = in_order ? codebase : href;
    apr_size_t b = a_end + strlen(first) * new->unit;
    apr_size_t b_end = in_order ? href : codebase;
    apr_size_t c = b_end + strlen(second) * new->unit;
    apr_size_t c_len = new->len - c, quote = new->unit, at;
    apr_size_t name = strlen(in_order ? " codebase='" : " href='") * new->unit;

    MUST(codebase < new->len &&href < new->len &&a_end > name);
    MUST(old->len >= c_len);
    if (same(old, 0, new, 0, a_end)
        && same(old, old->len - c_len, new, c, new->len)) {
        for (at = a_end; at <= old->len - c_len; at++) {
            if (same(old, at, new, b, b_end)
                && at + (b_end - b) <= old->len - c_len) {
                return;
            }
        }
    }
    at = a_end - name;
    MUST(same(old, 0, new, 0, at));
    if (same(old, at, new, b + quote, b_end)
        && same(old, old->len - c_len, new, c, new->len)
        && at + (b_end - b - quote) <= old->len - c_len) {
        return;
    }
    MUST(in_order && b_end - b == strlen("' href='") * new->unit);
    MUST(same(old, at, new, c + quote, new->len));
    MUST(at + c_len - quote == old->len);
}

/* Write, and read again what was written. */
static document check_write(apr_pool_t *p, const svb_jnlp *jnlp,
                            const char *codebase, const char *href)
{
    const svb_jnlp *back = NULL;
    apr_size_t len = 0, again_len = 0;
    const char *text = write_watched(p, jnlp, codebase, href, &len), *again;

    MUST(!read_watched(p, text, len, &back));
    MUST(!strcmp(svb_jnlp_codebase(back), codebase));
    MUST(!strcmp(svb_jnlp_href(back), href));
    again = write_watched(p, back, codebase, href, &again_len);
    MUST(again_len == len && !memcmp(again, text, len));
    return as_document(text, len);
}

static void check_jnlp(apr_pool_t *p, const char *text, apr_size_t len)
{
    const svb_jnlp *jnlp = NULL;
    const char *error = read_watched(p, text, len, &jnlp);
    document old, new;

    if (error) {
        MUST(!jnlp);
        check_error(error);
        return;
    }
    check_write(p, jnlp, "https://lb/?a=1&b='2'&c=\"3\"&d=<4>", "&amp;/>&");
    check_write(p, jnlp, "", "'\"");
    new = check_write(p, jnlp, CODEBASE, HREF);
    old = as_document(text, len);
    MUST(old.unit == new.unit &&old.low == new.low);
    if (find(&old, CODEBASE) == len && find(&old, HREF) == len) {
        check_rest(&old, &new);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_allocator_t *allocator;
    apr_pool_t *p;

    root_pool();
    /* one that has nothing in store, so that what is taken from it is seen */
    MUST(apr_allocator_create(&allocator) == APR_SUCCESS);
    MUST(apr_pool_create_ex(&p, NULL, NULL, allocator) == APR_SUCCESS);
    apr_allocator_owner_set(allocator, p);
    /* the input has no NUL behind it, so that reading on is seen */
    check_jnlp(p, (const char *)data, size);
    apr_pool_destroy(p);
    return 0;
}
