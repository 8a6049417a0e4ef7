/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What an administrator can have done to a node. nodes/mod_admin does it.
 *
 * Pure: constants alone; any thread, any phase.
 */
#ifndef SVB_NODES_ACTION_H
#define SVB_NODES_ACTION_H

/** What can be done to a node. */
typedef enum svb_action_kind {
    SVB_ACTION_DRAIN,       /* no new clients */
    SVB_ACTION_ENABLE,      /* back to normal, from any of the others */
    SVB_ACTION_DISABLE,     /* no requests at all */
    SVB_ACTION_MAINTENANCE, /* no new clients until enabled */
    SVB_ACTION_CLOSE,       /* end the WebSockets that are open to it */
    SVB_ACTION_LOADFACTOR,  /* another share of the clients: value */
    SVB_ACTION_FORGET,      /* drop its clients from the table */
    SVB_ACTION_RESET,       /* zero its counters */
    SVB_ACTIONS             /* how many there are */
} svb_action_kind;

/** Least and greatest value of SVB_ACTION_LOADFACTOR. */
#define SVB_LOADFACTOR_MIN 0.01
#define SVB_LOADFACTOR_MAX 100.0

/** An action on a node. */
typedef struct svb_action {
    const char *fleet; /* 1 to SVB_NAME_MAX bytes */
    const char *node;  /* likewise: its route */
    svb_action_kind kind;
    double value; /* of SVB_ACTION_LOADFACTOR, in its range; else 0 */
} svb_action;

/**
 * An action's word as it is posted, for logs and for the page's buttons.
 * @param kind the action
 * @return a constant, "" for what is not in the enum
 */
const char *svb_action_name(svb_action_kind kind);

/**
 * What was done, to be followed by "by" and who did it: "drained".
 * @param kind the action
 * @return a constant, "" for what is not in the enum
 */
const char *svb_action_done(svb_action_kind kind);

/** Is the node in a state because of it, whose reason tells who did it? */
int svb_action_is_kept(svb_action_kind kind);

#endif /* SVB_NODES_ACTION_H */
