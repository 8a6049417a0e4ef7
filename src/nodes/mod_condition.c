/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_condition.h"

#include <apr_strings.h>

#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "nodes/mod_admin.h"

APR_DECLARE_OPTIONAL_FN(int, ap_proxy_retry_worker,
                        (const char *proxy_function, proxy_worker *worker,
                         server_rec *s));

static APR_OPTIONAL_FN_TYPE(ap_proxy_retry_worker) * retry_worker;

void svb_condition_start(void)
{
    retry_worker = APR_RETRIEVE_OPTIONAL_FN(ap_proxy_retry_worker);
}

/* ------------------------------------------------------------ of one worker */

int svb_condition_can_serve(const proxy_worker *worker)
{
    return PROXY_WORKER_IS_USABLE(worker);
}

/* A worker in error becomes usable when its retry time has passed; somebody
 * has to ask. */
static void retry(proxy_worker *worker, request_rec *r)
{
    if (retry_worker) {
        retry_worker("SERVOY", worker, r->server);
    }
}

int svb_condition_can_serve_now(proxy_worker *worker, request_rec *r)
{
    if (!svb_condition_can_serve(worker)) {
        retry(worker, r);
    }
    return svb_condition_can_serve(worker);
}

static int is_in_error(const proxy_worker *worker)
{
    return (worker->s->status & PROXY_WORKER_IN_ERROR) != 0;
}

int svb_condition_recover(svb_balancer *balancer, request_rec *r)
{
    const svb_members *members = svb_members_get(balancer);

    for (int i = 0; i < members->n; i++) {
        proxy_worker *worker = members->all[i].worker;

        if (is_in_error(worker)) {
            retry(worker, r);
        }
        if (!is_in_error(worker)) {
            return 0;
        }
    }
    if (!balancer->proxy->s->forcerecovery) {
        return 0;
    }
    for (int i = 0; i < members->n; i++) {
        proxy_worker_shared *s = members->all[i].worker->s;

        s->retries++;
        s->status &= ~PROXY_WORKER_IN_ERROR;
    }
    return members->n > 0;
}

/* What an administrator has set for the worker. */
static svb_state word_of(const proxy_worker *worker)
{
    static const struct {
        unsigned bits;
        svb_state state;
    } words[] = {
        {PROXY_WORKER_STOPPED, SVB_STATE_STOPPED},
        {PROXY_WORKER_DISABLED, SVB_STATE_DISABLED},
        {PROXY_WORKER_DRAIN, SVB_STATE_DRAINING},
        {PROXY_WORKER_HOT_STANDBY, SVB_STATE_STANDBY},
        {PROXY_WORKER_HOT_SPARE, SVB_STATE_SPARE},
    };
    unsigned status = worker->s->status;

    for (apr_size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (status & words[i].bits) {
            return words[i].state;
        }
    }
    return SVB_STATE_READY;
}

/* --------------------------------------------------------------- what is known */

svb_rules svb_condition_rules(const svb_balancer *balancer)
{
    svb_rules rules = {balancer->set.maintenance_retry, balancer->set.suspect,
                       balancer->set.forget};

    return rules;
}

/* One that comes up just now was down when last noted. */
static apr_time_t up_since(int node, apr_time_t now)
{
    svb_records *records = svb_segments_records();
    int noted = svb_condition_noted(records, node);

    return noted >= 0 && !svb_state_describe((svb_state)noted)->can_serve
               ? now
               : (apr_time_t)svb_records_get(records, node, SVB_WORD_UP_SINCE);
}

apr_time_t svb_condition_up_since(const svb_member *member, apr_time_t now)
{
    return up_since(member->node, now);
}

static int is_full(int node, int maxclients)
{
    return maxclients > 0 && svb_clients_load(node) >= (unsigned)maxclients;
}

int svb_condition_is_plain(const svb_balancer *balancer,
                           const svb_member *member)
{
    const unsigned special = PROXY_WORKER_DRAIN | SVB_CONDITION_RESERVE;
    svb_records *records = svb_segments_records();
    int node = member->node;

    return svb_condition_can_serve(member->worker)
           && !(member->worker->s->status & special)
           && svb_condition_is_fine(records, node) && !svb_admin_has_word(node)
           && !balancer->set.slow_start
           && !is_full(node, member->facts.maxclients);
}

void svb_condition_brief(int node)
{
    svb_records *records = svb_segments_records();

    svb_records_doubt(records, node,
                      !svb_condition_is_fine(records, node)
                          || svb_admin_has_word(node));
}

static apr_time_t slow_until(const svb_condition_sum *sum, apr_time_t now)
{
    apr_time_t since = up_since(sum->node, now);

    return since && now < since + sum->slow_start ? since + sum->slow_start : 0;
}

