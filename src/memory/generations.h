/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * How many children of each generation there are: httpd begins one with each start
 * and restart, and after a graceful one children of those before live on until their
 * last request has ended, which may take hours.
 *
 * The parent alone counts, as the MPM tells it whom it has started and who has ended,
 * so that no child is missed, however early or late it is. Where there are more
 * generations than places, some are counted as the oldest of them: it may seem to live
 * longer than it does, never shorter.
 *
 * Pure; no locks, no allocation: for one thread of one process.
 */
#ifndef SVB_MEMORY_GENERATIONS_H
#define SVB_MEMORY_GENERATIONS_H

/** How many are told apart. */
#define SVB_GENERATIONS_MAX 32

/** All zero to begin with. */
typedef struct svb_generations {
    struct {
        unsigned generation, children;
    } places[SVB_GENERATIONS_MAX];
} svb_generations;

/** A child of this generation was started. */
void svb_generations_started(svb_generations *g, unsigned generation);

/** One has ended. */
void svb_generations_ended(svb_generations *g, unsigned generation);

/** @return the oldest that has children, or the present one where no other has */
unsigned svb_generations_oldest(const svb_generations *g, unsigned present);

#endif /* SVB_MEMORY_GENERATIONS_H */
