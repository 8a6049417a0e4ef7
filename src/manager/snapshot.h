/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * One plain, consistent copy of all that can be shown.
 *
 * A snapshot is a tree: snapshot -> fleets -> nodes -> members. It is filled
 * once per answer by whoever can see the shared memory and mod_proxy, and then
 * read by any number of writers (page, JSON, metrics, mod_status). Nothing in
 * it points into shared memory, so a writer may block on a slow client for as
 * long as it likes.
 *
 * - Everything lives in the pool handed to svb_snapshot_make() and the add
 *   functions; nodes and members never move once added.
 * - Strings may hold any bytes: the writers escape them. NULL counts as "".
 * - A node appears once in its fleet, however many members it has. A member
 *   without a route is a node of its own whose route is "": nothing is counted
 *   for it and nothing can be done to it, but its state is shown.
 * - A fleet's totals are not stored but derived from its nodes, so that the two
 *   cannot contradict each other.
 *
 * Pure: no locks, no globals that change, no logging.
 */
#ifndef SVB_MANAGER_SNAPSHOT_H
#define SVB_MANAGER_SNAPSHOT_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "memory/records.h"
#include "nodes/state.h"

/** One BalancerMember of a node. */
typedef struct svb_snap_member {
    const char *balancer; /* "balancer://servoy" */
    const char *worker;   /* "ajp://app1.internal:8009" */
    const char *status;   /* mod_proxy's words: "Init Ok" */
    apr_uint64_t busy;    /* requests mod_proxy has on it now */
    int lbset;
    int up;             /* it can be used, as far as anybody knows */
    const char *reason; /* why it is up or not, a short sentence */
} svb_snap_member;

/** One node of a fleet. */
typedef struct svb_snap_node {
    const char *route;
    svb_state state;
    int up;                      /* every balancer of the fleet can use it */
    const char *url;             /* direct URL, or NULL */
    const char *group;           /* or NULL */
    double loadfactor;           /* 1.0 is a plain share */
    apr_uint64_t maxclients;     /* 0: no limit */
    apr_array_header_t *members; /* of svb_snap_member *; never NULL */
    apr_uint64_t web;            /* web clients now */
    apr_uint64_t smart;          /* smart clients now: an estimate */
    apr_uint64_t windowed;  /* those of web that live by their WebSockets */
    apr_uint64_t in_flight; /* requests on it now */
    apr_uint64_t counters[SVB_COUNTERS]; /* since the last reset */
    apr_uint64_t bytes_to;               /* sent to the node */
    apr_uint64_t bytes_from;             /* received from it */
    int safe_to_stop;                    /* takes no new clients and has none */
    apr_time_t last_change; /* of its state; 0: never changed or unknown */
    const char *reason;     /* why it is in its state, a short sentence */
    apr_time_t until; /* when that ends or is tried again by itself, or 0 */
} svb_snap_node;

/** A change of a node's state. */
typedef struct svb_snap_event {
    apr_time_t time;
    const char *fleet, *node; /* the names */
    const char *from;         /* state's word; "" for the first */
    const char *to;
    const char *reason;
} svb_snap_event;

/** The nodes that serve the same users. */
typedef struct svb_snap_fleet {
    const char *name;
    apr_array_header_t *balancers; /* of const char *; never NULL */
    apr_array_header_t *nodes;     /* of svb_snap_node *; never NULL */
} svb_snap_fleet;

/** The client table, all fleets together. */
typedef struct svb_snap_table {
    apr_uint64_t capacity; /* clients it can hold */
    apr_uint64_t clients;  /* clients it holds */
    apr_uint64_t evicted;  /* live clients dropped for lack of room */
    apr_time_t evicted_at; /* when the last of them was; 0: none, or unknown */
    apr_uint64_t bytes;    /* memory it takes */
} svb_snap_table;

/** A front end that shares with us, or this one. */
typedef struct svb_snap_front {
    const char *name;
    int self;
    const char *version;
    const char *state;      /* "here", "lagging", "gone" or "incompatible" */
    apr_time_t seen;        /* its last sign of life; 0: none */
    apr_uint64_t lag_ms;    /* how old what it knows of others is */
    apr_uint64_t clients;   /* that it knows */
    double elections_per_s; /* in the last second */
    apr_uint64_t rejected;  /* what had its name and is not used */
} svb_snap_front;

