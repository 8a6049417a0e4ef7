/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/condition.h"

#include <stddef.h>

/* The word of the connection, from the lowest bit: 2 bits for each member, 1 for
 * "has lost its clients", 32 for the second since which the level is what it is. */
#define MEMBER_BITS 2
#define MEMBER_MASK 3u
#define LOST ((apr_uint64_t)1 << 16)
#define SINCE_SHIFT 17

/* The word of the service: 2 bits of svb_service, 6 of failures, 10 of the last
 * one's status, 32 of a second: of the first failure, or until when. */
#define SERVICE_MASK 3u
#define FAILURES_SHIFT 2
#define FAILURES_MOST 63u
#define STATUS_SHIFT 8
#define STATUS_MOST 1023u
#define TIME_SHIFT 18
#define SECONDS_MASK 0xffffffffu

/* A noted state: the time of the change, in microseconds, and the state plus one
 * below it. */
#define STATE_BITS 8
#define STATE_MASK 0xffu

/* ------------------------------------------------------------ the connection */

static svb_reach member_of(apr_uint64_t word, int slot)
{
    return (svb_reach)(word >> (MEMBER_BITS * slot) & MEMBER_MASK);
}

static apr_uint64_t with_member(apr_uint64_t word, int slot, svb_reach reach)
{
    int shift = MEMBER_BITS * slot;

    return (word & ~((apr_uint64_t)MEMBER_MASK << shift))
           | (apr_uint64_t)reach << shift;
}

static apr_time_t since_of(apr_uint64_t word)
{
    return apr_time_from_sec((apr_time_t)(word >> SINCE_SHIFT & SECONDS_MASK));
}

static apr_uint64_t with_since(apr_uint64_t word, apr_time_t now)
{
    return (word & (((apr_uint64_t)1 << SINCE_SHIFT) - 1))
           | ((apr_uint64_t)apr_time_sec(now) & SECONDS_MASK) << SINCE_SHIFT;
}

int svb_condition_is_up(svb_reach reach)
{
    return reach == SVB_REACH_OK || reach == SVB_REACH_DOUBTFUL;
}

static svb_level level_of(apr_uint64_t word, unsigned members)
{
    int ok = (members & SVB_CONDITION_MORE) != 0, silent = 0, refused = 0;

    for (int slot = 0; slot < SVB_CONDITION_MEMBERS; slot++) {
        svb_reach reach = member_of(word, slot);

        if (members & 1u << slot) {
            ok += svb_condition_is_up(reach);
            silent += reach == SVB_REACH_SILENT;
            refused += reach == SVB_REACH_REFUSED;
        }
    }
    return !silent && !refused ? SVB_LEVEL_ANSWERS
           : ok                ? SVB_LEVEL_DEGRADED
           : silent            ? SVB_LEVEL_SILENT
                               : SVB_LEVEL_GONE;
}

/* That there is nothing to be said against it any more is found later. */
static int swap(svb_records *records, int node, svb_word word,
                apr_uint64_t seen, apr_uint64_t next)
{
    if (next == seen) {
        return 1;
    }
    if (!svb_records_swap(records, node, word, seen, next)) {
        return 0;
    }
    if (!svb_condition_is_fine(records, node)) {
        svb_records_doubt(records, node, 1);
    }
    return 1;
}

/* Swap the word, and say what that brings about: once, since one swap succeeds. */
static int change_level(svb_records *records, int node, apr_uint64_t seen,
                        apr_uint64_t next, unsigned members, apr_time_t now,
                        int *result)
{
    svb_level before = level_of(seen, members), after = level_of(next, members);

    *result = 0;
    if (before != after) {
        *result = SVB_CHANGED;
        next = with_since(next & ~LOST, now);
        if (after == SVB_LEVEL_GONE) {
            next |= LOST;
            *result |= seen & LOST ? 0 : SVB_HAS_LOST;
        }
    }
    return swap(records, node, SVB_WORD_CONNECTION, seen, next);
}

int svb_condition_reached(svb_records *records, int node, int slot,
                          svb_reach reach, unsigned members, apr_time_t now)
{
    apr_uint64_t seen, next;
    int result;

    if (slot < 0 || slot >= SVB_CONDITION_MEMBERS
        || reach == SVB_REACH_UNKNOWN) {
        return 0;
    }
    do {
        seen = svb_records_get(records, node, SVB_WORD_CONNECTION);
        if (member_of(seen, slot) == reach
            || (reach == SVB_REACH_DOUBTFUL
                && member_of(seen, slot) != SVB_REACH_OK)) {
            return 0;
        }
        next = with_member(seen, slot, reach);
    } while (!change_level(records, node, seen, next, members, now, &result));
    return result;
}

