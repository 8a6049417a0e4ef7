/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/mod_live.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <apr_strings.h>
#include <http_core.h>

#include "memory/mod_segments.h"
#include "memory/save_file.h"
#include "memory/words.h"

#define RETAINED_KEY "mod_servoy_balancer_live"
#define MAGIC 0x535642464c453031u /* grows with every change of layout */
#define FILES (1 + SVB_LIVE_TABLES)

/* What outlives the module's unloading at a restart. */
typedef struct {
    apr_uint64_t magic;
    int open;
    svb_live files;
    char path[APR_PATH_MAX];
} retained;

static retained *kept;

const char *svb_live_nodes(apr_pool_t *p, const char *path)
{
    return apr_pstrcat(p, path, ".nodes", NULL);
}

const char *svb_live_table(apr_pool_t *p, const char *path, int i)
{
    return apr_psprintf(p, "%s.%d", path, i + 1);
}

const svb_live *svb_live_files(void)
{
    return kept && kept->open ? &kept->files : NULL;
}

static void find_kept(void)
{
    kept = ap_retained_data_get(RETAINED_KEY);
    if (!kept || kept->magic != MAGIC) {
        kept = ap_retained_data_create(RETAINED_KEY, sizeof(*kept));
        kept->magic = MAGIC;
    }
}

static const char *name_of(apr_pool_t *p, const char *path, int i)
{
    return i < SVB_LIVE_TABLES ? svb_live_table(p, path, i)
                               : svb_live_nodes(p, path);
}

static int *file_of(svb_live *files, int i)
{
    return i < SVB_LIVE_TABLES ? &files->tables[i] : &files->nodes;
}

static void close_all(apr_pool_t *p)
{
    for (int i = 0; kept->open && i < FILES; i++) {
        const char *name = name_of(p, kept->path, i);
        int fd = *file_of(&kept->files, i);

        if (svb_save_file_is(name, fd)) {
            unlink(name);
        }
        close(fd);
    }
    kept->open = 0;
}

void svb_live_end(apr_pool_t *p)
{
    find_kept();
    close_all(p);
}

/* Are they still open, and on the disk? */
static int are_there(apr_pool_t *p, const char *path)
{
    int all = kept->open && strcmp(kept->path, path) == 0;

    for (int i = 0; all && i < FILES; i++) {
        all = svb_save_file_is(name_of(p, path, i), *file_of(&kept->files, i));
    }
    return all;
}

static apr_status_t say(apr_pool_t *p, apr_status_t rv, const char *name,
                        const char **err)
{
    *err = apr_pstrcat(p, name, " cannot be made", NULL);
    return rv;
}

/* The words, in a file that has its name once it is whole. */
static apr_status_t make_nodes(apr_pool_t *p, const char *path,
                               const char **err)
{
    svb_saving *saving = &svb_segments_shared()->saving;
    const char *name = svb_live_nodes(p, path);
    const char *temp = apr_pstrcat(p, name, ".new", NULL), *why;
    svb_words *words = svb_words_new(p);
    int *fd = &kept->files.nodes;
    apr_status_t rv = svb_save_file_create(temp, fd);

    if (rv != APR_SUCCESS) {
        return say(p, rv, temp, err);
    }
    svb_words_collect(words, svb_segments_records());
    rv = svb_words_write(words, *fd, 0, ++saving->number, apr_time_now());
    if (rv == APR_SUCCESS) {
        rv = svb_save_file_replace(temp, *fd, name, &why);
    }
    if (rv != APR_SUCCESS) {
        close(*fd);
        unlink(temp);
        return say(p, rv, name, err);
    }
    saving->words_number = svb_words_number(words);
    saving->words_place = 1;
    return APR_SUCCESS;
}

/* A file for the table: the one that was read, or a new one. */
static apr_status_t make_table(apr_pool_t *p, const char *path, int i,
                               const struct stat *was, const char **err)
{
    const char *name = svb_live_table(p, path, i);
    int *fd = &kept->files.tables[i];
    apr_status_t rv = was ? svb_save_file_reopen(name, was, fd)
                          : svb_save_file_create(name, fd);

    return rv == APR_SUCCESS ? rv : say(p, rv, name, err);
}

static apr_status_t make_tables(apr_pool_t *p, const char *path,
                                const char *base, const struct stat *was,
                                const char **err)
{
    apr_status_t rv = APR_SUCCESS;
    int of_base = -1;

    if (base && strcmp(base, path) == 0) {
        base = svb_live_table(p, path, 0);
        if (rename(path, base) != 0) {
            return say(p, errno, base, err);
        }
    }
    for (int i = 0; i < SVB_LIVE_TABLES && rv == APR_SUCCESS; i++) {
        int is_base = base && strcmp(base, svb_live_table(p, path, i)) == 0;

        rv = make_table(p, path, i, is_base ? was : NULL, err);
        if (is_base) {
            of_base = i;
        }
        if (rv != APR_SUCCESS && i > 0) {
            close(kept->files.tables[0]);
        }
    }
    svb_segments_shared()->saving.table_file = of_base == 0;
    svb_segments_shared()->saving.process = 0;
    return rv;
}

/* What an earlier server has left at the path is not what this one knows: it was
 * told to save there by a restart, and has never read it. */
static void set_stale_aside(apr_pool_t *p, const char *path)
{
    struct stat info;
    const char *to;

    if (lstat(path, &info) == 0) {
        svb_save_file_set_aside(path, apr_time_now(), p, &to);
    }
}

apr_status_t svb_live_begin(apr_pool_t *p, const char *path, const char *base,
                            const struct stat *was, const char **err)
{
    apr_status_t rv;

    find_kept();
    if (are_there(p, path)) {
        return APR_SUCCESS;
    }
    if (strlen(path) >= sizeof(kept->path)) {
        return say(p, ENAMETOOLONG, path, err);
    }
    close_all(p);
    rv = make_nodes(p, path, err);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!base) {
        set_stale_aside(p, path);
    }
    rv = make_tables(p, path, base, was, err);
    if (rv != APR_SUCCESS) {
        close(kept->files.nodes);
        return rv;
    }
    apr_cpystrn(kept->path, path, sizeof(kept->path));
    kept->open = 1;
    return APR_SUCCESS;
}
