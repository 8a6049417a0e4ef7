/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/blocks.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <apr_siphash.h>

/* Add the block to the checksum. */
static void add_to_sum(svb_blocks *b, apr_size_t len)
{
    struct {
        char name[8];
        apr_uint64_t sum;
    } key = {{'s', 'v', 'b', '_', 's', 'a', 'v', 'e'}, SVB_LE64(b->sum)};

    _Static_assert(sizeof(key) == APR_SIPHASH_KSIZE, "key of the checksum");
    if (len > 0) {
        b->sum = apr_siphash24(b->block, len, (unsigned char *)&key);
    }
}

/* ------- writing */

void svb_blocks_begin_put(svb_blocks *b, int fd, apr_off_t at)
{
    b->rv = APR_SUCCESS;
    b->fd = fd;
    b->at = at;
    b->pos = b->len = 0;
    b->sum = 0;
}

static void write_all(svb_blocks *b, const void *data, apr_size_t size)
{
    const char *from = data;

    while (size > 0 && b->rv == APR_SUCCESS) {
        ssize_t n = pwrite(b->fd, from, size, b->at);

        if (n > 0) {
            from += n;
            b->at += n;
            size -= (apr_size_t)n;
        }
        else if (n == 0 || errno != EINTR) {
            b->rv = n == 0 ? APR_ENOSPC : errno;
        }
    }
}

static void put_block(svb_blocks *b)
{
    add_to_sum(b, b->pos);
    write_all(b, b->block, b->pos);
    b->pos = 0;
}

void svb_blocks_put(svb_blocks *b, const void *part, apr_size_t size)
{
    const char *from = part;

    while (size > 0 && b->rv == APR_SUCCESS) {
        apr_size_t room = sizeof(b->block) - b->pos;
        apr_size_t n = size < room ? size : room;

        memcpy(b->block + b->pos, from, n);
        b->pos += n;
        from += n;
        size -= n;
        if (b->pos == sizeof(b->block)) {
            put_block(b);
        }
    }
}

apr_off_t svb_blocks_end_put(svb_blocks *b)
{
    apr_uint64_t sum;

    put_block(b);
    sum = SVB_LE64(b->sum);
    write_all(b, &sum, sizeof(sum));
    return b->at;
}

/* ------- reading */

void svb_blocks_begin_get(svb_blocks *b, int fd, apr_off_t at, apr_off_t size)
{
    svb_blocks_begin_put(b, fd, at);
    b->end = at + (size > 0 ? size : 0);
}

static void read_all(svb_blocks *b, void *data, apr_size_t size)
{
    char *to = data;

    while (size > 0 && b->rv == APR_SUCCESS) {
        ssize_t n = pread(b->fd, to, size, b->at);

        if (n > 0) {
            to += n;
            b->at += n;
            size -= (apr_size_t)n;
        }
        else if (n == 0 || errno != EINTR) {
            b->rv = n == 0 ? APR_EOF : errno;
        }
    }
}

static void get_block(svb_blocks *b)
{
    apr_off_t rest = b->end - b->at;

    b->pos = 0;
    b->len = rest < SVB_BLOCK ? (apr_size_t)rest : SVB_BLOCK;
    if (b->len == 0) {
        b->rv = APR_EOF;
    }
    read_all(b, b->block, b->len);
    add_to_sum(b, b->rv == APR_SUCCESS ? b->len : 0);
}

apr_status_t svb_blocks_get(svb_blocks *b, void *part, apr_size_t size)
{
    char *to = part;
    apr_size_t left = size;

    while (left > 0 && b->rv == APR_SUCCESS) {
        apr_size_t there = b->len - b->pos;
        apr_size_t n = left < there ? left : there;

        if (there == 0) {
            get_block(b);
            continue;
        }
        memcpy(to, b->block + b->pos, n);
        b->pos += n;
        to += n;
        left -= n;
    }
    if (b->rv != APR_SUCCESS) {
        memset(part, 0, size);
    }
    return b->rv;
}

int svb_blocks_end_get(svb_blocks *b)
{
    apr_uint64_t sum = 0;
    int all = b->pos == b->len && b->at == b->end;

    read_all(b, &sum, sizeof(sum));
    return b->rv == APR_SUCCESS && all && SVB_LE64(sum) == b->sum;
}
