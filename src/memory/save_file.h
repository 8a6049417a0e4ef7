/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Files that carry state from one server to the next: how they are opened, made
 * and put out of the way.
 *
 * A file may carry a secret, and what it says becomes true, so only one that
 * belongs to this process's user or root, and that nobody else may read or write,
 * is read. A link is never followed: neither to read, nor to write, since who may
 * write to the folder could have us, as root, overwrite another file by one.
 *
 * The functions do file I/O and take no lock. They are for one process at a time,
 * in one thread of it: the parent, where the server starts and stops. Error texts
 * complete a sentence that begins with the path ("x: is empty"), hold no byte from
 * the file and are static.
 */
#ifndef SVB_MEMORY_SAVE_FILE_H
#define SVB_MEMORY_SAVE_FILE_H

#include <sys/stat.h>

#include <apr_errno.h>
#include <apr_pools.h>
#include <apr_time.h>

/** The file has another version; set it aside. The error text says it all. */
#define SVB_SAVE_EVERSION (APR_OS_START_USERERR + 1)

/** The file has another owner, or a mode that lets others in; set it aside, and
 *  take a new secret. The error text says it all. */
#define SVB_SAVE_EUNSAFE (APR_OS_START_USERERR + 2)

/**
 * Open a file to read it.
 * @param fd   set upon success, closed by whoever runs another program
 * @param info what it is
 * @param err  why it cannot be
 * @return APR_SUCCESS; a status that is APR_STATUS_IS_ENOENT; APR_EGENERAL: it is
 *         empty or no regular file; SVB_SAVE_EUNSAFE; or another error
 */
apr_status_t svb_save_file_open(const char *path, int *fd, struct stat *info,
                                const char **err);

/**
 * Open a file that was read, to write to it.
 * @param was what it was then: it must be the same one still, under no other name
 * @return APR_EBUSY: it is another one
 */
apr_status_t svb_save_file_reopen(const char *path, const struct stat *was,
                                  int *fd);

/**
 * Make a new file with mode 0600, in place of whatever has the name, be it a link;
 * but for a folder.
 * @param fd set upon success
 */
apr_status_t svb_save_file_create(const char *path, int *fd);

/** @return whether the name is that of the open file */
int svb_save_file_is(const char *path, int fd);

/**
 * Have a new file take the place of another, for good.
 * @param fd of the file at temp
 * @param err what went wrong
 * @return APR_EBUSY: temp is not its name any more, since another process writes
 *         as well
 */
apr_status_t svb_save_file_replace(const char *temp, int fd, const char *path,
                                   const char **err);

/**
 * Rename a file that cannot be read, whatever it is, so that nothing is lost
 * when the next one is written: to path + ".bad-YYYYMMDDHHMMSS", in UTC, and
 * "-2" and so on behind that where the name is taken.
 * @param now  time of day
 * @param p    for the new name
 * @param to   the new name, from p; set upon success
 * @return APR_SUCCESS; APR_EEXIST when a hundred names are taken; or any error
 *         of the file system. The file stays in place then
 */
apr_status_t svb_save_file_set_aside(const char *path, apr_time_t now,
                                     apr_pool_t *p, const char **to);

/**
 * Could files be made beside this path?
 * @param p   for the text
 * @param why the reason, from p, set where not
 * @return APR_SUCCESS or the status of what is in the way
 */
apr_status_t svb_save_file_may(const char *path, apr_pool_t *p,
                               const char **why);

#endif /* SVB_MEMORY_SAVE_FILE_H */
