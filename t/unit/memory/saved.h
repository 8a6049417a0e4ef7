/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What the tests of the saved file share: a server's memory, the file in a
 * folder of the test's own, its bytes, and what to put into it.
 */
#ifndef SAVED_H
#define SAVED_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_siphash.h>
#include <apr_strings.h>

#include "memory/save.h"
#include "unit.h"

#define SEC(n) apr_time_from_sec(n)

/* Where things are in a file; see memory/save.h. */
#define HEADER 88
#define NODE (336 + 2368)
#define CLIENT 16
#define TRAILER 16

static const apr_time_t t0 __attribute__((unused)) = SEC(1796000000) + 250000;

static const unsigned char secret[SVB_CLIENTS_SECRET] = "0123456789abcde";

/* The file, and where it is written; in a folder of the test's own. */
static char *folder, *path, *temp;

/* A server's memory. */
typedef struct world {
    void *records_mem, *table_mem;
    apr_size_t table_size;
    svb_records *records;
    svb_clients *clients;
    svb_history *history; /* NULL: none is saved or restored */
} world;

/* Called once from within the timeout function, and so in the middle of a walk
 * over the clients. */
static void (*hook)(void);

static inline apr_interval_time_t timeout(void *baton, int node, svb_kind kind)
{
    static const apr_interval_time_t timeouts[SVB_KINDS] = {
        SEC(60), SEC(1800), SEC(8 * 3600), SEC(1800),
        SEC(90), SEC(1800), SEC(1800)};
    void (*call)(void) = hook;

    (void)baton;
    (void)node;
    hook = NULL;
    if (call) {
        call();
    }
    return timeouts[kind];
}

static inline apr_status_t free_mem(void *mem)
{
    free(mem);
    return APR_SUCCESS;
}

/* Aligned, and freed with the pool. */
static inline void *zeroed(apr_size_t size)
{
    void *mem = NULL;

    ck_assert_int_eq(posix_memalign(&mem, 64, size), 0);
    apr_pool_cleanup_register(pool, mem, free_mem, apr_pool_cleanup_null);
    return memset(mem, 0, size);
}

static inline void open_with(world *w, apr_size_t capacity,
                             const unsigned char *key)
{
    w->records_mem = zeroed(svb_records_size());
    w->history = NULL;
    w->table_size = svb_clients_size(capacity);
    w->table_mem = zeroed(w->table_size);
    svb_records_open(&w->records, w->records_mem, pool);
    svb_clients_open(&w->clients, w->table_mem, capacity, key, w->records,
                     pool);
    svb_clients_set_timeout(w->clients, timeout, NULL);
}

static inline world new_world(apr_size_t capacity)
{
    world w;

    open_with(&w, capacity, secret);
    return w;
}

static inline void end_world(world *w)
{
    apr_pool_cleanup_run(pool, w->records_mem, free_mem);
    apr_pool_cleanup_run(pool, w->table_mem, free_mem);
}

static inline void setup(void)
{
    const char *tmp = getenv("TMPDIR");

    pool_setup();
    folder = apr_pstrcat(pool, tmp && *tmp ? tmp : "/tmp", "/svb.XXXXXX", NULL);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    path = apr_pstrcat(pool, folder, "/clients", NULL);
    temp = apr_pstrcat(pool, path, ".new", NULL);
    hook = NULL;
}

static inline void teardown(void)
{
    unlink(path);
    unlink(temp);
    rmdir(folder);
    pool_teardown();
}

static inline int exists(const char *name)
{
    struct stat st;

    return lstat(name, &st) == 0;
}

/* What the last call said. */
static svb_save_result result __attribute__((unused));
static const char *error;

static inline svb_save_facts facts_at(apr_time_t now)
{
    svb_save_facts facts = {.number = 7, .saved = now};

    memcpy(facts.secret, secret, sizeof(facts.secret));
    return facts;
}

static inline apr_status_t save_at(world *w, apr_time_t now)
{
    svb_save_facts facts = facts_at(now);
    apr_status_t rv;

    error = "unset";
    rv = svb_save_write(path, w->records, w->clients, w->history, &facts, pool,
                        &error);
    ck_assert_int_eq(rv == APR_SUCCESS, error == NULL);
    return rv;
}

static inline void save(world *w)
{
    ck_assert_int_eq(save_at(w, t0), APR_SUCCESS);
    ck_assert(!exists(temp));
}

