/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "manager/address.h"

#include <stddef.h>
#include <string.h>

#include "manager/query.h"

/* What is a text as it is. */
static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"fleet", offsetof(svb_place, fleet)},
    {"node", offsetof(svb_place, node)},
    {"confirm", offsetof(svb_place, confirm)},
    {"again", offsetof(svb_place, again)},
    {"done", offsetof(svb_place, done)},
    {"was", offsetof(svb_place, was)},
    {"value", offsetof(svb_place, value)},
};

#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static void read_sort(const char *value, svb_place *place)
{
    for (int i = 0; i < SVB_SORTS; i++) {
        if (!strcmp(svb_place_sort_name((svb_place_sort)i), value)) {
            place->sort = (svb_place_sort)i;
        }
    }
}

static void read_open(const char *value, svb_place *place)
{
    if (*value && place->opens < SVB_PLACE_OPEN
        && !svb_place_is_open(place, value)) {
        place->open[place->opens++] = value;
    }
}

static void read_pair(const char *name, const char *value, svb_place *place)
{
    for (size_t i = 0; i < TEXTS; i++) {
        if (!strcmp(texts[i].name, name)) {
            *(const char **)((char *)place + texts[i].offset) = value;
        }
    }
    if (!strcmp(name, "sort")) {
        read_sort(value, place);
    }
    else if (!strcmp(name, "only")) {
        place->only_trouble = !strcmp(value, "trouble");
    }
    else if (!strcmp(name, "open")) {
        read_open(value, place);
    }
    else if (!strcmp(name, "lines")) {
        place->no_history = !strcmp(value, "none");
    }
}

void svb_address_read(apr_pool_t *p, const char *query, svb_place *place)
{
    svb_query_bytes left = {query, query ? strlen(query) : 0}, raw, coded;
    const char *name, *value;

    memset(place, 0, sizeof(*place));
    while (svb_query_next(&left, &raw, &coded)) {
        if (!svb_query_decode(p, raw, &name)
            && !svb_query_decode(p, coded, &value)) {
            read_pair(name, value, place);
        }
    }
}