void svb_condition_add(svb_condition_sum *sum, const svb_balancer *balancer,
                       const svb_member *member)
{
    svb_state word = word_of(member->worker);
    svb_rules rules = svb_condition_rules(balancer);

    sum->word = sum->added++ ? svb_state_best(sum->word, word) : word;
    sum->members += !svb_state_is_out(word);
    sum->usable += svb_condition_can_serve(member->worker);
    sum->maxclients = member->facts.maxclients;
    if (member->slot >= 0) {
        sum->names[member->slot] = member->worker->s->name_ex;
    }
    if (member->url_slot >= 0) {
        sum->names[member->url_slot] = member->facts.url;
        sum->url_slot = member->url_slot + 1;
    }
    if (sum->slow_start < balancer->set.slow_start) {
        sum->slow_start = balancer->set.slow_start;
    }
    if (sum->rules.retry < rules.retry) {
        sum->rules.retry = rules.retry;
    }
    if (sum->added == 1 || sum->rules.suspect > rules.suspect) {
        sum->rules.suspect = rules.suspect;
    }
    if (sum->added == 1 || (rules.forget && sum->rules.forget < rules.forget)) {
        sum->rules.forget = rules.forget;
    }
}

void svb_condition_add_members(svb_condition_sum *sum, svb_balancer *balancer)
{
    const svb_members *members = svb_members_get(balancer);

    for (int i = 0; i < members->n; i++) {
        if (members->all[i].node == sum->node) {
            svb_condition_add(sum, balancer, &members->all[i]);
        }
    }
}

svb_condition svb_condition_of_node(const svb_condition_sum *sum,
                                    apr_time_t now)
{
    svb_standing standing = {.word = sum->word,
                             .members = sum->members,
                             .usable = sum->usable,
                             .url_slot = sum->url_slot - 1};
    svb_seen seen = {.level = SVB_LEVEL_ANSWERS};

    if (sum->node >= 0) {
        svb_condition_see(svb_segments_records(), sum->node,
                          svb_members_of_node(sum->node), &seen);
        standing.is_full = is_full(sum->node, sum->maxclients);
        standing.slow_until = slow_until(sum, now);
        if (svb_admin_in_maintenance(sum->node)
            && !svb_state_is_out(sum->word)) {
            standing.word = SVB_STATE_MAINTENANCE;
        }
    }
    return svb_condition_of(&standing, &seen, &sum->rules, now);
}

svb_condition svb_condition_of_member(const svb_balancer *balancer,
                                      const svb_member *member, apr_time_t now)
{
    svb_condition_sum sum = {.node = member->node};

    svb_condition_add(&sum, balancer, member);
    return svb_condition_of_node(&sum, now);
}

int svb_condition_takes_new(const svb_balancer *balancer,
                            const svb_member *member)
{
    return (member->node >= 0 && svb_condition_is_plain(balancer, member))
           || svb_condition_of_member(balancer, member, apr_time_now())
                  .takes_new;
}

/* --------------------------------------------------------------------- in words */

static const char *name_of(const svb_condition_sum *sum, int slot)
{
    return slot >= 0 && sum->names[slot] ? sum->names[slot] : "a member";
}

static const char *said(apr_pool_t *p, const svb_condition_sum *sum,
                        svb_state state)
{
    char text[SVB_RECORDS_TEXT + 1] = "";

    if (svb_admin_has_word(sum->node)) {
        svb_records_said(svb_segments_records(), sum->node, text);
    }
    return *text ? apr_pstrdup(p, text)
                 : apr_psprintf(p,
                                "so set in the configuration or the "
                                "balancer-manager: %s",
                                svb_state_name(state));
}

const char *svb_condition_reason(apr_pool_t *p, const svb_condition_sum *sum,
                                 const svb_condition *c)
{
    switch (c->cause) {
    case SVB_CAUSE_MEMBER:
        return apr_psprintf(p, "%s %s", svb_condition_reach_text(c->reach),
                            name_of(sum, c->slot));
    case SVB_CAUSE_UNUSABLE:
        return "a member is in error or has failed its health check";
    case SVB_CAUSE_MAINTENANCE:
        return "503 with the words of maintenance to a new client";
    case SVB_CAUSE_FAILURES:
        return apr_psprintf(p, "%u new client%s in a row got %u", c->failures,
                            c->failures == 1 ? "" : "s", c->status);
    case SVB_CAUSE_WORD:
        return said(p, sum, c->state);
    case SVB_CAUSE_FULL:
        return apr_psprintf(p, "has the %d clients it may hold (maxclients=)",
                            sum->maxclients);
    case SVB_CAUSE_SLOWSTART:
        return "came up lately (ServoySlowStart)";
    default:
        return "answers, and takes new clients";
    }
}

int svb_condition_is_safe_to_stop(int node, svb_state state)
{
    if (svb_segments_shared()->is_incomplete) {
        return 0;
    }
    switch (state) {
    case SVB_STATE_DRAINING:
    case SVB_STATE_MAINTENANCE:
    case SVB_STATE_DISABLED:
    case SVB_STATE_STOPPED:
        return svb_clients_load(node) == 0;
    default:
        return 0;
    }
}
