/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The page: what it says, what it must not contain, that it is well-formed. */

#include <string.h>

#include <apr_strings.h>

#include "manager/address.h"
#include "page/page.h"
#include "page/view.h"
#include "output.h"

#define NONCE "cGFnZS1ub25jZQ=="

/* The page at the place with this address. */
static void write_at(const svb_snapshot *snap, const char *query)
{
    svb_place place;

    svb_address_read(pool, query, &place);
    text_len = 0;
    ck_assert_int_eq(svb_page_write(snap, &place, NONCE, &sink), APR_SUCCESS);
}

static void write_page(const svb_snapshot *snap)
{
    write_at(snap, NULL);
}

/* Without the pieces that the script gets: what is shown. */
static char *shown(void)
{
    char *end = strstr(text, "<script");

    ck_assert_ptr_nonnull(end);
    *end = '\0';
    return text;
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
    static const char *const empty[] = {"meta", "input", "br", "link",
                                        "!DOCTYPE"};
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
            /* what is in between is not markup */
            at = strstr(at, apr_pstrcat(pool, "</", name, NULL));
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
    snap->front_end = "fe1";
    snap->time = apr_time_from_sec(1795341600);
    snap->started = snap->time - apr_time_from_sec(11 * 86400);
    snap->nonce = "form-nonce";
    svb_snap_fleet_add_balancer(fleet, "balancer://servoy");
    add(fleet, "servoy1", SVB_STATE_READY, 8, 2)->url = "https://a.example/";
    add(fleet, "servoy2", SVB_STATE_ERROR, 0, 0)->last_change =
        snap->time - apr_time_from_sec(300);
    add(fleet, "servoy3", SVB_STATE_READY, 4, 0)->loadfactor = 0.5;
    return snap;
}

static svb_snap_node *node_of(svb_snapshot *snap, const char *route)
{
    return svb_snap_fleet_node(APR_ARRAY_IDX(snap->fleets, 0, svb_snap_fleet *),
                               route);
}

START_TEST(says_what_is_wrong)
{
    svb_snapshot *snap = three_nodes();

    node_of(snap, "servoy2")->reason = "connection refused by ajp://app2";
    write_page(snap);
    check_well_formed();
    shown();
    ck_assert_int_eq(
        count("<title>\xe2\x96\xb2 1 down \xc2\xb7 www.example.com at "
              "fe1</title>"),
        1);
    ck_assert_int_eq(
        count("<span>\xe2\x96\xb2 servoy2 is down.</span> 14 users are "
              "served by 2 of 3 nodes; new users can start."),
        1);
    ck_assert_int_eq(count("<section class=\"card alert bad\""), 1);
    ck_assert_int_eq(
        count("<a href=\"#servoy2\">servoy2</a> is down: connection "
              "refused by ajp://app2 <small>since <time "
              "datetime=\"2026-11-22T09:55:00Z\" "
              "title=\"2026-11-22 09:55:00 UTC\">09:55:00</time> "
              "("),
        1);
    ck_assert_int_eq(count(">5 min</time>"), 2);
    ck_assert_int_eq(count("<tr id=\"servoy2\" class=\"row bad\""), 1);
    ck_assert_int_eq(count("fleet servoy \xc2\xb7 up 11 d"), 1);
    ck_assert_int_eq(count("as of <time "), 1);
    ck_assert_int_eq(count("</time> UTC</div>"), 1);
    ck_assert_int_eq(count("Times are UTC."), 1);
    ck_assert_int_eq(count("Smart Clients are an estimate"), 1);
    ck_assert_int_eq(count("href=\"?format=json\""), 1);
    ck_assert_int_eq(count("href=\"?format=prometheus\""), 1);
    ck_assert_int_eq(count("http-equiv=\"refresh\""), 1);
    ck_assert_int_eq(count("{{"), 0);
}
END_TEST

/* Where the row of this node begins. */
static char *row(const char *id)
{
    char *at = strstr(text, apr_psprintf(pool, "<tr id=\"%s\"", id));

    ck_assert_msg(at != NULL, "no row of %s", id);
    return at;
}

static void in_order(const char *a, const char *b, const char *c)
{
    ck_assert(row(a) < row(b));
    ck_assert(row(b) < row(c));
}

