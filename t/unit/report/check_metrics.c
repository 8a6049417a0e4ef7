/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The Prometheus text. Its grammar as a whole is t/tools/check_metrics.pl's. */

#include <string.h>

#include <apr_strings.h>

#include "report/metrics.h"
#include "output.h"

/* Families that are there in any case, and samples of one node. */
enum { FAMILIES = 23, SAMPLES = 36 + SVB_STATES };

static void write_metrics(const svb_snapshot *snap)
{
    ck_assert_int_eq(svb_metrics_snapshot(snap, &sink), APR_SUCCESS);
}

static svb_snapshot *one_node(void)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "f");
    svb_snap_node *node = svb_snap_fleet_add_node(pool, fleet, "a");
    svb_snap_member *member = svb_snap_node_add_member(pool, node);

    snap->module = "mod_servoy_balancer/1.2.3";
    snap->state_events[SVB_STATE_ERROR] = 9;
    fleet->refused = 11;
    member->balancer = "balancer://f";
    member->worker = "ajp://a";
    member->up = 1;
    node->windowed = 10;
    node->last_change = apr_time_from_sec(1795341600) + 999999;
    snap->table.capacity = 65536;
    snap->table.clients = 15;
    snap->table.evicted = 3;
    node->state = SVB_STATE_DRAINING;
    node->up = 1;
    node->web = 12;
    node->smart = 4;
    node->in_flight = 2;
    node->loadfactor = 0.5;
    node->maxclients = 40;
    for (int i = 0; i < SVB_COUNTERS; i++) {
        node->counters[i] = 100 + (apr_uint64_t)i;
    }
    node->bytes_to = 8;
    node->bytes_from = APR_UINT64_C(18446744073709551615);
    return snap;
}

static const char *const lines[] = {
    "# HELP servoy_node_up ",
    "# TYPE servoy_node_up gauge\nservoy_node_up{fleet=\"f\",node=\"a\"} 1\n",
    "# TYPE servoy_node_state gauge\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"ready\"} 0\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"slowstart\"} 0\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"degraded\"} 0\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"suspect\"} 0\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"full\"} 0\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"draining\"} 1\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"maintenance\"} 0\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"standby\"} 0\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"spare\"} 0\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"silent\"} 0\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"error\"} 0\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"disabled\"} 0\n"
    "servoy_node_state{fleet=\"f\",node=\"a\",state=\"stopped\"} 0\n",
    "# TYPE servoy_node_clients gauge\n"
    "servoy_node_clients{fleet=\"f\",node=\"a\",kind=\"web\"} 12\n"
    "servoy_node_clients{fleet=\"f\",node=\"a\",kind=\"smart\"} 4\n",
    "# TYPE servoy_node_windowed_clients gauge\n"
    "servoy_node_windowed_clients{fleet=\"f\",node=\"a\"} 10\n",
    "# TYPE servoy_node_state_since_seconds gauge\n"
    "servoy_node_state_since_seconds{fleet=\"f\",node=\"a\"} 1795341600\n",
    "# TYPE servoy_build_info gauge\n"
    "servoy_build_info{version=\"1.2.3\"} 1\n",
    "# TYPE servoy_member_up gauge\n"
    "servoy_member_up{fleet=\"f\",node=\"a\",balancer=\"balancer://f\","
    "worker=\"ajp://a\"} 1\n",
    "# TYPE servoy_refused_total counter\n"
    "servoy_refused_total{fleet=\"f\"} 11\n",
    "# TYPE servoy_events_total counter\n"
    "servoy_events_total{state=\"ready\"} 0\n",
    "servoy_events_total{state=\"error\"} 9\n",
    "# TYPE servoy_node_in_flight_requests gauge\n"
    "servoy_node_in_flight_requests{fleet=\"f\",node=\"a\"} 2\n",
    "# TYPE servoy_node_loadfactor gauge\n"
    "servoy_node_loadfactor{fleet=\"f\",node=\"a\"} 0.5\n",
    "# TYPE servoy_node_max_clients gauge\n"
    "servoy_node_max_clients{fleet=\"f\",node=\"a\"} 40\n",
    "# TYPE servoy_node_elections_total counter\n"
    "servoy_node_elections_total{fleet=\"f\",node=\"a\"} 100\n",
    "# TYPE servoy_node_sticky_requests_total counter\n"
    "servoy_node_sticky_requests_total{fleet=\"f\",node=\"a\"} 101\n",
    "# TYPE servoy_node_launches_total counter\n"
    "servoy_node_launches_total{fleet=\"f\",node=\"a\"} 102\n",
    "# TYPE servoy_node_failovers_total counter\n"
    "servoy_node_failovers_total{fleet=\"f\",node=\"a\",direction=\"from\"} "
    "103\n"
    "servoy_node_failovers_total{fleet=\"f\",node=\"a\",direction=\"to\"} "
    "104\n",
    "# TYPE servoy_node_maintenance_hits_total counter\n"
    "servoy_node_maintenance_hits_total{fleet=\"f\",node=\"a\"} 105\n",
    "# TYPE servoy_node_errors_total counter\n"
    "servoy_node_errors_total{fleet=\"f\",node=\"a\"} 106\n",
    "# TYPE servoy_node_sent_bytes_total counter\n"
    "servoy_node_sent_bytes_total{fleet=\"f\",node=\"a\"} 8\n",
    "# TYPE servoy_node_received_bytes_total counter\n"
    "servoy_node_received_bytes_total{fleet=\"f\",node=\"a\"} "
    "18446744073709551615\n",
    "# TYPE servoy_client_table_capacity gauge\n"
    "servoy_client_table_capacity 65536\n",
    "# TYPE servoy_client_table_clients gauge\n"
    "servoy_client_table_clients 15\n",
    "# TYPE servoy_client_table_evictions_total counter\n"
    "servoy_client_table_evictions_total 3\n",
};

