/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Who gets what, by Accept: what browsers, programs and scrapers really send. */

#include <stdlib.h>
#include <string.h>

#include "manager/accept.h"
#include "unit.h"

static const struct {
    const char *header;
    svb_accept wanted;
} cases[] = {
    {NULL, SVB_ACCEPT_HTML},
    {"", SVB_ACCEPT_HTML},
    {"*/*", SVB_ACCEPT_HTML}, /* curl */
    /* Firefox, Chromium, Safari, and an old one */
    {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
     SVB_ACCEPT_HTML},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/"
     "webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
     SVB_ACCEPT_HTML},
    {"application/xml,application/xhtml+xml,text/html;q=0.9,text/plain;q=0.8,"
     "image/png,*/*;q=0.5",
     SVB_ACCEPT_HTML},
    {"text/plain;version=0.0.4,TEXT/HTML;q=0.1", SVB_ACCEPT_HTML},
    {"application/json, application/xhtml+xml", SVB_ACCEPT_HTML},
    {"application/json", SVB_ACCEPT_JSON},
    {"Application/JSON ; q=0.5", SVB_ACCEPT_JSON},
    {"application/json, text/plain, */*", SVB_ACCEPT_JSON}, /* axios */
    {"text/plain, application/json", SVB_ACCEPT_JSON},
    {"application/json, text/html;q=0", SVB_ACCEPT_JSON},
    /* Prometheus 2.0, with protobuf, 2.5, 2.3x, 3 */
    {"text/plain;version=0.0.4;q=1,*/*;q=0.1", SVB_ACCEPT_PROMETHEUS},
    {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
     "encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
     SVB_ACCEPT_PROMETHEUS},
    {"application/openmetrics-text; "
     "version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     SVB_ACCEPT_PROMETHEUS},
    {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
     "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     SVB_ACCEPT_PROMETHEUS},
    {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
     "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0."
     "0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
     SVB_ACCEPT_PROMETHEUS},
    /* one that would take JSON, if need be */
    {"text/plain;version=0.0.4;q=0.3,application/json;schema=\"a,b;c\";version="
     "0.0.2;q=0.2,*/*;q=0.1",
     SVB_ACCEPT_PROMETHEUS},
    {"application/openmetrics-text", SVB_ACCEPT_PROMETHEUS},
    {"text/plain ; Version=\"0.0.4\"", SVB_ACCEPT_PROMETHEUS},
    /* nearly */
    {"text/plain", SVB_ACCEPT_HTML},
    {"text/plain;q=0.8", SVB_ACCEPT_HTML},
    {"text/plain;conversion=1", SVB_ACCEPT_HTML},
    {"application/jsonp", SVB_ACCEPT_HTML},
    {"application/openmetrics-text;q=0", SVB_ACCEPT_HTML},
    {"application/openmetrics-text;q=0.0, application/json", SVB_ACCEPT_JSON},
    {"text/plain;x=\"a;version=0.0.4\"", SVB_ACCEPT_HTML},
    {"text/plain;x=\"a,application/json", SVB_ACCEPT_HTML},
    {"text/plain;x=\"\\\",application/json\"", SVB_ACCEPT_HTML},
    {"text/plain;x=\"\\", SVB_ACCEPT_HTML},
    {",,;,;;q=,q=0;\xff, ,", SVB_ACCEPT_HTML},
};

START_TEST(who_gets_what)
{
    /* on the heap: the sanitizer sees a byte too far */
    char *copy = cases[_i].header ? strdup(cases[_i].header) : NULL;

    ck_assert_int_eq(svb_accept_read(copy), cases[_i].wanted);
    free(copy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accept");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, who_gets_what, 0, COUNT(cases));
    return unit_run(srunner_create(suite));
}