START_TEST(sorted_and_filtered)
{
    svb_snapshot *snap = three_nodes();

    write_page(snap);
    in_order("servoy2", "servoy1", "servoy3");
    write_at(snap, "sort=name");
    in_order("servoy1", "servoy2", "servoy3");
    node_of(snap, "servoy3")->web = 20;
    write_at(snap, "sort=users&sort=none");
    in_order("servoy3", "servoy1", "servoy2");
    shown();
    ck_assert_int_eq(count("aria-current=\"true\">users</a>"), 1);
    ck_assert_int_eq(count("<a href=\"?sort=users&amp;only=trouble\">only"), 1);
    write_at(snap, "only=trouble&sort=users&open=a%26b");
    ck_assert_int_eq(count("<tr id="), 1);
    row("servoy2");
    shown();
    ck_assert_int_eq(count("<a href=\"?sort=users&amp;open=a%26b\">all nodes"),
                     1);
    node_of(snap, "servoy2")->state = SVB_STATE_READY;
    write_at(snap, "only=trouble");
    ck_assert_int_eq(count("<tr id="), 0);
    ck_assert_int_eq(count("No node is in trouble."), 2); /* and the piece */
}
END_TEST

/* Equals stay as they are configured. */
START_TEST(the_order_is_stable)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "servoy");
    char *last = NULL;

    for (int i = 0; i < 57; i++) {
        add(fleet, apr_psprintf(pool, "n%d", (i * 17) % 57), SVB_STATE_READY, 1,
            0);
    }
    write_at(snap, "sort=users");
    for (int i = 0; i < 57; i++) {
        char *at = row(apr_psprintf(pool, "n%d", (i * 17) % 57));

        ck_assert(at > last);
        last = at;
    }
    write_at(snap, "sort=name");
    in_order("n2", "n10", "n11"); /* as people count */
}
END_TEST

/* Style and script without what is for the readers of their files alone. */
START_TEST(no_comments_no_indentation)
{
    write_page(three_nodes());
    ck_assert_int_eq(count("\n/*") + count("*/\n"), 0);
    ck_assert_int_eq(count("\n ") + count("\n\t"), 0);
    ck_assert_int_eq(count("<style nonce=\"" NONCE "\">\n:root {\n"), 1);
    ck_assert_int_eq(count("\n.badge {\n") + count("\n.alert {\n")
                         + count("\n.card {\n"),
                     3);
    ck_assert_int_eq(count("})();\n</script>"), 1);
}
END_TEST

START_TEST(bars)
{
    svb_snapshot *snap = three_nodes();

    /* 8 + 2 clients for 1.0 against 4 for 0.5: the first is the fullest */
    write_page(snap);
    ck_assert_ptr_nonnull(strstr(row("servoy1"),
                                 "<rect class=\"w\" width=\"80\" height=\"1\"/>"
                                 "<rect class=\"s\" x=\"80\" width=\"20\""));
    ck_assert_ptr_nonnull(
        strstr(row("servoy3"), "<rect class=\"w\" width=\"80\""));
    ck_assert_ptr_nonnull(strstr(row("servoy1"), ">8 web, ~2 smart<svg"));
    node_of(snap, "servoy1")->maxclients = 40;
    node_of(snap, "servoy3")->maxclients = 2; /* more than it may */
    write_page(snap);
    ck_assert_ptr_nonnull(strstr(row("servoy1"), "8 web, ~2 smart of 40"));
    ck_assert_ptr_nonnull(
        strstr(row("servoy1"), "<rect class=\"w\" width=\"20\""));
    ck_assert_ptr_nonnull(
        strstr(row("servoy3"), "<rect class=\"w\" width=\"100\""));
}
END_TEST

