/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/slots.h"

#include <stdatomic.h>

#define CACHE_LINE 64
#define MIN_BUCKETS 8

/* There are ten slots for seven clients, so that the last ones, too, find a place
 * in one of their buckets. */
#define SLOTS_FOR 10
#define CLIENTS 7

/* In how many buckets a client may stand. */
#define CHOICES 4

/* A new client stands in its first bucket unless that has fewer free slots than
 * this. Keeping one back for clients that have no other place makes drops rare
 * and still leaves nine of ten in their first bucket. */
#define FIRST_CHOICE_FREE 2

/* Seconds after which a claim is void. A live process holds one for well under
 * a microsecond, unless it is stopped just there. */
#define CLAIM_LIMIT 5

/* A swap fails because another one succeeded. Give up rather than go on for
 * ever should something be very wrong. */
#define TRIES 100

struct svb_slot {
    _Atomic apr_uint64_t tag;  /* id of the client; says nothing by itself */
    _Atomic apr_uint64_t word; /* see above; 0 is a free slot */
};

typedef struct {
    svb_slot slots[SVB_SLOTS];
} __attribute__((aligned(CACHE_LINE))) bucket_rec;

_Static_assert(sizeof(bucket_rec) == CACHE_LINE, "a bucket is a cache line");

typedef struct {
    svb_evictions evictions __attribute__((aligned(CACHE_LINE)));
    bucket_rec buckets[];
} region;

apr_size_t svb_slots_buckets(apr_size_t capacity)
{
    apr_size_t buckets = capacity * SLOTS_FOR / CLIENTS / SVB_SLOTS + 1;

    return buckets > MIN_BUCKETS ? buckets : MIN_BUCKETS;
}

apr_size_t svb_slots_size(apr_size_t capacity)
{
    return sizeof(region) + svb_slots_buckets(capacity) * sizeof(bucket_rec);
}

svb_evictions *svb_slots_evictions(const svb_slots *slots)
{
    return &((region *)slots->shm)->evictions;
}

/* ------------------------------------------------------------------ words */

apr_uint64_t svb_slots_word(const svb_slots *slots, const svb_client *client)
{
    return svb_entry_of(client,
                        svb_records_epoch(slots->records, client->node));
}

apr_interval_time_t svb_slots_timeout(const svb_slots *slots, apr_uint64_t word,
                                      svb_kind kind)
{
    return slots->timeout
               ? slots->timeout(slots->baton, svb_entry_node(word), kind)
               : -1;
}

/* While others cannot tell us of it, what was last seen before stays as old as it was
 * then. */
static apr_time_t as_of(const svb_slots *slots, apr_uint64_t word,
                        apr_time_t now)
{
    apr_time_t frozen = slots->frozen_at ? *slots->frozen_at : 0;

    return frozen && frozen < now && svb_entry_age(word, frozen) >= 0 ? frozen
                                                                      : now;
}

/* It was seen at some time in that second, so give it one more. */
static int is_within(const svb_slots *slots, apr_uint64_t word, apr_time_t now,
                     svb_kind kind)
{
    apr_interval_time_t timeout = svb_slots_timeout(slots, word, kind);

    return timeout < 0
           || apr_time_from_sec(svb_entry_age(word, as_of(slots, word, now))
                                - 1)
                  < timeout;
}

apr_uint64_t svb_slots_aged(const svb_slots *slots, apr_uint64_t word,
                            apr_time_t now)
{
    return svb_entry_kind(word) == SVB_KIND_WINDOWED
                   && !is_within(slots, word, now, SVB_KIND_WINDOWED)
               ? svb_entry_of_kind(word, SVB_KIND_ENDED)
               : word;
}

void svb_slots_read(const svb_slot_view *view, apr_time_t now,
                    svb_client *client)
{
    apr_int64_t age = svb_entry_age(view->word, now);

    client->id = view->tag;
    client->node = svb_entry_node(view->word);
    client->kind = svb_entry_kind(view->word);
    client->seen = apr_time_from_sec(apr_time_sec(now) - age);
}

int svb_slots_is_current(const svb_slots *slots, apr_uint64_t word)
{
    return svb_entry_epoch(word)
           == svb_records_epoch(slots->records, svb_entry_node(word));
}

