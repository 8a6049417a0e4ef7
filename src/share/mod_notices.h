/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What the log is told of sharing: front ends that come, go, or are not understood; and,
 * once a minute at most, that something was rejected, or is missing again and again. (That
 * the store is lost and back is told where that is found, in mod_share.)
 *
 * One thread of one process; takes no lock. What was told is in shared memory, so that
 * the next process does not tell it again.
 */
#ifndef SVB_SHARE_MOD_NOTICES_H
#define SVB_SHARE_MOD_NOTICES_H

#include "share/mod_sharing.h"

/** Begin; in post_config. */
void svb_notices_start(server_rec *main_server);

/**
 * What has happened to front ends is an event, too, but not again and again. Any thread.
 * @param what  what has happened
 * @param which to which of them, or ""
 */
void svb_notices_event(const char *what, const char *which, apr_time_t now);

/** Tell what is new since the last call. */
void svb_notices_tell(apr_time_t now);

#endif /* SVB_SHARE_MOD_NOTICES_H */
