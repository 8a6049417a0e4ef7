/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What has happened of late, in shared memory: changes of nodes' states, what
 * administrators did besides, and what concerns the server as a whole. A ring of fixed
 * size that all processes write to and anybody reads.
 *
 * An event is sealed with its number and a hash of it. A process that is killed
 * while it writes leaves a place that nobody reads until the ring comes round again;
 * a reader that meets an event being overwritten leaves it out.
 *
 * No locks, no logging, no allocation but for svb_events_open(); any thread of any
 * process, in any phase after it.
 */
#ifndef SVB_MEMORY_EVENTS_H
#define SVB_MEMORY_EVENTS_H

#include <apr_pools.h>
#include <apr_time.h>

#include "memory/names.h"

/** How many events are kept. */
#define SVB_EVENTS_MAX 256

/** Longest reason, without the NUL; what is longer is cut off. */
#define SVB_REASON_MAX 159

/** What an event is. */
typedef enum svb_event_kind {
    SVB_EVENT_STATE,  /**< a node's state has changed */
    SVB_EVENT_ACTION, /**< an administrator has done something to a node */
    SVB_EVENT_SERVER, /**< of the server: a start, the store, another front end */
    SVB_EVENT_KINDS
} svb_event_kind;

/** How many states are told apart where events are counted. */
#define SVB_EVENTS_STATES 32

/** Something that has happened. It names the node, whose record may be another's by
 *  the time that somebody reads of it. */
typedef struct svb_event {
    apr_time_t time;
    int from; /**< svb_state, or -1: the first that was seen of it, or none */
    int to;   /**< svb_state; or -1: it is no change of state */
    svb_event_kind kind;
    int zero;
    char fleet[SVB_NAME_MAX + 1];
    char route[SVB_NAME_MAX + 1];
    char reason[SVB_REASON_MAX + 1];
} svb_event;

/** Process-local handle on the ring. */
typedef struct svb_events svb_events;

/** @return bytes of shared memory that the ring takes */
apr_size_t svb_events_size(void);

/**
 * Make a handle on the ring.
 * @param events the new handle, from p
 * @param mem    svb_events_size() bytes, 64-byte aligned, all zero when new
 * @param p      pool of the handle; mem must outlive it
 */
apr_status_t svb_events_open(svb_events **events, void *mem, apr_pool_t *p);

/** Add an event; the oldest one goes. */
void svb_events_add(svb_events *events, const svb_event *event);

/**
 * Add an event of the server, unless there was the like of it of late: what goes on and
 * off, or goes wrong again and again, is not to drive out all else.
 * @param what  what has happened, the same each time that it is the like
 * @param which and with which facts, or ""
 * @param every how long to be silent after one
 */
void svb_events_add_server(svb_events *events, const char *what,
                           const char *which, apr_interval_time_t every,
                           apr_time_t now);

/** @return how many changes to this state there have been since the ring was made */
apr_uint64_t svb_events_to_state(svb_events *events, int state);

/**
 * Copy out the latest events, the newest first.
 * @param list room for most of them
 * @return how many there were
 */
int svb_events_latest(svb_events *events, svb_event *list, int most);

/** @return how many events there have been since the ring was made */
apr_uint64_t svb_events_count(svb_events *events);

#endif /* SVB_MEMORY_EVENTS_H */