START_TEST(each_metric)
{
    write_metrics(one_node());
    ck_assert_msg(count(lines[_i]) == 1, "not there once: %s", lines[_i]);
}
END_TEST

START_TEST(nothing_else)
{
    write_metrics(one_node());
    ck_assert_int_eq(count("# HELP "), FAMILIES);
    ck_assert_int_eq(count("# TYPE "), FAMILIES);
    ck_assert_int_eq(count("\n"), FAMILIES * 2 + SAMPLES);
    ck_assert_int_eq(text[text_len - 1], '\n');
}
END_TEST

START_TEST(exactly_one_state)
{
    svb_snapshot *snap = one_node();
    svb_snap_fleet *fleet = svb_snapshot_fleet(snap, "f");

    svb_snap_fleet_node(fleet, "a")->state = (svb_state)_i;
    svb_snap_fleet_node(fleet, "a")->up = _i < SVB_STATE_ERROR;
    write_metrics(snap);
    ck_assert_int_eq(count("servoy_node_state{"), SVB_STATES);
    ck_assert_int_eq(count("ready\"} 1\n") + count("slowstart\"} 1\n")
                         + count("degraded\"} 1\n") + count("suspect\"} 1\n")
                         + count("silent\"} 1\n") + count("draining\"} 1\n")
                         + count("maintenance\"} 1\n") + count("full\"} 1\n")
                         + count("standby\"} 1\n") + count("spare\"} 1\n")
                         + count("error\"} 1\n") + count("disabled\"} 1\n")
                         + count("stopped\"} 1\n"),
                     1);
    ck_assert_int_eq(count("servoy_node_up{fleet=\"f\",node=\"a\"} 1\n"),
                     _i < SVB_STATE_ERROR);
}
END_TEST

START_TEST(families_are_contiguous)
{
    svb_snapshot *snap = one_node();
    svb_snap_fleet *other = svb_snapshot_add_fleet(pool, snap, "g");

    svb_snap_fleet_add_node(pool, other, "b")->up = 1;
    svb_snap_fleet_add_node(pool, other, "c")->up = 1;
    write_metrics(snap);
    ck_assert_int_eq(count("servoy_node_up{fleet=\"f\",node=\"a\"} 1\n"
                           "servoy_node_up{fleet=\"g\",node=\"b\"} 1\n"
                           "servoy_node_up{fleet=\"g\",node=\"c\"} 1\n"
                           "# HELP "),
                     1);
    ck_assert_int_eq(count("# TYPE servoy_node_up "), 1);
}
END_TEST

/* They must not become the same series. */
START_TEST(nodes_without_a_route)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "f");

    for (int i = 0; i < 2; i++) {
        svb_snap_node *node = svb_snap_fleet_add_node(pool, fleet, "");
        svb_snap_member *member = svb_snap_node_add_member(pool, node);

        node->up = 1;
        member->balancer = "balancer://f";
        member->worker = i ? "ajp://b" : "ajp://a";
    }
    write_metrics(snap);
    ck_assert_int_eq(count("servoy_node_up{fleet=\"f\",node=\"balancer://f "
                           "ajp://a\"} 1\n"),
                     1);
    ck_assert_int_eq(count("servoy_node_up{fleet=\"f\",node=\"balancer://f "
                           "ajp://b\"} 1\n"),
                     1);
}
END_TEST

START_TEST(a_state_of_unknown_age)
{
    svb_snapshot *snap = svb_snapshot_make(pool);

    svb_snap_fleet_add_node(pool, svb_snapshot_add_fleet(pool, snap, "f"), "a");
    write_metrics(snap);
    ck_assert_int_eq(count("# TYPE servoy_node_state_since_seconds gauge\n"),
                     1);
    ck_assert_int_eq(count("servoy_node_state_since_seconds{"), 0);
}
END_TEST

START_TEST(no_fleet)
{
    write_metrics(svb_snapshot_make(pool));
    ck_assert_int_eq(count("# TYPE "), FAMILIES);
    ck_assert_int_eq(count("{fleet="), 0);
    ck_assert_int_eq(count("\nservoy_build_info{version=\"\"} 1\n"), 1);
    ck_assert_int_eq(count("\nservoy_client_table_capacity 0\n"), 1);
}
END_TEST