START_TEST(the_last_hour)
{
    static const unsigned hour[] = {0, 0, 10, 20};
    svb_snapshot *snap = three_nodes();
    svb_snap_node *node = node_of(snap, "servoy1");

    write_page(snap);
    ck_assert_ptr_null(strstr(shown(), "<svg class=\"spark\""));
    node->hour = hour;
    node->hour_n = 4;
    write_page(snap);
    ck_assert_ptr_nonnull(strstr(row("servoy1"),
                                 "aria-label=\"users, last hour: 0 to 20, now "
                                 "10\"><path d=\"M58 19 59 10 60 10\"/>"));
    shown();
    ck_assert_int_eq(count("<svg class=\"spark\""), 2); /* and the fleet's */
    ck_assert_int_eq(count("users, last hour: 4 to 24, now 14"), 0);
    ck_assert_int_eq(count("users, last hour: 0 to 20, now 14"), 1);
    write_at(snap, "lines=none");
    ck_assert_ptr_null(strstr(shown(), "<svg class=\"spark\""));
}
END_TEST

START_TEST(a_drain_counts_down)
{
    svb_snapshot *snap = three_nodes();
    svb_snap_node *node = node_of(snap, "servoy1");

    node->state = SVB_STATE_DRAINING;
    node->web = 36;
    node->smart = 0;
    node->had = 58;
    node->idle = 9;
    node->empty_by = snap->time + apr_time_from_sec(1500);
    write_page(snap);
    check_well_formed();
    ck_assert_ptr_nonnull(strstr(row("servoy1"),
                                 ">36 left of 58<small>9 idle for over 10 "
                                 "min</small><small>if nobody else comes back, "
                                 "empty by <time"));
    shown();
    ck_assert_int_eq(count(">10:25:00</time> at the latest</small>"), 1);
    ck_assert_int_eq(count("Safe to stop"), 0);
    node->web = node->had = node->idle = 0;
    node->empty_by = 0;
    node->safe_to_stop = 1;
    node->empty_since = snap->time - apr_time_from_sec(60);
    write_page(snap);
    ck_assert_ptr_nonnull(
        strstr(row("servoy1"), ">Safe to stop since <time datetime=\"2026-11-22"
                               "T09:59:00Z\""));
}
END_TEST

/* What is down is not safe to stop, and has another button. */
START_TEST(a_dead_node_is_down)
{
    svb_snapshot *snap = three_nodes();

    node_of(snap, "servoy2")->had = 25;
    snap->actions = 1;
    write_page(snap);
    shown();
    ck_assert_ptr_nonnull(strstr(row("servoy2"), "\xe2\x96\xb2 down</span>"));
    ck_assert_ptr_nonnull(strstr(row("servoy2"), "<small>25 before</small>"));
    ck_assert_ptr_nonnull(strstr(row("servoy2"), "?confirm=disable&amp;"));
    ck_assert_int_eq(count("Safe to stop"), 0);
}
END_TEST

START_TEST(nobody_and_nothing)
{
    svb_snapshot *snap = svb_snapshot_make(pool);

    write_page(snap);
    check_well_formed();
    shown();
    ck_assert_int_eq(count("There is no fleet yet."), 1);
    ck_assert_int_eq(count("A fleet comes into being"), 1);
    svb_snapshot_add_fleet(pool, snap, NULL);
    write_page(snap);
    check_well_formed();
    shown();
    ck_assert_int_eq(count("A fleet comes into being"), 0);
    ck_assert_int_eq(count("This fleet has no node yet"), 1);
}
END_TEST

START_TEST(several_fleets)
{
    svb_snapshot *snap = three_nodes();

    add(svb_snapshot_add_fleet(pool, snap, "other"), "servoy2",
        SVB_STATE_STANDBY, 0, 0);
    write_page(snap);
    check_well_formed();
    row("servoy/servoy2");
    row("other/servoy2");
    shown();
    ck_assert_int_eq(count("<h2 class=\"s\">Fleet "), 2);
    ck_assert_int_eq(count("<a href=\"#servoy%2Fservoy2\">servoy2</a>"), 1);
    ck_assert_int_eq(count(", fleet servoy</small>"), 1);
    ck_assert_int_eq(count(" \xc2\xb7 fleet servoy"), 0);
}
END_TEST

