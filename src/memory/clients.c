/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/clients.h"

#include <string.h>

#include <apr_siphash.h>

#include "memory/journal.h"
#include "memory/merge.h"
#include "memory/slots.h"

/* Clocks of processes are read at different times: a client that was seen a
 * little ahead, in seconds, was seen now. */
#define AHEAD 5

/* A touch fails because another change succeeded; see TRIES in svb_slots. */
#define TRIES 100

/* A pass that did not go on for so long is given up: another process may have
 * made whole ones meanwhile, and what was noted at its beginning says nothing. */
#define PASS_PAUSE apr_time_from_sec(10)

/* What a pass of the sweep has found of a node's clients of one kind. */
typedef struct {
    apr_uint64_t mark; /* the count in svb_records when the pass began */
    unsigned found;    /* live clients in the buckets swept so far */
    unsigned removed;  /* changes of the count that the pass itself has made */
} tally;

/* And of a node's clients of all kinds. */
typedef struct {
    unsigned idle;    /* web clients not heard of for a while */
    int has_forever;  /* one never ends by itself */
    apr_time_t until; /* when the last of them ends, if nobody comes back */
} survey;

struct svb_clients {
    svb_slots slots;
    apr_size_t capacity;
    apr_size_t swept;      /* bucket at which the next sweep begins */
    apr_time_t last_swept; /* when the pass last went on */
    tally (*tallies)[SVB_KINDS];
    survey *surveys;            /* by node */
    const svb_journal *journal; /* NULL: nobody is told of changes */
    unsigned char secret[SVB_CLIENTS_SECRET];
};

apr_size_t svb_clients_size(apr_size_t capacity)
{
    return svb_slots_size(capacity);
}

apr_status_t svb_clients_open(svb_clients **clients, void *mem,
                              apr_size_t capacity, const unsigned char *secret,
                              svb_records *records, apr_pool_t *p)
{
    svb_clients *c = apr_pcalloc(p, sizeof(*c));

    c->slots.shm = mem;
    c->slots.buckets = svb_slots_buckets(capacity);
    c->slots.records = records;
    c->capacity = capacity;
    c->tallies = apr_palloc(p, SVB_RECORDS_MAX * sizeof(*c->tallies));
    c->surveys = apr_palloc(p, SVB_RECORDS_MAX * sizeof(*c->surveys));
    memcpy(c->secret, secret, SVB_CLIENTS_SECRET);
    *clients = c;
    return APR_SUCCESS;
}

void svb_clients_set_timeout(svb_clients *clients,
                             svb_clients_timeout_fn *timeout, void *baton)
{
    clients->slots.timeout = timeout;
    clients->slots.baton = baton;
}

void svb_clients_set_room(svb_clients *clients, _Atomic apr_int64_t *room)
{
    clients->slots.room = room;
}

void svb_clients_set_journal(svb_clients *clients, const svb_journal *journal)
{
    clients->journal = journal;
}

void svb_clients_set_frozen(svb_clients *clients, const _Atomic apr_time_t *at)
{
    clients->slots.frozen_at = at;
}

apr_uint64_t svb_clients_id(const svb_clients *clients, const char *text,
                            apr_size_t len)
{
    apr_uint64_t id = apr_siphash24(text, len, clients->secret);

    return id ? id : 1;
}

/* Mixed as SplitMix64 does it: no two numbers have the same id. */
apr_uint64_t svb_clients_number_id(const svb_clients *clients,
                                   apr_uint64_t number)
{
    apr_uint64_t id, key[2];

    memcpy(key, clients->secret, sizeof(key));
    id = (number * 0x9e3779b97f4a7c15u) ^ key[0];
    id = (id ^ id >> 30) * 0xbf58476d1ce4e5b9u;
    id = (id ^ id >> 27) * 0x94d049bb133111ebu;
    id = id ^ id >> 31 ^ key[1];
    return id ? id : 1;
}

/* ------------------------------------------------- the calls of a request */

int svb_clients_find(svb_clients *clients, apr_uint64_t id, apr_time_t now,
                     svb_client *client)
{
    svb_slot_view v;

    if (!svb_slots_find(&clients->slots, id, &v)
        || !svb_slots_is_live(&clients->slots, v.word, now)) {
        return 0;
    }
    v.word = svb_slots_aged(&clients->slots, v.word, now);
    svb_slots_read(&v, now, client);
    return 1;
}

typedef int put_fn(const svb_slots *slots, apr_uint64_t id, apr_uint64_t word,
                   apr_time_t now);

static int put(svb_clients *clients, const svb_client *client, put_fn *fn)
{
    int is_put = fn(&clients->slots, client->id,
                    svb_slots_word(&clients->slots, client), client->seen);

    svb_journal_tell(clients->journal, client->id, SVB_CHANGE_PUT);
    return is_put;
}

