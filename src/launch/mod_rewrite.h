/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * ServoyLaunch rewrite: the JNLP that the node answers a launch with gets the
 * node's direct URL for codebase and the balancer's own for href.
 *
 * So a running client talks to its node, while its shortcut and its looking for
 * updates come to us and outlive that node.
 *
 * The answer is held back as a whole, up to a limit, and passed on as it came
 * when it is no JNLP that can be rewritten (launch/jnlp.h), is encoded in a way that
 * nobody here undoes (gzip is undone by mod_deflate, where that is loaded), or
 * leads, on the node's own account, to a host that is neither ours nor the
 * node's.
 *
 * What is sent is not what the node has, so that its validators do not hold:
 * the request goes to the node without conditions and ranges, and these are
 * judged here, by an ETag of the text that is sent. The text is for one user and
 * one node, and not to be used again without asking.
 *
 * All of it is of one request, in its own thread; no locks.
 */
#ifndef SVB_LAUNCH_MOD_REWRITE_H
#define SVB_LAUNCH_MOD_REWRITE_H

#include "choice/mod_request.h"

/** Register the filter; in register_hooks. */
void svb_rewrite_register(apr_pool_t *p);

/**
 * The JNLP that comes back is to be rewritten, if the node has a direct URL.
 * Before mod_proxy's handler.
 * @param href what to set href to
 */
void svb_rewrite_prepare(svb_request *req, request_rec *r, const char *href);

#endif /* SVB_LAUNCH_MOD_REWRITE_H */
