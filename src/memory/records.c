/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/records.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "memory/hash.h"
#include "memory/sealed.h"

#define CACHE_LINE 64
#define ALIGNED __attribute__((aligned(CACHE_LINE)))

/* A text as words that are written and read one by one. */
#define TEXT_WORDS ((SVB_RECORDS_TEXT + 1) / sizeof(apr_uint64_t))

/* The life of a record: its names are not complete yet; it is on its way from one node
 * to another; or by which generation it was last named, + 1. */
#define UNNAMED ((apr_uint64_t)0)
#define RETIRED UINT64_MAX

/* One node: what requests write, the names. */
typedef struct {
    _Atomic apr_uint64_t epoch ALIGNED; /* 16 bits; a new one: node is down */
    _Atomic apr_uint64_t clients[SVB_KINDS]; /* see count_word() */
    _Atomic apr_uint64_t words[SVB_WORDS];
    _Atomic apr_uint64_t key;   /* hash of names; 0: a free record */
    _Atomic apr_uint64_t fleet; /* index of its fleet's clock */
    _Atomic apr_uint64_t counters[SVB_COUNTERS];
    _Atomic apr_uint64_t
        members[SVB_RECORDS_MEMBERS]; /* keys; 0: a free slot */
    _Atomic apr_uint64_t texts[SVB_TEXTS][1 + TEXT_WORDS]; /* sealed */
    char name[SVB_NAME_MAX + 1] ALIGNED;                   /* the fleet's */
    char route[SVB_NAME_MAX + 1];
} node_rec;

/* What the nodes of a fleet have in common. Two fleets whose names have the same
 * hash would share it, and brake their nodes the less for it; so do fleets for which
 * none is left, when as many as there can be nodes have come and gone. */
typedef struct {
    _Atomic apr_uint64_t key;       /* hash of the name; 0: a free one */
    _Atomic apr_uint64_t elections; /* so far */
    _Atomic apr_uint64_t counters[SVB_FLEET_COUNTERS];
} clock_rec;

/* What is looked at of all nodes at once stands together: reading a page of shared
 * memory is what makes it exist. */
typedef struct {
    svb_brief briefs[SVB_RECORDS_MAX] ALIGNED;
    _Atomic apr_uint64_t lives[SVB_RECORDS_MAX]; /* see UNNAMED */
    node_rec nodes[SVB_RECORDS_MAX];
    clock_rec clocks[SVB_RECORDS_MAX];
} region;

struct svb_records {
    region *shm;
    unsigned generation;
};

apr_size_t svb_records_size(void)
{
    return sizeof(region);
}

apr_status_t svb_records_open(svb_records **records, void *mem, apr_pool_t *p)
{
    *records = apr_pcalloc(p, sizeof(**records));
    (*records)->shm = mem;
    return APR_SUCCESS;
}

void svb_records_begin(svb_records *records, unsigned generation)
{
    records->generation = generation;
}

/* The clock of a fleet, claimed where it has none yet. When all are taken, by fleets of
 * long ago, it shares one. */
static unsigned clock_of(region *shm, const char *name)
{
    apr_uint64_t key = svb_hash_node(name, "");

    for (unsigned i = 0; i < SVB_RECORDS_MAX; i++) {
        unsigned at = (unsigned)((key + i) % SVB_RECORDS_MAX);
        apr_uint64_t seen = 0;

        if (atomic_compare_exchange_strong(&shm->clocks[at].key, &seen, key)
            || seen == key) {
            return at;
        }
    }
    return (unsigned)(key % SVB_RECORDS_MAX);
}

static void write_names(region *shm, node_rec *rec, const char *name,
                        const char *route)
{
    strcpy(rec->name, name);
    strcpy(rec->route, route);
    atomic_store(&rec->fleet, clock_of(shm, name));
}

static int names_fit(const char *name, const char *route)
{
    return *name && *route && strlen(name) <= SVB_NAME_MAX
           && strlen(route) <= SVB_NAME_MAX;
}

/* What a search is for. */
typedef enum { TO_LOOK, TO_KEEP, TO_ADD } purpose;

