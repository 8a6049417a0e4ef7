/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The verdict: what is wrong, in which order, and the words for it. */

#include <string.h>

#include <apr_strings.h>

#include "report/phrase.h"
#include "report/verdict.h"
#include "unit.h"

#define NOW apr_time_from_sec(1795341600)

static svb_snapshot *snap;
static svb_snap_fleet *fleet;

static void with_fleet(void)
{
    pool_setup();
    snap = svb_snapshot_make(pool);
    snap->time = NOW;
    fleet = svb_snapshot_add_fleet(pool, snap, "servoy");
}

static svb_snap_node *add(const char *route, svb_state state, apr_uint64_t web)
{
    svb_snap_node *node = svb_snap_fleet_add_node(pool, fleet, route);

    node->state = state;
    node->web = web;
    node->host = apr_pstrcat(pool, "host-of-", route, NULL);
    node->last_change = NOW - apr_time_from_sec(240);
    return node;
}

static svb_verdict *verdict(void)
{
    return svb_verdict_of(pool, snap);
}

static const svb_trouble *trouble(svb_trouble_kind kind)
{
    svb_verdict *v = verdict();

    for (int i = 0; i < v->troubles->nelts; i++) {
        if (APR_ARRAY_IDX(v->troubles, i, svb_trouble).kind == kind) {
            return &APR_ARRAY_IDX(v->troubles, i, svb_trouble);
        }
    }
    ck_abort_msg("no trouble %s", svb_trouble_name(kind));
    return NULL;
}

static void sentence(const char *title, const char *headline, const char *rest)
{
    svb_verdict *v = verdict();

    ck_assert_str_eq(v->title, title);
    ck_assert_str_eq(v->headline, headline);
    ck_assert_str_eq(v->rest, rest);
}

START_TEST(nothing_at_all)
{
    svb_snapshot *empty = svb_snapshot_make(pool);
    svb_verdict *v = svb_verdict_of(pool, empty);

    ck_assert_str_eq(v->headline, "There is no fleet yet.");
    ck_assert_str_eq(v->rest, "");
    sentence("", "There is no node yet.", "");
}
END_TEST

START_TEST(all_is_well)
{
    add("servoy1", SVB_STATE_READY, 1);
    sentence("", "The node serves.", "1 user.");
    add("servoy2", SVB_STATE_SLOWSTART, 3)->smart = 2;
    sentence("", "All 2 nodes serve.", "6 users.");
    ck_assert_int_eq(verdict()->severity, SVB_SEVERITY_OK);
    ck_assert_int_eq(verdict()->troubles->nelts, 0);
}
END_TEST

START_TEST(draining_is_no_trouble)
{
    add("servoy1", SVB_STATE_READY, 1);
    add("servoy2", SVB_STATE_READY, 1);
    add("servoy3", SVB_STATE_DRAINING, 5);
    sentence("", "2 of 3 nodes take new users: 2 ready, 1 draining.",
             "7 users.");
    ck_assert_int_eq(verdict()->severity, SVB_SEVERITY_OK);
}
END_TEST

static svb_snap_node *down(const char *route)
{
    svb_snap_node *node = add(route, SVB_STATE_ERROR, 0);

    node->reason = "connection refused by ajp://app2:8009";
    return node;
}

static void moved(svb_snap_node *node, const char *to, apr_uint64_t clients)
{
    *(svb_snap_move *)apr_array_push(node->moved) =
        (svb_snap_move){to, clients};
}

START_TEST(one_is_down)
{
    svb_snap_node *node;
    const svb_trouble *t;

    add("servoy1", SVB_STATE_READY, 40);
    node = down("servoy2");
    add("servoy3", SVB_STATE_READY, 34);
    node->had = 25;
    moved(node, "servoy1", 11);
    moved(node, "servoy3", 9);
    sentence("\xe2\x96\xb2 1 down", "servoy2 is down.",
             "74 users are served by 2 of 3 nodes; new users can start.");
    t = trouble(SVB_TROUBLE_ERROR);
    ck_assert_int_eq(t->severity, SVB_SEVERITY_BAD);
    ck_assert_str_eq(t->fleet, "servoy");
    ck_assert_str_eq(t->node, "servoy2");
    ck_assert_str_eq(t->what, "is down: connection refused by ajp://app2:8009");
    ck_assert_int_eq(t->since, node->last_change);
    ck_assert_str_eq(t->effect, "20 users were moved to servoy1 (11) and "
                                "servoy3 (9) and had to start again.");
    ck_assert_str_eq(t->next, "It is asked again every second.");
    ck_assert_str_eq(t->todo, "Look at Tomcat on host-of-servoy2. When it "
                              "answers, it is back by itself.");
    node->group = "east";
    node->smart = 5;
    ck_assert_str_eq(trouble(SVB_TROUBLE_ERROR)->effect,
                     "20 users were moved to servoy1 (11) and servoy3 (9) and "
                     "go on there. About 5 Smart Clients may hang.");
}
END_TEST

