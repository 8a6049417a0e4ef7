/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * How things went, in shared memory: of each node how many clients it had, and how many
 * errors there were; of each fleet what its counters were. A sample of all is taken every
 * 30 s, of which those of the last hour are kept, and every 10 min, for the last week.
 *
 * Time is in steps of that length, counted from 1970: a step's number says where in its
 * ring its sample is. A ring is longer than what is read of it, so that nobody reads a
 * place that is being written.
 *
 *     step      ... 59001333  59001334  59001335  59001336
 *     taken          yes       no        no        yes       the server was down
 *     clients        12        0         0         0         for a minute
 *     refused        40        40        40        43        three requests since
 *
 * Of a node or a fleet only steps since its first sample are told. A process that is
 * killed while it takes a sample leaves a step that is not taken yet: the next one takes
 * it again. What counters were is kept, not by how much they grew, so that a sample
 * that is taken twice is the same, and one that is missing loses nothing. A counter
 * that has become less was reset, and has not grown.
 *
 * Only who has been there takes memory: 2.4 KB a node, 19 KB a fleet, of the first
 * SVB_HISTORY_FLEETS fleets.
 *
 * No locks, no logging, no allocation but for svb_history_open(); any thread of any
 * process, in any phase after it, but that one takes samples at a time.
 */
#ifndef SVB_MEMORY_HISTORY_H
#define SVB_MEMORY_HISTORY_H

#include "memory/records.h"

/** How far samples are apart, and how many are told of. */
#define SVB_HISTORY_HOUR_STEP apr_time_from_sec(30)
#define SVB_HISTORY_HOUR 120
#define SVB_HISTORY_WEEK_STEP apr_time_from_sec(600)
#define SVB_HISTORY_WEEK 1008

/** Places of the rings: an hour and five minutes, and a few; likewise a week. */
#define SVB_HISTORY_HOUR_PLACES 136
#define SVB_HISTORY_WEEK_PLACES 1016

/** How many fleets are remembered. */
#define SVB_HISTORY_FLEETS 256

/** "Lately" is so many steps of the hour: 5 min. */
#define SVB_HISTORY_LATELY 10

/** What is kept of a fleet: sums over its nodes, and svb_fleet_counter. */
typedef enum svb_history_track {
    SVB_HISTORY_BEGUN, /**< SVB_CTR_ELECTED */
    SVB_HISTORY_LAUNCHES,
    SVB_HISTORY_REFUSED,
    SVB_HISTORY_MOVED,
    SVB_HISTORY_TRACKS
} svb_history_track;

/** What a fleet has counted of late. */
typedef struct svb_history_recent {
    apr_uint64_t refused; /**< lately */
    double begun;         /**< clients that began lately, per minute */
    double begun_before;  /**< the same an hour earlier; below 0: unknown */
    apr_uint64_t moved;   /**< in the last hour */
} svb_history_recent;

/** Process-local handle. */
typedef struct svb_history svb_history;

/** @return bytes of shared memory that it takes */
apr_size_t svb_history_size(void);

/**
 * Make a handle.
 * @param history the new handle, from p
 * @param mem     svb_history_size() bytes, 64-byte aligned, all zero when new
 * @param p       pool of the handle; mem must outlive it
 */
apr_status_t svb_history_open(svb_history **history, void *mem, apr_pool_t *p);

/**
 * Take what samples are due; of nodes and fleets that are new at once. To be called
 * every second or so. @param now time of day
 */
void svb_history_take(svb_history *history, svb_records *records,
                      apr_time_t now);

/**
 * Copy out how many clients a node had, the oldest first; 0 where nobody looked. The last
 * is of the present step, or of the one before.
 * @return how many; 0 of a node that was never looked at
 */
int svb_history_hour(const svb_history *history, svb_records *records, int node,
                     apr_time_t now, unsigned list[SVB_HISTORY_HOUR]);
int svb_history_week(const svb_history *history, svb_records *records, int node,
                     apr_time_t now, unsigned list[SVB_HISTORY_WEEK]);

/** @return by how much the node's SVB_CTR_ERRORS has grown lately */
apr_uint64_t svb_history_errors(const svb_history *history,
                                svb_records *records, int node, apr_time_t now);

/** What a fleet has counted of late. @param fleet from svb_records_fleet() */
svb_history_recent svb_history_recent_of(const svb_history *history,
                                         svb_records *records, int fleet,
                                         apr_time_t now);

/* ------------------------------------------------------- to a file, and back */

/** Up to which steps a history goes. */
typedef struct svb_history_end {
    apr_uint64_t hour, week;
} svb_history_end;

/** A node's history, up to the end: the last of each list is of that step. */
typedef struct svb_history_node {
    apr_uint64_t hour_since, week_since; /**< its first steps; 0: it has none */
    apr_uint32_t errors[SVB_HISTORY_LATELY + 2];
    apr_uint16_t hour[SVB_HISTORY_HOUR_PLACES];
    apr_uint16_t week[SVB_HISTORY_WEEK_PLACES];
} svb_history_node;

/** A fleet's, likewise. */
typedef struct svb_history_fleet {
    apr_uint64_t hour_since, week_since;
    apr_uint32_t hour[SVB_HISTORY_TRACKS][SVB_HISTORY_HOUR_PLACES];
    apr_uint32_t week[SVB_HISTORY_TRACKS][SVB_HISTORY_WEEK_PLACES];
} svb_history_fleet;

/** @return how far it goes */
svb_history_end svb_history_end_of(const svb_history *history, apr_time_t now);

/** Copy out. What was not taken is as the sample before it, or 0 of clients. */
void svb_history_save_node(const svb_history *history, svb_records *records,
                           int node, const svb_history_end *end,
                           svb_history_node *part);
void svb_history_save_fleet(const svb_history *history, int fleet,
                            const svb_history_end *end,
                            svb_history_fleet *part);

/**
 * Put back, into a history without samples. What lies ahead of now is not believed, nor
 * is what ends before there was a week.
 * @return whether the rest is to be put back as well
 */
int svb_history_begin(svb_history *history, const svb_history_end *end,
                      apr_time_t now);
void svb_history_restore_node(svb_history *history, svb_records *records,
                              int node, const svb_history_end *end,
                              const svb_history_node *part);
void svb_history_restore_fleet(svb_history *history, int fleet,
                               const svb_history_end *end,
                               const svb_history_fleet *part);

#endif /* SVB_MEMORY_HISTORY_H */