/* Is it the record of these names? Where they are missing they are written: two who
 * do so write the same bytes, so it does not matter who is first, or killed. That it
 * is named is noted by a swap, which fails if the record is retired meanwhile. */
static int is_of(const svb_records *records, int node, const char *name,
                 const char *route, purpose why)
{
    node_rec *rec = &records->shm->nodes[node];
    _Atomic apr_uint64_t *named = &records->shm->lives[node];
    apr_uint64_t life = atomic_load(named), next;

    do {
        if (life == RETIRED) {
            return 0;
        }
        if (life == UNNAMED) {
            write_names(records->shm, rec, name, route);
        }
        else if (strcmp(rec->route, route) || strcmp(rec->name, name)) {
            return 0;
        }
        next = (apr_uint64_t)records->generation + 1;
        if (life >= next || (life != UNNAMED && why == TO_LOOK)) {
            return 1;
        }
    } while (!atomic_compare_exchange_weak(named, &life, next));
    return 1;
}

static int lookup(svb_records *records, const char *name, const char *route,
                  purpose why)
{
    apr_uint64_t key, seen;

    if (!names_fit(name, route)) {
        return -1;
    }
    key = svb_hash_node(name, route);
    for (int probe = 0; probe < SVB_RECORDS_MAX; probe++) {
        int node = (int)((key + (unsigned)probe) % SVB_RECORDS_MAX);
        node_rec *rec = &records->shm->nodes[node];

        seen = atomic_load(&rec->key);
        if (seen == 0) {
            if (why != TO_ADD) {
                return -1;
            }
            if (atomic_compare_exchange_strong(&rec->key, &seen, key)) {
                seen = key;
            }
        }
        /* Else another node's, perhaps under the same key: go on probing. */
        if (seen == key && is_of(records, node, name, route, why)) {
            return node;
        }
    }
    return -1;
}

int svb_records_add(svb_records *records, const char *name, const char *route)
{
    return lookup(records, name, route, TO_ADD);
}

int svb_records_keep(svb_records *records, const char *name, const char *route)
{
    return lookup(records, name, route, TO_KEEP);
}

int svb_records_find(svb_records *records, const char *name, const char *route)
{
    return lookup(records, name, route, TO_LOOK);
}

/* ------------------------------------------------------------------ used again */

/* Stands above all generations. */
#define LAST_OF_ALL ((apr_uint64_t)1 << 48)

/* When a record may go: the lower, the earlier; UINT64_MAX: it may not. One that was
 * claimed by somebody who died before the names were there is only known to be so
 * when nobody else is alive. */
static apr_uint64_t turn_to_go(const svb_records *records, int node,
                               unsigned oldest)
{
    const node_rec *rec = &records->shm->nodes[node];
    apr_uint64_t life = atomic_load(&records->shm->lives[node]);

    if (life == RETIRED) {
        return 0;
    }
    if (life == UNNAMED ? oldest < records->generation : life > oldest) {
        return UINT64_MAX;
    }
    return atomic_load(&rec->words[SVB_WORD_ADMIN]) ? LAST_OF_ALL + life : life;
}

static int first_to_go(const svb_records *records, unsigned oldest,
                       const unsigned char *held)
{
    apr_uint64_t earliest = UINT64_MAX;
    int first = -1;

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        apr_uint64_t turn =
            held[node] ? UINT64_MAX : turn_to_go(records, node, oldest);

        if (turn < earliest) {
            earliest = turn;
            first = node;
        }
    }
    return first;
}

/* @return whether it is retired now: not if a child has just named its node */
static int retire(_Atomic apr_uint64_t *named, unsigned oldest)
{
    apr_uint64_t life = atomic_load(named);

    return life == RETIRED
           || (life <= oldest
               && atomic_compare_exchange_strong(named, &life, RETIRED));
}

static void clear(_Atomic apr_uint64_t *words, apr_size_t n)
{
    for (apr_size_t i = 0; i < n; i++) {
        atomic_store(&words[i], 0);
    }
}

