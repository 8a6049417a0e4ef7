/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What the answers of a round say: from replies, of whatever shape, to an
 * svb_exchange_result. Each function looks at all that it takes, and refuses the rest.
 *
 * They return NULL, or what is wrong with the answer, to complete "the answer to
 * XREAD ...". Strings are the replies', which are of the round's pool.
 *
 * Pure: no state; any thread.
 */
#ifndef SVB_REDIS_ANSWERS_H
#define SVB_REDIS_ANSWERS_H

#include "exchange.h"
#include "redis/reply.h"

/** Read "1526919030474-55". @return whether it is an id */
int svb_answers_id(const char *text, apr_size_t len, svb_exchange_id *id);

/**
 * XREAD's: the entries of logs.
 * @param round  whose logs were asked for
 * @param count  how many entries of each, at most
 * @param result gets the batches, in p
 */
const char *svb_answers_logs(const svb_reply *reply,
                             const svb_exchange_round *round, int count,
                             svb_exchange_result *result, apr_pool_t *p);

/** HGETALL's. @param fields set to the fields, in p @param n to their number */
const char *svb_answers_hash(const svb_reply *reply,
                             svb_exchange_field **fields, int *n,
                             apr_pool_t *p);

/** HGET's. @param value set to it; data NULL where there is none */
const char *svb_answers_value(const svb_reply *reply,
                              svb_exchange_bytes *value);

/** TIME's. @param time set to it */
const char *svb_answers_time(const svb_reply *reply, apr_time_t *time);

/** XREVRANGE's of a log, COUNT 1. @param id set to its last id; 0-0: it is empty */
const char *svb_answers_last(const svb_reply *reply, svb_exchange_id *id);

#endif /* SVB_REDIS_ANSWERS_H */