int svb_clients_put(svb_clients *clients, apr_uint64_t id, int node,
                    svb_kind kind, apr_time_t now)
{
    const svb_client client = {id, node, kind, now};

    return put(clients, &client, svb_slots_put);
}

int svb_clients_put_new(svb_clients *clients, apr_uint64_t id, int node,
                        svb_kind kind, apr_time_t now)
{
    const svb_client client = {id, node, kind, now};

    return put(clients, &client, svb_slots_put_new);
}

/* What becomes of a live client; its word is given as it is by now. */
typedef apr_uint64_t change_fn(apr_uint64_t word, svb_kind kind,
                               apr_time_t now);

/* Change a live client. @return whether there is one */
static int change(svb_clients *clients, apr_uint64_t id, change_fn *fn,
                  apr_time_t now)
{
    const svb_slots *slots = &clients->slots;
    svb_slot_view v;

    for (int i = 0; i < TRIES && svb_slots_find(slots, id, &v); i++) {
        apr_uint64_t word, next;

        if (!svb_slots_is_live(slots, v.word, now)) {
            return 0;
        }
        word = svb_slots_aged(slots, v.word, now);
        next = fn(word, svb_entry_kind(word), now);
        if (next == v.word) {
            return 1;
        }
        if (svb_slots_swap(slots, &v, next)) {
            svb_journal_swapped(clients->journal, slots, id, v.word, next, now);
            return 1;
        }
    }
    return 0;
}

static apr_uint64_t seen_now(apr_uint64_t word, apr_time_t now)
{
    apr_int64_t age = svb_entry_age(word, now);

    return age <= 0 && age >= -AHEAD ? word : svb_entry_seen(word, now);
}

static apr_uint64_t touched(apr_uint64_t word, svb_kind kind, apr_time_t now)
{
    return kind == SVB_KIND_WINDOWED ? word : seen_now(word, now);
}

static apr_uint64_t held(apr_uint64_t word, svb_kind kind, apr_time_t now)
{
    return svb_kind_is_counted(kind) ? seen_now(word, now) : word;
}

static apr_uint64_t windowed(apr_uint64_t word, svb_kind kind, apr_time_t now)
{
    return kind == SVB_KIND_SMART
               ? seen_now(word, now)
               : svb_entry_of_kind(seen_now(word, now), SVB_KIND_WINDOWED);
}

static apr_uint64_t remembered(apr_uint64_t word, svb_kind kind, apr_time_t now)
{
    switch (kind) {
    case SVB_KIND_SMART:
    case SVB_KIND_ENDED:
        return word;
    case SVB_KIND_PENDING:
        return 0;
    default:
        return svb_entry_of_kind(seen_now(word, now), SVB_KIND_REMEMBERED);
    }
}

int svb_clients_touch(svb_clients *clients, apr_uint64_t id, apr_time_t now)
{
    return change(clients, id, touched, now);
}

int svb_clients_hold(svb_clients *clients, apr_uint64_t id, apr_time_t now)
{
    return change(clients, id, held, now);
}

int svb_clients_window(svb_clients *clients, apr_uint64_t id, int node,
                       apr_time_t now)
{
    svb_client client;

    /* A window is where the client is, whatever was known of it. */
    return (svb_clients_find(clients, id, now, &client)
            && (client.node == node || client.kind == SVB_KIND_SMART)
            && change(clients, id, windowed, now))
           || svb_clients_put(clients, id, node, SVB_KIND_WINDOWED, now);
}

int svb_clients_remember(svb_clients *clients, apr_uint64_t id, apr_time_t now)
{
    return change(clients, id, remembered, now);
}

/* Nobody but us ever heard of one that is pending: nothing need stay of it. */
static int is_heard_of(const svb_slots *slots, apr_uint64_t id)
{
    svb_slot_view v;

    return svb_slots_find(slots, id, &v)
           && svb_entry_kind(v.word) != SVB_KIND_PENDING;
}

int svb_clients_remove(svb_clients *clients, apr_uint64_t id, apr_time_t now)
{
    const svb_slots *slots = &clients->slots;
    int removed = clients->journal && is_heard_of(slots, id)
                      ? svb_slots_bury(slots, id, now)
                      : svb_slots_remove(slots, id);

    svb_journal_tell(clients->journal, id, SVB_CHANGE_GONE);
    return removed;
}

int svb_clients_merge(svb_clients *clients, const svb_client *client,
                      unsigned how, apr_time_t now)
{
    return svb_merge(&clients->slots, client, how, now);
}

