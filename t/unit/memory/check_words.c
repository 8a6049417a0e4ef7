/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_words: the last words that were said are read again, whatever happened while
 * they were written.
 */
#include "memory/words.h"
#include "saved.h"

/* Where the second place begins, and where a node is in one. */
#define PLACE (1024 * 1024)
#define WORDS_HEADER 32
#define WORD 280
#define WORD_1 256 /* in version 1 */

static int live(void)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static apr_uint64_t word_of(const world *w, unsigned i)
{
    return svb_records_get(w->records, node_for(w, i), SVB_WORD_ADMIN);
}

static apr_uint64_t number_of(const world *w, unsigned i)
{
    return svb_records_get(w->records, node_for(w, i), SVB_WORD_SAID_AT);
}

static void unsay(const world *w, unsigned i)
{
    svb_records_set(w->records, node_for(w, i), SVB_WORD_ADMIN, 0);
    for (svb_word word = SVB_WORD_SAID_AT; word <= SVB_WORD_CLOSED_AT; word++) {
        svb_records_set(w->records, node_for(w, i), word, 0);
    }
}

/* Say something else of node 1, and write it. */
static void say(world *w, int fd, int place, apr_uint64_t number)
{
    svb_words *words = svb_words_new(pool);

    svb_records_set(w->records, node_for(w, 1), SVB_WORD_ADMIN, number);
    svb_words_collect(words, w->records);
    ck_assert_int_eq(svb_words_write(words, fd, place, number, t0), 0);
    ck_assert_uint_eq(svb_words_number(words), number);
}

static apr_status_t read_words(svb_words **words)
{
    apr_status_t rv;

    *words = svb_words_new(pool);
    error = NULL;
    rv = svb_words_read(*words, path, &error);
    ck_assert_int_eq(rv == APR_SUCCESS, error == NULL);
    return rv;
}

START_TEST(round_trip)
{
    const unsigned counts[] = {0, 1, 31, 32, 1000, SVB_RECORDS_MAX};

    for (unsigned i = 0; i < COUNT(counts); i++) {
        world a = new_world(10), b = new_world(10);
        svb_words *one = svb_words_new(pool), *other;
        int fd = live();

        add_nodes(&a, counts[i]);
        svb_records_add(b.records, "other", "r0"); /* has no word */
        svb_words_collect(one, a.records);
        ck_assert_int_eq(svb_words_write(one, fd, (int)i % 2, i + 1, t0), 0);
        ck_assert_int_eq(read_words(&other), 0);
        ck_assert_uint_eq(svb_words_number(other), i + 1);
        ck_assert_int_eq(svb_words_saved(other), t0);
        ck_assert(svb_words_same(one, other));
        ck_assert_uint_eq(svb_words_restore(other, b.records), counts[i]);
        for (unsigned j = 0; j < counts[i]; j++) {
            ck_assert_uint_eq(word_of(&a, j), word_of(&b, j));
            ck_assert_uint_eq(number_of(&a, j), number_of(&b, j));
        }
        close(fd);
        end_world(&a);
        end_world(&b);
    }
}
END_TEST

START_TEST(an_older_word_is_over)
{
    world a = new_world(10), b = new_world(10);
    svb_words *words;
    char said[SVB_RECORDS_TEXT + 1];
    int fd = live();

    add_nodes(&a, 3);
    add_nodes(&b, 3);
    unsay(&a, 0);
    unsay(&a, 2);
    svb_records_say(a.records, node_for(&a, 1), "drained by me");
    say(&a, fd, 0, 5);
    ck_assert_int_eq(read_words(&words), 0);
    ck_assert_uint_eq(svb_words_restore(words, b.records), 1);
    ck_assert_uint_eq(word_of(&b, 1), 5);
    ck_assert_uint_eq(word_of(&b, 2), 0);
    ck_assert_uint_eq(number_of(&b, 2), 0);
    svb_records_said(b.records, node_for(&b, 1), said);
    ck_assert_str_eq(said, "drained by me");
    close(fd);
}
END_TEST

/* Enabled here while the store was away: that there is no word any more is one, too.
 * But it is not for that that a node of long ago takes room. */
START_TEST(enabled)
{
    world a = new_world(10), b = new_world(10);
    svb_words *words;
    int fd = live();

    add_nodes(&a, 3);
    svb_records_add(b.records, "servoy", "r2");
    svb_records_set(b.records, node_for(&b, 2), SVB_WORD_ADMIN, 1);
    unsay(&a, 0);
    svb_records_set(a.records, node_for(&a, 0), SVB_WORD_SAID_AT, 8);
    unsay(&a, 2);
    svb_records_set(a.records, node_for(&a, 2), SVB_WORD_SAID_AT, 9);
    say(&a, fd, 0, 5);
    ck_assert_int_eq(read_words(&words), 0);
    ck_assert_uint_eq(svb_words_restore(words, b.records), 2);
    ck_assert_uint_eq(word_of(&b, 2), 0);
    ck_assert_uint_eq(number_of(&b, 2), 9);
    ck_assert_int_lt(node_for(&b, 0), 0);
    close(fd);
}
END_TEST

