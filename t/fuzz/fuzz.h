/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * What the libFuzzer harnesses share. Each fuzz_*.c is a program of its own,
 * which libFuzzer calls with one input after the other, in one thread. What an
 * input needs is freed before its call returns: its pool is made below
 * root_pool().
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_pools.h>

/** An invariant; unlike assert(), never compiled out. */
#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition)) {                                                    \
            abort();                                                           \
        }                                                                      \
    } while (0)

/**
 * Called by libFuzzer before the first input; a harness may do without.
 * @param argc main()'s
 * @param argv main()'s
 * @return 0
 */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/**
 * Called by libFuzzer with each input. Never returns when an invariant does not
 * hold.
 * @param data the input; nothing behind it may be read
 * @param size its length in bytes
 * @return 0
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/**
 * The pool that all others are below; made, and APR initialised, when first
 * asked for.
 * @return the pool, never destroyed
 */
static inline apr_pool_t *root_pool(void)
{
    static apr_pool_t *root;

    if (!root) {
        MUST(apr_initialize() == APR_SUCCESS);
        MUST(apr_pool_create(&root, NULL) == APR_SUCCESS);
    }
    return root;
}

/**
 * The input as a string: on the heap, so that AddressSanitizer sees what is
 * read behind it.
 * @param data the input
 * @param size its length in bytes
 * @return a copy with a NUL behind it, to be freed by the caller
 */
static inline char *input_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    MUST(text);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/**
 * Cut a text at its first newline.
 * @param text the text, or NULL
 * @return what follows the newline, in the same memory; NULL when there is none
 */
static inline char *cut_line(char *text)
{
    char *newline = text ? strchr(text, '\n') : NULL;

    if (!newline) {
        return NULL;
    }
    *newline = '\0';
    return newline + 1;
}

/**
 * An error is text for a log line: not empty, printable ASCII.
 * @param error the error; not NULL
 */
static inline void check_error(const char *error)
{
    MUST(*error);
    for (; *error; ++error) {
        MUST(*error >= 0x20 && *error < 0x7f);
    }
}

#endif /* FUZZ_H */
