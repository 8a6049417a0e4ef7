/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Our section of mod_status's page. */

#include <string.h>

#include "report/server_status.h"
#include "output.h"

static svb_snapshot *two_nodes(void)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "f");
    svb_snap_node *node = svb_snap_fleet_add_node(pool, fleet, "a");

    node->state = SVB_STATE_DRAINING;
    node->up = 1;
    node->web = 12;
    node->windowed = 11;
    node->smart = 4;
    node->in_flight = 2;
    node->counters[SVB_CTR_ERRORS] = 6;
    node->counters[SVB_CTR_ELECTED] = 5;
    node->last_change = apr_time_from_sec(1795341600);
    node->reason = "set by an administrator";
    fleet = svb_snapshot_add_fleet(pool, snap, "g");
    node = svb_snap_fleet_add_node(pool, fleet, "");
    svb_snap_node_add_member(pool, node)->worker = "ajp://b:8009";
    node->state = SVB_STATE_ERROR;
    node->reason = "connection refused";
    return snap;
}

START_TEST(lines)
{
    ck_assert_int_eq(svb_server_status_lines(two_nodes(), &sink), APR_SUCCESS);
    ck_assert_str_eq(written(), "ServoyNode[0]Fleet: f\n"
                                "ServoyNode[0]Node: a\n"
                                "ServoyNode[0]State: draining\n"
                                "ServoyNode[0]Up: 1\n"
                                "ServoyNode[0]Web: 12\n"
                                "ServoyNode[0]Windowed: 11\n"
                                "ServoyNode[0]Smart: 4\n"
                                "ServoyNode[0]InFlight: 2\n"
                                "ServoyNode[0]Elected: 5\n"
                                "ServoyNode[0]Errors: 6\n"
                                "ServoyNode[0]SafeToStop: 0\n"
                                "ServoyNode[1]Fleet: g\n"
                                "ServoyNode[1]Node: ajp://b:8009\n"
                                "ServoyNode[1]State: error\n"
                                "ServoyNode[1]Up: 0\n"
                                "ServoyNode[1]Web: 0\n"
                                "ServoyNode[1]Windowed: 0\n"
                                "ServoyNode[1]Smart: 0\n"
                                "ServoyNode[1]InFlight: 0\n"
                                "ServoyNode[1]Elected: 0\n"
                                "ServoyNode[1]Errors: 0\n"
                                "ServoyNode[1]SafeToStop: 0\n");
}
END_TEST

START_TEST(a_table)
{
    ck_assert_int_eq(svb_server_status_html(two_nodes(), 1, &sink),
                     APR_SUCCESS);
    ck_assert_int_eq(count("<table"), 1);
    ck_assert_int_eq(count("</table>"), 1);
    ck_assert_int_eq(count("<tr>"), 3);
    ck_assert_int_eq(
        count("<tr><td>f</td><td>a</td><td>draining</td>"
              "<td>2026-11-22T10:00:00Z</td><td>12</td><td>4</td><td>2</td>"
              "<td>6</td><td>set by an administrator</td></tr>\n"),
        1);
    ck_assert_int_eq(count("<tr><td>g</td><td>ajp://b:8009</td><td>error</td>"
                           "<td></td><td>0</td>"),
                     1);
}
END_TEST

START_TEST(no_table)
{
    ck_assert_int_eq(svb_server_status_html(two_nodes(), 0, &sink),
                     APR_SUCCESS);
    ck_assert_int_eq(count("<t"), 0);
    ck_assert_int_eq(
        count("<p>f a: draining since 2026-11-22T10:00:00Z; 12 web, 4 smart, 2 "
              "in flight, 6 errors. set by an administrator</p>\n"),
        1);
    ck_assert_int_eq(count("<p>g ajp://b:8009: error; 0 web, "), 1);
}
END_TEST

/* Nothing of it begins a line, ends a cell, or is anything but ASCII. */
START_TEST(hostile)
{
    static const char name[] = "a\nTotal Accesses: 9\r<b>\xc3\xa9\xff\x01&\"";
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, name);

    svb_snap_fleet_add_node(pool, fleet, name)->reason = name;
    if (_i == 0) {
        ck_assert_int_eq(svb_server_status_lines(snap, &sink), APR_SUCCESS);
        ck_assert_int_eq(count("\n"), 11);
        ck_assert_int_eq(count(": a?Total Accesses: 9?<b>???&\"\n"), 2);
    }
    else {
        ck_assert_int_eq(svb_server_status_html(snap, _i == 1, &sink),
                         APR_SUCCESS);
        ck_assert_int_eq(count("<b>"), 0);
        ck_assert_int_eq(count("a\nTotal Accesses: 9&#65533;&lt;b&gt;&#233;"
                               "&#65533;&#65533;&amp;&quot;"),
                         3);
    }
    for (apr_size_t i = 0; i < text_len; i++) {
        ck_assert(text[i] == '\n' || (text[i] >= 0x20 && text[i] < 0x7f));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("server_status");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, lines);
    tcase_add_test(tc, a_table);
    tcase_add_test(tc, no_table);
    tcase_add_loop_test(tc, hostile, 0, 3);
    return unit_run(srunner_create(suite));
}
