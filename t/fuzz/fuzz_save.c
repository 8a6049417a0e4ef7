/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * libFuzzer target: the file that nodes and clients are restored from. The
 * first byte of the input says how the rest becomes a file:
 *
 *     0  as it is, in the layout of any version
 *     1  with its checksum made right
 *     2  with its beginning made right as well, so that mutations go to the
 *        nodes and clients
 *     3  with these put into their ranges as well, so that it is restored
 *     4  the same, and then a bit flipped
 *
 * Any file is either restored as a whole, or refused with a text, upon which
 * nothing has changed; and nothing is restored from a file whose checksum is
 * wrong. What was restored can be saved and restored again.
 *
 * The seeds in t/fuzz/corpus/save are written by the fuzzer itself, the same at
 * each time, as inputs of kind 1; once more where the layout has changed:
 *
 *     .build/fuzz/fuzz_save --seeds t/fuzz/corpus/save
 */

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_siphash.h>
#include <apr_strings.h>

#include "fuzz.h"
#include "memory/save.h"

#define FLEET (64 + 16 + 16 + 16 * (136 + 1016))
#define CLIENT 16
#define TRAILER 16
#define CAPACITY 64

static const unsigned char secret[SVB_CLIENTS_SECRET] = "0123456789abcde";
static const apr_time_t now = apr_time_from_sec(1796000000);

static char *path;

/* Two servers: one that reads the input, one that reads what the first one has
 * saved. */
static struct {
    void *records_mem, *table_mem, *history_mem;
    svb_records *records;
    svb_clients *clients;
    svb_history *history;
} worlds[2];

static apr_interval_time_t timeout(void *baton, int node, svb_kind kind)
{
    (void)baton;
    (void)node;
    return apr_time_from_sec(kind == SVB_KIND_WEB ? 1800 : 8 * 3600);
}

/* Zero, and quickly so: most pages are never touched. */
static void *new_memory(size_t size)
{
    void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    MUST(mem != MAP_FAILED);
    return mem;
}

static void empty(int i)
{
    MUST(!madvise(worlds[i].records_mem, svb_records_size(), MADV_DONTNEED));
    MUST(!madvise(worlds[i].history_mem, svb_history_size(), MADV_DONTNEED));
    memset(worlds[i].table_mem, 0, svb_clients_size(CAPACITY));
}

static void remove_files(void)
{
    char *slash = strrchr(path, '/');

    unlink(path);
    *slash = '\0';
    rmdir(path);
}

static apr_status_t write_world(apr_pool_t *p, const char **err)
{
    svb_save_facts facts = {.number = 3,
                            .saved = now,
                            .known_since = now - apr_time_from_sec(3600),
                            .evicted_at = now - apr_time_from_sec(7200)};

    memcpy(facts.secret, secret, sizeof(facts.secret));
    return svb_save_write(path, worlds[0].records, worlds[0].clients,
                          worlds[0].history, &facts, p, err);
}

/* Read the file into a world. */
static apr_status_t read_world(int i, apr_pool_t *p, svb_save_result *result,
                               const char **err)
{
    svb_save *save;
    apr_status_t rv = svb_save_open(path, p, &save, err);

    if (rv == APR_SUCCESS) {
        rv = svb_save_verify(save, err);
    }
    return rv == APR_SUCCESS
               ? svb_save_restore(save, worlds[i].records, worlds[i].clients,
                                  worlds[i].history, now, result, err)
               : rv;
}

/* Save what is in the first world, which is empty then, and make a seed of it. */
static void write_seed(const char *folder, const char *name)
{
    apr_pool_t *root = root_pool();
    const char *err;
    apr_size_t size;
    static char data[65536];
    FILE *file;

    MUST(!write_world(root, &err));
    data[0] = 1;
    MUST((file = fopen(path, "rb")));
    size = 1 + fread(data + 1, 1, sizeof(data) - 1, file);
    MUST(size < sizeof(data) && !fclose(file));
    MUST((file = fopen(apr_pstrcat(root, folder, "/", name, NULL), "wb")));
    MUST(fwrite(data, 1, size, file) == size && !fclose(file));
    empty(0);
}

