/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Unit tests of svb_jnlp: what is no JNLP, or is one that was made to do harm.
 */

#include <limits.h>
#include <stdlib.h>

#include "launch/jnlp_samples.h"

/* A document with its number of bytes, NULs included, but not the last one. */
#define DOC(text) (text), sizeof(text) - 1

static const struct {
    const char *text;
    apr_size_t len;
    const char *error; /* part of it */
} refused[] = {
    {DOC(""), "is empty"},
    {DOC(" "), "no element"},
    {DOC("\n\r\n\t"), "no element"},
    {DOC("\xef\xbb\xbf"), "no element"},
    {DOC("\xff\xfe"), "no element"},
    {DOC("\xff"), "cannot be parsed"},
    {DOC("<"), "cannot be parsed"},
    {DOC("\0"), "cannot be parsed"},
    {DOC("\0\0\0\0\0\0\0\0"), "cannot be parsed"},
    {DOC("<?xml version='1.0'?>"), "no element"},
    {DOC("<!-- <jnlp/> -->"), "no element"},
    {DOC("HTTP Status 404"), "cannot be parsed"},
    {DOC("PK\003\004\024\0\010\0"), "cannot be parsed"},
    {DOC("{\"jnlp\":1}"), "cannot be parsed"},
    {DOC("&lt;jnlp/>"), "cannot be parsed"},
    {DOC("jnlp/>"), "cannot be parsed"},
    /* other roots */
    {DOC("<html><body>Not found<br></body></html>"),
     "has the root element <html>, not <jnlp>"},
    {DOC("<!DOCTYPE html>\n<html lang=en>"), "cannot be parsed"},
    {DOC("<!DOCTYPE html>\n<html><jnlp/></html>"), "<html>"},
    {DOC("<!doctype html><html/>"), "cannot be parsed"},
    {DOC("<JNLP/>"), "<JNLP>"},
    {DOC("<jnlps/>"), "<jnlps>"},
    {DOC("<jnl/>"), "<jnl>"},
    {DOC("<jnlp:x/>"), "<jnlp:x>"},
    {DOC("<x:y:jnlp/>"), "<x:y:jnlp>"},
    {DOC("<x><jnlp/></x>"), "<x>"},
    {DOC("<\xc3\xa9\xe2\x84\xa6>"), "<\?\?\?\?\?>"},
    {DOC("<aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee>"),
     "<aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd...>"},
    /* all but well-formed */
    {DOC("<jnlp>"), "no element"},
    {DOC("<jnlp></jnlp"), "unclosed token"},
    {DOC("<jnlp></jnlps>"), "mismatched tag"},
    {DOC("<jnlp/>x"), "(line 1)"},
    {DOC("<jnlp/>\n\n<jnlp/>"), "(line 3)"},
    {DOC("<jnlp/><"), "cannot be parsed"},
    {DOC("<jnlp/>\0"), "cannot be parsed"},
    {DOC("\0<jnlp/>"), "cannot be parsed"},
    {DOC("<jnlp>\0</jnlp>"), "cannot be parsed"},
    {DOC("<jnlp codebase='\0'/>"), "cannot be parsed"},
    {DOC("<jnlp codebase='&#0;'/>"), "cannot be parsed"},
    {DOC(" <?xml version='1.0'?><jnlp/>"), "cannot be parsed"},
    {DOC("<jnlp href='a' href='b'/>"), "duplicate attribute"},
    {DOC("<jnlp codebase='a'href='b'/>"), "cannot be parsed"},
    {DOC("<jnlp codebase=a/>"), "cannot be parsed"},
    {DOC("<jnlp codebase/>"), "cannot be parsed"},
    {DOC("<jnlp codebase='a/>"), "cannot be parsed"},
    {DOC("<jnlp codebase='a\"/>"), "cannot be parsed"},
    {DOC("<jnlp codebase='a<b'/>"), "cannot be parsed"},
    {DOC("<jnlp codebase='?a=1&b=2'/>"), "cannot be parsed"},
    {DOC("<jnlp codebase='&b;'/>"), "undefined entity"},
    {DOC("<jnlp>&b;</jnlp>"), "undefined entity"},
    {DOC("<jnlp>a & b</jnlp>"), "cannot be parsed"},
    {DOC("<jnlp>\xe4</jnlp>"), "cannot be parsed"},
    {DOC("<jnlp>\xc0\xaf</jnlp>"), "cannot be parsed"},
    {DOC("<jnlp>\xed\xa0\x80</jnlp>"), "cannot be parsed"},
    {DOC("<jnlp>\x01</jnlp>"), "cannot be parsed"},
    /* entities, whatever they are and whether or not anybody refers to them */
    {DOC("<!DOCTYPE jnlp [<!ENTITY e '<jnlp/>'>]><x>&e;</x>"),
     "declares an entity (e)"},
    {DOC("<!DOCTYPE jnlp [<!ENTITY e '<jnlp/>'>]>&e;"), "(e)"},
    {DOC("<!DOCTYPE jnlp [<!ENTITY e ''>]><jnlp/>"), "(e)"},
    {DOC("<!DOCTYPE jnlp [<!-- --><!ATTLIST jnlp a CDATA #IMPLIED>"
         "<!ENTITY e '&e;'>]><jnlp href='&e;'/>"),
     "(e)"},
    {DOC("<!DOCTYPE jnlp [<!ENTITY e '<'>]><jnlp href='&e;'/>"), "(e)"},
    {DOC("<!DOCTYPE jnlp [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
         "<jnlp href='&e;'/>"),
     "(e)"},
    {DOC("<!DOCTYPE jnlp [<!NOTATION n SYSTEM 'n'>"
         "<!ENTITY e PUBLIC 'p' 's' NDATA n>]><jnlp/>"),
     "(e)"},
    {DOC("<!DOCTYPE jnlp [<!ENTITY % y '<!ENTITY e \"\">'> %y;]><jnlp/>"),
     "(y)"},
    {DOC("<!DOCTYPE jnlp [<!ENTITY % y SYSTEM 'http://evil/'> %y;]><jnlp/>"),
     "(y)"},
    {DOC("<!DOCTYPE jnlp [<!ENTITY \xc3\xa9\xe2\x84\xa6 'x'>]><jnlp/>"),
     "(\?\?\?\?\?)"},
    {DOC("<\0!\0D\0O\0C\0T\0Y\0P\0E\0 \0j\0[\0<\0!\0E\0N\0T\0I\0T\0Y\0 "
         "\0e\0 \0'\0'\0>\0]\0>\0<\0j\0n\0l\0p\0/\0>\0"),
     "(e)"},
    {DOC("<?xml version='1.0' encoding='koi8-r'?>"
         "<!DOCTYPE jnlp [<!ENTITY e 'x'>]><jnlp/>"),
     "(e)"},
    {DOC("<!DOCTYPE jnlp [<jnlp/>"), "cannot be parsed"},
    /* encodings */
    {DOC("<?xml version='1.0' encoding='shift_jis'?><jnlp/>"),
     "is in an encoding not known here (shift_jis)"},
    {DOC("<?xml version='1.0' encoding='UTF-7'?><jnlp/>"), "(UTF-7)"},
    {DOC("<?xml version='1.0' encoding='UTF-32'?><jnlp/>"), "(UTF-32)"},
    {DOC("<?xml version='1.0' encoding='IBM037'?><jnlp/>"), "(IBM037)"},
    {DOC("<?xml version='1.0' encoding='windows-932'?><jnlp/>"),
     "(windows-932)"},
    {DOC("<?xml version='1.0' encoding='aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd"
         "eeeeeeeeee'?><jnlp/>"),
     "(aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd...)"},
    {DOC("<?xml version='1.0' encoding='utf-16'?><jnlp/>"), "encoding"},
    {DOC("<?xml version='1.0' encoding=''?><jnlp/>"), "cannot be parsed"},
    {DOC("<?xml version='1.0' encoding='koi8-\n'?><jnlp/>"),
     "cannot be parsed"},
    {DOC("<\0j\0n\0l\0p\0/\0>"), "cannot be parsed"},
    {DOC("\xff\xfe\0<\0j\0n\0l\0p\0/\0>"), "cannot be parsed"},
    {DOC("\xff\xfe\0\0<\0\0\0j\0\0\0"), "cannot be parsed"},
    {DOC("<\0j\0n\0l\0p\0/\0>\0<\xd8"), "cannot be parsed"},
    /* half of a character, which may hide what follows it */
    {DOC("<\0j\0n\0l\0p\0 \0a\0=\0'\0\0\xd8'\0'\0/\0>\0"), "cannot be parsed"},
    {DOC("\0<\0j\0n\0l\0p\0 \0a\0=\0'\xdb\xff\0'\0'\0/\0>"),
     "cannot be parsed"},
    {DOC("<\0j\0n\0l\0p\0 \0a\0=\0'\0\0\xdc'\0/\0>\0"), "cannot be parsed"},
    {DOC("<\0j\0n\0l\0p\0>\0\0\xd8<\0<\0/\0j\0n\0l\0p\0>\0"),
     "cannot be parsed"},
    {DOC("<\0!\0-\0-\0\0\xd8-\0-\0-\0>\0<\0j\0n\0l\0p\0/\0>\0"),
     "cannot be parsed"},
    {DOC("<\0j\0n\0l\0p\0/\0>\0<\0!\0-\0-\0\0\xd8"), "cannot be parsed"},
};