int svb_clients_trace(svb_clients *clients, apr_uint64_t id, apr_time_t now,
                      svb_client *client)
{
    svb_slot_view v;

    if (!svb_slots_find(&clients->slots, id, &v)
        || !svb_slots_is_there(&clients->slots, v.word, now)) {
        return 0;
    }
    v.word = svb_slots_aged(&clients->slots, v.word, now);
    svb_slots_read(&v, now, client);
    return 1;
}

int svb_clients_rename(svb_clients *clients, apr_uint64_t old, apr_uint64_t id,
                       int node, svb_kind kind, apr_time_t now)
{
    int is_put = svb_clients_put(clients, id, node, kind, now);

    if (old != id) {
        svb_clients_remember(clients, old, now);
    }
    return is_put;
}

void svb_clients_lost(svb_clients *clients, int node, apr_time_t now)
{
    svb_records_set(clients->slots.records, node, SVB_WORD_LOST,
                    (apr_uint64_t)now);
}

void svb_clients_forget(svb_clients *clients, int node, apr_time_t now)
{
    svb_clients_lost(clients, node, now);
    svb_records_next_epoch(clients->slots.records, node);
}

/* -------------------------------------------------------------- the sweep */

/* Of records that nobody uses there is nothing to be looked at. */
static void take_marks(svb_clients *c)
{
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        int is_used = svb_records_used(c->slots.records, node);

        for (int kind = 0; kind < SVB_KIND_EXPECTED; kind++) {
            tally *t = &c->tallies[node][kind];

            t->mark =
                is_used ? svb_records_clients_mark(c->slots.records, node, kind)
                        : 0;
            t->found = t->removed = 0;
        }
    }
    memset(c->surveys, 0, SVB_RECORDS_MAX * sizeof(*c->surveys));
}

/* Readers are spared a write that changes nothing. */
static void publish(svb_records *records, int node, svb_word word,
                    apr_uint64_t value)
{
    if (svb_records_get(records, node, word) != value) {
        svb_records_set(records, node, word, value);
    }
}

static void publish_survey(svb_clients *c, int node)
{
    const survey *s = &c->surveys[node];

    publish(c->slots.records, node, SVB_WORD_IDLE, s->idle);
    publish(c->slots.records, node, SVB_WORD_LAST_UNTIL,
            s->has_forever ? 0 : (apr_uint64_t)s->until);
}

/* A client is dropped when the second is over in which its time is up. */
static void add_to_survey(svb_clients *c, const svb_client *client,
                          apr_uint64_t word, apr_time_t now)
{
    survey *s = &c->surveys[client->node];
    apr_interval_time_t timeout =
        svb_slots_timeout(&c->slots, word, client->kind);
    apr_time_t until = client->seen + timeout + apr_time_from_sec(1);

    s->idle +=
        svb_kind_is_web(client->kind) && now - client->seen >= SVB_CLIENT_IDLE;
    s->has_forever |= timeout < 0;
    s->until = until > s->until ? until : s->until;
}

static void correct_counts(svb_clients *c)
{
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (!svb_records_used(c->slots.records, node)) {
            continue;
        }
        for (int kind = 0; kind < SVB_KIND_EXPECTED; kind++) {
            tally *t = &c->tallies[node][kind];

            svb_records_clients_correct(c->slots.records, node, kind, t->mark,
                                        t->removed, t->found);
        }
        publish_survey(c, node);
    }
}

static tally *tally_of(svb_clients *c, const svb_slot_view *v, apr_time_t now)
{
    svb_client client;

    svb_slots_read(v, now, &client);
    return &c->tallies[client.node][client.kind];
}

/* A client in two slots counts in the first one. */
static int is_first(const svb_slots *slots, const svb_slot_view *v)
{
    svb_slot_view first;

    return !svb_slots_find(slots, v->tag, &first) || first.slot == v->slot;
}

/* A windowed client whose time is up is remembered from now on. @return whether the
 * view shows what is there now */
static int age(svb_clients *c, svb_slot_view *v, apr_time_t now)
{
    apr_uint64_t aged = svb_slots_aged(&c->slots, v->word, now);

    if (aged == v->word) {
        return 1;
    }
    if (!svb_slots_swap(&c->slots, v, aged)) {
        return 0;
    }
    /* Two counts have changed by this pass itself. */
    tally_of(c, v, now)->removed++;
    v->word = aged;
    tally_of(c, v, now)->removed++;
    return 1;
}

static void found(svb_clients *c, const svb_slot_view *v, apr_time_t now)
{
    svb_client client;

    svb_slots_read(v, now, &client);
    c->tallies[client.node][client.kind].found++;
    if (svb_kind_is_counted(client.kind)) {
        add_to_survey(c, &client, v->word, now);
    }
}

