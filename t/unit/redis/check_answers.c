/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Answers, as the bytes that a store would send: those that are right, and those that
 * are nearly so.
 */
#include "unit.h"

#include <string.h>

#include "redis/answers.h"

static const svb_exchange_log logs[] = {{"a", {5, 1}}, {"bb", {0, 0}}};

static const svb_exchange_round asked = {
    .prefix = "svb:{x}",
    .front_end = "me",
    .logs = logs,
    .n_logs = 2,
};

/* The reply that these bytes are; NULL: they are none, or not the whole of one. */
static svb_reply *reply_of(const char *bytes, int room)
{
    static svb_reply_room limits;
    redisReader *reader = redisReaderCreateWithFunctions(NULL);
    void *reply = NULL;

    limits.pool = pool;
    limits.left = room;
    svb_reply_use(reader, &limits);
    redisReaderFeed(reader, bytes, strlen(bytes));
    if (redisReaderGetReply(reader, &reply) != REDIS_OK) {
        reply = NULL;
    }
    redisReaderFree(reader);
    return reply;
}

static const struct {
    const char *text;
    int good;
} ids[] = {
    {"0-0", 1},
    {"1526919030474-55", 1},
    {"18446744073709551615-18446744073709551615", 1},
    {"18446744073709551616-0", 0},
    {"0-18446744073709551616", 0},
    {"99999999999999999999999-1", 0},
    {"", 0},
    {"-", 0},
    {"1-", 0},
    {"-1", 0},
    {"1", 0},
    {"1-2-3", 0},
    {"+1-2", 0},
    {" 1-2", 0},
    {"1-2 ", 0},
    {"1x-2", 0},
    {"0x1-2", 0},
};

START_TEST(an_id)
{
    svb_exchange_id id;

    ck_assert_int_eq(svb_answers_id(ids[_i].text, strlen(ids[_i].text), &id),
                     ids[_i].good);
}
END_TEST

START_TEST(an_id_in_full)
{
    svb_exchange_id id;

    ck_assert(svb_answers_id("1526919030474-55", 16, &id));
    ck_assert(id.ms == 1526919030474 && id.seq == 55);
    ck_assert(svb_answers_id("12-345678", 5, &id));
    ck_assert_msg(id.ms == 12 && id.seq == 34,
                  "it looks no further than it may");
}
END_TEST

#define KEY_A "*2\r\n$13\r\nsvb:{x}:log:a\r\n"
#define KEY_B "*2\r\n$14\r\nsvb:{x}:log:bb\r\n"
#define ENTRY(id_len, id)                                                      \
    "*2\r\n$" id_len "\r\n" id "\r\n*2\r\n$1\r\nb\r\n$2\r\nhi\r\n"

static const struct {
    const char *bytes;
    int batches; /* -1: refused */
} entries[] = {
    {"*-1\r\n", 0},
    {"$-1\r\n", 0},
    {"*0\r\n", 0},
    {"*1\r\n" KEY_A "*1\r\n" ENTRY("3", "5-2"), 1},
    {"*1\r\n" KEY_A "*2\r\n" ENTRY("3", "5-2") ENTRY("3", "6-0"), 2},
    {"*2\r\n" KEY_A "*1\r\n" ENTRY("3", "5-2") KEY_B "*1\r\n" ENTRY("3", "0-1"),
     2},
    {"*1\r\n" KEY_A "*0\r\n", 0},
    /* more than was asked for */
    {"*1\r\n" KEY_A "*3\r\n" ENTRY("3", "5-2") ENTRY("3", "6-0")
         ENTRY("3", "7-0"),
     -1},
    {"*3\r\n" KEY_A "*0\r\n" KEY_A "*0\r\n" KEY_A "*0\r\n", -1},
    /* not later, out of order */
    {"*1\r\n" KEY_A "*1\r\n" ENTRY("3", "5-1"), -1},
    {"*1\r\n" KEY_A "*2\r\n" ENTRY("3", "6-0") ENTRY("3", "5-2"), -1},
    {"*1\r\n" KEY_A "*2\r\n" ENTRY("3", "6-0") ENTRY("3", "6-0"), -1},
    /* other keys */
    {"*1\r\n*2\r\n$13\r\nsvb:{x}:log:c\r\n*0\r\n", -1},
    {"*1\r\n*2\r\n$13\r\nsvb:{y}:log:a\r\n*0\r\n", -1},
    {"*1\r\n*2\r\n$12\r\nsvb:{x}:log:\r\n*0\r\n", -1},
    {"*1\r\n*2\r\n$1\r\na\r\n*0\r\n", -1},
    {"*1\r\n*2\r\n$0\r\n\r\n*0\r\n", -1},
    /* shapes */
    {":1\r\n", -1},
    {"+OK\r\n", -1},
    {"$2\r\nhi\r\n", -1},
    {"*1\r\n:1\r\n", -1},
    {"*1\r\n*0\r\n", -1},
    {"*1\r\n*1\r\n*0\r\n", -1},
    {"*1\r\n" KEY_A "$-1\r\n", -1},
    {"*1\r\n" KEY_A ":7\r\n", -1},
    {"*1\r\n" KEY_A "*1\r\n:7\r\n", -1},
    {"*1\r\n" KEY_A "*1\r\n*2\r\n:7\r\n*0\r\n", -1},
    {"*1\r\n" KEY_A "*1\r\n*2\r\n$3\r\n5-2\r\n$-1\r\n", -1},
    {"*1\r\n" KEY_A "*1\r\n*2\r\n$3\r\n5-2\r\n*1\r\n$1\r\nb\r\n", -1},
    {"*1\r\n" KEY_A "*1\r\n*2\r\n$3\r\n5-2\r\n*2\r\n$1\r\nb\r\n:1\r\n", -1},
    {"*1\r\n" KEY_A "*1\r\n*2\r\n$3\r\n5-2\r\n*2\r\n$1\r\nb\r\n$-1\r\n", -1},
    {"*1\r\n" KEY_A "*1\r\n*1\r\n$3\r\n5-2\r\n", -1},
    /* no batch in it: an empty one */
    {"*1\r\n" KEY_A "*1\r\n*2\r\n$3\r\n5-2\r\n*0\r\n", 1},
    {"*1\r\n" KEY_A "*1\r\n*2\r\n$3\r\n5-2\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n", 1},
};

