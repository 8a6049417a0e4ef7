/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/records.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <apr_siphash.h>

/* Election counts decay in 1/256ths; times of day are kept in whole seconds. */
#define RECENT_ONE 256.0

/* Room to the right of such a count for what is lost by shifting it. */
#define DECAY_BITS 30

/* The names of all nodes are the administrator's own, so their hash needs no
 * secret; a fixed key gives the same record order on every start. */
static const unsigned char name_key[APR_SIPHASH_KSIZE] = "svb_fleet names";

#define CACHE_LINE 64
#define ALIGNED __attribute__((aligned(CACHE_LINE)))

/* One node: a line that elections read, more that requests write, the names. */
typedef struct {
    _Atomic uint64_t turn ALIGNED;       /* number of the last election */
    _Atomic uint64_t recent;             /* seconds << 32 | recent ones * 256 */
    _Atomic uint64_t epoch;              /* 16 bits; a new one: node is down */
    _Atomic uint64_t clients[SVB_KINDS]; /* changes | epoch << 32 | count */
    _Atomic uint64_t up_since;           /* time of day, 0 for always */
    _Atomic uint64_t admin ALIGNED;      /* what the administrator has set */
    _Atomic uint64_t maintenance;        /* until when; 0 is not at all */
    _Atomic uint64_t reach;              /* enum svb_reach */
    _Atomic uint64_t heard;              /* second of its last sign of life */
    _Atomic uint64_t warned;             /* time of the last warning about it */
    _Atomic uint64_t key;                /* hash of names; 0: a free record */
    _Atomic uint64_t named;              /* the names below are complete */
    _Atomic uint64_t state;              /* time of change << 8 | state + 1 */
    _Atomic uint64_t counters[SVB_COUNTERS];
    char fleet[SVB_NAME_MAX + 1] ALIGNED;
    char route[SVB_NAME_MAX + 1];
} node_rec;

/* One child's requests in flight. The row is held by the process of pid, or,
 * where pid is negative, by the process -pid that is clearing it. */
typedef struct {
    _Atomic int64_t pid ALIGNED; /* 0 is a free row, and always empty */
    _Atomic uint32_t next;       /* where to look for a free place */
    _Atomic uint64_t held[SVB_ROWS_HELD];
    _Atomic uint16_t in_flight[SVB_RECORDS_MAX];
} row_rec;

typedef struct {
    _Atomic uint64_t turns ALIGNED; /* number of the last election of all */
    node_rec nodes[SVB_RECORDS_MAX];
    row_rec rows[SVB_ROWS_MAX];
} region;

struct svb_records {
    region *shm;
};

apr_size_t svb_records_size(void)
{
    return sizeof(region);
}

apr_status_t svb_records_open(svb_records **fleet, void *mem, apr_pool_t *p)
{
    *fleet = apr_palloc(p, sizeof(**fleet));
    (*fleet)->shm = mem;
    return APR_SUCCESS;
}

/* The key of a node: never 0. The NUL between the names keeps "a"+"bc" apart
 * from "ab"+"c". */
static uint64_t node_key(const char *name, const char *route)
{
    char text[2 * (SVB_NAME_MAX + 1)];
    apr_size_t nlen = strlen(name) + 1, rlen = strlen(route) + 1;
    uint64_t key;

    memcpy(text, name, nlen);
    memcpy(text + nlen, route, rlen);
    key = apr_siphash24(text, nlen + rlen, name_key);
    return key ? key : 1;
}

/* Write the names of a claimed record, or find that another did. Two writers
 * write the same bytes, so it does not matter who is first, or killed. */
static void complete(node_rec *rec, const char *name, const char *route)
{
    if (!atomic_load_explicit(&rec->named, memory_order_acquire)) {
        strcpy(rec->fleet, name);
        strcpy(rec->route, route);
        atomic_store_explicit(&rec->named, 1, memory_order_release);
    }
}

static int names_fit(const char *name, const char *route)
{
    return *name && *route && strlen(name) <= SVB_NAME_MAX
           && strlen(route) <= SVB_NAME_MAX;
}

