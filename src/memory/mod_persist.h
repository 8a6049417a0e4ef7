/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * ServoyPersist: nodes' state and the client table survive stops and crashes of
 * the server.
 *
 * This is the parent's part: what it finds when it starts, and what it leaves when
 * it ends. What is written in between, and which file is the truth when there are
 * several, is in memory/mod_live.h and memory/mod_autosave.h.
 *
 * HOW OLD THE TABLE IS (svb_shared, known_since) is in the file as well. Only what
 * a server has written when it stopped keeps it, since that misses nothing; the
 * time while it was down counts, since nothing began through it then. After a
 * crash the table is as old as the server, and so it is where a file of version 1
 * was read, or where nodes found no place.
 *
 * All of this runs in the parent, in its only thread, takes no lock and waits for
 * the file system.
 */
#ifndef SVB_MEMORY_MOD_PERSIST_H
#define SVB_MEMORY_MOD_PERSIST_H

#include "mod_log.h"

/** What was found; while the server starts. */
typedef struct svb_persist svb_persist;

/**
 * The file's path, in the runtime directory unless it says otherwise.
 * @param file from ServoyPersist, or NULL for the usual name
 * @return from p, or NULL where there is no such path
 */
const char *svb_persist_path(apr_pool_t *p, const char *file);

/**
 * Can the file be written? In check_config; makes nothing. Logged if not; it is a
 * warning only where a configuration is tested by somebody who may not write there,
 * but where the server may.
 * @return whether the server may start
 */
int svb_persist_check(apr_pool_t *p, server_rec *s, const char *path);

/** Stopping takes longer than a second with so many clients: warn of it. */
void svb_persist_check_size(server_rec *s, apr_size_t capacity);

/**
 * Look for what was saved. In post_config, before svb_segments_attach(). A bad file
 * is set aside with a warning.
 * @param p keeps what was found
 * @return never NULL
 */
svb_persist *svb_persist_look(apr_pool_t *p, server_rec *s, const char *path);

/** @return the secret that the table has to be made with so that the ids of the
 *          file mean something in it, or NULL: any will do */
const unsigned char *svb_persist_secret(const svb_persist *found);

/** Put what was found into the new, empty segments; in post_config. */
void svb_persist_restore(svb_persist *found, server_rec *s);

/**
 * From now on state is saved. In post_config, once it is restored.
 * @param found what was found, or NULL after a restart
 * @return APR_SUCCESS, or why it cannot be; logged
 */
apr_status_t svb_persist_begin(apr_pool_t *pconf, server_rec *s,
                               const char *path, const svb_persist *found);

/** State is not saved any more; in post_config. */
void svb_persist_end(apr_pool_t *p);

#endif /* SVB_MEMORY_MOD_PERSIST_H */