int svb_condition_tick(svb_records *records, int node, unsigned members,
                       const svb_rules *rules, apr_time_t now)
{
    apr_uint64_t seen = svb_records_get(records, node, SVB_WORD_CONNECTION);

    if (level_of(seen, members) != SVB_LEVEL_SILENT || seen & LOST
        || rules->forget <= 0) {
        return 0;
    }
    /* When the clock was set back, the time begins anew. */
    if (since_of(seen) > now) {
        svb_records_swap(records, node, SVB_WORD_CONNECTION, seen,
                         with_since(seen, now));
        return 0;
    }
    return now - since_of(seen) >= rules->forget
                   && svb_records_swap(records, node, SVB_WORD_CONNECTION, seen,
                                       seen | LOST)
               ? SVB_HAS_LOST
               : 0;
}

_Static_assert(SVB_REACH_OK == 0 && SVB_SERVICE_FINE == 0,
               "words without a bit are fine");

int svb_condition_is_fine(svb_records *records, int node)
{
    const apr_uint64_t members =
        ((apr_uint64_t)1 << (MEMBER_BITS * SVB_CONDITION_MEMBERS)) - 1;

    return !(svb_records_get(records, node, SVB_WORD_CONNECTION) & members)
           && !svb_records_get(records, node, SVB_WORD_SERVICE);
}

const char *svb_condition_reach_text(svb_reach reach)
{
    static const char *const texts[] = {
        [SVB_REACH_OK] = "answers at",
        [SVB_REACH_SILENT] = "no answer from",
        [SVB_REACH_REFUSED] = "connection refused by",
        [SVB_REACH_DOUBTFUL] = "a request could not be sent to",
    };

    return reach == SVB_REACH_UNKNOWN ? "cannot be asked:" : texts[reach];
}

/* --------------------------------------------------------------- the service */

/* The word, taken apart. */
typedef struct {
    svb_service service;
    unsigned failures, status;
    apr_time_t time;
} service_word;

static service_word unpacked(apr_uint64_t word)
{
    service_word s = {
        (svb_service)(word & SERVICE_MASK),
        (unsigned)(word >> FAILURES_SHIFT) & FAILURES_MOST,
        (unsigned)(word >> STATUS_SHIFT) & STATUS_MOST,
        apr_time_from_sec((apr_time_t)(word >> TIME_SHIFT & SECONDS_MASK))};

    return s;
}

static apr_uint64_t packed(const service_word *s)
{
    unsigned failures =
        s->failures < FAILURES_MOST ? s->failures : FAILURES_MOST;

    return (apr_uint64_t)s->service | (apr_uint64_t)failures << FAILURES_SHIFT
           | (apr_uint64_t)(s->status & STATUS_MOST) << STATUS_SHIFT
           | ((apr_uint64_t)apr_time_sec(s->time) & SECONDS_MASK) << TIME_SHIFT;
}

/* Until when, in whole seconds: one more, so that it is never too short. */
static apr_time_t a_while_from(apr_time_t now, const svb_rules *rules)
{
    return now + rules->retry + apr_time_from_sec(1) - 1;
}

static int is_over(apr_time_t until, const svb_rules *rules, apr_time_t now)
{
    return now >= until || until > a_while_from(now, rules);
}

static void wait_a_while(service_word *s, svb_service service,
                         const svb_rules *rules, apr_time_t now)
{
    s->service = service;
    s->time = a_while_from(now, rules);
}

static void note_failure(service_word *s, unsigned status, apr_time_t others,
                         const svb_rules *rules, apr_time_t now)
{
    if (s->service != SVB_SERVICE_FINE) {
        wait_a_while(s, s->service, rules, now);
    }
    else if (s->failures == 0 || s->time > now) {
        s->time = now;
    }
    s->failures++;
    s->status = status;
    if (s->service == SVB_SERVICE_FINE && rules->suspect > 0
        && s->failures >= (unsigned)rules->suspect
        && apr_time_sec(others) >= apr_time_sec(s->time)) {
        wait_a_while(s, SVB_SERVICE_SUSPECT, rules, now);
    }
}

/* The table of the header. */
static void meet(service_word *s, svb_met what, unsigned status,
                 apr_time_t others, const svb_rules *rules, apr_time_t now)
{
    static const service_word fine;

    switch (what) {
    case SVB_MET_SESSION:
    case SVB_MET_ENABLED:
        *s = fine;
        break;
    case SVB_MET_REFUSAL:
        wait_a_while(s, SVB_SERVICE_MAINTENANCE, rules, now);
        break;
    case SVB_MET_FAILURE:
        note_failure(s, status, others, rules, now);
        break;
    }
}

