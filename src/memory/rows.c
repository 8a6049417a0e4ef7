/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/rows.h"

#include <stdatomic.h>
#include <stdint.h>

#include "memory/records.h"

#define CACHE_LINE 64
#define ALIGNED __attribute__((aligned(CACHE_LINE)))

/* One child's requests in flight. */
typedef struct {
    _Atomic uint32_t next ALIGNED; /* where to look for a free place */
    struct {
        _Atomic apr_uint64_t id;    /* 0: the place is free */
        _Atomic apr_uint64_t about; /* see about_word() */
    } held[SVB_ROWS_HELD];
    _Atomic uint16_t in_flight[SVB_RECORDS_MAX];
} row_rec;

/* A row is held by its owner, or, where that is negative, by the process -owner that is
 * clearing it. The owners stand together: all are looked at every second, and a page of
 * shared memory exists once it was read. */
typedef struct {
    _Atomic apr_int64_t
        owners[SVB_ROWS_MAX]; /* 0 is a free row, and always empty */
    row_rec rows[SVB_ROWS_MAX];
} region;

struct svb_rows {
    region *shm;
};

apr_size_t svb_rows_size(void)
{
    return sizeof(region);
}

apr_status_t svb_rows_open(svb_rows **rows, void *mem, apr_pool_t *p)
{
    *rows = apr_palloc(p, sizeof(**rows));
    (*rows)->shm = mem;
    return APR_SUCCESS;
}

/* Look before writing: most of a row was never touched, and an untouched page
 * of shared memory costs nothing. */
static void row_clear(row_rec *row)
{
    for (int i = 0; i < SVB_RECORDS_MAX; i++) {
        if (atomic_load_explicit(&row->in_flight[i], memory_order_relaxed)) {
            atomic_store(&row->in_flight[i], 0);
        }
    }
    for (int i = 0; i < SVB_ROWS_HELD; i++) {
        if (atomic_load_explicit(&row->held[i].id, memory_order_relaxed)) {
            atomic_store(&row->held[i].id, 0);
        }
    }
}

/* May this process take the row? */
static int can_take(apr_int64_t holder, apr_int64_t process,
                    svb_rows_alive_fn *alive)
{
    apr_int64_t owner = holder < 0 ? -holder : holder;

    return owner == 0 || owner == process || !alive(owner);
}

/* Rows that this process seems to have, though it never claimed any: left by a dead
 * one that nothing tells apart from it. Whoever asks about them later would be told
 * that their owner lives. */
static void free_rows_of(svb_rows *rows, apr_int64_t process)
{
    for (int i = 1; i < SVB_ROWS_MAX; i++) {
        apr_int64_t holder = atomic_load(&rows->shm->owners[i]);

        if (holder == process || holder == -process) {
            row_clear(&rows->shm->rows[i]);
            atomic_store(&rows->shm->owners[i], 0);
        }
    }
}

int svb_rows_claim(svb_rows *rows, apr_int64_t process,
                   svb_rows_alive_fn *alive)
{
    free_rows_of(rows, process);
    for (int i = 1; i < SVB_ROWS_MAX; i++) {
        _Atomic apr_int64_t *owner = &rows->shm->owners[i];
        apr_int64_t holder = atomic_load(owner);

        if (can_take(holder, process, alive)
            && atomic_compare_exchange_strong(owner, &holder, process)) {
            row_clear(&rows->shm->rows[i]);
            return i;
        }
    }
    return 0;
}

void svb_rows_free(svb_rows *rows, int row, apr_int64_t process)
{
    _Atomic apr_int64_t *owner = &rows->shm->owners[row];
    row_rec *rec = &rows->shm->rows[row];
    apr_int64_t holder = process;

    if (row > 0 && atomic_load(owner) == process) {
        row_clear(rec);
        atomic_compare_exchange_strong(owner, &holder, 0);
    }
}

