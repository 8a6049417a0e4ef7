/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * How long the names of fleets and nodes may be.
 */
#ifndef SVB_MEMORY_NAMES_H
#define SVB_MEMORY_NAMES_H

/** Longest name of a fleet and longest route, without the NUL (mod_proxy's). */
#define SVB_NAME_MAX 63

/** In place of a word that is not to be told, as it is no route that a node has: it may
 *  be a part of somebody's secret. */
#define SVB_NAME_UNTOLD "?"

#endif /* SVB_MEMORY_NAMES_H */
