/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The snapshot, and the JSON made of it. */

#include <string.h>

#include <apr_strings.h>

#include "report/json.h"
#include "output.h"

START_TEST(states)
{
    ck_assert_str_eq(svb_state_name(SVB_STATE_READY), "ready");
    ck_assert_str_eq(svb_state_name(SVB_STATE_STOPPED), "stopped");
    ck_assert_str_eq(svb_state_name(SVB_STATES), "error");
    ck_assert_str_eq(svb_state_name((svb_state)-1), "error");
    for (int i = 0; i < SVB_STATES; i++) {
        const svb_state_info *info = svb_state_describe((svb_state)i);

        ck_assert(info->name && info->phrase && info->explained);
        ck_assert(info->can_serve || !info->takes_new);
        for (int j = 0; j < SVB_STATES; j++) {
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

    first->web = 5;
    first->state = SVB_STATE_ERROR;
    for (int i = 0; i < 100; i++) { /* growing must not move the first */
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
    "  \"clients\": {\"web\": 12, \"smart\": 3, \"windowed\": 0},\n"
    "  \"nodes\": [{\"route\": \"servoy1\", \"state\": \"ready\", "
    "\"url\": \"\", \"group\": \"\", \"loadfactor\": 1.0, \"maxclients\": 0, "
    "\"members\": [{\"balancer\": \"balancer://servoy\", "
    "\"worker\": \"ajp://app1.internal:8009\", \"status\": \"Init Ok\", "
    "\"busy\": 0, \"lbset\": 0, \"up\": true, \"reason\": \"answers\"}], "
    "\"clients\": {\"web\": 12, \"smart\": 3, \"windowed\": 0}, \"in_flight\": 0, "
    "\"elected\": 1, \"sticky\": 2, \"launches\": 3, "
    "\"failed_over_from\": 4, \"failed_over_to\": 5, "
    "\"maintenance_hits\": 6, \"errors\": 7, "
    "\"bytes_to\": 8, \"bytes_from\": 9, \"safe_to_stop\": false, "
    "\"last_change\": \"2026-11-22T09:59:00Z\", "
    "\"since\": \"2026-11-22T09:59:00Z\", "
    "\"reason\": \"3 new clients in a row got 403\", "
    "\"until\": \"2026-11-22T10:00:30Z\", "
    "\"before\": \"\", \"had\": 20, \"idle\": 9, \"held\": 4, "
    "\"empty_by\": \"2026-11-22T10:00:01Z\", \"empty_since\": null, "
    "\"moved\": [{\"to\": \"servoy2\", \"clients\": 11}, "
    "{\"to\": \"servoy3\", \"clients\": 9}], "
    "\"recent_errors\": 3, \"host\": \"app1.internal\", "
    "\"said\": \"drained by admin from 10.0.0.7\", "
    "\"other_route\": \"\"}],\n"
    "  \"refused\": 12, \"recent\": {\"refused\": 2, \"new_per_min\": 1.4, "
    "\"new_hour_ago\": null, \"moved\": 21}}],\n"
    " \"events\": [{\"time\": \"2026-11-22T09:59:00Z\", \"kind\": \"state\", "
    "\"fleet\": \"servoy\", \"node\": \"servoy1\", \"from\": \"\", "
    "\"to\": \"ready\", \"reason\": \"\\\"\"}],\n"
    " \"front_end\": \"fe1\",\n"
    " \"front_ends\": [{\"name\": \"fe1\", \"self\": true, \"version\": "
    "\"0.2.0\", \"state\": \"here\", \"seen\": \"2026-11-22T10:00:00Z\", "
    "\"lag_ms\": 7, \"clients\": 8, \"elections_per_s\": 1.5, \"rejected\": 9},\n"
    "  {\"name\": \"fe2\", \"self\": false, \"version\": \"\", \"state\": "
    "\"gone\", \"seen\": \"\", \"lag_ms\": 0, \"clients\": 0, "
    "\"elections_per_s\": 0.0, \"rejected\": 0}],\n"
    " \"store\": {\"url\": \"redis://10.0.0.5\", \"state\": \"connected\", "
    "\"since\": \"2026-11-22T09:59:00Z\", \"round_trip_ms\": 0.25, \"unsent\": 1, "
    "\"walks\": 2, \"gaps\": 3},\n"
    " \"refused\": 13,\n"
    " \"verdict\": {\"severity\": \"warn\", \"title\": \"! 1 front end\", "
    "\"headline\": \"Front end fe2 is gone.\", \"rest\": \"15 users are served "
    "by 1 of 1 node; new users can start. 2 users were turned away in 5 minutes.\"},\n"
    " \"troubles\": [{\"kind\": \"front_end\", \"severity\": \"warn\", "
    "\"fleet\": \"\", \"node\": \"\", \"what\": \"Front end fe2 is gone\", "
    "\"since\": null, \"effect\": \"Its users come here if something sends "
    "them; their sessions are known.\", \"next\": \"It is one of us again when "
    "it is heard of.\", \"next_at\": null, \"todo\": \"Start httpd there, or "
    "see why it does not reach the store.\"}]}\n";

static svb_snapshot *one_node(void)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "servoy");
    svb_snap_node *node = svb_snap_fleet_add_node(pool, fleet, "servoy1");
    svb_snap_member *member = svb_snap_node_add_member(pool, node);

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
    for (int i = 0; i < SVB_COUNTERS; i++) {
        node->counters[i] = (apr_uint64_t)i + 1;
    }
    node->bytes_to = 8;
    node->bytes_from = 9;
    node->last_change = snap->time - apr_time_from_sec(60);
    node->reason = "3 new clients in a row got 403";
    node->until = snap->time + apr_time_from_sec(30);
    node->had = 20;
    node->idle = 9;
    node->held = 4;
    node->empty_by = snap->time + apr_time_from_sec(1);
    APR_ARRAY_PUSH(node->moved, svb_snap_move) = (svb_snap_move){"servoy2", 11};
    APR_ARRAY_PUSH(node->moved, svb_snap_move) = (svb_snap_move){"servoy3", 9};
    node->recent_errors = 3;
    node->host = "app1.internal";
    node->said = "drained by admin from 10.0.0.7";
    fleet->refused = 12;
    fleet->recent = (svb_snap_recent){2, 1.4, -1, 21};
    snap->refused = 13;
    member->up = 1;
    member->reason = "answers";
    APR_ARRAY_PUSH(snap->events, svb_snap_event) = (svb_snap_event){
        node->last_change, "state", "servoy", "servoy1", "", "ready", "\""};
    snap->front_end = "fe1";
    APR_ARRAY_PUSH(snap->fronts, svb_snap_front) =
        (svb_snap_front){"fe1", 1, "0.2.0", "here", snap->time, 7, 8, 1.5, 9};
    APR_ARRAY_PUSH(snap->fronts, svb_snap_front) =
        (svb_snap_front){.name = "fe2", .version = "", .state = "gone"};
    snap->store = (svb_snap_store){.url = "redis://10.0.0.5",
                                   .state = "connected",
                                   .since = node->last_change,
                                   .round_trip = 250,
                                   .unsent = 1,
                                   .walks = 2,
                                   .gaps = 3};
    return snap;
}

START_TEST(the_whole_snapshot)
{
    const char *at, *should = expected;

    ck_assert_int_eq(svb_json_snapshot(one_node(), &sink), APR_SUCCESS);
    at = written();

    /* Check cannot print all of it. */
    for (; *at && *at == *should; at++, should++) {
    }
    ck_assert_msg(!*at && !*should, "%.80s instead of %.80s", at, should);
}
END_TEST

START_TEST(one_node_alone)
{
    const svb_snap_fleet *fleet = svb_snapshot_fleet(one_node(), "servoy");
    const char *start = strstr(expected, "{\"route\"");
    static const char end[] = "],\n  \"refused\"";
    const char *json;

    ck_assert_int_eq(
        svb_json_node(svb_snap_fleet_node(fleet, "servoy1"), &sink),
        APR_SUCCESS);
    json = written();
    ck_assert_uint_eq(strlen(json),
                      strlen(start) - strlen(strstr(start, end)) + 1);
    ck_assert_int_eq(strncmp(json, start, strlen(json) - 1), 0);
}
END_TEST

START_TEST(nothing_to_show)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    const char *json;

    snap->started = apr_time_from_sec(5); /* after time: no wrap-around */
    svb_snapshot_add_fleet(pool, snap, NULL);
    ck_assert_int_eq(svb_json_snapshot(snap, &sink), APR_SUCCESS);
    json = written();
    ck_assert_ptr_nonnull(strstr(json, "\"uptime_s\": 0,"));
    ck_assert_ptr_nonnull(strstr(json, "\"time\": \"\""));
    ck_assert_ptr_nonnull(strstr(
        json,
        "\"nodes\": [],\n  \"refused\": 0, \"recent\": {\"refused\": 0, "
        "\"new_per_min\": 0.0, \"new_hour_ago\": null, \"moved\": 0}}],\n"
        " \"events\": [],\n \"front_end\": \"\",\n \"front_ends\": [],\n "
        "\"store\": {\"url\": \"\", \"state\": \"off\", \"since\": \"\", "
        "\"round_trip_ms\": 0.0, \"unsent\": 0, \"walks\": 0, \"gaps\": 0},\n"
        " \"refused\": 0,\n \"verdict\": {\"severity\": \"ok\", \"title\": \"\", "
        "\"headline\": \"There is no node yet.\", \"rest\": \"\"},\n "
        "\"troubles\": []}\n"));
}
END_TEST

/* Only where it is asked for, and at the node's end. */
START_TEST(history)
{
    static const unsigned hour[] = {1, 2}, week[] = {0, 0, 70000};
    svb_snapshot *snap = one_node();
    svb_snap_fleet *fleet = svb_snapshot_fleet(snap, "servoy");
    svb_snap_node *node = svb_snap_fleet_node(fleet, "servoy1");
    const char *json;

    node->hour = hour;
    node->hour_n = 2;
    node->week = week;
    node->week_n = 3;
    node->before = SVB_STATE_SILENT;
    fleet->recent.new_hour_ago = 0;
    ck_assert_int_eq(svb_json_snapshot(snap, &sink), APR_SUCCESS);
    ck_assert_ptr_null(strstr(written(), "history"));
    snap->history = SVB_SNAP_OF_HOUR;
    ck_assert_int_eq(svb_json_snapshot(snap, &sink), APR_SUCCESS);
    ck_assert_ptr_nonnull(strstr(
        written(), "\"other_route\": \"\", \"history\": {\"step_s\": 30, "
                   "\"clients\": [1, 2]}}],"));
    snap->history = SVB_SNAP_OF_WEEK;
    ck_assert_int_eq(svb_json_snapshot(snap, &sink), APR_SUCCESS);
    json = written();
    ck_assert_ptr_nonnull(strstr(json,
                                 "\"history\": {\"step_s\": 600, \"clients\": "
                                 "[0, 0, 70000]}}],"));
    ck_assert_ptr_nonnull(strstr(json, "\"before\": \"silent\""));
    ck_assert_ptr_nonnull(strstr(json, "\"new_hour_ago\": 0.0"));
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
    const char *json;
    int found = 0;

    snap->module = snap->server = snap->nonce = fleet->name = hostile;
    node->route = node->url = node->group = hostile;
    member->balancer = member->worker = member->status = hostile;
    svb_snap_fleet_add_balancer(fleet, hostile);
    svb_json_snapshot(snap, &sink);
    json = written();
    ck_assert_ptr_null(strchr(json, '<'));
    ck_assert_ptr_null(strchr(json, '\xff'));
    while (
        (json = strstr(json, "\"\\\"}],\\u003cscript\\u003e\\n\\\\\\ufffd\""))
        != NULL) {
        json++;
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
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, states);
    tcase_add_test(tc, totals);
    tcase_add_test(tc, the_whole_snapshot);
    tcase_add_test(tc, one_node_alone);
    tcase_add_test(tc, nothing_to_show);
    tcase_add_test(tc, history);
    tcase_add_test(tc, hostile_strings);
    return unit_run(srunner_create(suite));
}
