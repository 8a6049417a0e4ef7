/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_save: what is written is read again, byte by byte what may be wrong with
 * a file is found before anything changes, and whatever happens while one is
 * written, the one before it stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_siphash.h>
#include <apr_strings.h>

#include "memory/save.h"
#include "unit.h"

#define SEC(n) apr_time_from_sec(n)

/* Where things are in a file; see memory/save.h. */
#define HEADER 40
#define NODE 192
#define CLIENT 16
#define TRAILER 16

static const apr_time_t t0 = SEC(1796000000) + 250000;

static const unsigned char secret[SVB_CLIENTS_SECRET] = "0123456789abcde";

static char *folder, *path, *temp;

/* A server's memory. */
typedef struct world {
    void *fleet_mem, *table_mem;
    apr_size_t table_size;
    svb_records *fleet;
    svb_clients *clients;
} world;

/* Called once from within the timeout function, and so in the middle of a walk
 * over the clients. */
static void (*hook)(void);

static apr_interval_time_t timeout(void *baton, int node, svb_kind kind)
{
    static const apr_interval_time_t timeouts[SVB_KINDS] = {
        SEC(60), SEC(1800), SEC(8 * 3600), SEC(1800)};
    void (*call)(void) = hook;

    (void)baton;
    (void)node;
    hook = NULL;
    if (call) {
        call();
    }
    return timeouts[kind];
}

static apr_status_t free_mem(void *mem)
{
    free(mem);
    return APR_SUCCESS;
}

/* Aligned, and freed with the pool. */
static void *zeroed(apr_size_t size)
{
    void *mem;

    ck_assert_int_eq(posix_memalign(&mem, 64, size), 0);
    apr_pool_cleanup_register(pool, mem, free_mem, apr_pool_cleanup_null);
    return memset(mem, 0, size);
}

static void open_with(world *w, apr_size_t capacity, const unsigned char *key)
{
    w->fleet_mem = zeroed(svb_records_size());
    w->table_size = svb_clients_size(capacity);
    w->table_mem = zeroed(w->table_size);
    svb_records_open(&w->fleet, w->fleet_mem, pool);
    svb_clients_open(&w->clients, w->table_mem, capacity, key, w->fleet, pool);
    svb_clients_set_timeout(w->clients, timeout, NULL);
}

static world new_world(apr_size_t capacity)
{
    world w;

    open_with(&w, capacity, secret);
    return w;
}

static void end_world(world *w)
{
    apr_pool_cleanup_run(pool, w->fleet_mem, free_mem);
    apr_pool_cleanup_run(pool, w->table_mem, free_mem);
}

static void setup(void)
{
    const char *tmp = getenv("TMPDIR");

    pool_setup();
    folder = apr_pstrcat(pool, tmp && *tmp ? tmp : "/tmp", "/svb.XXXXXX", NULL);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    path = apr_pstrcat(pool, folder, "/clients", NULL);
    temp = apr_pstrcat(pool, path, ".new", NULL);
    hook = NULL;
}

static void teardown(void)
{
    unlink(path);
    unlink(temp);
    rmdir(folder);
    pool_teardown();
}

static int exists(const char *name)
{
    struct stat st;

    return lstat(name, &st) == 0;
}

static svb_save_result result;
static const char *error;

static apr_status_t save_at(world *w, apr_time_t now)
{
    apr_status_t rv;

    error = "unset";
    rv = svb_save_write(path, w->fleet, w->clients, secret, now, pool, &error);
    ck_assert_int_eq(rv == APR_SUCCESS, error == NULL);
    return rv;
}

static void save(world *w)
{
    ck_assert_int_eq(save_at(w, t0), APR_SUCCESS);
    ck_assert(!exists(temp));
}

static apr_status_t load_at(world *w, apr_time_t now)
{
    apr_status_t rv;

    error = "unset";
    rv = svb_save_read(path, w->fleet, w->clients, now, pool, &result, &error);
    ck_assert_int_eq(rv == APR_SUCCESS, error == NULL);
    return rv;
}

