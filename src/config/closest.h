/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What somebody may have meant who wrote a word that nobody knows: "servyo1" is nearly
 * "servoy1". Slips of one key count: a letter too many, too few, another, or two that
 * changed places.
 *
 * Pure: no state, no locks, no allocation; any thread, any phase.
 */
#ifndef SVB_CONFIG_CLOSEST_H
#define SVB_CONFIG_CLOSEST_H

/**
 * How many slips lead from one word to the other, case not counting; of words that are
 * longer than 63 bytes so many that nobody takes one for the other.
 */
int svb_closest_slips(const char *a, const char *b);

/**
 * The word that was probably meant.
 * @param word  what was written
 * @param known what may be written; ends with NULL
 * @return the nearest of known, the first of several as near: by one slip in a word of
 *         up to five letters, two in longer ones; or NULL. One that differs in case
 */
const char *svb_closest(const char *word, const char *const known[]);

#endif /* SVB_CONFIG_CLOSEST_H */
