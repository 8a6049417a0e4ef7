/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/frames.h"

#define END_OF_ANSWER "\r\n\r\n"
#define END_OF_ANSWER_LEN 4

#define OPCODE 0x0f
#define OPCODE_CLOSE 0x08
#define MASKED 0x80
#define LENGTH 0x7f
#define LENGTH_IN_2 126
#define LENGTH_IN_8 127

static unsigned bytes_of_length(const svb_frames *frames)
{
    unsigned length = frames->head[1] & LENGTH;

    return length == LENGTH_IN_2 ? 2 : length == LENGTH_IN_8 ? 8 : 0;
}

static unsigned bytes_of_head(const svb_frames *frames)
{
    return frames->have < 2 ? 2
                            : 2 + bytes_of_length(frames)
                                  + (frames->head[1] & MASKED ? 4 : 0);
}

static void end_head(svb_frames *frames)
{
    unsigned n = bytes_of_length(frames);

    frames->left = n ? 0 : frames->head[1] & LENGTH;
    for (unsigned i = 0; i < n; i++) {
        frames->left = frames->left << 8 | frames->head[2 + i];
    }
    frames->is_closed |= (frames->head[0] & OPCODE) == OPCODE_CLOSE;
    frames->have = 0;
}

static void read_answer(svb_frames *frames, char c)
{
    if (c == END_OF_ANSWER[frames->end_of_answer]) {
        frames->end_of_answer++;
    }
    else {
        frames->end_of_answer = c == '\r';
    }
}

void svb_frames_read(svb_frames *frames, const char *data, apr_size_t len)
{
    while (len) {
        apr_size_t taken = 1;

        if (frames->end_of_answer < END_OF_ANSWER_LEN) {
            read_answer(frames, *data);
        }
        else if (frames->left) {
            taken = frames->left < len ? (apr_size_t)frames->left : len;
            frames->left -= taken;
        }
        else {
            frames->head[frames->have++] = (unsigned char)*data;
            if (frames->have == bytes_of_head(frames)) {
                end_head(frames);
            }
        }
        data += taken;
        len -= taken;
    }
}

int svb_frames_between(const svb_frames *frames)
{
    return frames->end_of_answer == END_OF_ANSWER_LEN && !frames->have
           && !frames->left && !frames->is_closed;
}
