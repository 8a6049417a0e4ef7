/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A file with the nodes' state and the client table, as a server leaves it to the
 * next one.
 *
 * Layout, all numbers little-endian, no padding between the parts; what is marked
 * with * is not there in files of version 1, what is marked with + neither in those of
 * version 2, what is marked with # in none before version 4:
 *
 *     header    8  "svb-save"
 *               4  version of this layout, 4
 *               4  how many nodes follow
 *               8  when it was written, in microseconds of 1970
 *              16  the secret under which the clients' ids are hashes
 *              8*  number of the save: of two, the higher is the later one
 *              8*  since when the table has missed no client, likewise; 0: it may
 *                  miss some
 *              8*  when a live client was last dropped for want of room; 0: never
 *            2*8#  up to which steps the histories go: of an hour, of a week
 *              8#  how many fleets follow the nodes
 *     node     64  fleet, filled up with NULs, of which there is one at least
 *              64  route, likewise
 *               8  what the administrator has set, SVB_WORD_ADMIN
 *            7*8  counters, in the order of svb_counter
 *            120*  who has set it, filled up with NULs
 *            3*8+  number of what the administrator has set, and when clients were last
 *                  forgotten, windows last closed: SVB_WORD_SAID_AT and so on
 *           2368#  its history, svb_history_node
 *     fleet# 64    name, likewise
 *            2*8   counters, in the order of svb_fleet_counter
 *          18448   its history, svb_history_fleet
 *     client    8  id, not 0
 *               2  number of its node, counted from 0 in this file
 *               1  kind: 1 web, 2 smart, 3 assumed, 4 windowed, 5 remembered,
 *                  6 ended
 *               1  0
 *               4  when last seen, in seconds of 1970
 *     trailer   8  how many clients there were
 *               8  checksum of everything before it, see memory/blocks.h
 *
 * Invariants:
 *  - A file is read twice. The first time finds everything that may be wrong
 *    with it and changes nothing; the second time restores.
 *  - Neither takes memory that grows with the number of clients, nor does writing.
 *
 * It is written in two ways. When the server stops, at once (svb_save_write): at
 * the path there is the old file or the new one, whole, whenever the process dies,
 * since it is written as path + ".new" and renamed. While the server runs, a slice
 * at a time into a file that is open (svb_save_begin): that one is whole once it
 * has come to its end, and not before; so there have to be two, in turn.
 *
 * Clients of kind pending are not saved: their requests die with the server.
 * Neither are epochs, turns and states, which the new server finds out itself.
 *
 * The functions do file I/O and take no lock; one process at a time, in one thread
 * of it, and never for a request. The pool p is for error texts and what a handle
 * has. The texts are as in memory/save_file.h, or from p, and NULL upon success.
 */
#ifndef SVB_MEMORY_SAVE_H
#define SVB_MEMORY_SAVE_H

#include <apr_errno.h>
#include <apr_pools.h>

#include "memory/clients.h"
#include "memory/history.h"
#include "memory/records.h"
#include "memory/save_file.h"

/** What a file says of itself. */
typedef struct svb_save_facts {
    apr_uint64_t number; /**< of two files, the higher is the later one; 0 in
                                 files of version 1 */
    apr_time_t saved;    /**< when it was written */
    apr_time_t
        known_since;       /**< since when the table has missed no client; 0: it
                                 may miss some */
    apr_time_t evicted_at; /**< svb_evictions_last() */
    unsigned char secret[SVB_CLIENTS_SECRET]; /**< the table's */
} svb_save_facts;

/** A file that is open, to be read. */
typedef struct svb_save svb_save;

/** A file that is being written. */
typedef struct svb_save_writer svb_save_writer;

/** What became of a file's contents. */
typedef struct svb_save_result {
    unsigned nodes;         /**< nodes restored */
    unsigned nodes_skipped; /**< nodes for which there was no room */
    apr_uint64_t clients;   /**< by how many clients the table has grown,
                                 remembered ones included */
    int other_secret;     /**< the file's clients mean nothing in the table, and
                                 were left out */
    apr_uint64_t skipped; /**< the file's others: expired, of a node that was
                                 skipped, dropped for want of room, or in the
                                 table already */
} svb_save_result;

