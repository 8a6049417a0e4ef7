/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/mod_admin.h"

#include <math.h>

#include <apr_strings.h>

#include "memory/clients.h"
#include "memory/mod_autosave.h"
#include "memory/mod_segments.h"
#include "nodes/condition.h"

/* A node's word: a mode, and a loadfactor in hundredths where one was set. */
#define MODE_MASK 0xffu
#define MODE_NORMAL 0u
#define MODE_DRAIN 1u
#define MODE_DISABLED 2u
#define MODE_MAINTENANCE 3u
#define MODE_ENABLED 4u /* against what the configuration says */
#define LOADFACTOR_SHIFT 16
#define LOADFACTOR_MASK 0xffffu

/* The mode's bits in a member's status, and all that enabling takes away. An
 * administrator who enables a node knows that it is there: no need to wait for
 * its retry time. */
#define MODE_BITS (PROXY_WORKER_DRAIN | PROXY_WORKER_DISABLED)
#define CONFIGURED_BITS (MODE_BITS | PROXY_WORKER_STOPPED)
#define ENABLE_BITS (MODE_BITS | PROXY_WORKER_STOPPED | PROXY_WORKER_IN_ERROR)

/* What the configuration sets for each node's members; since the last start. */
static unsigned configured[SVB_RECORDS_MAX];

static unsigned bits_of(unsigned mode)
{
    return mode == MODE_DRAIN      ? PROXY_WORKER_DRAIN
           : mode == MODE_DISABLED ? PROXY_WORKER_DISABLED
                                   : 0;
}

static unsigned mode_of(int node)
{
    return (unsigned)svb_records_get(svb_segments_records(), node,
                                     SVB_WORD_ADMIN)
           & MODE_MASK;
}

static int loadfactor_of(int node)
{
    return (int)(svb_records_get(svb_segments_records(), node, SVB_WORD_ADMIN)
                     >> LOADFACTOR_SHIFT
                 & LOADFACTOR_MASK);
}

static void set_word(int node, unsigned mode, int loadfactor)
{
    svb_records_set(svb_segments_records(), node, SVB_WORD_ADMIN,
                    mode | (apr_uint64_t)loadfactor << LOADFACTOR_SHIFT);
    svb_records_doubt(svb_segments_records(), node, 1);
}

int svb_admin_has_word(int node)
{
    return mode_of(node) != MODE_NORMAL && mode_of(node) != MODE_ENABLED;
}

int svb_admin_in_maintenance(int node)
{
    return mode_of(node) == MODE_MAINTENANCE;
}

/* ------------------------------------------------------------------ members */

/* What to do with each member of a node. */
typedef void member_fn(const svb_member *member, void *baton);

static void each_member(const svb_model *model, int node, member_fn *fn,
                        void *baton)
{
    for (int i = 0; i < model->balancers->nelts; i++) {
        const svb_members *members =
            svb_members_get(APR_ARRAY_IDX(model->balancers, i, svb_balancer *));

        if (svb_model_repeats(model->balancers, i)) {
            continue;
        }
        for (int j = 0; j < members->n; j++) {
            if (members->all[j].node == node) {
                fn(&members->all[j], baton);
            }
        }
    }
}

static void obey_word(const svb_member *member, void *dummy)
{
    int loadfactor = loadfactor_of(member->node);

    (void)dummy;
    if (mode_of(member->node) != MODE_NORMAL) {
        member->worker->s->status &= ~CONFIGURED_BITS;
    }
    member->worker->s->status |= bits_of(mode_of(member->node));
    if (loadfactor) {
        member->worker->s->lbfactor = loadfactor;
    }
}

static void set_member_mode(const svb_member *member, void *mode)
{
    unsigned wanted = *(unsigned *)mode;
    proxy_worker_shared *s = member->worker->s;

    s->status &= ~(wanted == MODE_NORMAL ? ENABLE_BITS : MODE_BITS);
    s->status |= bits_of(wanted);
}

static void set_member_loadfactor(const svb_member *member, void *loadfactor)
{
    member->worker->s->lbfactor = *(int *)loadfactor;
}

/* What the members of a node show, all together. */
typedef struct {
    int members;
    unsigned bits;  /* of the mode, that some member shows */
    int loadfactor; /* the word's */
    int differs;    /* some member has another loadfactor */
} shown_sum;

static void add_shown(const svb_member *member, void *baton)
{
    shown_sum *sum = baton;

    sum->members++;
    sum->bits |= member->worker->s->status & CONFIGURED_BITS;
    sum->differs |= member->worker->s->lbfactor != sum->loadfactor;
}

void svb_admin_apply(const svb_model *model)
{
    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        shown_sum sum = {0};

        if (!svb_records_used(svb_segments_records(), node)) {
            continue;
        }
        each_member(model, node, add_shown, &sum);
        configured[node] = sum.bits;
        if (mode_of(node) == MODE_ENABLED && sum.members && !sum.bits) {
            /* The configuration agrees by now. */
            set_word(node, MODE_NORMAL, loadfactor_of(node));
        }
        if (svb_records_get(svb_segments_records(), node, SVB_WORD_ADMIN)) {
            each_member(model, node, obey_word, NULL);
        }
    }
}

/* ------------------------------------------------------------------ actions */

