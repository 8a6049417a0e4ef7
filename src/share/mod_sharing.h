/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What sharing has to remember, in shared memory: whichever child does the work, and
 * whoever is killed, the next one goes on from here. Also what there is to show.
 *
 * One thread of one process at a time writes (share/mod_share.h), but for what
 * administrators say; others look.
 */
#ifndef SVB_SHARE_MOD_SHARING_H
#define SVB_SHARE_MOD_SHARING_H

#include "config/mod_store.h"
#include "memory/names.h"
#include "memory/records.h"
#include "share/front.h"
#include "share/hints.h"
#include "share/missing.h"
#include "share/ring.h"

/** How things stand with the store. */
typedef enum svb_link {
    SVB_LINK_LOST, /**< also before the first round */
    SVB_LINK_CONNECTED,
    SVB_LINK_STOPPED /**< another one has our name: nothing is shared */
} svb_link;

/** All of it. */
typedef struct svb_sharing_words {
    _Atomic apr_uint64_t boot; /**< ours, 0: not yet; see svb_share_boot_ms() */
    _Atomic apr_uint64_t number; /**< of our last batch */
    _Atomic apr_time_t offset;   /**< what the store's clock is ahead */
    _Atomic int has_time;        /**< that is known */
    _Atomic int link;            /**< svb_link */
    _Atomic apr_time_t since;    /**< the link is so; 0: from the start */
    _Atomic apr_time_t good;     /**< the last round that succeeded */
    _Atomic apr_time_t retry_at; /**< no round before that */
    _Atomic int failed;          /**< rounds in a row */
    _Atomic apr_time_t surveyed, beaten, kept;
    _Atomic int must_drop_log; /**< ours is ahead of the clock */
    _Atomic apr_time_t frozen_at, thaw_at;
    _Atomic int newcomer; /**< what others know from before is not here yet */
    _Atomic int announce; /**< all that we have is to be told */
    _Atomic unsigned
        format;          /**< of the batches that we write; 0: not known yet */
    _Atomic int periods; /**< see memory/journal.h */
    _Atomic apr_uint64_t clock;      /**< highest number of a word */
    _Atomic apr_uint64_t words_seen; /**< hash of the version read last */
    _Atomic apr_uint64_t
        words_at[SVB_RECORDS_MAX]; /**< as the store has them */
    _Atomic apr_uint64_t
        elected; /**< elections, all together, when last seen */
    svb_expect expect;
    /* To be shown. */
    _Atomic apr_interval_time_t round_trip;
    _Atomic apr_uint64_t failures, unsent, walks, gaps, sent, received,
        rejected;
    _Atomic apr_uint64_t told_rejected;
    _Atomic apr_time_t told_rejected_at;
    svb_gaps repeated;
    svb_hints hints;
    svb_front fronts[SVB_FRONTS_MAX];
} svb_sharing_words;

/** Make it, or find what there is. In post_config, in the parent, after the segments.
 *  @return APR_SUCCESS, or why there is no memory; logged */
apr_status_t svb_sharing_start(server_rec *main_server, apr_pool_t *pconf);

/** @return it, or NULL: nothing is shared. Any thread, from post_config on */
svb_sharing_words *svb_sharing(void);

/** @return the ring, likewise */
svb_ring *svb_sharing_ring(void);

/** @return what elections of others are to be played, or NULL: nothing is shared */
svb_expect *svb_sharing_expect(void);

/** @return the store's clock, in ms */
apr_uint64_t svb_sharing_store_ms(apr_time_t now);

/** @return that moment of the store's by the clock here */
apr_time_t svb_sharing_local(apr_uint64_t store_ms);

/** @return when we were started, by the store's clock; 0: not known yet */
apr_uint64_t svb_sharing_boot_ms(void);

/** Has all that others know been heard, and is the store there? Also where nothing is
 *  shared. Any thread. */
int svb_sharing_is_complete(void);

/** @return the store's clock by which others are judged: when heartbeats were last read */
apr_uint64_t svb_sharing_judged_at(void);

/** What was another front end when heartbeats were last read? Any thread. */
svb_front_state svb_sharing_of_front(const svb_front *front);

#endif /* SVB_SHARE_MOD_SHARING_H */