START_TEST(refuses)
{
    const svb_jnlp *jnlp = NULL;
    bytes doc = {(char *)refused[_i].text, refused[_i].len};
    char *copy;

    check_error(read_copy(doc, &copy, &jnlp), refused[_i].error);
    ck_assert_ptr_null(jnlp);
    free(copy);
}
END_TEST

/* UTF-16 that claims to be something else, or goes on as something else. */
START_TEST(refuses_mixed_encodings)
{
    static const char *const names[] = {"utf-8",        "us-ascii",
                                        "iso-8859-1",   "iso-8859-2",
                                        "windows-1252", "koi8-r"};

    for (int name = 0; name < COUNT(names); name++) {
        const char *decl = apr_psprintf(
            pool, "<?xml version='1.0' encoding='%s'?>", names[name]);

        for (int i = 2; i < COUNT(encodings); i++) {
            bytes whole = encode(apr_pstrcat(pool, decl, "<jnlp/>", NULL), i);
            bytes half = {apr_palloc(pool, whole.len), 0};
            bytes start = encode(decl, i);
            const svb_jnlp *jnlp = NULL;
            char *copy;

            check_error(read_copy(whole, &copy, &jnlp), "");
            free(copy);
            add(&half, start.at, start.len);
            add(&half, "<jnlp/>", 7);
            check_error(read_copy(half, &copy, &jnlp), "");
            free(copy);
            ck_assert_ptr_null(jnlp);
        }
    }
}
END_TEST

