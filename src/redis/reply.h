/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What the store has said: hiredis reads it, and what it finds is put together here,
 * in a pool and within bounds, instead of in its own objects, which anybody who
 * answers could make as large as he likes.
 *
 * Only what RESP2 has is told apart; whatever else a reader knows is SVB_REPLY_OTHER,
 * which nobody has asked for.
 *
 * No state but what is passed; one thread at a time.
 */
#ifndef SVB_REDIS_REPLY_H
#define SVB_REDIS_REPLY_H

#include <apr_pools.h>
#include <hiredis.h>

/** Most objects that the replies of a round consist of, places in arrays included. */
#define SVB_REPLY_OBJECTS 200000

typedef enum svb_reply_type {
    SVB_REPLY_OTHER,
    SVB_REPLY_STRING, /**< any bytes */
    SVB_REPLY_STATUS,
    SVB_REPLY_ERROR,
    SVB_REPLY_INTEGER,
    SVB_REPLY_NIL,
    SVB_REPLY_ARRAY
} svb_reply_type;

/** A reply, or a part of one. */
typedef struct svb_reply svb_reply;
struct svb_reply {
    svb_reply_type type;
    const char *text; /**< of a string, status or error; a NUL behind it */
    apr_size_t len;
    apr_int64_t integer;
    svb_reply **elements; /**< of an array; none is NULL once it is complete */
    int n_elements;
};

/** Where replies are put, and how much more there may be. */
typedef struct svb_reply_room {
    apr_pool_t *pool;
    int left; /**< objects; SVB_REPLY_OBJECTS to begin with */
} svb_reply_room;

/**
 * Let a reader make svb_replies. What does not fit into the room is an error of the
 * reader's.
 * @param room used while it reads; may be filled in later
 */
void svb_reply_use(redisReader *reader, svb_reply_room *room);

/** @return the elements, if it is an array of that many; -1: of any number. Else NULL.
 *  Never NULL for an array of none. */
svb_reply *const *svb_reply_elements(const svb_reply *reply, int n);

/** @return whether it is a string, of any bytes */
int svb_reply_is_string(const svb_reply *reply);

#endif /* SVB_REDIS_REPLY_H */
