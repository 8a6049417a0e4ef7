/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "report/fields.h"

#include <stddef.h>

/* A kind, and where the value is; does not compile where the member is not of
 * the type that the kind is read as. */
#define AT(kind_, type, member)                                                \
    .kind = SVB_VALUE_##kind_,                                                 \
    .offset = offsetof(svb_snap_node, member)                                  \
              + 0 * sizeof(&((svb_snap_node *)0)->member == (type *)0)
#define TEXT(member) AT(TEXT, const char *, member)
#define GAUGE(member) AT(GAUGE, apr_uint64_t, member)
#define COUNTER(which) AT(COUNTER, apr_uint64_t, counters[SVB_CTR_##which])
#define BYTES(member) AT(BYTES, apr_uint64_t, member)

/* clang-format off */
const svb_field svb_fields[SVB_FIELDS] = {
    [SVB_FIELD_ROUTE] = {TEXT(route), .key = "route"},
    [SVB_FIELD_UP] = {AT(FLAG, int, up), .metric = "servoy_node_up",
        .help = "Whether every balancer of the fleet can use the node"},
    [SVB_FIELD_STATE] = {AT(STATE, svb_state, state), .key = "state",
        .heading = "State", .metric = "servoy_node_state", .label = "state",
        .help = "The state of the node: one of them is 1"},
    [SVB_FIELD_URL] = {TEXT(url), .key = "url", .heading = "Direct URL"},
    [SVB_FIELD_GROUP] = {TEXT(group), .key = "group", .heading = "Group"},
    [SVB_FIELD_LOADFACTOR] = {AT(FRACTION, double, loadfactor),
        .key = "loadfactor", .heading = "Load factor",
        .metric = "servoy_node_loadfactor",
        .help = "Share of the clients, relative to others"},
    [SVB_FIELD_MAXCLIENTS] = {GAUGE(maxclients), .key = "maxclients",
        .heading = "Max clients", .metric = "servoy_node_max_clients",
        .help = "Clients that the node may hold at most, 0 for no limit"},
    [SVB_FIELD_MEMBERS] = {AT(MEMBERS, apr_array_header_t *, members),
        .key = "members"},
    [SVB_FIELD_WEB] = {GAUGE(web), .object = "clients", .key = "web",
        .heading = "Clients", .metric = "servoy_node_clients", .label = "kind",
        .value = "web",
        .help = "Clients of the node now. Smart clients are an estimate: "
                "launches within ServoyLaunchTimeout"},
    [SVB_FIELD_SMART] = {GAUGE(smart), .object = "clients", .key = "smart",
        .metric = "servoy_node_clients", .label = "kind", .value = "smart"},
    [SVB_FIELD_WINDOWED] = {GAUGE(windowed), .object = "clients",
        .key = "windowed", .metric = "servoy_node_windowed_clients",
        .help = "Those web clients that live by their WebSockets"},
    [SVB_FIELD_IN_FLIGHT] = {GAUGE(in_flight), .key = "in_flight",
        .heading = "In flight", .metric = "servoy_node_in_flight_requests",
        .help = "Requests on the node now"},
    [SVB_FIELD_ELECTED] = {COUNTER(ELECTED), .key = "elected",
        .heading = "Elected", .metric = "servoy_node_elections_total",
        .help = "New clients given to the node"},
    [SVB_FIELD_STICKY] = {COUNTER(STICKY), .key = "sticky",
        .heading = "Sticky", .metric = "servoy_node_sticky_requests_total",
        .help = "Requests of clients that the node already had"},
    [SVB_FIELD_LAUNCHES] = {COUNTER(LAUNCHES), .key = "launches",
        .heading = "Launches", .metric = "servoy_node_launches_total",
        .help = "Launches of Smart Clients"},
    [SVB_FIELD_FAILED_OVER_FROM] = {COUNTER(FAILED_OVER_FROM),
        .key = "failed_over_from", .heading = "Failovers from / to",
        .metric = "servoy_node_failovers_total", .label = "direction",
        .value = "from",
        .help = "Requests meant for the node that went elsewhere (from), "
                "requests meant for another node that it got (to)"},
    [SVB_FIELD_FAILED_OVER_TO] = {COUNTER(FAILED_OVER_TO),
        .key = "failed_over_to", .metric = "servoy_node_failovers_total",
        .label = "direction", .value = "to"},
    [SVB_FIELD_MAINTENANCE_HITS] = {COUNTER(MAINTENANCE_HITS),
        .key = "maintenance_hits",
        .heading = "New clients refused in maintenance",
        .metric = "servoy_node_maintenance_hits_total",
        .help = "New clients that the node refused because it is in "
                "maintenance"},
    [SVB_FIELD_ERRORS] = {COUNTER(ERRORS), .key = "errors",
        .heading = "Errors", .metric = "servoy_node_errors_total",
        .help = "Attempts to reach the node that failed"},
    [SVB_FIELD_BYTES_TO] = {BYTES(bytes_to), .key = "bytes_to",
        .heading = "Traffic", .metric = "servoy_node_sent_bytes_total",
        .help = "Bytes sent to the node"},
    [SVB_FIELD_BYTES_FROM] = {BYTES(bytes_from), .key = "bytes_from",
        .metric = "servoy_node_received_bytes_total",
        .help = "Bytes received from the node"},
    [SVB_FIELD_SAFE_TO_STOP] = {AT(FLAG, int, safe_to_stop),
        .key = "safe_to_stop", .heading = "Safe to stop",
        .help = "Takes no new clients and has none"},
    [SVB_FIELD_LAST_CHANGE] = {AT(TIME, apr_time_t, last_change),
        .key = "last_change", .heading = "Last change",
        .help = "When its state last changed"},
    [SVB_FIELD_SINCE] = {AT(TIME, apr_time_t, last_change), .key = "since",
        .metric = "servoy_node_state_since_seconds",
        .help = "When the state of the node began, in Unix time; not there "
                "where that is unknown"},
    [SVB_FIELD_REASON] = {TEXT(reason), .key = "reason", .heading = "Why"},
    [SVB_FIELD_UNTIL] = {AT(UNTIL, apr_time_t, until), .key = "until",
        .heading = "Until",
        .help = "When that ends, or is tried again, by itself"},
    [SVB_FIELD_BEFORE] = {AT(STATE, svb_state, before), .key = "before"},
    [SVB_FIELD_HAD] = {GAUGE(had), .key = "had"},
    [SVB_FIELD_IDLE] = {GAUGE(idle), .key = "idle"},
    [SVB_FIELD_HELD] = {GAUGE(held), .key = "held"},
    [SVB_FIELD_EMPTY_BY] = {AT(UNTIL, apr_time_t, empty_by),
        .key = "empty_by"},
    [SVB_FIELD_EMPTY_SINCE] = {AT(UNTIL, apr_time_t, empty_since),
        .key = "empty_since"},
    [SVB_FIELD_MOVED] = {AT(MOVED, apr_array_header_t *, moved),
        .key = "moved"},
    [SVB_FIELD_RECENT_ERRORS] = {GAUGE(recent_errors),
        .key = "recent_errors"},
    [SVB_FIELD_HOST] = {TEXT(host), .key = "host"},
    [SVB_FIELD_SAID] = {TEXT(said), .key = "said"},
    [SVB_FIELD_OTHER_ROUTE] = {TEXT(other_route), .key = "other_route"},
};
/* clang-format on */

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
    case SVB_VALUE_UNTIL:
        return (svb_value){.time = *(const apr_time_t *)at};
    case SVB_VALUE_STATE:
        return (svb_value){.state = *(const svb_state *)at};
    case SVB_VALUE_MEMBERS:
        return (svb_value){.members = *(apr_array_header_t *const *)at};
    case SVB_VALUE_MOVED:
        return (svb_value){.moved = *(apr_array_header_t *const *)at};
    default:
        return (svb_value){.number = *(const apr_uint64_t *)at};
    }
}
