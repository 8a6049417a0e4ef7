/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The table of what can be shown of a node: what its readers rely on. */

#include <stddef.h>
#include <string.h>

#include "report/fields.h"
#include "unit.h"

static const char *text(const char *s)
{
    return s ? s : "";
}

START_TEST(each_counter_once)
{
    for (int i = 0; i < SVB_COUNTERS; i++) {
        int found = 0;

        for (int j = 0; j < SVB_FIELDS; j++) {
            found += svb_fields[j].kind == SVB_VALUE_COUNTER
                     && svb_fields[j].offset
                            == offsetof(svb_snap_node, counters)
                                   + (apr_size_t)i * sizeof(apr_uint64_t);
        }
        ck_assert_msg(found == 1, "counter %d is there %d times", i, found);
    }
}
END_TEST

START_TEST(keys_and_series_are_unique)
{
    for (int i = 0; i < SVB_FIELDS; i++) {
        const svb_field *a = &svb_fields[i];

        for (int j = 0; j < i; j++) {
            const svb_field *b = &svb_fields[j];

            ck_assert(!a->key || strcmp(a->key, text(b->key)) != 0);
            ck_assert(!a->metric || strcmp(a->metric, text(b->metric)) != 0
                      || strcmp(text(a->value), text(b->value)) != 0);
        }
    }
}
END_TEST

/* Those of a family have the same kind and label, and nothing in between; so has
 * an object of the JSON. */
START_TEST(families_and_objects_stand_together)
{
    for (int i = 0; i < SVB_FIELDS; i++) {
        const svb_field *a = &svb_fields[i];

        for (int j = i + 1; j < SVB_FIELDS; j++) {
            const svb_field *b = &svb_fields[j];

            if (a->metric && strcmp(a->metric, text(b->metric)) == 0) {
                ck_assert_str_eq(text((b - 1)->metric), a->metric);
                ck_assert_int_eq(a->kind, b->kind);
                ck_assert_str_eq(text(a->label), text(b->label));
            }
            if (a->object && strcmp(a->object, text(b->object)) == 0) {
                ck_assert_str_eq(text((b - 1)->object), a->object);
            }
        }
    }
}
END_TEST

START_TEST(said_what_it_is)
{
    const svb_field *f = &svb_fields[_i];

    ck_assert(f->key || f->heading || f->metric);
    /* the first one of a family has the help */
    if (f->metric && (_i == 0 || strcmp(f->metric, text(f[-1].metric)) != 0)) {
        ck_assert_ptr_nonnull(f->help);
    }
    if (f->help) {
        ck_assert_int_ne(f->help[strlen(f->help) - 1], '.');
    }
}
END_TEST

START_TEST(values)
{
    apr_array_header_t *members = apr_array_make(pool, 1, sizeof(void *));
    svb_snap_node node = {.route = "a",
                          .state = SVB_STATE_ERROR,
                          .loadfactor = 0.5,
                          .members = members,
                          .web = 3,
                          .safe_to_stop = 1,
                          .bytes_from = 4,
                          .last_change = 5};
#define READ(id) svb_fields_read(&svb_fields[SVB_FIELD_##id], &node)

    node.counters[SVB_CTR_ERRORS] = 6;
    ck_assert_str_eq(READ(ROUTE).text, "a");
    ck_assert_ptr_null(READ(URL).text);
    ck_assert_int_eq(READ(STATE).state, SVB_STATE_ERROR);
    ck_assert_int_eq(READ(UP).flag, 0);
    ck_assert(READ(LOADFACTOR).fraction == 0.5);
    ck_assert_ptr_eq(READ(MEMBERS).members, members);
    ck_assert_uint_eq(READ(WEB).number, 3);
    ck_assert_int_eq(READ(SAFE_TO_STOP).flag, 1);
    ck_assert_uint_eq(READ(BYTES_FROM).number, 4);
    ck_assert_int_eq(READ(LAST_CHANGE).time, 5);
    ck_assert_uint_eq(READ(ERRORS).number, 6);
    node.state = SVB_STATE_FULL;
    node.up = 1;
    ck_assert_int_eq(READ(UP).flag, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fields");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_test(tc, each_counter_once);
    tcase_add_test(tc, keys_and_series_are_unique);
    tcase_add_test(tc, families_and_objects_stand_together);
    tcase_add_loop_test(tc, said_what_it_is, 0, SVB_FIELDS);
    tcase_add_test(tc, values);
    return unit_run(srunner_create(suite));
}
