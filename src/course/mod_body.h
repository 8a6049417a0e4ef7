/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The body of a request that may begin a client, kept while it is sent to a node, so
 * that it can be sent to another one.
 *
 * Nothing is read before a node reads it. What is longer than 64 KiB is not kept, nor
 * is the body of anybody else: uploads stream as ever. In the request's own thread;
 * memory is the request's.
 */
#ifndef SVB_COURSE_MOD_BODY_H
#define SVB_COURSE_MOD_BODY_H

#include "mod_log.h"

/** Longest body that is kept, in bytes. */
#define SVB_BODY_MAX (64 * 1024)

typedef struct svb_body svb_body;

/** Register the filter; in register_hooks. */
void svb_body_register(apr_pool_t *p);

/** Watch what is read of the body. @return for the calls below; never NULL */
svb_body *svb_body_watch(request_rec *r);

/** Is what was read kept as a whole, or was there nothing to read? */
int svb_body_is_kept(const svb_body *body);

/** Let the next who reads begin from the start. Only where it is kept. */
void svb_body_rewind(svb_body *body);

#endif /* SVB_COURSE_MOD_BODY_H */
