/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_save: byte by byte, what may be wrong with a file is found before anything
 * changes.
 */
#include <stdio.h>

#include "saved.h"

/* Nothing of the world has changed since it was copied. */
typedef struct copy {
    void *records_mem, *table_mem;
} copy;

static copy copy_of(const world *w)
{
    copy c = {zeroed(svb_records_size()), zeroed(w->table_size)};

    memcpy(c.records_mem, w->records_mem, svb_records_size());
    memcpy(c.table_mem, w->table_mem, w->table_size);
    return c;
}

static int is_like(const world *w, const copy *c)
{
    return memcmp(w->records_mem, c->records_mem, svb_records_size()) == 0
           && memcmp(w->table_mem, c->table_mem, w->table_size) == 0;
}

/* The file is refused, and nothing changes. */
static void assert_refused(world *w, const copy *before, apr_status_t status,
                           const char *what)
{
    apr_status_t rv = load_at(w, t0);

    ck_assert_msg(rv == status, "%s: %d, %s", what, rv, error ? error : "-");
    ck_assert_msg(is_like(w, before), "%s: something changed", what);
    ck_assert_uint_eq(result.nodes + result.clients, 0);
}

START_TEST(a_byte_flipped)
{
    world w;
    apr_size_t len, i;
    unsigned char *data = small_file(&w, &len);
    copy before = copy_of(&w);
    const unsigned char flips[] = {0x01, 0x80, 0xff};

    ck_assert_uint_eq(len, HEADER + 2 * NODE + 3 * CLIENT + TRAILER);
    for (i = 0; i < len; i++) {
        for (unsigned j = 0; j < sizeof(flips); j++) {
            int version = i >= 8 && i < 12; /* 5, and so on */

            data[i] ^= flips[j];
            spew(data, len);
            assert_refused(&w, &before,
                           version ? SVB_SAVE_EVERSION : APR_EGENERAL,
                           apr_psprintf(pool, "byte %d", (int)i));
            data[i] ^= flips[j];
        }
    }
    spew(data, len);
    load(&w);
    ck_assert_uint_eq(result.clients, 3);
}
END_TEST

START_TEST(cut_short)
{
    world w;
    apr_size_t len, i;
    unsigned char *data = small_file(&w, &len);
    copy before = copy_of(&w);

    for (i = 0; i < len; i++) {
        spew(data, i);
        assert_refused(&w, &before, APR_EGENERAL,
                       apr_psprintf(pool, "length %d", (int)i));
    }
}
END_TEST

START_TEST(too_long)
{
    world w;
    apr_size_t len, i;
    unsigned char *data = small_file(&w, &len), *longer;
    copy before = copy_of(&w);

    longer = apr_pcalloc(pool, len + 10000);
    memcpy(longer, data, len);
    for (i = 1; i < 40; i++) {
        spew(longer, len + i);
        assert_refused(&w, &before, APR_EGENERAL, "longer");
        seal(longer, len + i);
        spew(longer, len + i);
        assert_refused(&w, &before, APR_EGENERAL, "longer, and sealed");
        memcpy(longer, data, len);
        memset(longer + len, 0, i);
    }
    spew(longer, len + 10000);
    assert_refused(&w, &before, APR_EGENERAL, "much longer");
}
END_TEST

START_TEST(foreign)
{
    world w;
    apr_size_t len;
    unsigned char *data = small_file(&w, &len);
    copy before = copy_of(&w);

    memcpy(data, "svb-SAVE", 8);
    seal(data, len);
    spew(data, len);
    assert_refused(&w, &before, APR_EGENERAL, "magic");
    ck_assert_str_eq(error, "was not written by this module");
    spew((const unsigned char *)"", 0);
    assert_refused(&w, &before, APR_EGENERAL, "empty");
    ck_assert_str_eq(error, "is empty");
    spew((const unsigned char *)"Hello, world! This is not for you.\n", 35);
    assert_refused(&w, &before, APR_EGENERAL, "text");
}
END_TEST