START_TEST(the_entries_of_logs)
{
    svb_exchange_result result = {0};
    svb_reply *reply = reply_of(entries[_i].bytes, SVB_REPLY_OBJECTS);
    const char *wrong;

    ck_assert_ptr_nonnull(reply);
    wrong = svb_answers_logs(reply, &asked, 2, &result, pool);
    ck_assert_int_eq(wrong ? -1 : result.n_batches, entries[_i].batches);
}
END_TEST

static const struct {
    const char *bytes;
    int fields; /* -1: refused */
} hashes[] = {
    {"*0\r\n", 0},
    {"*2\r\n$1\r\na\r\n$0\r\n\r\n", 1},
    {"*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n", 2},
    {"*1\r\n$1\r\na\r\n", -1},
    {"*-1\r\n", -1},
    {"*2\r\n:1\r\n$1\r\na\r\n", -1},
    {"*2\r\n$1\r\na\r\n$-1\r\n", -1},
    {"*2\r\n$1\r\na\r\n*0\r\n", -1},
    {"$1\r\na\r\n", -1},
};

START_TEST(a_hash)
{
    svb_exchange_field *fields;
    int n = 0;
    const char *wrong = svb_answers_hash(
        reply_of(hashes[_i].bytes, SVB_REPLY_OBJECTS), &fields, &n, pool);

    ck_assert_int_eq(wrong ? -1 : n, hashes[_i].fields);
}
END_TEST

static const struct {
    const char *bytes;
    apr_time_t time; /* -1: refused */
} times[] = {
    {"*2\r\n$1\r\n7\r\n$1\r\n9\r\n", 7000009},
    {"*2\r\n$1\r\n7\r\n$6\r\n999999\r\n", 7999999},
    {"*2\r\n$1\r\n7\r\n$7\r\n1000000\r\n", -1},
    {"*2\r\n$19\r\n9223372036854775807\r\n$1\r\n0\r\n", -1},
    {"*2\r\n$2\r\n-7\r\n$1\r\n0\r\n", -1},
    {"*2\r\n:7\r\n:9\r\n", -1},
    {"*1\r\n$1\r\n7\r\n", -1},
    {"*0\r\n", -1},
    {"+OK\r\n", -1},
};

START_TEST(the_time)
{
    apr_time_t time = 0;
    const char *wrong =
        svb_answers_time(reply_of(times[_i].bytes, SVB_REPLY_OBJECTS), &time);

    ck_assert(wrong ? times[_i].time == -1 : times[_i].time == time);
}
END_TEST

START_TEST(the_last_id)
{
    svb_exchange_id id;

    ck_assert_ptr_null(svb_answers_last(reply_of("*0\r\n", 99), &id));
    ck_assert(id.ms == 0 && id.seq == 0);
    ck_assert_ptr_null(
        svb_answers_last(reply_of("*1\r\n" ENTRY("3", "8-9"), 99), &id));
    ck_assert(id.ms == 8 && id.seq == 9);
    ck_assert_ptr_nonnull(svb_answers_last(
        reply_of("*2\r\n" ENTRY("3", "8-9") ENTRY("3", "8-8"), 99), &id));
    ck_assert_ptr_nonnull(svb_answers_last(reply_of("*-1\r\n", 99), &id));
    ck_assert_ptr_nonnull(svb_answers_last(reply_of("+OK\r\n", 99), &id));
}
END_TEST

/* Each object costs one, and each place in an array another. */
START_TEST(bounds)
{
    ck_assert_ptr_nonnull(reply_of("*2\r\n:1\r\n:2\r\n", 5));
    ck_assert_ptr_null(reply_of("*2\r\n:1\r\n:2\r\n", 4));
    ck_assert_ptr_null(reply_of("*2147483647\r\n:1\r\n", SVB_REPLY_OBJECTS));
    ck_assert_ptr_null(reply_of("*200000\r\n:1\r\n", SVB_REPLY_OBJECTS));
    ck_assert_ptr_null(reply_of(":1\r\n", 0));
}
END_TEST

static Suite *answers_suite(void)
{
    Suite *s = suite_create("svb_answers");
    TCase *tc = tcase_create("all");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, an_id, 0, COUNT(ids));
    tcase_add_test(tc, an_id_in_full);
    tcase_add_loop_test(tc, the_entries_of_logs, 0, COUNT(entries));
    tcase_add_loop_test(tc, a_hash, 0, COUNT(hashes));
    tcase_add_loop_test(tc, the_time, 0, COUNT(times));
    tcase_add_test(tc, the_last_id);
    tcase_add_test(tc, bounds);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(answers_suite()));
}
