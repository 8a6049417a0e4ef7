/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/save.h"

#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_siphash.h>
#include <apr_strings.h>
#include <apr_user.h>

#define VERSION 1
#define BLOCK 8192
#define NAME_SIZE (SVB_NAME_MAX + 1)

#define MAGIC_SIZE 8
#define START_SIZE (MAGIC_SIZE + 4) /* what all versions begin with */
#define HEADER_SIZE (START_SIZE + 4 + 8 + SVB_CLIENTS_SECRET)
#define NODE_SIZE (2 * NAME_SIZE + 8 + 8 * SVB_COUNTERS)
#define CLIENT_SIZE 16
#define COUNT_SIZE 8
#define SUM_SIZE 8

/* Those who may not read or write the file: its group and all others. */
#define OTHERS                                                                 \
    (APR_FPROT_GREAD | APR_FPROT_GWRITE | APR_FPROT_GEXECUTE | APR_FPROT_WREAD \
     | APR_FPROT_WWRITE | APR_FPROT_WEXECUTE)

/* Clients not seen for longer are dead. The table keeps seconds modulo 97 days
 * and would take one seen 98 days ago for one seen yesterday. */
#define LONGEST apr_time_from_sec(48 * 24 * 3600)

/* How many names to try for a file that is set aside. */
#define NAMES 100

static const unsigned char magic[MAGIC_SIZE] = {'s', 'v', 'b', '-',
                                                's', 'a', 'v', 'e'};

/* Whoever changes one of these has to raise VERSION. */
_Static_assert(SVB_NAME_MAX == 63, "length of a name in the file");
_Static_assert(SVB_CLIENTS_SECRET == 16, "length of the secret in the file");
_Static_assert(SVB_COUNTERS == 7, "number of counters in the file");
_Static_assert(SVB_RECORDS_MAX <= 0x10000, "a node's number has 16 bits");
_Static_assert(SVB_KINDS == 4 && SVB_KIND_WEB == 1 && SVB_KIND_SMART == 2
                   && SVB_KIND_ASSUMED == 3,
               "kinds in the file");

/* --- numbers and the checksum --- */

static void put_number(unsigned char *to, apr_uint64_t number, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        to[i] = (unsigned char)(number >> 8 * i);
    }
}

static apr_uint64_t number_at(const unsigned char *from, int bytes)
{
    apr_uint64_t number = 0;

    for (int i = 0; i < bytes; i++) {
        number |= (apr_uint64_t)from[i] << 8 * i;
    }
    return number;
}

/* The checksum of what was before and one more block. */
static apr_uint64_t sum_with(apr_uint64_t sum, const unsigned char *block,
                             apr_size_t len)
{
    unsigned char key[APR_SIPHASH_KSIZE] = "svb_save";

    put_number(key + 8, sum, 8);
    return apr_siphash24(block, len, key);
}

/* --- writing --- */

/* What is to be written, a block at a time. After an error nothing more is. */
typedef struct {
    apr_file_t *file;
    apr_status_t rv;
    apr_uint64_t sum;
    apr_size_t len; /* bytes in the block */
    unsigned char block[BLOCK];
    int number_of[SVB_RECORDS_MAX]; /* the node's in the file, or -1 */
} writer;

static void flush(writer *w)
{
    if (w->len > 0 && w->rv == APR_SUCCESS) {
        w->sum = sum_with(w->sum, w->block, w->len);
        w->rv = apr_file_write_full(w->file, w->block, w->len, NULL);
    }
    w->len = 0;
}

static void put(writer *w, const unsigned char *data, apr_size_t len)
{
    while (len > 0) {
        apr_size_t n = len < BLOCK - w->len ? len : BLOCK - w->len;

        memcpy(w->block + w->len, data, n);
        w->len += n;
        data += n;
        len -= n;
        if (w->len == BLOCK) {
            flush(w);
        }
    }
}

