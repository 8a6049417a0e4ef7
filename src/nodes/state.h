/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The states of a node: their words, and what each means. Everything that names a
 * state (page, JSON, metrics, log) takes it from here.
 *
 * Pure: constants alone; any thread, any phase.
 */
#ifndef SVB_NODES_STATE_H
#define SVB_NODES_STATE_H

/**
 * What a node does for its fleet, best first: where the members of a node
 * differ, the node is what the best of them is.
 */
typedef enum svb_state {
    SVB_STATE_READY,
    SVB_STATE_SLOWSTART,
    SVB_STATE_DEGRADED,
    SVB_STATE_SUSPECT,
    SVB_STATE_FULL,
    SVB_STATE_DRAINING,
    SVB_STATE_MAINTENANCE,
    SVB_STATE_STANDBY,
    SVB_STATE_SPARE,
    SVB_STATE_SILENT,
    SVB_STATE_ERROR,
    SVB_STATE_DISABLED,
    SVB_STATE_STOPPED,
    SVB_STATES /* how many there are */
} svb_state;

/** How a state is judged, and the CSS class of its badge. */
typedef enum svb_severity {
    SVB_SEVERITY_OK,   /* works as it should */
    SVB_SEVERITY_BUSY, /* intended, and passes or waits */
    SVB_SEVERITY_WARN, /* holds back: somebody should know */
    SVB_SEVERITY_BAD,  /* broken: somebody should act */
    SVB_SEVERITIES
} svb_severity;

/** What is to be known about a state. */
typedef struct svb_state_info {
    const char *name;   /* the word in JSON and metrics: "error" */
    const char *phrase; /* after a number of nodes: "in error" */
    svb_severity severity;
    int can_serve;         /* requests of the clients it has reach it */
    int takes_new;         /* it is a candidate for new clients; standby and
                            * spare are not: they wait until nobody else is */
    const char *explained; /* one line for people */
} svb_state_info;

/**
 * The better of two states. Any phase.
 * @param a one state
 * @param b the other
 * @return the one that stands first in svb_state
 */
svb_state svb_state_best(svb_state a, svb_state b);

/**
 * Has an administrator taken the node out? Any phase.
 * @param state the state; of those that he can set
 */
int svb_state_is_out(svb_state state);

/**
 * What is to be known about a state. Any phase.
 * @param state the state; a value outside of the enum is taken for error
 * @return a constant, never NULL
 */
const svb_state_info *svb_state_describe(svb_state state);

/**
 * A state's word, as JSON and metrics have it. Any phase.
 * @param state the state; a value outside of the enum is taken for error
 * @return a constant, never NULL
 */
const char *svb_state_name(svb_state state);

/**
 * A severity's CSS class: "ok", "busy", "warn", "bad". Any phase.
 * @param severity the severity; a value outside of the enum is taken for bad
 * @return a constant, never NULL
 */
const char *svb_state_severity_name(svb_severity severity);

#endif /* SVB_NODES_STATE_H */
