/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/moves.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "memory/records.h"

#define ALIGNED __attribute__((aligned(64)))

/* Between the first request that fails and the probe that finds the node gone. */
#define TOGETHER apr_time_from_sec(5)

/* How many clients are remembered. */
#define LATELY 4096

/* A word: the count, and above it the node + 1; 0: free. */
#define TO_SHIFT 32
#define OTHERS (SVB_MOVES_MAX - 1)

typedef struct {
    _Atomic apr_uint64_t begun ALIGNED; /* how often there was a new state */
    _Atomic apr_time_t last;            /* when somebody last moved */
    _Atomic apr_uint64_t to[SVB_MOVES_MAX];
} moves_rec;

typedef struct {
    moves_rec nodes[SVB_RECORDS_MAX];
    _Atomic apr_uint64_t lately[LATELY];
} region;

struct svb_moves {
    region *shm;
};

apr_size_t svb_moves_size(void)
{
    return sizeof(region);
}

apr_status_t svb_moves_open(svb_moves **moves, void *mem, apr_pool_t *p)
{
    *moves = apr_palloc(p, sizeof(**moves));
    (*moves)->shm = mem;
    return APR_SUCCESS;
}

/* From this node, in this state of it. */
static int is_new(svb_moves *moves, int from, apr_uint64_t client)
{
    apr_uint64_t begun = atomic_load(&moves->shm->nodes[from].begun);
    apr_uint64_t mark =
        client ^ (apr_uint64_t)from << 48 ^ (begun & 0xffff) << 32;

    return atomic_exchange(&moves->shm->lately[client % LATELY], mark) != mark;
}

static int is_of(apr_uint64_t word, int to)
{
    return word >> TO_SHIFT == (apr_uint64_t)to + 1;
}

/* The word of a destination, claimed where it has none. */
static _Atomic apr_uint64_t *word_of(moves_rec *rec, int to)
{
    for (int i = 0; i < OTHERS; i++) {
        apr_uint64_t seen = atomic_load(&rec->to[i]);

        if (seen == 0
            && atomic_compare_exchange_strong(
                &rec->to[i], &seen, ((apr_uint64_t)to + 1) << TO_SHIFT)) {
            return &rec->to[i];
        }
        if (is_of(seen, to)) {
            return &rec->to[i];
        }
    }
    return &rec->to[OTHERS];
}

int svb_moves_add(svb_moves *moves, int from, int to, apr_uint64_t client,
                  apr_time_t now)
{
    moves_rec *rec = &moves->shm->nodes[from];

    if (!is_new(moves, from, client)) {
        return 0;
    }
    atomic_store(&rec->last, now);
    atomic_fetch_add(word_of(rec, to), 1);
    return 1;
}

static unsigned sum_of(const moves_rec *rec)
{
    unsigned sum = 0;

    for (int i = 0; i < SVB_MOVES_MAX; i++) {
        sum += (unsigned)atomic_load(&rec->to[i]);
    }
    return sum;
}

unsigned svb_moves_begin(svb_moves *moves, int node, int is_down,
                         apr_time_t now)
{
    moves_rec *rec = &moves->shm->nodes[node];
    apr_time_t last = atomic_load(&rec->last);

    if (is_down && now >= last && now - last < TOGETHER) {
        return sum_of(rec);
    }
    atomic_fetch_add(&rec->begun, 1);
    for (int i = 0; i < SVB_MOVES_MAX; i++) {
        atomic_store(&rec->to[i], 0);
    }
    return 0;
}

static int most_first(const void *a, const void *b)
{
    const svb_move *x = a, *y = b;

    return x->clients != y->clients ? (x->clients < y->clients ? 1 : -1)
                                    : x->to - y->to;
}

int svb_moves_of(const svb_moves *moves, int node, svb_move list[SVB_MOVES_MAX])
{
    const moves_rec *rec = &moves->shm->nodes[node];
    int n = 0;

    for (int i = 0; i < SVB_MOVES_MAX; i++) {
        apr_uint64_t word = atomic_load(&rec->to[i]);
        svb_move move = {(int)(word >> TO_SHIFT) - 1, (unsigned)word};

        if (move.clients && move.to < SVB_RECORDS_MAX) {
            list[n++] = move;
        }
    }
    qsort(list, (size_t)n, sizeof(*list), most_first);
    return n;
}
