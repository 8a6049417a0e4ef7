/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The connection to a store: made when it is needed, introduced (AUTH, SELECT), and
 * given up at the first thing that goes wrong.
 *
 * hiredis' own waiting knows no deadline, only how long a single read may take. So it
 * is told never to wait, and whoever waits is svb_link: for what the connection is
 * ready for, until the deadline of svb_link_begin() and no longer, however the bytes
 * come. Deadlines are of the monotonic clock.
 *
 * Functions that return text return NULL when all went well, else why it did not, from
 * the pool of svb_link_begin(); the connection is closed then. Of one thread; no state
 * besides.
 */
#ifndef SVB_REDIS_LINK_H
#define SVB_REDIS_LINK_H

#include "exchange.h"
#include "redis/reply.h"

/** Most bytes that are read in a round. */
#define SVB_LINK_MAX (16 * 1024 * 1024)

typedef struct svb_link svb_link;

/** @return a link that is not connected; closed with the pool */
svb_link *svb_link_create(const svb_exchange_address *address, apr_pool_t *p);

/**
 * Begin a round: from now on the clock runs. Connects, if need be.
 * @param addresses of the host; not for a path
 * @param p         pool of replies and texts, until the round's end
 */
const char *svb_link_begin(svb_link *link, const apr_sockaddr_t *addresses,
                           apr_pool_t *p);

/** Ask something; goes out while answers are waited for.
 *  @param args the command and its arguments @param lens their lengths */
const char *svb_link_say(svb_link *link, int n, const char **args,
                         const apr_size_t *lens);

/**
 * Wait for the answer to the first thing asked that is not answered.
 * @param command its name, for texts
 * @param reply   set to it: no error
 */
const char *svb_link_hear(svb_link *link, const char *command,
                          svb_reply **reply);

/** All is answered. Has something else been said? Then it is not to be trusted. */
const char *svb_link_end(svb_link *link);

/** Say what is wrong with an answer, and close. @param what "is no list" */
const char *svb_link_refuse(svb_link *link, const char *command,
                            const char *what);

/** Close the connection, if there is one. */
void svb_link_close(svb_link *link);

/** @return whether anything at all was read in this round */
int svb_link_heard(const svb_link *link);

/** @return how long the round has taken so far */
apr_interval_time_t svb_link_took(const svb_link *link);

/** Is there TLS? @return NULL, or why not and what to do */
const char *svb_link_check(const svb_exchange_address *address, apr_pool_t *p);

#endif /* SVB_REDIS_LINK_H */
