/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/survey.h"

#include <stdlib.h>
#include <string.h>

#include <apr_tables.h>

typedef struct {
    apr_uint64_t id;
    int node;
} open_thing;

struct svb_survey {
    apr_array_header_t *things; /* of open_thing */
    unsigned clients[SVB_RECORDS_MAX];
};

svb_survey *svb_survey_make(apr_pool_t *p)
{
    svb_survey *survey = apr_pcalloc(p, sizeof(*survey));

    survey->things = apr_array_make(p, 256, sizeof(open_thing));
    return survey;
}

void svb_survey_add(svb_survey *survey, const svb_held *held)
{
    APR_ARRAY_PUSH(survey->things, open_thing) =
        (open_thing){held->id, held->node};
}

static int by_client(const void *a, const void *b)
{
    const open_thing *x = a, *y = b;

    return x->id != y->id ? (x->id < y->id ? -1 : 1) : x->node - y->node;
}

static void count(svb_survey *survey)
{
    const open_thing *things = (const open_thing *)survey->things->elts;
    int n = survey->things->nelts;

    memset(survey->clients, 0, sizeof(survey->clients));
    qsort(survey->things->elts, (size_t)n, sizeof(*things), by_client);
    for (int i = 0; i < n; i++) {
        if (i == 0 || by_client(&things[i - 1], &things[i]) != 0) {
            survey->clients[things[i].node]++;
        }
    }
}

void svb_survey_end(svb_survey *survey, svb_records *records)
{
    count(survey);
    apr_array_clear(survey->things);
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(records, node)
            && svb_records_get(records, node, SVB_WORD_HELD)
                   != survey->clients[node]) {
            svb_records_set(records, node, SVB_WORD_HELD,
                            survey->clients[node]);
        }
    }
}
