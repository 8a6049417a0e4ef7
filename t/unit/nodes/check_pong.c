/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/* Unit tests of svb_probe_pong(): what somebody has answered to a CPing. */

#include "nodes/probe.h"
#include "unit.h"

#define BYTES(text) (text), sizeof(text) - 1

static const struct {
    const char *answer;
    apr_size_t len;
    svb_reach reach;
} answers[] = {
    {BYTES(""), SVB_REACH_UNKNOWN},
    {BYTES("A"), SVB_REACH_UNKNOWN},
    {BYTES("AB\0\1"), SVB_REACH_UNKNOWN},
    {BYTES("AB\0\1\t"), SVB_REACH_OK},
    {BYTES("AB\0\1\tmore"), SVB_REACH_OK},
    {BYTES("B"), SVB_REACH_SILENT},
    {BYTES("AB\0\1\n"), SVB_REACH_SILENT},
    {BYTES("AB\0\2\t"), SVB_REACH_SILENT},
    {BYTES("AB\1"), SVB_REACH_SILENT},
    {BYTES("\x12\x34\0\1\n"), SVB_REACH_SILENT}, /* an echo */
    {BYTES("HTTP/1.1 400 \r\n\r\n"), SVB_REACH_SILENT},
};

START_TEST(pong)
{
    ck_assert_int_eq(svb_probe_pong(answers[_i].answer, answers[_i].len),
                     answers[_i].reach);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("svb_probe, answers");
    TCase *tc = tcase_create("all");

    tcase_add_loop_test(tc, pong, 0, COUNT(answers));
    suite_add_tcase(s, tc);
    return unit_run(srunner_create(s));
}