static int lookup(svb_records *fleet, const char *name, const char *route,
                  int add)
{
    uint64_t key, seen;
    int probe;

    if (!names_fit(name, route)) {
        return -1;
    }
    key = node_key(name, route);
    for (probe = 0; probe < SVB_RECORDS_MAX; probe++) {
        int node = (int)((key + (unsigned)probe) % SVB_RECORDS_MAX);
        node_rec *rec = &fleet->shm->nodes[node];

        seen = atomic_load(&rec->key);
        if (seen == 0) {
            if (!add) {
                return -1;
            }
            if (atomic_compare_exchange_strong(&rec->key, &seen, key)) {
                seen = key;
            }
        }
        if (seen != key) {
            continue;
        }
        complete(rec, name, route);
        if (strcmp(rec->route, route) == 0 && strcmp(rec->fleet, name) == 0) {
            return node;
        }
        /* Another node's names under the same 64-bit key: go on probing. */
    }
    return -1;
}

int svb_records_add(svb_records *fleet, const char *name, const char *route)
{
    return lookup(fleet, name, route, 1);
}

int svb_records_find(svb_records *fleet, const char *name, const char *route)
{
    return lookup(fleet, name, route, 0);
}

const char *svb_records_name(svb_records *fleet, int node)
{
    return fleet->shm->nodes[node].fleet;
}

const char *svb_records_route(svb_records *fleet, int node)
{
    return fleet->shm->nodes[node].route;
}

void svb_records_count(svb_records *fleet, int node, enum svb_counter counter)
{
    atomic_fetch_add_explicit(&fleet->shm->nodes[node].counters[counter], 1,
                              memory_order_relaxed);
}

apr_uint64_t svb_records_counter(svb_records *fleet, int node,
                                 enum svb_counter counter)
{
    return atomic_load_explicit(&fleet->shm->nodes[node].counters[counter],
                                memory_order_relaxed);
}

void svb_records_set_counter(svb_records *fleet, int node,
                             enum svb_counter counter, apr_uint64_t value)
{
    atomic_store(&fleet->shm->nodes[node].counters[counter], value);
}

int svb_records_used(svb_records *fleet, int node)
{
    /* Names come right after the key; a record without them is nobody's yet. */
    return atomic_load_explicit(&fleet->shm->nodes[node].named,
                                memory_order_acquire)
           != 0;
}

apr_uint64_t svb_records_admin(svb_records *fleet, int node)
{
    return atomic_load(&fleet->shm->nodes[node].admin);
}

void svb_records_set_admin(svb_records *fleet, int node, apr_uint64_t word)
{
    atomic_store(&fleet->shm->nodes[node].admin, word);
}

/* The count after a while. An election asks for that of every node, so this is
 * exp2() in short: whole half-lives shift the count, and what remains is off by
 * less than 0.3 percent. */
static double decay(uint64_t word, apr_time_t now,
                    apr_interval_time_t half_life)
{
    apr_int64_t age = apr_time_sec(now) - (apr_int64_t)(word >> 32);
    uint64_t count = (uint64_t)(uint32_t)word << DECAY_BITS;
    double lives =
        age > 0 ? (double)apr_time_from_sec(age) / (double)half_life : 0;
    double part;

    if (lives > 63) {
        return 0;
    }
    part = lives - (double)(int)lives;
    return (double)(count >> (int)lives) * (1 - part * (0.67 - 0.17 * part))
           * (1 / (RECENT_ONE * ((uint64_t)1 << DECAY_BITS)));
}

void svb_records_elected(svb_records *fleet, int node, apr_time_t now,
                         apr_interval_time_t half_life)
{
    node_rec *rec = &fleet->shm->nodes[node];
    uint64_t seen = atomic_load(&rec->recent), next;
    double count;

    do {
        count = (decay(seen, now, half_life) + 1) * RECENT_ONE;
        next = ((uint64_t)apr_time_sec(now) << 32)
               | (uint32_t)(count < UINT32_MAX ? lrint(count) : UINT32_MAX);
    } while (!atomic_compare_exchange_weak(&rec->recent, &seen, next));
    atomic_store(&rec->turn, atomic_fetch_add(&fleet->shm->turns, 1) + 1);
}

