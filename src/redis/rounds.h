/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The provider of exchange.h: a round, from commands to results. Everything is asked
 * at once, in one pipeline; answers come in that order:
 *
 *     EXPIRE P:log:me 0                       want_fresh_log
 *     XADD P:log:me MINID ~ T * b BATCH       each batch
 *     EXPIRE P:log:me 300                     want_keep
 *     HSET, HDEL P:admin                      admin
 *     HSET, HDEL P:fe                         heartbeats
 *     XREAD COUNT n STREAMS P:log:a ... id ...
 *     HGETALL P:admin, or HGET P:admin v
 *     HGETALL P:fe, TIME, XREVRANGE P:log:a + - COUNT 1 ...   want_survey
 *
 * COUNT is SVB_EXCHANGE_BATCHES; but as long as rounds fail with some of the answers
 * there, less and less is asked for, down to one, so that a newcomer at the end of a slow
 * line, or with many long logs to read, gets on as well.
 */
#ifndef SVB_REDIS_ROUNDS_H
#define SVB_REDIS_ROUNDS_H

#include "exchange.h"

/** What mod_servoy_redis registers. */
extern const svb_exchange_provider svb_rounds_provider;

#endif /* SVB_REDIS_ROUNDS_H */
