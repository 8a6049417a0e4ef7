/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The snapshot, the sink's escaping, and the JSON made of them. */

#include <locale.h>
#include <math.h>
#include <string.h>

#include <apr_strings.h>

#include "manager/json.h"
#include "unit.h"

/* Where a sink under test writes to. */
static struct {
    char text[65536];
    apr_size_t len;
    int calls;
    int fail_at; /* the call that fails, 0 for none */
} out;

static apr_status_t to_out(void *baton, const char *data, apr_size_t len)
{
    (void)baton;
    if (++out.calls == out.fail_at) {
        return APR_EGENERAL;
    }
    ck_assert_uint_gt(len, 0);
    ck_assert_uint_lt(out.len + len, sizeof(out.text));
    memcpy(out.text + out.len, data, len);
    out.len += len;
    out.text[out.len] = '\0';
    return APR_SUCCESS;
}

static svb_sink sink;

static void setup(void)
{
    pool_setup();
    memset(&out, 0, sizeof(out));
    svb_sink_init(&sink, to_out, NULL);
}

/* What has been written since the last call. */
static const char *written(void)
{
    const char *text;

    ck_assert_int_eq(svb_sink_flush(&sink), APR_SUCCESS);
    text = apr_pstrmemdup(pool, out.text, out.len);
    out.len = 0;
    return text;
}

