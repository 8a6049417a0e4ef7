/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The page: what it says, what it must not contain, that it is well-formed. */

#include <string.h>

#include <apr_strings.h>

#include "manager/form.h"
#include "page/page.h"
#include "output.h"

#define NONCE "cGFnZS1ub25jZQ=="

static void write_page(const svb_snapshot *snap)
{
    text_len = 0;
    ck_assert_int_eq(svb_page_snapshot(snap, NONCE, &sink), APR_SUCCESS);
}

/* Where a tag's attributes end: the first '>' outside of quotes. */
static char *tag_end(char *at)
{
    char quote = 0;

    for (; *at; at++) {
        if (quote) {
            quote = *at == quote ? 0 : quote;
        }
        else if (*at == '"' || *at == '\'') {
            quote = *at;
        }
        else if (*at == '>') {
            return at;
        }
        else {
            ck_assert_msg(*at != '<', "< inside a tag: %.60s", at);
        }
    }
    ck_abort_msg("a tag does not end");
    return at;
}

/* No inline handler, no inline style; nothing that loads from elsewhere. The
 * attributes begin at the first blank after the tag's name. */
static void check_attributes(char *from, char *to)
{
    int quoted = 0;

    for (; from < to; from++) {
        if (*from == '"') {
            quoted = !quoted;
        }
        else if (!quoted && *from == ' ') {
            ck_assert_msg(strncmp(from, " on", 3) != 0
                              && strncmp(from, " style", 6) != 0
                              && strncmp(from, " src", 4) != 0
                              && strncmp(from, " action=", 8) != 0,
                          "forbidden: %.40s", from);
        }
    }
}

/* Every element is closed in order,
 * and script and style end where they should. */
static void check_well_formed(void)
{
    static const char *const empty[] = {"meta", "input", "br", "!DOCTYPE"};
    const char *stack[32];
    int depth = 0;
    char *at = text;

    while ((at = strchr(at, '<')) != NULL) {
        char *end = tag_end(at + 1);
        int closing = at[1] == '/', is_empty = end[-1] == '/';
        char *name = at + 1 + closing;
        apr_size_t len = strcspn(name, " />\n");

        for (int i = 0; i < COUNT(empty); i++) {
            is_empty |= strlen(empty[i]) == len && !memcmp(name, empty[i], len);
        }
        check_attributes(name + len, end);
        name = apr_pstrmemdup(pool, name, len);
        if (closing) {
            ck_assert_msg(depth > 0 && strcmp(stack[depth - 1], name) == 0,
                          "</%s> closes %s", name,
                          depth ? stack[depth - 1] : "nothing");
            depth--;
        }
        else if (!is_empty) {
            ck_assert_int_lt(depth, 32);
            stack[depth++] = name;
        }
        at = end;
        if (!closing && (!strcmp(name, "script") || !strcmp(name, "style"))) {
            at = strstr(at, "</"); /* what is in between is not markup */
            ck_assert_ptr_nonnull(at);
        }
    }
    ck_assert_int_eq(depth, 0);
}

static svb_snap_node *add(svb_snap_fleet *fleet, const char *route,
                          svb_state state, apr_uint64_t web, apr_uint64_t smart)
{
    svb_snap_node *node = svb_snap_fleet_add_node(pool, fleet, route);
    svb_snap_member *member = svb_snap_node_add_member(pool, node);

    node->state = state;
    node->web = web;
    node->smart = smart;
    member->balancer = "balancer://servoy";
    member->worker = apr_pstrcat(pool, "ajp://", route, ":8009", NULL);
    member->status = "Init Ok";
    return node;
}

static svb_snapshot *three_nodes(void)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "servoy");

    snap->module = "mod_servoy_balancer/0.1.0";
    snap->server = "www.example.com";
    snap->time = apr_time_from_sec(1795341600);
    snap->started = snap->time - apr_time_from_sec(90061);
    snap->nonce = "form-nonce";
    svb_snap_fleet_add_balancer(fleet, "balancer://servoy");
    add(fleet, "servoy1", SVB_STATE_READY, 8, 2)->url = "https://a.example/";
    add(fleet, "servoy2", SVB_STATE_ERROR, 0, 0)->last_change =
        snap->time - apr_time_from_sec(300);
    add(fleet, "servoy3", SVB_STATE_READY, 4, 0)->loadfactor = 0.5;
    return snap;
}