START_TEST(another_version)
{
    world w;
    apr_size_t len;
    unsigned char *data = small_file(&w, &len);
    copy before = copy_of(&w);

    for (unsigned version = 0; version <= 5; version += 5) {
        put(data + 8, version, 4);
        seal(data, len);
        spew(data, len);
        assert_refused(&w, &before, SVB_SAVE_EVERSION, "version");
    }
    ck_assert_str_eq(error, "has version 5, where 4 is known");
    /* ones that it is not */
    for (unsigned version = 1; version <= 3; version++) {
        put(data + 8, version, 4);
        seal(data, len);
        spew(data, len);
        assert_refused(&w, &before, APR_EGENERAL, "version 1 to 3");
    }
}
END_TEST

/* Fields out of range under a right checksum. */
static const struct {
    const char *what;
    int at, bytes;
    apr_uint64_t number;
} wrong[] = {
    {"one node more", 12, 4, 3},
    {"one node less", 12, 4, 1},
    {"a node more than there are records", 12, 4, SVB_RECORDS_MAX + 1},
    {"as many nodes as can be", 12, 4, 0xffffffff},
    {"time below zero", 16, 8, 0x8000000000000000u},
    {"known since before 1970", 48, 8, 0x8000000000000000u},
    {"dropped before 1970", 56, 8, 0x8000000000000000u},
    {"something after the text", HEADER + 192 + 118, 1, 'x'},
    {"a text without end", HEADER + 192 + 119, 1, 'x'},
    {"an empty fleet", HEADER, 8, 0},
    {"an empty route", HEADER + NODE + 64, 8, 0},
    {"something after the fleet", HEADER + 63, 1, 'x'},
    {"something after the route", HEADER + 64 + 5, 1, 'x'},
    {"id 0", HEADER + 2 * NODE, 8, 0},
    {"a node's number too high", HEADER + 2 * NODE + CLIENT + 8, 2, 2},
    {"the highest number", HEADER + 2 * NODE + 8, 2, 0xffff},
    {"a pending client", HEADER + 2 * NODE + 10, 1, 0},
    {"an unknown kind", HEADER + 2 * NODE + 10, 1, 7},
    {"not a zero", HEADER + 2 * NODE + 11, 1, 1},
    {"one client less", HEADER + 2 * NODE + 3 * CLIENT, 8, 2},
    {"one client more", HEADER + 2 * NODE + 3 * CLIENT, 8, 4},
};

START_TEST(out_of_range)
{
    world w;
    apr_size_t len;
    unsigned char *data = small_file(&w, &len);
    copy before = copy_of(&w);

    put(data + wrong[_i].at, wrong[_i].number, wrong[_i].bytes);
    seal(data, len);
    spew(data, len);
    assert_refused(&w, &before, APR_EGENERAL, wrong[_i].what);
}
END_TEST

/* More nodes than there are records, all of them there. */
START_TEST(too_many_nodes)
{
    world w = new_world(10);
    copy before = copy_of(&w);
    apr_size_t len = HEADER + (SVB_RECORDS_MAX + 1) * NODE + TRAILER;
    unsigned char *data = apr_pcalloc(pool, len);

    memcpy(data, "svb-save\2\0\0\0", 12);
    put(data + 12, SVB_RECORDS_MAX + 1, 4);
    memcpy(data + 24, secret, 16);
    for (int i = 0; i <= SVB_RECORDS_MAX; i++) {
        strcpy((char *)data + HEADER + i * NODE, "servoy");
        apr_snprintf((char *)data + HEADER + i * NODE + 64, 64, "r%d", i);
    }
    seal(data, len);
    spew(data, len);
    assert_refused(&w, &before, APR_EGENERAL, "too many nodes");
}
END_TEST

START_TEST(a_name_without_end)
{
    world w;
    apr_size_t len;
    unsigned char *data = small_file(&w, &len);
    copy before = copy_of(&w);

    memset(data + HEADER, 'x', 64);
    seal(data, len);
    spew(data, len);
    assert_refused(&w, &before, APR_EGENERAL, "a name without end");
}
END_TEST

/* ------- what is no file, or not for us */

START_TEST(open_to_others)
{
    world w;
    apr_size_t len;
    copy before;
    const int modes[] = {0640, 0620, 0604, 0602, 0660, 0666, 0644, 0755};

    small_file(&w, &len);
    before = copy_of(&w);
    for (unsigned i = 0; i < COUNT(modes); i++) {
        chmod(path, (mode_t)modes[i]);
        assert_refused(&w, &before, SVB_SAVE_EUNSAFE, "mode");
    }
    chmod(path, 0400);
    load(&w);
}
END_TEST

