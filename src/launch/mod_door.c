/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "launch/mod_door.h"

#include <http_core.h>

#include "choice/mod_election.h"
#include "choice/mod_method.h"
#include "mod_log.h"

#define START "start"

static const char *url_of(const request_rec *r)
{
    return r->filename + sizeof("proxy:") - 1;
}

/* Without a choice, an id has named a node that cannot serve, and nobody takes over. */
static int is_named(const svb_choice *choice)
{
    switch (choice->how) {
    case SVB_HOW_KNOWN:
    case SVB_HOW_ROUTE:
    case SVB_HOW_FAILOVER:
        return 1;
    case SVB_HOW_COOKIE:
        /* On its way to a session at a node that we cannot send it to. */
        return !choice->member->facts.url;
    default:
        return 0;
    }
}

/* Is it, as far as its ids tell, of somebody who is here already; or does it begin no
 * client? Then it goes on as the ordinary request that it was made here. */
static int belongs_here(request_rec *r, svb_balancer *balancer)
{
    svb_request *req = svb_request_make(r, balancer, url_of(r));

    if (svb_request_is_stateless(req, r)) {
        return 1;
    }
    if (!req->n_ids && !req->cookies) {
        return 0;
    }
    req->dry_run = 1;
    svb_method_choose(req, r);
    req->dry_run = 0;
    return is_named(&req->choice);
}

static int start(request_rec *r, svb_balancer *balancer,
                 const svb_direct_target *t)
{
    svb_request *req = svb_request_make_launch(r, balancer, t->encoded);

    if (!svb_direct_choose(r, req)) {
        return svb_direct_unavailable(r, req);
    }
    if (req->choice.member->facts.url) {
        return svb_direct_redirect(r, req, t, START);
    }
    req = svb_request_make_ordinary(r, req, url_of(r));
    svb_election_enter(req, req->choice.member);
    return DECLINED;
}

int svb_door_answer(request_rec *r, svb_balancer *balancer,
                    svb_direct_target *t)
{
    const svb_section *set = &balancer->set;

    if (r->method_number != M_GET
        || !svb_direct_matches(r, t->path, set->start_match, &set->start_shape)
        || !svb_direct_read(r, t) || belongs_here(r, balancer)) {
        return DECLINED;
    }
    return start(r, balancer, t);
}
