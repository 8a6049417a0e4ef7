/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * mod_model: what is known of a node while mod_proxy is adding a member. The direct
 * URL of a node comes from the template of another balancer of its fleet, so the
 * members of that one are looked through.
 */
#include "config/mod_model.h"

#include "unit.h"

static proxy_worker workers[3];
static proxy_worker_shared shared[3];
static proxy_balancer proxies[2];
static svb_balancer balancers[2];
static svb_fleet fleet = {.name = "servoy"};

/* ------------------------------- what mod_model asks for, but not here */

module AP_MODULE_DECLARE_DATA proxy_module, servoy_balancer_module;
const svb_facts svb_facts_unset = {.maxclients = SVB_UNSET, .probe = SVB_UNSET};
const svb_facts svb_facts_defaults = {.maxclients = 0};

svb_section *svb_sections_merged(apr_pool_t *p, server_rec *s, const char *name)
{
    (void)p, (void)s, (void)name;
    abort();
}

const char *svb_facts_conflict(const svb_facts *a, const svb_facts *b)
{
    (void)a, (void)b;
    abort();
}

/* Here a line gives its url, and nothing else. */
void svb_facts_complete(svb_facts *facts, const svb_facts *others)
{
    facts->maxclients = others->maxclients;
    facts->probe = others->probe;
}

const svb_server *svb_directives_server(apr_pool_t *p, server_rec *main_server)
{
    (void)p, (void)main_server;
    abort();
}

char *ap_proxy_worker_name(apr_pool_t *p, proxy_worker *worker)
{
    (void)p, (void)worker;
    abort();
}

/* ------------------------------------------------------------ the fleet */

static void set_worker(int i, const char *route, const char *host)
{
    apr_cpystrn(shared[i].route, route, sizeof(shared[i].route));
    apr_cpystrn(shared[i].hostname_ex, host, sizeof(shared[i].hostname_ex));
    workers[i].s = &shared[i];
}

/* Pages has a member; sockets has one to the same node, and the template. */
static void setup(void)
{
    static const svb_node_line template = {.route = "*",
                                           .facts = {.url = "http://%h:8080",
                                                     .maxclients = SVB_UNSET,
                                                     .probe = SVB_UNSET}};

    pool_setup();
    memset(workers, 0, sizeof(workers));
    memset(shared, 0, sizeof(shared));
    set_worker(0, "s1", "pages.internal");
    set_worker(1, "s1", "sockets.internal");
    fleet.lines = apr_hash_make(pool);
    fleet.balancers = apr_array_make(pool, 2, sizeof(svb_balancer *));
    for (int i = 0; i < 2; i++) {
        proxies[i].workers = apr_array_make(pool, 4, sizeof(proxy_worker *));
        balancers[i].proxy = &proxies[i];
        balancers[i].fleet = &fleet;
        balancers[i].set.nodes = apr_array_make(pool, 1, sizeof(svb_node_line));
        APR_ARRAY_PUSH(fleet.balancers, svb_balancer *) = &balancers[i];
    }
    APR_ARRAY_PUSH(proxies[0].workers, proxy_worker *) = &workers[0];
    APR_ARRAY_PUSH(balancers[1].set.nodes, svb_node_line) = template;
}

static const char *url(void)
{
    svb_facts facts;

    ck_assert_ptr_null(
        svb_model_facts(pool, &balancers[0], &workers[0], &facts));
    return facts.url;
}

START_TEST(the_member_beside_the_template)
{
    APR_ARRAY_PUSH(proxies[1].workers, proxy_worker *) = &workers[1];
    ck_assert_str_eq(url(), "http://sockets.internal:8080");
}
END_TEST

START_TEST(while_another_is_added)
{
    proxy_worker **place = apr_array_push(proxies[1].workers);

    APR_ARRAY_PUSH(proxies[1].workers, proxy_worker *) = &workers[1];
    *place = NULL;
    ck_assert_str_eq(url(), "http://sockets.internal:8080");
    *place = &workers[2]; /* nothing that processes share so far */
    ck_assert_str_eq(url(), "http://sockets.internal:8080");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mod_model");
    TCase *tc = tcase_create("mod_model");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, the_member_beside_the_template);
    tcase_add_test(tc, while_another_is_added);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
