/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The client table there was before ServoyClientTable changed.
 *
 * Children of the generation before go on with it until they end. What they still
 * learn is fetched from it for as long as they may live, once a tick, and when a
 * request asks for a client that was not fetched yet.
 *
 * No locks; any thread, in any phase after svb_segments_attach(), but where a
 * function says otherwise.
 */
#ifndef SVB_MEMORY_MOD_FORMER_H
#define SVB_MEMORY_MOD_FORMER_H

#include "memory/mod_segments.h"

/** Bring over all that the former table has, if it was replaced just now; in
 *  post_config, when time-outs are set. */
void svb_former_move(void);

/** Fetch what came since the last time; from the watchdog's one thread. */
void svb_former_follow(apr_time_t now);

/**
 * Look for a client that was not fetched yet, and put it into the table.
 * @return whether it is there now, and client is filled in
 */
int svb_former_find(apr_uint64_t id, apr_time_t now, svb_client *client);

/** A client goes, or gets another id: it must not be fetched again. */
void svb_former_remove(apr_uint64_t id);

#endif /* SVB_MEMORY_MOD_FORMER_H */
