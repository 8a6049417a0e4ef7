/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "manager/fields.h"

#include <stddef.h>

/* A kind, and where the value is; does not compile where the member is not of
 * the type that the kind is read as. */
#define AT(type, member)                                                       \
    offsetof(svb_snap_node, member)                                            \
        + 0 * sizeof(&((svb_snap_node *)0)->member == (type *)0)
#define TEXT(member) .kind = SVB_VALUE_TEXT, .offset = AT(const char *, member)
#define GAUGE(member)                                                          \
    .kind = SVB_VALUE_GAUGE, .offset = AT(apr_uint64_t, member)
#define COUNTER(of)                                                            \
    .kind = SVB_VALUE_COUNTER, .offset = AT(apr_uint64_t, counters[of])
#define BYTES(member)                                                          \
    .kind = SVB_VALUE_BYTES, .offset = AT(apr_uint64_t, member)

const svb_field svb_fields[SVB_FIELDS] = {
    [SVB_FIELD_ROUTE] = {TEXT(route), .key = "route"},
    [SVB_FIELD_UP] = {.kind = SVB_VALUE_SERVES,
                      .offset = AT(svb_state, state),
                      .help = "Whether the node can serve the clients it has",
                      .metric = "servoy_node_up"},
    [SVB_FIELD_STATE] = {.kind = SVB_VALUE_STATE,
                         .offset = AT(svb_state, state),
                         .key = "state",
                         .heading = "State",
                         .help = "The state of the node: one of them is 1",
                         .metric = "servoy_node_state",
                         .label = "state"},
    [SVB_FIELD_NO_ANSWER] = {TEXT(no_answer), .heading = "Does not answer"},
    [SVB_FIELD_URL] = {TEXT(url), .key = "url", .heading = "Direct URL"},
    [SVB_FIELD_GROUP] = {TEXT(group), .key = "group", .heading = "Group"},
    [SVB_FIELD_LOADFACTOR] = {.kind = SVB_VALUE_FRACTION,
                              .offset = AT(double, loadfactor),
                              .key = "loadfactor",
                              .heading = "Load factor",
                              .help =
                                  "Share of the clients, relative to others",
                              .metric = "servoy_node_loadfactor"},
    [SVB_FIELD_MAXCLIENTS] = {GAUGE(maxclients), .key = "maxclients",
                              .heading = "Max clients",
                              .help = "Clients that the node may hold at most, "
                                      "0 for no limit",
                              .metric = "servoy_node_max_clients"},
    [SVB_FIELD_MEMBERS] = {.kind = SVB_VALUE_MEMBERS,
                           .offset = AT(apr_array_header_t *, members),
                           .key = "members"},
    [SVB_FIELD_WEB] = {GAUGE(web), .key = "web", .object = "clients",
                       .heading = "Clients",
                       .help = "Clients of the node now. Smart clients are an "
                               "estimate: launches within "
                               "ServoyLaunchTimeout",
                       .metric = "servoy_node_clients", .label = "kind",
                       .value = "web"},
    [SVB_FIELD_SMART] = {GAUGE(smart), .key = "smart", .object = "clients",
                         .metric = "servoy_node_clients", .label = "kind",
                         .value = "smart"},
    [SVB_FIELD_IN_FLIGHT] = {GAUGE(in_flight), .key = "in_flight",
                             .heading = "In flight",
                             .help = "Requests on the node now",
                             .metric = "servoy_node_in_flight_requests"},
    [SVB_FIELD_ELECTED] = {COUNTER(SVB_CTR_ELECTED), .key = "elected",
                           .heading = "Elected",
                           .help = "New clients given to the node",
                           .metric = "servoy_node_elections_total"},
    [SVB_FIELD_STICKY] = {COUNTER(SVB_CTR_STICKY), .key = "sticky",
                          .heading = "Sticky",
                          .help = "Requests of clients that the node already "
                                  "had",
                          .metric = "servoy_node_sticky_requests_total"},
    [SVB_FIELD_LAUNCHES] = {COUNTER(SVB_CTR_LAUNCHES), .key = "launches",
                            .heading = "Launches",
                            .help = "Launches of Smart Clients",
                            .metric = "servoy_node_launches_total"},
    [SVB_FIELD_FAILED_OVER_FROM] = {COUNTER(SVB_CTR_FAILED_OVER_FROM),
                                    .key = "failed_over_from",
                                    .heading = "Failovers from / to",
                                    .help = "Requests meant for the node that "
                                            "went elsewhere (from), requests "
                                            "meant for another node that it "
                                            "got (to)",
                                    .metric = "servoy_node_failovers_total",
                                    .label = "direction", .value = "from"},
    [SVB_FIELD_FAILED_OVER_TO] = {COUNTER(SVB_CTR_FAILED_OVER_TO),
                                  .key = "failed_over_to",
                                  .metric = "servoy_node_failovers_total",
                                  .label = "direction", .value = "to"},
    [SVB_FIELD_MAINTENANCE_HITS] =
        {COUNTER(SVB_CTR_MAINTENANCE_HITS), .key = "maintenance_hits",
         .heading = "New clients refused in maintenance",
         .help = "New clients that the node refused because it is in "
                 "maintenance",
         .metric = "servoy_node_maintenance_hits_total"},
    [SVB_FIELD_ERRORS] = {COUNTER(SVB_CTR_ERRORS), .key = "errors",
                          .heading = "Errors",
                          .help = "Attempts to reach the node that failed",
                          .metric = "servoy_node_errors_total"},
    [SVB_FIELD_BYTES_TO] = {BYTES(bytes_to), .key = "bytes_to",
                            .heading = "Traffic",
                            .help = "Bytes sent to the node",
                            .metric = "servoy_node_sent_bytes_total"},
    [SVB_FIELD_BYTES_FROM] = {BYTES(bytes_from), .key = "bytes_from",
                              .help = "Bytes received from the node",
                              .metric = "servoy_node_received_bytes_total"},
    [SVB_FIELD_SAFE_TO_STOP] = {.kind = SVB_VALUE_FLAG,
                                .offset = AT(int, safe_to_stop),
                                .key = "safe_to_stop",
                                .heading = "Safe to stop",
                                .help = "Takes no new clients and has none"},
    [SVB_FIELD_LAST_CHANGE] = {.kind = SVB_VALUE_TIME,
                               .offset = AT(apr_time_t, last_change),
                               .key = "last_change",
                               .heading = "Last change",
                               .help = "When its state last changed"},
};

svb_value svb_fields_read(const svb_field *field, const svb_snap_node *node)
{
    const void *at = (const char *)node + field->offset;

    switch (field->kind) {
    case SVB_VALUE_TEXT:
        return (svb_value){.text = *(const char *const *)at};
    case SVB_VALUE_FRACTION:
        return (svb_value){.fraction = *(const double *)at};
    case SVB_VALUE_FLAG:
        return (svb_value){.flag = *(const int *)at};
    case SVB_VALUE_TIME:
        return (svb_value){.time = *(const apr_time_t *)at};
    case SVB_VALUE_STATE:
        return (svb_value){.state = *(const svb_state *)at};
    case SVB_VALUE_SERVES:
        return (svb_value){
            .flag = svb_state_describe(*(const svb_state *)at)->can_serve};
    case SVB_VALUE_MEMBERS:
        return (svb_value){.members = *(apr_array_header_t *const *)at};
    default:
        return (svb_value){.number = *(const apr_uint64_t *)at};
    }
}
