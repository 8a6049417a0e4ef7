/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What can be told of a regular expression without running it.
 *
 * Pure: no state, no locks; any thread, any phase.
 */
#ifndef SVB_CONFIG_PATTERN_H
#define SVB_CONFIG_PATTERN_H

#include <apr.h>

/**
 * The letters that every text begins with that a regular expression matches: those
 * right behind its "^". Texts that begin otherwise need not be tried.
 * @param regex an expression that compiles, case counting
 * @return how many there are, from regex + 1 on; 0 when there are none, or when it is
 *         not plain to see
 */
apr_size_t svb_pattern_literal(const char *regex);

/** May the regular expression match the text? @param literal of that expression */
int svb_pattern_may_match(const char *regex, apr_size_t literal,
                          const char *text);

#endif /* SVB_CONFIG_PATTERN_H */