double svb_records_recent(svb_records *fleet, int node, apr_time_t now,
                          apr_interval_time_t half_life)
{
    return decay(atomic_load(&fleet->shm->nodes[node].recent), now, half_life);
}

apr_uint64_t svb_records_last_turn(svb_records *fleet, int node)
{
    return atomic_load(&fleet->shm->nodes[node].turn);
}

int svb_records_note_state(svb_records *fleet, int node, int state,
                           apr_time_t now)
{
    node_rec *rec = &fleet->shm->nodes[node];
    uint64_t seen = atomic_load(&rec->state);
    uint64_t next = ((uint64_t)now << 8) | ((uint64_t)state + 1);

    do {
        if ((seen & 0xff) == ((uint64_t)state + 1)) {
            return state;
        }
    } while (!atomic_compare_exchange_weak(&rec->state, &seen, next));
    return (int)(seen & 0xff) - 1;
}

int svb_records_state(svb_records *fleet, int node)
{
    return (int)(atomic_load(&fleet->shm->nodes[node].state) & 0xff) - 1;
}

void svb_records_set_up_since(svb_records *fleet, int node, apr_time_t when)
{
    atomic_store(&fleet->shm->nodes[node].up_since, (uint64_t)when);
}

apr_time_t svb_records_up_since(svb_records *fleet, int node)
{
    return (apr_time_t)atomic_load(&fleet->shm->nodes[node].up_since);
}

apr_time_t svb_records_last_change(svb_records *fleet, int node)
{
    return (apr_time_t)(atomic_load(&fleet->shm->nodes[node].state) >> 8);
}

apr_time_t svb_records_maintenance(svb_records *fleet, int node)
{
    return (apr_time_t)atomic_load(&fleet->shm->nodes[node].maintenance);
}

void svb_records_set_maintenance(svb_records *fleet, int node, apr_time_t until)
{
    atomic_store(&fleet->shm->nodes[node].maintenance, (uint64_t)until);
}

const char *svb_records_reach_text(enum svb_reach reach)
{
    return reach == SVB_REACH_REFUSED ? "connection refused" : "timed out";
}

enum svb_reach svb_records_reach(svb_records *fleet, int node)
{
    return (enum svb_reach)atomic_load_explicit(&fleet->shm->nodes[node].reach,
                                                memory_order_relaxed);
}

enum svb_reach svb_records_set_reach(svb_records *fleet, int node,
                                     enum svb_reach reach)
{
    return (enum svb_reach)atomic_exchange(&fleet->shm->nodes[node].reach,
                                           (uint64_t)reach);
}

/* Written by every answer, so only when the second is another. */
void svb_records_hear(svb_records *fleet, int node, apr_time_t now)
{
    _Atomic uint64_t *word = &fleet->shm->nodes[node].heard;
    uint64_t second = (uint64_t)apr_time_sec(now);

    if (atomic_load_explicit(word, memory_order_relaxed) < second) {
        atomic_store_explicit(word, second, memory_order_relaxed);
    }
}

apr_time_t svb_records_heard(svb_records *fleet, int node)
{
    return apr_time_from_sec(
        (apr_time_t)atomic_load(&fleet->shm->nodes[node].heard));
}

int svb_records_claim_trial(svb_records *fleet, int node, apr_time_t now,
                            apr_time_t until)
{
    _Atomic uint64_t *word = &fleet->shm->nodes[node].maintenance;
    uint64_t seen = atomic_load(word);

    return seen != 0 && (apr_time_t)seen <= now
           && atomic_compare_exchange_strong(word, &seen, (uint64_t)until);
}

int svb_records_may_warn(svb_records *fleet, int node, apr_time_t now,
                         apr_interval_time_t every)
{
    _Atomic uint64_t *warned = &fleet->shm->nodes[node].warned;
    uint64_t seen = atomic_load(warned);

    return (seen == 0 || now >= (apr_time_t)seen + every)
           && atomic_compare_exchange_strong(warned, &seen, (uint64_t)now);
}

unsigned svb_records_epoch(svb_records *fleet, int node)
{
    return atomic_load(&fleet->shm->nodes[node].epoch) & 0xffff;
}