/* Steps 2 to 5. The counts of clients are void with their epoch. */
static void give(svb_records *records, int node, const char *name,
                 const char *route)
{
    node_rec *rec = &records->shm->nodes[node];

    svb_records_next_epoch(records, node);
    clear(&records->shm->briefs[node].turn, 1);
    clear(rec->words, SVB_WORDS);
    clear(rec->counters, SVB_COUNTERS);
    clear(rec->members, SVB_RECORDS_MEMBERS);
    for (int i = 0; i < SVB_TEXTS; i++) {
        clear(rec->texts[i], 1 + TEXT_WORDS);
    }
    atomic_store(&rec->key, svb_hash_node(name, route));
    write_names(records->shm, rec, name, route);
    atomic_store(&records->shm->lives[node],
                 (apr_uint64_t)records->generation + 1);
}

int svb_records_reuse(svb_records *records, const char *name, const char *route,
                      unsigned oldest, const unsigned char *held)
{
    int node;

    if (!names_fit(name, route)) {
        return -1;
    }
    while ((node = first_to_go(records, oldest, held)) >= 0) {
        if (retire(&records->shm->lives[node], oldest)) {
            give(records, node, name, route);
            return node;
        }
    }
    return -1;
}

const char *svb_records_name(svb_records *records, int node)
{
    return records->shm->nodes[node].name;
}

const char *svb_records_route(svb_records *records, int node)
{
    return records->shm->nodes[node].route;
}

void svb_records_count(svb_records *records, int node, svb_counter counter)
{
    atomic_fetch_add_explicit(&records->shm->nodes[node].counters[counter], 1,
                              memory_order_relaxed);
}

apr_uint64_t svb_records_counter(svb_records *records, int node,
                                 svb_counter counter)
{
    return atomic_load_explicit(&records->shm->nodes[node].counters[counter],
                                memory_order_relaxed);
}

void svb_records_set_counter(svb_records *records, int node,
                             svb_counter counter, apr_uint64_t value)
{
    atomic_store(&records->shm->nodes[node].counters[counter], value);
}

int svb_records_used(svb_records *records, int node)
{
    apr_uint64_t life = atomic_load(&records->shm->lives[node]);

    /* Names come right after the key; a record without them is nobody's yet. */
    return life != UNNAMED && life != RETIRED;
}

int svb_records_slot(svb_records *records, int node, apr_uint64_t key)
{
    _Atomic apr_uint64_t *members = records->shm->nodes[node].members;

    for (int slot = 0; slot < SVB_RECORDS_MEMBERS; slot++) {
        if (atomic_load(&members[slot]) == key) {
            return slot;
        }
    }
    for (int slot = 0; slot < SVB_RECORDS_MEMBERS; slot++) {
        apr_uint64_t seen = 0;

        /* Another process may just have claimed it for the same member. */
        if (atomic_compare_exchange_strong(&members[slot], &seen, key)
            || seen == key) {
            return slot;
        }
    }
    return -1;
}

void svb_records_keep_slots(svb_records *records, int node, unsigned mask)
{
    for (int slot = 0; slot < SVB_RECORDS_MEMBERS; slot++) {
        if (!(mask & 1u << slot)) {
            atomic_store(&records->shm->nodes[node].members[slot], 0);
        }
    }
}

void svb_records_note(svb_records *records, int node, svb_text which,
                      const char *text)
{
    apr_uint64_t words[TEXT_WORDS] = {0};

    apr_cpystrn((char *)words, text, sizeof(words));
    svb_sealed_write(records->shm->nodes[node].texts[which], words, TEXT_WORDS,
                     0);
}

void svb_records_noted(svb_records *records, int node, svb_text which,
                       char text[SVB_RECORDS_TEXT + 1])
{
    apr_uint64_t words[TEXT_WORDS];

    if (!svb_sealed_read(records->shm->nodes[node].texts[which], words,
                         TEXT_WORDS, 0)) {
        *words = 0;
    }
    memcpy(text, words, sizeof(words));
    text[SVB_RECORDS_TEXT] = '\0';
}