int svb_condition_met(svb_records *records, int node, svb_met what,
                      unsigned status, apr_time_t others,
                      const svb_rules *rules, apr_time_t now)
{
    apr_uint64_t seen, next;
    service_word s;
    svb_service before;

    do {
        seen = svb_records_get(records, node, SVB_WORD_SERVICE);
        s = unpacked(seen);
        before = s.service;
        meet(&s, what, status, others, rules, now);
        next = packed(&s);
    } while (!swap(records, node, SVB_WORD_SERVICE, seen, next));
    return s.service != before ? SVB_CHANGED : 0;
}

int svb_condition_may_try(svb_records *records, int node,
                          const svb_rules *rules, apr_time_t now)
{
    apr_uint64_t seen = svb_records_get(records, node, SVB_WORD_SERVICE);
    service_word s = unpacked(seen);

    if (s.service == SVB_SERVICE_FINE) {
        return 1;
    }
    if (!is_over(s.time, rules, now)) {
        return 0;
    }
    wait_a_while(&s, s.service, rules, now);
    return svb_records_swap(records, node, SVB_WORD_SERVICE, seen, packed(&s));
}

int svb_condition_is_due(const svb_seen *seen, const svb_rules *rules,
                         apr_time_t now)
{
    return seen->service == SVB_SERVICE_FINE
           || is_over(seen->until, rules, now);
}

void svb_condition_see(svb_records *records, int node, unsigned members,
                       svb_seen *seen)
{
    apr_uint64_t connection =
        svb_records_get(records, node, SVB_WORD_CONNECTION);
    service_word s = unpacked(svb_records_get(records, node, SVB_WORD_SERVICE));

    seen->level = level_of(connection, members);
    seen->level_since = since_of(connection);
    for (int slot = 0; slot < SVB_CONDITION_MEMBERS; slot++) {
        seen->members[slot] =
            members & 1u << slot ? member_of(connection, slot) : SVB_REACH_OK;
    }
    seen->service = s.service;
    seen->failures = s.failures;
    seen->status = s.status;
    seen->until = s.service == SVB_SERVICE_FINE ? 0 : s.time;
    seen->failing = s.service == SVB_SERVICE_FINE ? s.time : 0;
}

/* ------------------------------------------------------------- signs of life */

/* Written by every answer, so only when the second is another. */
static void note_second(svb_records *records, int node, svb_word word,
                        apr_time_t now)
{
    apr_uint64_t second = (apr_uint64_t)apr_time_sec(now);

    if (svb_records_get(records, node, word) < second) {
        svb_records_set(records, node, word, second);
    }
}

static apr_time_t second_of(svb_records *records, int node, svb_word word)
{
    return apr_time_from_sec((apr_time_t)svb_records_get(records, node, word));
}

void svb_condition_hear(svb_records *records, int node, apr_time_t now)
{
    note_second(records, node, SVB_WORD_HEARD, now);
}

apr_time_t svb_condition_heard(svb_records *records, int node)
{
    return second_of(records, node, SVB_WORD_HEARD);
}

void svb_condition_began(svb_records *records, int node, apr_time_t now)
{
    note_second(records, node, SVB_WORD_BEGAN, now);
}

apr_time_t svb_condition_last_began(svb_records *records, int node)
{
    return second_of(records, node, SVB_WORD_BEGAN);
}

int svb_condition_may_warn(svb_records *records, int node, apr_time_t now,
                           apr_interval_time_t every)
{
    apr_uint64_t seen = svb_records_get(records, node, SVB_WORD_WARNED);

    return (seen == 0 || now >= (apr_time_t)seen + every)
           && svb_records_swap(records, node, SVB_WORD_WARNED, seen,
                               (apr_uint64_t)now);
}

/* ------------------------------------------------------------ the whole of it */

/* The member that is worst off, which is the one to look after. */
static void blame_member(svb_condition *c, const svb_seen *seen)
{
    static const int badness[] = {[SVB_REACH_OK] = 0,
                                  [SVB_REACH_DOUBTFUL] = 1,
                                  [SVB_REACH_SILENT] = 2,
                                  [SVB_REACH_REFUSED] = 3};

    c->cause = SVB_CAUSE_MEMBER;
    c->slot = -1;
    c->reach = SVB_REACH_OK;
    for (int slot = 0; slot < SVB_CONDITION_MEMBERS; slot++) {
        if (badness[seen->members[slot]] > badness[c->reach]) {
            c->slot = slot;
            c->reach = seen->members[slot];
        }
    }
    if (c->slot < 0) {
        c->cause = SVB_CAUSE_UNUSABLE;
    }
}