/* What is folded is not there; what is unfolded is, and all that can be done. */
START_TEST(unfolded)
{
    svb_snapshot *snap = three_nodes();
    int folded;

    snap->actions = 1;
    write_page(snap);
    shown();
    folded = count("<");
    ck_assert_int_eq(count("<dt>Load factor</dt>"), 0);
    ck_assert_int_eq(count("href=\"?open=servoy1#servoy1\""), 1);
    write_at(snap, "open=servoy3&open=nobody");
    check_well_formed();
    shown();
    ck_assert_int_gt(count("<"), folded + 50);
    ck_assert_int_eq(count("<dt>Load factor</dt><dd>0.5</dd>"), 1);
    ck_assert_int_eq(count("<code>ajp://servoy3:8009</code> in "
                           "<code>balancer://servoy</code>"),
                     1);
    for (int i = 0; i < SVB_ACTIONS; i++) {
        const char *name = svb_action_name((svb_action_kind)i);

        ck_assert_int_ge(
            count(apr_psprintf(pool, "name=\"action\" value=\"%s\"", name))
                + count(apr_psprintf(pool,
                                     "?confirm=%s&amp;fleet=servoy&amp;node="
                                     "servoy3&amp;open=servoy3&amp;open=nobody",
                                     name)),
            1);
    }
    ck_assert_int_eq(count("min=\"0.01\" max=\"100\" required value=\"0.5\""),
                     1);
    ck_assert_int_eq(count("href=\"?open=nobody#servoy3\""), 1);
}
END_TEST

START_TEST(actions_only_where_allowed)
{
    svb_snapshot *snap = three_nodes();

    node_of(snap, "servoy3")->state = SVB_STATE_DRAINING;
    write_at(snap, "open=servoy1&confirm=drain&fleet=servoy&node=servoy1");
    shown();
    ck_assert_int_eq(count("<form") + count("<button") + count("<input"), 0);
    ck_assert_int_eq(count("form-nonce") + count("?confirm="), 0);
    snap->actions = 1;
    write_page(snap);
    shown();
    ck_assert_int_eq(count("<form method=\"post\""), 1);
    ck_assert_int_eq(count("name=\"node\" value=\"servoy3\""), 1);
    ck_assert_int_eq(count("name=\"nonce\" value=\"form-nonce\""), 1);
    ck_assert_int_eq(count("value=\"enable\">Back to work</button>"), 1);
    ck_assert_int_eq(count("?confirm=drain&amp;fleet=servoy&amp;node=servoy1"),
                     1);
}
END_TEST

START_TEST(asks_what_it_costs)
{
    svb_snapshot *snap = three_nodes();

    snap->actions = 1;
    write_at(snap, "confirm=disable&fleet=servoy&node=servoy1&sort=name");
    ck_assert_int_eq(count("<h2>Disable servoy1?</h2>"), 1);
    ck_assert_int_eq(count("<li>10 users must start again.</li>"), 1);
    ck_assert_int_eq(count("<li>About 2 of them are Smart Clients"), 1);
    ck_assert_int_eq(count("<li>1 node is left for new users.</li>"), 1);
    ck_assert_int_eq(count("name=\"action\" value=\"disable\""), 1);
    ck_assert_int_eq(count("name=\"nonce\" value=\"form-nonce\""), 1);
    ck_assert_int_eq(count("href=\"?sort=name#servoy1\">Cancel"), 1);
    ck_assert_int_eq(count("<script") + count("http-equiv"), 0);
    ck_assert_int_eq(count("The server was restarted"), 0);
    node_of(snap, "servoy3")->state = SVB_STATE_FULL;
    write_at(snap, "confirm=drain&fleet=servoy&node=servoy1&again=drain");
    ck_assert_int_eq(count("<li>No node is left for new users: "), 1);
    ck_assert_int_eq(count("The server was restarted; press again."), 1);
    for (int i = 0; i < SVB_ACTIONS; i++) {
        write_at(snap,
                 apr_psprintf(pool, "confirm=%s&fleet=servoy&node=servoy1",
                              svb_action_name((svb_action_kind)i)));
        ck_assert_int_eq(count("<main class=\"ask"), 1);
        ck_assert_int_ge(count("<li>"), 1);
    }
    write_at(snap, "confirm=drain&fleet=servoy&node=nobody");
    ck_assert_int_eq(count("<main class=\"ask"), 0);
}
END_TEST

