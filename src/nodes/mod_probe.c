/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_probe.h"

#include <stdatomic.h>

#include <apr_strings.h>
#include <apr_uri.h>

#include "memory/mod_clients.h"
#include "memory/mod_segments.h"
#include "nodes/condition.h"
#include "nodes/probe.h"

/* How long an answer may take; the silent are asked again. */
#define ANSWER_WITHIN apr_time_from_msec(750)

/* A sign of life counts for so long. */
#define VOUCHED_FOR apr_time_from_sec(1)

/* After so long without a round, launches ask for themselves. */
#define ROUND_OVERDUE apr_time_from_sec(4)

/* How long an address that a name stands for is remembered. */
#define RESOLVE_EVERY apr_time_from_sec(60)

/* What of a node can be asked. */
enum endpoint { MEMBER_AJP, MEMBER_OTHER, DIRECT_URL, ENDPOINTS };

/* A node in question. */
typedef struct {
    const char *fleet, *route;
    int node;
    int is_target;               /* somebody has to ask */
    int is_settled;              /* it is known whether it is there */
    apr_array_header_t *workers; /* of proxy_worker *, that lead to it */
    const char *url;             /* to be asked as well, or NULL */
    svb_reach best[ENDPOINTS];   /* of the addresses that were asked */
    int has[ENDPOINTS];
} subject;

/* Whom the answers are about. */
typedef struct {
    subject *of;
    enum endpoint endpoint;
} asked;

typedef struct {
    apr_pool_t *p;
    server_rec *server;                  /* for the log */
    const apr_array_header_t *balancers; /* of svb_balancer *, to look at */
    apr_hash_t *subjects;                /* index of the node -> subject * */
    apr_hash_t *names;                   /* addresses known so far, or NULL */
    apr_array_header_t *probes, *asked;
    apr_time_t now;
} probe_round;

/* --------------------------------------------------------------- addresses */

/* Names cost a look-up, which may take its time; nodes do not move often. Used
 * by the watchdog's thread alone. */
static apr_hash_t *known_names(apr_time_t now)
{
    static apr_pool_t *pool;
    static apr_hash_t *names;
    static apr_time_t since;

    if (!pool && apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return NULL;
    }
    if (!names || now < since || now >= since + RESOLVE_EVERY) {
        apr_pool_clear(pool);
        names = apr_hash_make(pool);
        since = now;
    }
    return names;
}

static apr_sockaddr_t *resolve(probe_round *round, const char *host,
                               apr_port_t port)
{
    apr_pool_t *p = round->names ? apr_hash_pool_get(round->names) : round->p;
    char *key = apr_psprintf(round->p, "%s %u", host, (unsigned)port);
    apr_sockaddr_t *addr = NULL;

    if (round->names) {
        addr = apr_hash_get(round->names, key, APR_HASH_KEY_STRING);
    }
    if (!addr
        && apr_sockaddr_info_get(&addr, host, APR_UNSPEC, port, 0, p)
               == APR_SUCCESS
        && round->names) {
        apr_hash_set(round->names, apr_pstrdup(p, key), APR_HASH_KEY_STRING,
                     addr);
    }
    return addr;
}

/* All addresses of the name: one that answers is enough. */
static void add_probes(probe_round *round, subject *of, enum endpoint endpoint,
                       const char *host, apr_port_t port)
{
    apr_sockaddr_t *addr = resolve(round, host, port);

    for (; addr; addr = addr->next) {
        svb_probe *probe = apr_array_push(round->probes);
        asked *whom = apr_array_push(round->asked);

        probe->addr = addr;
        probe->is_ajp = endpoint == MEMBER_AJP;
        whom->of = of;
        whom->endpoint = endpoint;
    }
}

static void add_url_probes(probe_round *round, subject *of)
{
    apr_uri_t uri;

    if (of->url && apr_uri_parse(round->p, of->url, &uri) == APR_SUCCESS
        && uri.hostname) {
        add_probes(round, of, DIRECT_URL, uri.hostname,
                   uri.port ? uri.port : apr_uri_port_of_scheme(uri.scheme));
    }
}

static void add_all_probes(probe_round *round, subject *of)
{
    int i;

    memset(of->has, 0, sizeof(of->has));
    for (i = 0; i < of->workers->nelts; i++) {
        const proxy_worker_shared *s =
            APR_ARRAY_IDX(of->workers, i, proxy_worker *)->s;

        /* Nobody who is on another machine comes by a socket of this one. */
        if (!*s->uds_path) {
            add_probes(round, of,
                       ap_cstr_casecmp(s->scheme, "ajp") ? MEMBER_OTHER
                                                         : MEMBER_AJP,
                       s->hostname_ex, s->port);
        }
    }
    add_url_probes(round, of);
}

