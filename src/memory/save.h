/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The file in which the nodes' state and the client table survive a stop and
 * start of the server.
 *
 * Layout, all numbers little-endian, no padding between the parts:
 *
 *     header    8  "svb-save"
 *               4  version of this layout, 1
 *               4  how many nodes follow
 *               8  when it was written, in microseconds of 1970
 *              16  the secret under which the clients' ids are hashes
 *     node     64  fleet, filled up with NULs, of which there is one at least
 *              64  route, likewise
 *               8  what the administrator has set, SVB_WORD_ADMIN
 *            7*8  counters, in the order of svb_counter
 *     client    8  id, not 0
 *               2  number of its node, counted from 0 in this file
 *               1  kind: 1 web, 2 smart, 3 assumed, 4 windowed, 5 remembered
 *               1  0
 *               4  when last seen, in seconds of 1970
 *     trailer   8  how many clients there were
 *               8  checksum of everything before it
 *
 * The checksum is SipHash-2-4 over each 8192 bytes in turn, with the 16 bytes
 * "svb_save" and the checksum so far (0 to begin with) as key. It finds damage;
 * it proves nothing about who wrote the file. That is for its owner and mode:
 * the file carries a secret, and what it says becomes true, so only one that
 * belongs to this process's user or root, and that nobody else may read or
 * write, is read.
 *
 * Invariants:
 *  - At the path there is the old file or the new one, whole, whenever the
 *    process dies. It is written as path + ".new" with mode 0600 and renamed;
 *    what an earlier crash left under that name is removed first, and never
 *    followed or written to.
 *  - A file is read twice. The first time finds everything that may be wrong
 *    with it and changes nothing; the second time restores.
 *  - Neither takes memory that grows with the number of clients.
 *
 * Clients of kind pending are not saved: their requests die with the server.
 * Neither are epochs, turns and states, which the new server finds out itself.
 *
 * The functions do file I/O and take no lock. They are for one process at a
 * time, in one thread of it: as a rule the parent, where the server starts and
 * stops, and never for a request. The pool p is for error texts and new names;
 * all else is freed. The texts complete a sentence that begins with the path
 * ("x: is empty"), hold no byte from the file, are static or from p, and NULL
 * upon success.
 */
#ifndef SVB_MEMORY_SAVE_H
#define SVB_MEMORY_SAVE_H

#include <apr_errno.h>
#include <apr_pools.h>

#include "memory/clients.h"
#include "memory/records.h"

/** The file has another version; set it aside. The error text says it all. */
#define SVB_SAVE_EVERSION (APR_OS_START_USERERR + 1)

/** The file has another owner, or a mode that lets others in; set it aside, and
 *  take a new secret. The error text says it all. */
#define SVB_SAVE_EUNSAFE (APR_OS_START_USERERR + 2)

/** What became of a file's contents. */
typedef struct svb_save_result {
    apr_time_t saved;       /**< when the file was written */
    unsigned nodes;         /**< nodes restored */
    unsigned nodes_skipped; /**< nodes for which there was no room */
    apr_uint64_t clients;   /**< by how many clients the table has grown */
    apr_uint64_t skipped;   /**< the file's others: expired, of a node that was
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
 * @param secret  the table's
 * @param now     time of day
 * @param p       for the error text
 * @param err     what went wrong; the status tells why
 * @return APR_SUCCESS, with the file on the disk; APR_EBUSY when another process
 *         is writing it as well; or any error of the file system, upon which the
 *         old file is still there and no other
 */
apr_status_t svb_save_write(const char *path, svb_records *records,
                            svb_clients *clients,
                            const unsigned char secret[SVB_CLIENTS_SECRET],
                            apr_time_t now, apr_pool_t *p, const char **err);

/**
 * Verify the file, and take its secret: the table has to be opened with it
 * before clients can be restored. For when the server starts, before there is
 * shared memory. No locks.
 * @param path   its name
 * @param secret filled in upon success, else left alone
 * @param p      for the error text
 * @param err    what is wrong with the file, or what went wrong
 * @return as svb_save_read(), but for APR_EINVAL
 */
apr_status_t svb_save_read_secret(const char *path,
                                  unsigned char secret[SVB_CLIENTS_SECRET],
                                  apr_pool_t *p, const char **err);

/**
 * Verify the file, and then restore its nodes and clients. For when the server
 * starts, once the configured nodes are in the records, so that they have their
 * places, and before there are children. No locks.
 *
 * A node that the records do not have is added: its clients may come. Where
 * half of the records are taken, that is only done for those that have clients
 * or an administrator's word, so that nodes of long ago do not take the room of
 * new ones. Into a smaller table goes what fits.
 *
 * @param path    its name
 * @param records the nodes; words and counters are set to what the file says
 * @param clients the table, opened with these records and the file's secret,
 *                and with its timeouts set
 * @param now     time of day; clients seen later than that are taken as seen
 *                now, since the clock was set back
 * @param p       for the error text
 * @param result  filled in
 * @param err     what is wrong with the file, or what went wrong
 * @return APR_SUCCESS, or, with nothing changed:
 *         a status that is APR_STATUS_IS_ENOENT: there is no file;
 *         APR_EGENERAL: it is damaged, or nothing of ours;
 *         SVB_SAVE_EVERSION, SVB_SAVE_EUNSAFE: see there;
 *         APR_EINVAL: the table was opened with another secret;
 *         any other error of the file system.
 *         APR_EGENERAL with result->nodes above 0 is a file that was changed
 *         while it was read
 */
apr_status_t svb_save_read(const char *path, svb_records *records,
                           svb_clients *clients, apr_time_t now, apr_pool_t *p,
                           svb_save_result *result, const char **err);

/**
 * Rename a file that cannot be read, whatever it is, so that nothing is lost
 * when the next one is written: to path + ".bad-YYYYMMDDHHMMSS", in UTC, and
 * "-2" and so on behind that where the name is taken. For when the server
 * starts, after svb_save_read() or svb_save_read_secret() has failed. No locks.
 * @param path its name
 * @param now  time of day
 * @param p    for the new name
 * @param to   the new name, from p; set upon success
 * @return APR_SUCCESS; APR_EEXIST when a hundred names are taken; or any error
 *         of the file system. The file stays in place then
 */
apr_status_t svb_save_set_aside(const char *path, apr_time_t now, apr_pool_t *p,
                                const char **to);

#endif /* SVB_MEMORY_SAVE_H */