/**
 * Write the file, in place of the one that is there. For when the server stops;
 * others may go on using nodes and clients meanwhile: each client is saved as
 * it was at one moment, not all as at the same. No locks.
 * @param path    its name; the folder must be there
 * @param records the nodes
 * @param clients the table, opened with these records and this secret
 * @param history of these records, or NULL: none is saved
 * @param facts   saved is the time of day
 * @param p       for the error text
 * @param err     what went wrong; the status tells why
 * @return APR_SUCCESS, with the file on the disk; APR_EBUSY when another process
 *         is writing it as well; or any error of the file system, upon which the
 *         old file is still there and no other
 */
apr_status_t svb_save_write(const char *path, svb_records *records,
                            svb_clients *clients, const svb_history *history,
                            const svb_save_facts *facts, apr_pool_t *p,
                            const char **err);

/**
 * Begin to write into an open file, from its beginning. Nodes that come later are
 * not in it, nor are their clients.
 * @param facts as above
 * @param p     keeps the handle
 */
svb_save_writer *svb_save_begin(int fd, svb_records *records,
                                svb_clients *clients,
                                const svb_history *history,
                                const svb_save_facts *facts, apr_pool_t *p);

/**
 * Write the clients of the next buckets, and have what was written go to the disk
 * from time to time, so that no call has much to wait for.
 * @param buckets up to which; less than before: nothing is done
 * @param now     time of day
 * @return APR_SUCCESS, or what went wrong
 */
apr_status_t svb_save_step(svb_save_writer *w, apr_size_t buckets,
                           apr_time_t now);

/** Write what is left, and wait for the disk. @return as svb_save_step() */
apr_status_t svb_save_end(svb_save_writer *w, apr_time_t now);

/**
 * Open a file and read what it says of itself, which is not verified yet. For when
 * the server starts. No locks.
 * @param save set upon success; from p, and closed with it
 * @param err  what is wrong with the file, or what went wrong
 * @return APR_SUCCESS, or
 *         a status that is APR_STATUS_IS_ENOENT: there is no file;
 *         APR_EGENERAL: it is damaged, or nothing of ours;
 *         SVB_SAVE_EVERSION, SVB_SAVE_EUNSAFE: see there;
 *         any other error of the file system
 */
apr_status_t svb_save_open(const char *path, apr_pool_t *p, svb_save **save,
                           const char **err);

/** @return what the file says of itself */
const svb_save_facts *svb_save_facts_of(const svb_save *save);

/** @return which file it is, for svb_save_file_reopen() */
const struct stat *svb_save_stat_of(const svb_save *save);

/** Read all of the file. @return APR_EGENERAL: it is damaged; or an error of the
 *  file system */
apr_status_t svb_save_verify(svb_save *save, const char **err);

/**
 * Restore a verified file's nodes and clients: once the configured nodes are in
 * the records, so that they have their places, and before there are children. No
 * locks.
 *
 * A node that the records do not have is added: its clients may come. Where
 * half of the records are taken, that is only done for those that have clients
 * or an administrator's word, so that nodes of long ago do not take the room of
 * new ones. Into a smaller table goes what fits.
 *
 * @param records the nodes; words and counters are set to what the file says
 * @param clients the table, opened with these records and the file's secret,
 *                and with its timeouts set; where the secret is another one, clients are
 *                left out
 * @param history of these records, without samples; or NULL: none is restored
 * @param now     time of day; clients seen later than that are taken as seen
 *                now, since the clock was set back
 * @param result  filled in
 * @return APR_SUCCESS; or what svb_save_verify() has: the file was changed since, and
 *         some of it is restored
 */
apr_status_t svb_save_restore(svb_save *save, svb_records *records,
                              svb_clients *clients, svb_history *history,
                              apr_time_t now, svb_save_result *result,
                              const char **err);

#endif /* SVB_MEMORY_SAVE_H */