/* As it was before words had numbers. */
START_TEST(version_1)
{
    world a = new_world(10), b = new_world(10);
    apr_size_t len;
    unsigned char *data;
    svb_words *words;
    int fd = live();

    add_nodes(&a, 2);
    add_nodes(&b, 2);
    unsay(&a, 0);
    say(&a, fd, 0, 5);
    close(fd);
    data = slurp(&len);
    put(data + 8, 1, 4);
    len = WORDS_HEADER + WORD_1 + 8;
    seal(data, len);
    spew(data, len);
    ck_assert_int_eq(read_words(&words), 0);
    ck_assert_uint_eq(svb_words_restore(words, b.records), 1);
    ck_assert_uint_eq(word_of(&b, 1), 5);
    ck_assert_uint_eq(number_of(&b, 1), 0);
}
END_TEST

START_TEST(the_later_place)
{
    world w = new_world(10);
    svb_words *words;
    int fd = live();

    add_nodes(&w, 2);
    for (apr_uint64_t number = 1; number < 6; number++) {
        say(&w, fd, number % 2, number);
        ck_assert_int_eq(read_words(&words), 0);
        ck_assert_uint_eq(svb_words_number(words), number);
    }
    close(fd);
}
END_TEST

/* A byte of one place is wrong, or it was not written to its end: the other one
 * counts. */
START_TEST(damaged)
{
    const int size = WORDS_HEADER + WORD + 8;
    world w = new_world(10);
    svb_words *words;
    int fd = live();

    add_nodes(&w, 2);
    unsay(&w, 0);
    say(&w, fd, 0, 1);
    say(&w, fd, 1, 2);
    for (int i = 0; i < size; i++) {
        unsigned char byte, other;

        ck_assert_int_eq(pread(fd, &byte, 1, PLACE + i), 1);
        other = byte ^ 0x81;
        ck_assert_int_eq(pwrite(fd, &other, 1, PLACE + i), 1);
        ck_assert_int_eq(read_words(&words), 0);
        ck_assert_uint_eq(svb_words_number(words), 1);
        ck_assert_int_eq(pwrite(fd, &byte, 1, PLACE + i), 1);
    }
    ck_assert_int_eq(ftruncate(fd, PLACE + size - 1), 0);
    ck_assert_int_eq(read_words(&words), 0);
    ck_assert_uint_eq(svb_words_number(words), 1);
    ck_assert_int_eq(pwrite(fd, "x", 1, 40), 1);
    ck_assert_int_eq(read_words(&words), APR_EGENERAL);
    ck_assert_str_eq(error, "is damaged");
    ck_assert_uint_eq(svb_words_restore(words, w.records), 0);
    close(fd);
}
END_TEST

/* Out of range under a right checksum. */
START_TEST(out_of_range)
{
    static const struct {
        int at, bytes;
        apr_uint64_t number;
    } wrong[] = {
        {8, 4, 3},                           /* version */
        {12, 4, 0xffffffff},                 /* nodes */
        {24, 8, 0x8000000000000000u},        /* time */
        {WORDS_HEADER, 1, 0},                /* fleet */
        {WORDS_HEADER + 64, 1, 0},           /* route */
        {WORDS_HEADER + 128, 8, 0},          /* the word */
        {WORDS_HEADER + WORD_1 - 1, 1, 'x'}, /* text without end */
    };
    world w = new_world(10);
    svb_words *words;

    add_nodes(&w, 2);
    unsay(&w, 0);
    unsay(&w, 1);
    for (unsigned i = 0; i < COUNT(wrong); i++) {
        unsigned char *data;
        apr_size_t len;
        int fd = live();

        svb_records_say(
            w.records, node_for(&w, 1),
            "a text of a hundred and nineteen bytes, the longest "
            "that there can be ......................................"
            "..........................");
        say(&w, fd, 0, 1);
        close(fd);
        data = slurp(&len);
        put(data + wrong[i].at, wrong[i].number, wrong[i].bytes);
        seal(data, len);
        spew(data, len);
        ck_assert_msg(read_words(&words) == APR_EGENERAL, "%u", i);
    }
}
END_TEST

START_TEST(not_for_us)
{
    world w = new_world(10);
    svb_words *words;
    int fd;

    ck_assert(APR_STATUS_IS_ENOENT(read_words(&words)));
    fd = live();
    ck_assert_int_eq(read_words(&words), APR_EGENERAL);
    add_nodes(&w, 2);
    say(&w, fd, 0, 1);
    fchmod(fd, 0640);
    ck_assert_int_eq(read_words(&words), SVB_SAVE_EUNSAFE);
    close(fd);
}
END_TEST

START_TEST(full_disk)
{
    world w = new_world(10);
    svb_words *words = svb_words_new(pool);
    int fd = live();

    add_nodes(&w, 2);
    close(fd);
    fd = open("/dev/full", O_RDWR);
    svb_words_collect(words, w.records);
    ck_assert_int_eq(svb_words_write(words, fd, 0, 1, t0), APR_ENOSPC);
    ck_assert_uint_eq(svb_words_number(words), 0);
    close(fd);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, round_trip);
    tcase_add_test(tc, an_older_word_is_over);
    tcase_add_test(tc, enabled);
    tcase_add_test(tc, version_1);
    tcase_add_test(tc, the_later_place);
    tcase_add_test(tc, damaged);
    tcase_add_test(tc, out_of_range);
    tcase_add_test(tc, not_for_us);
    tcase_add_test(tc, full_disk);
}

int main(void)
{
    return run_saved("words", add_tests);
}
