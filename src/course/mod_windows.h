/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The WebSockets that are open in this child, and their end when an administrator
 * closes a node's (SVB_ACTION_CLOSE).
 *
 * The action adds one to a word of the node's record. In each child a thread of ours
 * looks at the words ten times a second; it lives as long as the child, so that one
 * that a graceful restart has left with its WebSockets hears of it as well (the
 * watchdog's threads end with the restart). A WebSocket whose word is not what it was
 * when its request was sent to the node is ended in two steps:
 *
 *   1. The client's socket is shut down for reading. That wakes the request's own
 *      thread, which is the only one that may write: where the bytes to the client
 *      stand between two frames, it says goodbye (1001, as a Tomcat that stops
 *      does), and the tunnel ends.
 *   2. Where it has not ended 0.3 s later, or the bytes are in the middle of a frame
 *      or unknown (mod_proxy_wstunnel without mod_proxy_http), the socket is shut
 *      down for good.
 *
 * The node is told nothing but that the connection is gone: to it the client has lost
 * its network, and its session waits for it.
 *
 * A descriptor may be another connection's as soon as its owner has closed it. Each
 * WebSocket therefore has a slot with a state that either thread changes by
 * compare-and-swap:
 *
 *   FREE -> TAKEN -> OPEN -> BUSY -> ASKED -> BUSY -> CUT
 *
 * The watching thread touches a socket only in BUSY, which it alone enters and leaves;
 * the owner, in its end, waits while its slot is in it, which is for the time of one
 * shutdown(2), and makes it FREE from any other state. Neither allocates, and there
 * are no locks.
 *
 * Not for WebSockets by HTTP/2: many share a connection, whose other streams would
 * end as well. Those stay.
 */
#ifndef SVB_COURSE_MOD_WINDOWS_H
#define SVB_COURSE_MOD_WINDOWS_H

#include "choice/mod_request.h"

/** Register the filters; in register_hooks. */
void svb_windows_register(apr_pool_t *p);

/** Begin to watch; in child_init. Ends with pchild. What cannot be is logged. */
void svb_windows_start(apr_pool_t *pchild, server_rec *s);

/** An attempt begins: if it asks for a WebSocket, watch for its answer. In the
 *  request's thread. */
void svb_windows_expected(svb_request *req, request_rec *r);

/** The attempt or request is over, and its socket is its own again; may be called more
 *  than once. In the request's thread. */
void svb_windows_ended(svb_request *req);

#endif /* SVB_COURSE_MOD_WINDOWS_H */