static void write_seeds(const char *folder)
{
    svb_records *records = worlds[0].records;
    svb_clients *clients = worlds[0].clients;
    char longest[SVB_NAME_MAX + 1] = {0};
    int one, two;

    write_seed(folder, "empty");

    one = svb_records_add(records, "servoy", "s1");
    two = svb_records_add(records, "servoy", "s2");
    svb_records_set(records, one, SVB_WORD_ADMIN, 0x0102030405060708);
    svb_records_say(records, one, "drained by somebody");
    for (int i = 0; i < SVB_COUNTERS; i++) {
        svb_records_set_counter(records, two, i, 1000 + (unsigned)i);
    }
    svb_clients_put(clients, 7, one, SVB_KIND_WEB, now);
    svb_clients_put(clients, 8, two, SVB_KIND_SMART, now - 7000000);
    svb_clients_put(clients, 9, two, SVB_KIND_ASSUMED, now - 60000000);
    svb_clients_put(clients, 10, two, SVB_KIND_WINDOWED, now);
    svb_clients_put(clients, 11, one, SVB_KIND_REMEMBERED, now);
    svb_history_take(worlds[0].history, records, now - apr_time_from_sec(600));
    svb_history_take(worlds[0].history, records, now);
    write_seed(folder, "two_nodes_all_kinds");

    memset(longest, 'x', SVB_NAME_MAX);
    one = svb_records_add(records, longest, longest);
    svb_clients_put(clients, 7, one, SVB_KIND_WEB, now);
    write_seed(folder, "longest_names");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    apr_pool_t *root = root_pool();
    const char *tmp = getenv("TMPDIR");

    path = apr_pstrcat(root, tmp && *tmp ? tmp : "/tmp", "/svb.XXXXXX", NULL);
    MUST(mkdtemp(path));
    path = apr_pstrcat(root, path, "/clients", NULL);
    atexit(remove_files);
    for (int i = 0; i < 2; i++) {
        worlds[i].records_mem = new_memory(svb_records_size());
        worlds[i].table_mem = new_memory(svb_clients_size(CAPACITY));
        worlds[i].history_mem = new_memory(svb_history_size());
        svb_records_open(&worlds[i].records, worlds[i].records_mem, root);
        svb_history_open(&worlds[i].history, worlds[i].history_mem, root);
        svb_clients_open(&worlds[i].clients, worlds[i].table_mem, CAPACITY,
                         secret, worlds[i].records, root);
        svb_clients_set_timeout(worlds[i].clients, timeout, NULL);
    }
    if (*argc == 3 && !strcmp((*argv)[1], "--seeds")) {
        write_seeds((*argv)[2]);
        exit(EXIT_SUCCESS);
    }
    return 0;
}

static void put(uint8_t *to, uint64_t number, int bytes)
{
    for (; bytes > 0; bytes--, number >>= 8) {
        *to++ = number & 0xff;
    }
}

static void make_sum(const uint8_t *data, size_t end, uint8_t sum[8])
{
    uint8_t key[16] = {'s', 'v', 'b', '_', 's', 'a', 'v', 'e'};

    for (size_t pos = 0; pos < end; pos += 8192) {
        size_t n = end - pos < 8192 ? end - pos : 8192;

        put(key + 8, apr_siphash24(data + pos, n, key), 8);
    }
    memcpy(sum, key + 8, 8);
}

static int sum_is_right(const uint8_t *data, size_t size)
{
    uint8_t sum[8];

    if (size < 8) {
        return 0;
    }
    make_sum(data, size - 8, sum);
    return memcmp(data + size - 8, sum, 8) == 0;
}

static void mend_text(uint8_t *text, size_t size)
{
    size_t len = strnlen((char *)text, size - 1);

    memset(text + len, 0, size - len);
}

static void mend_name(uint8_t *name)
{
    name[0] |= !name[0];
    mend_text(name, 64);
}

/* What a file of a certain version is made of. */
typedef struct {
    size_t header, node, nodes, fleets, clients;
} parts;

/* Nodes, fleets and clients within their ranges. Of a client's time, that is today. */
static void mend_fields(uint8_t *data, const parts *of)
{
    uint8_t *at = data + of->header;
    size_t nodes = of->nodes, clients = of->clients;

    for (size_t i = 0; i < nodes; i++, at += of->node) {
        mend_name(at);
        mend_name(at + 64);
        mend_text(at + 192, 120);
    }
    for (size_t i = 0; i < of->fleets; i++, at += FLEET) {
        mend_name(at);
    }
    for (size_t i = 0; i < clients && nodes > 0; i++, at += CLIENT) {
        at[0] |= !at[0];
        put(at + 8, at[8] % nodes, 2);
        at[10] = at[10] % 5 + 1;
        at[11] = 0;
        at[14] = (uint8_t)(apr_time_sec(now) >> 16);
        at[15] = (uint8_t)(apr_time_sec(now) >> 24);
    }
}

/* Make what has to fit together do so. @return the size that does */
static size_t mend(uint8_t *data, size_t size, int how)
{
    if (how >= 2 && size >= 88 + TRAILER) {
        int is_new =
            (data[8] & 1) == 0; /* 4; else 3, whose parts are smaller */
        parts of = {.header = is_new ? 88 : 64,
                    .node = is_new ? 336 + 2368 : 336};
        size_t rest = size - of.header - TRAILER;

        of.nodes = rest / of.node;
        of.nodes = data[12] % 16 < of.nodes ? data[12] % 16 : of.nodes;
        rest -= of.nodes * of.node;
        of.fleets = is_new ? rest / FLEET : 0;
        rest -= of.fleets * FLEET;
        of.clients = rest / CLIENT;
        size -= rest % CLIENT;
        memcpy(data, is_new ? "svb-save\4\0\0\0" : "svb-save\3\0\0\0", 12);
        put(data + 12, of.nodes, 4);
        data[23] &= 0x7f;
        data[55] &= 0x7f;
        data[63] &= 0x7f;
        memcpy(data + 24, secret, 16);
        if (is_new) {
            put(data + 64, (uint64_t)(now / SVB_HISTORY_HOUR_STEP) - data[64],
                8);
            put(data + 72, (uint64_t)(now / SVB_HISTORY_WEEK_STEP) - data[72],
                8);
            put(data + 80, of.fleets, 8);
        }
        put(data + size - TRAILER, of.clients, 8);
        if (how >= 3) {
            mend_fields(data, &of);
        }
    }
    if (how >= 1 && size >= 8) {
        make_sum(data, size - 8, data + size - 8);
    }
    return size;
}

