/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What we know about one request on its way through a servoy balancer: the
 * session ids it carries, and the attempts to serve it.
 *
 * Kept in the request's configuration vector and allocated from its pool; used
 * by the request's own thread alone.
 */
#ifndef SVB_CHOICE_MOD_REQUEST_H
#define SVB_CHOICE_MOD_REQUEST_H

#include <util_filter.h>

#include "nodes/mod_evidence.h"
#include "nodes/mod_members.h"
#include "choice/session.h"

/** Why a member was chosen. */
typedef enum svb_how {
    SVB_HOW_NONE,
    SVB_HOW_KNOWN,    /**< the client table remembers the client */
    SVB_HOW_ROUTE,    /**< the id's route names the node */
    SVB_HOW_FAILOVER, /**< the node that it should be cannot serve */
    SVB_HOW_COOKIE, /**< a new client that was there before: ServoyRouteCookie */
    SVB_HOW_ELECTED,   /**< a new client */
    SVB_HOW_STATELESS, /**< a request that begins no client */
    SVB_HOW_LAUNCH     /**< a Smart Client's launch */
} svb_how;

/** The choice of a member for one attempt. */
typedef struct svb_choice {
    const svb_member *member; /**< NULL: none can take the request */
    const svb_member *from;   /**< the node it should have been, or NULL */
    svb_how how;
} svb_choice;

/** What has come of an attempt. */
typedef enum svb_outcome {
    SVB_OUTCOME_NONE,      /**< it is under way, or there was none */
    SVB_OUTCOME_ANSWERED,  /**< the node's answer has passed, whatever it is */
    SVB_OUTCOME_NOT_SENT,  /**< no connection: nothing has reached the node */
    SVB_OUTCOME_BUSY,      /**< all connections that it may have are in use */
    SVB_OUTCOME_TIMED_OUT, /**< the node is at work on it */
    SVB_OUTCOME_CUT,  /**< sent, and then cut off, or answered with nonsense */
    SVB_OUTCOME_OTHER /**< an error that is not the node's */
} svb_outcome;

/** Its WebSocket; course/mod_windows.c knows more. */
typedef struct svb_window svb_window;

typedef struct svb_request {
    svb_balancer *balancer;
    const char *path; /**< as the node sees it, without parameters and query */
    const svb_session_id *ids; /**< best first; for launches the cookie's */
    int n_ids;
    const char *cookies;  /**< its Cookie header, or NULL */
    const char *protocol; /**< its Upgrade header, or NULL */
    int is_launch;
    int stateless; /**< svb_request_is_stateless(), or -1: not asked yet */
    int dry_run;   /**< decide, but change nothing */
    proxy_worker *fixed; /**< decided already: take this one */
    int is_recovered;  /**< members in error were given another chance for it */
    svb_choice choice; /**< for the present attempt */
    const char *election;  /**< how it was elected, for the log, or NULL */
    proxy_worker *attempt; /**< the worker being tried, or NULL */
    int attempts;          /**< how many there were */
    proxy_worker *busy;    /**< the worker that counts us as busy, or NULL */
    int has_cleanup;       /**< course/mod_attempt.c ends it with its pool */
    int in_flight;         /**< node that counts us as in flight, or -1 */
    apr_array_header_t *tried; /**< of proxy_worker *: ruled out; or NULL */
    int is_new;           /**< refused: its session is dead, if it had one */
    proxy_worker *failed; /**< the last that failed in the middle of it */
    svb_outcome outcome;  /**< of the last attempt */
    int is_refusal;       /**< its answer has the words of maintenance */
    const svb_session_id *id; /**< the one that names the client, or NULL */
    apr_size_t id_route_len; /**< of the route it ends in; 0: none that names */
    apr_uint64_t client;     /**< id in the table of the client, or 0 */
    const char *client_name; /**< of the cookie that it came in */
    apr_uint64_t called;     /**< the client that SERVOY_CLIENT names, or 0 */
    int is_known;            /**< the table has that id */
    svb_kind kind;           /**< of the known client */
    apr_uint64_t pending;    /**< id of the new client it may be, or 0 */
    int place;               /**< from svb_rows_hold(), or -1 */
    apr_time_t seen;         /**< when its client was last noted to be */
    apr_time_t held_since;   /**< when that which is held there began */
    int is_window;           /**< it is a WebSocket that its client lives by */
    ap_filter_t *upgrade;    /**< waits for 101, or NULL */
    svb_window *window;      /**< course/mod_windows.h, or NULL */
    int is_watched;          /**< whoever runs it says when its answer comes */
    int is_learning;         /**< its answer has not come yet */
} svb_request;

/** @return what is known about the request, or NULL: not ours so far */
svb_request *svb_request_get(request_rec *r);

/**
 * What is known about the request; on the first call its session ids are read.
 * @param balancer the balancer that it goes to
 * @param url      with the balancer's name in front, then the path as the node will
 *                 see it, for ids in the path
 */
svb_request *svb_request_make(request_rec *r, svb_balancer *balancer,
                              const char *url);

/** Does the path match, decoded, as ServoyWindowMatch and the like have it? */
int svb_request_matches(const svb_request *req, request_rec *r,
                        const ap_regex_t *regex,
                        const svb_pattern_shape *shape);

/** The same for a launch: the launch cookie goes before the session's. */
svb_request *svb_request_make_launch(request_rec *r, svb_balancer *balancer,
                                     const char *path);

/**
 * It is none after all, and goes on as any other request, at the member that was chosen
 * for the launch.
 * @param launch what it was
 * @param url    as for svb_request_make()
 */
svb_request *svb_request_make_ordinary(request_rec *r,
                                       const svb_request *launch,
                                       const char *url);

/** Does it begin no client, whatever comes of it: ServoyStateless, OPTIONS? */
int svb_request_is_stateless(svb_request *req, request_rec *r);

/** Does nothing bind it to its node: might it as well have been another's? */
int svb_request_is_unbound(const svb_request *req);

/** @return the node that was chosen, or -1 */
int svb_request_node(const svb_request *req);

/** Is the client a Smart Client, which is entered when it is launched? */
int svb_request_is_smart(const svb_request *req);

/** @return who reports evidence that the request has met with */
svb_witness svb_request_witness(const svb_request *req, request_rec *r);

/** This worker is not to be tried (again) for the request. */
void svb_request_rule_out(svb_request *req, proxy_worker *worker,
                          apr_pool_t *p);

/** Has this worker been ruled out? */
int svb_request_has_tried(const svb_request *req, const proxy_worker *worker);

/** Not this member for this request, whatever it may do for others: it has failed
 *  it, or it would be a launch's way to a node that does not answer. */
int svb_request_is_ruled_out(const svb_request *req, const svb_member *member);

/** May it serve this request: not ruled out, and able to serve now? */
int svb_request_can_have(const svb_request *req, const svb_member *member,
                         request_rec *r);

/** The word for a how, as SERVOY_HOW shows it. */
const char *svb_how_name(svb_how how);

#endif /* SVB_CHOICE_MOD_REQUEST_H */