static void load(world *w)
{
    apr_status_t rv = load_at(w, t0);

    ck_assert_msg(rv == APR_SUCCESS, "%d: %s", rv, error);
}

/* --- bytes --- */

static unsigned char *slurp(apr_size_t *len)
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

static void spew(const unsigned char *data, apr_size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, len), len);
    close(fd);
}

static void put(unsigned char *to, apr_uint64_t number, int bytes)
{
    for (; bytes > 0; bytes--, number >>= 8) {
        *to++ = number & 0xff;
    }
}

/* Make the checksum right. */
static void seal(unsigned char *data, apr_size_t len)
{
    unsigned char key[16] = {'s', 'v', 'b', '_', 's', 'a', 'v', 'e'};
    apr_size_t pos = 0, end = len - 8;

    for (; pos < end; pos += 8192) {
        apr_size_t n = end - pos < 8192 ? end - pos : 8192;

        put(key + 8, apr_siphash24(data + pos, n, key), 8);
    }
    memcpy(data + end, key + 8, 8);
}

/* Nothing of the world has changed since it was copied. */
typedef struct copy {
    void *fleet_mem, *table_mem;
} copy;

static copy copy_of(const world *w)
{
    copy c = {zeroed(svb_records_size()), zeroed(w->table_size)};

    memcpy(c.fleet_mem, w->fleet_mem, svb_records_size());
    memcpy(c.table_mem, w->table_mem, w->table_size);
    return c;
}

static int is_like(const world *w, const copy *c)
{
    return memcmp(w->fleet_mem, c->fleet_mem, svb_records_size()) == 0
           && memcmp(w->table_mem, c->table_mem, w->table_size) == 0;
}

/* --- samples --- */

static void add_nodes(world *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const char *name = i % 3 ? "servoy" : "other";
        int node =
            svb_records_add(w->fleet, name, apr_psprintf(pool, "r%u", i));

        ck_assert_int_ge(node, 0);
        svb_records_set(w->fleet, node, SVB_WORD_ADMIN,
                        0x8000000000000001u * i);
        for (int ctr = 0; ctr < SVB_COUNTERS; ctr++) {
            svb_records_set_counter(w->fleet, node, ctr,
                                    ~(apr_uint64_t)0 - 10 * i - (unsigned)ctr);
        }
    }
}

static apr_uint64_t id_of(const world *w, unsigned i)
{
    return svb_clients_id(w->clients, (const char *)&i, sizeof(i));
}

static int node_for(const world *w, unsigned i)
{
    const char *name = i % 3 ? "servoy" : "other";

    return svb_records_find(w->fleet, name, apr_psprintf(pool, "r%u", i));
}

static void add_clients(world *w, unsigned nodes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        svb_kind kind = i % 5 ? SVB_KIND_WEB : SVB_KIND_SMART;

        svb_clients_put(w->clients, id_of(w, i), node_for(w, i % nodes), kind,
                        t0 - SEC(i % 1000));
    }
}

/* All the nodes of a are in b, with all that they have. */
static void assert_nodes(const world *a, const world *b)
{
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        int node;

        if (!svb_records_used(a->fleet, i)) {
            continue;
        }
        node = svb_records_find(b->fleet, svb_records_name(a->fleet, i),
                                svb_records_route(a->fleet, i));
        ck_assert_int_ge(node, 0);
        ck_assert_uint_eq(svb_records_get(a->fleet, i, SVB_WORD_ADMIN),
                          svb_records_get(b->fleet, node, SVB_WORD_ADMIN));
        for (int ctr = 0; ctr < SVB_COUNTERS; ctr++) {
            ck_assert_uint_eq(svb_records_counter(a->fleet, i, ctr),
                              svb_records_counter(b->fleet, node, ctr));
        }
    }
}

