/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Evidence about the nodes of a fleet in any order, with a clock that jumps, and what
 * must hold whatever happens: a node is never in a state without a cause, every state
 * that ends by itself has a time or a node to be asked, clients are lost only with a
 * level that says so, and a node that answers everybody is ready in bounded time.
 *
 * Input: bytes that are read one by one, as commands.
 */
#include "fuzz.h"

#include "memory/records.h"
#include "nodes/condition.h"

#define NODES 3
#define MEMBERS 2
#define MASK 3u
#define SEC(n) apr_time_from_sec(n)

static const svb_rules rules = {SEC(30), 3, SEC(60)};

static svb_records *records;
static int nodes[NODES];
static apr_time_t now;

static const uint8_t *at, *end;

static unsigned next(void)
{
    return at < end ? *at++ : 0;
}

static svb_seen see(int node)
{
    svb_seen seen;

    svb_condition_see(records, node, MASK, &seen);
    return seen;
}

/* A node goes down only while it can be seen to have done so. */
static void check_loss(int node, int result, svb_level before)
{
    svb_level after = see(node).level;

    if (result & SVB_HAS_LOST) {
        MUST(after == SVB_LEVEL_GONE || after == SVB_LEVEL_SILENT);
    }
    if (before == SVB_LEVEL_ANSWERS && after == SVB_LEVEL_GONE) {
        MUST(!"gone by one member of two");
    }
}

static void check(int node)
{
    static const svb_state words[] = {SVB_STATE_READY, SVB_STATE_DRAINING,
                                      SVB_STATE_STANDBY, SVB_STATE_DISABLED};
    unsigned how = next();
    svb_standing standing = {words[how % 4],     MEMBERS,
                             (int)(how / 4 % 3), -1,
                             how / 16 % 2 == 0,  how & 64 ? now + SEC(5) : 0};
    svb_seen seen = see(node);
    svb_condition c = svb_condition_of(&standing, &seen, &rules, now);

    MUST((c.state == SVB_STATE_READY) == (c.cause == SVB_CAUSE_NONE));
    MUST(c.cause != SVB_CAUSE_MEMBER || c.slot >= 0);
    MUST(c.serves || (!c.takes_new && !c.gets_launches));
    MUST(*svb_state_name(c.state));
    switch (c.state) {
    case SVB_STATE_SUSPECT:
    case SVB_STATE_SLOWSTART:
        MUST(c.until > 0);
        break;
    case SVB_STATE_SILENT: /* asked all the time; until its clients are forgotten */
        MUST(c.until > now || seen.level_since + rules.forget <= now);
        break;
    case SVB_STATE_MAINTENANCE:
        MUST(c.cause == SVB_CAUSE_WORD || c.until > 0);
        break;
    default:
        break;
    }
    /* Nobody waits for longer than the retry time, whatever the clock did. */
    if (seen.service != SVB_SERVICE_FINE) {
        MUST(
            svb_condition_is_due(&seen, &rules, now)
            || svb_condition_is_due(&seen, &rules, now + rules.retry + SEC(2)));
    }
}

static void step(void)
{
    static const int jumps[] = {0, 1, 10, 31, 61, 3600, -1, -3600};
    unsigned what = next();
    int node = nodes[what / 16 % NODES], slot = (int)(what / 64 % MEMBERS);
    svb_level before = see(node).level;
    int result = 0;

    switch (what % 8) {
    case 0:
        now += SEC(jumps[next() % 8]);
        break;
    case 1:
        result = svb_condition_reached(
            records, node, slot, (svb_reach)((int)(next() % 5) - 1), MASK, now);
        break;
    case 2:
        result = svb_condition_tick(records, node, MASK, &rules, now);
        break;
    case 3:
        svb_condition_met(records, node, SVB_MET_FAILURE, 400 + next() % 200,
                          svb_condition_last_began(records, nodes[next() % 3]),
                          &rules, now);
        break;
    case 4:
        svb_condition_met(records, node, SVB_MET_SESSION, 0, 0, &rules, now);
        svb_condition_began(records, node, now);
        break;
    case 5:
        svb_condition_met(records, node, SVB_MET_REFUSAL, 0, 0, &rules, now);
        break;
    case 6:
        (void)svb_condition_may_try(records, node, &rules, now);
        break;
    default:
        svb_condition_hear(records, node, now);
    }
    check_loss(node, result, before);
    check(node);
}

/* It answers those who ask, and whoever may try begins a session. */
static void check_recovery(int node)
{
    svb_standing standing = {SVB_STATE_READY, MEMBERS, MEMBERS, -1, 0, 0};
    svb_seen seen;

    for (int slot = 0; slot < MEMBERS; slot++) {
        svb_condition_reached(records, node, slot, SVB_REACH_OK, MASK, now);
    }
    if (!svb_condition_may_try(records, node, &rules, now)) {
        now += rules.retry + SEC(2);
        MUST(svb_condition_may_try(records, node, &rules, now));
    }
    svb_condition_met(records, node, SVB_MET_SESSION, 0, 0, &rules, now);
    seen = see(node);
    MUST(svb_condition_of(&standing, &seen, &rules, now).state
         == SVB_STATE_READY);
}

/* The nodes are made once, and as new before each input. */
static void begin(void)
{
    if (!records) {
        void *memory;

        MUST(!posix_memalign(&memory, 64, svb_records_size()));
        memset(memory, 0, svb_records_size());
        svb_records_open(&records, memory, root_pool());
    }
    for (int i = 0; i < NODES; i++) {
        char route[] = {'n', (char)('0' + i), 0};

        nodes[i] = svb_records_add(records, "servoy", route);
        for (int word = 0; word < SVB_WORDS; word++) {
            svb_records_set(records, nodes[i], (svb_word)word, 0);
        }
    }
    now = SEC(1796000000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    at = data;
    end = data + size;
    while (at < end) {
        step();
    }
    for (int i = 0; i < NODES; i++) {
        check_recovery(nodes[i]);
    }
    return 0;
}