int svb_slots_is_there(const svb_slots *slots, apr_uint64_t word,
                       apr_time_t now)
{
    svb_kind kind = svb_entry_kind(word);

    return svb_slots_is_current(slots, word)
           && (is_within(slots, word, now, kind)
               || (kind == SVB_KIND_WINDOWED
                   && is_within(slots, word, now, SVB_KIND_ENDED)));
}

int svb_slots_is_live(const svb_slots *slots, apr_uint64_t word, apr_time_t now)
{
    return svb_entry_kind(word) != SVB_KIND_GONE
           && svb_slots_is_there(slots, word, now);
}

/* ------------------------------------------------------------------ slots */

/* A walk over a client's buckets, no two of them the same: the order of its slots has
 * to be clear. There are more buckets than choices. Most walks end at the first. */
typedef struct {
    bucket_rec *all;
    apr_size_t buckets;
    apr_uint64_t hash;
    apr_size_t places[CHOICES];
    int n;
} walk;

static walk walk_of(const svb_slots *slots, apr_uint64_t id)
{
    return (walk){.all = ((region *)slots->shm)->buckets,
                  .buckets = slots->buckets,
                  .hash = id};
}

static int has_been_at(const walk *w, apr_size_t place)
{
    for (int i = 0; i < w->n; i++) {
        if (w->places[i] == place) {
            return 1;
        }
    }
    return 0;
}

static bucket_rec *next_bucket(walk *w)
{
    apr_size_t place = (w->hash >> 32) * w->buckets >> 32;

    while (has_been_at(w, place)) {
        place = place + 1 < w->buckets ? place + 1 : 0;
    }
    w->places[w->n++] = place;
    w->hash = (w->hash ^ w->hash >> 32) * 0x9e3779b97f4a7c15u;
    return &w->all[place];
}

_Static_assert(MIN_BUCKETS > CHOICES, "a client has buckets enough");

void svb_slots_look(const svb_slots *slots, apr_size_t n, svb_slot_view *view)
{
    bucket_rec *bucket = &((region *)slots->shm)->buckets[n / SVB_SLOTS];

    view->slot = &bucket->slots[n % SVB_SLOTS];
    view->word = atomic_load(&view->slot->word);
    view->tag = atomic_load(&view->slot->tag);
}

int svb_slots_next(const svb_slots *slots, apr_size_t *n, apr_size_t end)
{
    bucket_rec *all = ((region *)slots->shm)->buckets;

    for (; *n < end; ++*n) {
        if (atomic_load_explicit(
                &all[*n / SVB_SLOTS].slots[*n % SVB_SLOTS].word,
                memory_order_relaxed)) {
            return 1;
        }
    }
    return 0;
}

void svb_slots_prefetch(const svb_slots *slots, apr_uint64_t id)
{
    walk w = walk_of(slots, id);

    while (w.n < CHOICES) {
        __builtin_prefetch(next_bucket(&w));
    }
}

static int is_of(svb_slot *slot, apr_uint64_t id, svb_slot_view *found)
{
    if (atomic_load_explicit(&slot->tag, memory_order_relaxed) != id) {
        return 0;
    }
    found->slot = slot;
    found->tag = id;
    found->word = atomic_load(&slot->word);
    return svb_entry_is_of(found->word, id);
}

/* A walk over the slots where a client may stand. */
typedef struct {
    walk buckets;
    bucket_rec *bucket;
    int next;
} search;

static search search_for(const svb_slots *slots, apr_uint64_t id)
{
    return (search){.buckets = walk_of(slots, id), .next = SVB_SLOTS};
}

/* Find the client's next slot. */
static int find_next(search *s, apr_uint64_t id, svb_slot_view *found)
{
    for (;;) {
        while (s->next < SVB_SLOTS) {
            if (is_of(&s->bucket->slots[s->next++], id, found)) {
                return 1;
            }
        }
        if (s->buckets.n == CHOICES) {
            return 0;
        }
        s->bucket = next_bucket(&s->buckets);
        s->next = 0;
    }
}

int svb_slots_find(const svb_slots *slots, apr_uint64_t id,
                   svb_slot_view *found)
{
    search s = search_for(slots, id);

    return find_next(&s, id, found);
}

static void count(const svb_slots *slots, apr_uint64_t word, int delta)
{
    if (svb_entry_is_client(word)) {
        svb_records_clients_add(slots->records, svb_entry_node(word),
                                svb_entry_epoch(word), svb_entry_kind(word),
                                delta);
    }
}

