/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * hosts: which are surely two, and which may be one.
 */
#include "config/hosts.h"
#include "unit.h"

static const struct {
    const char *a, *b;
    int differ;
} pairs[] = {
    {"app1.internal", "app2.internal", 1},
    {"app1", "app2", 1},
    {"app1", "app10", 1},
    {"app1", "app10.internal", 1},
    {"app1.test", "app1.prod", 1},
    {"10.0.0.5", "10.0.0.6", 1},
    {"[2001:db8::5]", "2001:db8::6", 1},
    {"app1.internal", "APP1.Internal", 0},
    {"app1.internal.", "app1.internal", 0},
    {"app1", "app1.internal", 0},
    {"app1.", "app1.internal", 0},
    {"10.0.0.5", "10.0.0.5", 0},
    {"[2001:db8::5]", "2001:DB8:0:0::5", 0},
    /* It cannot be told. */
    {"app1.internal", "10.0.0.5", 0},
    {"app1.internal", "2001:db8::5", 0},
    {"10.0.0.5", "2001:db8::5", 0},
    {"127.0.0.1", "10.0.0.5", 0},
    {"127.0.0.1", "127.0.0.2", 0},
    {"0.0.0.0", "10.0.0.5", 0},
    {"::1", "2001:db8::5", 0},
    {"[::]", "2001:db8::5", 0},
    {"localhost", "app1.internal", 0},
    {"LOCALHOST.", "app1.internal", 0},
    {"app1.localhost", "app2.localhost", 0},
    {"notlocalhost", "app1", 1},
    {"127.0.0.1", "localhost", 0},
    /* Nonsense is no reason to complain here. */
    {"", "app1", 0},
    {"", "", 0},
    {"10.1", "10.2", 0},
    {"1.2.3.4.5", "10.0.0.6", 0},
    {"[", "10.0.0.6", 0},
    {"[:", "[::2]", 0},
    {"fe80::1%eth0", "fe80::2%eth0", 0},
    {":::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::", "::2",
     0},
};

static const struct {
    const char *host;
    int is_literal;
} literals[] = {
    {"127.0.0.1", 1},
    {"0.0.0.0", 1},
    {"192.0.2.7", 1},
    {"::1", 1},
    {"[::1]", 1},
    {"[2001:db8::5]", 1},
    {"::ffff:192.0.2.7", 1},
    {"localhost", 1},
    {"LocalHost.", 1},
    {"servoy.localhost", 1},
    {"notlocalhost", 0},
    {"localhost.example.com", 0},
    {"127.0.0.1.example.com", 0},
    {"a127.0.0.1", 0},
    {"evil.example", 0},
    {"app1", 0},
    {"", 0},
    {".", 0},
    {"10.1", 0},
    {"1.2.3.4.5", 0},
    {"2130706433", 0},
    {"[", 0},
    {"[]", 0},
    {"fe80::1%eth0", 0},
};

START_TEST(whether_the_dns_has_a_say)
{
    ck_assert_int_eq(svb_hosts_is_literal(literals[_i].host),
                     literals[_i].is_literal);
}
END_TEST

START_TEST(differ)
{
    ck_assert_msg(svb_hosts_differ(pairs[_i].a, pairs[_i].b)
                      == pairs[_i].differ,
                  "%s and %s", pairs[_i].a, pairs[_i].b);
    ck_assert_int_eq(svb_hosts_differ(pairs[_i].b, pairs[_i].a),
                     pairs[_i].differ);
    ck_assert_int_eq(svb_hosts_differ(pairs[_i].a, pairs[_i].a), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("hosts");
    TCase *tc = tcase_create("hosts");

    tcase_add_loop_test(tc, differ, 0, sizeof(pairs) / sizeof(pairs[0]));
    tcase_add_loop_test(tc, whether_the_dns_has_a_say, 0, COUNT(literals));
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
