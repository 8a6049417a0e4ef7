/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Sending a client to a node's direct URL, where it stays: what a Smart Client's
 * launch (mod_launch) and a start at the door (mod_door) have in common. What was
 * asked for, as the node would see it; a node that is there; the redirect. Who is sent
 * away is counted as a smart client is, for we do not see it again.
 *
 * In handlers that run before mod_proxy's, in the request's own thread.
 */
#ifndef SVB_LAUNCH_MOD_DIRECT_H
#define SVB_LAUNCH_MOD_DIRECT_H

#include "choice/mod_request.h"

/** The request's target as mod_proxy has it for the node. */
typedef struct svb_direct_target {
    const char *path;    /**< decoded, for matching */
    const char *encoded; /**< as it goes into a URL */
    const char *query;   /**< or NULL */
} svb_direct_target;

/** @return the path as the node would see it, decoded; NULL: it is none. Asked of
 *          every request that goes to a balancer of ours */
const char *svb_direct_path(request_rec *r);

/** Does the path match, without its parameters? */
int svb_direct_matches(request_rec *r, const char *path,
                       const ap_regex_t *regex, const svb_pattern_shape *shape);

/** Fill in the rest of a target whose path is known. @return whether it can be */
int svb_direct_read(request_rec *r, svb_direct_target *target);

/**
 * Choose a node that is there, by a request that svb_request_make_launch() has made;
 * a HEAD chooses what the GET right after it would get, and leaves no trace.
 * @return whether there is one, which is req->choice
 */
int svb_direct_choose(request_rec *r, svb_request *req);

/** Answer that there is none. @return the status for the handler to return */
int svb_direct_unavailable(request_rec *r, const svb_request *req);

/**
 * Redirect to the chosen node, which has a direct URL, and count the client.
 * @param what "launch" or the like, for the log
 * @return the status for the handler to return
 */
int svb_direct_redirect(request_rec *r, svb_request *req,
                        const svb_direct_target *target, const char *what);

/** Refuse what cannot stand in a header, and say so in the log.
 *  @param err what the target is or has
 *  @return the status */
int svb_direct_refuse(request_rec *r, const svb_request *req, const char *what,
                      const char *err);

#endif /* SVB_LAUNCH_MOD_DIRECT_H */
