/* Licensed under the Apache License, Version 2.0; see LICENSE. */

#include "page/place.h"

#include <string.h>

#include <apr_strings.h>

#include "page/view.h"

const char *svb_place_sort_name(svb_place_sort sort)
{
    static const char *const names[SVB_SORTS] = {
        [SVB_SORT_TROUBLE] = "trouble",
        [SVB_SORT_NAME] = "name",
        [SVB_SORT_USERS] = "users",
    };

    return (unsigned int)sort < SVB_SORTS ? names[sort] : NULL;
}

int svb_place_is_open(const svb_place *place, const char *id)
{
    for (int i = 0; i < place->opens; i++) {
        if (!strcmp(place->open[i], id)) {
            return 1;
        }
    }
    return 0;
}

static const char *append(apr_pool_t *p, const char *to, const char *name,
                          const char *value)
{
    return apr_pstrcat(p, to, *to ? "&" : "", name, "=", svb_view_url(p, value),
                       NULL);
}

const char *svb_place_keep(apr_pool_t *p, const svb_place *place,
                           const char *without)
{
    const char *keep = "";

    if (place->sort != SVB_SORT_TROUBLE) {
        keep = append(p, keep, "sort", svb_place_sort_name(place->sort));
    }
    if (place->only_trouble) {
        keep = append(p, keep, "only", "trouble");
    }
    for (int i = 0; i < place->opens; i++) {
        if (!without || strcmp(place->open[i], without) != 0) {
            keep = append(p, keep, "open", place->open[i]);
        }
    }
    return keep;
}
