/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/mod_persist.h"

#include <unistd.h>

#include <http_core.h>

#include "memory/mod_autosave.h"
#include "memory/mod_live.h"
#include "memory/mod_segments.h"
#include "memory/save.h"
#include "memory/words.h"

#define DEFAULT_FILE "servoy_balancer.state"

/* With more clients than this, writing them may take longer than the second that
 * a stop may take: it is 0.1 s for each million, 16 MB, on a virtual machine whose
 * disk takes 160 MB a second. */
#define QUICKLY_SAVED 8000000

struct svb_persist {
    apr_pool_t *p;
    const char *path;
    svb_save *save;   /* verified, or NULL */
    const char *name; /* its */
    int stopped;      /* the last server did not crash */
    svb_words *words; /* later than the table, or NULL */
};

/* What the cleanup at the parent's end needs. */
typedef struct {
    apr_pool_t *p;
    server_rec *server;
    const char *path;
    pid_t parent;
} ending;

const char *svb_persist_path(apr_pool_t *p, const char *file)
{
    return ap_runtime_dir_relative(p, file ? file : DEFAULT_FILE);
}

/* ------------------------------------------------------------ can it be written */

static void tell_unwritable(server_rec *s, int fatal, apr_status_t rv,
                            const char *path, const char *why)
{
    ap_log_error(APLOG_MARK, fatal ? APLOG_CRIT : APLOG_WARNING, rv, s,
                 SVB_LOGNO(0084) "ServoyPersist: %s cannot be written: %s",
                 path, why);
}

int svb_persist_check(apr_pool_t *p, server_rec *s, const char *path)
{
    const char *why = NULL;
    apr_status_t rv = svb_save_file_may(path, p, &why);
    int only_tested = ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST
                      && geteuid() != 0 && APR_STATUS_IS_EACCES(rv);

    /* What a restart cannot write is told then: a server that runs goes on. */
    if (rv == APR_SUCCESS || svb_segments_exist()) {
        return 1;
    }
    tell_unwritable(s, !only_tested, 0, path, why);
    return only_tested;
}

void svb_persist_check_size(server_rec *s, apr_size_t capacity)
{
    if (capacity > QUICKLY_SAVED) {
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, s,
            SVB_LOGNO(0085) "ServoyClientTable %" APR_SIZE_T_FMT
                            ": a stop takes longer than a second when "
                            "there are more than %d clients to save; "
                            "make it smaller, or set ServoyPersist off",
            capacity, QUICKLY_SAVED);
    }
}

/* ------------------------------------------------------------------ what is there */

/* A file that cannot be used is kept for whoever wants to look, out of the way
 * of the next one. */
static void set_aside(apr_pool_t *p, server_rec *s, const char *path,
                      const char *err)
{
    const char *to;
    apr_status_t rv = svb_save_file_set_aside(path, apr_time_now(), p, &to);

    ap_log_error(APLOG_MARK, APLOG_WARNING, rv == APR_SUCCESS ? 0 : rv, s,
                 SVB_LOGNO(0081) "saved state not used: %s: %s; %s%s", path,
                 err,
                 rv == APR_SUCCESS ? "the file is now " : "it stays in place",
                 rv == APR_SUCCESS ? to : "");
}

/* What a server has left that was stopped. */
static void look_for_stopped(svb_persist *found, server_rec *s)
{
    const char *err = NULL;
    svb_save *save = NULL;
    apr_status_t rv = svb_save_open(found->path, found->p, &save, &err);

    if (rv == APR_SUCCESS) {
        rv = svb_save_verify(save, &err);
    }
    if (rv == APR_SUCCESS) {
        found->save = save;
        found->name = found->path;
        found->stopped = 1;
    }
    else if (!APR_STATUS_IS_ENOENT(rv)) {
        set_aside(found->p, s, found->path, err);
    }
}

/* What one has left that was killed: of the two tables one may not be whole, since
 * it was being written, and both were empty at first. */
static void look_for_killed(svb_persist *found, server_rec *s)
{
    svb_save *saves[SVB_LIVE_TABLES] = {NULL};
    const char *names[SVB_LIVE_TABLES], *err;
    apr_status_t rv;
    int first;

    for (int i = 0; i < SVB_LIVE_TABLES; i++) {
        names[i] = svb_live_table(found->p, found->path, i);
        rv = svb_save_open(names[i], found->p, &saves[i], &err);
        if (rv == SVB_SAVE_EUNSAFE) {
            set_aside(found->p, s, names[i], err);
        }
    }
    first = !saves[0]
            || (saves[1]
                && svb_save_facts_of(saves[1])->number
                       > svb_save_facts_of(saves[0])->number);
    for (int n = 0; n < SVB_LIVE_TABLES && !found->save; n++) {
        int i = n == 0 ? first : !first;

        if (saves[i] && svb_save_verify(saves[i], &err) == APR_SUCCESS) {
            found->save = saves[i];
            found->name = names[i];
        }
    }
}

/* Are these words later than those in the table's file? A file of version 1 has no
 * number. */
static int are_later(const svb_words *words, const svb_save *save)
{
    const svb_save_facts *facts = save ? svb_save_facts_of(save) : NULL;

    if (!facts) {
        return 1;
    }
    return facts->number ? svb_words_number(words) > facts->number
                         : svb_words_saved(words) > facts->saved;
}

static void look_for_words(svb_persist *found, server_rec *s)
{
    const char *name = svb_live_nodes(found->p, found->path), *err = NULL;
    svb_words *words = svb_words_new(found->p);
    apr_status_t rv = svb_words_read(words, name, &err);

    if (rv == APR_SUCCESS) {
        found->words = are_later(words, found->save) ? words : NULL;
    }
    else if (!APR_STATUS_IS_ENOENT(rv)) {
        set_aside(found->p, s, name, err);
    }
}