void svb_rows_sweep(svb_rows *rows, apr_int64_t process,
                    svb_rows_alive_fn *alive)
{
    for (int i = 1; i < SVB_ROWS_MAX; i++) {
        _Atomic apr_int64_t *owner = &rows->shm->owners[i];
        apr_int64_t holder = atomic_load(owner);

        /* Hold the row while clearing it, or a child that claims it meanwhile
         * would lose what it counts. Our own row is in use. */
        if (holder != 0 && holder != process && can_take(holder, process, alive)
            && atomic_compare_exchange_strong(owner, &holder, -process)) {
            row_clear(&rows->shm->rows[i]);
            atomic_store(owner, 0);
        }
    }
}

void svb_rows_enter(svb_rows *rows, int row, int node)
{
    atomic_fetch_add_explicit(&rows->shm->rows[row].in_flight[node], 1,
                              memory_order_relaxed);
}

void svb_rows_leave(svb_rows *rows, int row, int node)
{
    atomic_fetch_sub_explicit(&rows->shm->rows[row].in_flight[node], 1,
                              memory_order_relaxed);
}

/* Rows of nobody are empty; not reading them leaves them untouched. */
static int is_in_use(const svb_rows *rows, int row)
{
    return row == 0
           || atomic_load_explicit(&rows->shm->owners[row],
                                   memory_order_relaxed)
                  != 0;
}

/* What is held besides the id, from the lowest bit: 1 bit whether it is a window, 11
 * of node, 52 of milliseconds. */
#define NODE_SHIFT 1
#define NODE_MASK 0x7ffu
#define SINCE_SHIFT 12

_Static_assert(SVB_RECORDS_MAX <= NODE_MASK + 1, "a node fits in its bits");

static apr_uint64_t about_word(const svb_held *held)
{
    return (apr_uint64_t)apr_time_as_msec(held->since) << SINCE_SHIFT
           | (apr_uint64_t)held->node << NODE_SHIFT | (held->is_window != 0);
}

/* An id is reserved by all ones, which no reader takes for one, until what is to be
 * known about it is there. */
#define RESERVED UINT64_MAX

int svb_rows_hold(svb_rows *rows, int row, const svb_held *held)
{
    row_rec *rec = &rows->shm->rows[row];
    uint32_t start =
        atomic_fetch_add_explicit(&rec->next, 1, memory_order_relaxed);

    for (uint32_t i = 0; i < SVB_ROWS_HELD; i++) {
        uint32_t place = (start + i) % SVB_ROWS_HELD;
        apr_uint64_t none = 0;

        if (atomic_compare_exchange_strong(&rec->held[place].id, &none,
                                           RESERVED)) {
            atomic_store(&rec->held[place].about, about_word(held));
            atomic_store(&rec->held[place].id, held->id);
            return (int)place;
        }
    }
    return -1;
}

void svb_rows_release(svb_rows *rows, int row, int place)
{
    if (place >= 0) {
        atomic_store(&rows->shm->rows[row].held[place].id, 0);
    }
}

/* @return whether something is held there, and was the same all the while. */
static int read_place(row_rec *rec, int place, svb_held *held)
{
    apr_uint64_t id =
        atomic_load_explicit(&rec->held[place].id, memory_order_relaxed);
    apr_uint64_t about;

    if (id == 0 || id == RESERVED) {
        return 0;
    }
    about = atomic_load(&rec->held[place].about);
    *held = (svb_held){.id = id,
                       .node = (int)(about >> NODE_SHIFT & NODE_MASK),
                       .is_window = (int)(about & 1),
                       .since = (apr_time_t)(about >> SINCE_SHIFT) * 1000};
    return atomic_load(&rec->held[place].id) == id;
}

void svb_rows_held(svb_rows *rows, svb_rows_held_fn *fn, void *baton)
{
    for (int i = 0; i < SVB_ROWS_MAX; i++) {
        row_rec *rec = &rows->shm->rows[i];

        for (int place = 0; is_in_use(rows, i) && place < SVB_ROWS_HELD;
             place++) {
            svb_held held;

            if (read_place(rec, place, &held)) {
                fn(baton, &held);
            }
        }
    }
}

unsigned svb_rows_in_flight(svb_rows *rows, int node)
{
    unsigned sum = 0;

    for (int i = 0; i < SVB_ROWS_MAX; i++) {
        if (is_in_use(rows, i)) {
            sum += atomic_load_explicit(&rows->shm->rows[i].in_flight[node],
                                        memory_order_relaxed);
        }
    }
    return sum;
}