static void put_header(writer *w, svb_records *fleet,
                       const unsigned char *secret, apr_time_t now)
{
    unsigned char raw[HEADER_SIZE];
    int nodes = 0;

    /* A node that is added from now on is not in this file. */
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        w->number_of[node] = svb_records_used(fleet, node) ? nodes++ : -1;
    }
    memcpy(raw, magic, MAGIC_SIZE);
    put_number(raw + 8, VERSION, 4);
    put_number(raw + 12, (apr_uint64_t)nodes, 4);
    put_number(raw + 16, (apr_uint64_t)now, 8);
    memcpy(raw + 24, secret, SVB_CLIENTS_SECRET);
    put(w, raw, sizeof(raw));
}

static void put_node(writer *w, svb_records *fleet, int node)
{
    unsigned char raw[NODE_SIZE] = {0};
    unsigned char *words = raw + 2 * NAME_SIZE;

    apr_cpystrn((char *)raw, svb_records_name(fleet, node), NAME_SIZE);
    apr_cpystrn((char *)raw + NAME_SIZE, svb_records_route(fleet, node),
                NAME_SIZE);
    put_number(words, svb_records_get(fleet, node, SVB_WORD_ADMIN), 8);
    for (int i = 0; i < SVB_COUNTERS; i++) {
        put_number(words + 8 + 8 * i, svb_records_counter(fleet, node, i), 8);
    }
    put(w, raw, sizeof(raw));
}

/* In the 32 bits that the file has for them, which last until 2106. */
static apr_uint64_t seconds_of(apr_time_t time)
{
    apr_int64_t seconds = apr_time_sec(time);

    if (seconds < 0) {
        return 0;
    }
    return seconds > UINT32_MAX ? UINT32_MAX : (apr_uint64_t)seconds;
}

/* @return how many there were */
static apr_uint64_t put_clients(writer *w, svb_clients *clients, apr_time_t now)
{
    unsigned char raw[CLIENT_SIZE] = {0};
    apr_uint64_t count = 0;
    apr_size_t pos = 0;
    svb_client client;

    while (w->rv == APR_SUCCESS
           && svb_clients_next(clients, &pos, now, &client)) {
        int number = w->number_of[client.node];

        if (number >= 0 && client.kind != SVB_KIND_PENDING && client.id != 0) {
            put_number(raw, client.id, 8);
            put_number(raw + 8, (apr_uint64_t)number, 2);
            raw[10] = (unsigned char)client.kind;
            put_number(raw + 12, seconds_of(client.seen), 4);
            put(w, raw, sizeof(raw));
            count++;
        }
    }
    return count;
}

static apr_status_t write_all(writer *w, svb_records *fleet,
                              svb_clients *clients, const unsigned char *secret,
                              apr_time_t now)
{
    unsigned char raw[8];

    put_header(w, fleet, secret, now);
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (w->number_of[node] >= 0) {
            put_node(w, fleet, node);
        }
    }
    put_number(raw, put_clients(w, clients, now), COUNT_SIZE);
    put(w, raw, COUNT_SIZE);
    flush(w);
    put_number(raw, w->sum, SUM_SIZE);
    if (w->rv == APR_SUCCESS) {
        w->rv = apr_file_write_full(w->file, raw, SUM_SIZE, NULL);
    }
    return w->rv == APR_SUCCESS ? apr_file_sync(w->file) : w->rv;
}

/* Create the file anew. A link is removed by its name, not followed. */
static apr_status_t create(apr_file_t **file, const char *name, apr_pool_t *p)
{
    apr_status_t rv = apr_file_remove(name, p);

    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv)) {
        return rv;
    }
    return apr_file_open(file, name,
                         APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_EXCL
                             | APR_FOPEN_BINARY,
                         APR_FPROT_UREAD | APR_FPROT_UWRITE, p);
}

/* Is that still the name of this file? Another process that writes as well will
 * have made it the name of its own. */
