/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Writes a sample snapshot to stdout, to look at what the manager shows:
 *
 *     show_page html|view|json|prometheus|csp [sample] [actions] [query]
 *
 * sample: usual (four nodes: one down, one draining, one suspect), hostile (strings
 * that try to break out), empty, hundred (nodes), large (1,000); actions: on or off.
 * query: the page's address, without its "?". view: what the page's script gets.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "report/json.h"
#include "report/metrics.h"
#include "manager/address.h"
#include "page/page.h"

#define NONCE "c2FtcGxlLW5vbmNlLTEyMw"
#define HOSTILE "\"'></textarea><script>alert(1)</script>\\\n\xff\xc0\xaf&amp;"

static apr_status_t to_stdout(void *baton, const char *data, apr_size_t len)
{
    return fwrite(data, 1, len, baton) == len ? APR_SUCCESS : APR_EGENERAL;
}

static void add_member(apr_pool_t *p, svb_snap_node *node, const char *balancer,
                       const char *worker, const char *status)
{
    svb_snap_member *member = svb_snap_node_add_member(p, node);

    member->balancer = balancer;
    member->worker = worker;
    member->status = status;
    member->busy = 1;
}

/* A line that rises from one number to another. */
static void add_hour(apr_pool_t *p, svb_snap_node *node, unsigned from,
                     unsigned to)
{
    unsigned *hour = apr_palloc(p, SVB_SNAP_HOUR * sizeof(*hour));

    for (unsigned i = 0; i < SVB_SNAP_HOUR; i++) {
        hour[i] = from + (to > from ? to - from : 0) * i / SVB_SNAP_HOUR
                  - (from > to ? from - to : 0) * i / SVB_SNAP_HOUR + i % 3;
    }
    node->hour = hour;
    node->hour_n = SVB_SNAP_HOUR;
}

static void add_move(svb_snap_node *node, const char *to, apr_uint64_t clients)
{
    svb_snap_move *move = apr_array_push(node->moved);

    *move = (svb_snap_move){to, clients};
}

static void add_event(svb_snapshot *snap, int ago, const char *kind,
                      const char *node, const char *from, const char *to,
                      const char *reason)
{
    svb_snap_event *event = apr_array_push(snap->events);

    *event = (svb_snap_event){.time = snap->time - apr_time_from_sec(ago),
                              .kind = kind,
                              .fleet = "servoy",
                              .node = node,
                              .from = from,
                              .to = to,
                              .reason = reason};
}

/* What a node of the usual sample is like, and for how long. */
static const struct {
    svb_snap_node node;
    unsigned hour_from, hour_to;
    int since;          /* seconds */
    const char *status; /* mod_proxy's words for its members */
} samples[] = {
    {{.route = "servoy1",
      .state = SVB_STATE_DRAINING,
      .reason = "drained by admin from 192.0.2.7",
      .said = "admin from 192.0.2.7",
      .loadfactor = 1,
      .web = 36,
      .windowed = 30,
      .had = 58,
      .idle = 9,
      .in_flight = 5,
      .counters = {20, 31100, 3, 0, 9, 0, 0},
      .bytes_to = APR_UINT64_C(48318382),
      .bytes_from = APR_UINT64_C(9319383820)},
     58,
     36,
     720,
     "Init Drn Ok"},
    {{.route = "servoy2",
      .state = SVB_STATE_ERROR,
      .before = SVB_STATE_READY,
      .reason = "connection refused by ajp://app2.internal:8009",
      .loadfactor = 2,
      .maxclients = 300,
      .had = 25,
      .recent_errors = 31,
      .counters = {39, 20817, 6, 14, 0, 0, 27}},
     20,
     25,
     230,
     "Init Err"},
    {{.route = "servoy3",
      .state = SVB_STATE_READY,
      .reason = "answers, and takes new clients",
      .loadfactor = 1,
      .maxclients = 40,
      .web = 24,
      .smart = 9,
      .in_flight = 2,
      .counters = {7, 9120, 5, 0, 5, 3, 1}},
     20,
     33,
     260000,
     "Init Ok"},
    {{.route = "servoy4",
      .state = SVB_STATE_SUSPECT,
      .reason = "51 new clients in a row got 403",
      .loadfactor = 1,
      .recent_errors = 51,
      .counters = {51, 0, 0, 0, 0, 0, 51}},
     0,
     0,
     430,
     "Init Ok"},
};

static void add_sample(apr_pool_t *p, svb_snapshot *snap, svb_snap_fleet *fleet,
                       int i)
{
    svb_snap_node *node = svb_snap_fleet_add_node(p, fleet, "");
    apr_array_header_t *members = node->members, *moved = node->moved;

    *node = samples[i].node;
    node->members = members;
    node->moved = moved;
    node->url = apr_psprintf(p, "https://app%d.example.com", i + 1);
    node->group = node->other_route = "";
    node->host = apr_psprintf(p, "app%d.internal", i + 1);
    node->last_change = snap->time - apr_time_from_sec(samples[i].since);
    node->until = i == 3 ? snap->time + apr_time_from_sec(21) : 0;
    node->empty_by = i == 0 ? snap->time + apr_time_from_sec(1740) : 0;
    add_hour(p, node, samples[i].hour_from, samples[i].hour_to);
    add_member(p, node, "balancer://servoy",
               apr_psprintf(p, "ajp://app%d.internal:8009", i + 1),
               samples[i].status);
    add_member(p, node, "balancer://servoy-ws",
               apr_psprintf(p, "http://app%d.internal:8080", i + 1),
               samples[i].status);
}

