/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Where in a WebSocket a frame may be put in. */

#include <string.h>

#include "course/frames.h"
#include "unit.h"

#define ANSWER "HTTP/1.1 101 Switching\r\nX: \r\n\r\n"

/* Bytes with a | wherever a frame may be put in, and nowhere else. */
#define BYTES(text)                                                            \
    {                                                                          \
        text, sizeof(text) - 1                                                 \
    }

static const struct {
    const char *text;
    apr_size_t len;
} samples[] = {
    BYTES(ANSWER "|"),
    BYTES("\r\n\r\r\n\r\n|"),
    BYTES("\r\n \r\n\n\r\n\r\n|"),
    BYTES(ANSWER "|\x81\x02"
                 "ok|\x8a\0|\x01\x01"
                 "a|\x80\x01"
                 "b|"),
    BYTES(ANSWER "|\x81\x7e\0\x03"
                 "abc|\x82\x7f\0\0\0\0\0\0\0\x02"
                 "de|\x81\x7e\0\0|"),
    /* a client's, which are masked */
    BYTES(ANSWER "|\x81\x83mask"
                 "abc|\x81\xfe\0\x01mask"
                 "a|"),
    /* it may be long: this is beyond what is ever sent */
    BYTES(ANSWER "|\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff rest"),
    /* none after the node's own */
    BYTES(ANSWER "|\x88\x02\x03\xe8"),
    BYTES(ANSWER "|\x88\0\x81\0"),
};

/* Reads in pieces of some bytes each, and asks where a piece ends. */
static void read_in_pieces(const char *text, apr_size_t len, apr_size_t piece)
{
    svb_frames frames = {0};
    apr_size_t done = 0, in_piece = 0;
    char bytes[256];

    for (apr_size_t i = 0; i < len; i++) {
        int may = i + 1 < len && text[i + 1] == '|';

        if (text[i] == '|') {
            continue;
        }
        bytes[in_piece++] = text[i];
        if (in_piece == piece || may || i + 1 == len) {
            svb_frames_read(&frames, bytes, in_piece);
            done += in_piece;
            in_piece = 0;
            ck_assert_msg(svb_frames_between(&frames) == may,
                          "after %u bytes in pieces of %u", (unsigned)done,
                          (unsigned)piece);
        }
    }
}

START_TEST(between_frames)
{
    for (apr_size_t piece = 1; piece < sizeof(ANSWER) + 32; piece++) {
        read_in_pieces(samples[_i].text, samples[_i].len, piece);
    }
}
END_TEST

START_TEST(not_before_the_answer)
{
    svb_frames frames = {0};

    ck_assert(!svb_frames_between(&frames));
    svb_frames_read(&frames, "", 0);
    ck_assert(!svb_frames_between(&frames));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("frames");
    TCase *tc = tcase_create("frames");

    tcase_add_loop_test(tc, between_frames, 0, COUNT(samples));
    tcase_add_test(tc, not_before_the_answer);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