int svb_slots_swap(const svb_slots *slots, const svb_slot_view *view,
                   apr_uint64_t next)
{
    apr_uint64_t word = view->word;
    int swapped;

    if ((word & SVB_ENTRY_COUNTED) == (next & SVB_ENTRY_COUNTED)) {
        return atomic_compare_exchange_strong(&view->slot->word, &word, next);
    }
    count(slots, next, 1);
    swapped = atomic_compare_exchange_strong(&view->slot->word, &word, next);
    count(slots, swapped ? view->word : next, -1);
    return swapped;
}

/* Free a slot of the client, whatever others make of it meanwhile. */
static int free_slot(const svb_slots *slots, apr_uint64_t id, svb_slot_view *v)
{
    for (int i = 0; i < TRIES; i++) {
        if (svb_slots_swap(slots, v, 0)) {
            return 1;
        }
        if (!is_of(v->slot, id, v)) {
            return 0;
        }
    }
    return 0;
}

static int free_next(const svb_slots *slots, apr_uint64_t id, search *s)
{
    svb_slot_view v;
    int freed = 0;

    while (find_next(s, id, &v)) {
        freed |= free_slot(slots, id, &v);
    }
    return freed;
}

int svb_slots_bury(const svb_slots *slots, apr_uint64_t id, apr_time_t now)
{
    for (int i = 0; i < TRIES; i++) {
        search s = search_for(slots, id);
        svb_slot_view v;

        if (!find_next(&s, id, &v)) {
            return 0;
        }
        if (svb_slots_swap(slots, &v,
                           svb_entry_of_kind(svb_entry_seen(v.word, now),
                                             SVB_KIND_GONE))) {
            (void)free_next(slots, id, &s);
            return svb_entry_kind(v.word) != SVB_KIND_GONE;
        }
    }
    return 0;
}

int svb_slots_remove(const svb_slots *slots, apr_uint64_t id)
{
    search s = search_for(slots, id);

    return free_next(slots, id, &s);
}

/* ------------------------------------------------ a place for a new client */

svb_slot_rank svb_slots_rank(const svb_slots *slots, const svb_slot_view *view,
                             apr_time_t now)
{
    apr_int64_t age;
    svb_kind kind;

    if (view->word == 0) {
        return SVB_SLOT_USABLE;
    }
    if (!svb_entry_is_client(view->word)) {
        age = svb_entry_age(view->word, now);
        return age >= CLAIM_LIMIT || age <= -CLAIM_LIMIT ? SVB_SLOT_USABLE
                                                         : SVB_SLOT_CLAIMED;
    }
    if (!svb_entry_is_of(view->word, view->tag)
        || !svb_slots_is_there(slots, view->word, now)) {
        return SVB_SLOT_USABLE;
    }
    kind = svb_entry_kind(svb_slots_aged(slots, view->word, now));
    return !svb_kind_is_counted(kind)    ? SVB_SLOT_REMEMBERED
           : svb_kind_is_confirmed(kind) ? SVB_SLOT_LIVE
                                         : SVB_SLOT_DOUBTFUL;
}

/* How many usable slots a bucket has, and the one to take: a usable one, or the
 * one whose client is easiest to part with. */
typedef struct {
    int usable;
    svb_slot_rank rank;
    apr_int64_t age;
    svb_slot_view best;
} offer;

/* Of a bucket with enough usable slots no more is looked at. */
static offer best_of(const svb_slots *slots, const bucket_rec *bucket,
                     int enough, svb_slot_rank least, apr_time_t now)
{
    const bucket_rec *all = ((region *)slots->shm)->buckets;
    apr_size_t first = (apr_size_t)(bucket - all) * SVB_SLOTS;
    offer o = {.rank = SVB_SLOT_CLAIMED};

    for (apr_size_t i = 0; i < SVB_SLOTS && o.usable < enough; i++) {
        svb_slot_rank rank;
        svb_slot_view v;
        apr_int64_t age;

        svb_slots_look(slots, first + i, &v);
        rank = svb_slots_rank(slots, &v, now);
        age = rank == SVB_SLOT_USABLE ? 0 : svb_entry_age(v.word, now);
        if (rank < least) {
            continue;
        }
        o.usable += rank == SVB_SLOT_USABLE;
        if (rank < o.rank || (rank == o.rank && age > o.age)) {
            o.rank = rank;
            o.age = age;
            o.best = v;
        }
    }
    return o;
}

/* Choose a slot that would cost at least so much: in the first bucket while that has
 * room, else in the emptiest of all, so that they fill evenly. The rank tells whether
 * it has a client that would be lost. */
