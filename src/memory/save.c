/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/save.h"

#include <stddef.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_siphash.h>
#include <apr_strings.h>
#include <apr_user.h>

#define MAGIC "svb-save"
#define VERSION 1
#define BLOCK 8192

/* Those who may not read or write the file: its group and all others. */
#define OTHERS                                                                 \
    (APR_FPROT_GREAD | APR_FPROT_GWRITE | APR_FPROT_GEXECUTE | APR_FPROT_WREAD \
     | APR_FPROT_WWRITE | APR_FPROT_WEXECUTE)

/* Clients not seen for longer are dead. The table keeps seconds modulo 97 days
 * and would take one seen 98 days ago for one seen yesterday. */
#define LONGEST apr_time_from_sec(48 * 24 * 3600)

/* How many names to try for a file that is set aside. */
#define NAMES 100

/* ------- the parts of the file */

/* These are the file's bytes: fields in order, each where its size aligns it,
 * so that there is nothing between them. Numbers have the file's order of bytes
 * here, which these take from the processor's, and back. */
#define LE16(number) (APR_IS_BIGENDIAN ? __builtin_bswap16(number) : (number))
#define LE32(number) (APR_IS_BIGENDIAN ? __builtin_bswap32(number) : (number))
#define LE64(number) (APR_IS_BIGENDIAN ? __builtin_bswap64(number) : (number))

typedef struct {
    char magic[8];
    apr_uint32_t version; /* all versions begin with these two */
    apr_uint32_t nodes;
    apr_uint64_t saved;
    unsigned char secret[SVB_CLIENTS_SECRET];
} header_part;

typedef struct {
    char name[SVB_NAME_MAX + 1];
    char route[SVB_NAME_MAX + 1];
    apr_uint64_t admin;
    apr_uint64_t counters[SVB_COUNTERS];
} node_part;

typedef struct {
    apr_uint64_t id;
    apr_uint16_t node;
    apr_byte_t kind;
    apr_byte_t zero;
    apr_uint32_t seen;
} client_part;

typedef struct {
    apr_uint64_t clients;
    apr_uint64_t sum;
} trailer_part;

#define START_SIZE offsetof(header_part, nodes)

/* Whoever changes one of these has to raise VERSION. */
_Static_assert(sizeof(header_part) == 40, "header in the file");
_Static_assert(sizeof(node_part) == 192, "node in the file");
_Static_assert(sizeof(client_part) == 16, "client in the file");
_Static_assert(SVB_RECORDS_MAX <= 0x10000, "a node's number has 16 bits");
_Static_assert(SVB_KINDS == 6 && SVB_KIND_WEB == 1 && SVB_KIND_SMART == 2
                   && SVB_KIND_ASSUMED == 3 && SVB_KIND_WINDOWED == 4
                   && SVB_KIND_REMEMBERED == 5,
               "kinds in the file");

/* ------- the file, while it is written or read */

/* Nodes and clients on their way into the file or out of it. */
typedef struct {
    apr_pool_t *p;   /* the caller's, for error texts */
    apr_pool_t *sub; /* for all else */
    const char *path, *temp;
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t rv; /* of what went wrong first */
    const char *err; /* what that was; NULL: the status tells */

    apr_uint64_t sum; /* checksum of the blocks that have gone through */
    apr_size_t len;   /* bytes in the one that has begun */
    unsigned char block[BLOCK];

    /* what is written, or where to restore what is read */
    svb_records *records;
    svb_clients *clients;
    apr_time_t now;
    svb_save_result *result; /* when restoring */

    header_part header; /* once read, its numbers are the processor's */
    apr_uint64_t count; /* of the clients that the file has, by its length */
    unsigned char has_clients[SVB_RECORDS_MAX];
    int taken;                  /* records that are */
    int other[SVB_RECORDS_MAX]; /* writing: the number of a record's node in the
                                   file; restoring: the record of a node by its
                                   number; -1: it has none */
} transfer;

