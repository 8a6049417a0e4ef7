/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Origins of pages that have a browser send something. */

#include "manager/origin.h"
#include "unit.h"

static const struct {
    const char *text, *host; /* NULL: it is none */
    unsigned port;
} origins[] = {
    {"http://servoy.example.com", "servoy.example.com", 80},
    {"https://servoy.example.com", "servoy.example.com", 443},
    {"https://servoy.example.com:8443", "servoy.example.com", 8443},
    {"HTTPS://Servoy.Example.COM.:443", "servoy.example.com", 443},
    {"http://127.0.0.1:8080", "127.0.0.1", 8080},
    {"http://[::1]", "::1", 80},
    {"https://[2001:DB8::1]:8443", "2001:db8::1", 8443},
    {"http://a:65535", "a", 65535},
    {"null", NULL, 0},
    {"", NULL, 0},
    {"http", NULL, 0},
    {"http:", NULL, 0},
    {"http:/", NULL, 0},
    {"http://", NULL, 0},
    {"http://:80", NULL, 0},
    {"http://[]", NULL, 0},
    {"http://a:", NULL, 0},
    {"http://a:0", NULL, 0},
    {"http://a:65536", NULL, 0},
    {"http://a:100000", NULL, 0},
    {"http://a:80x", NULL, 0},
    {"http://a:-80", NULL, 0},
    {"http://a:80:80", NULL, 0},
    {"http://a/", NULL, 0},
    {"http://a\\", NULL, 0},
    {"http://a?b", NULL, 0},
    {"http://a#b", NULL, 0},
    {"http://user@a", NULL, 0},
    {"http://a http://b", NULL, 0},
    {"http://a, http://b", NULL, 0},
    {"http://a\n", NULL, 0},
    {" http://a", NULL, 0},
    {"url:http://a", NULL, 0},
    {"ftp://a", NULL, 0},
    {"file://", NULL, 0},
    {"chrome-extension://abcdef", NULL, 0},
    {"//a", NULL, 0},
    {"a", NULL, 0},
};

START_TEST(reading)
{
    svb_origin origin;
    int is_one = svb_origin_read(pool, origins[_i].text, &origin);

    ck_assert_msg(is_one == (origins[_i].host != NULL), "%s", origins[_i].text);
    if (is_one) {
        ck_assert_str_eq(origin.host, origins[_i].host);
        ck_assert_uint_eq(origin.port, origins[_i].port);
    }
}
END_TEST

static const struct {
    const char *text;
    unsigned port; /* of Host */
    int same;
} ports[] = {
    {"http://a", 0, 1},
    {"https://a", 0, 1}, /* TLS ends at a proxy, or here */
    {"http://a", 80, 1},
    {"https://a", 443, 1},
    {"http://a", 443, 0},
    {"https://a", 80, 0},
    {"http://a:8080", 8080, 1},
    {"https://a:8443", 8443, 1},
    {"http://a:8080", 0, 0}, /* another's page on this machine */
    {"http://a:8080", 8081, 0},
    {"http://a", 8080, 0},
};

START_TEST(comparing_ports)
{
    svb_origin origin;

    ck_assert_int_eq(svb_origin_read(pool, ports[_i].text, &origin), 1);
    ck_assert_int_eq(svb_origin_has_port(&origin, ports[_i].port),
                     ports[_i].same);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("origin");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, reading, 0, COUNT(origins));
    tcase_add_loop_test(tc, comparing_ports, 0, COUNT(ports));
    return unit_run(srunner_create(suite));
}
