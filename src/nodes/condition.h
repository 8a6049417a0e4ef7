/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The one judge of what a node can do. Evidence goes in, a condition comes out; what
 * is not in these two tables is not concluded anywhere.
 *
 * THE CONNECTION to a node is that of its members, up to eight, each by itself:
 *
 *     evidence about a member              the member   of all of them
 *     answers a request or a probe         ok           all ok: the node answers
 *     a request could not be sent to it    doubtful     (asked at once; like ok until then)
 *     does not answer a probe in time      silent       some ok: degraded
 *     refuses a probe                      refused      none ok, one silent: silent
 *                                                       all refused: gone
 *
 * A node that is gone has lost its clients, at once; one that has been silent for
 * ServoyForget has, too. Nothing else ever loses them.
 *
 * THE SERVICE is what new clients have met there:
 *
 *     evidence \ service   fine                   suspect              maintenance
 *     began a session      fine, count 0          fine                 fine
 *     refused, with the    maintenance            maintenance          maintenance, for
 *     words of it                                                      another while
 *     failed (an error,    count + 1; suspect,    count + 1, for       for another while
 *     no session)          when that is n and     another while
 *                          others have begun a
 *                          session since the
 *                          first of them
 *     enabled by hand      fine                   fine                 fine
 *
 * In maintenance and suspect one client may try each time the while is over; it
 * lasts for the retry time of ServoyMaintenance. A clock that was set back makes it
 * be over at once.
 *
 * EXAMPLE. Node b has an AJP member 0 and an HTTP member 1, 20 clients, n is 3.
 *
 *   12:00:00  b is stopped. A request cannot be sent to member 0: doubtful. Both
 *             are asked, both refuse: gone. State error, "connection refused by
 *             ajp://b:8009"; its 20 clients are forgotten.
 *   12:00:30  It is started. Member 1 answers a probe: degraded. Member 0 does:
 *             ready. (A WAR that is still starting answers 503 with the words
 *             "System is inaccessible" to the first new client: maintenance.)
 *   12:05:00  A long garbage collection: both are silent when asked: silent, no new
 *             clients, the 12 it has by now are kept. 12:05:20: it answers: ready.
 *   12:10:00  It is put into Servoy's maintenance mode: the next new client is
 *             refused, and served elsewhere: maintenance until 12:10:30. Then one
 *             more client tries it: until 12:11:00, and so on.
 *   12:20:00  Maintenance is over; the one that tries at 12:20:10 begins a session:
 *             ready.
 *   12:30:00  An upgrade goes wrong: new clients get 404 where they have begun
 *             sessions before. After three of them, while node a has begun one:
 *             suspect, "3 new clients in a row got 404"; elected last, and one tries
 *             each half minute.
 *   12:40:00  It is mended; the next to try begins a session: ready.
 *
 * Both are kept in one word each of the node's record, changed by compare-and-swap.
 * Pure: the clock, the rules and how many members there are are passed in. No locks,
 * no allocation; any thread of any process, in any phase after svb_records_open().
 */
#ifndef SVB_NODES_CONDITION_H
#define SVB_NODES_CONDITION_H

#include "memory/records.h"
#include "nodes/probe.h"
#include "nodes/state.h"

/** How many members of a node are judged one by one: those that have a slot in its
 *  record. */
#define SVB_CONDITION_MEMBERS SVB_RECORDS_MEMBERS

/** In a mask of members, a bit for each slot, and this one where there are more than
 *  have a slot. Of those nothing bad is ever known. */
#define SVB_CONDITION_MORE (1u << SVB_CONDITION_MEMBERS)

/** What is known of the connection to a node, best first. */
typedef enum svb_level {
    SVB_LEVEL_ANSWERS,
    SVB_LEVEL_DEGRADED, /**< by some of its members only */
    SVB_LEVEL_SILENT,
    SVB_LEVEL_GONE
} svb_level;

/** What new clients have met. */
typedef enum svb_service {
    SVB_SERVICE_FINE,
    SVB_SERVICE_SUSPECT,
    SVB_SERVICE_MAINTENANCE
} svb_service;

/** What new clients can meet. */
typedef enum svb_met {
    SVB_MET_SESSION, /**< one began */
    SVB_MET_REFUSAL, /**< 503, with the words of maintenance */
    SVB_MET_FAILURE, /**< an error, and no session */
    SVB_MET_ENABLED  /**< nothing: an administrator says that it is fine */
} svb_met;

/** How long, and how often; of the balancer. */
typedef struct svb_rules {
    apr_interval_time_t retry;  /**< of maintenance and suspicion; above zero */
    int suspect;                /**< failures in a row, 0: never suspect */
    apr_interval_time_t forget; /**< the silent lose their clients; 0: never */
} svb_rules;

/** All that was seen of a node: a copy. */
typedef struct svb_seen {
    svb_level level;
    apr_time_t level_since; /**< in whole seconds; 0: always */
    svb_reach members[SVB_CONDITION_MEMBERS]; /**< by slot; ok where none is */
    svb_service service;
    unsigned failures;  /**< of new clients in a row */
    unsigned status;    /**< HTTP status that the last of them got */
    apr_time_t failing; /**< since when, to the second; 0: none, or not fine */
    apr_time_t until;   /**< when one may try; 0 while the service is fine */
} svb_seen;

/** What a call has brought about; bits. */
#define SVB_CHANGED 1 /**< level or service is another one now */
#define SVB_HAS_LOST                                                           \
    2 /**< the node has lost its clients: give it a new epoch */