START_TEST(nobody_asked_since)
{
    svb_snap_node *node = down("servoy2");

    add("servoy1", SVB_STATE_READY, 40);
    ck_assert_str_eq(trouble(SVB_TROUBLE_ERROR)->effect, "Nobody was on it.");
    ck_assert_int_eq(strncmp(verdict()->rest, "40 users are", 12), 0);
    APR_ARRAY_IDX(fleet->nodes, 1, svb_snap_node *)->web = 0;
    ck_assert_int_eq(strncmp(verdict()->rest, "Users are served by 1", 21), 0);
    node->had = 1;
    ck_assert_str_eq(trouble(SVB_TROUBLE_ERROR)->effect,
                     "It had 1 user. None of them has asked since.");
    moved(node, "servoy1", 1);
    ck_assert_str_eq(trouble(SVB_TROUBLE_ERROR)->effect,
                     "1 user was moved to servoy1 and had to start again.");
}
END_TEST

START_TEST(several_are_down)
{
    add("servoy1", SVB_STATE_READY, 1);
    down("servoy2");
    down("servoy3");
    sentence("\xe2\x96\xb2 2 down", "servoy2 and servoy3 are down.",
             "1 user is served by 1 of 3 nodes; new users can start.");
    down("servoy4");
    ck_assert_str_eq(verdict()->headline, "3 nodes are down.");
}
END_TEST

START_TEST(nobody_takes_new_users)
{
    const svb_trouble *t;

    add("servoy1", SVB_STATE_DRAINING, 4);
    down("servoy2");
    sentence("\xe2\x96\xb2 no new users", "No node takes new users.",
             "4 users are served by 1 of 2 nodes; nobody new can start.");
    t = trouble(SVB_TROUBLE_NOBODY);
    ck_assert_str_eq(t->what, "No node takes new users: 1 draining, 1 down");
    ck_assert_str_eq(t->node, "");
    ck_assert_str_eq(t->todo, "Mend servoy2, or put servoy1 back to work.");
    fleet->recent.refused = 12;
    ck_assert_str_eq(verdict()->headline,
                     "New users are turned away (12 in 5 minutes).");
    ck_assert_str_eq(trouble(SVB_TROUBLE_NOBODY)->effect,
                     "New users are turned away with 503: 12 in 5 minutes.");
}
END_TEST

START_TEST(nobody_in_one_fleet)
{
    add("servoy1", SVB_STATE_DRAINING, 4);
    fleet = svb_snapshot_add_fleet(pool, snap, "other");
    add("servoy1", SVB_STATE_READY, 0);
    sentence("\xe2\x96\xb2 no new users",
             "No node of fleet servoy takes new users.",
             "4 users are served by 2 of 2 nodes; new users can start in other "
             "fleets.");
}
END_TEST

START_TEST(refused_though_others_serve)
{
    add("servoy1", SVB_STATE_READY, 4);
    fleet->recent.refused = 1;
    ck_assert_str_eq(verdict()->rest,
                     "4 users. 1 user was turned away in 5 minutes.");
}
END_TEST

START_TEST(one_is_left)
{
    add("servoy1", SVB_STATE_READY, 4);
    add("servoy2", SVB_STATE_DRAINING, 0);
    sentence("! one node left", "Only servoy1 takes new users.",
             "4 users are served by 2 of 2 nodes; new users can start.");
    ck_assert_str_eq(trouble(SVB_TROUBLE_ONE_LEFT)->node, "servoy1");
    ck_assert_str_eq(trouble(SVB_TROUBLE_ONE_LEFT)->todo,
                     "Put servoy2 back to work.");
    add("servoy3", SVB_STATE_STANDBY, 0);
    ck_assert_int_eq(verdict()->troubles->nelts, 0);
}
END_TEST

