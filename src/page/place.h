/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Where somebody is on the page: what its address asks for. It is the same for the page,
 * for what its script fetches, and for where an action leads back to.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_PAGE_PLACE_H
#define SVB_PAGE_PLACE_H

#include <apr_pools.h>

#include "nodes/action.h"

/** How many nodes can be unfolded at once. */
#define SVB_PLACE_OPEN 16

/** By what the nodes are sorted. */
typedef enum svb_place_sort {
    SVB_SORT_TROUBLE,
    SVB_SORT_NAME,
    SVB_SORT_USERS,
    SVB_SORTS
} svb_place_sort;

/** A place. All zero: the page as it opens. */
typedef struct svb_place {
    svb_place_sort sort;
    int only_trouble;                 /* no nodes but those */
    const char *open[SVB_PLACE_OPEN]; /* the ids of nodes that are unfolded */
    int opens;                        /* how many */
    const char *fleet, *node; /* what an action is for, or was; NULL: none */
    const char *confirm;      /* the action that is asked about, or NULL */
    const char *again;        /* the one whose nonce was old, or NULL */
    const char *done;         /* the one that was done, or NULL */
    const char *was;          /* what the node was before: a state's name, or a
                               * loadfactor; or NULL */
    const char *value;        /* of an action, or NULL */
    int no_history;           /* the script has it already */
} svb_place;

/** The word of a sort: "trouble", "name", "users"; NULL beyond. */
const char *svb_place_sort_name(svb_place_sort sort);

/** Is this node unfolded? @param id as svb_rows_id() has it */
int svb_place_is_open(const svb_place *place, const char *id);

/**
 * What keeps the place in a link, "sort=users&open=a", or "".
 * @param p owns it
 * @param place the place
 * @param without an id that is to be folded in it, or NULL
 */
const char *svb_place_keep(apr_pool_t *p, const svb_place *place,
                           const char *without);

#endif /* SVB_PAGE_PLACE_H */
