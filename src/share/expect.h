/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Elections that other front ends may have held since they were last heard of: how many
 * this one should play through, in memory, around an election of its own.
 *
 * Without that, front ends that look at the same picture all send their next client to
 * the same node. For each own election others hold k - 1, k being all elections over the
 * own ones; but no more than may have happened since the others were last heard of, less
 * those that were played already. Those of front ends that come before this one by name
 * go first, then its own, then the rest, so that all play the same game. In a calm that is
 * nothing; in a rush they take turns; and one that is cut off goes on as if the others did
 * as it does.
 *
 *     20 front ends, 200 new clients a second, heard of 0.1 s ago: 19 may have come
 *     elsewhere; of the 19, 7 are of the 7 front ends whose names come first: play 7,
 *     elect, play 12. At the next election, 0.05 s later, 9 more may have come.
 *
 * Pure: words in shared memory, each changed by itself; no locks, any thread.
 */
#ifndef SVB_SHARE_EXPECT_H
#define SVB_SHARE_EXPECT_H

#include <apr_time.h>

/** Most elections of others that are played through around one. */
#define SVB_EXPECT_MOST 64

/** After so long others are taken to be cut off: they act as this one does. */
#define SVB_EXPECT_CUT_OFF apr_time_from_sec(2)

/** What is known of others; in shared memory, all zero at first. */
typedef struct svb_expect {
    _Atomic apr_uint32_t
        own; /**< own elections, in thousandths of one a second */
    _Atomic apr_uint32_t others; /**< likewise, of all others together */
    _Atomic apr_uint32_t before; /**< of those, whose names come before ours */
    _Atomic int front_ends;      /**< how many others there are */
    _Atomic apr_time_t heard;    /**< when they were last heard of; 0: never */
    _Atomic int played;          /**< since then */
} svb_expect;

/** How many to play. */
typedef struct svb_expect_turns {
    int before, after; /**< the own election */
} svb_expect_turns;

/** An election is to be held: how many others before it and after it? */
svb_expect_turns svb_expect_play(svb_expect *expect, apr_time_t now);

/** The others were heard of: what they have elected is known. */
void svb_expect_heard(svb_expect *expect, apr_time_t now);

#endif /* SVB_SHARE_EXPECT_H */