/* All the clients of a are in b. @return how many */
static apr_uint64_t assert_clients(const world *a, const world *b)
{
    apr_uint64_t count = 0;
    apr_size_t pos = 0;
    svb_client one, other;

    while (svb_clients_next(a->clients, &pos, t0, &one)) {
        ck_assert(svb_clients_find(b->clients, one.id, t0, &other));
        ck_assert_str_eq(svb_records_name(a->fleet, one.node),
                         svb_records_name(b->fleet, other.node));
        ck_assert_str_eq(svb_records_route(a->fleet, one.node),
                         svb_records_route(b->fleet, other.node));
        ck_assert_int_eq(one.kind, other.kind);
        ck_assert_int_eq(one.seen, other.seen);
        count++;
    }
    return count;
}

static void round_trip(unsigned nodes, unsigned clients, apr_size_t capacity)
{
    world a = new_world(2 * clients + 10), b = new_world(capacity);
    unsigned char found[SVB_CLIENTS_SECRET] = {0};

    add_nodes(&a, nodes);
    /* another place for the rest */
    svb_records_add(b.fleet, "servoy", "first");
    if (nodes) {
        add_clients(&a, nodes, clients);
    }
    ck_assert_uint_eq(svb_clients_count(a.clients), clients);
    save(&a);
    ck_assert_int_eq(svb_save_read_secret(path, found, pool, &error),
                     APR_SUCCESS);
    ck_assert_ptr_null(error);
    ck_assert_mem_eq(found, secret, sizeof(found));
    load(&b);
    ck_assert_int_eq(result.saved, t0);
    ck_assert_uint_eq(result.nodes, nodes);
    ck_assert_uint_eq(result.nodes_skipped, 0);
    ck_assert_uint_eq(result.clients, clients);
    ck_assert_uint_eq(result.skipped, 0);
    ck_assert_uint_eq(svb_clients_count(b.clients), clients);
    assert_nodes(&a, &b);
    ck_assert_uint_eq(assert_clients(&a, &b), clients);
    ck_assert_uint_eq(assert_clients(&b, &a), clients);
    end_world(&a);
    end_world(&b);
}

START_TEST(round_trips)
{
    round_trip(0, 0, 10);
    round_trip(1, 0, 10);
    round_trip(1, 1, 10);
    round_trip(7, 100, 150);
    round_trip(1000, 5000, 7000);
    round_trip(SVB_RECORDS_MAX - 1, 100, 150);
    /* the content ends where a block does */
    round_trip(2, (2 * 8192 - HEADER - 2 * NODE - 8) / CLIENT, 2000);
    round_trip(2, (2 * 8192 - HEADER - 2 * NODE - 8) / CLIENT + 1, 2000);
}
END_TEST

START_TEST(many_clients)
{
    round_trip(10, 100000, 130000);
}
END_TEST

START_TEST(a_smaller_table)
{
    world a = new_world(4000), b = new_world(500);
    apr_uint64_t count;

    add_nodes(&a, 5);
    add_clients(&a, 5, 2000);
    save(&a);
    load(&b);
    count = assert_clients(&b, &a);
    ck_assert_uint_eq(count, svb_clients_count(b.clients));
    ck_assert_uint_eq(count, result.clients);
    ck_assert_uint_gt(count, 450);
    ck_assert_uint_eq(result.clients + result.skipped, 2000);
}
END_TEST

/* --- the layout --- */

/* A node and a client, written by hand from memory/save.h. */
static unsigned char *by_hand(apr_size_t *len)
{
    static unsigned char data[HEADER + NODE + CLIENT + TRAILER];
    unsigned char *at = data;

    memset(data, 0, sizeof(data));
    memcpy(at, "svb-save\1\0\0\0\1\0\0", 16);
    put(at + 16, (apr_uint64_t)t0, 8);
    memcpy(at + 24, secret, 16);
    at += HEADER;
    strcpy((char *)at, "servoy");
    strcpy((char *)at + 64, "s1");
    put(at + 128, 0x1122334455667788u, 8);
    for (unsigned i = 0; i < SVB_COUNTERS; i++) {
        put(at + 136 + 8 * i, 1000 + i, 8);
    }
    at += NODE;
    put(at, 0xfedcba9876543210u, 8);
    memcpy(at + 8, "\0\0\2\0", 4);
    put(at + 12, (apr_uint64_t)apr_time_sec(t0) - 7, 4);
    at += CLIENT;
    put(at, 1, 8);
    *len = sizeof(data);
    seal(data, sizeof(data));
    return data;
}

