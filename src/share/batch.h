/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A batch: what a front end tells the others of its client table, as bytes of its log in
 * the store. Numbers are little-endian, names have their length in a byte before them:
 *
 *     header    4  "svb" and the format's digit, "1"
 *               4  length of the header, up to the first record
 *               8  boot: when the front end was started, by the store's clock; it grows
 *               8  number of the batch, 1, 2, 3 ... in each boot
 *               8  when it was sent, in milliseconds of the store's clock
 *               2  flags
 *               2  how many front ends are asked to walk: to announce all they have
 *               2  how many nodes are named
 *               2  how many records there are
 *                  names of those who are asked
 *                  fleet and route of each node
 *     record    8  id: the client's, a hash under the front ends' key; 0: it is of a node
 *               2  node: which of those named
 *               1  kind, svb_record_kind
 *               1  0, or more that is said of it, SVB_RECORD_...
 *               4  age when the batch was sent: milliseconds since the middle of the
 *                  second in which it was seen, so that readers, whose seconds begin
 *                  at other moments, come to that second or the next to it
 *     code      8  of all before it, see share/mac.h
 *
 * Records carry ages, and the store gives the time: no front end's clock matters.
 *
 * Whatever the bytes are, svb_batch_read() takes no more of them as there are, allocates
 * no more than a few times as much, and believes none before the code.
 *
 * Pure: no state, no locks; any thread, any phase.
 */
#ifndef SVB_SHARE_BATCH_H
#define SVB_SHARE_BATCH_H

#include <apr_pools.h>

#include "memory/names.h"
#include "share/mac.h"

/** The highest format that is written and read here, and the lowest. */
#ifndef SVB_BATCH_FORMAT
#define SVB_BATCH_FORMAT 1
#endif
#ifndef SVB_BATCH_FORMAT_LEAST
#define SVB_BATCH_FORMAT_LEAST 1
#endif

/** Most records, nodes and front ends of a batch. */
#define SVB_BATCH_RECORDS 4096
#define SVB_BATCH_NODES 4096
#define SVB_BATCH_ASKED 255

/** Flags of a batch: of a walk, through all that a front end has. */
#define SVB_BATCH_WALK 1  /**< part of one */
#define SVB_BATCH_END 2   /**< its last part */
#define SVB_BATCH_BEGIN 4 /**< its first part */

/** What a record says of a client, or of a node. Those that a reader does not know it
 *  leaves out. */
typedef enum svb_record_kind {
    SVB_RECORD_GONE,     /**< the client was removed */
    SVB_RECORD_WEB,      /**< svb_kind of the client */
    SVB_RECORD_SMART,    /**< likewise */
    SVB_RECORD_ASSUMED,  /**< likewise */
    SVB_RECORD_PENDING,  /**< likewise */
    SVB_RECORD_WINDOWED, /**< likewise */
    SVB_RECORD_REMEMBERED, /**< likewise, or one that was windowed and has ended */
    SVB_RECORD_REFUSED = 16, /**< of a node: it does not answer */
    SVB_RECORD_ANSWERS,      /**< likewise: it answers again */
    SVB_RECORD_MAINTENANCE /**< likewise: it refuses new clients, by its own word */
} svb_record_kind;

/** More that is said of a client; bits. */
#define SVB_RECORD_UNHEARD                                                     \
    1 /**< gone: nobody else can tell of it, nothing needs to stay */
#define SVB_RECORD_PUT 2 /**< it came, moved, or became of another kind */

/** The node of those that are gone, where it is not known. */
#define SVB_RECORD_NO_NODE 0xffffu

/** A record. */
typedef struct svb_record {
    apr_uint64_t id;
    unsigned node;    /**< index of the batch's nodes */
    unsigned kind;    /**< svb_record_kind, or any other number up to 255 */
    unsigned more;    /**< likewise */
    apr_uint32_t age; /**< ms */
} svb_record;

/** A node by its names, each of 1 to SVB_NAME_MAX bytes. */
typedef struct svb_batch_node {
    const char *fleet;
    const char *route;
} svb_batch_node;

/** A batch. */
typedef struct svb_batch {
    unsigned
        format; /**< that it is written in; one that is not written here: the next
                          one that is */
    unsigned flags;
    apr_uint64_t boot;
    apr_uint64_t number;
    apr_uint64_t sent; /**< ms of the store's clock */
    const char **asked;
    int n_asked;
    svb_batch_node *nodes;
    int n_nodes;
    svb_record *records;
    int n_records;
} svb_batch;

/** What bytes are. */
typedef enum svb_batch_verdict {
    SVB_BATCH_GOOD,
    SVB_BATCH_OTHER, /**< of a format that is not read here, but of our front ends */
    SVB_BATCH_FORGED, /**< nobody's: no right code */
    SVB_BATCH_DAMAGED /**< our front ends', and yet not a batch */
} svb_batch_verdict;

/** @return the batch's bytes, from p. @param batch within the limits above */
svb_exchange_bytes svb_batch_write(const svb_batch *batch, const svb_mac *mac,
                                   apr_pool_t *p);

/**
 * @param bytes anybody's
 * @param mac   of the log that they stand in
 * @param batch filled in if they are good; from p
 */
svb_batch_verdict svb_batch_read(const svb_exchange_bytes *bytes,
                                 const svb_mac *mac, svb_batch *batch,
                                 apr_pool_t *p);

#endif /* SVB_SHARE_BATCH_H */
