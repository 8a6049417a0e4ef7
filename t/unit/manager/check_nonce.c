/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Nonces of forms: for whom, for how long, and with which key they are good. */

#include <string.h>

#include "manager/nonce.h"
#include "unit.h"

static const unsigned char key[SVB_NONCE_KEY] = "one key,unknown";
static const unsigned char other[SVB_NONCE_KEY] = "one key,unknowN";

#define NOON (apr_time_from_sec(3600) * 12 * 40000)
#define MINUTES apr_time_from_sec(60)

static char nonce[SVB_NONCE_LEN + 1];

static void made_at_noon(const char *user)
{
    svb_nonce_make(nonce, key, user, NOON);
}

START_TEST(looks)
{
    made_at_noon("admin");
    ck_assert_uint_eq(strlen(nonce), SVB_NONCE_LEN);
    ck_assert_uint_eq(strspn(nonce, "0123456789abcdef"), SVB_NONCE_LEN);
}
END_TEST

/* Minutes after the beginning of its period. */
static const struct {
    int minutes, good;
} times[] = {
    {-1, 0},  {0, 1},   {1, 1},   {59, 1},   {60, 1},
    {119, 1}, {120, 0}, {180, 0}, {1440, 0}, {-60, 0},
};

START_TEST(time_passes)
{
    made_at_noon("admin");
    ck_assert_int_eq(svb_nonce_is_good(nonce, key, "admin",
                                       NOON + times[_i].minutes * MINUTES),
                     times[_i].good);
}
END_TEST

START_TEST(it_changes_with_the_period_alone)
{
    char later[SVB_NONCE_LEN + 1];

    made_at_noon(NULL);
    svb_nonce_make(later, key, NULL, NOON + 59 * MINUTES);
    ck_assert_str_eq(later, nonce);
    svb_nonce_make(later, key, NULL, NOON + 60 * MINUTES);
    ck_assert_str_ne(later, nonce);
}
END_TEST

static const struct {
    const char *shown_to, *sent_by;
    int good;
} users[] = {
    {"admin", "admin", 1}, {"viewer", "admin", 0}, {"admin", "viewer", 0},
    {"admin", NULL, 0},    {NULL, NULL, 1},        {"", NULL, 1},
    {NULL, "admin", 1},    {"adm", "admin", 0},    {"admin\x01", "admin", 0},
};

START_TEST(whose)
{
    made_at_noon(users[_i].shown_to);
    ck_assert_int_eq(svb_nonce_is_good(nonce, key, users[_i].sent_by, NOON),
                     users[_i].good);
}
END_TEST

START_TEST(another_key)
{
    made_at_noon("admin");
    ck_assert_int_eq(svb_nonce_is_good(nonce, other, "admin", NOON), 0);
}
END_TEST

START_TEST(every_digit_counts)
{
    for (int i = 0; i < SVB_NONCE_LEN; i++) {
        made_at_noon("admin");
        nonce[i] = nonce[i] == '0' ? '1' : '0';
        ck_assert_int_eq(svb_nonce_is_good(nonce, key, "admin", NOON), 0);
    }
}
END_TEST

static const char *const texts[] = {
    "", "0", "0000000000000000000000000000000", /* one too short */
    "000000000000000000000000000000000",        /* one too long */
};

START_TEST(no_nonce)
{
    ck_assert_int_eq(svb_nonce_is_good(texts[_i], key, NULL, NOON), 0);
}
END_TEST

START_TEST(a_part_or_more)
{
    char text[SVB_NONCE_LEN + 2];

    made_at_noon(NULL);
    memcpy(text, nonce, SVB_NONCE_LEN + 1);
    text[SVB_NONCE_LEN - 1] = '\0';
    ck_assert_int_eq(svb_nonce_is_good(text, key, NULL, NOON), 0);
    memcpy(text, nonce, SVB_NONCE_LEN);
    memcpy(text + SVB_NONCE_LEN, "0", 2);
    ck_assert_int_eq(svb_nonce_is_good(text, key, NULL, NOON), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nonce");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_add_test(tc, looks);
    tcase_add_loop_test(tc, time_passes, 0, COUNT(times));
    tcase_add_test(tc, it_changes_with_the_period_alone);
    tcase_add_loop_test(tc, whose, 0, COUNT(users));
    tcase_add_test(tc, another_key);
    tcase_add_test(tc, every_digit_counts);
    tcase_add_loop_test(tc, no_nonce, 0, COUNT(texts));
    tcase_add_test(tc, a_part_or_more);
    return unit_run(srunner_create(suite));
}
