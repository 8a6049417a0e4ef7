/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_facts.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>

#include "config/closest.h"
#include "config/url.h"

const svb_facts svb_facts_unset = {.maxclients = SVB_UNSET, .probe = SVB_UNSET};

const svb_facts svb_facts_defaults = {.maxclients = 0,
                                      .probe = SVB_PROBE_MEMBERS};

static const char *const probes[] = {"members", "url", "off", NULL};

/* ----------------------------------------------------------------- each key */

static const char *read_url(cmd_parms *cmd, svb_facts *facts, const char *value)
{
    const char *err = svb_url_check(cmd->pool, value);

    facts->url = value;
    return err ? apr_psprintf(cmd->pool, "%s: url=%s: %s", cmd->cmd->name,
                              value, err)
               : NULL;
}

static const char *bad(cmd_parms *cmd, const char *key, const char *value,
                       const char *allowed)
{
    return svb_values_bad(cmd, apr_pstrcat(cmd->pool, key, "=", value, NULL),
                          allowed);
}

static const char *read_group(cmd_parms *cmd, svb_facts *facts,
                              const char *value)
{
    facts->group = value;
    return svb_values_is_name(value)
               ? NULL
               : bad(cmd, "group", value, SVB_NAME_ALLOWED);
}

static const char *read_maxclients(cmd_parms *cmd, svb_facts *facts,
                                   const char *value)
{
    return svb_values_number(value, 0, APR_INT32_MAX, &facts->maxclients)
               ? NULL
               : bad(cmd, "maxclients", value,
                     "expected a number of clients, or 0 for no limit");
}

static const char *read_probe(cmd_parms *cmd, svb_facts *facts,
                              const char *value)
{
    const char *meant = svb_closest(value, probes);

    facts->probe = svb_values_word(value, probes);
    return facts->probe >= 0
               ? NULL
               : bad(cmd, "probe", value,
                     apr_pstrcat(cmd->pool, "expected members, url or off",
                                 meant ? "; did you mean probe=" : "", meant,
                                 meant ? "?" : "", NULL));
}

typedef struct key {
    const char *name;
    const char *(*read)(cmd_parms *cmd, svb_facts *facts, const char *value);
    apr_size_t place; /* of the field */
    int is_text;      /* else an int */
} key;

static const key keys[] = {
    {"url", read_url, APR_OFFSETOF(svb_facts, url), 1},
    {"group", read_group, APR_OFFSETOF(svb_facts, group), 1},
    {"maxclients", read_maxclients, APR_OFFSETOF(svb_facts, maxclients), 0},
    {"probe", read_probe, APR_OFFSETOF(svb_facts, probe), 0},
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* ----------------------------------------------------------------- all keys */

static const char *text_of(const svb_facts *facts, const key *k)
{
    return *(const char *const *)((const char *)facts + k->place);
}

static int number_of(const svb_facts *facts, const key *k)
{
    return *(const int *)((const char *)facts + k->place);
}

static int is_given(const svb_facts *facts, const key *k)
{
    return k->is_text ? text_of(facts, k) != NULL
                      : number_of(facts, k) != SVB_UNSET;
}

static int is_same(const svb_facts *a, const svb_facts *b, const key *k)
{
    if (!k->is_text) {
        return number_of(a, k) == number_of(b, k);
    }
    return is_given(a, k) && is_given(b, k)
               ? !strcmp(text_of(a, k), text_of(b, k))
               : is_given(a, k) == is_given(b, k);
}

static const char *unknown_key(cmd_parms *cmd, const char *arg, apr_size_t len)
{
    static const char *const names[] = {"url", "group", "maxclients", "probe",
                                        NULL};
    const char *meant = svb_closest(apr_pstrmemdup(cmd->pool, arg, len), names);
    const char *bad_arg = svb_values_bad(
        cmd, arg, "expected url=, group=, maxclients= or probe=");

    return meant ? apr_pstrcat(cmd->pool, bad_arg, "; did you mean ", meant,
                               "=?", NULL)
                 : bad_arg;
}

const char *svb_facts_read(cmd_parms *cmd, svb_facts *facts, const char *arg)
{
    apr_size_t len = strcspn(arg, "=");

    for (const key *k = keys; arg[len] && k < keys + KEYS; k++) {
        if (len == strlen(k->name) && !ap_cstr_casecmpn(arg, k->name, len)) {
            return k->read(cmd, facts, arg + len + 1);
        }
    }
    return unknown_key(cmd, arg, len);
}

const char *svb_facts_conflict(const svb_facts *a, const svb_facts *b)
{
    for (const key *k = keys; k < keys + KEYS; k++) {
        if (is_given(a, k) && is_given(b, k) && !is_same(a, b, k)) {
            return k->name;
        }
    }
    return NULL;
}

int svb_facts_equal(const svb_facts *a, const svb_facts *b)
{
    for (const key *k = keys; k < keys + KEYS; k++) {
        if (!is_same(a, b, k)) {
            return 0;
        }
    }
    return 1;
}

void svb_facts_complete(svb_facts *facts, const svb_facts *others)
{
    for (const key *k = keys; k < keys + KEYS; k++) {
        if (!is_given(facts, k)) {
            memcpy((char *)facts + k->place, (const char *)others + k->place,
                   k->is_text ? sizeof(char *) : sizeof(int));
        }
    }
}

const char *svb_facts_text(apr_pool_t *p, const svb_facts *facts)
{
    return apr_psprintf(p, "url=%s group=%s maxclients=%d probe=%s",
                        facts->url ? facts->url : "",
                        facts->group ? facts->group : "", facts->maxclients,
                        probes[facts->probe]);
}