apr_uint64_t svb_records_get(svb_records *records, int node, svb_word word)
{
    return atomic_load(&records->shm->nodes[node].words[word]);
}

apr_uint64_t svb_records_set(svb_records *records, int node, svb_word word,
                             apr_uint64_t value)
{
    return atomic_exchange(&records->shm->nodes[node].words[word], value);
}

int svb_records_swap(svb_records *records, int node, svb_word word,
                     apr_uint64_t seen, apr_uint64_t value)
{
    apr_uint64_t expected = seen;

    return atomic_compare_exchange_strong(
        &records->shm->nodes[node].words[word], &expected, value);
}

static _Atomic apr_uint64_t *elections_of(svb_records *records, int node)
{
    region *shm = records->shm;

    return &shm->clocks[atomic_load(&shm->nodes[node].fleet)].elections;
}

apr_uint64_t svb_records_elections(svb_records *records, int node)
{
    return atomic_load(elections_of(records, node));
}

int svb_records_fleet(svb_records *records, const char *name)
{
    return (int)clock_of(records->shm, name);
}

int svb_records_fleet_of(svb_records *records, int node)
{
    return (int)atomic_load(&records->shm->nodes[node].fleet);
}

void svb_records_fleet_count(svb_records *records, int fleet,
                             svb_fleet_counter counter)
{
    atomic_fetch_add(&records->shm->clocks[fleet].counters[counter], 1);
}

apr_uint64_t svb_records_fleet_counter(svb_records *records, int fleet,
                                       svb_fleet_counter counter)
{
    return atomic_load(&records->shm->clocks[fleet].counters[counter]);
}

void svb_records_set_fleet_counter(svb_records *records, int fleet,
                                   svb_fleet_counter counter,
                                   apr_uint64_t value)
{
    atomic_store(&records->shm->clocks[fleet].counters[counter], value);
}

/* Of a turn the lowest bit says whether something is the matter. */
apr_uint64_t svb_records_elected(svb_records *records, int node)
{
    _Atomic apr_uint64_t *turn = &records->shm->briefs[node].turn;
    apr_uint64_t before = atomic_fetch_add(elections_of(records, node), 1);
    apr_uint64_t seen = atomic_load(turn);

    while (!atomic_compare_exchange_weak(turn, &seen,
                                         (before + 1) << 1 | (seen & 1))) {
    }
    return before;
}

apr_uint64_t svb_records_last_turn(svb_records *records, int node)
{
    return svb_brief_turn(&records->shm->briefs[node]);
}

void svb_records_doubt(svb_records *records, int node, int is_in_doubt)
{
    _Atomic apr_uint64_t *turn = &records->shm->briefs[node].turn;

    if ((int)(atomic_load(turn) & 1) != is_in_doubt) {
        is_in_doubt ? atomic_fetch_or(turn, 1)
                    : atomic_fetch_and(turn, ~(apr_uint64_t)1);
    }
}

const svb_brief *svb_records_briefs(const svb_records *records)
{
    return records->shm->briefs;
}

unsigned svb_records_epoch(svb_records *records, int node)
{
    return atomic_load(&records->shm->nodes[node].epoch) & 0xffff;
}

/* The word of a count, from the lowest bit: 27 bits of count, 16 of epoch, 21 of
 * the number of changes there have been. */
#define COUNT_MASK SVB_BRIEF_CLIENTS
#define COUNT_EPOCH_SHIFT 27
#define COUNT_CHANGES_SHIFT 43
#define COUNT_CHANGES_MASK 0x1fffffu

static unsigned count_epoch(apr_uint64_t word)
{
    return (unsigned)(word >> COUNT_EPOCH_SHIFT) & 0xffff;
}

/* A count whose epoch is not the node's is one of zero. Whoever reads the epoch
 * right before it changes can only write a word that is void. */
static unsigned count_in(apr_uint64_t word, unsigned epoch)
{
    return count_epoch(word) == epoch ? (unsigned)word & COUNT_MASK : 0;
}