START_TEST(says_what_is_wrong)
{
    write_page(three_nodes());
    check_well_formed();
    ck_assert_int_eq(count("<title>1 in error \xe2\x80\x93 Servoy balancer on "
                           "www.example.com</title>"),
                     1);
    ck_assert_int_eq(count("<b>3 nodes</b>: 2 ready, 1 in error \xc2\xb7 "
                           "<b>14 clients</b>"),
                     1);
    ck_assert_int_eq(count("class=\"trouble worst\""), 1);
    ck_assert_int_eq(count("<li><a href=\"#n0-1\">servoy2</a> <span "
                           "class=\"badge bad\""),
                     1);
    ck_assert_int_eq(count("id=\"n0-1\" class=\"node trouble-row\""), 1);
    ck_assert_int_eq(count("up 1 d 1 h"), 1);
    ck_assert_int_eq(count(">5 min ago</time>"), 1);
    ck_assert_int_eq(count("title=\"2026-11-22T09:55:00Z\""), 1);
    ck_assert_int_eq(count("Smart clients are an estimate"), 1);
    ck_assert_int_eq(count("href=\"?format=json\""), 1);
    ck_assert_int_eq(count("href=\"?format=prometheus\""), 1);
}
END_TEST

/* Style and script without what is for the readers of their files alone. */
START_TEST(no_comments_no_indentation)
{
    write_page(three_nodes());
    ck_assert_int_eq(count("/*") + count("*/"), 0);
    ck_assert_int_eq(count("\n ") + count("\n\t") + count("\n\n"), 0);
    ck_assert_int_eq(count("<style nonce=\"" NONCE "\">\n:root {\n"), 1);
    ck_assert_int_eq(count("\n.badge {\n") + count("\n.trouble {\n")
                         + count("\n.scroll {\n") + count("\nsummary {\n"),
                     4);
    ck_assert_int_eq(count("})();\n</script>"), 1);
}
END_TEST

START_TEST(bars_compare_clients_per_loadfactor)
{
    write_page(three_nodes());
    /* 8 + 2 clients for 1.0 against 4 for 0.5: the first is the fullest */
    ck_assert_int_eq(count("class=\"web\" height=\"1\" width=\"80.0\"/>"), 2);
    ck_assert_int_eq(count("x=\"80.0\" width=\"20.0\"/>"), 1);
    ck_assert_int_eq(count("x=\"80.0\" width=\"0.0\"/>"), 1);
    ck_assert_int_eq(count("<rect"), 4);
}
END_TEST

START_TEST(no_trouble)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "servoy");

    add(fleet, "a", SVB_STATE_READY, 1, 0);
    add(fleet, "b", SVB_STATE_DRAINING, 0, 3);
    write_page(snap);
    check_well_formed();
    ck_assert_int_eq(count("Needs attention"), 0);
    ck_assert_int_eq(count("<small>only smart left</small>"), 1);
    ck_assert_int_eq(count("<title>Servoy balancer on </title>"), 1);
}
END_TEST

START_TEST(nobody_takes_new_clients)
{
    svb_snapshot *snap = svb_snapshot_make(pool);

    add(svb_snapshot_add_fleet(pool, snap, "one"), "a", SVB_STATE_FULL, 1, 0);
    add(svb_snapshot_add_fleet(pool, snap, "two"), "a", SVB_STATE_STANDBY, 0,
        0);
    snap->time = apr_time_from_sec(1796000000);
    snap->table.evicted = 1;
    snap->table.evicted_at = snap->time - apr_time_from_sec(3599);
    write_page(snap);
    check_well_formed();
    ck_assert_int_eq(count("No node of fleet <b>one</b> takes new"), 1);
    ck_assert_int_eq(count("No node of fleet <b>two</b>"), 0);
    ck_assert_int_eq(count("no room for 1 client:"), 1);
}
END_TEST

/* Clients that were dropped an hour ago are in the figures, and no trouble. */
START_TEST(dropped_long_ago)
{
    svb_snapshot *snap = svb_snapshot_make(pool);

    add(svb_snapshot_add_fleet(pool, snap, "one"), "a", SVB_STATE_READY, 1, 0);
    snap->time = apr_time_from_sec(1796000000);
    snap->table.evicted = 1;
    snap->table.evicted_at = snap->time - apr_time_from_sec(3600);
    write_page(snap);
    check_well_formed();
    ck_assert_int_eq(count("Needs attention"), 0);
    ck_assert_int_eq(count("no room for"), 0);
}
END_TEST

