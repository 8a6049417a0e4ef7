/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/score.h"

#include <math.h>

#include "memory/hash.h"

/* Loads this close to one another are the same but for rounding. One client in
 * a million is a difference a thousand times as large. */
#define SAME_LOAD 1e-9

/* Where slow start begins. */
#define SLOWSTART_FLOOR (1.0 / 16)

double svb_score_load(unsigned clients, double loadfactor)
{
    return ((double)clients + 1) / loadfactor;
}

int svb_score_is_more(double load, double than)
{
    return load - than > SAME_LOAD * (load + than) / 2;
}

int svb_score_better(const svb_score_candidate *a, const svb_score_candidate *b)
{
    if (a->wait < b->wait || a->wait > b->wait) {
        return a->wait < b->wait;
    }
    if (svb_score_is_more(a->load, b->load)
        || svb_score_is_more(b->load, a->load)) {
        return a->load < b->load;
    }
    return a->last_turn < b->last_turn;
}

double svb_score_slowstart(double loadfactor, apr_time_t up_since,
                           apr_time_t now, apr_interval_time_t slowstart)
{
    apr_interval_time_t age = now - up_since;
    double fraction;

    /* A node that came up in the future did so before the clock was set back,
     * unless it is a matter of moments; do not starve it until then. */
    if (slowstart <= 0 || up_since == 0 || age >= slowstart
        || age < -slowstart) {
        return loadfactor;
    }
    fraction = (double)age / (double)slowstart;
    return loadfactor * fmax(fraction, SLOWSTART_FLOOR);
}

double svb_score_rendezvous(apr_uint64_t id_hash, const char *route,
                            double weight)
{
    /* 53 bits are what a double holds; the half keeps u off 0 and 1. */
    double u = ((double)(svb_hash_pair(id_hash, route) >> 11) + 0.5)
               / 9007199254740992.0;

    return weight > 0 ? -weight / log(u) : 0;
}