START_TEST(layout)
{
    world w = new_world(10);
    apr_size_t len, got;
    unsigned char *data = by_hand(&len), *written;
    int node = svb_records_add(w.fleet, "servoy", "s1");

    svb_records_set(w.fleet, node, SVB_WORD_ADMIN, 0x1122334455667788u);
    for (unsigned i = 0; i < SVB_COUNTERS; i++) {
        svb_records_set_counter(w.fleet, node, i, 1000 + i);
    }
    svb_clients_put(w.clients, 0xfedcba9876543210u, node, SVB_KIND_SMART,
                    t0 - SEC(7));
    /* not in the file: expired, pending, of an epoch that has ended */
    svb_clients_put(w.clients, 5, node, SVB_KIND_WEB, t0 - SEC(1802));
    svb_clients_put(w.clients, 6, node, SVB_KIND_PENDING, t0);
    save(&w);
    written = slurp(&got);
    ck_assert_uint_eq(got, len);
    ck_assert_mem_eq(written, data, len);
}
END_TEST

/* The checksum of more than one block. */
START_TEST(long_checksum)
{
    world w = new_world(4000);
    apr_size_t len;
    unsigned char *data, *again;

    add_nodes(&w, 2);
    add_clients(&w, 2, 2000);
    save(&w);
    data = slurp(&len);
    again = apr_pmemdup(pool, data, len);
    memset(again + len - 8, 0, 8);
    seal(again, len);
    ck_assert_mem_eq(data, again, len);
}
END_TEST

START_TEST(all_names)
{
    char longest[SVB_NAME_MAX + 1];
    world a = new_world(10), b = new_world(10);

    memset(longest, 'x', SVB_NAME_MAX);
    longest[SVB_NAME_MAX] = 0;
    svb_records_add(a.fleet, longest, "\x01\xff \"\n");
    svb_records_add(a.fleet, "s", longest);
    save(&a);
    load(&b);
    ck_assert_uint_eq(result.nodes, 2);
    assert_nodes(&a, &b);
}
END_TEST

/* --- files that are refused --- */

/* The file is refused, and nothing changes. */
static void assert_refused(world *w, const copy *before, apr_status_t status,
                           const char *what)
{
    unsigned char found[SVB_CLIENTS_SECRET] = "unchanged";
    apr_status_t rv = load_at(w, t0);

    ck_assert_msg(rv == status, "%s: %d, %s", what, rv, error ? error : "-");
    ck_assert_msg(is_like(w, before), "%s: something changed", what);
    ck_assert_uint_eq(result.nodes + result.clients, 0);
    rv = svb_save_read_secret(path, found, pool, &error);
    ck_assert_int_eq(rv, status);
    ck_assert_ptr_nonnull(error);
    ck_assert_str_eq((char *)found, "unchanged");
}

