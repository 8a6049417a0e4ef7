/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a GET of the manager gets: the page, JSON or metrics, of all or of the fleet
 * (?fleet=) and the node (?node=) that were asked for.
 */
#ifndef SVB_MANAGER_MOD_SHOW_H
#define SVB_MANAGER_MOD_SHOW_H

#include <httpd.h>

#include "config/mod_model.h"
#include "report/snapshot.h"

/** Answer a GET. In a request's thread. @return as a handler does */
int svb_show(request_rec *r, const svb_model *model);

/** Does the client want JSON, and no page? */
int svb_show_accepts_json(request_rec *r);

/**
 * Answer with a JSON object that says what is wrong. In a handler, once; the
 * request's body is thrown away.
 * @param r the request
 * @param status the status
 * @param what a sentence; any bytes
 * @return OK, for the handler to return
 */
int svb_show_error(request_rec *r, int status, const char *what);

/** Look at everything, for this request; from its pool. */
svb_snapshot *svb_show_take(request_rec *r, const svb_model *model);

/** The headers of all answers of ours. */
void svb_show_set_headers(request_rec *r, const char *type);

/** An svb_sink_write_fn: to the client of the request that is its baton. */
apr_status_t svb_show_to_client(void *r, const char *data, apr_size_t len);

#endif /* SVB_MANAGER_MOD_SHOW_H */
