/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "share/notes.h"

#include "share/wire.h"

#define HEARTBEAT SVB_WIRE_TAG('s', 'v', 'b', 'h')
#define SAID SVB_WIRE_TAG('s', 'v', 'b', 'a')

/* Longest of both, without the code. */
#define NOTE_MAX 512

static const char *cut(const char *text, apr_size_t most, apr_pool_t *p)
{
    return apr_pstrndup(p, text, most);
}

static svb_exchange_bytes sealed(const unsigned char *note,
                                 const unsigned char *end, const svb_mac *mac,
                                 apr_pool_t *p)
{
    apr_size_t len = (apr_size_t)(end - note);
    unsigned char *bytes = apr_palloc(p, len + SVB_MAC_SIZE);

    memcpy(bytes, note, len);
    svb_mac_put(mac, bytes, len);
    return (svb_exchange_bytes){(char *)bytes, len + SVB_MAC_SIZE};
}

/* @return whether there is anything to read, beginning with this tag */
static int begin(svb_wire *w, const svb_exchange_bytes *bytes,
                 const svb_mac *mac, apr_uint64_t tag)
{
    if (!svb_mac_is_good(mac, bytes)) {
        return 0;
    }
    *w = (svb_wire){.at = (const unsigned char *)bytes->data,
                    .left = bytes->len - SVB_MAC_SIZE};
    return svb_wire_get(w, 4) == tag;
}

/* ------------------------------------------------------------------- heartbeats */

svb_exchange_bytes svb_heartbeat_write(const svb_heartbeat *beat,
                                       const svb_mac *mac, apr_pool_t *p)
{
    unsigned char note[NOTE_MAX];

    svb_wire_put(note, 4, HEARTBEAT);
    svb_wire_put(note + 4, 1, beat->least);
    svb_wire_put(note + 5, 1, beat->most);
    svb_wire_put(note + 6, 8, beat->boot);
    svb_wire_put(note + 14, 8, beat->number);
    svb_wire_put(note + 22, 8, beat->time);
    svb_wire_put(note + 30, 8, beat->clients);
    svb_wire_put(note + 38, 4, beat->elections);
    svb_wire_put(note + 42, 4, beat->lag);
    return sealed(note,
                  svb_wire_put_name(
                      note + 46, cut(beat->version, SVB_HEARTBEAT_VERSION, p)),
                  mac, p);
}

/* What a later version adds stands at the end, and is left alone. */
int svb_heartbeat_read(const svb_exchange_bytes *bytes, const svb_mac *mac,
                       svb_heartbeat *beat, apr_pool_t *p)
{
    svb_wire w;

    if (!begin(&w, bytes, mac, HEARTBEAT)) {
        return 0;
    }
    beat->least = (unsigned)svb_wire_get(&w, 1);
    beat->most = (unsigned)svb_wire_get(&w, 1);
    beat->boot = svb_wire_get(&w, 8);
    beat->number = svb_wire_get(&w, 8);
    beat->time = svb_wire_get(&w, 8);
    beat->clients = svb_wire_get(&w, 8);
    beat->elections = (apr_uint32_t)svb_wire_get(&w, 4);
    beat->lag = (apr_uint32_t)svb_wire_get(&w, 4);
    beat->version = svb_wire_get_name(&w, SVB_HEARTBEAT_VERSION, p);
    return !w.failed;
}

/* ------------------------------------------------------------------------ words */

svb_exchange_bytes svb_said_write(const svb_said *said, const svb_mac *mac,
                                  apr_pool_t *p)
{
    unsigned char note[NOTE_MAX], *to = note + 36;

    svb_wire_put(note, 4, SAID);
    svb_wire_put(note + 4, 8, said->said_at);
    svb_wire_put(note + 12, 8, said->word);
    svb_wire_put(note + 20, 8, said->forgot_at);
    svb_wire_put(note + 28, 8, said->closed_at);
    to = svb_wire_put_name(to, cut(said->fleet, SVB_NAME_MAX, p));
    to = svb_wire_put_name(to, cut(said->route, SVB_NAME_MAX, p));
    to = svb_wire_put_name(to, cut(said->who, SVB_RECORDS_TEXT, p));
    return sealed(note, to, mac, p);
}

static const char *get_text(svb_wire *w, apr_pool_t *p)
{
    return w->left && *w->at     ? svb_wire_get_name(w, SVB_RECORDS_TEXT, p)
           : svb_wire_take(w, 1) ? ""
                                 : NULL;
}

int svb_said_read(const svb_exchange_bytes *bytes, const svb_mac *mac,
                  svb_said *said, apr_pool_t *p)
{
    svb_wire w;

    if (!begin(&w, bytes, mac, SAID)) {
        return 0;
    }
    said->said_at = svb_wire_get(&w, 8);
    said->word = svb_wire_get(&w, 8);
    said->forgot_at = svb_wire_get(&w, 8);
    said->closed_at = svb_wire_get(&w, 8);
    said->fleet = svb_wire_get_name(&w, SVB_NAME_MAX, p);
    said->route = svb_wire_get_name(&w, SVB_NAME_MAX, p);
    said->who = get_text(&w, p);
    return !w.failed;
}