static const char *time_of(apr_pool_t *p, apr_time_t when)
{
    char *text = apr_palloc(p, APR_RFC822_DATE_LEN);

    apr_rfc822_date(text, when);
    return text;
}

static void tell_crash(const svb_persist *found, server_rec *s)
{
    ap_log_error(
        APLOG_MARK, APLOG_NOTICE, 0, s,
        SVB_LOGNO(
            0088) "the server was not stopped, but ended: clients are "
                  "those of %s, what administrators have set is that of %s",
        found->save ? time_of(found->p, svb_save_facts_of(found->save)->saved)
                    : "no time",
        found->words ? time_of(found->p, svb_words_saved(found->words))
                     : "the same time");
}

svb_persist *svb_persist_look(apr_pool_t *p, server_rec *s, const char *path)
{
    svb_persist *found = apr_pcalloc(p, sizeof(*found));

    found->p = p;
    found->path = path;
    look_for_stopped(found, s);
    if (!found->save) {
        look_for_killed(found, s);
    }
    look_for_words(found, s);
    if (!found->save && !found->words) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                     SVB_LOGNO(0080) "no saved state in %s: starting empty",
                     path);
    }
    else if (!found->stopped) {
        tell_crash(found, s);
    }
    return found;
}

const unsigned char *svb_persist_secret(const svb_persist *found)
{
    return found->save ? svb_save_facts_of(found->save)->secret : NULL;
}

/* --------------------------------------------------------------------- restoring */

/* How old the table is, and when it last dropped somebody. */
static void restore_age(const svb_persist *found, const svb_save_result *result)
{
    const svb_save_facts *facts = svb_save_facts_of(found->save);
    svb_evictions *evictions = svb_clients_evictions(svb_segments_clients());
    svb_shared *shared = svb_segments_shared();

    if (found->stopped && !result->other_secret && facts->known_since
        && result->nodes_skipped == 0
        && facts->known_since < shared->known_since) {
        shared->known_since = facts->known_since;
    }
    if (facts->evicted_at <= shared->started
        && facts->evicted_at > svb_evictions_last(evictions)) {
        svb_evictions_restore(evictions, facts->evicted_at);
    }
}

static void restore_table(svb_persist *found, server_rec *s)
{
    const char *err = NULL;
    svb_save_result result;

    if (svb_save_restore(found->save, svb_segments_records(),
                         svb_segments_clients(), svb_segments_history(),
                         apr_time_now(), &result, &err)
        != APR_SUCCESS) {
        set_aside(found->p, s, found->name, err);
        found->save = NULL;
        return;
    }
    restore_age(found, &result);
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, s,
                 SVB_LOGNO(0082) "saved state restored from %s: %u nodes, "
                                 "%" APR_UINT64_T_FMT
                                 " clients; %" APR_UINT64_T_FMT
                                 " clients are gone by now",
                 found->name, result.nodes, result.clients, result.skipped);
}

void svb_persist_restore(svb_persist *found, server_rec *s)
{
    svb_saving *saving = &svb_segments_shared()->saving;

    if (found->save) {
        saving->number = svb_save_facts_of(found->save)->number;
        restore_table(found, s);
    }
    if (found->words) {
        if (svb_words_number(found->words) > saving->number) {
            saving->number = svb_words_number(found->words);
        }
        svb_words_restore(found->words, svb_segments_records());
    }
}

/* ------------------------------------------------------------------------ saving */

static apr_status_t write_all(const ending *end, const char **err)
{
    svb_save_facts facts = svb_autosave_facts(apr_time_now());

    facts.known_since = svb_segments_shared()->known_since;
    return svb_save_write(end->path, svb_segments_records(),
                          svb_segments_clients(), svb_segments_history(),
                          &facts, end->p, err);
}

/* pconf goes at restarts as well, when the memory stays; and it may go in a
 * child, which has nothing to save. */
static apr_status_t save(void *baton)
{
    const ending *end = baton;
    const char *err = NULL;
    apr_status_t rv;

    if (getpid() != end->parent
        || ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_EXITING) {
        return APR_SUCCESS;
    }
    rv = write_all(end, &err);
    if (rv == APR_SUCCESS) {
        svb_live_end(end->p);
        return APR_SUCCESS;
    }
    /* The next server has what it would have after a crash, then. */
    svb_autosave_words();
    ap_log_error(APLOG_MARK, APLOG_ERR, rv, end->server,
                 SVB_LOGNO(0083) "state not saved: %s: %s", end->path, err);
    return rv;
}

static void save_at_exit(apr_pool_t *pconf, server_rec *s, const char *path)
{
    ending *end = apr_pcalloc(pconf, sizeof(*end));

    end->p = pconf;
    end->server = s;
    end->path = path;
    end->parent = getpid();
    /* Before pconf's own subpools and files go. */
    apr_pool_pre_cleanup_register(pconf, end, save);
}

apr_status_t svb_persist_begin(apr_pool_t *pconf, server_rec *s,
                               const char *path, const svb_persist *found)
{
    const char *why = NULL;
    const svb_save *save = found ? found->save : NULL;
    apr_status_t rv =
        svb_live_begin(pconf, path, save ? found->name : NULL,
                       save ? svb_save_stat_of(save) : NULL, &why);

    /* A server that does not start leaves what it has found as it was; one that
     * runs goes on, and tries again when it stops. */
    if (rv == APR_SUCCESS || !found) {
        save_at_exit(pconf, s, path);
    }
    if (rv != APR_SUCCESS) {
        tell_unwritable(s, found != NULL, rv, path, why);
    }
    return found ? rv : APR_SUCCESS;
}

void svb_persist_end(apr_pool_t *p)
{
    svb_live_end(p);
}
