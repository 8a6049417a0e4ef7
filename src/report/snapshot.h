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
#ifndef SVB_REPORT_SNAPSHOT_H
#define SVB_REPORT_SNAPSHOT_H

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

/** Where clients of a node went that could not serve them. */
typedef struct svb_snap_move {
    const char *to;       /* route of the node that has them */
    apr_uint64_t clients; /* how many of them; never 0 */
} svb_snap_move;

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
    apr_time_t until;    /* when that ends or is tried again by itself, or 0 */
    svb_state before;    /* the state that it was in before this one;
                          * SVB_STATES: none that is known */
    apr_uint64_t had;    /* clients it had when this state began */
    apr_uint64_t idle;   /* web clients not heard of for SVB_SNAP_IDLE */
    apr_uint64_t held;   /* clients with something open: nobody can tell when
                          * those are gone */
    apr_time_t empty_by; /* when the last of its clients is gone at the latest,
                          * if none comes back; 0: it has none, or held is not 0,
                          * or nobody has looked yet */
    apr_time_t empty_since; /* it takes no new clients and has none since then;
                             * 0: it is not safe to stop, or unknown */
    apr_array_header_t *moved;  /* of svb_snap_move: clients that others took
                                * over since this state began, most first;
                                * never NULL */
    apr_uint64_t recent_errors; /* of counters[SVB_CTR_ERRORS], those of the
                                 * last SVB_SNAP_RECENT */
    const unsigned *hour; /* clients, one every SVB_SNAP_HOUR_STEP, the oldest
                           * first; the last is of at most a step ago */
    int hour_n;           /* how many; at most SVB_SNAP_HOUR */
    const unsigned *week; /* likewise, every SVB_SNAP_WEEK_STEP */
    int week_n;           /* at most SVB_SNAP_WEEK */
    const char *other_route; /* in which its last new session ended, where that
                                * is not its route; else "". SVB_NAME_UNTOLD where
                                * that is no node's route */
    apr_time_t other_route_at; /* when that was first seen, or 0 */
    const char *host;          /* where its members are: "app1.internal" */
    const char *said; /* who has set what an administrator set: "admin from
                           * 10.0.0.7"; "" where nobody has */
} svb_snap_node;

/** A client that was silent for so long is idle. */
#define SVB_SNAP_IDLE SVB_CLIENT_IDLE

/** What is said of the last few minutes. */
#define SVB_SNAP_RECENT apr_time_from_sec(300)

/** How many samples of the last hour there are at most, and how far they are apart;
 *  of the last week likewise. */
#define SVB_SNAP_HOUR 120
#define SVB_SNAP_HOUR_STEP apr_time_from_sec(30)
#define SVB_SNAP_WEEK 1008
#define SVB_SNAP_WEEK_STEP apr_time_from_sec(600)

/** Something that happened. */
typedef struct svb_snap_event {
    apr_time_t time;
    const char *kind; /* "state": a node's state has changed; "action": an
                       * administrator has done something; "server": of the
                       * server as a whole (a start, a configuration, the store) */
    const char *fleet, *node; /* the names; "" where it is of none */
    const char *from;         /* state's word; "" for the first, and where it is
                               * no change of state */
    const char *to;           /* likewise */
    const char *reason;       /* of an action: what was done, and by whom */
} svb_snap_event;

/** What a fleet has counted of late; those of counters that only grow. */
typedef struct svb_snap_recent {
    apr_uint64_t refused; /* requests that got 503 from us, SVB_SNAP_RECENT */
    double new_per_min;   /* clients that began, by the last SVB_SNAP_RECENT */
    double new_hour_ago;  /* the same an hour ago; below 0: unknown */
    apr_uint64_t moved;   /* clients moved by failover in the last hour */
} svb_snap_recent;

/** The nodes that serve the same users. */
typedef struct svb_snap_fleet {
    const char *name;
    apr_array_header_t *balancers; /* of const char *; never NULL */
    apr_array_header_t *nodes;     /* of svb_snap_node *; never NULL */
    apr_uint64_t refused;          /* requests that got 503 from us */
    svb_snap_recent recent;
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

/** Which history of its nodes goes into JSON. */
typedef enum svb_snap_history {
    SVB_SNAP_NO_HISTORY,
    SVB_SNAP_OF_HOUR, /* one sample every SVB_SNAP_HOUR_STEP */
    SVB_SNAP_OF_WEEK  /* one every SVB_SNAP_WEEK_STEP */
} svb_snap_history;

/** Everything. */
typedef struct svb_snapshot {
    apr_pool_t *p;      /* owns it, and what its writers make of it */
    const char *module; /* "mod_servoy_balancer/0.1.0" */
    const char *server; /* the virtual host's name */
    apr_time_t time;    /* when the snapshot was taken */
    apr_time_t started; /* when the server was started */
    const char *nonce;  /* what a POST must carry as "nonce", or "" */
    int actions;        /* the page may change something */
    svb_snap_table table;
    apr_array_header_t *fleets; /* of svb_snap_fleet *; never NULL */
    apr_array_header_t
        *events;           /* of svb_snap_event, newest first; never NULL */
    const char *front_end; /* our own name among them */
    apr_array_header_t
        *fronts; /* of svb_snap_front, ourselves first; never NULL */
    svb_snap_store store;
    apr_uint64_t refused; /* requests that got 503 from us, all fleets' */
    apr_uint64_t state_events[SVB_STATES]; /* changes of state so far, by the
                                            * state that they led to */
    const struct svb_snapshot *whole;      /* what it is a part of: for what is
                                            * true of all alone; or itself */
    svb_snap_history history;              /* the one that was asked for */
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
 * A part of a snapshot: without other fleets, other nodes and their events. What is
 * of no fleet or no node stays, as do the numbers of the whole; fleets that have no
 * such node are left out. Any phase.
 * @param p owns the part; may not live longer than the snapshot
 * @param snap the snapshot, which stays as it is and is the part's whole
 * @param fleet the fleet's name, or NULL for all
 * @param node the node's route, or NULL for all; "" is no route's
 * @return the part; NULL where there is no such fleet or node
 */
svb_snapshot *svb_snapshot_part(apr_pool_t *p, const svb_snapshot *snap,
                                const char *fleet, const char *node);

/**
 * Add up a fleet's nodes. Any phase.
 * @param fleet the fleet
 * @param totals is overwritten with the sums
 */
void svb_snap_fleet_totals(const svb_snap_fleet *fleet,
                           svb_snap_totals *totals);

#endif /* SVB_REPORT_SNAPSHOT_H */
