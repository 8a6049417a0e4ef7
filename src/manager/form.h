/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What a browser or script posts to the manager.
 *
 * A body of application/x-www-form-urlencoded becomes an action on one node, or
 * a sentence that says what is wrong with it. Nothing is guessed or repaired: a
 * field that is unknown or there twice, a bad %-escape, a NUL or control
 * character, invalid UTF-8 are errors. What comes out is therefore valid UTF-8
 * without control characters and within the lengths given here; whether fleet
 * and node exist and the nonce is right is for the caller to find out.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_MANAGER_FORM_H
#define SVB_MANAGER_FORM_H

#include <apr_pools.h>

#include "nodes/action.h"

/** Longest body that is looked at, in bytes. */
#define SVB_FORM_MAX 4096

/** A well-formed form. */
typedef struct svb_form {
    svb_action action;
    const char *nonce; /* 1 to 128 bytes */
} svb_form;

/**
 * Parse a body.
 * @param p owns the strings in out and the message
 * @param body any bytes, need not be NUL-terminated; may be NULL if len is 0
 * @param len their number
 * @param out is overwritten; of no use unless NULL is returned
 * @return NULL, or a sentence for people that names the field and what is
 *         allowed. It is printable ASCII on one line, never contains the nonce,
 *         but may quote other input: escape it for HTML.
 */
const char *svb_form_parse(apr_pool_t *p, const char *body, apr_size_t len,
                           svb_form *out);

#endif /* SVB_MANAGER_FORM_H */