static transfer *begin(const char *path, svb_records *records,
                       svb_clients *clients, apr_time_t now, apr_pool_t *p)
{
    apr_pool_t *sub;
    transfer *t;

    apr_pool_create(&sub, p);
    t = apr_pcalloc(sub, sizeof(*t));
    t->p = p;
    t->sub = sub;
    t->path = path;
    t->temp = apr_pstrcat(sub, path, ".new", NULL);
    t->records = records;
    t->clients = clients;
    t->now = now;
    return t;
}

static apr_status_t end(transfer *t, const char **err)
{
    apr_status_t rv = t->rv;

    *err = rv == APR_SUCCESS ? NULL : t->err ? t->err : "cannot be read";
    apr_pool_destroy(t->sub);
    return rv;
}

/* Keep what went wrong first. @return whether nothing did so far */
static int ok(transfer *t, apr_status_t rv, const char *err)
{
    if (t->rv == APR_SUCCESS && rv != APR_SUCCESS) {
        t->rv = rv;
        t->err = err;
    }
    return t->rv == APR_SUCCESS;
}

/* What is not so goes wrong with this status. */
static void must(transfer *t, int is_so, apr_status_t rv, const char *err)
{
    ok(t, is_so ? APR_SUCCESS : rv, err);
}

/* @return the checksum with what is in the block */
static apr_uint64_t end_block(transfer *t)
{
    struct {
        char name[8];
        apr_uint64_t sum;
    } key = {"svb_save", LE64(t->sum)};

    _Static_assert(sizeof(key) == APR_SIPHASH_KSIZE, "key of the checksum");
    if (t->len > 0) {
        t->sum = apr_siphash24(t->block, t->len, (unsigned char *)&key);
        t->len = 0;
    }
    return t->sum;
}

static void add_to_sum(transfer *t, const void *part, apr_size_t size)
{
    for (apr_size_t i = 0; i < size; i++) {
        t->block[t->len++] = ((const unsigned char *)part)[i];
        if (t->len == BLOCK) {
            end_block(t);
        }
    }
}

static const char cannot_write[] =
    "cannot be saved: its temporary file cannot be written";

/* Nothing more is written after an error. */
static void put(transfer *t, const void *part, apr_size_t size)
{
    if (t->rv == APR_SUCCESS) {
        add_to_sum(t, part, size);
        ok(t, apr_file_write_full(t->file, part, size, NULL), cannot_write);
    }
}

/* Nor is it read: there are zeros then. */
static void get(transfer *t, void *part, apr_size_t size)
{
    apr_status_t rv = t->rv;

    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(t->file, part, size, NULL);
    }
    if (!ok(t, rv == APR_EOF ? APR_EGENERAL : rv,
            rv == APR_EOF ? "is cut short" : NULL)) {
        memset(part, 0, size);
        return;
    }
    add_to_sum(t, part, size);
}

/* ------- writing */

static void put_header(transfer *t)
{
    apr_uint32_t nodes = 0;

    /* A node that is added from now on is not in this file. */
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        int used = svb_records_used(t->records, node);

        t->other[node] = used ? (int)nodes++ : -1;
    }
    memcpy(t->header.magic, MAGIC, sizeof(t->header.magic));
    t->header.version = LE32(VERSION);
    t->header.nodes = LE32(nodes);
    t->header.saved = LE64((apr_uint64_t)t->now);
    put(t, &t->header, sizeof(t->header));
}

static void put_node(transfer *t, int node)
{
    node_part raw = {
        .admin = LE64(svb_records_get(t->records, node, SVB_WORD_ADMIN))};

    apr_cpystrn(raw.name, svb_records_name(t->records, node), sizeof(raw.name));
    apr_cpystrn(raw.route, svb_records_route(t->records, node),
                sizeof(raw.route));
    for (int i = 0; i < SVB_COUNTERS; i++) {
        raw.counters[i] = LE64(svb_records_counter(t->records, node, i));
    }
    put(t, &raw, sizeof(raw));
}

