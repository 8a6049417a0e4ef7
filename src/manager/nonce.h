/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a form must carry to be one of ours: a keyed hash of the time, in periods of an
 * hour, and of the user whom the page was shown to. No state but the key: every process
 * that has it makes and takes the same ones.
 *
 * The present period's and the one before are taken, so that a page serves for at least
 * an hour after it was fetched; one that refreshes has a new one long before.
 *
 *     00:10  page fetched: nonce of 00
 *     01:55  sent: taken, for the period is 01
 *     02:00  sent: refused, and the page has long got those of 01 and 02
 *
 * Who may look but not act is no help to those who would have an administrator's browser
 * act: what the page shows to one user is no other's nonce. What it shows where nobody
 * has to say who he is (say, only POST needs a password) is everybody's.
 *
 * Pure: the clock is passed in; any phase, no locks.
 */
#ifndef SVB_MANAGER_NONCE_H
#define SVB_MANAGER_NONCE_H

#include <apr_siphash.h>
#include <apr_time.h>

#define SVB_NONCE_PERIOD apr_time_from_sec(3600)

/** Hex digits in one. */
#define SVB_NONCE_LEN 32

/** The key: random, and known to nobody else. */
#define SVB_NONCE_KEY APR_SIPHASH_KSIZE

/**
 * @param nonce SVB_NONCE_LEN digits and a NUL
 * @param key   SVB_NONCE_KEY bytes
 * @param user  whom it is shown to, or NULL: nobody has had to say
 * @param now   time of day
 */
void svb_nonce_make(char *nonce, const unsigned char *key, const char *user,
                    apr_time_t now);

/**
 * Is it one that was shown to this user, or to anybody, in this period or the one
 * before? Takes as long for a wrong one as for a right one.
 * @param given what came with the form
 * @param user  who sends it, or NULL
 */
int svb_nonce_is_good(const char *given, const unsigned char *key,
                      const char *user, apr_time_t now);

#endif /* SVB_MANAGER_NONCE_H */