/* The states that are troubles, besides error. */
static const struct {
    svb_state state;
    svb_trouble_kind kind;
    const char *title, *headline, *what, *todo;
} by_state[] = {
    {SVB_STATE_SILENT, SVB_TROUBLE_SILENT, "\xe2\x96\xb2 1 silent",
     "servoy9 is silent.", "is silent: 3 new clients in a row got 403",
     "Tomcat hangs"},
    {SVB_STATE_SUSPECT, SVB_TROUBLE_SUSPECT, "\xe2\x96\xb2 1 suspect",
     "servoy9 fails new users.",
     "fails new users: 3 new clients in a row got 403",
     "Compare secret= in the configuration with the AJP connector in "
     "server.xml of host-of-servoy9."},
    {SVB_STATE_FULL, SVB_TROUBLE_FULL, "! 1 full", "servoy9 is full.",
     "is full: 6 of 6 clients", "maxclients="},
    {SVB_STATE_DEGRADED, SVB_TROUBLE_DEGRADED, "! 1 degraded",
     "servoy9 is degraded.",
     "is degraded, 1 of 2 members down: no answer from http://a",
     "host-of-servoy9"},
};

START_TEST(states)
{
    svb_snap_node *node = add("servoy9", by_state[_i].state, 6);
    svb_snap_member *member;
    const svb_trouble *t;

    add("servoy1", SVB_STATE_READY, 0);
    add("servoy2", SVB_STATE_READY, 0);
    node->reason = "3 new clients in a row got 403";
    node->maxclients = 6;
    node->until = NOW + 1;
    svb_snap_node_add_member(pool, node)->up = 1;
    member = svb_snap_node_add_member(pool, node);
    member->reason = "no answer from http://a";
    t = trouble(by_state[_i].kind);
    ck_assert_str_eq(t->what, by_state[_i].what);
    ck_assert_ptr_nonnull(strstr(t->todo, by_state[_i].todo));
    ck_assert_int_eq(t->next_at, NOW + 1);
    ck_assert_str_ne(t->effect, "");
    ck_assert_str_ne(t->next, "");
    ck_assert_str_eq(verdict()->title, by_state[_i].title);
    ck_assert_str_eq(verdict()->headline, by_state[_i].headline);
}
END_TEST

static const struct {
    const char *reason, *todo;
} statuses[] = {
    {"3 new clients in a row got 404", "deployed on host-of-a"},
    {"3 new clients in a row got 500", "did not start"},
    {"3 new clients in a row got 418", "See Tomcat's log on host-of-a."},
    {NULL, "See Tomcat's log on host-of-a."},
};

START_TEST(what_a_status_often_means)
{
    add("a", SVB_STATE_SUSPECT, 0)->reason = statuses[_i].reason;
    ck_assert_ptr_nonnull(
        strstr(trouble(SVB_TROUBLE_SUSPECT)->todo, statuses[_i].todo));
}
END_TEST

START_TEST(jvmroute_differs)
{
    svb_snap_node *node = add("servoy1", SVB_STATE_READY, 0);
    const svb_trouble *t;

    node->other_route = "tomcat1";
    node->other_route_at = NOW - 7;
    t = trouble(SVB_TROUBLE_JVMROUTE);
    ck_assert_int_eq(t->since, NOW - 7);
    ck_assert_str_eq(t->what,
                     "has another jvmRoute: its sessions end in .tomcat1");
    ck_assert_str_eq(t->todo,
                     "Set jvmRoute=\"servoy1\" in server.xml of "
                     "host-of-servoy1, or route=tomcat1 in the configuration.");
    ck_assert_str_eq(verdict()->title, "! 1 jvmRoute");
}
END_TEST

START_TEST(jvmroute_is_no_route)
{
    svb_snap_node *node = add("servoy1", SVB_STATE_READY, 0);
    const svb_trouble *t;

    node->other_route = SVB_NAME_UNTOLD;
    t = trouble(SVB_TROUBLE_JVMROUTE);
    ck_assert_str_eq(
        t->what, "has another jvmRoute: its sessions end in no node's route");
    ck_assert_str_eq(t->todo, "Set jvmRoute=\"servoy1\" in server.xml of "
                              "host-of-servoy1, or route= to what stands "
                              "there.");
}
END_TEST

START_TEST(the_store_is_lost)
{
    add("servoy1", SVB_STATE_READY, 2);
    snap->store.url = "redis://store/";
    snap->store.state = "connected";
    ck_assert_int_eq(verdict()->troubles->nelts, 0);
    snap->store.state = "lost";
    snap->store.since = NOW - 9;
    sentence("\xe2\x96\xb2 store lost", "The shared store is lost.",
             "2 users are served by 1 of 1 node; new users can start.");
    ck_assert_int_eq(trouble(SVB_TROUBLE_STORE)->since, NOW - 9);
    ck_assert_str_eq(trouble(SVB_TROUBLE_STORE)->what,
                     "The shared store redis://store/ is lost");
}
END_TEST

