/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What is left of a snapshot when a fleet or a node is asked for. */

#include <string.h>

#include <apr_strings.h>

#include "report/snapshot.h"
#include "unit.h"

/* Two fleets: f with a, b and a node without a route; g with a and c. */
static svb_snapshot *two_fleets(void)
{
    static const char *const nodes[][2] = {
        {"f", "a"}, {"f", "b"}, {"f", ""}, {"g", "a"}, {"g", "c"}};
    static const char *const events[][2] = {{"g", "c"},  {"f", "a"}, {"f", "b"},
                                            {"g", "a"},  {"f", ""},  {"", ""},
                                            {NULL, NULL}};
    svb_snapshot *snap = svb_snapshot_make(pool);

    svb_snapshot_add_fleet(pool, snap, "f");
    svb_snapshot_add_fleet(pool, snap, "g");
    for (int i = 0; i < COUNT(nodes); i++) {
        svb_snap_fleet_add_node(pool, svb_snapshot_fleet(snap, nodes[i][0]),
                                nodes[i][1]);
    }
    for (int i = 0; i < COUNT(events); i++) {
        APR_ARRAY_PUSH(snap->events, svb_snap_event) =
            (svb_snap_event){.fleet = events[i][0], .node = events[i][1]};
    }
    return snap;
}

/* "f: a b; g: a" and "| f/a" for each event. */
static const char *told(const svb_snapshot *snap)
{
    const char *text = "";

    for (int i = 0; i < snap->fleets->nelts; i++) {
        const svb_snap_fleet *fleet =
            APR_ARRAY_IDX(snap->fleets, i, svb_snap_fleet *);

        text = apr_pstrcat(pool, text, fleet->name, ":", NULL);
        for (int j = 0; j < fleet->nodes->nelts; j++) {
            text = apr_pstrcat(
                pool, text, " ",
                APR_ARRAY_IDX(fleet->nodes, j, svb_snap_node *)->route, NULL);
        }
        text = apr_pstrcat(pool, text, "; ", NULL);
    }
    for (int i = 0; i < snap->events->nelts; i++) {
        const svb_snap_event *event =
            &APR_ARRAY_IDX(snap->events, i, svb_snap_event);

        text = apr_pstrcat(pool, text, "| ", event->fleet ? event->fleet : "-",
                           "/", event->node ? event->node : "-", NULL);
    }
    return text;
}

static const struct {
    const char *fleet, *node, *left; /* NULL: nothing */
} cases[] = {
    {NULL, NULL, "f: a b ; g: a c; | g/c| f/a| f/b| g/a| f/| /| -/-"},
    {"f", NULL, "f: a b ; | f/a| f/b| f/| /| -/-"},
    {"g", NULL, "g: a c; | g/c| g/a| /| -/-"},
    {"f", "a", "f: a; | f/a| f/| /| -/-"},
    {NULL, "a", "f: a; g: a; | f/a| g/a| f/| /| -/-"},
    {NULL, "b", "f: b; | f/b| f/| /| -/-"}, /* and nothing of g */
    {NULL, "c", "g: c; | g/c| /| -/-"},
    {"f", "c", NULL},
    {"x", NULL, NULL},
    {"", NULL, NULL},
    {NULL, "x", NULL},
    {NULL, "", NULL}, /* that is no name, though there is such a node */
    {"F", NULL, NULL},
};

START_TEST(parts)
{
    svb_snapshot *snap = two_fleets();
    const char *whole = told(snap);
    svb_snapshot *part =
        svb_snapshot_part(pool, snap, cases[_i].fleet, cases[_i].node);

    ck_assert_int_eq(part != NULL, cases[_i].left != NULL);
    if (part) {
        ck_assert_str_eq(told(part), cases[_i].left);
        ck_assert_str_eq(told(part->whole), whole);
    }
    ck_assert_str_eq(told(snap->whole), whole);
}
END_TEST

START_TEST(nothing_to_part)
{
    svb_snapshot *snap = svb_snapshot_make(pool);

    ck_assert_ptr_null(svb_snapshot_part(pool, snap, NULL, NULL));
    svb_snapshot_add_fleet(pool, snap, NULL);
    ck_assert_ptr_nonnull(svb_snapshot_part(pool, snap, NULL, NULL));
    ck_assert_ptr_null(svb_snapshot_part(pool, snap, NULL, "a"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, parts, 0, COUNT(cases));
    tcase_add_test(tc, nothing_to_part);
    return unit_run(srunner_create(suite));
}