static void sweep_slot(svb_clients *c, apr_size_t n, apr_time_t now)
{
    svb_slot_rank rank;
    svb_slot_view v;

    for (int i = 0; i < TRIES; i++) {
        svb_slots_look(&c->slots, n, &v);
        rank = svb_slots_rank(&c->slots, &v, now);
        if (v.word == 0 || rank == SVB_SLOT_CLAIMED) {
            return;
        }
        if (rank != SVB_SLOT_USABLE && is_first(&c->slots, &v)) {
            if (!age(c, &v, now)) {
                continue;
            }
            found(c, &v, now);
            return;
        }
        if (svb_slots_swap(&c->slots, &v, 0)) {
            /* The count has changed by this if the epoch is right. */
            if (svb_entry_is_client(v.word)
                && svb_slots_is_current(&c->slots, v.word)) {
                tally_of(c, &v, now)->removed++;
            }
            return;
        }
    }
}

void svb_clients_begin_pass(svb_clients *clients)
{
    clients->swept = 0;
}

int svb_clients_sweep(svb_clients *clients, apr_size_t buckets, apr_time_t now)
{
    apr_size_t end = clients->slots.buckets;

    if (now < clients->last_swept || now > clients->last_swept + PASS_PAUSE) {
        svb_clients_begin_pass(clients);
    }
    clients->last_swept = now;
    if (clients->swept == 0) {
        take_marks(clients);
    }
    if (buckets < end - clients->swept) {
        end = clients->swept + buckets;
    }
    for (; clients->swept < end; clients->swept++) {
        for (apr_size_t i = 0; i < SVB_SLOTS; i++) {
            sweep_slot(clients, clients->swept * SVB_SLOTS + i, now);
        }
    }
    if (end < clients->slots.buckets) {
        return 0;
    }
    clients->swept = 0;
    correct_counts(clients);
    return 1;
}

/* --------------------------------------------------- saving and restoring */

int svb_clients_next_below(svb_clients *clients, apr_size_t *pos,
                           apr_size_t bucket, apr_time_t now,
                           svb_client *client)
{
    const svb_slots *slots = &clients->slots;

    while (svb_slots_next(slots, pos, bucket * SVB_SLOTS)) {
        svb_slot_rank rank;
        svb_slot_view v;

        svb_slots_look(slots, (*pos)++, &v);
        rank = svb_slots_rank(slots, &v, now);
        if (rank != SVB_SLOT_USABLE && rank != SVB_SLOT_CLAIMED
            && svb_slots_is_live(slots, v.word, now) && is_first(slots, &v)) {
            v.word = svb_slots_aged(slots, v.word, now);
            svb_slots_read(&v, now, client);
            return 1;
        }
    }
    return 0;
}

int svb_clients_next(svb_clients *clients, apr_size_t *pos, apr_time_t now,
                     svb_client *client)
{
    return svb_clients_next_below(clients, pos, clients->slots.buckets, now,
                                  client);
}

void svb_clients_prefetch(const svb_clients *clients, apr_uint64_t id)
{
    svb_slots_prefetch(&clients->slots, id);
}

int svb_clients_restore(svb_clients *clients, const svb_client *client,
                        apr_time_t now)
{
    apr_uint64_t word = svb_slots_word(&clients->slots, client);
    svb_client there;

    if (!svb_slots_is_live(&clients->slots, word, now)) {
        return 0;
    }
    /* What the table knows already stays, unless it was seen earlier. */
    return (svb_clients_find(clients, client->id, now, &there)
            && there.seen >= client->seen)
           || svb_slots_put(&clients->slots, client->id, word, now);
}

/* ---------------------------------------------------------------- figures */

apr_size_t svb_clients_capacity(const svb_clients *clients)
{
    return clients->capacity;
}

apr_size_t svb_clients_buckets(const svb_clients *clients)
{
    return clients->slots.buckets;
}

apr_size_t svb_clients_bytes(const svb_clients *clients)
{
    return svb_slots_size(clients->capacity);
}

apr_size_t svb_clients_count(const svb_clients *clients)
{
    apr_size_t sum = 0;

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(clients->slots.records, node)) {
            sum += svb_records_clients_all(clients->slots.records, node)
                   - svb_records_clients(clients->slots.records, node,
                                         SVB_KIND_EXPECTED);
        }
    }
    return sum;
}

svb_evictions *svb_clients_evictions(const svb_clients *clients)
{
    return svb_slots_evictions(&clients->slots);
}

apr_uint64_t svb_clients_evicted(const svb_clients *clients)
{
    return svb_clients_evictions(clients)->count;
}