/* Two nodes and three clients, in the file; and a world with a third node. */
static unsigned char *small_file(world *w, apr_size_t *len)
{
    world a = new_world(100);

    add_nodes(&a, 2);
    add_clients(&a, 2, 3);
    save(&a);
    end_world(&a);
    *w = new_world(100);
    svb_records_add(w->fleet, "servoy", "third");
    return slurp(len);
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
            int version = i >= 8 && i < 12;

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

    put(data + 8, 2, 4);
    seal(data, len);
    spew(data, len);
    assert_refused(&w, &before, SVB_SAVE_EVERSION, "version 2");
    ck_assert_str_eq(error, "has version 2, where 1 is known");
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
    {"a node more than a fleet holds", 12, 4, SVB_RECORDS_MAX + 1},
    {"as many nodes as can be", 12, 4, 0xffffffff},
    {"time below zero", 16, 8, 0x8000000000000000u},
    {"an empty fleet", HEADER, 8, 0},
    {"an empty route", HEADER + NODE + 64, 8, 0},
    {"something after the fleet", HEADER + 63, 1, 'x'},
    {"something after the route", HEADER + 64 + 5, 1, 'x'},
    {"id 0", HEADER + 2 * NODE, 8, 0},
    {"a node's number too high", HEADER + 2 * NODE + CLIENT + 8, 2, 2},
    {"the highest number", HEADER + 2 * NODE + 8, 2, 0xffff},
    {"a pending client", HEADER + 2 * NODE + 10, 1, 0},
    {"an unknown kind", HEADER + 2 * NODE + 10, 1, 4},
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

/* More nodes than a fleet holds, all of them there. */
START_TEST(too_many_nodes)
{
    world w = new_world(10);
    copy before = copy_of(&w);
    apr_size_t len = HEADER + (SVB_RECORDS_MAX + 1) * NODE + TRAILER;
    unsigned char *data = apr_pcalloc(pool, len);

    memcpy(data, "svb-save\1\0\0\0", 12);
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

START_TEST(another_secret)
{
    world w;
    apr_size_t len;
    copy before;
    const unsigned char other[SVB_CLIENTS_SECRET] = "0123456789abcdf";

    small_file(&w, &len);
    open_with(&w, 10, other);
    before = copy_of(&w);
    ck_assert_int_eq(load_at(&w, t0), APR_EINVAL);
    ck_assert(is_like(&w, &before));
}
END_TEST

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

/* --- what is restored --- */

/* Give the only client another time, in seconds from t0; and load it. */
static void load_seen(world *w, apr_int64_t from_t0)
{
    apr_size_t len;
    unsigned char *data = by_hand(&len);

    put(data + HEADER + NODE + 12, (apr_uint64_t)(apr_time_sec(t0) + from_t0),
        4);
    seal(data, len);
    spew(data, len);
    *w = new_world(10);
    load(w);
    ck_assert_uint_eq(result.clients + result.skipped, 1);
    ck_assert_uint_eq(result.clients, svb_clients_count(w->clients));
}

START_TEST(times)
{
    const apr_int64_t day = 24 * 3600, ghosts[] = {97, 98, 100, 194, 1000};
    svb_client client;
    world w;

    load_seen(&w, -8 * 3600 + 2);
    ck_assert_uint_eq(result.clients, 1);
    load_seen(&w, -8 * 3600 - 2);
    ck_assert_uint_eq(result.skipped, 1);
    load_seen(&w, 60);
    ck_assert(svb_clients_find(w.clients, 0xfedcba9876543210u, t0, &client));
    ck_assert_int_eq(client.seen, SEC(apr_time_sec(t0)));
    load_seen(&w, 400 * day);
    ck_assert(svb_clients_find(w.clients, 0xfedcba9876543210u, t0, &client));
    ck_assert_int_eq(client.seen, SEC(apr_time_sec(t0)));
    /* times that the table's own seconds cannot tell from those of today */
    load_seen(&w, -0x800000);
    ck_assert_uint_eq(result.skipped, 1);
    for (unsigned i = 0; i < COUNT(ghosts); i++) {
        load_seen(&w, -ghosts[i] * day);
        ck_assert_uint_eq(result.skipped, 1);
    }
}
END_TEST

/* A clock that was never set, one beyond the file's seconds. */
START_TEST(odd_clocks)
{
    const apr_time_t clocks[] = {0, SEC(1), SEC(UINT32_MAX), SEC(5000000000)};

    for (int i = 0; i < 4; i++) {
        world a = new_world(10), b = new_world(10);
        int node = svb_records_add(a.fleet, "servoy", "s1");

        svb_clients_put(a.clients, 7, node, SVB_KIND_WEB, clocks[i]);
        ck_assert_int_eq(save_at(&a, clocks[i]), APR_SUCCESS);
        ck_assert_int_eq(load_at(&b, clocks[i]), APR_SUCCESS);
        ck_assert_uint_eq(result.clients, i < 3);
    }
}
END_TEST

START_TEST(other_nodes)
{
    world a = new_world(100), b = new_world(100);
    int other;

    add_nodes(&a, 3);
    add_clients(&a, 3, 30);
    save(&a);
    other = svb_records_add(b.fleet, "servoy", "new");
    svb_records_set(b.fleet, other, SVB_WORD_ADMIN, 77);
    ck_assert_int_ge(svb_records_add(b.fleet, "servoy", "r2"), 0);
    load(&b);
    ck_assert_uint_eq(result.nodes, 3);
    ck_assert_uint_eq(result.clients, 30);
    assert_nodes(&a, &b);
    assert_clients(&a, &b);
    ck_assert_uint_eq(svb_records_get(b.fleet, other, SVB_WORD_ADMIN), 77);
}
END_TEST

static void fill(world *w, int n)
{
    for (int i = 0; i < n; i++) {
        ck_assert_int_ge(
            svb_records_add(w->fleet, "full", apr_psprintf(pool, "n%d", i)), 0);
    }
}

START_TEST(a_full_fleet)
{
    world a = new_world(100), b = new_world(100);

    add_nodes(&a, 3);
    add_clients(&a, 3, 30);
    save(&a);
    fill(&b, SVB_RECORDS_MAX - 1);
    svb_records_add(b.fleet, "servoy", "r2");
    load(&b);
    ck_assert_uint_eq(result.nodes, 1);
    ck_assert_uint_eq(result.nodes_skipped, 2);
    ck_assert_uint_eq(result.clients, 10);
    ck_assert_uint_eq(result.skipped, 20);
    ck_assert_uint_eq(assert_clients(&b, &a), 10);
}
END_TEST

START_TEST(nodes_of_long_ago)
{
    world a = new_world(100), b = new_world(100);
    int node = -1;

    for (int i = 0; i < 5; i++) {
        const char *route = apr_psprintf(pool, "old%d", i);

        node = svb_records_add(a.fleet, "servoy", route);
        svb_records_count(a.fleet, node, SVB_CTR_STICKY);
        if (i == 3) {
            svb_records_set(a.fleet, node, SVB_WORD_ADMIN, 1);
        }
    }
    svb_clients_put(a.clients, 7, node, SVB_KIND_WEB, t0);
    save(&a);
    fill(&b, SVB_RECORDS_MAX / 2 - 1);
    load(&b);
    ck_assert_uint_eq(result.nodes, 3);
    ck_assert_uint_eq(result.nodes_skipped, 2);
    ck_assert_int_ge(svb_records_find(b.fleet, "servoy", "old3"), 0);
    ck_assert_int_ge(svb_records_find(b.fleet, "servoy", "old4"), 0);
    ck_assert_uint_eq(result.clients, 1);
}
END_TEST

/* Twice the same file, into the same memory. */
START_TEST(again)
{
    world w;
    apr_size_t len;

    small_file(&w, &len);
    load(&w);
    ck_assert_uint_eq(result.clients, 3);
    load(&w);
    ck_assert_uint_eq(result.nodes, 2);
    ck_assert_uint_eq(result.clients, 0);
    ck_assert_uint_eq(result.skipped, 3);
    ck_assert_uint_eq(svb_clients_count(w.clients), 3);
}
END_TEST

/* --- writing, and what may happen meanwhile --- */

static void look_at_temp(void)
{
    struct stat st;

    ck_assert_int_eq(lstat(temp, &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, 3);
}

START_TEST(mode)
{
    world w = new_world(10);
    struct stat st;

    add_nodes(&w, 1);
    add_clients(&w, 1, 1);
    spew((const unsigned char *)"old", 3);
    chmod(path, 0666);
    umask(0);
    hook = look_at_temp;
    save(&w);
    ck_assert_ptr_null(hook);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(left_by_a_crash)
{
    world w = new_world(10);
    const char *victim = apr_pstrcat(pool, folder, "/victim", NULL);
    struct stat st;
    int fd;

    fd = open(temp, O_WRONLY | O_CREAT, 0666);
    ck_assert_int_eq(write(fd, "half a file", 11), 11);
    close(fd);
    save(&w);
    load(&w);
    /* a link is not followed, whether it leads anywhere or not */
    fd = open(victim, O_WRONLY | O_CREAT, 0644);
    close(fd);
    ck_assert_int_eq(symlink(victim, temp), 0);
    save(&w);
    load(&w);
    ck_assert_int_eq(stat(victim, &st), 0);
    ck_assert_int_eq(st.st_size, 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0644);
    unlink(victim);
    ck_assert_int_eq(symlink(victim, temp), 0);
    save(&w);
    ck_assert(!exists(victim));
    /* a folder is left alone */
    mkdir(temp, 0700);
    ck_assert(save_at(&w, t0) != APR_SUCCESS);
    ck_assert_str_eq(error, "cannot be saved: its temporary file cannot be "
                            "created");
    ck_assert(exists(temp));
    rmdir(temp);
    load(&w);
}
END_TEST

START_TEST(no_folder)
{
    world w = new_world(10);

    path = apr_pstrcat(pool, folder, "/none/clients", NULL);
    ck_assert(APR_STATUS_IS_ENOENT(save_at(&w, t0)));
    ck_assert(APR_STATUS_IS_ENOENT(load_at(&w, t0)));
}
END_TEST

/* The file system takes no more than so many bytes. */
START_TEST(full_disk)
{
    world a = new_world(100), b = new_world(10000), c;
    struct rlimit limit, low;
    const rlim_t size = HEADER + 3 * NODE + 5000 * CLIENT + TRAILER;
    apr_size_t len, was;
    unsigned char *before;

    add_nodes(&a, 2);
    add_clients(&a, 2, 3);
    save(&a);
    before = slurp(&was);
    add_nodes(&b, 3);
    add_clients(&b, 3, 5000);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    for (rlim_t room = 0; room < size; room += 8000) {
        apr_status_t rv;

        low = limit;
        low.rlim_cur = size - 1 - room;
        setrlimit(RLIMIT_FSIZE, &low);
        rv = save_at(&b, t0);
        setrlimit(RLIMIT_FSIZE, &limit);
        ck_assert_msg(rv != APR_SUCCESS, "%d too few", (int)room);
        ck_assert_str_eq(error, "cannot be saved: its temporary file cannot "
                                "be written");
        ck_assert(!exists(temp));
        ck_assert_mem_eq(slurp(&len), before, was);
        ck_assert_uint_eq(len, was);
    }
    save(&b);
    slurp(&len);
    ck_assert_uint_eq(len, size);
    c = new_world(10000);
    load(&c);
    ck_assert_uint_eq(result.clients, 5000);
}
END_TEST

static int calls_left;
static struct rlimit unlimited;

static void make_room(void)
{
    if (--calls_left > 0) {
        hook = make_room;
    }
    else {
        setrlimit(RLIMIT_FSIZE, &unlimited);
    }
}

static void take_room(void)
{
    struct rlimit low = unlimited;

    low.rlim_cur = 10000;
    setrlimit(RLIMIT_FSIZE, &low);
    hook = make_room;
}

/* One block cannot be written, those after it could. */
START_TEST(full_for_a_while)
{
    world w = new_world(10000);

    add_nodes(&w, 3);
    add_clients(&w, 3, 5000);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &unlimited);
    calls_left = 2000;
    hook = take_room;
    ck_assert(save_at(&w, t0) != APR_SUCCESS);
    setrlimit(RLIMIT_FSIZE, &unlimited);
    ck_assert(!exists(temp) && !exists(path));
    calls_left = 2000;
    hook = make_room;
    save(&w);
    ck_assert_int_eq(calls_left, 0);
}
END_TEST

static world *second;

static void save_second(void)
{
    ck_assert_int_eq(save_at(second, t0), APR_SUCCESS);
}

static void steal_temp(void)
{
    int fd;

    unlink(temp);
    fd = open(temp, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, "theirs", 6), 6);
    close(fd);
}

/* Two processes write at once. */
START_TEST(two_writers)
{
    world a = new_world(4000), b = new_world(10), c = new_world(10);
    struct stat st;

    add_nodes(&a, 2);
    add_clients(&a, 2, 2000);
    add_nodes(&b, 1);
    second = &b;
    hook = save_second;
    ck_assert_int_eq(save_at(&a, t0), APR_EBUSY);
    ck_assert_str_eq(error, "is being saved by another process too");
    ck_assert(!exists(temp));
    load(&c);
    ck_assert_uint_eq(result.nodes, 1);
    /* the other one has not finished */
    hook = steal_temp;
    ck_assert_int_eq(save_at(&a, t0), APR_EBUSY);
    ck_assert_int_eq(stat(temp, &st), 0);
    ck_assert_int_eq(st.st_size, 6);
    load(&c);
}
END_TEST

START_TEST(killed)
{
    world a = new_world(60000), b;

    add_nodes(&a, 2);
    add_clients(&a, 2, 30000);
    save(&a);
    srand(1);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            for (;;) {
                save_at(&a, t0);
            }
        }
        usleep(500 + (unsigned)rand() % 20000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        b = new_world(60000);
        load(&b);
        ck_assert_uint_eq(result.clients, 30000);
        end_world(&b);
    }
    save(&a);
}
END_TEST

/* --- setting aside --- */

START_TEST(set_aside)
{
    const char *first = apr_pstrcat(pool, path, ".bad-20261130005320", NULL);
    const char *to = NULL;
    apr_size_t len;
    world w;

    ck_assert(APR_STATUS_IS_ENOENT(svb_save_set_aside(path, t0, pool, &to)));
    ck_assert_ptr_null(to);
    spew((const unsigned char *)"one", 3);
    ck_assert_int_eq(svb_save_set_aside(path, t0, pool, &to), APR_SUCCESS);
    ck_assert_str_eq(to, first);
    ck_assert(!exists(path));
    mkdir(path, 0700);
    ck_assert_int_eq(svb_save_set_aside(path, t0, pool, &to), APR_SUCCESS);
    ck_assert_str_eq(to, apr_pstrcat(pool, first, "-2", NULL));
    ck_assert_int_eq(rmdir(to), 0);
    ck_assert_int_eq(symlink("nowhere", to), 0);
    small_file(&w, &len);
    ck_assert_int_eq(svb_save_set_aside(path, t0, pool, &to), APR_SUCCESS);
    ck_assert_str_eq(to, apr_pstrcat(pool, first, "-3", NULL));
    path = apr_pstrdup(pool, to);
    load(&w);
    unlink(apr_pstrcat(pool, first, "-2", NULL));
    path = apr_pstrdup(pool, first);
    ck_assert_mem_eq(slurp(&len), "one", 3);
    unlink(to);
}
END_TEST

static void add_refusals(TCase *tc)
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
    Suite *suite = suite_create("save");
    TCase *tc = tcase_create("all");

    suite_add_tcase(suite, tc);
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, round_trips);
    tcase_add_test(tc, many_clients);
    tcase_add_test(tc, a_smaller_table);
    tcase_add_test(tc, layout);
    tcase_add_test(tc, long_checksum);
    tcase_add_test(tc, all_names);
    add_refusals(tc);
    tcase_add_test(tc, times);
    tcase_add_test(tc, odd_clocks);
    tcase_add_test(tc, other_nodes);
    tcase_add_test(tc, a_full_fleet);
    tcase_add_test(tc, nodes_of_long_ago);
    tcase_add_test(tc, again);
    tcase_add_test(tc, mode);
    tcase_add_test(tc, left_by_a_crash);
    tcase_add_test(tc, no_folder);
    tcase_add_test(tc, full_disk);
    tcase_add_test(tc, full_for_a_while);
    tcase_add_test(tc, two_writers);
    tcase_add_test(tc, killed);
    tcase_add_test(tc, set_aside);
    return unit_run(srunner_create(suite));
}
