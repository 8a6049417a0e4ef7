/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/told.h"

#include "memory/merge.h"

static const struct {
    svb_kind kind;
    int is_known;
} kinds[] = {
    [SVB_RECORD_GONE] = {SVB_KIND_GONE, 1},
    [SVB_RECORD_WEB] = {SVB_KIND_WEB, 1},
    [SVB_RECORD_SMART] = {SVB_KIND_SMART, 1},
    [SVB_RECORD_ASSUMED] = {SVB_KIND_ASSUMED, 1},
    [SVB_RECORD_PENDING] = {SVB_KIND_PENDING, 1},
    [SVB_RECORD_WINDOWED] = {SVB_KIND_WINDOWED, 1},
    [SVB_RECORD_REMEMBERED] = {SVB_KIND_REMEMBERED, 1},
};

int svb_told_node(const svb_told_batch *batch, const svb_record *record)
{
    return record->node == SVB_RECORD_NO_NODE ? -1 : batch->nodes[record->node];
}

static svb_told of_client(const svb_told_batch *batch, const svb_record *record,
                          svb_client *client, unsigned *how)
{
    int is_gone = record->kind == SVB_RECORD_GONE;
    int stays = is_gone && !(record->more & SVB_RECORD_UNHEARD);
    int node = svb_told_node(batch, record);
    apr_time_t seen = batch->sent - apr_time_from_msec(record->age);

    if (node < 0 && (stays || !is_gone)) {
        return SVB_TOLD_NOTHING;
    }
    seen = seen < batch->now ? seen : batch->now;
    *client = (svb_client){.id = record->id,
                           .node = node < 0 ? 0 : node,
                           .kind = kinds[record->kind].kind,
                           .seen = seen - seen % APR_USEC_PER_SEC};
    *how = (stays ? SVB_MERGE_STAYS : 0)
           | (record->more & SVB_RECORD_PUT ? SVB_MERGE_PUT : 0);
    return SVB_TOLD_CLIENT;
}

svb_told svb_told_of(const svb_told_batch *batch, const svb_record *record,
                     svb_client *client, unsigned *how)
{
    if (record->kind < sizeof(kinds) / sizeof(kinds[0])
        && kinds[record->kind].is_known && record->id) {
        return of_client(batch, record, client, how);
    }
    return record->kind >= SVB_RECORD_REFUSED
                   && record->kind <= SVB_RECORD_MAINTENANCE
                   && svb_told_node(batch, record) >= 0
               ? SVB_TOLD_NODE
               : SVB_TOLD_NOTHING;
}
