/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/generations.h"

/* Where those are counted that have no place of their own. */
#define COMMON 0

static int has_children(const svb_generations *g, int place)
{
    return g->places[place].children > 0;
}

static int place_of(const svb_generations *g, unsigned generation)
{
    int place = SVB_GENERATIONS_MAX - 1;

    while (place > COMMON
           && !(has_children(g, place)
                && g->places[place].generation == generation)) {
        place--;
    }
    return place;
}

static int free_place(const svb_generations *g)
{
    int place = SVB_GENERATIONS_MAX - 1;

    while (place > COMMON && has_children(g, place)) {
        place--;
    }
    return place;
}

void svb_generations_started(svb_generations *g, unsigned generation)
{
    int place = place_of(g, generation);

    if (place == COMMON) {
        place = free_place(g);
    }
    if (!has_children(g, place) || g->places[place].generation > generation) {
        g->places[place].generation = generation;
    }
    g->places[place].children++;
}

void svb_generations_ended(svb_generations *g, unsigned generation)
{
    int place = place_of(g, generation);

    /* Not one from before there was anybody to count. */
    if (has_children(g, place) && generation >= g->places[place].generation) {
        g->places[place].children--;
    }
}

unsigned svb_generations_oldest(const svb_generations *g, unsigned present)
{
    unsigned oldest = present;

    for (int place = 0; place < SVB_GENERATIONS_MAX; place++) {
        if (has_children(g, place) && g->places[place].generation < oldest) {
            oldest = g->places[place].generation;
        }
    }
    return oldest;
}
