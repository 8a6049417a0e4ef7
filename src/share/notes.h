/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Two values that stand in hashes of the store, with a code behind them as batches have
 * it (share/batch.h).
 *
 * A heartbeat, one of each front end:
 *
 *     4  "svbh"
 *     1  lowest, 1 highest format of batches that it reads
 *     8  boot, 8 number of its last batch
 *     8  when it was written, in milliseconds of the store's clock
 *     8  clients that it knows
 *     4  elections in the last second, in thousandths
 *     4  how far its knowledge lags behind, in milliseconds
 *        name and version of its module
 *     8  code
 *
 * A word: what administrators have last said of a node, as (share/mod_word.h) knows it:
 *
 *     4  "svba"
 *     8  when it was said, 8 the word: SVB_WORD_ADMIN
 *     8  when its clients were last forgotten; 8 when its windows were last closed
 *        fleet, route; who said it, in front of which stands a length as of a name; ""
 *     8  code
 *
 * Times of words are numbers of a clock that all front ends move on: the store's
 * milliseconds, or one more than the highest that was met.
 *
 * Pure: no state, no locks; any thread, any phase.
 */
#ifndef SVB_SHARE_NOTES_H
#define SVB_SHARE_NOTES_H

#include <apr_pools.h>

#include "memory/records.h"
#include "share/mac.h"

/** Longest version, without the NUL. */
#define SVB_HEARTBEAT_VERSION 39

/** A front end's sign of life. */
typedef struct svb_heartbeat {
    unsigned least, most; /**< formats that it reads */
    apr_uint64_t boot, number;
    apr_uint64_t time; /**< ms of the store's clock */
    apr_uint64_t clients;
    apr_uint32_t elections; /**< thousandths of one a second */
    apr_uint32_t lag;       /**< ms */
    const char *version;
} svb_heartbeat;

/** What administrators have said of a node; 0 for a time: never. */
typedef struct svb_said {
    const char *fleet, *route;
    apr_uint64_t said_at, word;
    apr_uint64_t forgot_at, closed_at;
    const char *who; /**< at most SVB_RECORDS_TEXT bytes */
} svb_said;

/** @return its bytes, from p. Names and texts that are too long are cut off */
svb_exchange_bytes svb_heartbeat_write(const svb_heartbeat *beat,
                                       const svb_mac *mac, apr_pool_t *p);

/** @param beat filled in, from p. @return whether the bytes are a good one */
int svb_heartbeat_read(const svb_exchange_bytes *bytes, const svb_mac *mac,
                       svb_heartbeat *beat, apr_pool_t *p);

/** Likewise. */
svb_exchange_bytes svb_said_write(const svb_said *said, const svb_mac *mac,
                                  apr_pool_t *p);
int svb_said_read(const svb_exchange_bytes *bytes, const svb_mac *mac,
                  svb_said *said, apr_pool_t *p);

#endif /* SVB_SHARE_NOTES_H */
