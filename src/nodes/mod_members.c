/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_members.h"

#include <limits.h>
#include <stdatomic.h>

#include <apr_strings.h>

#include "memory/hash.h"
#include "memory/mod_clients.h"
#include "memory/mod_room.h"
#include "memory/mod_segments.h"

/* A node without a route is known by its member: what is counted has to be
 * counted somewhere. */
static const char *node_name(apr_pool_t *p, const proxy_worker *worker)
{
    const char *name = worker->s->name_ex;

    return *worker->s->route ? worker->s->route
                             : apr_psprintf(p, "%c%016" APR_UINT64_T_HEX_FMT,
                                            SVB_MEMBERS_NO_ROUTE,
                                            svb_hash_text(name, strlen(name)));
}

/* Of each node, the members that have a slot in its record; of this process. */
static unsigned slots[SVB_RECORDS_MAX];

/* The same in all balancers of the fleet; only the name makes the difference. */
static int slot_of(int node, const char *name)
{
    apr_uint64_t key = svb_hash_text(name, strlen(name));
    int slot = svb_records_slot(svb_segments_records(), node, key ? key : 1);

    __atomic_fetch_or(&slots[node],
                      slot < 0 ? 1u << SVB_RECORDS_MEMBERS : 1u << slot,
                      __ATOMIC_RELAXED);
    return slot;
}

unsigned svb_members_of_node(int node)
{
    return __atomic_load_n(&slots[node], __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------------------ room */

/* Of the first indexes: nodes without room, by fleet and route; NULL once they are
 * made. */
static apr_hash_t *roomless;

static svb_balancer *nth(const svb_model *model, int i)
{
    return APR_ARRAY_IDX(model->balancers, i, svb_balancer *);
}

/* What has a record is not to lose it to another. */
static void keep_nodes(apr_pool_t *p, const svb_balancer *balancer)
{
    const apr_array_header_t *workers = balancer->proxy->workers;

    for (int i = 0; i < workers->nelts; i++) {
        const proxy_worker *worker = APR_ARRAY_IDX(workers, i, proxy_worker *);

        if (worker && worker->s) {
            svb_records_keep(svb_segments_records(), balancer->fleet->name,
                             node_name(p, worker));
        }
    }
}

void svb_members_begin(apr_pool_t *p, const svb_model *model)
{
    svb_shared *shared = svb_segments_shared();

    memset(slots, 0, sizeof(slots));
    for (int i = 0; i < SVB_SHARED_TOLD; i++) {
        shared->told[i] = 0;
    }
    svb_room_begin();
    for (int i = 0; i < model->balancers->nelts; i++) {
        keep_nodes(p, nth(model, i));
    }
    roomless = apr_hash_make(p);
}

static int all_nodes(const svb_model *model)
{
    int n = apr_hash_count(roomless);
    apr_hash_t *seen = apr_hash_make(apr_hash_pool_get(roomless));

    for (int i = 0; i < model->balancers->nelts; i++) {
        const svb_members *members = nth(model, i)->members;

        for (int j = 0; j < members->n; j++) {
            const int *node = &members->all[j].node;

            if (*node >= 0) {
                apr_hash_set(seen, node, sizeof(*node), node);
            }
        }
    }
    return n + (int)apr_hash_count(seen);
}

/* The server goes on: the others have their users. */
static void tell_roomless(const svb_model *model)
{
    const svb_member *first = apr_hash_this_val(apr_hash_first(NULL, roomless));
    const char *fleet = apr_hash_this_key(apr_hash_first(NULL, roomless));

    ap_log_error(
        APLOG_MARK, APLOG_ERR, 0, model->main_server,
        SVB_LOGNO(
            0025) "no room for %u of %d nodes (fleet %s, node %s is one): "
                  "memory holds %d, and those of earlier configurations keep "
                  "theirs while they have clients or while children from before "
                  "a graceful restart live; these nodes get no new clients until "
                  "a later restart finds room",
        apr_hash_count(roomless), all_nodes(model), fleet,
        *first->route ? first->route : first->worker->s->name_ex,
        SVB_RECORDS_MAX);
}

void svb_members_end(const svb_model *model)
{
    svb_records *records = svb_segments_records();

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(records, node)) {
            svb_records_keep_slots(records, node, slots[node]);
        }
    }
    if (apr_hash_count(roomless)) {
        tell_roomless(model);
    }
    roomless = NULL;
}