/* @return how many there were */
static apr_uint64_t put_clients(transfer *t)
{
    apr_uint64_t count = 0;
    apr_size_t pos = 0;
    svb_client client;

    while (t->rv == APR_SUCCESS
           && svb_clients_next(t->clients, &pos, t->now, &client)) {
        int number = t->other[client.node];
        apr_time_t seen = apr_time_sec(client.seen);
        client_part raw = {LE64(client.id), LE16((apr_uint16_t)number),
                           (apr_byte_t)client.kind, 0, 0};

        if (number >= 0 && client.kind != SVB_KIND_PENDING && client.id != 0) {
            /* The file's 32 bits last until 2106. */
            seen = seen < 0 ? 0 : seen > UINT32_MAX ? UINT32_MAX : seen;
            raw.seen = LE32((apr_uint32_t)seen);
            put(t, &raw, sizeof(raw));
            count++;
        }
    }
    return count;
}

static int write_all(transfer *t)
{
    trailer_part raw;

    put_header(t);
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (t->other[node] >= 0) {
            put_node(t, node);
        }
    }
    raw.clients = LE64(put_clients(t));
    put(t, &raw.clients, sizeof(raw.clients));
    raw.sum = LE64(end_block(t));
    put(t, &raw.sum, sizeof(raw.sum));
    return t->rv == APR_SUCCESS && ok(t, apr_file_sync(t->file), cannot_write);
}

/* Create the file anew. A link is removed by its name, not followed. */
static apr_status_t create(transfer *t)
{
    apr_status_t rv = apr_file_remove(t->temp, t->sub);

    if (rv == APR_SUCCESS || APR_STATUS_IS_ENOENT(rv)) {
        rv = apr_file_open(&t->file, t->temp,
                           APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_EXCL
                               | APR_FOPEN_BINARY | APR_FOPEN_BUFFERED,
                           APR_FPROT_UREAD | APR_FPROT_UWRITE, t->sub);
    }
    /* Later, this would write what is in the buffer, and fail as that does. */
    return rv == APR_SUCCESS
               ? apr_file_info_get(&t->info, APR_FINFO_IDENT, t->file)
               : rv;
}

/* Is the temporary file's name still that of ours? Another process that writes
 * as well will have made it the name of its own. */
static apr_status_t check_name(const transfer *t)
{
    apr_finfo_t named;
    apr_status_t rv =
        apr_stat(&named, t->temp, APR_FINFO_IDENT | APR_FINFO_LINK, t->sub);

    return rv == APR_SUCCESS && t->info.device == named.device
                   && t->info.inode == named.inode
               ? APR_SUCCESS
               : APR_EBUSY;
}

apr_status_t svb_save_write(const char *path, svb_records *records,
                            svb_clients *clients,
                            const unsigned char secret[SVB_CLIENTS_SECRET],
                            apr_time_t now, apr_pool_t *p, const char **err)
{
    transfer *t = begin(path, records, clients, now, p);

    memcpy(t->header.secret, secret, SVB_CLIENTS_SECRET);
    if (!(ok(t, create(t),
             "cannot be saved: its temporary file cannot be created")
          && write_all(t)
          && ok(t, check_name(t), "is being saved by another process too")
          && ok(t, apr_file_rename(t->temp, path, t->sub),
                "cannot be saved: its temporary file cannot be renamed"))
        && t->file && check_name(t) == APR_SUCCESS) {
        apr_file_remove(t->temp, t->sub);
    }
    return end(t, err);
}

/* ------- reading */

static void get_header(transfer *t)
{
    header_part *header = &t->header;
    apr_off_t rest;

    get(t, header, START_SIZE);
    must(t, !memcmp(header->magic, MAGIC, sizeof(header->magic)), APR_EGENERAL,
         "was not written by this module");
    if (LE32(header->version) != VERSION) {
        ok(t, SVB_SAVE_EVERSION,
           apr_psprintf(t->p, "has version %u, where %d is known",
                        LE32(header->version), VERSION));
    }
    get(t, (char *)header + START_SIZE, sizeof(*header) - START_SIZE);
    header->nodes = LE32(header->nodes);
    header->saved = LE64(header->saved);
    must(t, header->nodes <= SVB_RECORDS_MAX && header->saved <= INT64_MAX,
         APR_EGENERAL, "has a damaged header");
    rest = t->info.size
           - (apr_off_t)(sizeof(*header) + sizeof(trailer_part)
                         + (apr_uint64_t)header->nodes * sizeof(node_part));
    must(t, rest >= 0 && rest % (apr_off_t)sizeof(client_part) == 0,
         APR_EGENERAL, "does not have the length that its header says");
    if (t->rv == APR_SUCCESS) {
        t->count = (apr_uint64_t)rest / sizeof(client_part);
    }
}