void svb_records_next_epoch(svb_records *fleet, int node)
{
    atomic_fetch_add(&fleet->shm->nodes[node].epoch, 1);
}

/* A count whose epoch is not the node's is one of zero. Whoever reads the
 * epoch right before it changes can only write a word that is void. */
static unsigned count_in(uint64_t word, unsigned epoch)
{
    return (word >> 32 & 0xffff) == epoch ? (unsigned)word : 0;
}

/* The topmost 16 bits say how many changes there have been. */
static uint64_t count_word(uint64_t word, unsigned changes, unsigned epoch,
                           unsigned count)
{
    return ((word >> 48) + changes) << 48 | (uint64_t)epoch << 32 | count;
}

void svb_records_clients_add(svb_records *fleet, int node, unsigned epoch,
                             enum svb_kind kind, int delta)
{
    _Atomic uint64_t *word = &fleet->shm->nodes[node].clients[kind];
    uint64_t seen = atomic_load(word), next;
    int64_t count;

    do {
        if (epoch != svb_records_epoch(fleet, node)) {
            return;
        }
        count = (int64_t)count_in(seen, epoch) + delta;
        next = count_word(seen, (unsigned)abs(delta), epoch,
                          (unsigned)(count > 0 ? count : 0));
    } while (!atomic_compare_exchange_weak(word, &seen, next));
}

apr_uint64_t svb_records_clients_mark(svb_records *fleet, int node,
                                      enum svb_kind kind)
{
    uint64_t word = atomic_load(&fleet->shm->nodes[node].clients[kind]);
    unsigned epoch = svb_records_epoch(fleet, node);

    return count_word(word, 0, epoch, count_in(word, epoch));
}

void svb_records_clients_correct(svb_records *fleet, int node,
                                 enum svb_kind kind, apr_uint64_t mark,
                                 unsigned own, unsigned count)
{
    _Atomic uint64_t *word = &fleet->shm->nodes[node].clients[kind];
    uint64_t seen = atomic_load(word), next;
    unsigned epoch = mark >> 32 & 0xffff, changes, cached;

    do {
        changes = ((seen >> 48) - (mark >> 48) - own) & 0xffff;
        cached = count_in(seen, epoch);
        if (epoch != svb_records_epoch(fleet, node)
            || (count > cached ? count - cached : cached - count) <= changes) {
            return;
        }
        next = count_word(seen, 1, epoch, count);
    } while (!atomic_compare_exchange_weak(word, &seen, next));
}

unsigned svb_records_clients(svb_records *fleet, int node, enum svb_kind kind)
{
    return count_in(atomic_load(&fleet->shm->nodes[node].clients[kind]),
                    svb_records_epoch(fleet, node));
}

unsigned svb_records_clients_all(svb_records *fleet, int node)
{
    const node_rec *rec = &fleet->shm->nodes[node];
    unsigned epoch = svb_records_epoch(fleet, node), sum = 0;
    int kind;

    for (kind = 0; kind < SVB_KINDS; kind++) {
        sum += count_in(atomic_load(&rec->clients[kind]), epoch);
    }
    return sum;
}

void svb_records_look(svb_records *fleet, int node, apr_time_t now,
                      apr_interval_time_t half_life, svb_records_load *load)
{
    const node_rec *rec = &fleet->shm->nodes[node];

    load->clients = svb_records_clients_all(fleet, node);
    load->recent = decay(atomic_load(&rec->recent), now, half_life);
    load->last_turn = atomic_load(&rec->turn);
    load->up_since = (apr_time_t)atomic_load(&rec->up_since);
}

/* Look before writing: most of a row was never touched, and an untouched page
 * of shared memory costs nothing. */
static void row_clear(row_rec *row)
{
    int i;

    for (i = 0; i < SVB_RECORDS_MAX; i++) {
        if (atomic_load_explicit(&row->in_flight[i], memory_order_relaxed)) {
            atomic_store(&row->in_flight[i], 0);
        }
    }
    for (i = 0; i < SVB_ROWS_HELD; i++) {
        if (atomic_load_explicit(&row->held[i], memory_order_relaxed)) {
            atomic_store(&row->held[i], 0);
        }
    }
}

/* May this process take the row? Its own pid on it is a dead child's that had
 * the same one before. */
