/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Saving while the server runs: administrators' words within a second of being
 * said, the client table in slices, so that a client is on the disk within a
 * minute of its beginning.
 *
 * A watchdog's thread does it, in one child, which has inherited the open files
 * (memory/mod_live.h). Requests never wait for it. Should that child have died, it
 * takes ten seconds until another one takes over; whoever says a word meanwhile
 * writes it in the administrator's own request.
 *
 * Two processes can be at it when generations change, or when one was stopped for
 * a while. Words are written under a lock of the file, which goes with its process.
 * The table is the business of the process that has claimed it in shared memory;
 * one that comes back after five seconds finds that it is another's, and begins
 * anew. Should both write in between, the checksum says so, and there is the other
 * file.
 *
 * A table's file that is written while the server runs does not say that it has
 * all clients: it takes half a minute, in which some come.
 */
#ifndef SVB_MEMORY_MOD_AUTOSAVE_H
#define SVB_MEMORY_MOD_AUTOSAVE_H

#include "memory/save.h"
#include "mod_log.h"

/** Look after words and the table; a few times a second, from the watchdog's one
 *  thread. Waits for the disk. */
void svb_autosave_tick(server_rec *s);

/** This process ends: what it has begun is left to another one. */
void svb_autosave_stop(void);

/** An administrator has said something; in the request, after it was done. Writes
 *  it where no watchdog would soon. */
void svb_autosave_said(server_rec *s);

/** What a file that is written now says of itself: the next number, and that it may
 *  miss some clients. */
svb_save_facts svb_autosave_facts(apr_time_t now);

/** Write the words, now; for the parent, when it cannot save all. */
apr_status_t svb_autosave_words(void);

#endif /* SVB_MEMORY_MOD_AUTOSAVE_H */