/* Change one bit, anywhere: the checksum says where. */
static void flip(uint8_t *data, size_t size)
{
    uint32_t number;

    if (size >= 8) {
        memcpy(&number, data + size - 8, sizeof(number));
        data[number / 8 % size] ^= (uint8_t)(1 << number % 8);
    }
}

static void write_file(const uint8_t *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    MUST(fd >= 0);
    MUST(write(fd, data, size) == (ssize_t)size);
    close(fd);
}

static int used(svb_records *records)
{
    int sum = 0;

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        sum += svb_records_used(records, node);
    }
    return sum;
}

static apr_size_t remembered(svb_records *records)
{
    apr_size_t sum = 0;

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        sum += svb_records_clients(records, node, SVB_KIND_REMEMBERED);
    }
    return sum;
}

static void check_refused(const char *err)
{
    const apr_size_t size = svb_clients_size(CAPACITY);
    const char *table = worlds[0].table_mem;

    MUST(err && *err && strlen(err) < 100);
    MUST(used(worlds[0].records) == 0);
    for (apr_size_t i = 0; i < size; i++) {
        MUST(table[i] == 0);
    }
}

/* Whatever a history says, it can be shown, and goes on. */
static void look_at_history(void)
{
    svb_records *records = worlds[0].records;
    svb_history *history = worlds[0].history;
    unsigned list[SVB_HISTORY_WEEK];

    for (int i = 0; i < 2; i++) {
        for (int node = 0; node < SVB_RECORDS_MAX; node++) {
            if (svb_records_used(records, node)) {
                int n = svb_history_hour(history, records, node, now, list);

                MUST(n >= 0 && n <= SVB_HISTORY_HOUR);
                n = svb_history_week(history, records, node, now, list);
                MUST(n >= 0 && n <= SVB_HISTORY_WEEK);
                (void)svb_history_errors(history, records, node, now);
                (void)svb_history_recent_of(
                    history, records, svb_records_fleet_of(records, node), now);
            }
        }
        svb_history_take(history, records, now);
    }
}

static void check_restored(apr_pool_t *p, const svb_save_result *result)
{
    svb_clients *one = worlds[0].clients, *other = worlds[1].clients;
    svb_save_result again;
    apr_size_t pos = 0, count = 0;
    svb_client client, same;
    const char *err;

    MUST(result->nodes + result->nodes_skipped <= SVB_RECORDS_MAX);
    MUST(used(worlds[0].records) <= (int)result->nodes);
    MUST(svb_clients_count(one) + remembered(worlds[0].records)
         == result->clients);
    MUST(!write_world(p, &err));
    MUST(!read_world(1, p, &again, &err));
    MUST((int)(again.nodes + again.nodes_skipped) == used(worlds[0].records));
    /* Clients put in another order need not fit where they did before. */
    while (svb_clients_evicted(other) == 0 && again.nodes_skipped == 0
           && svb_clients_next(one, &pos, now, &client)) {
        MUST(client.seen <= now);
        MUST(client.kind != SVB_KIND_PENDING);
        MUST(svb_clients_find(other, client.id, now, &same));
        MUST(same.kind == client.kind && same.seen == client.seen);
        MUST(!strcmp(svb_records_route(worlds[0].records, client.node),
                     svb_records_route(worlds[1].records, same.node)));
        count++;
    }
    MUST(again.clients == count || count == 0);
    MUST(count == result->clients || count == 0);
    look_at_history();
    empty(0);
    empty(1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    svb_save_result result;
    apr_status_t rv;
    apr_pool_t *p;
    const char *err;
    uint8_t *file;
    int right;

    if (size == 0) {
        return 0;
    }
    apr_pool_create(&p, root_pool());
    file = malloc(size);
    memcpy(file, data + 1, --size);
    size = mend(file, size, data[0] % 5);
    if (data[0] % 5 == 4) {
        flip(file, size);
    }
    right = sum_is_right(file, size);
    write_file(file, size);
    free(file);

    rv = read_world(0, p, &result, &err);
    MUST(rv == APR_SUCCESS || rv == APR_EGENERAL || rv == SVB_SAVE_EVERSION);
    if (rv == APR_SUCCESS) {
        MUST(right && !err);
        check_restored(p, &result);
    }
    else {
        check_refused(err);
    }
    apr_pool_destroy(p);
    return 0;
}
