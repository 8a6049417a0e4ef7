/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * batch, notes: what is written is what is read, and nothing else is.
 */
#include <string.h>

#include "share/batch.h"
#include "share/notes.h"
#include "unit.h"

static const unsigned char key[SVB_MAC_KEY] = "fifteen letters";
static svb_mac mac;

static void setup(void)
{
    pool_setup();
    mac = svb_mac_of(key, "log", "svb:{prod}", "fe1");
}

static svb_batch_node nodes[] = {{"servoy", "s1"}, {"servoy", "s2"}};
static svb_record records[] = {
    {0x1122334455667788, 0, SVB_RECORD_WEB, 0, 0},
    {2, 1, SVB_RECORD_GONE, SVB_RECORD_UNHEARD, 7},
    {0, 1, SVB_RECORD_MAINTENANCE, 0, 1},
    {UINT64_MAX, 1, 200, 255, UINT32_MAX},
};
static const char *asked[] = {"fe2", "fe3"};

static svb_batch sample(void)
{
    return (svb_batch){.flags = SVB_BATCH_WALK | SVB_BATCH_END,
                       .boot = 0x0102030405060708,
                       .number = 42,
                       .sent = 1796000000123,
                       .asked = asked,
                       .n_asked = 2,
                       .nodes = nodes,
                       .n_nodes = 2,
                       .records = records,
                       .n_records = COUNT(records)};
}

static svb_batch_verdict read_as(const svb_exchange_bytes *bytes,
                                 svb_batch *batch)
{
    return svb_batch_read(bytes, &mac, batch, pool);
}

START_TEST(there_and_back)
{
    svb_batch b = sample(), back;
    svb_exchange_bytes bytes = svb_batch_write(&b, &mac, pool);

    ck_assert_uint_eq(bytes.len, 40 + 4 + 4 + 2 * 10 + 4 * 16 + 8);
    ck_assert_int_eq(read_as(&bytes, &back), SVB_BATCH_GOOD);
    ck_assert_uint_eq(back.flags, b.flags);
    ck_assert_uint_eq(back.boot, b.boot);
    ck_assert_uint_eq(back.number, b.number);
    ck_assert_uint_eq(back.sent, b.sent);
    ck_assert_int_eq(back.n_asked, 2);
    ck_assert_str_eq(back.asked[1], "fe3");
    ck_assert_int_eq(back.n_nodes, 2);
    ck_assert_str_eq(back.nodes[0].fleet, "servoy");
    ck_assert_str_eq(back.nodes[1].route, "s2");
    ck_assert_int_eq(back.n_records, b.n_records);
    for (int i = 0; i < b.n_records; i++) {
        ck_assert_uint_eq(back.records[i].id, records[i].id);
        ck_assert_uint_eq(back.records[i].node, records[i].node);
        ck_assert_uint_eq(back.records[i].kind, records[i].kind);
        ck_assert_uint_eq(back.records[i].more, records[i].more);
        ck_assert_uint_eq(back.records[i].age, records[i].age);
    }
}
END_TEST

START_TEST(the_least)
{
    svb_batch b = {.number = 1}, back;
    svb_exchange_bytes bytes = svb_batch_write(&b, &mac, pool);

    ck_assert_uint_eq(bytes.len, 48);
    ck_assert_int_eq(read_as(&bytes, &back), SVB_BATCH_GOOD);
    ck_assert_int_eq(back.n_records + back.n_nodes + back.n_asked, 0);
}
END_TEST

START_TEST(the_most)
{
    svb_batch b = sample(), back;
    svb_exchange_bytes bytes;
    char longest[SVB_NAME_MAX + 1];

    memset(longest, 'x', SVB_NAME_MAX);
    longest[SVB_NAME_MAX] = '\0';
    b.n_asked = SVB_BATCH_ASKED;
    b.asked = apr_palloc(pool, SVB_BATCH_ASKED * sizeof(*b.asked));
    for (int i = 0; i < SVB_BATCH_ASKED; i++) {
        b.asked[i] = longest;
    }
    b.n_nodes = SVB_BATCH_NODES;
    b.nodes = apr_palloc(pool, SVB_BATCH_NODES * sizeof(*b.nodes));
    for (int i = 0; i < SVB_BATCH_NODES; i++) {
        b.nodes[i] = (svb_batch_node){longest, longest};
    }
    b.n_records = SVB_BATCH_RECORDS;
    b.records = apr_pcalloc(pool, SVB_BATCH_RECORDS * sizeof(*b.records));
    b.records[SVB_BATCH_RECORDS - 1].node = SVB_BATCH_NODES - 1;
    bytes = svb_batch_write(&b, &mac, pool);
    ck_assert_int_eq(read_as(&bytes, &back), SVB_BATCH_GOOD);
    ck_assert_uint_eq(back.records[SVB_BATCH_RECORDS - 1].node,
                      SVB_BATCH_NODES - 1);
    ck_assert_str_eq(back.asked[SVB_BATCH_ASKED - 1], longest);
}
END_TEST