START_TEST(of_another_owner)
{
    world w;
    apr_size_t len;
    copy before;

    small_file(&w, &len);
    before = copy_of(&w);
    /* Only root can give files away, or stop being root. */
    if (getuid() == 0) {
        ck_assert_int_eq(chown(path, 4321, (gid_t)-1), 0);
        assert_refused(&w, &before, SVB_SAVE_EUNSAFE, "owner");
        ck_assert_int_eq(chown(path, 0, 4321), 0);
        load(&w);
    }
}
END_TEST

START_TEST(no_file)
{
    world w = new_world(10);
    copy before = copy_of(&w);

    assert_refused(&w, &before, APR_ENOENT, "no file");
    ck_assert_str_eq(error, "does not exist");
}
END_TEST

START_TEST(not_a_file)
{
    world w, a = new_world(10);
    copy before;
    apr_size_t len;
    const char *other = apr_pstrcat(pool, folder, "/other", NULL);

    small_file(&w, &len);
    before = copy_of(&w);
    ck_assert_int_eq(rename(path, other), 0);
    ck_assert_int_eq(symlink("other", path), 0);
    assert_refused(&w, &before, APR_EGENERAL, "a link");
    ck_assert_str_eq(error, "is not a regular file");
    /* it is replaced, not followed */
    save(&a);
    load(&w);
    ck_assert_uint_eq(result.nodes, 0);
    unlink(path);
    rename(other, path);
    load(&w);
    ck_assert_uint_eq(result.nodes, 2);

    unlink(path);
    before = copy_of(&w);
    mkdir(path, 0700);
    assert_refused(&w, &before, APR_EGENERAL, "a folder");
    ck_assert(save_at(&w, t0) != APR_SUCCESS);
    ck_assert_str_eq(error, "cannot be saved: its temporary file cannot be "
                            "renamed");
    ck_assert(!exists(temp));
    rmdir(path);
    mkfifo(path, 0600);
    assert_refused(&w, &before, APR_EGENERAL, "a pipe");
}
END_TEST

/* Its clients are nobody here; what is known of nodes is. */
START_TEST(another_secret)
{
    world w;
    apr_size_t len;
    const unsigned char other[SVB_CLIENTS_SECRET] = "0123456789abcdf";

    small_file(&w, &len);
    open_with(&w, 10, other);
    ck_assert_int_eq(load_at(&w, t0), APR_SUCCESS);
    ck_assert(result.other_secret);
    ck_assert_uint_eq(result.clients, 0);
    ck_assert_uint_gt(result.nodes, 0);
    ck_assert_uint_eq(svb_clients_count(w.clients), 0);
}
END_TEST

/* ------- one that changes */

static void truncate_file(void)
{
    ck_assert_int_eq(truncate(path, HEADER + NODE), 0);
}

static void arm_truncation(void)
{
    hook = truncate_file;
}

/* Changed by somebody between verifying and restoring. */
START_TEST(changed_while_read)
{
    world a = new_world(4000), b = new_world(4000);

    add_nodes(&a, 2);
    add_clients(&a, 2, 2000);
    save(&a);
    arm_truncation();
    ck_assert_int_eq(load_at(&b, t0), APR_EGENERAL);
    ck_assert_str_eq(error, "was changed while it was read");
    ck_assert_uint_eq(result.nodes, 2);
    ck_assert_uint_lt(result.clients, 2000);
    assert_clients(&b, &a);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, a_byte_flipped);
    tcase_add_test(tc, cut_short);
    tcase_add_test(tc, too_long);
    tcase_add_test(tc, foreign);
    tcase_add_test(tc, another_version);
    tcase_add_loop_test(tc, out_of_range, 0, COUNT(wrong));
    tcase_add_test(tc, too_many_nodes);
    tcase_add_test(tc, a_name_without_end);
    tcase_add_test(tc, open_to_others);
    tcase_add_test(tc, of_another_owner);
    tcase_add_test(tc, no_file);
    tcase_add_test(tc, not_a_file);
    tcase_add_test(tc, another_secret);
    tcase_add_test(tc, changed_while_read);
}

int main(void)
{
    return run_saved("save_refused", add_tests);
}