START_TEST(a_front_end_is_missing)
{
    static const char *const words[] = {"here", "gone", "lagging",
                                        "incompatible"};

    add("servoy1", SVB_STATE_READY, 2);
    for (int i = 0; i < 4; i++) {
        apr_array_clear(snap->fronts);
        *(svb_snap_front *)apr_array_push(snap->fronts) =
            (svb_snap_front){.name = "fe2", .state = words[i], .seen = NOW - 5};
        ck_assert_int_eq(verdict()->troubles->nelts, i > 0);
        if (i > 0) {
            ck_assert_int_eq(trouble(SVB_TROUBLE_FRONT_END)->since, NOW - 5);
            ck_assert_ptr_nonnull(
                strstr(trouble(SVB_TROUBLE_FRONT_END)->what, "Front end fe2"));
        }
    }
}
END_TEST

START_TEST(clients_were_dropped)
{
    add("servoy1", SVB_STATE_READY, 2);
    snap->table.evicted = 1;
    snap->table.evicted_at = NOW - apr_time_from_sec(3599);
    snap->table.capacity = 8;
    ck_assert_str_eq(trouble(SVB_TROUBLE_EVICTIONS)->what,
                     "The client table had no room for 1 client: it holds 8");
    snap->table.evicted_at = NOW - apr_time_from_sec(3600);
    ck_assert_int_eq(verdict()->troubles->nelts, 0);
}
END_TEST

START_TEST(worst_first)
{
    svb_verdict *v;

    add("a", SVB_STATE_FULL, 1)->other_route = "x";
    add("b", SVB_STATE_SILENT, 1);
    add("c", SVB_STATE_ERROR, 0);
    add("d", SVB_STATE_ERROR, 0);
    snap->store.url = "redis://store/";
    snap->store.state = "lost";
    v = verdict();
    ck_assert_int_eq(v->troubles->nelts, 7);
    for (int i = 1; i < v->troubles->nelts; i++) {
        ck_assert_int_le(APR_ARRAY_IDX(v->troubles, i - 1, svb_trouble).kind,
                         APR_ARRAY_IDX(v->troubles, i, svb_trouble).kind);
    }
    ck_assert_str_eq(APR_ARRAY_IDX(v->troubles, 2, svb_trouble).node, "c");
    ck_assert_str_eq(APR_ARRAY_IDX(v->troubles, 3, svb_trouble).node, "d");
}
END_TEST

START_TEST(names)
{
    svb_snap_node *node = add("", SVB_STATE_READY, 0);

    ck_assert_str_eq(svb_phrase_node(node), "a member without a route");
    svb_snap_node_add_member(pool, node)->worker = "ajp://x";
    ck_assert_str_eq(svb_phrase_node(node), "ajp://x");
    for (int i = 0; i < SVB_TROUBLES; i++) {
        ck_assert_str_ne(svb_trouble_name((svb_trouble_kind)i), "");
    }
    ck_assert_str_eq(svb_trouble_name(SVB_TROUBLES), "");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("verdict");
    TCase *tc = tcase_create("verdict");

    tcase_add_checked_fixture(tc, with_fleet, pool_teardown);
    tcase_add_test(tc, nothing_at_all);
    tcase_add_test(tc, all_is_well);
    tcase_add_test(tc, draining_is_no_trouble);
    tcase_add_test(tc, one_is_down);
    tcase_add_test(tc, nobody_asked_since);
    tcase_add_test(tc, several_are_down);
    tcase_add_test(tc, nobody_takes_new_users);
    tcase_add_test(tc, nobody_in_one_fleet);
    tcase_add_test(tc, refused_though_others_serve);
    tcase_add_test(tc, one_is_left);
    tcase_add_loop_test(tc, states, 0, COUNT(by_state));
    tcase_add_loop_test(tc, what_a_status_often_means, 0, COUNT(statuses));
    tcase_add_test(tc, jvmroute_differs);
    tcase_add_test(tc, jvmroute_is_no_route);
    tcase_add_test(tc, the_store_is_lost);
    tcase_add_test(tc, a_front_end_is_missing);
    tcase_add_test(tc, clients_were_dropped);
    tcase_add_test(tc, worst_first);
    tcase_add_test(tc, names);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