START_TEST(hostile_strings)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet =
        svb_snapshot_add_fleet(pool, snap, "\"} 1\nx{y=\"\\\xff\r");

    svb_snap_fleet_add_node(pool, fleet, NULL)->up = 1;
    write_metrics(snap);
    ck_assert_int_eq(count("servoy_node_up{fleet=\"\\\"} 1\\nx{y=\\\"\\\\"
                           "\xef\xbf\xbd\xef\xbf\xbd\",node=\"\"} 1\n"),
                     1);
    ck_assert_int_eq(count("\nx{"), 0);
}
END_TEST

/* Two virtual hosts may have balancers of one name. */
START_TEST(members_of_one_name)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "f");
    svb_snap_node *node = svb_snap_fleet_add_node(pool, fleet, "a");
    static const char *const workers[] = {"ajp://a", "ajp://b", "ajp://a"};

    for (int i = 0; i < COUNT(workers); i++) {
        svb_snap_member *member = svb_snap_node_add_member(pool, node);

        member->balancer = "balancer://f";
        member->worker = workers[i];
        member->up = i < 2;
    }
    write_metrics(snap);
    ck_assert_int_eq(count("servoy_member_up{"), 2);
    ck_assert_int_eq(count("worker=\"ajp://a\"} 0\n"), 1);
    ck_assert_int_eq(count("worker=\"ajp://b\"} 1\n"), 1);
}
END_TEST

/* Two front ends beside this one, and a store that has seen something. */
static svb_snapshot *shared(const char *state)
{
    svb_snapshot *snap = one_node();
    static const svb_snap_front fronts[] = {
        {.name = "fe1", .self = 1, .state = "here"},
        {.name = "fe\"2", .state = "lagging", .lag_ms = 2500},
        {.name = "fe3", .state = "gone", .lag_ms = 10},
        {.name = "fe4", .state = "incompatible"},
    };

    for (int i = 0; i < COUNT(fronts); i++) {
        APR_ARRAY_PUSH(snap->fronts, svb_snap_front) = fronts[i];
    }
    snap->store = (svb_snap_store){.url = "redis://127.0.0.1:6379/0",
                                   .state = state,
                                   .round_trip = 1250,
                                   .failures = 3,
                                   .sent = APR_UINT64_C(123456789012),
                                   .received = 7,
                                   .rejected = 5,
                                   .walks = 2};
    return snap;
}

static const char *const shared_lines[] = {
    "# TYPE servoy_store_up gauge\nservoy_store_up 1\n",
    "# TYPE servoy_store_round_trip_seconds gauge\n"
    "servoy_store_round_trip_seconds 0.001250\n",
    "# TYPE servoy_store_failures_total counter\n"
    "servoy_store_failures_total 3\n",
    "# TYPE servoy_store_records_total counter\n"
    "servoy_store_records_total{direction=\"out\"} 123456789012\n"
    "servoy_store_records_total{direction=\"in\"} 7\n",
    "# TYPE servoy_store_rejected_total counter\n"
    "servoy_store_rejected_total 5\n",
    "# TYPE servoy_store_walks_total counter\nservoy_store_walks_total 2\n",
    "# TYPE servoy_front_end_up gauge\n"
    "servoy_front_end_up{front_end=\"fe1\"} 1\n"
    "servoy_front_end_up{front_end=\"fe\\\"2\"} 1\n"
    "servoy_front_end_up{front_end=\"fe3\"} 0\n"
    "servoy_front_end_up{front_end=\"fe4\"} 0\n",
    "# TYPE servoy_front_end_lag_seconds gauge\n"
    "servoy_front_end_lag_seconds{front_end=\"fe1\"} 0.0\n"
    "servoy_front_end_lag_seconds{front_end=\"fe\\\"2\"} 2.5\n"
    "servoy_front_end_lag_seconds{front_end=\"fe3\"} 0.01\n"
    "servoy_front_end_lag_seconds{front_end=\"fe4\"} 0.0\n",
};

START_TEST(each_that_is_shared)
{
    write_metrics(shared("connected"));
    ck_assert_msg(count(shared_lines[_i]) == 1, "not there once: %s",
                  shared_lines[_i]);
    ck_assert_int_eq(count("# TYPE "), FAMILIES + 8);
    ck_assert_int_eq(count("# HELP "), FAMILIES + 8);
}
END_TEST

START_TEST(a_store_that_is_lost)
{
    write_metrics(shared("lost"));
    ck_assert_int_eq(count("\nservoy_store_up 0\n"), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, each_metric, 0, COUNT(lines));
    tcase_add_test(tc, nothing_else);
    tcase_add_loop_test(tc, exactly_one_state, 0, SVB_STATES);
    tcase_add_test(tc, families_are_contiguous);
    tcase_add_test(tc, nodes_without_a_route);
    tcase_add_test(tc, members_of_one_name);
    tcase_add_test(tc, a_state_of_unknown_age);
    tcase_add_test(tc, no_fleet);
    tcase_add_test(tc, hostile_strings);
    tcase_add_loop_test(tc, each_that_is_shared, 0, COUNT(shared_lines));
    tcase_add_test(tc, a_store_that_is_lost);
    return unit_run(srunner_create(suite));
}