/* The address after an action, what is said, and the way back. */
static const struct {
    const char *query, *said, *undo;
} notes[] = {
    {"done=drain&was=ready", "servoy3 drains; was ready.",
     "value=\"enable\">Undo"},
    {"done=enable&was=draining", "servoy3 is back to work; was draining.",
     "value=\"drain\">Undo"},
    {"done=enable&was=disabled", "servoy3 is back to work; was disabled.",
     "?confirm=disable&amp;"},
    {"done=disable&was=error", "servoy3 is taken out; was down.",
     "value=\"enable\">Undo"},
    {"done=forget&was=ready", "servoy3 has its users forgotten.", NULL},
    {"done=loadfactor&was=2.5", "servoy3 has load factor 0.5; it was 2.5.",
     "name=\"value\" value=\"2.5\""},
    {"again=enable", "press again: <span>servoy3",
     "value=\"enable\">Back to work"},
    {"again=loadfactor&value=3.00", "press again",
     "name=\"value\" value=\"3.00\""},
    {"done=drain&was=%3Cscript%3E", "servoy3 drains.", NULL},
    {"done=burn&was=ready", NULL, NULL},
};

START_TEST(what_was_done)
{
    svb_snapshot *snap = three_nodes();

    snap->actions = 1;
    node_of(snap, "servoy3")->state = SVB_STATE_DRAINING;
    write_at(snap, apr_pstrcat(pool, notes[_i].query,
                               "&fleet=servoy&node=servoy3", NULL));
    check_well_formed();
    shown();
    ck_assert_int_eq(count("class=\"card note\""), notes[_i].said != NULL);
    if (notes[_i].said) {
        ck_assert_int_eq(count(notes[_i].said), 1);
    }
    if (notes[_i].undo) {
        ck_assert_int_ge(count(notes[_i].undo), 1);
    }
    else {
        ck_assert_int_eq(count("Undo"), 0);
    }
}
END_TEST

START_TEST(what_happened)
{
    svb_snapshot *snap = three_nodes();

    APR_ARRAY_PUSH(snap->events, svb_snap_event) =
        (svb_snap_event){snap->time - apr_time_from_sec(9),
                         "state",
                         "servoy",
                         "servoy2",
                         "ready",
                         "error",
                         "connection refused"};
    APR_ARRAY_PUSH(snap->events, svb_snap_event) =
        (svb_snap_event){snap->time - apr_time_from_sec(90000),
                         "action",
                         "servoy",
                         "servoy1",
                         "",
                         "",
                         "drain by admin"};
    write_page(snap);
    check_well_formed();
    shown();
    ck_assert_int_eq(
        count("<b>servoy2</b> down, was ready: connection refused<"), 1);
    ck_assert_int_eq(count(">21 Nov 09:00</time>"), 1);
    ck_assert_int_eq(count("<b>servoy1</b> drain by admin<"), 1);
}
END_TEST

START_TEST(the_cards_are_bounded)
{
    svb_snapshot *snap = svb_snapshot_make(pool);
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, "servoy");

    add(fleet, "a", SVB_STATE_READY, 0, 0);
    add(fleet, "b", SVB_STATE_READY, 0, 0);
    for (int i = 0; i < 1000; i++) {
        add(fleet, apr_psprintf(pool, "n%d", i),
            i < 990 ? SVB_STATE_FULL : SVB_STATE_ERROR, 0, 0);
    }
    write_page(snap);
    shown();
    ck_assert_int_eq(count("<section class=\"card alert bad\""), 8);
    ck_assert_int_eq(count("and 992 more troubles"), 1);
}
END_TEST