/* Any byte changed to any of these: no crash, and what is taken can be written
 * and read again. */
START_TEST(one_byte_changed)
{
    static const char others[] = "\0<>\"'&=/! x\xff\xc3";
    bytes doc = encode("<?xml version='1.0'?><!-- --><jnlp a='b' codebase='c'"
                       " href=\"&amp;d\"><e f='g'/><![CDATA[]]></jnlp>",
                       _i);

    for (apr_size_t i = 0; i < doc.len; i++) {
        char old = doc.at[i];

        for (apr_size_t k = 0; k < sizeof(others) - 1; k++) {
            const svb_jnlp *jnlp = NULL;
            char *copy;

            doc.at[i] = others[k];
            if (!read_copy(doc, &copy, &jnlp)) {
                check_written(
                    write_values(jnlp, written[1].codebase, written[1].href),
                    1);
            }
            free(copy);
        }
        doc.at[i] = old;
    }
}
END_TEST

static char *repeated(const char *s, int times)
{
    apr_size_t len = strlen(s);
    char *result = apr_palloc(pool, len * (apr_size_t)times + 1);

    for (int i = 0; i < times; i++) {
        memcpy(result + len * (apr_size_t)i, s, len);
    }
    result[len * (apr_size_t)times] = '\0';
    return result;
}

