/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/mod_room.h"

#include "memory/mod_segments.h"

/* Nodes with clients or requests in flight. */
static unsigned char held[SVB_RECORDS_MAX];
static int is_known;

static void find_clients(svb_clients *table)
{
    apr_time_t now = apr_time_now();
    apr_size_t pos = 0;
    svb_client client;

    while (table && svb_clients_next(table, &pos, now, &client)) {
        held[client.node] = 1;
    }
}

static void find_out(void)
{
    apr_time_t replaced;

    memset(held, 0, sizeof(held));
    find_clients(svb_segments_clients());
    find_clients(svb_segments_former(&replaced));
    svb_segments_sweep();
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        held[node] |= svb_rows_in_flight(svb_segments_rows(), node) > 0;
    }
    is_known = 1;
}

void svb_room_begin(void)
{
    is_known = 0;
}

int svb_room_for(const char *fleet, const char *route)
{
    svb_records *records = svb_segments_records();
    int node = svb_records_add(records, fleet, route);

    if (node < 0) {
        if (!is_known) {
            find_out();
        }
        node = svb_records_reuse(records, fleet, route,
                                 svb_segments_oldest_generation(), held);
    }
    return node;
}
