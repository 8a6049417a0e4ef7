/* Licensed under the Apache License, Version 2.0; see LICENSE. */

/*
 * libFuzzer harness of svb_probe_pong(). The input is what somebody has answered
 * to a CPing, as it comes in byte by byte: nothing but a whole CPong is one, and
 * once that has been said nothing is said against it.
 */

#include "fuzz.h"
#include "nodes/probe.h"

#define PONG "AB\0\1\t"
#define PONG_LEN ((size_t)5)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    svb_reach before = SVB_REACH_UNKNOWN;

    for (size_t len = 0; len <= size && len < 2 * PONG_LEN; len++) {
        /* no more than has come in, so that reading on is seen */
        char *answer = malloc(len ? len : 1);
        svb_reach reach;

        MUST(answer);
        memcpy(answer, data, len);
        reach = svb_probe_pong(answer, len);
        MUST(before == SVB_REACH_UNKNOWN || reach == before);
        MUST((reach == SVB_REACH_OK)
             == (len >= PONG_LEN && !memcmp(answer, PONG, PONG_LEN)));
        MUST((reach == SVB_REACH_UNKNOWN)
             == (len < PONG_LEN && !memcmp(answer, PONG, len)));
        before = reach;
        free(answer);
    }
    return 0;
}