/* Megabytes: before the root, within its tag and its values, behind it. */
START_TEST(long_documents)
{
    sample s = {NULL, RAW, RAW};

    s.text = apr_pstrcat(pool, "<!--", repeated("<jnlp codebase='x'>", 20000),
                         "--><jnlp` a='", repeated("> ", 200000),
                         "' codebase='~http://h/", repeated("0123456789", 800),
                         "~'", repeated(" \n\t", 100000), "href='^b^'>",
                         repeated("<jar href='/lib/a.jar'/>\n", 20000),
                         "</jnlp>", NULL);
    ck_assert_int_gt((int)strlen(s.text), 1500000);
    check_sample(&s, s.text, 0);
    check_sample(&s, s.text, 3);
}
END_TEST

START_TEST(many_attributes)
{
    bytes b = {apr_palloc(pool, 40 * 20000), 0};
    sample s = {b.at, RAW, RAW};

    add(&b, "<jnlp`", 6);
    for (int i = 0; i < 20000; i++) {
        char *attribute =
            apr_psprintf(pool, i == 9000 ? " href='^%d^'" : " href%d='>'", i);

        add(&b, attribute, strlen(attribute));
    }
    add(&b, " codebase='~c~'/>", 18);
    check_sample(&s, s.text, 1);
    check_sample(&s, s.text, 4);
}
END_TEST

START_TEST(deep_nesting)
{
    sample s = {NULL, RAW, RAW};

    s.text = apr_pstrcat(pool, "<jnlp` codebase='~c~' href='^h^'>",
                         repeated("<a>", 60000), repeated("</a>", 60000),
                         "</jnlp>", NULL);
    check_sample(&s, s.text, 0);
}
END_TEST

static void check_refused(const char *text, const char *wanted)
{
    const svb_jnlp *jnlp = NULL;
    char *copy;

    check_error(read_copy(bytes_of(text), &copy, &jnlp), wanted);
    ck_assert_ptr_null(jnlp);
    free(copy);
}

/* A DOCTYPE with entities e1 up to e<n>, each made by a format that takes the
 * number of the one before it, twice; and what follows. */
static const char *with_entities(int n, const char *format, const char *rest)
{
    bytes b = {apr_palloc(pool, 100 * ((apr_size_t)n + 2) + strlen(rest)), 0};

    add(&b, "<!DOCTYPE jnlp [<!ENTITY e0 'http://h/'>", 40);
    for (int i = 1; i <= n; i++) {
        char *value = apr_psprintf(pool, format, i - 1, i - 1);
        char *entity = apr_psprintf(pool, "<!ENTITY e%d '%s'>", i, value);

        add(&b, entity, strlen(entity));
    }
    add(&b, "]>", 2);
    add(&b, rest, strlen(rest) + 1);
    return b.at;
}

/* Entities that double the text at each step, to 2^40 bytes and more, or that
 * each refer to the one before it, 200,000 deep: nobody gets to expand one. */
