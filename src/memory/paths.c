/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/paths.h"

#include <stdatomic.h>
#include <stdint.h>

#include "memory/hash.h"

/* A place: half of the hash above the second when a client last began. */
struct svb_paths {
    _Atomic uint64_t *shm;
};

apr_size_t svb_paths_size(void)
{
    return SVB_PATHS_MAX * sizeof(uint64_t);
}

apr_status_t svb_paths_open(svb_paths **paths, void *mem, apr_pool_t *p)
{
    *paths = apr_palloc(p, sizeof(**paths));
    (*paths)->shm = mem;
    return APR_SUCCESS;
}

static _Atomic uint64_t *place_of(svb_paths *paths, uint64_t hash)
{
    return &paths->shm[hash % SVB_PATHS_MAX];
}

static uint64_t word_of(uint64_t hash, apr_time_t now)
{
    return (hash & ~(uint64_t)UINT32_MAX) | (uint32_t)apr_time_sec(now);
}

/* Written when the second is another, as most who begin do so at the same path. */
void svb_paths_note(svb_paths *paths, apr_uint64_t salt, const char *path,
                    apr_size_t len, apr_time_t now)
{
    uint64_t hash = svb_hash_text(path, len) ^ salt;
    _Atomic uint64_t *place = place_of(paths, hash);
    uint64_t word = word_of(hash, now);

    if (atomic_load_explicit(place, memory_order_relaxed) != word) {
        atomic_store_explicit(place, word, memory_order_relaxed);
    }
}

int svb_paths_knows(svb_paths *paths, apr_uint64_t salt, const char *path,
                    apr_size_t len, apr_interval_time_t within, apr_time_t now)
{
    uint64_t hash = svb_hash_text(path, len) ^ salt;
    uint64_t word =
        atomic_load_explicit(place_of(paths, hash), memory_order_relaxed);
    apr_time_t began = apr_time_from_sec((apr_time_t)(uint32_t)word);

    return word != 0 && word >> 32 == hash >> 32 && began <= now + within
           && now - began <= within;
}
