/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * told: what records say, and that those that nobody knows here are passed over; number:
 * no two words have one.
 */
#include <string.h>

#include "memory/merge.h"
#include "share/number.h"
#include "share/told.h"
#include "unit.h"

#define SEC(n) apr_time_from_sec(n)

static const apr_time_t t0 = SEC(1796000000);

/* Node 0 of the batch is our 7, its node 1 is not known here. */
static const int nodes[] = {7, -1};
static const svb_told_batch batch = {nodes, t0 + 900000, t0 + SEC(2)};

#define NOBODY SVB_RECORD_NO_NODE

static const struct {
    unsigned kind, node, more;
    svb_told what;
    int is; /* kind of the client */
    unsigned how;
} rows[] = {
    {SVB_RECORD_WEB, 0, 0, SVB_TOLD_CLIENT, SVB_KIND_WEB, 0},
    {SVB_RECORD_SMART, 0, 0, SVB_TOLD_CLIENT, SVB_KIND_SMART, 0},
    {SVB_RECORD_ASSUMED, 0, 0, SVB_TOLD_CLIENT, SVB_KIND_ASSUMED, 0},
    {SVB_RECORD_PENDING, 0, 0, SVB_TOLD_CLIENT, SVB_KIND_PENDING, 0},
    {SVB_RECORD_WINDOWED, 0, 0, SVB_TOLD_CLIENT, SVB_KIND_WINDOWED, 0},
    {SVB_RECORD_REMEMBERED, 0, 0, SVB_TOLD_CLIENT, SVB_KIND_REMEMBERED, 0},
    {SVB_RECORD_WEB, 0, SVB_RECORD_PUT, SVB_TOLD_CLIENT, SVB_KIND_WEB,
     SVB_MERGE_PUT},
    {SVB_RECORD_WEB, 0, 0xfc, SVB_TOLD_CLIENT, SVB_KIND_WEB, 0},
    {SVB_RECORD_WEB, 1, 0, SVB_TOLD_NOTHING, 0, 0},
    {SVB_RECORD_WEB, NOBODY, 0, SVB_TOLD_NOTHING, 0, 0},
    {SVB_RECORD_GONE, 0, 0, SVB_TOLD_CLIENT, SVB_KIND_GONE, SVB_MERGE_STAYS},
    {SVB_RECORD_GONE, 0, SVB_RECORD_UNHEARD, SVB_TOLD_CLIENT, SVB_KIND_GONE, 0},
    {SVB_RECORD_GONE, NOBODY, SVB_RECORD_UNHEARD, SVB_TOLD_CLIENT,
     SVB_KIND_GONE, 0},
    {SVB_RECORD_GONE, NOBODY, 0, SVB_TOLD_NOTHING, 0, 0},
    {SVB_RECORD_GONE, 1, 0, SVB_TOLD_NOTHING, 0, 0},
    {SVB_RECORD_REFUSED, 0, 0, SVB_TOLD_NODE, 0, 0},
    {SVB_RECORD_ANSWERS, 0, 0, SVB_TOLD_NODE, 0, 0},
    {SVB_RECORD_MAINTENANCE, 0, 0, SVB_TOLD_NODE, 0, 0},
    {SVB_RECORD_REFUSED, 1, 0, SVB_TOLD_NOTHING, 0, 0},
    {SVB_RECORD_REFUSED, NOBODY, 0, SVB_TOLD_NOTHING, 0, 0},
};

START_TEST(records)
{
    svb_record record = {42, rows[_i].node, rows[_i].kind, rows[_i].more, 100};
    svb_client client = {0};
    unsigned how = 99;

    ck_assert_int_eq(svb_told_of(&batch, &record, &client, &how),
                     rows[_i].what);
    if (rows[_i].what == SVB_TOLD_CLIENT) {
        ck_assert_uint_eq(client.id, 42);
        ck_assert_int_eq(client.node, rows[_i].node == NOBODY ? 0 : 7);
        ck_assert_int_eq((int)client.kind, rows[_i].is);
        ck_assert_int_eq(client.seen, t0);
        ck_assert_uint_eq(how, rows[_i].how);
    }
}
END_TEST

/* What a later version adds. */
START_TEST(unknown_kinds)
{
    svb_client client;
    unsigned how;

    for (unsigned kind = 0; kind < 256; kind++) {
        svb_record record = {42, 0, kind, 255, 0};
        int known = kind <= SVB_RECORD_REMEMBERED || (kind >= 16 && kind <= 18);

        ck_assert_int_eq(svb_told_of(&batch, &record, &client, &how)
                             != SVB_TOLD_NOTHING,
                         known);
        /* id 0 is nobody's */
        record.id = 0;
        ck_assert_int_ne(svb_told_of(&batch, &record, &client, &how),
                         SVB_TOLD_CLIENT);
    }
}
END_TEST

/* Nothing is seen later than now, whatever clocks and ages say. */
START_TEST(ages)
{
    svb_told_batch late = {nodes, t0 + SEC(60), t0};
    svb_record record = {42, 0, SVB_RECORD_WEB, 0, 0};
    svb_client client;
    unsigned how;

    svb_told_of(&late, &record, &client, &how);
    ck_assert_int_eq(client.seen, t0);
    record.age = UINT32_MAX;
    svb_told_of(&late, &record, &client, &how);
    ck_assert_int_eq(client.seen,
                     t0 + SEC(60) - SEC((apr_time_t)UINT32_MAX / 1000 + 1));
}
END_TEST

START_TEST(numbers)
{
    _Atomic apr_uint64_t clock = 0;

    ck_assert_uint_eq(svb_number_next(&clock, 1000), 1000);
    ck_assert_uint_eq(svb_number_next(&clock, 1000), 1001);
    ck_assert_uint_eq(svb_number_next(&clock, 10), 1002);
    svb_number_met(&clock, 500);
    ck_assert_uint_eq(svb_number_next(&clock, 10), 1003);
    svb_number_met(&clock, 5000);
    ck_assert_uint_eq(svb_number_next(&clock, 2000), 5001);
    ck_assert_uint_eq(svb_number_next(&clock, 6000), 6000);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("told");
    TCase *tc = tcase_create("told");

    tcase_add_loop_test(tc, records, 0, COUNT(rows));
    tcase_add_test(tc, unknown_kinds);
    tcase_add_test(tc, ages);
    tcase_add_test(tc, numbers);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
