/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Where in what a node sends on a WebSocket (RFC 6455) something can be put in: not
 * in its answer's head, not in a frame, and not after the node's own close frame. A
 * control frame may stand between the fragments of a message.
 *
 * Nothing is checked: for bytes that are no frames, what is said here is of no use.
 *
 * Pure: any phase, no locks; one thread at a time for each svb_frames.
 */
#ifndef SVB_COURSE_FRAMES_H
#define SVB_COURSE_FRAMES_H

#include <apr.h>

/** Longest head of a frame, in bytes. */
#define SVB_FRAMES_HEAD 14

/** How far we are; all zero before the first byte of the answer's head. */
typedef struct svb_frames {
    unsigned end_of_answer; /**< bytes of the empty line that ends it, so far */
    unsigned have;          /**< bytes of a frame's head, so far */
    unsigned char head[SVB_FRAMES_HEAD];
    apr_uint64_t left; /**< bytes of its data that are still to come */
    int is_closed;     /**< there was a close frame */
} svb_frames;

/** Read on: the next len bytes that the node has sent. */
void svb_frames_read(svb_frames *frames, const char *data, apr_size_t len);

/** @return whether a frame may be put in here */
int svb_frames_between(const svb_frames *frames);

#endif /* SVB_COURSE_FRAMES_H */
