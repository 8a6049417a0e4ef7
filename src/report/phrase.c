/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "report/phrase.h"

#include <apr_strings.h>

#define U64 "%" APR_UINT64_T_FMT

const char *svb_phrase_text(const char *text)
{
    return text ? text : "";
}

const char *svb_phrase_count(apr_pool_t *p, apr_uint64_t n, const char *one,
                             const char *many)
{
    return apr_psprintf(p, U64 " %s", n, n == 1 ? one : many);
}

const char *svb_phrase_users(apr_pool_t *p, apr_uint64_t n)
{
    return svb_phrase_count(p, n, "user", "users");
}

const char *svb_phrase_list(apr_pool_t *p, const apr_array_header_t *texts)
{
    const char *all = "";

    for (int i = 0; i < texts->nelts; i++) {
        all = apr_pstrcat(p, all,
                          i == 0                  ? ""
                          : i == texts->nelts - 1 ? " and "
                                                  : ", ",
                          APR_ARRAY_IDX(texts, i, const char *), NULL);
    }
    return all;
}

const char *svb_phrase_node(const svb_snap_node *node)
{
    const char *worker = "a member without a route";

    if (node->route && *node->route) {
        return node->route;
    }
    if (node->members->nelts > 0) {
        worker = APR_ARRAY_IDX(node->members, 0, svb_snap_member *)->worker;
    }
    return svb_phrase_text(worker);
}

const char *svb_phrase_host(const svb_snap_node *node)
{
    return node->host && *node->host ? node->host : svb_phrase_node(node);
}

const char *svb_phrase_states(apr_pool_t *p, const svb_snap_totals *totals)
{
    const char *all = "";

    for (int i = 0; i < SVB_STATES; i++) {
        if (totals->in_state[i] > 0) {
            all = apr_psprintf(p, "%s%s" U64 " %s", all, *all ? ", " : "",
                               totals->in_state[i],
                               i == SVB_STATE_ERROR
                                   ? "down"
                                   : svb_state_describe((svb_state)i)->phrase);
        }
    }
    return all;
}