/* What the file says of itself, once it is verified. */
static svb_save_facts found __attribute__((unused));

/* Verify the file; and restore it, where there is a world. */
static inline apr_status_t read_at(world *w, apr_time_t now)
{
    svb_save *file;
    apr_pool_t *sub;
    apr_status_t rv;

    apr_pool_create(&sub, pool);
    error = "unset";
    rv = svb_save_open(path, sub, &file, &error);
    if (rv == APR_SUCCESS) {
        rv = svb_save_verify(file, &error);
    }
    if (rv == APR_SUCCESS) {
        found = *svb_save_facts_of(file);
        if (w) {
            rv = svb_save_restore(file, w->records, w->clients, w->history, now,
                                  &result, &error);
        }
    }
    ck_assert_int_eq(rv == APR_SUCCESS, error == NULL);
    error = error ? apr_pstrdup(pool, error) : NULL;
    apr_pool_destroy(sub);
    return rv;
}

static inline apr_status_t load_at(world *w, apr_time_t now)
{
    memset(&result, 0, sizeof(result));
    return read_at(w, now);
}

static inline void load(world *w)
{
    apr_status_t rv = load_at(w, t0);

    ck_assert_msg(rv == APR_SUCCESS, "%d: %s", rv, error);
}

/* ------- bytes */

static inline unsigned char *slurp(apr_size_t *len)
{
    unsigned char *data;
    struct stat st;
    int fd = open(path, O_RDONLY);

    ck_assert_int_ge(fd, 0);
    fstat(fd, &st);
    data = apr_palloc(pool, (apr_size_t)st.st_size + 1);
    *len = (apr_size_t)st.st_size;
    ck_assert_int_eq(read(fd, data, *len), st.st_size);
    close(fd);
    return data;
}

static inline void spew(const unsigned char *data, apr_size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, len), len);
    close(fd);
}

static inline void put(unsigned char *to, apr_uint64_t number, int bytes)
{
    for (; bytes > 0; bytes--, number >>= 8) {
        *to++ = number & 0xff;
    }
}

/* Make the checksum right. */
static inline void seal(unsigned char *data, apr_size_t len)
{
    unsigned char key[16] = {'s', 'v', 'b', '_', 's', 'a', 'v', 'e'};
    apr_size_t pos = 0, end = len - 8;

    for (; pos < end; pos += 8192) {
        apr_size_t n = end - pos < 8192 ? end - pos : 8192;

        put(key + 8, apr_siphash24(data + pos, n, key), 8);
    }
    memcpy(data + end, key + 8, 8);
}

/* ------- samples */

static inline void add_nodes(world *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const char *name = i % 3 ? "servoy" : "other";
        int node =
            svb_records_add(w->records, name, apr_psprintf(pool, "r%u", i));

        ck_assert_int_ge(node, 0);
        svb_records_set(w->records, node, SVB_WORD_ADMIN,
                        0x8000000000000001u * i);
        svb_records_say(w->records, node,
                        i % 4 ? apr_psprintf(pool, "said by %u", i) : "");
        for (svb_word word = SVB_WORD_SAID_AT; word <= SVB_WORD_CLOSED_AT;
             word++) {
            svb_records_set(w->records, node, word,
                            0x8765432100000000u * i + word);
        }
        for (int ctr = 0; ctr < SVB_COUNTERS; ctr++) {
            svb_records_set_counter(w->records, node, ctr,
                                    ~(apr_uint64_t)0 - 10 * i - (unsigned)ctr);
        }
    }
}

static inline apr_uint64_t id_of(const world *w, unsigned i)
{
    return svb_clients_id(w->clients, (const char *)&i, sizeof(i));
}

static inline int node_for(const world *w, unsigned i)
{
    const char *name = i % 3 ? "servoy" : "other";

    return svb_records_find(w->records, name, apr_psprintf(pool, "r%u", i));
}

static inline void add_clients(world *w, unsigned nodes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        svb_kind kind = i % 5 ? SVB_KIND_WEB : SVB_KIND_SMART;

        svb_clients_put(w->clients, id_of(w, i), node_for(w, i % nodes), kind,
                        t0 - SEC(i % 1000));
    }
}

