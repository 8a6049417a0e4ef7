/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/save_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>

/* How many names to try for a file that is set aside. */
#define NAMES 100

/* A named pipe or a device is not waited for. */
#define SAFELY (O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

static apr_status_t fail(apr_status_t rv, const char *what, const char **err)
{
    *err = what;
    return rv;
}

/* Is it ours alone? */
static apr_status_t check(const struct stat *info, const char **err)
{
    if (!S_ISREG(info->st_mode)) {
        return fail(APR_EGENERAL, "is not a regular file", err);
    }
    if (info->st_uid != 0 && info->st_uid != geteuid()) {
        return fail(SVB_SAVE_EUNSAFE,
                    "belongs neither to the server's user nor to root", err);
    }
    if (info->st_mode & (S_IRWXG | S_IRWXO)) {
        return fail(SVB_SAVE_EUNSAFE,
                    "can be read or written by others than its owner", err);
    }
    return info->st_size > 0 ? APR_SUCCESS
                             : fail(APR_EGENERAL, "is empty", err);
}

apr_status_t svb_save_file_open(const char *path, int *fd, struct stat *info,
                                const char **err)
{
    apr_status_t rv;

    /* Look before opening, which may have effects where it is no file. */
    if (lstat(path, info) != 0) {
        rv = errno;
        return fail(rv,
                    APR_STATUS_IS_ENOENT(rv) ? "does not exist"
                                             : "cannot be opened",
                    err);
    }
    if (!S_ISREG(info->st_mode)) {
        return check(info, err);
    }
    *fd = open(path, O_RDONLY | SAFELY);
    if (*fd < 0) {
        return fail(errno, "cannot be opened", err);
    }
    rv = fstat(*fd, info) == 0 ? check(info, err)
                               : fail(errno, "cannot be read", err);
    if (rv != APR_SUCCESS) {
        close(*fd);
    }
    return rv;
}

apr_status_t svb_save_file_reopen(const char *path, const struct stat *was,
                                  int *fd)
{
    struct stat is;

    *fd = open(path, O_RDWR | SAFELY);
    if (*fd < 0) {
        return errno;
    }
    if (fstat(*fd, &is) != 0 || is.st_dev != was->st_dev
        || is.st_ino != was->st_ino || is.st_nlink != 1) {
        close(*fd);
        return APR_EBUSY;
    }
    return APR_SUCCESS;
}

apr_status_t svb_save_file_create(const char *path, int *fd)
{
    *fd = -1;
    if (unlink(path) != 0 && errno != ENOENT) {
        return errno;
    }
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | SAFELY, S_IRUSR | S_IWUSR);
    return *fd < 0 ? errno : APR_SUCCESS;
}

int svb_save_file_is(const char *path, int fd)
{
    struct stat named, opened;

    return lstat(path, &named) == 0 && fstat(fd, &opened) == 0
           && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

/* The name is not on the disk before its folder is. */
static void sync_folder(const char *path)
{
    char folder[APR_PATH_MAX];
    char *slash;
    int fd;

    apr_cpystrn(folder, path, sizeof(folder));
    slash = strrchr(folder, '/');
    if (slash) {
        slash[slash == folder] = '\0';
    }
    fd = open(slash ? folder : ".", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

apr_status_t svb_save_file_replace(const char *temp, int fd, const char *path,
                                   const char **err)
{
    /* Another process that writes as well will have made it the name of its
     * own. */
    if (!svb_save_file_is(temp, fd)) {
        return fail(APR_EBUSY, "is being saved by another process too", err);
    }
    if (rename(temp, path) != 0) {
        return fail(errno,
                    "cannot be saved: its temporary file cannot be renamed",
                    err);
    }
    sync_folder(path);
    return APR_SUCCESS;
}

apr_status_t svb_save_file_set_aside(const char *path, apr_time_t now,
                                     apr_pool_t *p, const char **to)
{
    apr_time_exp_t utc = {0};
    apr_finfo_t info;
    apr_status_t rv = apr_time_exp_gmt(&utc, now);
    const char *first = apr_psprintf(
        p, "%s.bad-%04d%02d%02d%02d%02d%02d", path, utc.tm_year + 1900,
        utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);

    for (int i = 1; i <= NAMES && rv == APR_SUCCESS; i++) {
        const char *name = i > 1 ? apr_psprintf(p, "%s-%d", first, i) : first;

        rv = apr_stat(&info, name, APR_FINFO_TYPE | APR_FINFO_LINK, p);
        if (APR_STATUS_IS_ENOENT(rv)) {
            rv = apr_file_rename(path, name, p);
            if (rv == APR_SUCCESS) {
                *to = name;
            }
            return rv;
        }
    }
    return rv == APR_SUCCESS ? APR_EEXIST : rv;
}

apr_status_t svb_save_file_may(const char *path, apr_pool_t *p,
                               const char **why)
{
    char text[120];
    const char *folder = ".", *slash = strrchr(path, '/');
    struct stat info;
    apr_status_t rv = APR_SUCCESS;

    if (slash) {
        folder = slash == path
                     ? "/"
                     : apr_pstrmemdup(p, path, (apr_size_t)(slash - path));
    }
    if (stat(folder, &info) == 0 && !S_ISDIR(info.st_mode)) {
        rv = ENOTDIR;
    }
    else if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0) {
        rv = errno;
    }
    if (rv != APR_SUCCESS) {
        *why = apr_psprintf(p, "its folder %s: %s", folder,
                            apr_strerror(rv, text, sizeof(text)));
    }
    return rv;
}