static const struct {
    const char *in, *json, *html, *label;
} escapes[] = {
    {NULL, "\"\"", "", ""},
    {"", "\"\"", "", ""},
    {"servoy1", "\"servoy1\"", "servoy1", "servoy1"},
    {"a\"b", "\"a\\\"b\"", "a&quot;b", "a\\\"b"},
    {"a\\b", "\"a\\\\b\"", "a\\b", "a\\\\b"},
    {"a'b", "\"a'b\"", "a&#39;b", "a'b"},
    {"</script>", "\"\\u003c/script\\u003e\"", "&lt;/script&gt;", "</script>"},
    {"&amp;", "\"\\u0026amp;\"", "&amp;amp;", "&amp;"},
    {"\n\t", "\"\\n\\t\"", "\n\t", "\\n\xef\xbf\xbd"},
    {"\b\f\r", "\"\\b\\f\\r\"", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\x01\x7f", "\"\\u0001\\u007f\"", "\xef\xbf\xbd\xef\xbf\xbd",
     "\xef\xbf\xbd\xef\xbf\xbd"},
    /* well-formed, two to four bytes */
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
     "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    /* a byte that starts nothing */
    {"a\xff"
     "b",
     "\"a\\ufffdb\"",
     "a\xef\xbf\xbd"
     "b",
     "a\xef\xbf\xbd"
     "b"},
    /* cut short: what follows is not swallowed */
    {"\xe2\x82\"", "\"\\ufffd\\ufffd\\\"\"", "\xef\xbf\xbd\xef\xbf\xbd&quot;",
     "\xef\xbf\xbd\xef\xbf\xbd\\\""},
    {"\xc3", "\"\\ufffd\"", "\xef\xbf\xbd", "\xef\xbf\xbd"},
    /* overlong slash, surrogate, above U+10FFFF */
    {"\xc0\xaf", "\"\\ufffd\\ufffd\"", "\xef\xbf\xbd\xef\xbf\xbd",
     "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
};

START_TEST(escaping)
{
    svb_sink_json(&sink, escapes[_i].in);
    ck_assert_str_eq(written(), escapes[_i].json);
    svb_sink_html(&sink, escapes[_i].in);
    ck_assert_str_eq(written(), escapes[_i].html);
    svb_sink_label(&sink, escapes[_i].in);
    ck_assert_str_eq(written(), escapes[_i].label);
}
END_TEST

static const struct {
    double in;
    const char *text;
} doubles[] = {
    {0, "0.0"},
    {1, "1.0"},
    {-1, "-1.0"},
    {0.01, "0.01"},
    {0.29, "0.29"},
    {1.5, "1.5"},
    {100, "100.0"},
    {33.3333333, "33.3333"},
    {0.99999, "1.0"},
    {0.0001, "0.0001"},
    {-0.00001, "0.0"},
    {1e300, "1000000000000.0"},
    {-INFINITY, "-1000000000000.0"},
    {NAN, "0.0"},
};

START_TEST(fractions)
{
    /* a locale with a decimal comma, where there is one, changes nothing */
    setlocale(LC_ALL, "de_DE.UTF-8");
    svb_sink_double(&sink, doubles[_i].in);
    ck_assert_str_eq(written(), doubles[_i].text);
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(whole_numbers)
{
    svb_sink_uint(&sink, 0);
    ck_assert_str_eq(written(), "0");
    svb_sink_uint(&sink, APR_UINT64_C(18446744073709551615));
    ck_assert_str_eq(written(), "18446744073709551615");
    svb_sink_int(&sink, APR_INT64_C(-9223372036854775807) - 1);
    ck_assert_str_eq(written(), "-9223372036854775808");
    svb_sink_int(&sink, 12);
    ck_assert_str_eq(written(), "12");
}
END_TEST

START_TEST(times)
{
    svb_sink_time(&sink, apr_time_from_sec(1795341600) + 999999);
    ck_assert_str_eq(written(), "2026-11-22T10:00:00Z");
    svb_sink_time(&sink, -1);
    ck_assert_str_eq(written(), "1970-01-01T00:00:00Z");
    svb_sink_time(&sink, APR_INT64_C(9223372036854775807));
    ck_assert_str_eq(written(), "9999-12-31T23:59:59Z");
}
END_TEST

START_TEST(long_text_goes_out_in_pieces)
{
    const int n = 10000;
    char *text = apr_palloc(pool, n + 1);

    memset(text, 'x', n);
    text[n] = '\0';
    svb_sink_html(&sink, text);
    ck_assert_str_eq(written(), text);
    ck_assert_int_gt(out.calls, 1);
}
END_TEST

START_TEST(the_first_error_sticks)
{
    int i;

    out.fail_at = 2;
    for (i = 0; i < 100000; i++) {
        svb_sink_raw(&sink, "0123456789");
    }
    ck_assert_int_eq(svb_sink_flush(&sink), APR_EGENERAL);
    ck_assert_int_eq(svb_sink_flush(&sink), APR_EGENERAL);
    ck_assert_int_eq(out.calls, 2);
}
END_TEST

START_TEST(states)
{
    int i, j;

    ck_assert_str_eq(svb_state_name(SVB_STATE_READY), "ready");
    ck_assert_str_eq(svb_state_name(SVB_STATE_STOPPED), "stopped");
    ck_assert_str_eq(svb_state_name(SVB_STATES), "error");
    ck_assert_str_eq(svb_state_name((svb_state)-1), "error");
    for (i = 0; i < SVB_STATES; i++) {
        const svb_state_info *info = svb_state_describe((svb_state)i);

        ck_assert(info->name && info->phrase && info->explained);
        ck_assert(info->can_serve || !info->takes_new);
        for (j = 0; j < SVB_STATES; j++) {
            ck_assert_int_eq(svb_state_best((svb_state)i, (svb_state)j),
                             i < j ? i : j);
        }
    }
}
END_TEST

START_TEST(totals)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "f");
    svb_snap_node *first = svb_snap_fleet_add_node(pool, fleet, "a");
    svb_snap_totals t;
    int i;

    first->web = 5;
    first->state = SVB_STATE_ERROR;
    for (i = 0; i < 100; i++) { /* growing must not move the first */
        svb_snap_node *node =
            svb_snap_fleet_add_node(pool, fleet, apr_psprintf(pool, "n%d", i));
        node->smart = 2;
        node->in_flight = 1;
        node->state = SVB_STATE_STANDBY;
    }
    ck_assert_ptr_eq(svb_snap_fleet_node(fleet, "a"), first);
    ck_assert_ptr_eq(svb_snap_fleet_node(fleet, "x"), NULL);
    ck_assert_ptr_eq(svb_snapshot_fleet(snap, "f"), fleet);
    ck_assert_ptr_eq(svb_snapshot_fleet(snap, ""), NULL);
    svb_snap_fleet_totals(fleet, &t);
    ck_assert_uint_eq(t.nodes, 101);
    ck_assert_uint_eq(t.web, 5);
    ck_assert_uint_eq(t.smart, 200);
    ck_assert_uint_eq(t.in_flight, 100);
    ck_assert_uint_eq(t.serving, 100);
    ck_assert_uint_eq(t.in_state[SVB_STATE_ERROR], 1);
    ck_assert_uint_eq(t.takes_new, 100); /* nobody else, so the standbys do */
    first->state = SVB_STATE_READY;
    svb_snap_fleet_totals(fleet, &t);
    ck_assert_uint_eq(t.takes_new, 1);
}
END_TEST

/* Spaces outside of strings do not count, but for their place in this text. */
static const char expected[] =
    "{\"module\": \"mod_servoy_balancer/0.1.0\", \"server\": \"www\", "
    "\"time\": \"2026-11-22T10:00:00Z\",\n"
    " \"uptime_s\": 61, \"nonce\": \"n\", \"actions\": false,\n"
    " \"table\": {\"capacity\": 65536, \"clients\": 15, \"evicted\": 0, "
    "\"bytes\": 1048576},\n"
    " \"fleets\": [{\"name\": \"servoy\",\n"
    "  \"balancers\": [\"balancer://servoy\"],\n"
    "  \"clients\": {\"web\": 12, \"smart\": 3},\n"
    "  \"nodes\": [{\"route\": \"servoy1\", \"state\": \"ready\", "
    "\"url\": \"\", \"group\": \"\", \"loadfactor\": 1.0, \"maxclients\": 0, "
    "\"members\": [{\"balancer\": \"balancer://servoy\", "
    "\"worker\": \"ajp://app1.internal:8009\", \"status\": \"Init Ok\", "
    "\"busy\": 0, \"lbset\": 0}], "
    "\"clients\": {\"web\": 12, \"smart\": 3}, \"in_flight\": 0, "
    "\"elected\": 1, \"sticky\": 2, \"launches\": 3, "
    "\"failed_over_from\": 4, \"failed_over_to\": 5, "
    "\"maintenance_hits\": 6, \"errors\": 7, "
    "\"bytes_to\": 8, \"bytes_from\": 9, \"safe_to_stop\": false, "
    "\"last_change\": \"2026-11-22T09:59:00Z\"}]}]}\n";

