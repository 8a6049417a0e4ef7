/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The words of administrators about nodes, in a small file of their own that can
 * be written the moment one is said.
 *
 * The file has two places, one behind the other, which are written in turn: while
 * one is being written the other one is whole. Layout of a place, numbers
 * little-endian:
 *
 *     header    8  "svb-word"
 *               4  version of this layout, 2
 *               4  how many nodes follow: those with a word, or the number of one
 *               8  number of the save, counted with those of memory/save.h
 *               8  when it was written, in microseconds of 1970
 *     node     64  fleet, filled up with NULs, of which there is one at least
 *              64  route, likewise
 *               8  what the administrator has set, SVB_WORD_ADMIN; 0: nothing, any more
 *             120  who has set it, filled up with NULs
 *             3*8  its number, and those of forgetting and closing, SVB_WORD_SAID_AT and
 *                  so on, by which front ends know whose word is the later one; not in
 *                  files of version 1, which have no nodes without a word
 *     trailer   8  checksum of everything before it, see memory/blocks.h
 *
 * The place with the higher number counts. A node that is not in it has no word:
 * what an older file said of it is over.
 *
 * No locks; one thread at a time for what is passed in.
 */
#ifndef SVB_MEMORY_WORDS_H
#define SVB_MEMORY_WORDS_H

#include <apr_errno.h>
#include <apr_pools.h>

#include "memory/records.h"

/** How many places a file has. */
#define SVB_WORDS_PLACES 2

/** All words at one moment: half a megabyte at most, most of which is never
 *  touched. */
typedef struct svb_words svb_words;

/** @return a new one without a word, from p */
svb_words *svb_words_new(apr_pool_t *p);

/** Take down what the records have. */
void svb_words_collect(svb_words *words, svb_records *records);

/** @return whether both say the same of the same nodes */
int svb_words_same(const svb_words *one, const svb_words *other);

/** @return number of the save, when read or written */
apr_uint64_t svb_words_number(const svb_words *words);

/** @return when it was written, when read or written */
apr_time_t svb_words_saved(const svb_words *words);

/**
 * Write them, and wait for the disk.
 * @param fd     of the file
 * @param place  0 or 1
 * @param number of this save
 * @param now    time of day
 */
apr_status_t svb_words_write(svb_words *words, int fd, int place,
                             apr_uint64_t number, apr_time_t now);

/**
 * Read the file.
 * @param err what is wrong with it
 * @return as svb_save_open(); APR_EGENERAL: neither place is whole
 */
apr_status_t svb_words_read(svb_words *words, const char *path,
                            const char **err);

/** Have the records say what these do, and nothing else; nodes that are missing
 *  are added, if they have a word. @return how many nodes this is about */
unsigned svb_words_restore(const svb_words *words, svb_records *records);

#endif /* SVB_MEMORY_WORDS_H */