static int is_named(apr_file_t *file, const char *name, apr_pool_t *p)
{
    apr_finfo_t open, named;

    return apr_file_info_get(&open, APR_FINFO_IDENT, file) == APR_SUCCESS
           && apr_stat(&named, name, APR_FINFO_IDENT | APR_FINFO_LINK, p)
                  == APR_SUCCESS
           && open.device == named.device && open.inode == named.inode;
}

apr_status_t svb_save_write(const char *path, svb_records *fleet,
                            svb_clients *clients,
                            const unsigned char secret[SVB_CLIENTS_SECRET],
                            apr_time_t now, apr_pool_t *p, const char **err)
{
    apr_status_t rv;
    apr_pool_t *sub;
    const char *temp;
    writer *w;

    apr_pool_create(&sub, p);
    temp = apr_pstrcat(sub, path, ".new", NULL);
    w = apr_pcalloc(sub, sizeof(*w));

    *err = "cannot be saved: its temporary file cannot be created";
    if ((rv = create(&w->file, temp, sub)) != APR_SUCCESS) {
        goto leave;
    }
    *err = "cannot be saved: its temporary file cannot be written";
    if ((rv = write_all(w, fleet, clients, secret, now)) != APR_SUCCESS) {
        goto leave;
    }
    if (!is_named(w->file, temp, sub)) {
        *err = "is being saved by another process too";
        rv = APR_EBUSY;
        goto leave;
    }
    *err = "cannot be saved: its temporary file cannot be renamed";
    if ((rv = apr_file_rename(temp, path, sub)) == APR_SUCCESS) {
        *err = NULL;
    }
leave:
    if (rv != APR_SUCCESS && w->file && is_named(w->file, temp, sub)) {
        apr_file_remove(temp, sub);
    }
    apr_pool_destroy(sub);
    return rv;
}

/* --- reading --- */

/* A file that is being read, a block at a time. */
typedef struct {
    apr_file_t *file;
    apr_pool_t *p;   /* for error texts */
    const char *err; /* NULL: the status tells */

    apr_off_t size;
    apr_off_t left; /* bytes before the checksum and after the block */
    apr_uint64_t sum;
    apr_size_t pos, len; /* where to go on in the block; bytes in it */
    unsigned char block[BLOCK];

    apr_time_t saved;
    unsigned char secret[SVB_CLIENTS_SECRET];
    unsigned nodes;
    apr_uint64_t clients;
    unsigned char has_clients[SVB_RECORDS_MAX];
} reader;

/* Where to restore what is read. */
typedef struct {
    svb_records *fleet;
    svb_clients *clients;
    apr_time_t now;
    int taken;                    /* records of the fleet that are */
    int node_of[SVB_RECORDS_MAX]; /* in the fleet; -1 where there was no room */
    svb_save_result *result;
} target;

static apr_status_t bad(reader *r, const char *why)
{
    r->err = why;
    return APR_EGENERAL;
}

static apr_status_t get(reader *r, unsigned char *data, apr_size_t len)
{
    while (len > 0) {
        apr_size_t n = r->len - r->pos;

        if (n == 0) {
            apr_status_t rv;

            r->pos = 0;
            r->len = r->left < BLOCK ? (apr_size_t)r->left : BLOCK;
            r->left -= (apr_off_t)r->len;
            rv = r->len > 0
                     ? apr_file_read_full(r->file, r->block, r->len, NULL)
                     : APR_EOF;
            if (rv != APR_SUCCESS) {
                r->len = 0;
                return rv == APR_EOF ? bad(r, "is cut short") : rv;
            }
            r->sum = sum_with(r->sum, r->block, r->len);
            continue;
        }
        n = n < len ? n : len;
        memcpy(data, r->block + r->pos, n);
        r->pos += n;
        data += n;
        len -= n;
    }
    return APR_SUCCESS;
}

