/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What another front end has told, and we have not read: known by its batches' numbers,
 * and by how far its log goes. It is asked to walk then, to announce all that it has.
 *
 * BOOTS AND NUMBERS. Boots grow; of each boot, numbers follow each other, from 1. What
 * comes of a batch, where 7 was the last number of boot 5 that was read:
 *
 *     boot   number                                     read    something is missing
 *      5      8                                          yes     no
 *      5      10                                         yes     yes
 *      5      7 or less: sent for the second time        no      no
 *      6      1                                          yes     no
 *      6      any other                                  yes     yes
 *      4      any                                        no      no
 *      4      any, but its heartbeat says boot 4:        yes     as of 6
 *             the store's clock went back
 *
 * WALKS. Wanted, asked for, under way, over; whoever was asked and does not go on for ten
 * seconds is asked again. Of those that are gone, or incompatible, none is wanted.
 *
 * Pure: no locks; one thread of one process at a time.
 */
#ifndef SVB_SHARE_MISSING_H
#define SVB_SHARE_MISSING_H

#include "share/front.h"

/** Who was asked and does not walk on for so long is asked again. */
#define SVB_WALK_PATIENCE apr_time_from_sec(10)

/** What becomes of a batch. */
typedef enum svb_missing {
    SVB_MISSING_PASSED, /**< it is not to be read */
    SVB_MISSING_NOTHING,
    SVB_MISSING_SOME /**< before it; its front end has to walk */
} svb_missing;

/**
 * A batch is the next of a front end's.
 * @param is_new we are new here: of a boot that we meet, we have not missed what went
 *               before
 */
svb_missing svb_missing_before(svb_front *front, apr_uint64_t boot,
                               apr_uint64_t number, int is_new);

/** It is alive, before svb_front_beat(). @return whether it is one of an earlier boot:
 *  another one has told something under its name, and has given way to it; what it told
 *  meanwhile was taken for older, and was not read. It has to walk */
int svb_missing_beat(svb_front *front, const svb_heartbeat *beat);

/** So far its log goes. @return whether that is less than was read: the log was emptied,
 *  or it is another store's; it is read from its beginning then, and has to walk */
int svb_missing_log(svb_front *front, apr_uint64_t ms, apr_uint64_t seq);

/** It was read with these flags (SVB_BATCH_WALK...). @param now the clock here */
void svb_missing_walks(svb_front *front, unsigned flags, apr_time_t now);

/** Ask again, if it is time. @param now the clock here @param time the store's
 *  @return whether nothing is wanted of it any more, since it is not with us */
int svb_missing_ask_again(svb_front *front, apr_time_t now, apr_uint64_t time);

/**
 * We are new here: ask the first of those that are here, and be done when it has walked.
 * @param newcomer 1 has asked nobody, 2 has asked
 * @return what it is now; 0: introduced
 */
int svb_missing_introduce(svb_front fronts[SVB_FRONTS_MAX], int newcomer,
                          apr_uint64_t time);

/** What is missing again and again, though the store is there, was lost in the store. In
 *  shared memory, all zero at first. */
typedef struct svb_gaps {
    _Atomic apr_uint64_t seen; /**< how many there were */
    _Atomic int times;         /**< that there were new ones, of late */
    _Atomic apr_time_t last, told;
} svb_gaps;

/** New gaps within so long are of one cause; after so long without, it is over. */
#define SVB_GAPS_ONE apr_time_from_sec(5)
#define SVB_GAPS_OVER apr_time_from_sec(60)

/** So many times make it worth to be told, once in so long. */
#define SVB_GAPS_MANY 3
#define SVB_GAPS_TELL apr_time_from_sec(60)

/**
 * @param all     how many there were so far
 * @param settled the store has been there for a while: they are none of its coming back
 * @return whether it is to be told that they repeat
 */
int svb_gaps_repeat(svb_gaps *gaps, apr_uint64_t all, int settled,
                    apr_time_t now);

#endif /* SVB_SHARE_MISSING_H */
