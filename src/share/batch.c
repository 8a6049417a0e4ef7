/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/batch.h"

#include "share/wire.h"

/* Of any format; the digit is the last letter. */
#define TAG(digit) SVB_WIRE_TAG('s', 'v', 'b', digit)
#define WITHOUT_DIGIT 0xffffffu
#define FIXED_HEADER 40
#define RECORD 16

/* ---------------------------------------------------------------------- writing */

static apr_size_t header_size(const svb_batch *b)
{
    apr_size_t size = FIXED_HEADER;

    for (int i = 0; i < b->n_asked; i++) {
        size += 1 + strlen(b->asked[i]);
    }
    for (int i = 0; i < b->n_nodes; i++) {
        size += 2 + strlen(b->nodes[i].fleet) + strlen(b->nodes[i].route);
    }
    return size;
}

static unsigned known_format(unsigned format)
{
    return format < SVB_BATCH_FORMAT_LEAST ? SVB_BATCH_FORMAT_LEAST
           : format > SVB_BATCH_FORMAT     ? SVB_BATCH_FORMAT
                                           : format;
}

static unsigned char *put_header(unsigned char *to, const svb_batch *b,
                                 apr_size_t size)
{
    svb_wire_put(to, 4, TAG('0' + known_format(b->format)));
    svb_wire_put(to + 4, 4, size);
    svb_wire_put(to + 8, 8, b->boot);
    svb_wire_put(to + 16, 8, b->number);
    svb_wire_put(to + 24, 8, b->sent);
    svb_wire_put(to + 32, 2, b->flags);
    svb_wire_put(to + 34, 2, (apr_uint64_t)b->n_asked);
    svb_wire_put(to + 36, 2, (apr_uint64_t)b->n_nodes);
    svb_wire_put(to + 38, 2, (apr_uint64_t)b->n_records);
    to += FIXED_HEADER;
    for (int i = 0; i < b->n_asked; i++) {
        to = svb_wire_put_name(to, b->asked[i]);
    }
    for (int i = 0; i < b->n_nodes; i++) {
        to = svb_wire_put_name(to, b->nodes[i].fleet);
        to = svb_wire_put_name(to, b->nodes[i].route);
    }
    return to;
}

static void put_record(unsigned char *to, const svb_record *record)
{
    svb_wire_put(to, 8, record->id);
    svb_wire_put(to + 8, 2, record->node);
    svb_wire_put(to + 10, 1, record->kind);
    svb_wire_put(to + 11, 1, record->more);
    svb_wire_put(to + 12, 4, record->age);
}

svb_exchange_bytes svb_batch_write(const svb_batch *batch, const svb_mac *mac,
                                   apr_pool_t *p)
{
    apr_size_t header = header_size(batch);
    apr_size_t size = header + (apr_size_t)batch->n_records * RECORD;
    unsigned char *bytes = apr_palloc(p, size + SVB_MAC_SIZE);
    unsigned char *to = put_header(bytes, batch, header);

    for (int i = 0; i < batch->n_records; i++) {
        put_record(to, &batch->records[i]);
        to += RECORD;
    }
    svb_mac_put(mac, bytes, size);
    return (svb_exchange_bytes){(char *)bytes, size + SVB_MAC_SIZE};
}

/* ---------------------------------------------------------------------- reading */

static void get_fixed(svb_wire *w, svb_batch *b)
{
    b->boot = svb_wire_get(w, 8);
    b->number = svb_wire_get(w, 8);
    b->sent = svb_wire_get(w, 8);
    b->flags = (unsigned)svb_wire_get(w, 2);
    b->n_asked = (int)svb_wire_get(w, 2);
    b->n_nodes = (int)svb_wire_get(w, 2);
    b->n_records = (int)svb_wire_get(w, 2);
}

/* As many as there may be, and as there is room for in what is left. */
static int are_possible(const svb_wire *w, const svb_batch *b)
{
    return !w->failed && b->n_asked <= SVB_BATCH_ASKED
           && b->n_nodes <= SVB_BATCH_NODES && b->n_records <= SVB_BATCH_RECORDS
           && (apr_size_t)b->n_asked * 2 + (apr_size_t)b->n_nodes * 4
                      + (apr_size_t)b->n_records * RECORD
                  <= w->left;
}

static void get_names(svb_wire *w, svb_batch *b, apr_pool_t *p)
{
    b->asked = apr_palloc(p, ((apr_size_t)b->n_asked + 1) * sizeof(*b->asked));
    b->nodes = apr_palloc(p, ((apr_size_t)b->n_nodes + 1) * sizeof(*b->nodes));
    for (int i = 0; i < b->n_asked && !w->failed; i++) {
        b->asked[i] = svb_wire_get_name(w, SVB_NAME_MAX, p);
    }
    for (int i = 0; i < b->n_nodes && !w->failed; i++) {
        b->nodes[i].fleet = svb_wire_get_name(w, SVB_NAME_MAX, p);
        b->nodes[i].route = svb_wire_get_name(w, SVB_NAME_MAX, p);
    }
}

static void get_records(svb_wire *w, svb_batch *b, apr_pool_t *p)
{
    b->records =
        apr_palloc(p, ((apr_size_t)b->n_records + 1) * sizeof(*b->records));
    for (int i = 0; i < b->n_records && !w->failed; i++) {
        svb_record *record = &b->records[i];

        record->id = svb_wire_get(w, 8);
        record->node = (unsigned)svb_wire_get(w, 2);
        record->kind = (unsigned)svb_wire_get(w, 1);
        record->more = (unsigned)svb_wire_get(w, 1);
        record->age = (apr_uint32_t)svb_wire_get(w, 4);
        w->failed |= record->node >= (unsigned)b->n_nodes
                     && record->node != SVB_RECORD_NO_NODE;
    }
}

svb_batch_verdict svb_batch_read(const svb_exchange_bytes *bytes,
                                 const svb_mac *mac, svb_batch *batch,
                                 apr_pool_t *p)
{
    apr_uint64_t tag;
    apr_size_t header;
    svb_wire w;

    if (!svb_mac_is_good(mac, bytes)) {
        return SVB_BATCH_FORGED;
    }
    w = (svb_wire){.at = (const unsigned char *)bytes->data,
                   .left = bytes->len - SVB_MAC_SIZE};
    tag = svb_wire_get(&w, 4);
    if ((tag & WITHOUT_DIGIT) != TAG(0)) {
        return SVB_BATCH_DAMAGED;
    }
    batch->format = (unsigned)(tag >> 24) - '0';
    if (batch->format < SVB_BATCH_FORMAT_LEAST
        || batch->format > SVB_BATCH_FORMAT) {
        return SVB_BATCH_OTHER;
    }
    header = (apr_size_t)svb_wire_get(&w, 4);
    get_fixed(&w, batch);
    if (!are_possible(&w, batch)) {
        return SVB_BATCH_DAMAGED;
    }
    get_names(&w, batch, p);
    if (w.failed || w.at != (const unsigned char *)bytes->data + header) {
        return SVB_BATCH_DAMAGED;
    }
    get_records(&w, batch, p);
    return w.failed || w.left ? SVB_BATCH_DAMAGED : SVB_BATCH_GOOD;
}