/**
 * Note what is known of a member's connection.
 * @param slot    the member's slot, or -1: it has none, and nothing is noted
 * @param reach   not SVB_REACH_UNKNOWN. Doubtful is only noted of one that was ok
 * @param members mask of the members that the node has
 * @return SVB_CHANGED, SVB_HAS_LOST: to exactly one of several callers
 */
int svb_condition_reached(svb_records *records, int node, int slot,
                          svb_reach reach, unsigned members, apr_time_t now);

/** Time passes: the silent may have been so for too long. To be called every second
 *  or so. @return likewise */
int svb_condition_tick(svb_records *records, int node, unsigned members,
                       const svb_rules *rules, apr_time_t now);

/**
 * Note what a new client has met.
 * @param status HTTP status of a failure, else 0
 * @param others when a new client last began a session at another node of the
 *               fleet, or 0
 * @return SVB_CHANGED or 0, likewise
 */
int svb_condition_met(svb_records *records, int node, svb_met what,
                      unsigned status, apr_time_t others,
                      const svb_rules *rules, apr_time_t now);

/**
 * May this client try a node that is in maintenance or suspect? One may, each time
 * the while is over.
 * @return whether it is the one; also where the service is fine
 */
int svb_condition_may_try(svb_records *records, int node,
                          const svb_rules *rules, apr_time_t now);

/** Would one be let try now? Changes nothing. */
int svb_condition_is_due(const svb_seen *seen, const svb_rules *rules,
                         apr_time_t now);

/** Copy out what was seen. @param members mask of those that the node has */
void svb_condition_see(svb_records *records, int node, unsigned members,
                       svb_seen *seen);

/** Is there nothing to be said against the node: are all its members reached, and has no
 *  new client failed of late? */
int svb_condition_is_fine(svb_records *records, int node);

/** Is a member of this reach used, whatever it is suspected of? */
int svb_condition_is_up(svb_reach reach);

/** @return the words for a reach that is not ok: "connection refused by" and the
 *          like, to be followed by the member's name */
const char *svb_condition_reach_text(svb_reach reach);

/* ------------------------------------------------------------- signs of life */

/** The node has given a sign of life: an answer to a request, or to a probe. */
void svb_condition_hear(svb_records *records, int node, apr_time_t now);

/** @return when the node last gave one, to the second, rounded down; 0: never */
apr_time_t svb_condition_heard(svb_records *records, int node);

/** A new client has begun a session here. */
void svb_condition_began(svb_records *records, int node, apr_time_t now);

/** @return when one last did, to the second; 0: never */
apr_time_t svb_condition_last_began(svb_records *records, int node);

/**
 * May a warning about the node be given? Once in a while, by one process.
 * @param every how long to be silent after one
 */
int svb_condition_may_warn(svb_records *records, int node, apr_time_t now,
                           apr_interval_time_t every);

/* ------------------------------------------------------------ the whole of it */

/** What else there is to know about a node, for its condition. */
typedef struct svb_standing {
    svb_state
        word;    /**< what an administrator has set: ready for nothing, standby,
                       spare, draining, maintenance, disabled or stopped */
    int members; /**< how many it has */
    int usable; /**< how many mod_proxy would use: neither in error nor failed by
                       a health check, nor taken out */
    int url_slot;          /**< of the direct URL, where that is asked; or -1 */
    int is_full;           /**< it has maxclients= */
    apr_time_t slow_until; /**< of slow start; 0: none */
} svb_standing;

/** Why a node is in its state. */
typedef enum svb_cause {
    SVB_CAUSE_NONE,
    SVB_CAUSE_MEMBER,   /**< the connection of a member: slot, reach */
    SVB_CAUSE_UNUSABLE, /**< mod_proxy does not use it (error, health check) */
    SVB_CAUSE_MAINTENANCE, /**< it has refused a new client */
    SVB_CAUSE_FAILURES,    /**< new clients in a row: failures, status */
    SVB_CAUSE_WORD,        /**< an administrator */
    SVB_CAUSE_FULL,
    SVB_CAUSE_SLOWSTART
} svb_cause;

/** What a node can do. */
typedef struct svb_condition {
    svb_state state;
    svb_cause cause;
    int slot;        /**< of the member that is the cause, or -1 */
    svb_reach reach; /**< of that member */
    unsigned failures, status;
    apr_time_t
        failing; /**< since when new clients fail, while that is no reason
                             to suspect it; 0: they do not */
    apr_time_t
        until;     /**< when the state ends or is tried again by itself, or 0 */
    int serves;    /**< its clients */
    int takes_new; /**< new ones, as any other */
    int is_last;   /**< asked when no other can: degraded, or suspect until its
                         time to be tried has come */
    int gets_launches;
} svb_condition;

/** Conclude. @param seen from svb_condition_see() */
svb_condition svb_condition_of(const svb_standing *standing,
                               const svb_seen *seen, const svb_rules *rules,
                               apr_time_t now);

/* ------------------------------------------------------------- states, noted */

/**
 * Note the state that a node is in.
 * @return the state noted before, or -1 when this is the first; where the two
 *         differ, the caller is the one process that saw the change
 */
int svb_condition_note(svb_records *records, int node, svb_state state,
                       apr_time_t now);

/** @return the state noted last, or -1 for none */
int svb_condition_noted(svb_records *records, int node);

/** @return when the noted state last changed, 0 for never noted */
apr_time_t svb_condition_since(svb_records *records, int node);

#endif /* SVB_NODES_CONDITION_H */