START_TEST(hostile_strings)
{
    static const char hostile[] =
        "\"'--></style></script><img src=x onerror=alert(1)>{{nonce}}\n\\\xff&lt;";
    svb_snapshot *snap = three_nodes();
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(pool, snap, hostile);
    svb_snap_node *node = add(fleet, hostile, SVB_STATE_ERROR, 1, 1);
    svb_snap_member *member =
        APR_ARRAY_IDX(node->members, 0, svb_snap_member *);
    const char *id = apr_pstrcat(pool, hostile, "/", hostile, NULL);

    snap->module = snap->server = hostile;
    snap->actions = 1;
    svb_snap_fleet_add_balancer(fleet, hostile);
    node->url = node->group = node->reason = node->host = hostile;
    node->other_route = node->said = hostile;
    member->balancer = member->worker = member->status = hostile;
    APR_ARRAY_PUSH(snap->events, svb_snap_event) = (svb_snap_event){
        1, hostile, hostile, hostile, hostile, hostile, hostile};
    write_at(snap, apr_pstrcat(pool, "open=", svb_view_url(pool, id), NULL));
    check_well_formed();
    ck_assert_int_eq(count("<img"), 0);
    ck_assert_int_eq(count("<script"), 2);
    ck_assert_int_eq(count("<style"), 1);
    ck_assert_int_eq(count("\xff"), 0);
    ck_assert_int_gt(count("&quot;&#39;--&gt;&lt;/style&gt;"), 15);
    ck_assert_ptr_null(strstr(shown(), "onerror=alert(1)>"));
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
    shown();
    ck_assert_int_eq(
        count("<th scope=\"row\">ajp://:8009<small>no route</small></th>"), 1);
    ck_assert_int_eq(
        count("<a href=\"#other%2Fajp%3A%2F%2F%3A8009\">ajp://:8009</a>"), 1);
    ck_assert_int_eq(count("?confirm="), 3); /* none for it */
}
END_TEST

START_TEST(only_web_links)
{
    svb_snapshot *snap = three_nodes();

    write_at(snap, "open=servoy1");
    ck_assert_int_eq(count("href=\"https://a.example/\""), 1);
    node_of(snap, "servoy1")->url = "javascript:alert(1)";
    write_at(snap, "open=servoy1");
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
                     "script-src 'nonce-" NONCE "'; img-src data:; form-action "
                     "'self'; frame-ancestors 'none'; base-uri 'none'; "
                     "connect-src 'self'");
    for (int i = 0; i < COUNT(others); i++) {
        ck_assert_str_eq(
            svb_page_csp(pool, others[i]),
            "default-src 'none'; style-src 'none'; "
            "script-src 'none'; img-src data:; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'; "
            "connect-src 'self'");
    }
    write_page(three_nodes());
    ck_assert_int_eq(count("<style nonce=\"" NONCE "\">"), 1);
    ck_assert_int_eq(count("<script nonce=\"" NONCE "\">"), 1);
}
END_TEST

/* The line that says who shares with this front end. */
static void share(svb_snapshot *snap, const char *state)
{
    snap->store.url = "redis://store/";
    snap->store.state = state;
    APR_ARRAY_PUSH(snap->fronts, svb_snap_front) = (svb_snap_front){
        .name = "fe1", .state = "here", .self = 1, .lag_ms = 120};
    APR_ARRAY_PUSH(snap->fronts, svb_snap_front) =
        (svb_snap_front){.name = "fe2", .state = "here", .lag_ms = 230};
}

START_TEST(front_ends)
{
    svb_snapshot *snap = three_nodes();

    write_page(snap);
    ck_assert_ptr_null(strstr(shown(), "class=\"fronts"));
    share(snap, "connected");
    write_page(snap);
    shown();
    ck_assert_int_eq(
        count("2 front ends, all within 0.3 s; this is <b>fe1</b>. "), 1);
    APR_ARRAY_PUSH(snap->fronts, svb_snap_front) =
        (svb_snap_front){.name = "<i>", .state = "gone", .lag_ms = 99999};
    write_page(snap);
    shown();
    ck_assert_int_eq(count("within 0.3 s"), 1);
    ck_assert_int_eq(count("<b>&lt;i&gt; is gone</b>"), 1);
    ck_assert_int_eq(count("Front end &lt;i&gt; is gone"), 2); /* and a card */
}
END_TEST

START_TEST(the_store_is_lost)
{
    svb_snapshot *snap = three_nodes();

    share(snap, "lost");
    snap->store.known = snap->time;
    write_page(snap);
    check_well_formed();
    shown();
    ck_assert_int_eq(count("The shared store is lost."), 1);
    ck_assert_int_eq(
        count("counts are those of <time datetime=\"2026-11-22T10"), 1);
    ck_assert_int_eq(count("all within"), 0);
}
END_TEST

