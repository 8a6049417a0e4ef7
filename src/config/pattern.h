/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What can be told of a regular expression without running it: of those that paths are
 * matched against, nearly everything.
 *
 * Pure: no state, no locks; any thread, any phase.
 */
#ifndef SVB_CONFIG_PATTERN_H
#define SVB_CONFIG_PATTERN_H

#include <apr_pools.h>

/** What is plain to see of an expression. */
typedef struct svb_pattern_shape {
    const char *prefix; /**< what every text that it matches begins with */
    apr_size_t prefix_len;
    const char
        *suffix; /**< what it ends with, at least one letter later; NULL: it may
                             go on in any way */
    apr_size_t suffix_len;
    int is_whole; /**< that is all there is to it */
} svb_pattern_shape;

typedef enum svb_pattern_answer {
    SVB_PATTERN_NO,
    SVB_PATTERN_YES,
    SVB_PATTERN_PERHAPS /**< it has to be run */
} svb_pattern_answer;

/**
 * The shape of an expression that begins with "^" and letters: "^/a/", "^/a/.+\\.b$".
 * @param regex an expression that compiles, case counting
 * @param p     of what is in the shape
 */
svb_pattern_shape svb_pattern_read(apr_pool_t *p, const char *regex);

/** Does the expression match the text? */
svb_pattern_answer svb_pattern_try(const svb_pattern_shape *shape,
                                   const char *text);

#endif /* SVB_CONFIG_PATTERN_H */
