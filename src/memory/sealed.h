/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Something larger than a word in shared memory that many write and read at once,
 * and any of them may be killed meanwhile: its words, each written and read by
 * itself, and a seal, a hash of them, which tells a whole one from a mixture.
 *
 * at[0] is the seal, the words follow. Where all is zero there is nothing whole.
 *
 * No locks, no allocation; any thread of any process, in any phase.
 */
#ifndef SVB_MEMORY_SEALED_H
#define SVB_MEMORY_SEALED_H

#include <stdatomic.h>

#include <apr.h>

/** Write n words, and then the seal. @param salt what the reader has to know */
void svb_sealed_write(_Atomic apr_uint64_t *at, const apr_uint64_t *words,
                      apr_size_t n, apr_uint64_t salt);

/** Read n words. @return whether they are whole, and of that salt */
int svb_sealed_read(const _Atomic apr_uint64_t *at, apr_uint64_t *words,
                    apr_size_t n, apr_uint64_t salt);

#endif /* SVB_MEMORY_SEALED_H */