static const struct {
    apr_uint64_t bytes;
    const char *shown;
} sizes[] = {
    {0, ">0 B to it"},
    {1023, ">1023 B to it"},
    {1024, ">1.0 KiB to it"},
    {1048576, ">1.0 MiB to it"},
    {APR_UINT64_C(1649267441664), ">1.5 TiB to it"},
    {APR_UINT64_C(18446744073709551615), ">16384.0 PiB to it"},
};

START_TEST(human_sizes)
{
    svb_snapshot *snap = three_nodes();

    node_of(snap, "servoy1")->bytes_to = sizes[_i].bytes;
    write_at(snap, "open=servoy1");
    ck_assert_msg(count(sizes[_i].shown) == 1, "%s", sizes[_i].shown);
}
END_TEST

static const struct {
    int seconds;
    const char *shown;
} durations[] = {
    {-5, ">0 s<"},         {0, ">0 s<"},       {59, ">59 s<"},
    {60, ">1 min<"},       {3599, ">59 min<"}, {3600, ">1 h<"},
    {3660, ">1 h 1 min<"}, {86400, ">1 d<"},   {1000000, ">11 d 13 h<"},
};

START_TEST(human_durations)
{
    svb_snapshot *snap = three_nodes();

    node_of(snap, "servoy1")->last_change =
        snap->time - apr_time_from_sec(durations[_i].seconds);
    write_page(snap);
    ck_assert_ptr_nonnull(strstr(row("servoy1"), durations[_i].shown));
}
END_TEST

/* Of the script: the same view as JSON. */
START_TEST(for_the_script)
{
    svb_snapshot *snap = three_nodes();
    svb_place place = {.sort = SVB_SORT_NAME};

    ck_assert_int_eq(svb_page_json(snap, &place, &sink), APR_SUCCESS);
    ck_assert_int_eq(count("{\"title\":\"\xe2\x96\xb2 1 down"), 1);
    ck_assert_int_eq(count("\"headline\":\"servoy2 is down.\""), 1);
    ck_assert_int_eq(count("\"time\":1795341600,"), 1);
    ck_assert_int_eq(count("\"id\":\"servoy"), 3);
    ck_assert_int_eq(count("\"unfolded\""), 0);
}
END_TEST

static apr_status_t fails(void *baton, const char *data, apr_size_t len)
{
    (void)baton;
    (void)data;
    (void)len;
    return APR_ECONNABORTED;
}

START_TEST(an_error_is_told)
{
    svb_place place = {.sort = SVB_SORT_TROUBLE};
    svb_sink s;

    svb_sink_init(&s, fails, NULL);
    ck_assert_int_eq(svb_page_write(three_nodes(), &place, NONCE, &s),
                     APR_ECONNABORTED);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("page");
    TCase *tc = tcase_create("page");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, says_what_is_wrong);
    tcase_add_test(tc, sorted_and_filtered);
    tcase_add_test(tc, the_order_is_stable);
    tcase_add_test(tc, no_comments_no_indentation);
    tcase_add_test(tc, bars);
    tcase_add_test(tc, the_last_hour);
    tcase_add_test(tc, a_drain_counts_down);
    tcase_add_test(tc, a_dead_node_is_down);
    tcase_add_test(tc, nobody_and_nothing);
    tcase_add_test(tc, several_fleets);
    tcase_add_test(tc, unfolded);
    tcase_add_test(tc, actions_only_where_allowed);
    tcase_add_test(tc, asks_what_it_costs);
    tcase_add_loop_test(tc, what_was_done, 0, COUNT(notes));
    tcase_add_test(tc, what_happened);
    tcase_add_test(tc, the_cards_are_bounded);
    tcase_add_test(tc, hostile_strings);
    tcase_add_test(tc, a_node_without_a_route);
    tcase_add_test(tc, only_web_links);
    tcase_add_test(tc, content_security_policy);
    tcase_add_test(tc, front_ends);
    tcase_add_test(tc, the_store_is_lost);
    tcase_add_loop_test(tc, human_sizes, 0, COUNT(sizes));
    tcase_add_loop_test(tc, human_durations, 0, COUNT(durations));
    tcase_add_test(tc, for_the_script);
    tcase_add_test(tc, an_error_is_told);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