static offer choose(const svb_slots *slots, apr_uint64_t id,
                    svb_slot_rank least, apr_time_t now)
{
    walk w = walk_of(slots, id);
    offer best = best_of(slots, next_bucket(&w), FIRST_CHOICE_FREE, least, now);

    if (best.usable >= FIRST_CHOICE_FREE) {
        return best;
    }
    while (w.n < CHOICES) {
        offer o = best_of(slots, next_bucket(&w), SVB_SLOTS, least, now);

        if (o.usable > best.usable || o.rank < best.rank
            || (o.rank == best.rank && o.usable == 0 && o.age > best.age)) {
            best = o;
        }
    }
    return best;
}

/* Take the slot in three steps, each of which may find that another was
 * quicker. */
static int fill(const svb_slots *slots, const offer *o, apr_uint64_t id,
                apr_uint64_t word, apr_time_t now)
{
    svb_slot_view claim = {o->best.slot, id, svb_entry_claim(id, now)};
    apr_uint64_t tag;

    if (!svb_slots_swap(slots, &o->best, claim.word)) {
        return 0;
    }
    if (o->rank != SVB_SLOT_USABLE) {
        svb_evictions_add(
            svb_slots_evictions(slots),
            svb_entry_kind(svb_slots_aged(slots, o->best.word, now)), now);
    }
    while ((tag = atomic_load(&claim.slot->tag)) != id) {
        if (atomic_load(&claim.slot->word) != claim.word) {
            return 0;
        }
        atomic_compare_exchange_strong(&claim.slot->tag, &tag, id);
    }
    return svb_slots_swap(slots, &claim, word);
}

/* Another process may have put the same client in another slot. Whoever has
 * put it last sees both, and all keep the first. */
static void keep_first(const svb_slots *slots, apr_uint64_t id)
{
    search s = search_for(slots, id);
    svb_slot_view first;

    if (find_next(&s, id, &first)) {
        (void)free_next(slots, id, &s);
    }
}

/* What a new client may cost. What nobody has confirmed never takes the place of what
 * somebody has; and where there is as much of it as there may be, only that of its
 * own kind. */
typedef struct {
    svb_slot_rank least, most;
} price;

static price price_of(const svb_slots *slots, apr_uint64_t word)
{
    price p = {SVB_SLOT_USABLE, SVB_SLOT_LIVE};

    if (!svb_kind_is_counted(svb_entry_kind(word))) {
        p.most = SVB_SLOT_REMEMBERED;
    }
    else if (!svb_kind_is_confirmed(svb_entry_kind(word))) {
        p.most = SVB_SLOT_DOUBTFUL;
        if (slots->room && atomic_fetch_sub(slots->room, 1) <= 0) {
            p.least = SVB_SLOT_DOUBTFUL;
        }
    }
    return p;
}

/* Into a slot that it has. @return whether there is one */
static int put_again(const svb_slots *slots, apr_uint64_t id, apr_uint64_t word)
{
    svb_slot_view v;

    for (int i = 0; i < TRIES && svb_slots_find(slots, id, &v); i++) {
        if (svb_slots_swap(slots, &v, word)) {
            return 1;
        }
    }
    return 0;
}

static int put(const svb_slots *slots, apr_uint64_t id, apr_uint64_t word,
               int is_nobodys, apr_time_t now)
{
    price p = {SVB_SLOT_USABLE, SVB_SLOT_LIVE};

    for (int i = 0; i < TRIES; i++) {
        offer o;

        if (!is_nobodys && put_again(slots, id, word)) {
            return 1;
        }
        if (i == 0) {
            p = price_of(slots, word);
        }
        o = choose(slots, id, p.least, now);
        if (o.rank > p.most) {
            break;
        }
        if (fill(slots, &o, id, word, now)) {
            if (!is_nobodys) {
                keep_first(slots, id);
            }
            return 1;
        }
    }
    svb_evictions_add(svb_slots_evictions(slots), svb_entry_kind(word), now);
    return 0;
}

int svb_slots_put(const svb_slots *slots, apr_uint64_t id, apr_uint64_t word,
                  apr_time_t now)
{
    return put(slots, id, word, 0, now);
}

int svb_slots_put_new(const svb_slots *slots, apr_uint64_t id,
                      apr_uint64_t word, apr_time_t now)
{
    return put(slots, id, word, 1, now);
}
