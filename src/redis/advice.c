/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "redis/advice.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define SHOWN 160

/* Looked for in this order. */
static const struct {
    const char *says; /* how the answer begins, or, with a *, what is in it */
    const char *advice;
} answers[] = {
    {"NOAUTH",
     "it wants a password: give passwordfile=, and user= unless it is "
     "that of the default user"},
    {"WRONGPASS", "user= or what passwordfile= holds is not right"},
    {"*called without any password configured",
     "it has no password: leave out passwordfile=, or set one there"},
    {"*wrong number of arguments for 'auth'",
     "it knows no users: Redis 6.2 or later is needed"},
    {"NOPERM", "the user lacks a right: conf/servoy-redis.conf has them all"},
    {"READONLY", "it is a replica: give an address that follows the primary"},
    {"MASTERDOWN", "it is a replica that has lost its primary"},
    {"LOADING", "it has just been started and reads its files"},
    {"BUSY", "it is held up by a script of somebody's"},
    {"OOM", "its memory is full: raise maxmemory there"},
    {"MISCONF",
     "it cannot save and therefore writes nothing: it needs not save "
     "(save \"\" there)"},
    {"NOREPLICAS", "it has too few replicas to write"},
    {"MOVED",
     "it is part of a cluster, and another one is in charge of this name=: "
     "give the address of that"},
    {"ASK", "it is part of a cluster that is being moved"},
    {"CLUSTERDOWN", "its cluster is down"},
    {"DENIED",
     "it is in protected mode: give it a password, or let it listen on "
     "127.0.0.1 alone"},
    {"WRONGTYPE", "another program uses the same keys: give another name="},
    {"*DB index is out of range", "it has fewer databases: give another number "
                                  "behind the / of the URL"},
    {"*SELECT is not allowed in cluster mode",
     "a cluster has database 0 alone: leave out the number"},
    {"*max number of clients", "raise maxclients there"},
    {"ERR unknown command",
     "Redis 6.2 or later, or Valkey, is needed, with none of "
     "its commands renamed"},
    {"ERR Invalid stream ID", "Redis 6.2 or later, or Valkey, is needed"},
    {"ERR syntax error", "Redis 6.2 or later, or Valkey, is needed"},
};

/* A copy without control characters and quotes, and not too long. */
static const char *printable(const char *text, apr_size_t len, apr_pool_t *p)
{
    apr_size_t n = len < SHOWN ? len : SHOWN;
    char *copy = apr_palloc(p, n + 1);

    for (apr_size_t i = 0; i < n; i++) {
        copy[i] = apr_isprint(text[i]) && !(text[i] & 0x80) && text[i] != '"'
                      ? text[i]
                      : '?';
    }
    copy[n] = '\0';
    return copy;
}

static int fits(const char *shown, const char *says)
{
    return *says == '*' ? strstr(shown, says + 1) != NULL
                        : !strncmp(shown, says, strlen(says));
}

const char *svb_advice(const char *command, const char *text, apr_size_t len,
                       apr_pool_t *p)
{
    const char *shown = printable(text, len, p);

    for (apr_size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (fits(shown, answers[i].says)) {
            return apr_psprintf(p, "%s: \"%s\": %s", command, shown,
                                answers[i].advice);
        }
    }
    return apr_psprintf(p, "%s: \"%s\"", command, shown);
}