/* Two nodes and three clients, in the file; and a world with a third node. */
static inline unsigned char *small_file(world *w, apr_size_t *len)
{
    world a = new_world(100);

    add_nodes(&a, 2);
    add_clients(&a, 2, 3);
    save(&a);
    end_world(&a);
    *w = new_world(100);
    svb_records_add(w->records, "servoy", "third");
    return slurp(len);
}

/* A node and a client, written by hand from memory/save.h, in the layout of any
 * version. */
static inline unsigned char *by_hand_in(int version, apr_size_t *len)
{
    static unsigned char data[HEADER + NODE + CLIENT + TRAILER];
    unsigned char *at = data;

    memset(data, 0, sizeof(data));
    memcpy(at, "svb-save\0\0\0\0\1\0\0", 16);
    put(at + 8, (apr_uint64_t)version, 4);
    put(at + 16, (apr_uint64_t)t0, 8);
    memcpy(at + 24, secret, 16);
    put(at + 40, 7, 8);
    at += version == 1 ? 40 : version < 4 ? 64 : HEADER;
    memset(at, 0, NODE);
    strcpy((char *)at, "servoy");
    strcpy((char *)at + 64, "s1");
    put(at + 128, 0x1122334455667788u, 8);
    for (unsigned i = 0; i < SVB_COUNTERS; i++) {
        put(at + 136 + 8 * i, 1000 + i, 8);
    }
    strcpy((char *)at + 192, "drained by somebody");
    for (unsigned i = 0; i < 3; i++) {
        put(at + 312 + 8 * i, 2000 + i, 8);
    }
    at += version == 1 ? 192 : version == 2 ? 312 : version == 3 ? 336 : NODE;
    memset(at, 0, CLIENT + TRAILER);
    put(at, 0xfedcba9876543210u, 8);
    memcpy(at + 8, "\0\0\2\0", 4);
    put(at + 12, (apr_uint64_t)apr_time_sec(t0) - 7, 4);
    at += CLIENT;
    put(at, 1, 8);
    *len = (apr_size_t)(at + TRAILER - data);
    seal(data, *len);
    return data;
}

static inline unsigned char *by_hand(apr_size_t *len)
{
    return by_hand_in(4, len);
}

/* ------- comparing */

/* All the nodes of a are in b, with all that they have. */
static inline void assert_nodes(const world *a, const world *b)
{
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        char one[SVB_RECORDS_TEXT + 1], other[SVB_RECORDS_TEXT + 1];
        int node;

        if (!svb_records_used(a->records, i)) {
            continue;
        }
        node = svb_records_find(b->records, svb_records_name(a->records, i),
                                svb_records_route(a->records, i));
        ck_assert_int_ge(node, 0);
        ck_assert_uint_eq(svb_records_get(a->records, i, SVB_WORD_ADMIN),
                          svb_records_get(b->records, node, SVB_WORD_ADMIN));
        for (svb_word word = SVB_WORD_SAID_AT; word <= SVB_WORD_CLOSED_AT;
             word++) {
            ck_assert_uint_eq(svb_records_get(a->records, i, word),
                              svb_records_get(b->records, node, word));
        }
        svb_records_said(a->records, i, one);
        svb_records_said(b->records, node, other);
        ck_assert_str_eq(one, other);
        for (int ctr = 0; ctr < SVB_COUNTERS; ctr++) {
            ck_assert_uint_eq(svb_records_counter(a->records, i, ctr),
                              svb_records_counter(b->records, node, ctr));
        }
    }
}

/* All the clients of a are in b. @return how many */
static inline apr_uint64_t assert_clients(const world *a, const world *b)
{
    apr_uint64_t count = 0;
    apr_size_t pos = 0;
    svb_client one, other;

    while (svb_clients_next(a->clients, &pos, t0, &one)) {
        ck_assert(svb_clients_find(b->clients, one.id, t0, &other));
        ck_assert_str_eq(svb_records_name(a->records, one.node),
                         svb_records_name(b->records, other.node));
        ck_assert_str_eq(svb_records_route(a->records, one.node),
                         svb_records_route(b->records, other.node));
        ck_assert_int_eq(one.kind, other.kind);
        ck_assert_int_eq(one.seen, other.seen);
        count++;
    }
    return count;
}

/* Run a suite of these tests. */
static inline int run_saved(const char *name, void (*add_tests)(TCase *tc))
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    add_tests(tc);
    return unit_run(srunner_create(suite));
}

#endif /* SAVED_H */