static svb_snapshot *one_node(void)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "servoy");
    svb_snap_node *node = svb_snap_fleet_add_node(pool, fleet, "servoy1");
    svb_snap_member *member = svb_snap_node_add_member(pool, node);
    int i;

    snap->module = "mod_servoy_balancer/0.1.0";
    snap->server = "www";
    snap->time = apr_time_from_sec(1795341600);
    snap->started = snap->time - apr_time_from_sec(61);
    snap->nonce = "n";
    snap->table.capacity = 65536;
    snap->table.clients = 15;
    snap->table.bytes = 1048576;
    svb_snap_fleet_add_balancer(fleet, "balancer://servoy");
    member->balancer = "balancer://servoy";
    member->worker = "ajp://app1.internal:8009";
    member->status = "Init Ok";
    node->web = 12;
    node->smart = 3;
    for (i = 0; i < SVB_COUNTERS; i++) {
        node->counters[i] = (apr_uint64_t)i + 1;
    }
    node->bytes_to = 8;
    node->bytes_from = 9;
    node->last_change = snap->time - apr_time_from_sec(60);
    return snap;
}

START_TEST(the_whole_snapshot)
{
    ck_assert_int_eq(svb_json_snapshot(one_node(), &sink), APR_SUCCESS);
    ck_assert_str_eq(written(), expected);
}
END_TEST

START_TEST(one_node_alone)
{
    const svb_snap_fleet *fleet = svb_snapshot_fleet(one_node(), "servoy");
    const char *start = strstr(expected, "{\"route\"");
    const char *text;

    ck_assert_int_eq(
        svb_json_node(svb_snap_fleet_node(fleet, "servoy1"), &sink),
        APR_SUCCESS);
    text = written();
    ck_assert_uint_eq(strlen(text), strlen(start) - strlen("]}]}"));
    ck_assert_int_eq(strncmp(text, start, strlen(text) - 1), 0);
}
END_TEST

START_TEST(nothing_to_show)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    const char *text;

    snap->started = apr_time_from_sec(5); /* after time: no wrap-around */
    svb_snapshot_add_fleet(pool, snap, NULL);
    ck_assert_int_eq(svb_json_snapshot(snap, &sink), APR_SUCCESS);
    text = written();
    ck_assert_ptr_nonnull(strstr(text, "\"uptime_s\": 0,"));
    ck_assert_ptr_nonnull(strstr(text, "\"time\": \"\""));
    ck_assert_ptr_nonnull(strstr(text, "\"nodes\": []}]}\n"));
}
END_TEST

START_TEST(hostile_strings)
{
    static const char hostile[] = "\"}],<script>\n\\\xff";
    svb_snapshot *snap = one_node();
    svb_snap_fleet *fleet = svb_snapshot_fleet(snap, "servoy");
    svb_snap_node *node = svb_snap_fleet_node(fleet, "servoy1");
    svb_snap_member *member =
        APR_ARRAY_IDX(node->members, 0, svb_snap_member *);
    const char *text;
    int found = 0;

    snap->module = snap->server = snap->nonce = fleet->name = hostile;
    node->route = node->url = node->group = hostile;
    member->balancer = member->worker = member->status = hostile;
    svb_snap_fleet_add_balancer(fleet, hostile);
    svb_json_snapshot(snap, &sink);
    text = written();
    ck_assert_ptr_null(strchr(text, '<'));
    ck_assert_ptr_null(strchr(text, '\xff'));
    while (
        (text = strstr(text, "\"\\\"}],\\u003cscript\\u003e\\n\\\\\\ufffd\""))
        != NULL) {
        text++;
        found++;
    }
    ck_assert_int_eq(found, 11);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, setup, pool_teardown);
    tcase_add_loop_test(tc, escaping, 0, COUNT(escapes));
    tcase_add_loop_test(tc, fractions, 0, COUNT(doubles));
    tcase_add_test(tc, whole_numbers);
    tcase_add_test(tc, times);
    tcase_add_test(tc, long_text_goes_out_in_pieces);
    tcase_add_test(tc, the_first_error_sticks);
    tcase_add_test(tc, states);
    tcase_add_test(tc, totals);
    tcase_add_test(tc, the_whole_snapshot);
    tcase_add_test(tc, one_node_alone);
    tcase_add_test(tc, nothing_to_show);
    tcase_add_test(tc, hostile_strings);
    return unit_run(srunner_create(suite));
}
