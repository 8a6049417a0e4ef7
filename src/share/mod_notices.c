/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/mod_notices.h"

#include <apr_strings.h>

#include "memory/events.h"
#include "memory/mod_segments.h"

#define TELL_EVERY apr_time_from_sec(60)

/* What goes on and off is not told each time. */
#define EVENT_EVERY apr_time_from_sec(300)

/* When the store has come back, others have so long to make up for what is missing. */
#define SETTLED apr_time_from_sec(10)

static server_rec *server;

void svb_notices_start(server_rec *main_server)
{
    server = main_server;
}

void svb_notices_event(const char *what, const char *which, apr_time_t now)
{
    char text[SVB_REASON_MAX + 1];

    apr_snprintf(text, sizeof(text), *which ? "%s: %s" : "%s%s", what, which);
    svb_events_add_server(svb_segments_events(), text, "", EVENT_EVERY, now);
}

static void tell(svb_front *front, svb_front_state is, apr_time_t now)
{
    if (is == SVB_FRONT_INCOMPATIBLE) {
        ap_log_error(
            APLOG_MARK, APLOG_ERR, 0, server,
            SVB_LOGNO(0133) "front end %s (version %s) writes in a "
                            "format that this one cannot read: what it "
                            "tells is not used",
            front->name, front->version);
        svb_notices_event("a front end cannot be understood", front->name, now);
    }
    else if (is == SVB_FRONT_GONE) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, server,
                     SVB_LOGNO(0134) "front end %s is gone: no sign of life "
                                     "for 10 seconds",
                     front->name);
        svb_notices_event("front end gone", front->name, now);
    }
    else if (front->told == SVB_FRONT_GONE
             || front->told == SVB_FRONT_INCOMPATIBLE) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, server,
                     SVB_LOGNO(0135) "front end %s is here", front->name);
        svb_notices_event("front end here", front->name, now);
    }
}

static void tell_rejected(apr_time_t now)
{
    svb_sharing_words *words = svb_sharing();

    if (words->rejected == words->told_rejected
        || (now >= words->told_rejected_at
            && now - words->told_rejected_at < TELL_EVERY)) {
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                 SVB_LOGNO(0136) "the shared store has what none of our front "
                                 "ends wrote, or not lately: %" APR_UINT64_T_FMT
                                 " times so far, not used; is the key "
                                 "(ServoySharedKey) the same everywhere?",
                 words->rejected);
    words->told_rejected = words->rejected;
    words->told_rejected_at = now;
}

/* Gaps that repeat have one cause that an administrator can do something about. */
static void tell_gaps(apr_time_t now)
{
    svb_sharing_words *words = svb_sharing();
    int settled = words->link == SVB_LINK_CONNECTED && !words->newcomer
                  && (now < words->since || now - words->since >= SETTLED);

    if (svb_gaps_repeat(&words->repeated, words->gaps, settled, now)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server,
                     SVB_LOGNO(0138) "the shared store %s is there, but again "
                                     "and again what front ends have written "
                                     "is not there any more: does it evict "
                                     "(give it memory, and maxmemory-policy "
                                     "noeviction), or is it flushed or "
                                     "started anew? %" APR_UINT64_T_FMT
                                     " gaps so far, each made up for by "
                                     "telling everything again",
                     svb_store_get()->url, words->gaps);
    }
}

void svb_notices_tell(apr_time_t now)
{
    for (int i = 0; i < SVB_FRONTS_MAX; i++) {
        svb_front *front = &svb_sharing()->fronts[i];
        svb_front_state is;

        if (!front->used) {
            continue;
        }
        is = svb_sharing_of_front(front);
        if (svb_sharing()->link == SVB_LINK_CONNECTED
            && (int)is != front->told) {
            tell(front, is, now);
            front->told = (int)is;
        }
    }
    tell_rejected(now);
    tell_gaps(now);
}
