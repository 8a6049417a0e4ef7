/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_plain.h"

#include "nodes/mod_condition.h"

/* What a member is in such an election. */
typedef enum { STANDS, IS_OUT, IS_NOT_PLAIN } part;

static int may_take_part(const svb_request *req, const svb_member *member)
{
    return member->node >= 0
           && (!req->tried || !svb_request_has_tried(req, member->worker));
}

/* Those that are asked last are out as long as somebody else stands; those that take
 * new clients only at times are not plain. */
static part part_of(const svb_request *req, const svb_member *member,
                    const svb_contest *contest)
{
    svb_condition condition;

    if (svb_condition_is_plain(req->balancer, member)) {
        return STANDS;
    }
    condition = svb_condition_of_member(req->balancer, member, contest->now);
    if (condition.state == SVB_STATE_SLOWSTART && !condition.failing) {
        return STANDS;
    }
    return condition.takes_new && !condition.is_last ? IS_NOT_PLAIN : IS_OUT;
}

/* mod_proxy's loop does the same for those that cannot serve. */
static int can_serve(proxy_worker *worker, request_rec *r)
{
    return svb_condition_can_serve(worker)
           || svb_condition_can_serve_now(worker, r);
}

static int is_reserve(const proxy_worker *worker, int lbset)
{
    return worker->s->lbset != lbset
           || (worker->s->status
               & (PROXY_WORKER_HOT_STANDBY | PROXY_WORKER_HOT_SPARE));
}

const svb_member *svb_plain_member(const svb_request *req,
                                   const svb_members *members,
                                   svb_contest *contest, svb_contest_node *won,
                                   request_rec *r)
{
    apr_size_t most = (apr_size_t)members->n;
    svb_contest_node *nodes = apr_palloc(r->pool, most * sizeof(*nodes));
    const svb_member **standing =
        apr_palloc(r->pool, most * sizeof(svb_member *));
    int n = 0, winner;

    for (int i = 0; i < members->n; i++) {
        const svb_member *member = &members->all[i];
        part is;

        if (is_reserve(member->worker, members->all[0].worker->s->lbset)) {
            return NULL;
        }
        if (!can_serve(member->worker, r) || !may_take_part(req, member)) {
            continue;
        }
        is = part_of(req, member, contest);
        if (is == IS_NOT_PLAIN) {
            return NULL;
        }
        if (is == STANDS) {
            nodes[n] = (svb_contest_node){
                member->node, svb_members_weight(member),
                contest->slow_start
                    ? svb_condition_up_since(member, contest->now)
                    : 0};
            standing[n++] = member;
        }
    }
    winner = svb_contest_choose(contest, nodes, n);
    if (winner < 0) {
        return NULL;
    }
    *won = nodes[winner];
    return standing[winner];
}
