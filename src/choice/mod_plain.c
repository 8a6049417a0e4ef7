/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "choice/mod_plain.h"

#include "choice/others.h"
#include "nodes/mod_condition.h"

/* What a member is in such an election. */
typedef enum { STANDS, IS_OUT, IS_NOT_PLAIN } part;

/* Anything but a member as any other. */
#define IS_SPECIAL                                                             \
    (PROXY_WORKER_NOT_USABLE_BITMAP | PROXY_WORKER_DRAIN                       \
     | SVB_CONDITION_RESERVE)

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

/* There is, or may be, something to be said of it. mod_proxy's loop does the same for
 * those that cannot serve. */
static part look_at(const svb_request *req, const svb_member *member,
                    const svb_contest *contest, request_rec *r)
{
    if (member->worker->s->status & SVB_CONDITION_RESERVE) {
        return IS_NOT_PLAIN;
    }
    return svb_condition_can_serve_now(member->worker, r)
                   && !svb_request_has_tried(req, member->worker)
               ? part_of(req, member, contest)
               : IS_OUT;
}

/* To be seen by what stands in a few lines of cache. */
static int is_as_any_other(const svb_stand *stand, const svb_brief *brief,
                           unsigned clients)
{
    return !(stand->shared->status & IS_SPECIAL)
           && !svb_brief_is_in_doubt(brief)
           && clients < (unsigned)stand->maxclients;
}

static svb_contest_node node_of(const svb_stand *stand,
                                const svb_contest *contest)
{
    return (svb_contest_node){
        .record = stand->node,
        .weight = svb_members_hundredths(stand->shared),
        .up_since = contest->slow_start
                        ? svb_condition_up_since(stand->member, contest->now)
                        : 0,
        .whose = stand->member};
}

/* @return 0 if it is not as simple as that. What is counted is kept in registers. */
static int meet_all(const svb_request *req, const svb_members *members,
                    const svb_contest *contest, const svb_contest *brake,
                    svb_contest_least *result, request_rec *r)
{
    const svb_brief *briefs = svb_records_briefs(contest->records);
    const svb_stand *end = members->stands + members->n_stands;
    const int lbset = members->stands->shared->lbset;
    svb_contest_least least = SVB_CONTEST_NOBODY;

    for (const svb_stand *stand = members->stands; stand < end; stand++) {
        const svb_brief *brief = briefs + stand->node;
        unsigned clients = svb_brief_clients(brief);
        part is = is_as_any_other(stand, brief, clients)
                      ? STANDS
                      : look_at(req, stand->member, contest, r);

        if (is == IS_NOT_PLAIN || stand->shared->lbset != lbset) {
            return 0;
        }
        if (is == STANDS) {
            svb_contest_meet(brake, &least, brief, clients,
                             svb_members_hundredths(stand->shared),
                             stand->member);
        }
    }
    *result = least;
    return 1;
}

/* What has won by what stands there in brief is looked at more closely. */
static const svb_member *least_loaded(const svb_request *req,
                                      const svb_members *members,
                                      svb_contest *contest,
                                      svb_contest_node *won, request_rec *r)
{
    svb_contest_least least = SVB_CONTEST_NOBODY, free = SVB_CONTEST_NOBODY;

    if (!meet_all(req, members, contest, NULL, &least, r)
        || (!svb_contest_takes(contest, &least, won)
            && (!meet_all(req, members, contest, contest, &free, r)
                || !svb_contest_takes(contest, &free, won)))) {
        return NULL;
    }
    return part_of(req, won->whose, contest) == STANDS ? won->whose : NULL;
}

/* @return how many there are, or -1: it is not as simple as that */
static int find_standing(const svb_request *req, const svb_members *members,
                         const svb_contest *contest, svb_contest_node *nodes,
                         request_rec *r)
{
    int n = 0;

    for (int i = 0; i < members->n_stands; i++) {
        const svb_stand *stand = &members->stands[i];
        part is = look_at(req, stand->member, contest, r);

        if (is == IS_NOT_PLAIN
            || stand->shared->lbset != members->stands[0].shared->lbset) {
            return -1;
        }
        if (is == STANDS) {
            nodes[n++] = node_of(stand, contest);
        }
    }
    return n;
}

static const svb_member *best_of_standing(const svb_request *req,
                                          const svb_members *members,
                                          const svb_expect_turns *turns,
                                          svb_contest *contest,
                                          svb_contest_node *won, request_rec *r)
{
    svb_contest_node *nodes =
        apr_palloc(r->pool, (apr_size_t)members->n * sizeof(*nodes));
    int n = find_standing(req, members, contest, nodes, r);
    int winner = n > 0 ? svb_others_choose(turns, contest, nodes, n) : -1;

    if (winner < 0) {
        return NULL;
    }
    *won = nodes[winner];
    return won->whose;
}

const svb_member *svb_plain_member(const svb_request *req,
                                   const svb_members *members,
                                   const svb_expect_turns *turns,
                                   svb_contest *contest, svb_contest_node *won,
                                   request_rec *r)
{
    int is_alone = !turns->before && !turns->after;
    const svb_member *member =
        req->tried || contest->slow_start || !is_alone || !members->n_stands
            ? NULL
            : least_loaded(req, members, contest, won, r);

    return member ? member
                  : best_of_standing(req, members, turns, contest, won, r);
}
