/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * libFuzzer target: what stands in a store, which anybody may have written. The first
 * byte of the input says what the rest is:
 *
 *     0  a batch as it is          1  one with its code made right
 *     2, 3  a heartbeat, likewise  4, 5  a word of an administrator, likewise
 *
 * Without the right code nothing is good. What is read is within its limits, takes no
 * more memory than a few times the bytes, and is the same once written and read again.
 */
#include "fuzz.h"
#include "share/batch.h"
#include "share/notes.h"

static const unsigned char key[SVB_MAC_KEY] = "fifteen letters";

static void check_name(const char *name, size_t most)
{
    MUST(name && strlen(name) <= most);
}

static void check_batch(const svb_batch *b)
{
    MUST(b->n_asked >= 0 && b->n_asked <= SVB_BATCH_ASKED);
    MUST(b->n_nodes >= 0 && b->n_nodes <= SVB_BATCH_NODES);
    MUST(b->n_records >= 0 && b->n_records <= SVB_BATCH_RECORDS);
    for (int i = 0; i < b->n_asked; i++) {
        check_name(b->asked[i], SVB_NAME_MAX);
    }
    for (int i = 0; i < b->n_nodes; i++) {
        check_name(b->nodes[i].fleet, SVB_NAME_MAX);
        check_name(b->nodes[i].route, SVB_NAME_MAX);
    }
    for (int i = 0; i < b->n_records; i++) {
        MUST(b->records[i].node < (unsigned)b->n_nodes
             || b->records[i].node == SVB_RECORD_NO_NODE);
    }
}

static void try_batch(const svb_exchange_bytes *bytes, const svb_mac *mac,
                      int is_right, apr_pool_t *p)
{
    svb_batch batch;
    svb_batch_verdict verdict = svb_batch_read(bytes, mac, &batch, p);
    svb_exchange_bytes again;

    MUST(is_right ? verdict != SVB_BATCH_FORGED : verdict == SVB_BATCH_FORGED);
    if (verdict == SVB_BATCH_GOOD) {
        check_batch(&batch);
        again = svb_batch_write(&batch, mac, p);
        MUST(again.len == bytes->len
             && memcmp(again.data, bytes->data, again.len) == 0);
    }
}

static void try_heartbeat(const svb_exchange_bytes *bytes, const svb_mac *mac,
                          int is_right, apr_pool_t *p)
{
    svb_heartbeat beat, back;
    svb_exchange_bytes again;

    if (svb_heartbeat_read(bytes, mac, &beat, p)) {
        MUST(is_right);
        check_name(beat.version, SVB_HEARTBEAT_VERSION);
        again = svb_heartbeat_write(&beat, mac, p);
        MUST(svb_heartbeat_read(&again, mac, &back, p));
        MUST(back.lag == beat.lag && !strcmp(back.version, beat.version));
    }
}

static void try_word(const svb_exchange_bytes *bytes, const svb_mac *mac,
                     int is_right, apr_pool_t *p)
{
    svb_said said, back;
    svb_exchange_bytes again;

    if (svb_said_read(bytes, mac, &said, p)) {
        MUST(is_right);
        check_name(said.fleet, SVB_NAME_MAX);
        check_name(said.route, SVB_NAME_MAX);
        check_name(said.who, SVB_RECORDS_TEXT);
        again = svb_said_write(&said, mac, p);
        MUST(svb_said_read(&again, mac, &back, p));
        MUST(back.word == said.word && !strcmp(back.who, said.who));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(const svb_exchange_bytes *, const svb_mac *,
                                 int, apr_pool_t *) = {try_batch, try_heartbeat,
                                                       try_word};
    svb_mac mac = svb_mac_of(key, "log", "svb:{prod}", "fe1");
    svb_exchange_bytes bytes;
    unsigned char *copy;
    int is_right;
    apr_pool_t *p;

    if (size < 1) {
        return 0;
    }
    MUST(apr_pool_create(&p, root_pool()) == APR_SUCCESS);
    copy = malloc(size - 1 + SVB_MAC_SIZE);
    MUST(copy);
    memcpy(copy, data + 1, size - 1);
    bytes = (svb_exchange_bytes){(char *)copy, size - 1};
    if (data[0] & 1) {
        svb_mac_put(&mac, copy, size - 1);
        bytes.len += SVB_MAC_SIZE;
    }
    is_right = svb_mac_is_good(&mac, &bytes);
    MUST(is_right || !(data[0] & 1));
    tries[data[0] / 2 % 3](&bytes, &mac, is_right, p);
    free(copy);
    apr_pool_destroy(p);
    return 0;
}