/* Is it for this process to tell of a member without room? Once for all of them, or
 * again where so many are without. */
static int is_first_to_tell(apr_uint64_t member)
{
    static _Atomic unsigned next;
    _Atomic apr_uint64_t *told = svb_segments_shared()->told;
    apr_uint64_t seen;

    for (int i = 0; i < SVB_SHARED_TOLD; i++) {
        seen = 0;
        if (atomic_compare_exchange_strong(&told[i], &seen, member)) {
            return 1;
        }
        if (seen == member) {
            return 0;
        }
    }
    told[next++ % SVB_SHARED_TOLD] = member;
    return 1;
}

static void has_no_room(const svb_balancer *balancer, const svb_member *m,
                        const char *node)
{
    const char *name = m->worker->s->name_ex;

    if (roomless) {
        apr_pool_t *p = apr_hash_pool_get(roomless);
        const char *fleet = balancer->fleet->name;
        apr_size_t len = strlen(fleet) + 1;
        char *key = apr_pstrcat(p, fleet, " ", node, NULL);

        /* Fleet, NUL, node: the fleet can be read from it. */
        key[len - 1] = '\0';
        apr_hash_set(roomless, key, (apr_ssize_t)(len + strlen(node)), m);
    }
    else if (is_first_to_tell(svb_hash_text(name, strlen(name))
                              ^ balancer->fleet->salt)) {
        ap_log_error(
            APLOG_MARK, APLOG_ERR, 0, balancer->server,
            SVB_LOGNO(0026) "%s: no room for \"BalancerMember %s%s%s\": "
                            "memory holds %d nodes; it gets no new "
                            "clients until a restart finds room",
            balancer->name, name, *m->route ? " route=" : "", m->route,
            SVB_RECORDS_MAX);
    }
}

/* --------------------------------------------------------------------- indexes */

/* What was told of a member when the index before was made is not told again. */
static int was_without_room(const svb_members *before, const svb_member *m)
{
    const svb_member *then =
        before ? svb_members_by_worker(before, m->worker) : NULL;

    return then && then->node < 0 && !strcmp(then->route, m->route);
}

static int node_of(apr_pool_t *p, const svb_balancer *balancer,
                   const svb_members *before, const svb_member *m)
{
    const char *name = node_name(p, m->worker);
    int node = roomless ? svb_room_for(balancer->fleet->name, name)
                        : svb_records_add(svb_segments_records(),
                                          balancer->fleet->name, name);

    if (node < 0 && !was_without_room(before, m)) {
        has_no_room(balancer, m, name);
    }
    return node;
}

static void fill(apr_pool_t *p, const svb_balancer *balancer,
                 const svb_members *before, svb_member *m, proxy_worker *worker)
{
    m->worker = worker;
    m->route = apr_pstrdup(p, worker->s->route);
    m->node = node_of(p, balancer, before, m);
    if (m->node >= 0) {
        const svb_lifetimes live = {balancer->set.session_timeout,
                                    balancer->set.window_timeout,
                                    balancer->set.launch_timeout};

        svb_clients_set_timeouts(m->node, &live);
    }
    svb_model_facts(p, balancer, worker, &m->facts);
    m->slot = m->node >= 0 ? slot_of(m->node, worker->s->name_ex) : -1;
    m->url_slot =
        m->node >= 0 && m->facts.url && m->facts.probe == SVB_PROBE_URL
            ? slot_of(m->node, m->facts.url)
            : -1;
}

static svb_stand stand_of(const svb_member *m)
{
    return (svb_stand){m->worker->s, m, m->node,
                       m->facts.maxclients > 0 ? m->facts.maxclients : INT_MAX};
}

/* The first member of a route, or a node, stays. */
static void enter(svb_members *members, svb_member *m)
{
    if (*m->route
        && !apr_hash_get(members->by_route, m->route, APR_HASH_KEY_STRING)) {
        apr_hash_set(members->by_route, m->route, APR_HASH_KEY_STRING, m);
    }
    if (m->node < 0) {
        return;
    }
    members->stands[members->n_stands++] = stand_of(m);
    if (!members->by_node[m->node]) {
        members->by_node[m->node] = m;
    }
}

/* How many places mod_proxy's array has. It is read without the lock that those
 * who add members hold: first the number, then the array, which may move. */
static int places(const svb_balancer *balancer)
{
    return __atomic_load_n(&balancer->proxy->workers->nelts, __ATOMIC_ACQUIRE);
}

