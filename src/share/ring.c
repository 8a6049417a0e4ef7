/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/ring.h"

#include <stdatomic.h>
#include <stdlib.h>

#define CACHE_LINE 64
#define ALIGNED __attribute__((aligned(CACHE_LINE)))

/* Bits of a mark that say what has happened. */
#define WHAT_BITS 2

typedef struct {
    _Atomic apr_uint64_t id;
    _Atomic apr_uint64_t mark; /* see mark_of(); 0: never written */
} place;

typedef struct {
    _Atomic apr_uint64_t pushed ALIGNED; /* numbers given so far */
    _Atomic apr_uint64_t taken ALIGNED;  /* the number to be read next */
    _Atomic int lost;
    _Atomic apr_time_t stuck;       /* since when one is not there */
    _Atomic apr_uint64_t stuck_end; /* and which numbers there were by then */
    place places[SVB_RING_ENTRIES] ALIGNED;
} region;

struct svb_ring {
    region *shm;
};

apr_size_t svb_ring_size(void)
{
    return sizeof(region);
}

apr_status_t svb_ring_open(svb_ring **ring, void *mem, apr_pool_t *p)
{
    *ring = apr_pcalloc(p, sizeof(**ring));
    (*ring)->shm = mem;
    return APR_SUCCESS;
}

static apr_uint64_t mark_of(apr_uint64_t number, svb_change what)
{
    return (number + 1) << WHAT_BITS | (apr_uint64_t)what;
}

static place *place_of(region *shm, apr_uint64_t number)
{
    return &shm->places[number % SVB_RING_ENTRIES];
}

void svb_ring_push(svb_ring *ring, apr_uint64_t id, svb_change what)
{
    region *shm = ring->shm;
    apr_uint64_t number = atomic_fetch_add(&shm->pushed, 1);
    place *at = place_of(shm, number);

    if (number - atomic_load_explicit(&shm->taken, memory_order_relaxed)
        >= SVB_RING_ENTRIES) {
        atomic_store_explicit(&shm->lost, 1, memory_order_relaxed);
        return;
    }
    atomic_store_explicit(&at->id, id, memory_order_relaxed);
    atomic_store_explicit(&at->mark, mark_of(number, what),
                          memory_order_release);
}

unsigned svb_ring_waiting(const svb_ring *ring)
{
    apr_uint64_t n =
        atomic_load(&ring->shm->pushed) - atomic_load(&ring->shm->taken);

    return n < SVB_RING_ENTRIES ? (unsigned)n : SVB_RING_ENTRIES;
}

/* Its writer has not come so far. All that had their numbers when it was first missed
 * have had as much time. @return whether to wait for it no longer */
static int is_given_up(region *shm, apr_uint64_t number, apr_uint64_t end,
                       apr_time_t now)
{
    if (number >= shm->stuck_end || now < shm->stuck) {
        shm->stuck_end = end;
        shm->stuck = now;
    }
    return now - shm->stuck >= SVB_RING_PATIENCE;
}

/* @return whether there is something in it */
static int read_place(region *shm, apr_uint64_t number, svb_ring_entry *entry)
{
    const place *at = place_of(shm, number);
    apr_uint64_t mark = atomic_load_explicit(&at->mark, memory_order_acquire);

    if (mark >> WHAT_BITS != number + 1) {
        return 0;
    }
    entry->id = atomic_load_explicit(&at->id, memory_order_relaxed);
    entry->what = (svb_change)(mark & ((1 << WHAT_BITS) - 1));
    return 1;
}

unsigned svb_ring_drain(svb_ring *ring, svb_ring_entry *list, unsigned most,
                        apr_time_t now)
{
    region *shm = ring->shm;
    apr_uint64_t number = atomic_load(&shm->taken);
    apr_uint64_t end = atomic_load(&shm->pushed);
    unsigned n = 0;

    /* What did not fit anymore is nowhere: whatever else there is will be seen by who
     * looks at everybody. */
    if (end - number > SVB_RING_ENTRIES) {
        shm->lost = 1;
        number = end;
    }
    for (; number < end && n < most; number++) {
        if (read_place(shm, number, &list[n])) {
            n++;
        }
        else if (is_given_up(shm, number, end, now)) {
            shm->lost = 1;
        }
        else {
            break;
        }
    }
    atomic_store(&shm->taken, number);
    return n;
}

static int by_id(const void *a, const void *b)
{
    const svb_ring_entry *one = a, *other = b;

    return one->id < other->id ? -1 : one->id > other->id;
}

unsigned svb_ring_without_repeats(svb_ring_entry *list, unsigned n)
{
    unsigned kept = 0;

    qsort(list, n, sizeof(*list), by_id);
    for (unsigned i = 0; i < n; i++) {
        if (kept && list[kept - 1].id == list[i].id) {
            if (list[i].what > list[kept - 1].what) {
                list[kept - 1].what = list[i].what;
            }
        }
        else {
            list[kept++] = list[i];
        }
    }
    return kept;
}

int svb_ring_has_lost(svb_ring *ring)
{
    return atomic_exchange(&ring->shm->lost, 0);
}
