/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/score.h"

#include <math.h>
#include <string.h>

#include <apr_siphash.h>

/* Loads this close to one another are the same but for rounding. One client in
 * a million is a difference a thousand times as large. */
#define SAME_LOAD 1e-9

/* Where slow start begins. */
#define SLOWSTART_FLOOR (1.0 / 16)

/* Elections by which a node may be ahead before that means anything. */
#define SHARE_ALLOWANCE 2.0

/* Every front end has to give a client of a failed node to the same other one,
 * knowing nothing of the rest, so the key of these hashes is the same for all
 * and known to all. What a client could gain by choosing its id with care is to
 * be sent to a node of its choice, and the route in an id, which is not secret
 * either, gives it that anyway. The client table, where chosen ids could crowd
 * out others, has a secret key. */
static const unsigned char id_key[APR_SIPHASH_KSIZE] = "svb_elect client";

double svb_score_load(unsigned clients, double loadfactor)
{
    return ((double)clients + 1) / loadfactor;
}

int svb_score_better(const svb_score_candidate *a, const svb_score_candidate *b)
{
    double difference = a->load - b->load;
    double same = SAME_LOAD * (a->load + b->load) / 2;

    if (!a->braked != !b->braked) {
        return !a->braked;
    }
    if (difference > same || difference < -same) {
        return difference < 0;
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

int svb_score_over_share(double recent, double recent_all, double loadfactor,
                         double loadfactor_all, double factor)
{
    if (factor <= 0) {
        return 0;
    }
    return (recent + 1 - SHARE_ALLOWANCE) * loadfactor_all
           > factor * recent_all * loadfactor;
}

apr_uint64_t svb_hash_client(const char *id, apr_size_t len)
{
    return apr_siphash24(id, len, id_key);
}

double svb_score_rendezvous(apr_uint64_t id_hash, const char *route,
                            double weight)
{
    unsigned char key[APR_SIPHASH_KSIZE];
    apr_uint64_t hash;
    double u;

    /* The client is half of the key and the route the text: the hash is a draw
     * of this client for this node alone. Bytes in a set order, so that it does
     * not depend on the machine. */
    memcpy(key, id_key, sizeof(key));
    for (int i = 0; i < 8; i++) {
        key[i] = (unsigned char)(id_hash >> (8 * i));
    }
    hash = apr_siphash24(route, strlen(route), key);

    /* 53 bits are what a double holds; the half keeps u off 0 and 1. */
    u = ((double)(hash >> 11) + 0.5) / 9007199254740992.0;
    return weight > 0 ? -weight / log(u) : 0;
}