static apr_status_t get_header(reader *r)
{
    unsigned char raw[HEADER_SIZE];
    apr_status_t rv = get(r, raw, START_SIZE);
    apr_off_t rest;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (memcmp(raw, magic, MAGIC_SIZE) != 0) {
        return bad(r, "was not written by this module");
    }
    if (number_at(raw + 8, 4) != VERSION) {
        r->err = apr_psprintf(r->p, "has version %u, where %d is known",
                              (unsigned)number_at(raw + 8, 4), VERSION);
        return SVB_SAVE_EVERSION;
    }
    if ((rv = get(r, raw + START_SIZE, HEADER_SIZE - START_SIZE))) {
        return rv;
    }
    r->nodes = (unsigned)number_at(raw + 12, 4);
    r->saved = (apr_time_t)number_at(raw + 16, 8);
    memcpy(r->secret, raw + 24, SVB_CLIENTS_SECRET);
    if (r->nodes > SVB_RECORDS_MAX || r->saved < 0) {
        return bad(r, "has a damaged header");
    }
    rest = r->size - HEADER_SIZE - (apr_off_t)r->nodes * NODE_SIZE - COUNT_SIZE
           - SUM_SIZE;
    if (rest < 0 || rest % CLIENT_SIZE != 0) {
        return bad(r, "does not have the length that its header says");
    }
    r->clients = (apr_uint64_t)(rest / CLIENT_SIZE);
    return APR_SUCCESS;
}

/* Not empty, and NULs from the first one on. */
static int is_name(const unsigned char *raw)
{
    apr_size_t len = strnlen((const char *)raw, NAME_SIZE);

    for (apr_size_t i = len; i < NAME_SIZE; i++) {
        if (raw[i] != 0) {
            return 0;
        }
    }
    return len > 0 && len < NAME_SIZE;
}

static void restore_node(target *t, unsigned number, const unsigned char *raw,
                         int has_clients)
{
    const char *name = (const char *)raw;
    const char *route = (const char *)raw + NAME_SIZE;
    const unsigned char *words = raw + 2 * NAME_SIZE;
    apr_uint64_t admin = number_at(words, 8);
    int node = svb_records_find(t->fleet, name, route);

    if (node < 0 && (has_clients || admin || t->taken < SVB_RECORDS_MAX / 2)) {
        node = svb_records_add(t->fleet, name, route);
        t->taken += node >= 0;
    }
    t->node_of[number] = node;
    if (node < 0) {
        t->result->nodes_skipped++;
        return;
    }
    t->result->nodes++;
    svb_records_set(t->fleet, node, SVB_WORD_ADMIN, admin);
    for (int i = 0; i < SVB_COUNTERS; i++) {
        svb_records_set_counter(t->fleet, node, i,
                                number_at(words + 8 + 8 * i, 8));
    }
}

static apr_status_t get_nodes(reader *r, target *t)
{
    for (unsigned number = 0; number < r->nodes; number++) {
        unsigned char raw[NODE_SIZE];
        apr_status_t rv = get(r, raw, sizeof(raw));

        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (!is_name(raw) || !is_name(raw + NAME_SIZE)) {
            return bad(r, "has a damaged name of a node");
        }
        if (t) {
            restore_node(t, number, raw, r->has_clients[number]);
        }
    }
    return APR_SUCCESS;
}

static void restore_client(target *t, svb_client client)
{
    client.node = t->node_of[client.node];
    if (client.node >= 0 && t->now - client.seen <= LONGEST) {
        if (client.seen > t->now) {
            client.seen = t->now;
        }
        svb_clients_restore(t->clients, &client, t->now);
    }
}

static apr_status_t get_clients(reader *r, target *t)
{
    for (apr_uint64_t i = 0; i < r->clients; i++) {
        unsigned char raw[CLIENT_SIZE];
        apr_status_t rv = get(r, raw, sizeof(raw));
        svb_client client;

        if (rv != APR_SUCCESS) {
            return rv;
        }
        client.id = number_at(raw, 8);
        client.node = (int)number_at(raw + 8, 2);
        client.kind = raw[10];
        client.seen = apr_time_from_sec((apr_time_t)number_at(raw + 12, 4));
        if (client.id == 0 || client.node >= (int)r->nodes || raw[11] != 0
            || raw[10] == SVB_KIND_PENDING || raw[10] >= SVB_KINDS) {
            return bad(r, "has a damaged client");
        }
        r->has_clients[client.node] = 1;
        if (t) {
            restore_client(t, client);
        }
    }
    return APR_SUCCESS;
}

