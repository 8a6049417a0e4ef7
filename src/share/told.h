/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a record of another front end's says: of a client, of a node, or nothing that is
 * known here. What a later version has added is left out.
 *
 * Pure: no state, no locks; any thread, any phase.
 */
#ifndef SVB_SHARE_TOLD_H
#define SVB_SHARE_TOLD_H

#include "memory/client.h"
#include "share/batch.h"

/** What a record is about. */
typedef enum svb_told {
    SVB_TOLD_NOTHING, /**< nothing that is known here */
    SVB_TOLD_CLIENT,
    SVB_TOLD_NODE
} svb_told;

/** A whole batch, as it is understood here. */
typedef struct svb_told_batch {
    const int *nodes; /**< of the batch's, the records here, or -1 */
    apr_time_t sent;  /**< by the clock here */
    apr_time_t now;
} svb_told_batch;

/** @return the record's node here, or -1: it is not known */
int svb_told_node(const svb_told_batch *batch, const svb_record *record);

/**
 * @param client of SVB_TOLD_CLIENT: filled in, never seen later than now
 * @param how    likewise: bits of SVB_MERGE_...
 */
svb_told svb_told_of(const svb_told_batch *batch, const svb_record *record,
                     svb_client *client, unsigned *how);

#endif /* SVB_SHARE_TOLD_H */
