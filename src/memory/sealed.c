/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/sealed.h"

#include "memory/hash.h"

static apr_uint64_t seal_of(const apr_uint64_t *words, apr_size_t n,
                            apr_uint64_t salt)
{
    return svb_hash_text((const char *)words, n * sizeof(*words)) ^ salt;
}

void svb_sealed_write(_Atomic apr_uint64_t *at, const apr_uint64_t *words,
                      apr_size_t n, apr_uint64_t salt)
{
    for (apr_size_t i = 0; i < n; i++) {
        atomic_store_explicit(&at[1 + i], words[i], memory_order_relaxed);
    }
    atomic_store(&at[0], seal_of(words, n, salt));
}

int svb_sealed_read(const _Atomic apr_uint64_t *at, apr_uint64_t *words,
                    apr_size_t n, apr_uint64_t salt)
{
    apr_uint64_t seal = atomic_load(&at[0]);

    for (apr_size_t i = 0; i < n; i++) {
        words[i] = atomic_load_explicit(&at[1 + i], memory_order_relaxed);
    }
    return seal == seal_of(words, n, salt);
}
