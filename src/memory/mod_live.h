/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The files that are written while the server runs, so that its state outlives a
 * crash:
 *
 *     path.nodes         words of administrators (memory/words.h), within a second
 *     path.1, path.2     the client table (memory/save.h), in turn, every half
 *                        minute
 *
 * WHO MAY WRITE. Children run as another user than the parent, which is root as a
 * rule, and may not write to the folder. So the parent makes the files at its
 * start, as itself and with mode 0600, and opens them; children inherit what is
 * open and write to it, by no name. Nobody has to be given a right to a file or a
 * folder, and no link that somebody puts there is ever followed. A child that was
 * taken over can write wrong state; but that it could in shared memory, too. It
 * cannot make the next server, which is root while it reads, read another file.
 *
 * The files stay open in the parent through all restarts, for as long as the path
 * is the same.
 *
 * WHICH FILE IS THE TRUTH. Each save has a number, higher than all before it.
 *
 *     stop       writes path, whole, and then removes the others
 *     start      1. reads path; without one, the later of path.1 and path.2; and
 *                   path.nodes, where that is later than the table
 *                2. writes path.nodes anew
 *                3. renames path, if there was one, to path.1
 *                   and only now has children, who can say something
 *     crash      before 3: path is still the truth, and nobody has said anything.
 *                After 3: path.nodes is, from its first moment, and path.1 is what
 *                is known of clients until path.2 is whole.
 *
 * So there is no moment without the last word on the disk, and none at which an
 * older one could win. Two renames do it, and nothing large is written.
 *
 * In the parent, in its only thread, but for svb_live_files(). No locks.
 */
#ifndef SVB_MEMORY_MOD_LIVE_H
#define SVB_MEMORY_MOD_LIVE_H

#include <sys/stat.h>

#include "mod_log.h"

/** How many files there are for the table. */
#define SVB_LIVE_TABLES 2

/** Open files. */
typedef struct svb_live {
    int nodes;
    int tables[SVB_LIVE_TABLES];
} svb_live;

/** @return the name of the words' file, from p */
const char *svb_live_nodes(apr_pool_t *p, const char *path);

/** @return the name of a table's file, from p. @param i 0 or 1 */
const char *svb_live_table(apr_pool_t *p, const char *path, int i);

/**
 * Make the files and open them; or do nothing, where they are open since before a
 * restart. In post_config, with all that was saved in memory.
 * @param base name of the file that the table was read from, or NULL
 * @param was  which file that was
 * @param err  which file, and what went wrong; from p
 * @return APR_SUCCESS, or why they cannot be written
 */
apr_status_t svb_live_begin(apr_pool_t *p, const char *path, const char *base,
                            const struct stat *was, const char **err);

/** Close the files and remove them: path is written, or there is none any more. */
void svb_live_end(apr_pool_t *p);

/** @return the open files, or NULL; any thread of any process, from post_config
 *          on */
const svb_live *svb_live_files(void);

#endif /* SVB_MEMORY_MOD_LIVE_H */