START_TEST(empty_states)
{
    svb_snapshot *snap = svb_snapshot_make(pool);

    write_page(snap);
    check_well_formed();
    ck_assert_int_eq(count("There is no fleet yet."), 1);
    svb_snapshot_add_fleet(pool, snap, NULL);
    write_page(snap);
    check_well_formed();
    ck_assert_int_eq(count("There is no fleet yet."), 0);
    ck_assert_int_eq(count("This fleet has no node yet"), 1);
}
END_TEST

START_TEST(actions_only_where_allowed)
{
    svb_snapshot *snap = three_nodes();

    write_page(snap);
    ck_assert_int_eq(count("<form") + count("<button") + count("<input"), 0);
    ck_assert_int_eq(count("form-nonce"), 0);
    snap->actions = 1;
    write_page(snap);
    check_well_formed();
    ck_assert_int_eq(count("<form method=\"post\""), 3 * 3);
    ck_assert_int_eq(count("name=\"fleet\" value=\"servoy\""), 3 * 3);
    ck_assert_int_eq(count("name=\"node\" value=\"servoy2\""), 3);
    ck_assert_int_eq(count("name=\"nonce\" value=\"form-nonce\""), 3 * 3);
    for (int i = 0; i < SVB_ACTIONS; i++) {
        ck_assert_int_eq(
            count(apr_pstrcat(pool, "<button name=\"action\" value=\"",
                              svb_action_name((svb_action_kind)i), "\"", NULL)),
            3);
    }
    ck_assert_int_eq(count("min=\"0.01\" max=\"100.0\" value=\"0.5\""), 1);
}
END_TEST

START_TEST(the_banner_is_bounded)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "servoy");

    for (int i = 0; i < 1000; i++) {
        add(fleet, apr_psprintf(pool, "n%d", i),
            i < 990 ? SVB_STATE_DISABLED : SVB_STATE_ERROR, 0, 0);
    }
    write_page(snap);
    check_well_formed();
    ck_assert_int_eq(count("<li><a href"), 12);
    ck_assert_int_eq(count("<li><a href=\"#n0-99"), 10); /* bad ones first */
    ck_assert_int_eq(count("and 988 more nodes that"), 1);
}
END_TEST

START_TEST(hostile_strings)
{
    static const char hostile[] =
        "\"'--></style></script><img src=x onerror=alert(1)>\n\\\xff&lt;";
    svb_snapshot *snap = three_nodes();
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, hostile);
    svb_snap_node *node = add(fleet, hostile, SVB_STATE_ERROR, 1, 1);
    svb_snap_member *member =
        APR_ARRAY_IDX(node->members, 0, svb_snap_member *);

    snap->module = snap->server = snap->nonce = hostile;
    snap->actions = 1;
    svb_snap_fleet_add_balancer(fleet, hostile);
    node->url = node->group = hostile;
    member->balancer = member->worker = member->status = hostile;
    write_page(snap);
    check_well_formed();
    ck_assert_int_eq(count("<img"), 0);
    ck_assert_int_eq(count("<script"), 1);
    ck_assert_int_eq(count("<style"), 1);
    ck_assert_int_eq(count("\xff"), 0);
    ck_assert_int_gt(count("&quot;&#39;--&gt;&lt;/style&gt;"), 15);
}
END_TEST

START_TEST(a_node_without_a_route)
{
    svb_snapshot *snap = three_nodes();
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "other");

    snap->actions = 1;
    add(fleet, "", SVB_STATE_ERROR, 0, 0);
    write_page(snap);
    check_well_formed();
    ck_assert_int_eq(
        count("<th scope=\"row\">ajp://:8009 <small>no route</small></th>"), 1);
    ck_assert_int_eq(count("<a href=\"#n1-0\">ajp://:8009</a>"), 1);
    ck_assert_int_eq(count("<form"), 3 * 3); /* none for it */
}
END_TEST

START_TEST(why)
{
    svb_snapshot *snap = three_nodes();
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "other");
    svb_snap_node *node = add(fleet, "silent", SVB_STATE_ERROR, 0, 0);

    write_page(snap);
    ck_assert_int_eq(count("<dt>Why</dt>"), 0);
    node->reason = "no answer from ajp://b:8009";
    write_page(snap);
    check_well_formed();
    ck_assert_int_eq(count("<dt>Why</dt><dd>no answer from ajp://b:8009</dd>"),
                     1);
}
END_TEST