/* Not empty, and NULs from the first one on. */
static int is_name(const char raw[SVB_NAME_MAX + 1])
{
    static const char nuls[SVB_NAME_MAX + 1];
    apr_size_t len = strnlen(raw, sizeof(nuls));

    return len > 0 && len < sizeof(nuls)
           && memcmp(raw + len, nuls, sizeof(nuls) - len) == 0;
}

static void restore_node(transfer *t, unsigned number, const node_part *raw)
{
    apr_uint64_t admin = LE64(raw->admin);
    int node = svb_records_find(t->records, raw->name, raw->route);

    if (node < 0
        && (t->has_clients[number] || admin
            || t->taken < SVB_RECORDS_MAX / 2)) {
        node = svb_records_add(t->records, raw->name, raw->route);
        t->taken += node >= 0;
    }
    t->other[number] = node;
    if (node < 0) {
        t->result->nodes_skipped++;
        return;
    }
    t->result->nodes++;
    svb_records_set(t->records, node, SVB_WORD_ADMIN, admin);
    for (int i = 0; i < SVB_COUNTERS; i++) {
        svb_records_set_counter(t->records, node, i, LE64(raw->counters[i]));
    }
}

static void get_nodes(transfer *t)
{
    for (unsigned number = 0; number < t->header.nodes && !t->rv; number++) {
        node_part raw;

        get(t, &raw, sizeof(raw));
        must(t, is_name(raw.name) && is_name(raw.route), APR_EGENERAL,
             "has a damaged name of a node");
        if (t->rv == APR_SUCCESS && t->result) {
            restore_node(t, number, &raw);
        }
    }
}

static void restore_client(transfer *t, const client_part *raw)
{
    svb_client client = {LE64(raw->id), t->other[LE16(raw->node)], raw->kind,
                         apr_time_from_sec((apr_time_t)LE32(raw->seen))};

    if (client.node >= 0 && t->now - client.seen <= LONGEST) {
        client.seen = client.seen > t->now ? t->now : client.seen;
        svb_clients_restore(t->clients, &client, t->now);
    }
}

static void get_clients(transfer *t)
{
    for (apr_uint64_t i = 0; i < t->count && !t->rv; i++) {
        client_part raw;

        get(t, &raw, sizeof(raw));
        must(t,
             raw.id != 0 && LE16(raw.node) < t->header.nodes && raw.zero == 0
                 && raw.kind != SVB_KIND_PENDING && raw.kind < SVB_KINDS,
             APR_EGENERAL, "has a damaged client");
        if (t->rv == APR_SUCCESS) {
            t->has_clients[LE16(raw.node)] = 1;
            if (t->result) {
                restore_client(t, &raw);
            }
        }
    }
}

/* Read the file from its beginning to its end. @return whether it is whole */
static int walk(transfer *t)
{
    apr_off_t start = 0;
    trailer_part raw;
    apr_uint64_t sum;

    t->sum = t->len = 0;
    ok(t, apr_file_seek(t->file, APR_SET, &start), NULL);
    get_header(t);
    get_nodes(t);
    get_clients(t);
    get(t, &raw.clients, sizeof(raw.clients));
    must(t, LE64(raw.clients) == t->count, APR_EGENERAL,
         "does not have as many clients as it says");
    sum = end_block(t);
    get(t, &raw.sum, sizeof(raw.sum));
    must(t, LE64(raw.sum) == sum, APR_EGENERAL,
         "is damaged: its checksum is wrong");
    return t->rv == APR_SUCCESS;
}

/* Is it ours alone? */
static void check_owner(transfer *t)
{
    apr_uid_t uid;
    apr_gid_t gid;

    if (ok(t, apr_uid_current(&uid, &gid, t->sub), NULL)) {
        must(t, t->info.user == 0 || !apr_uid_compare(t->info.user, uid),
             SVB_SAVE_EUNSAFE,
             "belongs neither to the server's user nor to root");
        must(t, !(t->info.protection & OTHERS), SVB_SAVE_EUNSAFE,
             "can be read or written by others than its owner");
    }
}