static apr_uint64_t count_word(apr_uint64_t word, unsigned changes,
                               unsigned epoch, unsigned count)
{
    return ((word >> COUNT_CHANGES_SHIFT) + changes) << COUNT_CHANGES_SHIFT
           | (apr_uint64_t)epoch << COUNT_EPOCH_SHIFT | (count & COUNT_MASK);
}

static void add_to(_Atomic apr_uint64_t *word, svb_records *records, int node,
                   unsigned epoch, int delta)
{
    apr_uint64_t seen = atomic_load(word), next;
    apr_int64_t count;

    do {
        if (epoch != svb_records_epoch(records, node)) {
            return;
        }
        count = (apr_int64_t)count_in(seen, epoch) + delta;
        next = count_word(seen, (unsigned)abs(delta), epoch,
                          (unsigned)(count > 0 ? count : 0));
    } while (!atomic_compare_exchange_weak(word, &seen, next));
}

void svb_records_clients_add(svb_records *records, int node, unsigned epoch,
                             svb_kind kind, int delta)
{
    add_to(&records->shm->nodes[node].clients[kind], records, node, epoch,
           delta);
    if (svb_kind_is_counted(kind)) {
        add_to(&records->shm->briefs[node].clients, records, node, epoch,
               delta);
    }
}

void svb_records_next_epoch(svb_records *records, int node)
{
    unsigned epoch =
        (unsigned)(atomic_fetch_add(&records->shm->nodes[node].epoch, 1) + 1)
        & 0xffff;

    /* Who reads it asks for no epoch: it has to be told. */
    add_to(&records->shm->briefs[node].clients, records, node, epoch, 0);
}

void svb_records_mend(svb_records *records, int node)
{
    _Atomic apr_uint64_t *word = &records->shm->briefs[node].clients;
    apr_uint64_t seen = atomic_load(word);
    unsigned epoch = svb_records_epoch(records, node);
    unsigned all = svb_records_clients_all(records, node);

    if (count_epoch(seen) != epoch || (seen & COUNT_MASK) != all) {
        atomic_compare_exchange_strong(word, &seen,
                                       count_word(seen, 1, epoch, all));
    }
}

apr_uint64_t svb_records_clients_mark(svb_records *records, int node,
                                      svb_kind kind)
{
    apr_uint64_t word = atomic_load(&records->shm->nodes[node].clients[kind]);
    unsigned epoch = svb_records_epoch(records, node);

    return count_word(word, 0, epoch, count_in(word, epoch));
}

void svb_records_clients_correct(svb_records *records, int node, svb_kind kind,
                                 apr_uint64_t mark, unsigned own,
                                 unsigned count)
{
    _Atomic apr_uint64_t *word = &records->shm->nodes[node].clients[kind];
    apr_uint64_t seen = atomic_load(word), next;
    unsigned epoch = count_epoch(mark), changes, cached;

    do {
        changes = (unsigned)((seen >> COUNT_CHANGES_SHIFT)
                             - (mark >> COUNT_CHANGES_SHIFT) - own)
                  & COUNT_CHANGES_MASK;
        cached = count_in(seen, epoch);
        if (epoch != svb_records_epoch(records, node)
            || (count > cached ? count - cached : cached - count) <= changes) {
            return;
        }
        next = count_word(seen, 1, epoch, count);
    } while (!atomic_compare_exchange_weak(word, &seen, next));
}

unsigned svb_records_clients(svb_records *records, int node, svb_kind kind)
{
    return count_in(atomic_load(&records->shm->nodes[node].clients[kind]),
                    svb_records_epoch(records, node));
}

/* svb_kind_is_counted(), of those before the first that are not, and the last. */
unsigned svb_records_clients_all(svb_records *records, int node)
{
    const node_rec *rec = &records->shm->nodes[node];
    unsigned epoch = svb_records_epoch(records, node);
    unsigned sum =
        count_in(atomic_load(&rec->clients[SVB_KIND_EXPECTED]), epoch);

    for (int kind = 0; kind < SVB_KIND_REMEMBERED; kind++) {
        sum += count_in(atomic_load(&rec->clients[kind]), epoch);
    }
    return sum;
}