/* ---------------------------------------------------------------- subjects */

/* Nodes that an administrator has taken out are nobody's business. */
static int is_out(const proxy_worker *worker)
{
    return (worker->s->status & (PROXY_WORKER_DISABLED | PROXY_WORKER_STOPPED))
           != 0;
}

/* Health checks note when they begin, not when they have passed; what fails is
 * in error then. */
static int is_vouched(const probe_round *round, const svb_member *member)
{
    const proxy_worker_shared *s = member->worker->s;
    apr_time_t heard =
        svb_condition_heard(svb_segments_records(), member->node);

    return (heard <= round->now && round->now - heard < VOUCHED_FOR)
           || (s->method != NONE && s->updated <= round->now
               && round->now - s->updated < VOUCHED_FOR
               && PROXY_WORKER_IS_USABLE(member->worker));
}

/* Must somebody ask? */
static int is_target(const svb_balancer *balancer, const svb_member *member)
{
    int launch = balancer->set.launch;

    return member->facts.url && member->facts.probe != SVB_PROBE_OFF
           && (launch == SVB_LAUNCH_REDIRECT
               || (launch == SVB_LAUNCH_REWRITE
                   && member->facts.probe == SVB_PROBE_URL));
}

static subject *subject_of(probe_round *round, const svb_balancer *balancer,
                           const svb_member *member)
{
    subject *of =
        apr_hash_get(round->subjects, &member->node, sizeof(member->node));

    if (!of) {
        of = apr_pcalloc(round->p, sizeof(*of));
        of->node = member->node;
        of->fleet = balancer->fleet->name;
        of->route = member->route;
        of->workers = apr_array_make(round->p, 2, sizeof(proxy_worker *));
        apr_hash_set(round->subjects, &of->node, sizeof(of->node), of);
    }
    return of;
}

static int has_worker(const subject *of, const proxy_worker *worker)
{
    int i;

    for (i = 0; i < of->workers->nelts; i++) {
        if (APR_ARRAY_IDX(of->workers, i, proxy_worker *) == worker) {
            return 1;
        }
    }
    return 0;
}

/* Virtual hosts have copies of a balancer, with the same members: each is asked
 * once, for whichever copy wants it. */
static void look_at(probe_round *round, const svb_balancer *balancer,
                    const svb_member *member)
{
    subject *of = subject_of(round, balancer, member);

    if (is_out(member->worker)) {
        return;
    }
    of->is_target |= is_target(balancer, member);
    /* What its members say is nothing about its direct URL. */
    if (member->facts.probe == SVB_PROBE_URL) {
        of->url = member->facts.url;
    }
    else {
        of->is_settled |= is_vouched(round, member);
    }
    if (!has_worker(of, member->worker)) {
        APR_ARRAY_PUSH(of->workers, proxy_worker *) = member->worker;
    }
}

/* All nodes, or the one that is asked about. */
static void look_around(probe_round *round, int node)
{
    int i, j;

    for (i = 0; i < round->balancers->nelts; i++) {
        svb_balancer *balancer =
            APR_ARRAY_IDX(round->balancers, i, svb_balancer *);
        const svb_members *members = svb_members_get(balancer);

        for (j = 0; j < members->n; j++) {
            const svb_member *member = &members->all[j];

            if (member->node >= 0 && (node < 0 || member->node == node)) {
                look_at(round, balancer, member);
            }
        }
    }
}

/* ----------------------------------------------------------------- verdicts */

/* From worst to best. Not to know is worse than a good word, better than a bad
 * one. */
static int rank(svb_reach reach)
{
    static const svb_reach order[] = {SVB_REACH_REFUSED, SVB_REACH_SILENT,
                                      SVB_REACH_UNKNOWN, SVB_REACH_OK};
    int i = 0;

    while (order[i] != reach) {
        i++;
    }
    return i;
}

/* Ask all on the list, and note for each node and endpoint the best answer that
 * any of its addresses has given. */
static void ask(probe_round *round)
{
    svb_probe *probes = (svb_probe *)round->probes->elts;
    int i;

    svb_probe_run(round->p, probes, round->probes->nelts, ANSWER_WITHIN);
    for (i = 0; i < round->asked->nelts; i++) {
        const asked *whom = &APR_ARRAY_IDX(round->asked, i, asked);
        svb_reach *best = &whom->of->best[whom->endpoint];

        if (!whom->of->has[whom->endpoint]
            || rank(probes[i].reach) > rank(*best)) {
            *best = probes[i].reach;
        }
        whom->of->has[whom->endpoint] = 1;
    }
}

/* A CPong says more than a connection, so it is the ajp members' word that
 * counts. The direct URL must be there as well, where it is asked for. */
