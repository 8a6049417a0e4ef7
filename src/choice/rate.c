/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/rate.h"

#include <math.h>

/* A mark, from the lowest bit: by how many turns the node was ahead right after
 * its last one, in 24 bits as a fixed-point number; the election that this was,
 * in 40 bits: enough for a thousand a second over thirty years. */
#define AHEAD_BITS 24
#define AHEAD_MASK (((apr_uint64_t)1 << AHEAD_BITS) - 1)
#define ONE_TURN ((double)(1 << 22))

/* Elections by which a turn may be early. */
#define EARLY 2.0

/* Turns this close to one another are the same but for rounding. */
#define SAME 1e-6

double svb_rate_pace(double factor, double weight, double weight_all)
{
    return factor > 0 && weight_all > 0 ? fmin(factor * weight / weight_all, 1)
                                        : 1;
}

static double ahead(apr_uint64_t mark, apr_uint64_t elections, double pace)
{
    apr_uint64_t last = mark >> AHEAD_BITS;
    double then = (double)(mark & AHEAD_MASK) / ONE_TURN;

    /* Another process may have been quicker with a later election. */
    return elections <= last
               ? then
               : fmax(then - (double)(elections - last) * pace, 0);
}

double svb_rate_wait(apr_uint64_t mark, apr_uint64_t elections, double pace)
{
    double too_far = ahead(mark, elections, pace) - EARLY * pace;

    return pace >= 1 || too_far <= SAME ? 0 : too_far / pace;
}

apr_uint64_t svb_rate_next(apr_uint64_t mark, apr_uint64_t elections,
                           double pace)
{
    apr_uint64_t last = mark >> AHEAD_BITS;
    double now = ahead(mark, elections, pace);
    double most = fmax(now, EARLY * pace + 1);

    return (elections > last ? elections : last) << AHEAD_BITS
           | (apr_uint64_t)ceil(fmin(now + 1, most) * ONE_TURN);
}