/* The worker at a place, or NULL while mod_proxy is still making it: it takes the
 * place first, gets what processes share of it then, and last its connections.
 * Those that were there from the start have them when requests come. */
static proxy_worker *ready_worker(const svb_balancer *balancer, int place,
                                  int from_start)
{
    proxy_worker *worker =
        APR_ARRAY_IDX(balancer->proxy->workers, place, proxy_worker *);

    return worker && worker->s
                   && (place < from_start
                       || (worker->local_status & PROXY_WORKER_INITIALIZED))
               ? worker
               : NULL;
}

static int count_ready(const svb_balancer *balancer, int from_start)
{
    int end = places(balancer), n = 0;

    for (int i = 0; i < end; i++) {
        n += ready_worker(balancer, i, from_start) != NULL;
    }
    return n;
}

/* Make an index; before is the one so far, or NULL. */
static svb_members *build(apr_pool_t *p, const svb_balancer *balancer,
                          const svb_members *before)
{
    int end = places(balancer);
    int from_start = before ? before->from_start : end;
    svb_members *members = apr_pcalloc(p, sizeof(*members));

    members->from_start = from_start;
    members->all = apr_pcalloc(p, sizeof(svb_member) * (apr_size_t)end);
    members->stands = apr_pcalloc(p, sizeof(svb_stand) * (apr_size_t)end);
    members->by_route = apr_hash_make(p);
    members->by_node =
        apr_pcalloc(p, SVB_RECORDS_MAX * sizeof(*members->by_node));
    for (int i = 0; i < end; i++) {
        proxy_worker *worker = ready_worker(balancer, i, from_start);
        svb_member *m = &members->all[members->n];

        if (!worker) {
            continue;
        }
        members->n++;
        fill(p, balancer, before, m, worker);
        enter(members, m);
    }
    return members;
}

void svb_members_init(apr_pool_t *p, svb_balancer *balancer)
{
    balancer->members = build(p, balancer, NULL);
}

/* Put a new index in the place of an old one. When another thread was faster,
 * its index is as good. The pool has no parent: pools of the process would
 * need a lock to be divided among threads. */
static const svb_members *replace(svb_balancer *balancer,
                                  const svb_members *current)
{
    void *old = (void *)current;
    apr_pool_t *p;
    svb_members *members;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return old;
    }
    apr_pool_tag(p, "svb_members");
    members = build(p, balancer, current);
    if (!__atomic_compare_exchange_n(&balancer->members, &old, members, 0,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        apr_pool_destroy(p);
        return old;
    }
    return members;
}

const svb_members *svb_members_get(svb_balancer *balancer)
{
    const svb_members *members =
        __atomic_load_n(&balancer->members, __ATOMIC_ACQUIRE);

    return members->n == places(balancer)
                   || members->n == count_ready(balancer, members->from_start)
               ? members
               : replace(balancer, members);
}

const svb_members *svb_members_refresh(svb_balancer *balancer)
{
    const svb_members *members = svb_members_get(balancer);

    for (int i = 0; i < members->n; i++) {
        const svb_member *m = &members->all[i];

        if (strcmp(m->route, m->worker->s->route)) {
            return replace(balancer, members);
        }
    }
    return members;
}

const svb_member *svb_members_by_route(const svb_members *members,
                                       const char *route, apr_size_t len)
{
    const svb_member *m =
        apr_hash_get(members->by_route, route, (apr_ssize_t)len);

    return m && !strcmp(m->route, m->worker->s->route) ? m : NULL;
}

const svb_member *svb_members_by_node(const svb_members *members, int node)
{
    return members->by_node[node];
}

const svb_member *svb_members_by_worker(const svb_members *members,
                                        const proxy_worker *worker)
{
    int index = worker->s->index;

    /* mod_proxy numbers a balancer's members in their order, unless some were
     * restored from an earlier run. */
    if (index >= 0 && index < members->n
        && members->all[index].worker == worker) {
        return &members->all[index];
    }
    for (int i = 0; i < members->n; i++) {
        if (members->all[i].worker == worker) {
            return &members->all[i];
        }
    }
    return NULL;
}

unsigned svb_members_hundredths(const proxy_worker_shared *shared)
{
    return shared->lbfactor > 0 ? (unsigned)shared->lbfactor : 1;
}

double svb_members_weight(const svb_member *member)
{
    return svb_members_hundredths(member->worker->s) / 100.0;
}