static apr_status_t get_trailer(reader *r)
{
    unsigned char raw[COUNT_SIZE], sum[SUM_SIZE];
    apr_status_t rv = get(r, raw, COUNT_SIZE);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (number_at(raw, COUNT_SIZE) != r->clients) {
        return bad(r, "does not have as many clients as it says");
    }
    rv = apr_file_read_full(r->file, sum, SUM_SIZE, NULL);
    if (rv != APR_SUCCESS) {
        return rv == APR_EOF ? bad(r, "is cut short") : rv;
    }
    return number_at(sum, SUM_SIZE) == r->sum
               ? APR_SUCCESS
               : bad(r, "is damaged: its checksum is wrong");
}

/* Read the file from its beginning to its end.
 * @param t where to restore what it says, or NULL to verify it only */
static apr_status_t walk(reader *r, target *t)
{
    apr_off_t start = 0;
    apr_status_t rv = apr_file_seek(r->file, APR_SET, &start);

    r->left = r->size > SUM_SIZE ? r->size - SUM_SIZE : 0;
    r->pos = r->len = 0;
    r->sum = 0;
    if (rv != APR_SUCCESS || (rv = get_header(r)) != APR_SUCCESS
        || (rv = get_nodes(r, t)) != APR_SUCCESS
        || (rv = get_clients(r, t)) != APR_SUCCESS) {
        return rv;
    }
    return get_trailer(r);
}

/* Is it ours alone? */
static apr_status_t check_owner(reader *r, const apr_finfo_t *info,
                                apr_pool_t *sub)
{
    apr_status_t rv;
    apr_uid_t uid;
    apr_gid_t gid;

    if ((rv = apr_uid_current(&uid, &gid, sub)) != APR_SUCCESS) {
        return rv;
    }
    if (info->user != 0 && apr_uid_compare(info->user, uid) != APR_SUCCESS) {
        r->err = "belongs neither to the server's user nor to root";
        return SVB_SAVE_EUNSAFE;
    }
    if (info->protection & OTHERS) {
        r->err = "can be read or written by others than its owner";
        return SVB_SAVE_EUNSAFE;
    }
    return APR_SUCCESS;
}

static apr_status_t open_file(reader *r, const char *path, apr_pool_t *sub)
{
    apr_finfo_t info;
    apr_status_t rv;

    /* Look before opening, which may have effects where it is no file. */
    rv = apr_stat(&info, path, APR_FINFO_TYPE | APR_FINFO_LINK, sub);
    if (rv == APR_SUCCESS && info.filetype != APR_REG) {
        return bad(r, "is not a regular file");
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_open(
            &r->file, path,
            APR_FOPEN_READ | APR_FOPEN_BINARY | APR_FOPEN_NONBLOCK, 0, sub);
    }
    if (rv != APR_SUCCESS) {
        r->err =
            APR_STATUS_IS_ENOENT(rv) ? "does not exist" : "cannot be opened";
        return rv;
    }
    rv = apr_file_info_get(&info,
                           APR_FINFO_TYPE | APR_FINFO_SIZE | APR_FINFO_OWNER
                               | APR_FINFO_PROT,
                           r->file);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (info.filetype != APR_REG) {
        return bad(r, "is not a regular file");
    }
    r->size = info.size;
    rv = check_owner(r, &info, sub);
    return rv == APR_SUCCESS && r->size == 0 ? bad(r, "is empty") : rv;
}

/* Open the file and verify it.
 * @param r   the reader, from sub, with which it may be walked through again
 * @param err set where it cannot be read */
