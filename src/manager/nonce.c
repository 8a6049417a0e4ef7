/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "manager/nonce.h"

#include <string.h>

/* Half of the digits: the time and which half it is are in the key, and the user is the
 * text. */
static apr_uint64_t half(const unsigned char *key, const char *user,
                         apr_uint64_t period, unsigned char which)
{
    unsigned char text[9] = {[8] = which}, own[APR_SIPHASH_KSIZE];
    apr_uint64_t part;

    for (int i = 0; i < 8; i++) {
        text[i] = (unsigned char)(period >> (8 * i));
    }
    part = apr_siphash24(text, sizeof(text), key);
    memcpy(own, key, sizeof(own));
    for (int i = 0; i < 8; i++) {
        own[i] ^= (unsigned char)(part >> (8 * i));
    }
    return apr_siphash24(user, strlen(user), own);
}

static void make(char *nonce, const unsigned char *key, const char *user,
                 apr_uint64_t period)
{
    static const char digits[] = "0123456789abcdef";
    const apr_uint64_t halves[] = {half(key, user, period, 0),
                                   half(key, user, period, 1)};

    for (int i = 0; i < SVB_NONCE_LEN; i++) {
        nonce[i] = digits[(halves[i / 16] >> (4 * (i % 16))) & 15];
    }
    nonce[SVB_NONCE_LEN] = '\0';
}

static apr_uint64_t period_of(apr_time_t now)
{
    return (apr_uint64_t)(now / SVB_NONCE_PERIOD);
}

void svb_nonce_make(char *nonce, const unsigned char *key, const char *user,
                    apr_time_t now)
{
    make(nonce, key, user ? user : "", period_of(now));
}

/* Both have SVB_NONCE_LEN bytes. */
static unsigned char differ(const char *a, const char *b)
{
    unsigned char bits = 0;

    for (int i = 0; i < SVB_NONCE_LEN; i++) {
        bits |= (unsigned char)(a[i] ^ b[i]);
    }
    return bits;
}

int svb_nonce_is_good(const char *given, const unsigned char *key,
                      const char *user, apr_time_t now)
{
    const char *const users[] = {"", user ? user : ""};
    char nonce[SVB_NONCE_LEN + 1];
    int good = 0;

    if (strlen(given) != SVB_NONCE_LEN) {
        return 0;
    }
    for (int i = 0; i < 4; i++) {
        make(nonce, key, users[i / 2], period_of(now) - (apr_uint64_t)(i % 2));
        good |= !differ(given, nonce);
    }
    return good;
}
