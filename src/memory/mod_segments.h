/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The shared memory of the server: two anonymous segments, made by the parent
 * at its first start and kept through every restart, so that children of all
 * generations, the ones that are ending included, work on the same state. One
 * holds the nodes and never changes its size; the other holds the client table.
 *
 * The first begins with a header that says what layout it has. A new version
 * of the module that is loaded by a graceful restart and lays things out
 * otherwise starts with segments of its own. When the table's size changes, there
 * is a new segment for it; children of the old generation go on with the old one,
 * the former table (memory/mod_former.h).
 *
 * The functions that hand out what is here take no lock; any thread, from
 * post_config on, in parent and children.
 */
#ifndef SVB_MEMORY_MOD_SEGMENTS_H
#define SVB_MEMORY_MOD_SEGMENTS_H

#include <apr_siphash.h>
#include <mpm_common.h>

#include "mod_log.h"
#include "memory/clients.h"
#include "memory/events.h"
#include "memory/generations.h"
#include "memory/history.h"
#include "memory/moves.h"
#include "memory/paths.h"
#include "memory/records.h"
#include "memory/rows.h"

/** How many members without room are told of once, all processes together. */
#define SVB_SHARED_TOLD 16

/** How many kinds of refusals the manager tells of. */
#define SVB_SHARED_REFUSALS 4

/** Refusals of one kind. */
typedef struct svb_refusals {
    _Atomic apr_time_t told;     /**< when one was last told of */
    _Atomic apr_uint64_t untold; /**< how many there were since then */
} svb_refusals;

/** What processes that save tell each other; see memory/mod_live.h. */
typedef struct svb_saving {
    _Atomic apr_uint64_t number;       /**< of the last save that was begun */
    _Atomic apr_uint64_t words_number; /**< of the last words on the disk */
    _Atomic int words_place;           /**< where the next ones go */
    _Atomic apr_time_t watched;        /**< when words were last looked after */
    _Atomic apr_int64_t process;       /**< that writes the table */
    _Atomic apr_time_t process_at;     /**< when it last did */
    _Atomic int table_file;            /**< the one that it writes, 0 or 1 */
} svb_saving;

/** Words that the server's processes share besides nodes and clients. */
typedef struct svb_shared {
    apr_uint64_t magic, size; /**< of the layout */
    apr_time_t started;       /**< when the segments were made */
    unsigned char secret[SVB_CLIENTS_SECRET];
    unsigned char nonce_key[APR_SIPHASH_KSIZE]; /**< see manager/nonce.h */
    svb_refusals refusals[SVB_SHARED_REFUSALS]; /**< see manager/mod_guard.c */
    _Atomic apr_int64_t assumed_room;           /**< see memory/mod_clients.h */
    _Atomic apr_int64_t unconfirmed_room;       /**< likewise */
    _Atomic apr_uint64_t confirmed_peak;        /**< likewise */
    _Atomic apr_uint64_t stateless_turns;       /**< how many there were */
    _Atomic apr_uint64_t
        ids; /**< the last number that an id was made of; it begins anywhere, as the secret may be one of before */
    _Atomic int
        is_incomplete; /**< other front ends may have clients that are not
                                       in the table: see share/mod_sharing.h */
    _Atomic apr_time_t told_full; /**< see choice/mod_election.c */
    _Atomic int moved;            /**< see memory/mod_former.h */
    _Atomic apr_time_t probed;    /**< when nodes were last probed */
    _Atomic apr_uint64_t told[SVB_SHARED_TOLD]; /**< see nodes/mod_members.c */
    /** When what the table knows began: no client that began since then, or
     *  before and was heard of since, is missing, but for those dropped for want
     *  of room (svb_clients_evictions()). Downtime after a stop counts: nothing
     *  can begin through a server that is down. After a crash it is the time of
     *  the start, since the last clients are not in the file. */
    _Atomic apr_time_t known_since;
    svb_saving saving; /**< see memory/mod_live.h */
} svb_shared;

/**
 * Make the segments, or find the ones that are there. In post_config of the
 * pass that counts, in the parent.
 * @param capacity how many clients the table is to hold. Where there is no memory
 *                 for another size than before, the table keeps the one it has,
 *                 which is logged
 * @param secret   key of the clients' ids when the segments are made, or NULL
 *                 for a random one
 * @return APR_SUCCESS or why there is no memory; logged. No locks: it is called
 *         while there is one thread
 */
apr_status_t svb_segments_attach(apr_pool_t *pconf, server_rec *main_server,
                                 apr_size_t capacity,
                                 const unsigned char *secret);

/**
 * Memory for those who need more than that, which stays through restarts. In post_config,
 * after svb_segments_attach(); for one caller.
 * @param is_new set to whether it was made just now, and is all zero
 * @return it, 64-byte aligned, or NULL: there is no memory; logged
 */
void *svb_segments_extra(server_rec *main_server, apr_size_t size, int *is_new);

/** Are there segments from before a restart? In post_config, before attach. */
int svb_segments_exist(void);

/**
 * Claim this child's row for requests in flight; it is given back when pchild
 * is destroyed, and have this child begin a pass of its own through the table. In
 * child_init, before there are other threads. No locks; looks into /proc.
 */
void svb_segments_child_init(apr_pool_t *pchild);

/** @return the nodes; valid from post_config on, in parent and children */
svb_records *svb_segments_records(void);

/** @return the rows of requests in flight; likewise */
svb_rows *svb_segments_rows(void);

/** @return the last changes of nodes' states; likewise */
svb_events *svb_segments_events(void);

/** @return where clients have begun sessions; likewise */
svb_paths *svb_segments_paths(void);

/** @return where the clients of nodes went that could not serve them; likewise */
svb_moves *svb_segments_moves(void);

/** @return how many clients nodes had of late; likewise */
svb_history *svb_segments_history(void);

/** @return the client table; likewise */
svb_clients *svb_segments_clients(void);

/**
 * The table there was before the size changed.
 * @param when set to when it was replaced
 * @return it, or NULL
 */
svb_clients *svb_segments_former(apr_time_t *when);

/** @return the shared words; likewise */
svb_shared *svb_segments_shared(void);

/** @return this child's row, for svb_rows_enter() and svb_rows_leave() */
int svb_segments_row(void);

/** For the hook of this name, in the parent: who was started, and who has ended. */
void svb_segments_child_status(server_rec *s, pid_t pid, ap_generation_t number,
                               int slot, mpm_child_status status);

/** @return the oldest generation of which there are children, or that of the present
 *          configuration; in post_config, after svb_segments_attach() */
unsigned svb_segments_oldest_generation(void);

/** Free the rows of dead children; from the watchdog's one thread, and in
 *  post_config. No locks; looks into /proc for each child. */
void svb_segments_sweep(void);

#endif /* SVB_MEMORY_MOD_SEGMENTS_H */
