/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/mod_sharing.h"

#include "memory/mod_segments.h"

/* The lower bits of a boot are random: two that begin in one millisecond. */
#define BOOT_SHIFT 16

static svb_sharing_words *state;
static svb_ring *ring;
static svb_journal journal;

#define ROUNDED(size) (((size) + 63) & ~(apr_size_t)63)

static void push(void *baton, apr_uint64_t id, svb_change what)
{
    svb_ring_push(baton, id, what);
}

apr_status_t svb_sharing_start(server_rec *main_server, apr_pool_t *pconf)
{
    int is_new;
    char *mem;

    if (!svb_store_get()->on) {
        return APR_SUCCESS;
    }
    mem = svb_segments_extra(
        main_server, ROUNDED(sizeof(svb_sharing_words)) + svb_ring_size(),
        &is_new);
    if (!mem) {
        return APR_ENOMEM;
    }
    state = (svb_sharing_words *)mem;
    svb_ring_open(&ring, mem + ROUNDED(sizeof(svb_sharing_words)), pconf);
    if (is_new) {
        state->newcomer = state->announce = 1;
        state->periods = SVB_JOURNAL_PERIODS;
    }
    journal = (svb_journal){push, ring, &state->periods};
    svb_clients_set_journal(svb_segments_clients(), &journal);
    svb_clients_set_frozen(svb_segments_clients(), &state->frozen_at);
    return APR_SUCCESS;
}

svb_sharing_words *svb_sharing(void)
{
    return state;
}

svb_ring *svb_sharing_ring(void)
{
    return ring;
}

svb_expect *svb_sharing_expect(void)
{
    return state ? &state->expect : NULL;
}

apr_uint64_t svb_sharing_store_ms(apr_time_t now)
{
    return (apr_uint64_t)((now + state->offset) / 1000);
}

apr_time_t svb_sharing_local(apr_uint64_t store_ms)
{
    return store_ms > INT64_MAX / 1000
               ? 0
               : (apr_time_t)store_ms * 1000 - state->offset;
}

apr_uint64_t svb_sharing_boot_ms(void)
{
    return state->boot >> BOOT_SHIFT;
}

int svb_sharing_is_complete(void)
{
    if (!state) {
        return 1;
    }
    if (state->link != SVB_LINK_CONNECTED || state->newcomer) {
        return 0;
    }
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        if (state->fronts[i].used && state->fronts[i].walk != SVB_WALK_NONE) {
            return 0;
        }
    }
    return 1;
}

apr_uint64_t svb_sharing_judged_at(void)
{
    return svb_sharing_store_ms(state->surveyed);
}

svb_front_state svb_sharing_of_front(const svb_front *front)
{
    return svb_front_is(front, svb_sharing_judged_at());
}