/* In the order of the states: what is found first is what the node is. */
static void name_state(svb_condition *c, const svb_standing *standing,
                       const svb_seen *seen)
{
    int is_out = svb_state_is_out(standing->word);

    c->cause = SVB_CAUSE_WORD;
    if (!is_out
        && (seen->level == SVB_LEVEL_GONE
            || (!standing->usable && seen->level != SVB_LEVEL_SILENT))) {
        c->state = SVB_STATE_ERROR;
        blame_member(c, seen);
    }
    else if (!is_out && seen->level == SVB_LEVEL_SILENT) {
        c->state = SVB_STATE_SILENT;
        blame_member(c, seen);
    }
    else if (standing->word != SVB_STATE_READY) {
        c->state = standing->word;
    }
    else if (seen->service == SVB_SERVICE_MAINTENANCE) {
        c->state = SVB_STATE_MAINTENANCE;
        c->cause = SVB_CAUSE_MAINTENANCE;
    }
    else if (standing->is_full) {
        c->state = SVB_STATE_FULL;
        c->cause = SVB_CAUSE_FULL;
    }
    else if (seen->service == SVB_SERVICE_SUSPECT) {
        c->state = SVB_STATE_SUSPECT;
        c->cause = SVB_CAUSE_FAILURES;
    }
    else if (seen->level == SVB_LEVEL_DEGRADED
             || standing->usable < standing->members) {
        c->state = SVB_STATE_DEGRADED;
        blame_member(c, seen);
    }
    else if (standing->slow_until) {
        c->state = SVB_STATE_SLOWSTART;
        c->cause = SVB_CAUSE_SLOWSTART;
    }
    else {
        c->state = SVB_STATE_READY;
        c->cause = SVB_CAUSE_NONE;
    }
}

/* Standby and spare take new clients where mod_proxy brings them in. */
static void say_what_it_may(svb_condition *c, const svb_standing *standing,
                            const svb_seen *seen, const svb_rules *rules,
                            apr_time_t now)
{
    const svb_state_info *info = svb_state_describe(c->state);

    c->serves = info->can_serve;
    c->gets_launches =
        c->serves && c->state != SVB_STATE_SILENT
        && (standing->url_slot < 0
            || svb_condition_is_up(seen->members[standing->url_slot]));
    c->takes_new = info->takes_new || c->state == SVB_STATE_STANDBY
                   || c->state == SVB_STATE_SPARE;
    if (c->state == SVB_STATE_SUSPECT
        || (c->state == SVB_STATE_MAINTENANCE
            && c->cause == SVB_CAUSE_MAINTENANCE)) {
        c->takes_new = svb_condition_is_due(seen, rules, now);
        c->until = seen->until;
    }
    c->is_last = c->state == SVB_STATE_DEGRADED
                 || (c->state == SVB_STATE_SUSPECT && !c->takes_new);
}

svb_condition svb_condition_of(const svb_standing *standing,
                               const svb_seen *seen, const svb_rules *rules,
                               apr_time_t now)
{
    svb_condition c = {.slot = -1,
                       .failures = seen->failures,
                       .status = seen->status,
                       .failing = seen->failing};

    name_state(&c, standing, seen);
    say_what_it_may(&c, standing, seen, rules, now);
    if (c.state == SVB_STATE_SLOWSTART) {
        c.until = standing->slow_until;
    }
    else if (c.state == SVB_STATE_SILENT
             && seen->level_since + rules->forget > now) {
        c.until = seen->level_since + rules->forget;
    }
    return c;
}

/* ------------------------------------------------------------- states, noted */

int svb_condition_note(svb_records *records, int node, svb_state state,
                       apr_time_t now)
{
    apr_uint64_t next =
        (apr_uint64_t)now << STATE_BITS | ((apr_uint64_t)state + 1);
    apr_uint64_t seen;

    do {
        seen = svb_records_get(records, node, SVB_WORD_STATE);
        if ((seen & STATE_MASK) == (next & STATE_MASK)) {
            return (int)state;
        }
    } while (!svb_records_swap(records, node, SVB_WORD_STATE, seen, next));
    return (int)(seen & STATE_MASK) - 1;
}

int svb_condition_noted(svb_records *records, int node)
{
    return (int)(svb_records_get(records, node, SVB_WORD_STATE) & STATE_MASK)
           - 1;
}

apr_time_t svb_condition_since(svb_records *records, int node)
{
    return (apr_time_t)(svb_records_get(records, node, SVB_WORD_STATE)
                        >> STATE_BITS);
}