/* @return whether it can be read */
static int open_file(transfer *t)
{
    apr_finfo_t *info = &t->info;
    /* Look before opening, which may have effects where it is no file. */
    apr_status_t rv =
        apr_stat(info, t->path, APR_FINFO_TYPE | APR_FINFO_LINK, t->sub);

    if (rv == APR_SUCCESS && info->filetype == APR_REG) {
        rv = apr_file_open(&t->file, t->path,
                           APR_FOPEN_READ | APR_FOPEN_BINARY
                               | APR_FOPEN_NONBLOCK | APR_FOPEN_BUFFERED,
                           0, t->sub);
    }
    ok(t, rv, APR_STATUS_IS_ENOENT(rv) ? "does not exist" : "cannot be opened");
    if (t->rv == APR_SUCCESS && t->file) {
        ok(t,
           apr_file_info_get(info,
                             APR_FINFO_TYPE | APR_FINFO_SIZE | APR_FINFO_OWNER
                                 | APR_FINFO_PROT,
                             t->file),
           NULL);
    }
    must(t, info->filetype == APR_REG, APR_EGENERAL, "is not a regular file");
    check_owner(t);
    must(t, info->size > 0, APR_EGENERAL, "is empty");
    return t->rv == APR_SUCCESS;
}

/* Would the table find the clients of this file? */
static int has_secret(const svb_clients *clients, const unsigned char *secret)
{
    apr_uint64_t id = apr_siphash24("secret", 6, secret);

    return svb_clients_id(clients, "secret", 6) == (id ? id : 1);
}

/* Restore what is in a file that was verified. */
static void restore(transfer *t, svb_save_result *result)
{
    apr_size_t before = svb_clients_count(t->clients), after;

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        t->taken += svb_records_used(t->records, node) != 0;
    }
    t->result = result;
    result->saved = (apr_time_t)t->header.saved;
    if (!walk(t) && t->err) {
        t->err = "was changed while it was read";
    }
    after = svb_clients_count(t->clients);
    result->clients = after > before ? after - before : 0;
    result->skipped =
        t->count > result->clients ? t->count - result->clients : 0;
}

apr_status_t svb_save_read_secret(const char *path,
                                  unsigned char secret[SVB_CLIENTS_SECRET],
                                  apr_pool_t *p, const char **err)
{
    transfer *t = begin(path, NULL, NULL, 0, p);

    if (open_file(t) && walk(t)) {
        memcpy(secret, t->header.secret, SVB_CLIENTS_SECRET);
    }
    return end(t, err);
}

apr_status_t svb_save_read(const char *path, svb_records *records,
                           svb_clients *clients, apr_time_t now, apr_pool_t *p,
                           svb_save_result *result, const char **err)
{
    transfer *t = begin(path, records, clients, now, p);

    memset(result, 0, sizeof(*result));
    if (open_file(t) && walk(t)
        && ok(t,
              has_secret(clients, t->header.secret) ? APR_SUCCESS : APR_EINVAL,
              "has another secret than the client table")) {
        restore(t, result);
    }
    return end(t, err);
}

/* ------- setting aside */

apr_status_t svb_save_set_aside(const char *path, apr_time_t now, apr_pool_t *p,
                                const char **to)
{
    apr_time_exp_t utc = {0};
    apr_finfo_t info;
    apr_status_t rv = apr_time_exp_gmt(&utc, now);
    const char *first = apr_psprintf(
        p, "%s.bad-%04d%02d%02d%02d%02d%02d", path, utc.tm_year + 1900,
        utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);

    for (int i = 1; i <= NAMES && rv == APR_SUCCESS; i++) {
        const char *name = i > 1 ? apr_psprintf(p, "%s-%d", first, i) : first;

        rv = apr_stat(&info, name, APR_FINFO_TYPE | APR_FINFO_LINK, p);
        if (APR_STATUS_IS_ENOENT(rv)) {
            rv = apr_file_rename(path, name, p);
            if (rv == APR_SUCCESS) {
                *to = name;
            }
            return rv;
        }
    }
    return rv == APR_SUCCESS ? APR_EEXIST : rv;
}
