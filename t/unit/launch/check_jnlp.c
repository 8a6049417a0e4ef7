/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * Unit tests of svb_jnlp: a corpus of JNLPs, each in several encodings, what is
 * read of them and what becomes of them byte by byte.
 */

#include <stdlib.h>

#include "launch/jnlp_samples.h"

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
    {"<!DOCTYPE jnlp [<!-- <jnlp href='x'> --><!NOTATION n SYSTEM '<jnlp/>'>"
     "<!ATTLIST jnlp a CDATA \"&lt;jnlp codebase='a' href='b'/>\">"
     "<?p <jnlp href='z'/>?>]><jnlp` codebase='~c~'/>",
     RAW, NULL},
    /* decoys after it */
    {"<jnlp`><jnlp codebase='a' href='b'/><![CDATA[<jnlp codebase='c' href='d'"
     ">]]><!-- <jnlp href='x'/> --><?p href='q'?></jnlp>"
     "<!-- <jnlp href='x'/> --><?p href='q'?>",
     NULL, NULL},
    {"<jnlp` codebase='~a~' href='^b^'><jnlp href='c'><jnlp codebase='d'/>"
     "</jnlp></jnlp>",
     RAW, RAW},
    /* what a DOCTYPE does */
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
    /* those five that are declared already, the same once more */
    {"<!DOCTYPE jnlp [<!ENTITY amp '&#38;#38;'><!ENTITY lt '&#38;#60;'>]>"
     "<jnlp` codebase='~&amp;~' href='^&lt;^'/>",
     "&", "<"},
    /* what stands elsewhere is never read, and may declare what it likes */
    {"<!DOCTYPE jnlp PUBLIC '-//Sun Microsystems, Inc//DTD JNLP Descriptor"
     " 1.5//EN' 'http://java.sun.com/dtd/JNLP-1.5.dtd'>"
     "<jnlp` codebase='~c~' href='^b^'>&x;</jnlp>",
     RAW, RAW},
    {"<!DOCTYPE jnlp SYSTEM 'file:///etc/passwd' [%y;<!ENTITY x 'y'>]>"
     "<jnlp` href='^b^'>&x;</jnlp>",
     NULL, RAW},
    /* whatever else is in the document is nobody's business here */
    {"<?xml version=\"1.0\"?><jnlp`><a>&#xe9;&amp;</a><jnlp/></jnlp> <!---->",
     NULL, NULL},
};

static void check_in_all_encodings(const sample *s)
{
    for (int i = 0; i < COUNT(encodings); i++) {
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

/* Cut off anywhere it is refused, or nothing but its end was white space. */
START_TEST(truncated)
{
    const char *text = vendors[_i].text;

    for (int i = 1; i < COUNT(encodings); i += 2) {
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

int main(void)
{
    Suite *s = suite_create("svb_jnlp");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, vendor_samples, 0, COUNT(vendors));
    tcase_add_loop_test(tc, odd_samples, 0, COUNT(odd));
    tcase_add_loop_test(tc, bytewise_samples, 0, COUNT(bytewise));
    tcase_add_loop_test(tc, truncated, 0, 2);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(s, tc);
    return unit_run(srunner_create(s));
}