static void change_mode(const svb_model *model, int node, unsigned mode)
{
    /* Where the configuration says otherwise, it says so again after a restart,
     * and the enabling has to be done again. */
    unsigned word =
        mode == MODE_NORMAL && configured[node] ? MODE_ENABLED : mode;

    /* The word last: what it says is looked for in the members. */
    each_member(model, node, set_member_mode, &mode);
    set_word(node, word, loadfactor_of(node));
    if (mode == MODE_NORMAL) {
        static const svb_rules any = {apr_time_from_sec(1), 0, 0};

        svb_condition_met(svb_segments_records(), node, SVB_MET_ENABLED, 0, 0,
                          &any, apr_time_now());
    }
}

static void change_loadfactor(const svb_model *model, int node, double value)
{
    int loadfactor = (int)lrint(value * 100);

    each_member(model, node, set_member_loadfactor, &loadfactor);
    set_word(node, mode_of(node), loadfactor);
}

static void reset_member_bytes(const svb_member *member, void *dummy)
{
    (void)dummy;
    member->worker->s->transferred = 0;
    member->worker->s->read = 0;
}

static void reset_counters(const svb_model *model, int node)
{
    each_member(model, node, reset_member_bytes, NULL);

    for (int i = 0; i < SVB_COUNTERS; i++) {
        svb_records_set_counter(svb_segments_records(), node, i, 0);
    }
}

/* Their processes look at the word (course/mod_windows.h). Of two administrators who
 * say so at once both are heard if one is. */
void svb_admin_close(int node)
{
    svb_records *records = svb_segments_records();
    apr_uint64_t seen = svb_records_get(records, node, SVB_WORD_CLOSES);

    svb_records_swap(records, node, SVB_WORD_CLOSES, seen, seen + 1);
}

void svb_admin_forget(int node)
{
    svb_clients_forget(svb_segments_clients(), node, apr_time_now());
}

static void carry_out(const svb_model *model, int node,
                      const svb_action *action)
{
    switch (action->kind) {
    case SVB_ACTION_DRAIN:
        change_mode(model, node, MODE_DRAIN);
        break;
    case SVB_ACTION_ENABLE:
        change_mode(model, node, MODE_NORMAL);
        break;
    case SVB_ACTION_DISABLE:
        change_mode(model, node, MODE_DISABLED);
        break;
    case SVB_ACTION_MAINTENANCE:
        change_mode(model, node, MODE_MAINTENANCE);
        break;
    case SVB_ACTION_CLOSE:
        svb_admin_close(node);
        break;
    case SVB_ACTION_LOADFACTOR:
        change_loadfactor(model, node, action->value);
        break;
    case SVB_ACTION_FORGET:
        svb_admin_forget(node);
        break;
    case SVB_ACTION_RESET:
        reset_counters(model, node);
        break;
    case SVB_ACTIONS:
        break;
    }
}

static void note_any(const svb_member *member, void *any)
{
    (void)member;
    *(int *)any = 1;
}

static void say(int node, svb_action_kind kind, const char *who)
{
    char text[SVB_RECORDS_TEXT + 1];

    if (svb_action_is_kept(kind)) {
        apr_snprintf(text, sizeof(text), "%s by %s", svb_action_done(kind),
                     who);
        svb_records_say(svb_segments_records(), node, text);
    }
}

int svb_admin_act(const svb_model *model, const svb_action *action,
                  const char *who)
{
    int node =
        svb_records_find(svb_segments_records(), action->fleet, action->node);
    int any = 0;

    if (node >= 0) {
        each_member(model, node, note_any, &any);
    }
    if (!any) {
        return -1;
    }
    say(node, action->kind, who);
    carry_out(model, node, action);
    svb_autosave_said(model->main_server);
    return node;
}

/* Whether it is enabled against the configuration is for each front end to know. */
static unsigned mode_said(apr_uint64_t word)
{
    unsigned mode = (unsigned)(word & MODE_MASK);

    return mode == MODE_DRAIN || mode == MODE_DISABLED
                   || mode == MODE_MAINTENANCE
               ? mode
               : MODE_NORMAL;
}

void svb_admin_obey(const svb_model *model, int node, apr_uint64_t word,
                    const char *who)
{
    int loadfactor = (int)(word >> LOADFACTOR_SHIFT & LOADFACTOR_MASK);

    svb_records_say(svb_segments_records(), node, who);
    /* A loadfactor alone says nothing of whether the node is fine. */
    if (loadfactor == loadfactor_of(node)
        || mode_said(word) != mode_said(mode_of(node))) {
        change_mode(model, node, mode_said(word));
    }
    if (loadfactor) {
        each_member(model, node, set_member_loadfactor, &loadfactor);
        set_word(node, mode_of(node), loadfactor);
    }
    svb_autosave_said(model->main_server);
}

/* ------------------------------------------------------------- reconciling */

static void reconcile(const svb_model *model, int node)
{
    unsigned mode = mode_of(node);
    shown_sum sum = {.loadfactor = loadfactor_of(node)};

    each_member(model, node, add_shown, &sum);
    if (!sum.members) {
        return; /* it may come back */
    }
    if ((bits_of(mode) && !(sum.bits & bits_of(mode)))
        || (mode == MODE_ENABLED && sum.bits)) {
        mode = MODE_NORMAL;
    }
    if (mode != mode_of(node) || (sum.loadfactor && sum.differs)) {
        set_word(node, mode, sum.differs ? 0 : sum.loadfactor);
    }
}

void svb_admin_reconcile(const svb_model *model)
{
    svb_records *records = svb_segments_records();

    for (int node = 0; node < SVB_RECORDS_MAX; node++) {
        if (svb_records_used(records, node)
            && svb_records_get(records, node, SVB_WORD_ADMIN)) {
            reconcile(model, node);
        }
    }
}