/* Of another front end, another store, another key; and with any bit the other way. */
START_TEST(forged)
{
    svb_batch b = sample(), back;
    svb_exchange_bytes bytes = svb_batch_write(&b, &mac, pool);
    unsigned char other_key[SVB_MAC_KEY];
    svb_mac others[4];
    char *data = (char *)bytes.data;

    memcpy(other_key, key, sizeof(key));
    other_key[15] ^= 1;
    others[0] = svb_mac_of(key, "log", "svb:{prod}", "fe2");
    others[1] = svb_mac_of(key, "log", "svb:{test}", "fe1");
    others[2] = svb_mac_of(key, "heartbeat", "svb:{prod}", "fe1");
    others[3] = svb_mac_of(other_key, "log", "svb:{prod}", "fe1");
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(svb_batch_read(&bytes, &others[i], &back, pool),
                         SVB_BATCH_FORGED);
    }
    for (apr_size_t i = 0; i < bytes.len * 8; i++) {
        data[i / 8] ^= (char)(1 << i % 8);
        ck_assert_int_eq(read_as(&bytes, &back), SVB_BATCH_FORGED);
        data[i / 8] ^= (char)(1 << i % 8);
    }
    for (bytes.len--; bytes.len > 0; bytes.len--) {
        ck_assert_int_eq(read_as(&bytes, &back), SVB_BATCH_FORGED);
    }
    ck_assert_int_eq(read_as(&bytes, &back), SVB_BATCH_FORGED);
    ck_assert_int_eq(read_as(&(svb_exchange_bytes){NULL, 0}, &back),
                     SVB_BATCH_FORGED);
}
END_TEST

/* A place in the bytes, and what stands there instead. */
static const struct {
    apr_size_t at;
    unsigned char byte;
    svb_batch_verdict verdict;
} spoilt[] = {
    {0, 'x', SVB_BATCH_DAMAGED},    {3, '2', SVB_BATCH_OTHER},
    {4, 0, SVB_BATCH_DAMAGED},      {7, 255, SVB_BATCH_DAMAGED},
    {34, 1, SVB_BATCH_DAMAGED},     {35, 255, SVB_BATCH_DAMAGED},
    {36, 1, SVB_BATCH_DAMAGED},     {37, 255, SVB_BATCH_DAMAGED},
    {38, 3, SVB_BATCH_DAMAGED},     {38, 5, SVB_BATCH_DAMAGED},
    {40, 0, SVB_BATCH_DAMAGED},     {40, 255, SVB_BATCH_DAMAGED},
    {41, 0, SVB_BATCH_DAMAGED},     {48, 5, SVB_BATCH_DAMAGED},
    {68 + 8, 2, SVB_BATCH_DAMAGED},
};

/* Ours, by its code: of a later version, or of one that has a bug. */
START_TEST(damaged)
{
    svb_batch b = sample(), back;
    svb_exchange_bytes bytes = svb_batch_write(&b, &mac, pool);
    unsigned char *data = (unsigned char *)bytes.data;

    data[spoilt[_i].at] = spoilt[_i].byte;
    svb_mac_put(&mac, data, bytes.len - SVB_MAC_SIZE);
    ck_assert_int_eq(read_as(&bytes, &back), spoilt[_i].verdict);
}
END_TEST

/* Read a value that anybody may have written: a heartbeat, a word. */
typedef int read_note(const svb_exchange_bytes *bytes, const svb_mac *m);

static int read_heartbeat(const svb_exchange_bytes *bytes, const svb_mac *m)
{
    svb_heartbeat beat;

    return svb_heartbeat_read(bytes, m, &beat, pool);
}

static int read_said(const svb_exchange_bytes *bytes, const svb_mac *m)
{
    svb_said said;

    return svb_said_read(bytes, m, &said, pool);
}

static svb_exchange_bytes a_heartbeat(void)
{
    svb_heartbeat beat = {1, 2, 3, 4, 5, 6, 7000, 8, "0.2.0"};

    return svb_heartbeat_write(&beat, &mac, pool);
}

static svb_exchange_bytes a_word(void)
{
    svb_said said = {"servoy", "s1", 1, 2, 3, 4, "drained by ada"};

    return svb_said_write(&said, &mac, pool);
}

static const struct {
    svb_exchange_bytes (*write)(void);
    read_note *read, *other;
} notes[] = {{a_heartbeat, read_heartbeat, read_said},
             {a_word, read_said, read_heartbeat}};