static svb_reach verdict(const subject *of)
{
    svb_reach reach = of->has[MEMBER_AJP]     ? of->best[MEMBER_AJP]
                      : of->has[MEMBER_OTHER] ? of->best[MEMBER_OTHER]
                                              : SVB_REACH_UNKNOWN;

    if (of->has[DIRECT_URL] && rank(of->best[DIRECT_URL]) < rank(reach)) {
        reach = of->best[DIRECT_URL];
    }
    return reach;
}

static void note(const probe_round *round, const subject *of, svb_reach reach)
{
    svb_records *fleet = svb_segments_records();
    svb_reach before;

    if (reach == SVB_REACH_UNKNOWN) {
        return;
    }
    before = svb_condition_set_reach(fleet, of->node, reach);
    if (reach == SVB_REACH_REFUSED) {
        svb_clients_node_down(of->node);
    }
    if (before == SVB_REACH_OK && reach != SVB_REACH_OK) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, round->server,
                     SVB_LOGNO(0092) "fleet %s, node %s does not answer (%s): "
                                     "it gets no launches until it does",
                     of->fleet, of->route, svb_probe_reach_text(reach));
    }
    else if (before != SVB_REACH_OK && reach == SVB_REACH_OK) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, round->server,
                     SVB_LOGNO(0093) "fleet %s, node %s answers again",
                     of->fleet, of->route);
    }
}

/* ------------------------------------------------------------------- rounds */

static void begin(probe_round *round, server_rec *s,
                  const apr_array_header_t *balancers, apr_pool_t *p)
{
    memset(round, 0, sizeof(*round));
    round->p = p;
    round->server = s;
    round->balancers = balancers;
    round->now = apr_time_now();
    round->subjects = apr_hash_make(p);
    round->probes = apr_array_make(p, 16, sizeof(svb_probe));
    round->asked = apr_array_make(p, 16, sizeof(asked));
}

/* Put those on the list of whom it is not known. @return whether there are any */
static int gather(probe_round *round)
{
    apr_hash_index_t *hi;

    apr_array_clear(round->probes);
    apr_array_clear(round->asked);
    for (hi = apr_hash_first(round->p, round->subjects); hi;
         hi = apr_hash_next(hi)) {
        subject *of = apr_hash_this_val(hi);

        if (!of->is_settled) {
            add_all_probes(round, of);
        }
    }
    return round->probes->nelts > 0;
}

/* Those who are vouched for, or whom nobody has to ask, are as good as there. */
static void settle_without_asking(probe_round *round)
{
    apr_hash_index_t *hi;

    for (hi = apr_hash_first(round->p, round->subjects); hi;
         hi = apr_hash_next(hi)) {
        subject *of = apr_hash_this_val(hi);

        if (of->is_settled || !of->is_target) {
            of->is_settled = 1;
            note(round, of, SVB_REACH_OK);
        }
    }
}

/* One that is silent for the first time may just be busy. */
static void settle(probe_round *round, int is_last)
{
    apr_hash_index_t *hi;

    for (hi = apr_hash_first(round->p, round->subjects); hi;
         hi = apr_hash_next(hi)) {
        subject *of = apr_hash_this_val(hi);
        svb_reach reach = verdict(of);

        if (of->is_settled
            || (!is_last && reach == SVB_REACH_SILENT
                && svb_condition_reach(svb_segments_records(), of->node)
                       == SVB_REACH_OK)) {
            continue;
        }
        if (reach == SVB_REACH_OK) {
            svb_condition_hear(svb_segments_records(), of->node,
                               apr_time_now());
        }
        note(round, of, reach);
        of->is_settled = 1;
    }
}

static void judge(probe_round *round)
{
    int turn;

    settle_without_asking(round);
    for (turn = 0; turn < 2 && gather(round); turn++) {
        ask(round);
        settle(round, turn == 1);
    }
}

void svb_probe_round(const svb_model *model, apr_pool_t *p)
{
    probe_round round;

    begin(&round, model->main_server, model->balancers, p);
    round.names = known_names(round.now);
    look_around(&round, -1);
    judge(&round);
    svb_segments_shared()->probed = apr_time_now();
}

int svb_probe_finds(const svb_balancer *balancer, const svb_member *member,
                    apr_pool_t *p)
{
    svb_records *fleet = svb_segments_records();
    apr_time_t now = apr_time_now(), probed = svb_segments_shared()->probed;
    probe_round round;

    if (member->node < 0) {
        return 1;
    }
    if (now < probed || now > probed + ROUND_OVERDUE) {
        begin(&round, balancer->server, balancer->fleet->balancers, p);
        look_around(&round, member->node);
        judge(&round);
    }
    return svb_condition_reach(fleet, member->node) == SVB_REACH_OK;
}
