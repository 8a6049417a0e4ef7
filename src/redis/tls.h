/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * TLS to a store, where hiredis has it (1.0 and later, built with SVB_HIREDIS_SSL):
 * the certificate has to be good, and that of the host that was asked for, which
 * hiredis by itself does not look at.
 *
 * Where hiredis has none there never is an svb_tls, and svb_tls_check() says why.
 *
 * Of one thread; no state besides.
 */
#ifndef SVB_REDIS_TLS_H
#define SVB_REDIS_TLS_H

#include <hiredis.h>

#include "exchange.h"

/** What the connections to a store have in common, and the present one. */
typedef struct svb_tls svb_tls;

/** Can TLS be had, with these files? @return NULL, or why not and what to do */
const char *svb_tls_check(const svb_exchange_address *address, apr_pool_t *p);

/** Reads the files. @return what connections need; freed with the pool */
svb_tls *svb_tls_create(const svb_exchange_address *address, apr_pool_t *p);

/**
 * A step of agreeing on keys, on a context that is connected.
 * @param events set to what has to be waited for before the next step (of poll()); 0:
 *               done
 * @return NULL, or why it failed, from p
 */
const char *svb_tls_go_on(svb_tls *tls, redisContext *context, const char *host,
                          int *events, apr_pool_t *p);

/** Does what is to be sent wait for something to read first? @param tls or NULL */
int svb_tls_wants_to_read(const svb_tls *tls);

/** The context is about to be freed. @param tls or NULL */
void svb_tls_forget(svb_tls *tls);

#endif /* SVB_REDIS_TLS_H */