/** The store by which front ends share. */
typedef struct svb_snap_store {
    const char *url;   /* or NULL: nothing is shared */
    const char *state; /* "connected", "lost" or "off" */
    apr_time_t since;  /* it is so; 0: from the start */
    apr_time_t known;  /* what is known of others is of that time */
    apr_time_t round_trip;
    apr_uint64_t unsent; /* batches that wait */
    apr_uint64_t walks, gaps, failures, sent, received, rejected;
} svb_snap_store;

/** Everything. */
typedef struct svb_snapshot {
    const char *module; /* "mod_servoy_balancer/0.1.0" */
    const char *server; /* the virtual host's name */
    apr_time_t time;    /* when the snapshot was taken */
    apr_time_t started; /* when the server was started */
    const char *nonce;  /* what a POST must carry as "nonce" */
    int actions;        /* the page may change something */
    svb_snap_table table;
    apr_array_header_t *fleets; /* of svb_snap_fleet *; never NULL */
    apr_array_header_t
        *events;           /* of svb_snap_event, newest first; never NULL */
    const char *front_end; /* our own name among them */
    apr_array_header_t
        *fronts; /* of svb_snap_front, ourselves first; never NULL */
    svb_snap_store store;
} svb_snapshot;

/** What a fleet's nodes come to. */
typedef struct svb_snap_totals {
    apr_uint64_t nodes;
    apr_uint64_t in_state[SVB_STATES]; /* nodes by state */
    apr_uint64_t serving;              /* nodes that can serve */
    apr_uint64_t takes_new; /* nodes that take new clients as things are; a
                             * standby or spare counts where no other does */
    apr_uint64_t web;
    apr_uint64_t smart;
    apr_uint64_t windowed;
    apr_uint64_t in_flight;
} svb_snap_totals;

/**
 * An empty snapshot: no fleets, all numbers 0, all strings "".
 * @param p owns the snapshot
 * @return the snapshot, never NULL. Any phase.
 */
svb_snapshot *svb_snapshot_make(apr_pool_t *p);

/**
 * Append a fleet without balancers and nodes.
 * @param p owns the fleet; may not live shorter than the snapshot
 * @param snap the snapshot to append to
 * @param name the fleet's name, not copied
 * @return the fleet, for the caller to fill; its address is final. Any phase.
 */
svb_snap_fleet *svb_snapshot_add_fleet(apr_pool_t *p, svb_snapshot *snap,
                                       const char *name);

/**
 * Append the name of a balancer to a fleet.
 * @param fleet the fleet
 * @param balancer the name, "balancer://servoy"; not copied. Any phase.
 */
void svb_snap_fleet_add_balancer(svb_snap_fleet *fleet, const char *balancer);

/**
 * Append a node without members: ready, loadfactor 1, all else 0 or "".
 * @param p owns the node; may not live shorter than the snapshot
 * @param fleet the fleet to append to
 * @param route the node's route, not copied
 * @return the node, for the caller to fill; its address is final. Any phase.
 */
svb_snap_node *svb_snap_fleet_add_node(apr_pool_t *p, svb_snap_fleet *fleet,
                                       const char *route);

/**
 * Append a member to a node, all 0 or "".
 * @param p owns the member; may not live shorter than the snapshot
 * @param node the node to append to
 * @return the member, for the caller to fill; its address is final. Any phase.
 */
svb_snap_member *svb_snap_node_add_member(apr_pool_t *p, svb_snap_node *node);

/**
 * Find a fleet by name. Linear in the number of fleets. Any phase.
 * @param snap the snapshot
 * @param name the name, compared byte for byte
 * @return the fleet or NULL
 */
svb_snap_fleet *svb_snapshot_fleet(const svb_snapshot *snap, const char *name);

/**
 * Find a node by route. Linear in the number of nodes: for one lookup per
 * answer, not for use inside a loop over nodes. Any phase.
 * @param fleet the fleet
 * @param route the route, compared byte for byte
 * @return the node or NULL
 */
svb_snap_node *svb_snap_fleet_node(const svb_snap_fleet *fleet,
                                   const char *route);

/**
 * Add up a fleet's nodes. Any phase.
 * @param fleet the fleet
 * @param totals is overwritten with the sums
 */
void svb_snap_fleet_totals(const svb_snap_fleet *fleet,
                           svb_snap_totals *totals);

#endif /* SVB_MANAGER_SNAPSHOT_H */