/* Of another front end, store or key; in place of another kind; any bit, any length. */
START_TEST(forged_notes)
{
    svb_exchange_bytes bytes = notes[_i].write();
    unsigned char other_key[SVB_MAC_KEY];
    char *data = (char *)bytes.data;
    svb_mac others[4];

    memcpy(other_key, key, sizeof(key));
    other_key[0] ^= 1;
    others[0] = svb_mac_of(key, "log", "svb:{prod}", "fe2");
    others[1] = svb_mac_of(key, "log", "svb:{test}", "fe1");
    others[2] = svb_mac_of(key, "word", "svb:{prod}", "fe1");
    others[3] = svb_mac_of(other_key, "log", "svb:{prod}", "fe1");
    ck_assert(notes[_i].read(&bytes, &mac));
    ck_assert(!notes[_i].other(&bytes, &mac));
    for (int i = 0; i < 4; i++) {
        ck_assert(!notes[_i].read(&bytes, &others[i]));
    }
    for (apr_size_t i = 0; i < bytes.len * 8; i++) {
        data[i / 8] ^= (char)(1 << i % 8);
        ck_assert(!notes[_i].read(&bytes, &mac));
        data[i / 8] ^= (char)(1 << i % 8);
    }
    while (bytes.len-- > 0) {
        ck_assert(!notes[_i].read(&bytes, &mac));
    }
    ck_assert(!notes[_i].read(&(svb_exchange_bytes){NULL, 0}, &mac));
}
END_TEST

/* By its code it is ours; and yet it ends too early. */
START_TEST(short_notes)
{
    svb_exchange_bytes bytes = notes[_i].write();

    for (bytes.len--; bytes.len >= SVB_MAC_SIZE; bytes.len--) {
        svb_mac_put(&mac, (unsigned char *)bytes.data,
                    bytes.len - SVB_MAC_SIZE);
        ck_assert(!notes[_i].read(&bytes, &mac));
    }
}
END_TEST

START_TEST(heartbeats)
{
    svb_heartbeat beat = {1, 2, 3, 4, 5, 6, 7000, 8, "0.2.0"}, back;
    svb_exchange_bytes bytes = svb_heartbeat_write(&beat, &mac, pool);
    char longest[300];

    ck_assert(svb_heartbeat_read(&bytes, &mac, &back, pool));
    ck_assert_uint_eq(back.least, 1);
    ck_assert_uint_eq(back.most, 2);
    ck_assert_uint_eq(back.boot, 3);
    ck_assert_uint_eq(back.number, 4);
    ck_assert_uint_eq(back.time, 5);
    ck_assert_uint_eq(back.clients, 6);
    ck_assert_uint_eq(back.elections, 7000);
    ck_assert_uint_eq(back.lag, 8);
    ck_assert_str_eq(back.version, "0.2.0");
    ((char *)bytes.data)[9] ^= 1;
    ck_assert(!svb_heartbeat_read(&bytes, &mac, &back, pool));
    memset(longest, 'x', sizeof(longest));
    longest[299] = '\0';
    beat.version = longest;
    bytes = svb_heartbeat_write(&beat, &mac, pool);
    ck_assert(svb_heartbeat_read(&bytes, &mac, &back, pool));
    ck_assert_uint_eq(strlen(back.version), SVB_HEARTBEAT_VERSION);
}
END_TEST

START_TEST(words)
{
    svb_said said = {"servoy", "s1", 1, 2, 3, 4, "drained by ada"}, back;
    svb_exchange_bytes bytes = svb_said_write(&said, &mac, pool);

    ck_assert(svb_said_read(&bytes, &mac, &back, pool));
    ck_assert_str_eq(back.fleet, "servoy");
    ck_assert_str_eq(back.route, "s1");
    ck_assert_uint_eq(back.said_at, 1);
    ck_assert_uint_eq(back.word, 2);
    ck_assert_uint_eq(back.forgot_at, 3);
    ck_assert_uint_eq(back.closed_at, 4);
    ck_assert_str_eq(back.who, "drained by ada");
    said.who = "";
    bytes = svb_said_write(&said, &mac, pool);
    ck_assert(svb_said_read(&bytes, &mac, &back, pool));
    ck_assert_str_eq(back.who, "");
    for (bytes.len--; bytes.len > 8; bytes.len--) {
        svb_mac_put(&mac, (unsigned char *)bytes.data, bytes.len - 8);
        ck_assert(!svb_said_read(&bytes, &mac, &back, pool));
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("batch");
    TCase *tc = tcase_create("batch");

    tcase_add_checked_fixture(tc, setup, pool_teardown);
    tcase_add_test(tc, there_and_back);
    tcase_add_test(tc, the_least);
    tcase_add_test(tc, the_most);
    tcase_add_test(tc, forged);
    tcase_add_loop_test(tc, damaged, 0, COUNT(spoilt));
    tcase_add_loop_test(tc, forged_notes, 0, COUNT(notes));
    tcase_add_loop_test(tc, short_notes, 0, COUNT(notes));
    tcase_add_test(tc, heartbeats);
    tcase_add_test(tc, words);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
