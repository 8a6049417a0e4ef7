/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The client table as requests use it: ids of a fleet's clients, how long each
 * kind lives, and how far a client's own word is believed.
 *
 * WHO MAY ADD A CLIENT. A node that sets a session cookie has created a session:
 * that client is confirmed (web). A request can also bring an id that ends in a
 * node's route but that the table does not know: after a restart without saved
 * state, after its node was down for a moment, or because somebody made it up.
 * When the node answers it without starting a new session, the client is
 * assumed to be there. Such clients count like others, but they are bounded:
 *
 *     assumed clients, all nodes together
 *         <= max(SVB_ASSUMED_LEAST, most confirmed clients of late)
 *
 * "Of late" halves every half hour. So whoever forges ids can at most double
 * the counts of a server, or add SVB_ASSUMED_LEAST to those of an idle one; and
 * while the table is more than three quarters full nothing is assumed at all,
 * so that no forged id drops a confirmed client. Requests whose id is not taken
 * in are routed by their route all the same.
 *
 * The room that is left is a shared word that each assumption takes one from;
 * the watchdog fills it up to the bound once a second. So is the room for all that
 * nobody has confirmed, launches and pending requests included, which is half of the
 * table (svb_clients_set_room()).
 *
 * WHO LIVES HOW LONG. Requests keep web clients alive; a windowed one lives by its
 * WebSockets, for a while longer by a request that takes long. A WebSocket makes a
 * client windowed when it has been open for SVB_WINDOW_PROVEN: a node that does not
 * know the session takes the WebSocket, too, and closes it at once.
 *
 * No function takes a lock or waits. All are for any thread of any process, in any
 * phase after svb_clients_start(), but where a function says otherwise.
 */
#ifndef SVB_MEMORY_MOD_CLIENTS_H
#define SVB_MEMORY_MOD_CLIENTS_H

#include "memory/clients.h"

#define SVB_ASSUMED_LEAST 256

/** So long a WebSocket has to be open to make a client of it. */
#define SVB_WINDOW_PROVEN apr_time_from_sec(5)

/** How long the clients of a node live: microseconds, the longest of any balancer. */
typedef struct svb_lifetimes {
    apr_interval_time_t session; /**< web clients, after their last request */
    apr_interval_time_t
        window; /**< windowed ones, after their last WebSocket */
    apr_interval_time_t launch; /**< smart clients, after their last launch */
} svb_lifetimes;

/** A new client whose first answer has not come lives so long unheard of. */
#define SVB_PENDING_TIMEOUT apr_time_from_sec(60)

/** Begin to use the table, and the former one; in post_config, after
 *  svb_segments_attach(). @param pconf keeps the time-outs of this configuration */
void svb_clients_start(apr_pool_t *pconf);

/**
 * How long the clients of this node live; in post_config, and by whoever meets a
 * member that was added since. Where several balancers differ, the longest counts.
 */
void svb_clients_set_timeouts(int node, const svb_lifetimes *live);

/**
 * @param salt tells the fleet's clients from those of others
 * @return the id in the table of a session or launch id of the fleet, not 0
 */
apr_uint64_t svb_clients_fleet_id(apr_uint64_t salt, const char *text,
                                  apr_size_t len);

/** Hex digits of what logs call a client. */
#define SVB_CLIENTS_CALLED 12

/**
 * What logs call a client: a hash of its id in the table, with a key of its own, made
 * of that of the ids. So it is the same after a restart that keeps the ids, and at all
 * front ends that share them; nobody can tell the id from it, nor is it one.
 * @param id   its id in the table
 * @param name SVB_CLIENTS_CALLED digits and a NUL
 */
void svb_clients_call(apr_uint64_t id, char *name);

/** @return an id for a client that is launched: nobody else's, nor to be guessed, not 0 */
apr_uint64_t svb_clients_new_id(void);

/** @return an id for a client that has no session yet: nobody else's, not 0 */
apr_uint64_t svb_clients_pending_id(void);

/**
 * Put a client whose session the node has not confirmed, if there is room.
 * @return whether it was put
 */
int svb_clients_assume(apr_uint64_t id, int node, apr_time_t now);

/** What another front end has told of a client, as svb_clients_merge() takes it, within the
 *  same bounds as what requests tell. @return whether the table has changed */
int svb_clients_merge_told(const svb_client *client, unsigned how,
                           apr_time_t now);

/** @return clients of the node that elections count: all kinds */
unsigned svb_clients_load(int node);

/** @return those that its node was seen to take: sessions that it began, or whose
 *          windows it keeps open */
unsigned svb_clients_confirmed(int node);

/** @return the node's clients that live by their WebSockets */
unsigned svb_clients_windowed(int node);

/** @return the node's HTTP sessions, confirmed or assumed */
unsigned svb_clients_web(int node);

/**
 * Would the table know every session (launch) that is not older than this? That takes
 * one that is as old, what was saved included, and has dropped none of them since.
 */
int svb_clients_has_all_sessions(apr_interval_time_t age, apr_time_t now);
int svb_clients_has_all_launches(apr_interval_time_t age, apr_time_t now);

/** The node is down: it has no clients any more. */
void svb_clients_node_down(int node);

/**
 * A WebSocket that its client lives by is open, or ends just now.
 * @param since when it was opened: while that is not long ago it proves nothing
 */
void svb_clients_window_seen(apr_uint64_t id, int node, apr_time_t since,
                             apr_time_t now);

/** Keep the clients of requests in flight alive, work through the next part of
 *  the table, refill the rooms for what is not confirmed; about once a second, from the
 *  watchdog's one thread, and once in post_config. */
void svb_clients_tick(apr_time_t now);

#endif /* SVB_MEMORY_MOD_CLIENTS_H */
