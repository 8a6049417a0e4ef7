/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Words of which sentences about a snapshot are made. Texts are plain, from the pool, and
 * may quote names of any bytes: writers escape them.
 *
 * Pure: any thread, any phase.
 */
#ifndef SVB_REPORT_PHRASE_H
#define SVB_REPORT_PHRASE_H

#include "report/snapshot.h"

/** @return the text, or "" for none */
const char *svb_phrase_text(const char *text);

/** A number and what is counted: "1 user", "2 users"; from p. */
const char *svb_phrase_count(apr_pool_t *p, apr_uint64_t n, const char *one,
                             const char *many);

/** The same of users. */
const char *svb_phrase_users(apr_pool_t *p, apr_uint64_t n);

/** Texts as people list them, "a, b and c"; from p. @param texts of const char * */
const char *svb_phrase_list(apr_pool_t *p, const apr_array_header_t *texts);

/** How a node is called: its route, or where it has none, its first member. */
const char *svb_phrase_node(const svb_snap_node *node);

/** Where it is: the host of its members, or what it is called. */
const char *svb_phrase_host(const svb_snap_node *node);

/** How many nodes are in which states, "1 down, 2 draining"; from p. */
const char *svb_phrase_states(apr_pool_t *p, const svb_snap_totals *totals);

#endif /* SVB_REPORT_PHRASE_H */