static apr_status_t verify(reader **r, const char *path, apr_pool_t *sub,
                           apr_pool_t *p, const char **err)
{
    apr_status_t rv;

    *r = apr_pcalloc(sub, sizeof(**r));
    (*r)->p = p;
    rv = open_file(*r, path, sub);
    if (rv == APR_SUCCESS) {
        rv = walk(*r, NULL);
    }
    *err = rv == APR_SUCCESS ? NULL : (*r)->err ? (*r)->err : "cannot be read";
    return rv;
}

apr_status_t svb_save_read_secret(const char *path,
                                  unsigned char secret[SVB_CLIENTS_SECRET],
                                  apr_pool_t *p, const char **err)
{
    apr_status_t rv;
    apr_pool_t *sub;
    reader *r;

    apr_pool_create(&sub, p);
    rv = verify(&r, path, sub, p, err);
    if (rv == APR_SUCCESS) {
        memcpy(secret, r->secret, SVB_CLIENTS_SECRET);
    }
    apr_pool_destroy(sub);
    return rv;
}

/* Would the table find the clients of this file? */
static int has_secret(const svb_clients *clients, const unsigned char *secret)
{
    apr_uint64_t id = apr_siphash24("secret", 6, secret);

    return svb_clients_id(clients, "secret", 6) == (id ? id : 1);
}

static apr_status_t restore(reader *r, target *t)
{
    apr_size_t before = svb_clients_count(t->clients), after;
    apr_status_t rv;

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        t->taken += svb_records_used(t->fleet, node) != 0;
    }
    t->result->saved = r->saved;
    rv = walk(r, t);
    after = svb_clients_count(t->clients);
    t->result->clients = after > before ? after - before : 0;
    t->result->skipped =
        r->clients > t->result->clients ? r->clients - t->result->clients : 0;
    return rv;
}

apr_status_t svb_save_read(const char *path, svb_records *fleet,
                           svb_clients *clients, apr_time_t now, apr_pool_t *p,
                           svb_save_result *result, const char **err)
{
    apr_status_t rv;
    apr_pool_t *sub;
    reader *r;
    target *t;

    memset(result, 0, sizeof(*result));
    apr_pool_create(&sub, p);
    if ((rv = verify(&r, path, sub, p, err)) != APR_SUCCESS) {
        goto leave;
    }
    if (!has_secret(clients, r->secret)) {
        *err = "has another secret than the client table";
        rv = APR_EINVAL;
        goto leave;
    }
    t = apr_pcalloc(sub, sizeof(*t));
    t->fleet = fleet;
    t->clients = clients;
    t->now = now;
    t->result = result;
    if ((rv = restore(r, t)) != APR_SUCCESS) {
        *err = r->err ? "was changed while it was read" : "cannot be read";
    }
leave:
    apr_pool_destroy(sub);
    return rv;
}

apr_status_t svb_save_set_aside(const char *path, apr_time_t now, apr_pool_t *p,
                                const char **to)
{
    apr_time_exp_t utc;
    apr_finfo_t info;
    apr_status_t rv = apr_time_exp_gmt(&utc, now);
    const char *name, *first;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    first = apr_psprintf(p, "%s.bad-%04d%02d%02d%02d%02d%02d", path,
                         utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                         utc.tm_hour, utc.tm_min, utc.tm_sec);
    name = first;
    for (int i = 2; i <= NAMES; i++) {
        rv = apr_stat(&info, name, APR_FINFO_TYPE | APR_FINFO_LINK, p);
        if (rv != APR_SUCCESS) {
            break;
        }
        name = apr_psprintf(p, "%s-%d", first, i);
    }
    if (!APR_STATUS_IS_ENOENT(rv)) {
        return rv == APR_SUCCESS ? APR_EEXIST : rv;
    }
    rv = apr_file_rename(path, name, p);
    if (rv == APR_SUCCESS) {
        *to = name;
    }
    return rv;
}