START_TEST(only_web_links)
{
    svb_snapshot *snap = three_nodes();
    svb_snap_fleet *fleet = svb_snapshot_fleet(snap, "servoy");

    write_page(snap);
    ck_assert_int_eq(count("href=\"https://a.example/\""), 1);
    svb_snap_fleet_node(fleet, "servoy1")->url = "javascript:alert(1)";
    write_page(snap);
    ck_assert_int_eq(count("href=\"javascript"), 0);
    ck_assert_int_eq(count("<dd>javascript:alert(1)</dd>"), 1);
}
END_TEST

START_TEST(content_security_policy)
{
    static const char *const others[] = {
        NULL, "", "a b", "x'; script-src *", "a\r\nX: y", "\xff"};

    ck_assert_str_eq(svb_page_csp(pool, NONCE),
                     "default-src 'none'; style-src 'nonce-" NONCE "'; "
                     "script-src 'nonce-" NONCE "'; form-action 'self'; "
                     "frame-ancestors 'none'; base-uri 'none'; "
                     "connect-src 'self'");
    for (int i = 0; i < COUNT(others); i++) {
        ck_assert_str_eq(svb_page_csp(pool, others[i]),
                         "default-src 'none'; style-src 'none'; "
                         "script-src 'none'; form-action 'self'; "
                         "frame-ancestors 'none'; base-uri 'none'; "
                         "connect-src 'self'");
    }
    write_page(three_nodes());
    ck_assert_int_eq(count("<style nonce=\"" NONCE "\">"), 1);
    ck_assert_int_eq(count("<script nonce=\"" NONCE "\">"), 1);
}
END_TEST

static const struct {
    apr_uint64_t bytes;
    const char *shown;
} sizes[] = {
    {0, ">0 B to<"},
    {1023, ">1023 B to<"},
    {1024, ">1.0 KiB to<"},
    {1048575, ">1023.9 KiB to<"},
    {1048576, ">1.0 MiB to<"},
    {APR_UINT64_C(1649267441664), ">1.5 TiB to<"},
    {APR_UINT64_C(18446744073709551615), ">15.9 EiB to<"},
};

START_TEST(human_sizes)
{
    svb_snapshot *snap = three_nodes();
    svb_snap_fleet *fleet = svb_snapshot_fleet(snap, "servoy");
    svb_snap_node *node = svb_snap_fleet_node(fleet, "servoy1");

    node->bytes_to = sizes[_i].bytes;
    write_page(snap);
    ck_assert_msg(count(sizes[_i].shown) >= 1, "%s", sizes[_i].shown);
}
END_TEST

static const struct {
    int seconds;
    const char *shown;
} durations[] = {
    {-5, ">0 s ago<"},         {0, ">0 s ago<"},
    {59, ">59 s ago<"},        {60, ">1 min ago<"},
    {3599, ">59 min ago<"},    {3600, ">1 h ago<"},
    {3660, ">1 h 1 min ago<"}, {86399, ">23 h 59 min ago<"},
    {86400, ">1 d ago<"},      {1000000, ">11 d 13 h ago<"},
};

START_TEST(human_durations)
{
    svb_snapshot *snap = three_nodes();
    svb_snap_fleet *fleet = svb_snapshot_fleet(snap, "servoy");

    svb_snap_fleet_node(fleet, "servoy1")->last_change =
        snap->time - apr_time_from_sec(durations[_i].seconds);
    write_page(snap);
    ck_assert_msg(count(durations[_i].shown) == 1, "%s", durations[_i].shown);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, says_what_is_wrong);
    tcase_add_test(tc, no_comments_no_indentation);
    tcase_add_test(tc, bars_compare_clients_per_loadfactor);
    tcase_add_test(tc, no_trouble);
    tcase_add_test(tc, nobody_takes_new_clients);
    tcase_add_test(tc, dropped_long_ago);
    tcase_add_test(tc, empty_states);
    tcase_add_test(tc, actions_only_where_allowed);
    tcase_add_test(tc, the_banner_is_bounded);
    tcase_add_test(tc, hostile_strings);
    tcase_add_test(tc, a_node_without_a_route);
    tcase_add_test(tc, why);
    tcase_add_test(tc, only_web_links);
    tcase_add_test(tc, content_security_policy);
    tcase_add_loop_test(tc, human_sizes, 0, COUNT(sizes));
    tcase_add_loop_test(tc, human_durations, 0, COUNT(durations));
}

int main(void)
{
    Suite *suite = suite_create("html");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    add_tests(tc);
    return unit_run(srunner_create(suite));
}
