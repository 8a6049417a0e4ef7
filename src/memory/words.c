/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/words.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "memory/blocks.h"
#include "memory/save_file.h"
#include "memory/save_parts.h"

/* Where the second place begins: there is room for all nodes before it. */
#define PLACE (1024 * 1024)

struct svb_words {
    apr_uint64_t number;
    apr_time_t saved;
    unsigned nodes;
    svb_word_part parts[SVB_RECORDS_MAX];
};

_Static_assert(sizeof(svb_words) < PLACE, "a place holds all nodes");

svb_words *svb_words_new(apr_pool_t *p)
{
    svb_words *words = apr_palloc(p, sizeof(*words));

    words->number = 0;
    words->saved = 0;
    words->nodes = 0;
    return words;
}

void svb_words_collect(svb_words *words, svb_records *records)
{
    words->nodes = 0;
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        svb_word_part *part = &words->parts[words->nodes];
        apr_uint64_t admin;
        char said[SVB_RECORDS_TEXT + 1];

        if (!svb_records_used(records, node)) {
            continue;
        }
        admin = svb_records_get(records, node, SVB_WORD_ADMIN);
        if (admin == 0) {
            continue;
        }
        memset(part, 0, sizeof(*part));
        apr_cpystrn(part->name, svb_records_name(records, node),
                    sizeof(part->name));
        apr_cpystrn(part->route, svb_records_route(records, node),
                    sizeof(part->route));
        part->admin = SVB_LE64(admin);
        svb_records_said(records, node, said);
        apr_cpystrn(part->said, said, sizeof(part->said));
        words->nodes++;
    }
}

int svb_words_same(const svb_words *one, const svb_words *other)
{
    return one->nodes == other->nodes
           && memcmp(one->parts, other->parts,
                     one->nodes * sizeof(one->parts[0]))
                  == 0;
}

apr_uint64_t svb_words_number(const svb_words *words)
{
    return words->number;
}

apr_time_t svb_words_saved(const svb_words *words)
{
    return words->saved;
}

apr_status_t svb_words_write(svb_words *words, int fd, int place,
                             apr_uint64_t number, apr_time_t now)
{
    svb_words_header raw = {.version = SVB_LE32(SVB_WORDS_VERSION),
                            .nodes = SVB_LE32(words->nodes),
                            .number = SVB_LE64(number),
                            .saved = SVB_LE64((apr_uint64_t)now)};
    svb_blocks blocks;

    memcpy(raw.magic, SVB_WORDS_MAGIC, sizeof(raw.magic));
    svb_blocks_begin_put(&blocks, fd, (apr_off_t)place * PLACE);
    svb_blocks_put(&blocks, &raw, sizeof(raw));
    svb_blocks_put(&blocks, words->parts,
                   words->nodes * sizeof(words->parts[0]));
    svb_blocks_end_put(&blocks);
    if (blocks.rv == APR_SUCCESS && fdatasync(fd) != 0) {
        blocks.rv = errno;
    }
    if (blocks.rv == APR_SUCCESS) {
        words->number = number;
        words->saved = now;
    }
    return blocks.rv;
}

/* ------- reading */

static int is_text(const char *raw, apr_size_t size)
{
    return strnlen(raw, size) < size;
}

static int is_good(const svb_word_part *part)
{
    return part->name[0] && is_text(part->name, sizeof(part->name))
           && part->route[0] && is_text(part->route, sizeof(part->route))
           && is_text(part->said, sizeof(part->said)) && part->admin != 0;
}

/* @return whether there is a whole one in this place */
static int read_place(svb_words *words, int fd, int place)
{
    apr_off_t at = (apr_off_t)place * PLACE;
    svb_words_header raw = {0};
    svb_blocks blocks;

    if (pread(fd, &raw, sizeof(raw), at) != (ssize_t)sizeof(raw)
        || memcmp(raw.magic, SVB_WORDS_MAGIC, sizeof(raw.magic)) != 0
        || SVB_LE32(raw.version) != SVB_WORDS_VERSION
        || SVB_LE32(raw.nodes) > SVB_RECORDS_MAX
        || SVB_LE64(raw.saved) > INT64_MAX) {
        return 0;
    }
    words->nodes = SVB_LE32(raw.nodes);
    words->number = SVB_LE64(raw.number);
    words->saved = (apr_time_t)SVB_LE64(raw.saved);
    svb_blocks_begin_get(
        &blocks, fd, at,
        (apr_off_t)(sizeof(raw) + words->nodes * sizeof(words->parts[0])));
    svb_blocks_get(&blocks, &raw, sizeof(raw));
    svb_blocks_get(&blocks, words->parts,
                   words->nodes * sizeof(words->parts[0]));
    if (!svb_blocks_end_get(&blocks)) {
        return 0;
    }
    for (unsigned i = 0; i < words->nodes; i++) {
        if (!is_good(&words->parts[i])) {
            return 0;
        }
    }
    return 1;
}

apr_status_t svb_words_read(svb_words *words, const char *path,
                            const char **err)
{
    struct stat info;
    int fd, best = -1, last = -1;
    apr_uint64_t number = 0;
    apr_status_t rv = svb_save_file_open(path, &fd, &info, err);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (int place = 0; place < SVB_WORDS_PLACES; place++) {
        last = read_place(words, fd, place) ? place : -1;
        if (last >= 0 && (best < 0 || words->number > number)) {
            best = last;
            number = words->number;
        }
    }
    if (best < 0 || (best != last && !read_place(words, fd, best))) {
        words->nodes = 0;
        rv = APR_EGENERAL;
        *err = "is damaged";
    }
    close(fd);
    return rv;
}

unsigned svb_words_restore(const svb_words *words, svb_records *records)
{
    unsigned restored = 0;

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(records, node)) {
            svb_records_set(records, node, SVB_WORD_ADMIN, 0);
        }
    }
    for (unsigned i = 0; i < words->nodes; i++) {
        const svb_word_part *part = &words->parts[i];
        int node = svb_records_add(records, part->name, part->route);

        if (node >= 0) {
            svb_records_set(records, node, SVB_WORD_ADMIN,
                            SVB_LE64(part->admin));
            svb_records_say(records, node, part->said);
            restored++;
        }
    }
    return restored;
}
