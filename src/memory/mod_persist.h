/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * ServoyPersist: nodes' state and the client table survive a stop and start in
 * a file of the runtime directory, written when the parent process ends.
 *
 * All of this runs in the parent, in its only thread, takes no lock and waits for
 * the file system.
 */
#ifndef SVB_MEMORY_MOD_PERSIST_H
#define SVB_MEMORY_MOD_PERSIST_H

#include "mod_log.h"

/**
 * The file's path, in the runtime directory unless it says otherwise.
 * @param file from ServoyPersist, or NULL for the usual name
 * @return from p, or NULL where there is no such path
 */
const char *svb_persist_path(apr_pool_t *p, const char *file);

/**
 * The file's secret, which the table has to be made with so that the ids of the
 * file mean something in it. In post_config, before svb_segments_attach().
 * @param secret filled in
 * @return whether there is a good file; a bad one is set aside with a warning
 */
int svb_persist_secret(apr_pool_t *p, server_rec *s, const char *path,
                       unsigned char *secret);

/** Put the file's contents into the new, empty segments; in post_config. */
void svb_persist_restore(apr_pool_t *p, server_rec *s, const char *path);

/** Write the file when the parent ends; in post_config. */
void svb_persist_at_exit(apr_pool_t *pconf, server_rec *s, const char *path);

#endif /* SVB_MEMORY_MOD_PERSIST_H */
