/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * addresses: what is known of host names, put by one and read by others.
 */
#include <string.h>

#include <apr_strings.h>

#include "nodes/addresses.h"
#include "workers.h"

static const apr_time_t t0 = apr_time_from_sec(1796000000);

static svb_addresses *addresses;

static void setup(void)
{
    workers_setup();
    svb_addresses_open(&addresses, share(svb_addresses_size()), pool);
}

/* Addresses as a resolver finds them; none of these asks any. */
static apr_sockaddr_t *found(const char *first, const char *second)
{
    apr_sockaddr_t *list;

    ck_assert_int_eq(
        apr_sockaddr_info_get(&list, first, APR_UNSPEC, 0, 0, pool),
        APR_SUCCESS);
    if (second) {
        list->next = found(second, NULL);
    }
    return list;
}

/* All addresses of a host, in one line. */
static const char *text(const char *host, apr_port_t port)
{
    static char line[512];
    const apr_sockaddr_t *addr = svb_addresses_get(addresses, host, port, pool);

    *line = '\0';
    for (; addr; addr = addr->next) {
        char ip[64];

        ck_assert_int_eq(addr->port, port);
        apr_sockaddr_ip_getbuf(ip, sizeof(ip), (apr_sockaddr_t *)addr);
        apr_snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s%s",
                     *line ? " " : "", ip);
    }
    return line;
}

static int place(const char *host)
{
    int at = svb_addresses_place(addresses, host);

    ck_assert_int_ge(at, 0);
    ck_assert_int_lt(at, SVB_ADDRESSES_HOSTS);
    return at;
}

START_TEST(literals)
{
    ck_assert_str_eq(text("127.0.0.1", 80), "127.0.0.1");
    ck_assert_str_eq(text("::1", 443), "::1");
    ck_assert(svb_addresses_is_literal("10.0.0.1"));
    ck_assert(svb_addresses_is_literal("2001:db8::1"));
    ck_assert(!svb_addresses_is_literal("app1.internal"));
    ck_assert(!svb_addresses_is_literal("10.1"));
    ck_assert(!svb_addresses_is_literal(""));
}
END_TEST

START_TEST(names)
{
    int a = place("a.internal"), b = place("b.internal");

    ck_assert_int_ne(a, b);
    ck_assert_int_eq(place("a.internal"), a);
    ck_assert_str_eq(text("a.internal", 80), "");
    svb_addresses_put(addresses, a, found("10.0.0.1", "2001:db8::1"), t0);
    ck_assert_str_eq(text("a.internal", 80), "10.0.0.1 2001:db8::1");
    ck_assert_str_eq(text("a.internal", 8009), "10.0.0.1 2001:db8::1");
    ck_assert_str_eq(text("b.internal", 80), "");
    svb_addresses_put(addresses, a, found("10.0.0.2", NULL), t0);
    ck_assert_str_eq(text("a.internal", 80), "10.0.0.2");
    svb_addresses_put(addresses, a, found("10.0.0.3", NULL), t0);
    ck_assert_str_eq(text("a.internal", 80), "10.0.0.3");
}
END_TEST

START_TEST(more_than_there_is_room_for)
{
    apr_sockaddr_t *list = NULL;

    for (int i = 9; i > 0; i--) {
        char ip[16];
        apr_sockaddr_t *one;

        apr_snprintf(ip, sizeof(ip), "10.0.0.%d", i);
        one = found(ip, NULL);
        one->next = list;
        list = one;
    }
    svb_addresses_put(addresses, place("many.internal"), list, t0);
    ck_assert_str_eq(text("many.internal", 80),
                     "10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4");
}
END_TEST

START_TEST(when_to_look_up)
{
    int a = place("a.internal");
    apr_time_t later = t0 + SVB_ADDRESSES_GOOD_FOR;

    ck_assert(svb_addresses_is_due(addresses, a, t0));
    svb_addresses_put(addresses, a, found("10.0.0.1", NULL), t0);
    ck_assert(!svb_addresses_is_due(addresses, a, later - 1));
    ck_assert(svb_addresses_is_due(addresses, a, later));
    /* One that fails is not asked all the time, and what was known stays. */
    svb_addresses_put(addresses, a, NULL, later);
    ck_assert(
        !svb_addresses_is_due(addresses, a, later + SVB_ADDRESSES_RETRY - 1));
    ck_assert(svb_addresses_is_due(addresses, a, later + SVB_ADDRESSES_RETRY));
    ck_assert_str_eq(text("a.internal", 80), "10.0.0.1");
}
END_TEST

START_TEST(all_places_taken)
{
    char host[32];
    int some = place("host7");

    for (int i = 0; i < SVB_ADDRESSES_HOSTS; i++) {
        apr_snprintf(host, sizeof(host), "host%d", i);
        place(host);
    }
    ck_assert_int_eq(svb_addresses_place(addresses, "one too many"), -1);
    ck_assert_ptr_null(svb_addresses_get(addresses, "one too many", 80, pool));
    ck_assert_int_eq(place("host7"), some);
}
END_TEST

/* The first one looks up, always whole lists; the others see nothing else. */
static void put_or_get(int worker)
{
    int at = place("busy.internal"), other = 0;
    apr_sockaddr_t *lists[] = {found("10.0.0.1", "10.0.0.2"),
                               found("10.1.0.1", "10.1.0.2")};

    wait_for_all();
    for (int i = 0; i < 20000; i++) {
        if (worker == 0) {
            svb_addresses_put(addresses, at, lists[i % 2], t0);
        }
        else if (i % 20 == 0) {
            const char *line = text("busy.internal", 80);

            other += *line && strcmp(line, "10.0.0.1 10.0.0.2") != 0
                     && strcmp(line, "10.1.0.1 10.1.0.2") != 0;
        }
    }
    board->results[worker][0] = other;
}

START_TEST(while_it_changes)
{
    at_once(put_or_get);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(board->results[i][0], 0);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("addresses");
    TCase *tc = tcase_create("addresses");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, literals);
    tcase_add_test(tc, names);
    tcase_add_test(tc, more_than_there_is_room_for);
    tcase_add_test(tc, when_to_look_up);
    tcase_add_test(tc, all_places_taken);
    tcase_add_test(tc, while_it_changes);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
