/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Parts that are written to a file one after the other, and read again, under a
 * checksum.
 *
 * The checksum is SipHash-2-4 over each 8192 bytes in turn, with the 16 bytes
 * "svb_save" and the checksum so far (0 to begin with) as key; it stands behind
 * the last part, in 8 bytes, little-endian. It finds damage; it proves nothing
 * about who wrote the file.
 *
 * What goes wrong first stays in rv: nothing is written after that, and zeros are
 * read. One thread at a time; no locks. The descriptor's own position is neither
 * used nor changed, so that processes can share it.
 */
#ifndef SVB_MEMORY_BLOCKS_H
#define SVB_MEMORY_BLOCKS_H

#include <apr.h>
#include <apr_errno.h>

#define SVB_BLOCK 8192

/** Numbers in files are little-endian: from the processor's order, and back. */
#define SVB_LE16(n) (APR_IS_BIGENDIAN ? __builtin_bswap16(n) : (n))
#define SVB_LE32(n) (APR_IS_BIGENDIAN ? __builtin_bswap32(n) : (n))
#define SVB_LE64(n) (APR_IS_BIGENDIAN ? __builtin_bswap64(n) : (n))

/** Bytes of the checksum. */
#define SVB_BLOCKS_SUM 8

/** Parts on their way into a file or out of it. */
typedef struct svb_blocks {
    apr_status_t rv;  /**< of what went wrong first */
    int fd;           /**< the file */
    apr_off_t at;     /**< where the block in hand begins in it */
    apr_off_t end;    /**< reading: where the parts end */
    apr_size_t pos;   /**< how much of the block is written or was read */
    apr_size_t len;   /**< reading: bytes in the block */
    apr_uint64_t sum; /**< checksum of the blocks before */
    unsigned char block[SVB_BLOCK];
} svb_blocks;

/** Begin to write. @param at where in the file */
void svb_blocks_begin_put(svb_blocks *b, int fd, apr_off_t at);

/** Write a part. */
void svb_blocks_put(svb_blocks *b, const void *part, apr_size_t size);

/** Write what is left, and the checksum. @return where the file goes on */
apr_off_t svb_blocks_end_put(svb_blocks *b);

/** Begin to read. @param size bytes of all parts together, without the checksum */
void svb_blocks_begin_get(svb_blocks *b, int fd, apr_off_t at, apr_off_t size);

/** Read a part. @return b->rv: APR_EOF where there are not so many bytes */
apr_status_t svb_blocks_get(svb_blocks *b, void *part, apr_size_t size);

/** After the last part. @return whether nothing went wrong, and the checksum, which
 *  stands there, is right */
int svb_blocks_end_get(svb_blocks *b);

#endif /* SVB_MEMORY_BLOCKS_H */
