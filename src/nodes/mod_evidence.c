/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_evidence.h"

#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "memory/paths.h"
#include "nodes/mod_census.h"
#include "nodes/mod_condition.h"

/* For so long a path is one where clients begin. */
#define PATHS_WITHIN apr_time_from_sec(3600)

static void follow(const svb_witness *witness, int node, int result,
                   apr_time_t now)
{
    if (result & SVB_HAS_LOST) {
        svb_clients_node_down(node);
    }
    if (result) {
        (void)svb_census_note(witness->fleet, node, witness->server, witness->p,
                              now);
    }
}

void svb_evidence_reached(const svb_witness *witness, int node, int slot,
                          svb_reach reach)
{
    apr_time_t now = apr_time_now();

    if (node >= 0) {
        follow(witness, node,
               svb_condition_reached(svb_segments_records(), node, slot, reach,
                                     svb_members_of_node(node), now),
               now);
    }
}

void svb_evidence_answered(const svb_witness *witness, const svb_member *member)
{
    if (member->node >= 0) {
        svb_condition_hear(svb_segments_records(), member->node,
                           apr_time_now());
        svb_evidence_reached(witness, member->node, member->slot, SVB_REACH_OK);
    }
}

int svb_evidence_is_failure(int status)
{
    return status == HTTP_FORBIDDEN || status == HTTP_NOT_FOUND
           || (ap_is_HTTP_SERVER_ERROR(status)
               && status != HTTP_NOT_IMPLEMENTED);
}

apr_time_t svb_evidence_others_began(const svb_balancer *balancer, int node)
{
    const svb_members *members = svb_members_get((svb_balancer *)balancer);
    apr_time_t last = 0;

    for (int i = 0; i < members->n; i++) {
        int other = members->all[i].node;

        if (other >= 0 && other != node) {
            apr_time_t began =
                svb_condition_last_began(svb_segments_records(), other);

            last = began > last ? began : last;
        }
    }
    return last;
}

/* What the status of the failures often means; the one who looks has to find out. */
static const char *hint(unsigned status)
{
    switch (status) {
    case HTTP_FORBIDDEN:
        return "; with AJP, compare secret= with the node's server.xml";
    case HTTP_NOT_FOUND:
        return "; is the application deployed?";
    case HTTP_INTERNAL_SERVER_ERROR:
    case HTTP_SERVICE_UNAVAILABLE:
        return "; has the application started?";
    default:
        return "";
    }
}

static void warn(const svb_witness *witness, const svb_balancer *balancer,
                 const svb_member *member, unsigned status)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, witness->server,
                 SVB_LOGNO(0095) "%s: node %s answers %u to new clients that "
                                 "others have served: it is asked last until "
                                 "one begins a session there%s",
                 balancer->name, member->route, status, hint(status));
}

void svb_evidence_met(const svb_witness *witness, const svb_balancer *balancer,
                      const svb_member *member, svb_met what, unsigned status,
                      const char *path)
{
    svb_records *records = svb_segments_records();
    svb_rules rules = svb_condition_rules(balancer);
    apr_uint64_t salt = balancer->fleet->salt;
    apr_time_t now = apr_time_now();
    int node = member->node, result;

    if (node < 0
        || (what == SVB_MET_FAILURE
            && !svb_paths_knows(svb_segments_paths(), salt, path, strlen(path),
                                PATHS_WITHIN, now))) {
        return;
    }
    if (what == SVB_MET_SESSION) {
        svb_paths_note(svb_segments_paths(), salt, path, strlen(path), now);
        svb_condition_began(records, node, now);
    }
    result = svb_condition_met(
        records, node, what, status,
        what == SVB_MET_FAILURE ? svb_evidence_others_began(balancer, node) : 0,
        &rules, now);
    if (result && what == SVB_MET_FAILURE) {
        warn(witness, balancer, member, status);
    }
    follow(witness, node, result, now);
}
