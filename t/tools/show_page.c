/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Writes a sample snapshot to stdout, to look at what the manager shows:
 *
 *     show_page html|json|prometheus|csp [sample] [actions]
 *
 * sample: usual (three nodes, one in error, one draining), hostile (strings
 * that try to break out), empty, large (1,000 nodes); actions: on or off.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "report/json.h"
#include "report/metrics.h"
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

static void usual(apr_pool_t *p, svb_snapshot *snap)
{
    static const struct {
        svb_snap_node node;
        const char *status; /* mod_proxy's words for its members */
    } samples[] = {
        {{.route = "servoy1",
          .state = SVB_STATE_READY,
          .url = "https://app1.example.com",
          .group = "east",
          .loadfactor = 1,
          .web = 112,
          .smart = 23,
          .in_flight = 7,
          .counters = {20, 31100, 3, 0, 9, 0, 0},
          .bytes_to = APR_UINT64_C(48318382),
          .bytes_from = APR_UINT64_C(9319383820)},
         "Init Ok"},
        {{.route = "servoy2",
          .state = SVB_STATE_ERROR,
          .reason = "connection refused by ajp://app2.example.com:8009",
          .url = "https://app2.example.com:8443",
          .group = "east",
          .loadfactor = 2,
          .maxclients = 300,
          .counters = {39, 20817, 6, 14, 0, 0, 27},
          .bytes_to = APR_UINT64_C(40318382),
          .bytes_from = APR_UINT64_C(319383820)},
         "Init Err"},
        {{.route = "servoy3",
          .state = SVB_STATE_DRAINING,
          .url = "https://app3.example.com",
          .group = "",
          .loadfactor = 0.5,
          .maxclients = 40,
          .smart = 4,
          .in_flight = 1,
          .counters = {7, 9120, 5, 0, 5, 3, 1},
          .bytes_to = APR_UINT64_C(8318382),
          .bytes_from = APR_UINT64_C(39383820)},
         "Init Drn Ok"},
    };
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(p, snap, "servoy");

    svb_snap_fleet_add_balancer(fleet, "balancer://servoy");
    svb_snap_fleet_add_balancer(fleet, "balancer://servoy-ws");
    for (int i = 0; i < 3; i++) {
        svb_snap_node *node = svb_snap_fleet_add_node(p, fleet, "");
        apr_array_header_t *members = node->members;

        *node = samples[i].node;
        node->members = members;
        node->last_change = snap->time - apr_time_from_sec(47 + 9000 * i);
        add_member(p, node, "balancer://servoy",
                   apr_psprintf(p, "ajp://app%d.internal:8009", i + 1),
                   samples[i].status);
        add_member(p, node, "balancer://servoy-ws",
                   apr_psprintf(p, "http://app%d.internal:8080", i + 1),
                   samples[i].status);
    }
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

static void large(apr_pool_t *p, svb_snapshot *snap)
{
    svb_snap_fleet *fleet = svb_snapshot_add_fleet(p, snap, "large");

    for (int i = 0; i < 1000; i++) {
        svb_snap_node *node =
            svb_snap_fleet_add_node(p, fleet, apr_psprintf(p, "node%d", i));

        node->state = i % 50 ? SVB_STATE_READY : SVB_STATE_ERROR;
        node->web = (apr_uint64_t)(i % 97);
        node->smart = (apr_uint64_t)(i % 11);
        add_member(p, node, "balancer://large",
                   apr_psprintf(p, "ajp://node%d.internal:8009", i), "Init Ok");
    }
}

static svb_snapshot *sample(apr_pool_t *p, const char *which, int actions)
{
    svb_snapshot *snap = svb_snapshot_make(p);

    snap->module = "mod_servoy_balancer/0.1.0";
    snap->server = "www.example.com";
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
        large(p, snap);
    }
    return snap;
}

int main(int argc, char **argv)
{
    const char *format = argc > 1 ? argv[1] : "html";
    const char *which = argc > 2 ? argv[2] : "usual";
    int actions = argc > 3 && strcmp(argv[3], "on") == 0;
    apr_status_t rv = APR_SUCCESS;
    svb_snapshot *snap;
    apr_pool_t *p;
    svb_sink s;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&p, NULL);
    snap = sample(p, which, actions);
    svb_sink_init(&s, to_stdout, stdout);
    if (strcmp(format, "json") == 0) {
        rv = svb_json_snapshot(snap, &s);
    }
    else if (strcmp(format, "prometheus") == 0) {
        rv = svb_metrics_snapshot(snap, &s);
    }
    else if (strcmp(format, "csp") == 0) {
        rv = puts(svb_page_csp(p, NONCE)) < 0;
    }
    else {
        rv = svb_page_snapshot(snap, NONCE, &s);
    }
    return rv == APR_SUCCESS ? 0 : 1;
}
