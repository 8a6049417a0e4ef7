/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * clients: a long random run against a plain model.
 */
#include "table.h"

#define CLIENTS 300

static struct {
    int known, node;
    svb_kind kind;
    unsigned epoch;
    apr_time_t seen;
} model[CLIENTS];

static apr_int64_t age_of(int i, apr_time_t now)
{
    return apr_time_sec(now) - apr_time_sec(model[i].seen);
}

static apr_int64_t lifetime(svb_kind kind)
{
    return apr_time_sec(timeout(NULL, 0, kind));
}

static svb_kind model_kind(int i, apr_time_t now)
{
    return model[i].kind == SVB_KIND_WINDOWED
                   && age_of(i, now) > lifetime(SVB_KIND_WINDOWED)
               ? SVB_KIND_ENDED
               : model[i].kind;
}

static int model_live(int i, apr_time_t now)
{
    svb_kind last =
        model[i].kind == SVB_KIND_WINDOWED ? SVB_KIND_ENDED : model[i].kind;

    return model[i].known
           && model[i].epoch == svb_records_epoch(records, model[i].node)
           && age_of(i, now) <= lifetime(last);
}

static void model_put(int i, int node, svb_kind kind, apr_time_t now)
{
    model[i].known = 1;
    model[i].node = node;
    model[i].kind = kind;
    model[i].epoch = svb_records_epoch(records, node);
    model[i].seen = now;
}

static void model_remember(int i, apr_time_t now)
{
    if (!model_live(i, now) || model[i].kind == SVB_KIND_SMART) {
        return;
    }
    model[i].kind = model_kind(i, now);
    if (model[i].kind != SVB_KIND_ENDED) {
        model[i].known = model[i].kind != SVB_KIND_PENDING;
        model[i].kind = SVB_KIND_REMEMBERED;
        model[i].seen = now;
    }
}

static void model_touch(int i, apr_time_t now)
{
    if (model_live(i, now)) {
        model[i].kind = model_kind(i, now);
        model[i].seen =
            model[i].kind == SVB_KIND_WINDOWED ? model[i].seen : now;
    }
}

static void model_hold(int i, apr_time_t now)
{
    if (model_live(i, now)) {
        model[i].kind = model_kind(i, now);
        model[i].seen =
            svb_kind_is_counted(model[i].kind) ? now : model[i].seen;
    }
}

static void model_window(int i, int node, apr_time_t now)
{
    int is_smart = model_live(i, now) && model[i].kind == SVB_KIND_SMART;

    model_put(i, is_smart ? model[i].node : node,
              is_smart ? SVB_KIND_SMART : SVB_KIND_WINDOWED, now);
}

/* A call that may write the word of one client. */
static void step_of_one(int i, int node, svb_kind kind, apr_time_t now)
{
    switch (rand() % 6) {
    case 0:
        svb_clients_remove(table, id_of(i), t0);
        model[i].known = 0;
        break;
    case 1:
        svb_clients_put(table, id_of(i), node, kind, now);
        model_put(i, node, kind, now);
        break;
    case 2:
        REQUIRE(svb_clients_hold(table, id_of(i), now) == model_live(i, now));
        model_hold(i, now);
        break;
    case 3:
        REQUIRE(svb_clients_window(table, id_of(i), node, now));
        model_window(i, node, now);
        break;
    case 4:
        REQUIRE(svb_clients_remember(table, id_of(i), now)
                == model_live(i, now));
        model_remember(i, now);
        break;
    default:
        REQUIRE(svb_clients_touch(table, id_of(i), now) == model_live(i, now));
        model_touch(i, now);
    }
}

static void model_step(apr_time_t now)
{
    int i = rand() % CLIENTS, j = rand() % CLIENTS,
        node = nodes[rand() % NODES];
    svb_kind kind = (svb_kind)(rand() % SVB_KIND_GONE);

    switch (rand() % 20) {
    case 0:
        svb_clients_rename(table, id_of(i), id_of(j), node, kind, now);
        model_put(j, node, kind, now);
        if (i != j) {
            model_remember(i, now);
        }
        break;
    case 1:
        if (rand() % 50 == 0) {
            svb_records_next_epoch(records, node);
        }
        break;
    case 2:
        svb_clients_sweep(table, rand() % 100, now);
        break;
    default:
        step_of_one(i, node, kind, now);
    }
}

static void assert_as_model(int i, apr_time_t now)
{
    svb_client client;
    int found = svb_clients_find(table, id_of(i), now, &client);

    REQUIRE(found == model_live(i, now));
    if (found) {
        REQUIRE(client.node == model[i].node);
        REQUIRE(client.kind == model_kind(i, now));
    }
}

START_TEST(against_a_model)
{
    apr_time_t now = t0;

    setup(1000);
    srand(42 + _i);
    for (int n = 0; n < 100000; n++) {
        int i = rand() % CLIENTS;

        model_step(now);
        now += rand() % 3 ? 0 : SEC(rand() % 8);
        assert_as_model(i, now);
        if (n % 5000 == 0) {
            while (!svb_clients_sweep(table, ALL, now)) {
            }
            /* The pass may have begun before; one more is from end to end. */
            ck_assert(svb_clients_sweep(table, ALL, now));
            assert_counts(table, now);
        }
    }
    ck_assert_uint_eq(svb_clients_evicted(table), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("model");
    TCase *tc = tcase_create("model");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, against_a_model, 0, 4);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