static int can_take(int64_t holder, apr_int64_t pid, svb_rows_alive_fn *alive)
{
    apr_int64_t owner = holder < 0 ? -holder : holder;

    return owner == 0 || owner == pid || !alive(owner);
}

int svb_rows_claim(svb_records *fleet, apr_int64_t pid,
                   svb_rows_alive_fn *alive)
{
    int i;

    for (i = 1; i < SVB_ROWS_MAX; i++) {
        row_rec *row = &fleet->shm->rows[i];
        int64_t holder = atomic_load(&row->pid);

        if (can_take(holder, pid, alive)
            && atomic_compare_exchange_strong(&row->pid, &holder, pid)) {
            row_clear(row);
            return i;
        }
    }
    return 0;
}

void svb_rows_free(svb_records *fleet, int row, apr_int64_t pid)
{
    row_rec *rec = &fleet->shm->rows[row];
    int64_t holder = pid;

    if (row > 0 && atomic_load(&rec->pid) == pid) {
        row_clear(rec);
        atomic_compare_exchange_strong(&rec->pid, &holder, 0);
    }
}

void svb_rows_sweep(svb_records *fleet, apr_int64_t pid,
                    svb_rows_alive_fn *alive)
{
    int i;

    for (i = 1; i < SVB_ROWS_MAX; i++) {
        row_rec *row = &fleet->shm->rows[i];
        int64_t holder = atomic_load(&row->pid);

        /* Hold the row while clearing it, or a child that claims it meanwhile
         * would lose what it counts. Our own row is in use. */
        if (holder != 0 && holder != pid && can_take(holder, pid, alive)
            && atomic_compare_exchange_strong(&row->pid, &holder, -pid)) {
            row_clear(row);
            atomic_store(&row->pid, 0);
        }
    }
}

void svb_rows_enter(svb_records *fleet, int row, int node)
{
    atomic_fetch_add_explicit(&fleet->shm->rows[row].in_flight[node], 1,
                              memory_order_relaxed);
}

void svb_rows_leave(svb_records *fleet, int row, int node)
{
    atomic_fetch_sub_explicit(&fleet->shm->rows[row].in_flight[node], 1,
                              memory_order_relaxed);
}

/* Rows of nobody are empty; not reading them leaves them untouched. */
static int is_in_use(const svb_records *fleet, int row)
{
    return row == 0
           || atomic_load_explicit(&fleet->shm->rows[row].pid,
                                   memory_order_relaxed)
                  != 0;
}

int svb_rows_hold(svb_records *fleet, int row, apr_uint64_t id)
{
    row_rec *rec = &fleet->shm->rows[row];
    uint32_t start =
        atomic_fetch_add_explicit(&rec->next, 1, memory_order_relaxed);
    uint32_t i;

    for (i = 0; i < SVB_ROWS_HELD; i++) {
        uint32_t place = (start + i) % SVB_ROWS_HELD;
        uint64_t none = 0;

        if (atomic_compare_exchange_strong(&rec->held[place], &none, id)) {
            return (int)place;
        }
    }
    return -1;
}

void svb_rows_release(svb_records *fleet, int row, int place)
{
    if (place >= 0) {
        atomic_store(&fleet->shm->rows[row].held[place], 0);
    }
}

void svb_rows_held(svb_records *fleet, svb_rows_held_fn *fn, void *baton)
{
    int i, place;

    for (i = 0; i < SVB_ROWS_MAX; i++) {
        row_rec *rec = &fleet->shm->rows[i];

        for (place = 0; is_in_use(fleet, i) && place < SVB_ROWS_HELD; place++) {
            uint64_t id =
                atomic_load_explicit(&rec->held[place], memory_order_relaxed);

            if (id) {
                fn(baton, id);
            }
        }
    }
}

unsigned svb_rows_in_flight(svb_records *fleet, int node)
{
    unsigned sum = 0;
    int i;

    for (i = 0; i < SVB_ROWS_MAX; i++) {
        if (is_in_use(fleet, i)) {
            sum += atomic_load_explicit(&fleet->shm->rows[i].in_flight[node],
                                        memory_order_relaxed);
        }
    }
    return sum;
}
