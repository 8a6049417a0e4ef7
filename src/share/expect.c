/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/expect.h"

#include <stdatomic.h>

static double at_most(double value, double most)
{
    return value < most ? value : most;
}

/* How many the others hold for each of ours. Where nobody has elected anybody, they do
 * as we do. */
static double for_each_own(const svb_expect *e)
{
    double own = e->own, others = e->others;

    return others <= 0                      ? e->front_ends
           : others > SVB_EXPECT_MOST * own ? SVB_EXPECT_MOST
                                            : others / own;
}

/* How many may have been held that were not played. */
static double may_be(const svb_expect *e, apr_time_t now)
{
    apr_interval_time_t age = now - e->heard;

    return age < 0 ? 0
           : age >= SVB_EXPECT_CUT_OFF
               ? SVB_EXPECT_MOST
               : e->others / 1000.0 * (double)age / APR_USEC_PER_SEC
                     - e->played;
}

svb_expect_turns svb_expect_play(svb_expect *expect, apr_time_t now)
{
    int n = (int)at_most(at_most(for_each_own(expect), may_be(expect, now)),
                         SVB_EXPECT_MOST);
    double share =
        expect->others > 0 ? (double)expect->before / expect->others : 0.5;
    svb_expect_turns turns = {0, 0};

    if (n > 0 && expect->front_ends > 0) {
        atomic_fetch_add(&expect->played, n);
        turns.before = (int)(n * at_most(share, 1) + 0.5);
        turns.after = n - turns.before;
    }
    return turns;
}

void svb_expect_heard(svb_expect *expect, apr_time_t now)
{
    expect->heard = now;
    expect->played = 0;
}
