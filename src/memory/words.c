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

static int has_number(const svb_word_part *part)
{
    for (int i = 0; i < SVB_NUMBERS; i++) {
        if (part->numbers[i]) {
            return 1;
        }
    }
    return 0;
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
        memset(part, 0, sizeof(*part));
        admin = svb_records_get(records, node, SVB_WORD_ADMIN);
        svb_part_take_numbers(part->numbers, records, node);
        if (!has_number(part) && admin == 0) {
            continue;
        }
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
           && is_text(part->said, sizeof(part->said))
           && (part->admin != 0 || has_number(part));
}

static int is_known(apr_uint32_t version)
{
    return version >= 1 && version <= SVB_WORDS_VERSION;
}

/* What its version does not have is 0. */
static void get_part(svb_blocks *blocks, svb_word_part *part, apr_size_t size)
{
    memset(part, 0, sizeof(*part));
    svb_blocks_get(blocks, part, size);
}

/* @return whether there is a whole one in this place */
static int read_place(svb_words *words, int fd, int place)
{
    apr_off_t at = (apr_off_t)place * PLACE;
    svb_words_header raw = {0};
    svb_blocks blocks;
    apr_size_t size;

    if (pread(fd, &raw, sizeof(raw), at) != (ssize_t)sizeof(raw)
        || memcmp(raw.magic, SVB_WORDS_MAGIC, sizeof(raw.magic)) != 0
        || !is_known(SVB_LE32(raw.version))
        || SVB_LE32(raw.nodes) > SVB_RECORDS_MAX
        || SVB_LE64(raw.saved) > INT64_MAX) {
        return 0;
    }
    words->nodes = SVB_LE32(raw.nodes);
    words->number = SVB_LE64(raw.number);
    words->saved = (apr_time_t)SVB_LE64(raw.saved);
    size = SVB_WORD_SIZE(SVB_LE32(raw.version));
    svb_blocks_begin_get(&blocks, fd, at,
                         (apr_off_t)(sizeof(raw) + words->nodes * size));
    svb_blocks_get(&blocks, &raw, sizeof(raw));
    for (unsigned i = 0; i < words->nodes; i++) {
        get_part(&blocks, &words->parts[i], size);
    }
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

static void restore(const svb_word_part *part, svb_records *records, int node)
{
    svb_records_set(records, node, SVB_WORD_ADMIN, SVB_LE64(part->admin));
    svb_part_give_numbers(part->numbers, records, node);
    svb_records_say(records, node, part->said);
}

unsigned svb_words_restore(const svb_words *words, svb_records *records)
{
    static const svb_word_part none;
    unsigned restored = 0;

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(records, node)) {
            restore(&none, records, node);
        }
    }
    for (unsigned i = 0; i < words->nodes; i++) {
        const svb_word_part *part = &words->parts[i];
        int node = part->admin
                       ? svb_records_add(records, part->name, part->route)
                       : svb_records_find(records, part->name, part->route);

        if (node >= 0) {
            restore(part, records, node);
            restored++;
        }
    }
    return restored;
}
