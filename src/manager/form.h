/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a browser or script posts to the manager.
 *
 * A body of application/x-www-form-urlencoded becomes an action on one node, or
 * a sentence that says what is wrong with it. Nothing is guessed or repaired: a
 * field that is unknown or there twice, a bad %-escape, a NUL or control
 * character, invalid UTF-8 are errors. What comes out is therefore valid UTF-8
 * without control characters and within the lengths given here; whether fleet
 * and node exist and the nonce is right is for the caller to find out.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_MANAGER_FORM_H
#define SVB_MANAGER_FORM_H

#include <apr_pools.h>

/** Longest body that is looked at, in bytes. */
#define SVB_FORM_MAX 4096

/** What can be done to a node. */
typedef enum svb_action_kind {
    SVB_ACTION_DRAIN,       /* no new clients */
    SVB_ACTION_ENABLE,      /* back to normal, from any of the others */
    SVB_ACTION_DISABLE,     /* no requests at all */
    SVB_ACTION_MAINTENANCE, /* no new clients until enabled */
    SVB_ACTION_LOADFACTOR,  /* another share of the clients: value */
    SVB_ACTION_FORGET,      /* drop its clients from the table */
    SVB_ACTION_RESET,       /* zero its counters */
    SVB_ACTIONS             /* how many there are */
} svb_action_kind;

/** Least and greatest value of SVB_ACTION_LOADFACTOR. */
#define SVB_LOADFACTOR_MIN 0.01
#define SVB_LOADFACTOR_MAX 100.0

/** A well-formed request for an action. */
typedef struct svb_action {
    const char *fleet; /* 1 to SVB_NAME_MAX bytes */
    const char *node;  /* likewise */
    const char *nonce; /* 1 to 128 bytes */
    svb_action_kind action;
    double value; /* of SVB_ACTION_LOADFACTOR, in its range; else 0 */
} svb_action;

/**
 * Parse a body.
 * @param p owns the strings in out and the message
 * @param body any bytes, need not be NUL-terminated; may be NULL if len is 0
 * @param len their number
 * @param out is overwritten; of no use unless NULL is returned
 * @return NULL, or a sentence for people that names the field and what is
 *         allowed. It is printable ASCII on one line, never contains the nonce,
 *         but may quote other input: escape it for HTML.
 */
const char *svb_form_parse(apr_pool_t *p, const char *body, apr_size_t len,
                           svb_action *out);

/**
 * An action's word as it is posted, for logs and for the page's buttons.
 * @param action the action
 * @return a constant, "" for what is not in the enum
 */
const char *svb_action_name(svb_action_kind action);

#endif /* SVB_MANAGER_FORM_H */
