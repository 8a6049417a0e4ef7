/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Unit tests of svb_host: the host that a URL leads to, whoever reads it. */

#include <string.h>

#include "launch/host.h"
#include "unit.h"

static const struct {
    const char *value;
    const char *host; /* NULL: relative */
} hosts[] = {
    {"http://node1", "node1"},
    {"http://node1/", "node1"},
    {"http://node1:8080", "node1"},
    {"https://node1.example.com:8443/a/b?c#d", "node1.example.com"},
    {"HTTP://Node1.Example.COM:80/A", "node1.example.com"},
    {"http://10.0.0.1:8080/", "10.0.0.1"},
    {"http://my_host/", "my_host"},
    {"http://node1?x", "node1"},
    {"http://node1#x", "node1"},
    {"http://node1:/", "node1"},
    {"http://node1:80:90/", "node1"},
    {"http://node1./", "node1"},
    {"http://node1.:80/", "node1"},
    {"http://node1../", "node1"},
    {"http://n%6fde1/", "n%6fde1"},
    {"http://n\xc3\xb6/", "n\xc3\xb6"},
    {"http://$$hostname/", "$$hostname"},
    /* IPv6 */
    {"http://[::1]/", "::1"},
    {"http://[2001:DB8::A]:8080/x", "2001:db8::a"},
    {"http://[fe80::1%25eth0]:80", "fe80::1%25eth0"},
    {"http://[::1", "::1"},
    {"http://[]/", ""},
    {"http://u@[::1]:80/", "::1"},
    {"//[::1]:80/", "::1"},
    {"http://::1/", ""},
    /* userinfo */
    {"http://u@evil/", "evil"},
    {"http://node1:80@evil:80/", "evil"},
    {"http://node1@node2@evil/", "evil"},
    {"http://evil/@node1", "evil"},
    {"http://evil\\@node1", "evil"},
    {"http://evil?@node1", "evil"},
    {"http://evil#@node1", "evil"},
    {"http://[::1]@evil/", "evil"},
    {"http://@/", ""},
    {"http://node1@", ""},
    /* slashes and backslashes */
    {"//evil", "evil"},
    {"//evil/a", "evil"},
    {"///evil/a", "evil"},
    {"\\\\evil\\a", "evil"},
    {"/\\evil/a", "evil"},
    {"\\/evil/a", "evil"},
    {"//u@evil:1", "evil"},
    {"http:\\\\evil/", "evil"},
    {"http:\\/evil/", "evil"},
    {"http:/\\evil/", "evil"},
    {"http:/evil/", "evil"},
    {"http:\\evil", "evil"},
    {"http:evil", "evil"},
    {"https:Evil:80/x", "evil"},
    {"http:///evil", "evil"},
    {"http:////\\evil", "evil"},
    {"http:", ""},
    {"http:/", ""},
    {"http://", ""},
    {"http:///", ""},
    {"http:?x", ""},
    {"//", ""},
    {"///", ""},
    {"//?x", ""},
    /* what readers take off first */
    {" http://evil", "evil"},
    {"\x01\t \r\nhttp://evil", "evil"},
    {" //evil", "evil"},
    {"http://evil \n", "evil"},
    {"ht\ntp://e\tv\ril", "evil"},
    {"/\n/evil", "evil"},
    {"htt\tp:evil", "evil"},
    {"url:http://evil/", "evil"},
    {"URL:http:evil/", "evil"},
    {"url://evil/", "evil"},
    {"url:a.jnlp", NULL},
    {"url:url:http://evil", ""},
    /* other schemes */
    {"file:/x", ""},
    {"file:///x", ""},
    {"file://Host/x", "host"},
    {"file:\\\\host\\x", "host"},
    {"file:/C:/work/dist/", ""},
    {"C:\\work\\dist", ""},
    {"C:/work", ""},
    {"x:y", ""},
    {"x:", ""},
    {"x+y-z.1:y", ""},
    {"mailto:a@b", ""},
    {"javascript:alert(1)", ""},
    {"data:text/html,//x", ""},
    {"jar:http://evil/a.jar!/", ""},
    {"ftp://evil:21/x", "evil"},
    {"ws:evil", ""},
    {"https+x:evil", ""},
    {"localhost:8080/a", ""},
    /* relative ones */
    {"", NULL},
    {" ", NULL},
    {"crm.jnlp", NULL},
    {"servoy-client/crm.jnlp", NULL},
    {"/servoy-client/crm.jnlp?a=http://b", NULL},
    {"\\servoy-client", NULL},
    {"./x", NULL},
    {"../x:y", NULL},
    {"?x=http://evil", NULL},
    {"#http://evil", NULL},
    {"a/b:c", NULL},
    {"a?b:c", NULL},
    {"a#b://c", NULL},
    {"1:2", NULL},
    {"1http://evil", NULL},
    {"-x:y", NULL},
    {":x", NULL},
    {"://evil", NULL},
    {"$$codebase", NULL},
    {"$$codebase:1", NULL},
    {"h\xc3\xb6:1", NULL},
    {"http", NULL},
    {"http//x", NULL},
    {"url:", NULL},
};

START_TEST(named)
{
    const char *wanted = hosts[_i].host;
    const char *got = svb_host_named(pool, hosts[_i].value);

    ck_assert_msg(!got == !wanted && (!got || !strcmp(got, wanted)),
                  "%s leads to %s, not %s", hosts[_i].value,
                  got ? got : "(none)", wanted ? wanted : "(none)");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("svb_host");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, named, 0, COUNT(hosts));
    suite_add_tcase(s, tc);
    return unit_run(srunner_create(s));
}
