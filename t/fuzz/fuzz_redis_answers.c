/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * libFuzzer harness of what is made of a store's answers. The input is what comes in, in
 * pieces: its first byte is how long these are. Each reply that hiredis finds in it is
 * taken for the answer to each command. What is made of it is within what was asked for,
 * and all of it can be read.
 */

#include "fuzz.h"
#include "redis/answers.h"

#define COUNT 2
#define ROOM 500

static const svb_exchange_log logs[] = {{"a", {5, 1}}, {"bb", {0, 0}}};

static const svb_exchange_round asked = {
    .prefix = "svb:{x}",
    .front_end = "me",
    .logs = logs,
    .n_logs = 2,
};

static unsigned sum; /* so that reading is not left out */

static void read_all(svb_exchange_bytes bytes)
{
    for (apr_size_t i = 0; i < bytes.len; i++) {
        sum += (unsigned char)bytes.data[i];
    }
}

static void check_logs(const svb_reply *reply, apr_pool_t *p)
{
    svb_exchange_result result = {0};

    if (svb_answers_logs(reply, &asked, COUNT, &result, p)) {
        MUST(!result.n_batches);
        return;
    }
    MUST(result.n_batches <= COUNT * asked.n_logs);
    for (int i = 0; i < result.n_batches; i++) {
        const svb_exchange_batch *batch = &result.batches[i];

        MUST(batch->front_end == logs[0].front_end
             || batch->front_end == logs[1].front_end);
        MUST(batch->bytes.data && (batch->id.ms || batch->id.seq));
        read_all(batch->bytes);
    }
}

static void check_reply(const svb_reply *reply, apr_pool_t *p)
{
    svb_exchange_field *fields = NULL;
    svb_exchange_bytes value;
    svb_exchange_id id;
    apr_time_t time;
    int n = 0;

    check_logs(reply, p);
    if (!svb_answers_hash(reply, &fields, &n, p)) {
        for (int i = 0; i < n; i++) {
            sum += strlen(fields[i].name);
            read_all(fields[i].value);
        }
    }
    if (!svb_answers_value(reply, &value)) {
        read_all(value);
    }
    (void)svb_answers_last(reply, &id);
    MUST(svb_answers_time(reply, &time) || time >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_size_t piece = size ? data[0] % 64 + 1 : 1;
    redisReader *reader = redisReaderCreateWithFunctions(NULL);
    svb_reply_room room = {NULL, ROOM};
    void *reply;

    MUST(reader && apr_pool_create(&room.pool, root_pool()) == APR_SUCCESS);
    svb_reply_use(reader, &room);
    for (size_t at = 1; at < size && !reader->err; at += piece) {
        redisReaderFeed(reader, (const char *)data + at,
                        size - at < piece ? size - at : piece);
        while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply) {
            check_reply(reply, room.pool);
            room.left = ROOM;
        }
    }
    redisReaderFree(reader);
    apr_pool_destroy(room.pool);
    return 0;
}
