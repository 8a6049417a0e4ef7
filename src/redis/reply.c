/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "redis/reply.h"

#include <limits.h>

#include <apr_strings.h>

/* The parameter changed its type with the first release of hiredis. */
#if defined(HIREDIS_MAJOR) && HIREDIS_MAJOR >= 1
typedef size_t element_count;
#define HAVE_RESP3 1
#else
typedef int element_count;
#define HAVE_RESP3 0
#endif

/* A new object in its place in the array that is being read. NULL, which the reader
 * takes for want of memory, where there is no room. */
static svb_reply *make(const redisReadTask *task, svb_reply_type type)
{
    svb_reply_room *room = task->privdata;
    svb_reply *reply, *array = task->parent ? task->parent->obj : NULL;

    if (room->left <= 0
        || (array && (task->idx < 0 || task->idx >= array->n_elements))) {
        return NULL;
    }
    room->left--;
    reply = apr_pcalloc(room->pool, sizeof(*reply));
    reply->type = type;
    if (array) {
        array->elements[task->idx] = reply;
    }
    return reply;
}

static void *make_string(const redisReadTask *task, char *text, size_t len)
{
    svb_reply_room *room = task->privdata;
    svb_reply *reply =
        make(task, task->type == REDIS_REPLY_STRING   ? SVB_REPLY_STRING
                   : task->type == REDIS_REPLY_STATUS ? SVB_REPLY_STATUS
                   : task->type == REDIS_REPLY_ERROR  ? SVB_REPLY_ERROR
                                                      : SVB_REPLY_OTHER);

    if (reply) {
        reply->text = apr_pstrmemdup(room->pool, text, len);
        reply->len = len;
    }
    return reply;
}

static void *make_array(const redisReadTask *task, element_count n)
{
    svb_reply_room *room = task->privdata;
    svb_reply *reply;

    if (n > INT_MAX || (int)n < 0 || (int)n >= room->left) {
        room->left = 0;
        return NULL;
    }
    reply = make(task, task->type == REDIS_REPLY_ARRAY ? SVB_REPLY_ARRAY
                                                       : SVB_REPLY_OTHER);
    if (reply) {
        /* A place costs as much as what will be in it: nobody gets large arrays
         * for a few bytes. */
        room->left -= (int)n;
        reply->n_elements = (int)n;
        reply->elements =
            apr_pcalloc(room->pool, ((apr_size_t)n + 1) * sizeof(svb_reply *));
    }
    return reply;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    svb_reply *reply = make(task, SVB_REPLY_INTEGER);

    if (reply) {
        reply->integer = value;
    }
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    return make(task, SVB_REPLY_NIL);
}

#if HAVE_RESP3
static void *make_double(const redisReadTask *task, double value, char *text,
                         size_t len)
{
    (void)value, (void)text, (void)len;
    return make(task, SVB_REPLY_OTHER);
}

static void *make_bool(const redisReadTask *task, int value)
{
    (void)value;
    return make(task, SVB_REPLY_OTHER);
}
#endif

/* All of it is the pool's. */
static void free_nothing(void *object)
{
    (void)object;
}

void svb_reply_use(redisReader *reader, svb_reply_room *room)
{
    static redisReplyObjectFunctions functions = {
        .createString = make_string,
        .createArray = make_array,
        .createInteger = make_integer,
        .createNil = make_nil,
        .freeObject = free_nothing,
#if HAVE_RESP3
        .createDouble = make_double,
        .createBool = make_bool,
#endif
    };

    reader->fn = &functions;
    reader->privdata = room;
}

svb_reply *const *svb_reply_elements(const svb_reply *reply, int n)
{
    return reply->type == SVB_REPLY_ARRAY && (n < 0 || reply->n_elements == n)
               ? reply->elements
               : NULL;
}

int svb_reply_is_string(const svb_reply *reply)
{
    return reply->type == SVB_REPLY_STRING;
}