START_TEST(billion_laughs)
{
    static const char *const roots[] = {
        "<jnlp codebase='&e40;'/>", "<jnlp href='h'><a b='&e40;'/></jnlp>",
        "<!-- --><jnlp xmlns='&e39;' href='&e38;'>&e40;</jnlp>",
        "<jnlp href='b'>&e40;&e40;</jnlp>"};

    for (int i = 0; i < COUNT(roots); i++) {
        check_refused(with_entities(40, "&e%d;&e%d;", roots[i]),
                      "declares an entity (e0)");
    }
    check_refused(
        with_entities(200000, "&e%d;", "<jnlp codebase='&e200000;'/>"),
        "declares an entity (e0)");
}
END_TEST

/* Looking at each of them at each element takes time. */
START_TEST(declared_attributes)
{
    const char *text = "<!DOCTYPE jnlp [";
    sample s = {NULL, NULL, RAW};

    for (int i = 0; i < 256; i++) {
        text = apr_psprintf(pool, "%s<!ATTLIST a a%d CDATA 'x'>", text, i);
    }
    s.text = apr_pstrcat(pool, text, "]><jnlp` href='^b^'><a/></jnlp>", NULL);
    check_sample(&s, s.text, 0);
    check_refused(
        apr_pstrcat(pool, text, "<!ATTLIST jnlp b CDATA 'x'>]><jnlp/>", NULL),
        "declares more than 256 attributes");
}
END_TEST

/* The address of a client is no book. What is counted is what a reader gets, in
 * bytes of UTF-8; other attributes are nobody's business. */
START_TEST(long_values)
{
    static const char *const formats[] = {
        "<jnlp` codebase='~%s~'/>", "<jnlp` codebase='c' href=\"^%s^\"/>",
        "<!DOCTYPE jnlp [<!ATTLIST jnlp codebase CDATA '%s'>]><jnlp`/>"};
    static const char *const names[] = {"codebase", "href", "codebase"};
    const char *longest = repeated("01234567", 1024);
    sample s = {NULL, RAW, RAW};

    for (int i = 0; i < COUNT(formats); i++) {
        const char *text = without_marks(apr_psprintf(
            pool, formats[i], apr_pstrcat(pool, longest, "8", NULL)));

        check_refused(
            text,
            apr_psprintf(pool, "has a %s of more than 8192 bytes", names[i]));
    }
    s.text = apr_psprintf(pool, "<jnlp` codebase='~%s~' href='^%s^' a='%s9'/>",
                          longest, longest, longest);
    check_sample(&s, s.text, 0);
    check_sample(&s, s.text, 3);
    /* written longer than it is, and the other way round */
    s.codebase = repeated("&", 8192);
    s.text = apr_psprintf(pool, "<jnlp` codebase='~%s~' href='^%s^'/>",
                          repeated("&#38;", 8192), longest);
    check_sample(&s, s.text, 0);
    check_refused(
        apr_psprintf(pool, "<jnlp href='%s'/>", repeated("\xc3\xa9", 4097)),
        "has a href of more than 8192 bytes");
}
END_TEST

/* The length is looked at before the text is. */
START_TEST(too_long)
{
    const svb_jnlp *jnlp = NULL;

    check_error(svb_jnlp_read(pool, "<jnlp/>", (apr_size_t)INT_MAX + 1, &jnlp),
                "too long");
    check_error(svb_jnlp_read(pool, "<jnlp/>", ~(apr_size_t)0, &jnlp),
                "too long");
    check_error(svb_jnlp_read(pool, NULL, 0, &jnlp), "is empty");
    ck_assert_ptr_null(jnlp);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("svb_jnlp, hostile");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, refuses, 0, COUNT(refused));
    tcase_add_test(tc, refuses_mixed_encodings);
    tcase_add_loop_test(tc, one_byte_changed, 0, COUNT(encodings));
    tcase_add_test(tc, long_documents);
    tcase_add_test(tc, many_attributes);
    tcase_add_test(tc, deep_nesting);
    tcase_add_test(tc, billion_laughs);
    tcase_add_test(tc, declared_attributes);
    tcase_add_test(tc, long_values);
    tcase_add_test(tc, too_long);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(s, tc);
    return unit_run(srunner_create(s));
}