static void usual(apr_pool_t *p, svb_snapshot *snap)
{
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(p, snap, "servoy");

    svb_snap_fleet_add_balancer(fleet, "balancer://servoy");
    svb_snap_fleet_add_balancer(fleet, "balancer://servoy-ws");
    for (int i = 0; i < 4; i++) {
        add_sample(p, snap, fleet, i);
    }
    add_move(svb_snap_fleet_node(fleet, "servoy2"), "servoy1", 11);
    add_move(svb_snap_fleet_node(fleet, "servoy2"), "servoy3", 9);
    fleet->recent = (svb_snap_recent){0, 4, 6, 20};
    add_event(snap, 230, "state", "servoy2", "ready", "error",
              "connection refused by ajp://app2.internal:8009");
    add_event(snap, 430, "state", "servoy4", "ready", "suspect",
              "3 new clients in a row got 403");
    add_event(snap, 720, "state", "servoy1", "ready", "draining",
              "drained by admin from 192.0.2.7");
    add_event(snap, 720, "action", "servoy1", "", "",
              "drain by admin from 192.0.2.7");
    add_event(snap, 90000, "server", "", "", "", "started");
}

static void hostile(apr_pool_t *p, svb_snapshot *snap)
{
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(p, snap, HOSTILE);

    snap->module = snap->server = snap->nonce = HOSTILE;
    svb_snap_fleet_add_balancer(fleet, HOSTILE);
    for (int i = 0; i < SVB_STATES; i++) {
        svb_snap_node *node =
            svb_snap_fleet_add_node(p, fleet, apr_psprintf(p, HOSTILE "%d", i));

        node->state = (svb_state)i;
        node->url = i % 2 ? HOSTILE : "javascript:alert(1)";
        node->group = HOSTILE;
        add_member(p, node, HOSTILE, HOSTILE, HOSTILE);
    }
}

static void many(apr_pool_t *p, svb_snapshot *snap, int n)
{
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(p, snap, "large");

    for (int i = 0; i < n; i++) {
        svb_snap_node *node =
            svb_snap_fleet_add_node(p, fleet, apr_psprintf(p, "node%d", i));

        node->state = i % 50 ? SVB_STATE_READY : SVB_STATE_ERROR;
        node->web = (apr_uint64_t)(i % 97);
        node->smart = (apr_uint64_t)(i % 11);
        node->host = apr_psprintf(p, "node%d.internal", i);
        node->last_change = snap->time - apr_time_from_sec(1000 + i);
        node->reason = "answers, and takes new clients";
        add_hour(p, node, (unsigned)(i % 50), (unsigned)(i % 97));
        add_member(p, node, "balancer://large",
                   apr_psprintf(p, "ajp://node%d.internal:8009", i), "Init Ok");
    }
}

static svb_snapshot *sample(apr_pool_t *p, const char *which, int actions)
{
    svb_snapshot *snap = svb_snapshot_make(p);

    snap->module = "mod_servoy_balancer/0.1.0";
    snap->server = "www.example.com";
    snap->front_end = "lb1";
    snap->time = apr_time_from_sec(1795341600);
    snap->started = snap->time - apr_time_from_sec(273845);
    snap->nonce = "6f1d9b1c";
    snap->actions = actions;
    snap->table.capacity = 65536;
    snap->table.clients = 139;
    snap->table.bytes = 1048576;
    if (strcmp(which, "usual") == 0) {
        usual(p, snap);
    }
    else if (strcmp(which, "hostile") == 0) {
        hostile(p, snap);
    }
    else if (strcmp(which, "large") == 0) {
        many(p, snap, 1000);
    }
    else if (strcmp(which, "hundred") == 0) {
        many(p, snap, 100);
    }
    return snap;
}

int main(int argc, char **argv)
{
    const char *format = argc > 1 ? argv[1] : "html";
    const char *which = argc > 2 ? argv[2] : "usual";
    int actions = argc > 3 && strcmp(argv[3], "on") == 0;
    apr_status_t rv = APR_SUCCESS;
    svb_place place;
    svb_snapshot *snap;
    apr_pool_t *p;
    svb_sink s;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&p, NULL);
    snap = sample(p, which, actions);
    svb_address_read(p, argc > 4 ? argv[4] : NULL, &place);
    svb_sink_init(&s, to_stdout, stdout);
    if (strcmp(format, "json") == 0) {
        rv = svb_json_snapshot(snap, &s);
    }
    else if (strcmp(format, "prometheus") == 0) {
        rv = svb_metrics_snapshot(snap, &s);
    }
    else if (strcmp(format, "view") == 0) {
        rv = svb_page_json(snap, &place, &s);
    }
    else if (strcmp(format, "csp") == 0) {
        rv = puts(svb_page_csp(p, NONCE)) < 0;
    }
    else {
        rv = svb_page_write(snap, &place, NONCE, &s);
    }
    return rv == APR_SUCCESS ? 0 : 1;
}
