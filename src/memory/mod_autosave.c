/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/mod_autosave.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "memory/mod_live.h"
#include "memory/mod_segments.h"
#include "memory/process.h"
#include "memory/save.h"
#include "memory/words.h"

/* Each half minute the table is written once, over most of that: a client that
 * begins where the walk has just passed is in the next file, which is whole in
 * time. */
#define TABLE_EVERY apr_time_from_sec(30)
#define SPREAD apr_time_from_sec(25)

/* Who has not written for so long has gone. */
#define PAUSE apr_time_from_sec(5)

/* Words are looked after more often than once in this, unless nobody does. */
#define WATCHED_EVERY apr_time_from_msec(900)

/* -------------------------------------------------------------------- words */

/* Of this process. A request and the watchdog may meet: the second one leaves it
 * to the first, or to the next tick. */
static atomic_flag in_words = ATOMIC_FLAG_INIT;
static apr_pool_t *pool;
static svb_words *last, *now_said;

static int set_lock(int fd, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};

    return fcntl(fd, F_SETLK, &lock) == 0;
}

/* Written unless it is on the disk already: as this process has written it last,
 * and nobody else since. */
static apr_status_t write_words(int fd)
{
    svb_saving *saving = &svb_segments_shared()->saving;
    apr_status_t rv;

    svb_words_collect(now_said, svb_segments_records());
    if (saving->words_number == svb_words_number(last)
        && svb_words_same(now_said, last)) {
        return APR_SUCCESS;
    }
    rv = svb_words_write(now_said, fd, saving->words_place,
                         atomic_fetch_add(&saving->number, 1) + 1,
                         apr_time_now());
    if (rv == APR_SUCCESS) {
        svb_words *was = last;

        saving->words_place = (saving->words_place + 1) % SVB_WORDS_PLACES;
        saving->words_number = svb_words_number(now_said);
        last = now_said;
        now_said = was;
    }
    return rv;
}

apr_status_t svb_autosave_words(void)
{
    const svb_live *live = svb_live_files();
    apr_status_t rv = APR_SUCCESS;

    if (!live || atomic_flag_test_and_set(&in_words)) {
        return APR_SUCCESS;
    }
    if (!pool) {
        apr_pool_create(&pool, NULL);
        last = svb_words_new(pool);
        now_said = svb_words_new(pool);
    }
    if (set_lock(live->nodes, F_WRLCK)) {
        rv = write_words(live->nodes);
        set_lock(live->nodes, F_UNLCK);
    }
    atomic_flag_clear(&in_words);
    return rv;
}

/* -------------------------------------------------------------------- table */

static struct {
    apr_pool_t *p;
    svb_save_writer *writer; /* NULL: nothing is being written */
    apr_time_t begun;        /* when the last one was */
    apr_int64_t process;
} table;

/* Is it for this process to write the table? */
static int is_ours(apr_time_t now)
{
    svb_saving *saving = &svb_segments_shared()->saving;
    apr_int64_t process = saving->process;
    apr_interval_time_t pause = now - saving->process_at;

    if (!table.process) {
        table.process = svb_process_self();
    }
    if (process != table.process) {
        table.writer = NULL;
        if ((process && pause >= 0 && pause < PAUSE)
            || !atomic_compare_exchange_strong(&saving->process, &process,
                                               table.process)) {
            return 0;
        }
    }
    saving->process_at = now;
    return 1;
}

svb_save_facts svb_autosave_facts(apr_time_t now)
{
    svb_shared *shared = svb_segments_shared();
    svb_save_facts facts = {
        .number = atomic_fetch_add(&shared->saving.number, 1) + 1,
        .saved = now,
        .evicted_at =
            svb_evictions_last(svb_clients_evictions(svb_segments_clients()))};

    memcpy(facts.secret, shared->secret, sizeof(facts.secret));
    return facts;
}

static void begin_table(const svb_live *live, apr_time_t now)
{
    svb_save_facts facts = svb_autosave_facts(now);

    if (!table.p) {
        apr_pool_create(&table.p, NULL);
    }
    apr_pool_clear(table.p);
    table.writer =
        svb_save_begin(live->tables[svb_segments_shared()->saving.table_file],
                       svb_segments_records(), svb_segments_clients(),
                       svb_segments_history(), &facts, table.p);
    table.begun = now;
}

/* As much of the table as is due by now. */
static apr_status_t go_on(apr_time_t now)
{
    apr_size_t buckets = svb_clients_buckets(svb_segments_clients());
    apr_interval_time_t age = now - table.begun;
    svb_saving *saving = &svb_segments_shared()->saving;
    apr_status_t rv;

    if (age < SPREAD) {
        rv = svb_save_step(table.writer,
                           (apr_size_t)((double)buckets * (double)age / SPREAD),
                           now);
        table.writer = rv == APR_SUCCESS ? table.writer : NULL;
        return rv;
    }
    rv = svb_save_end(table.writer, now);
    table.writer = NULL;
    if (rv == APR_SUCCESS) {
        saving->table_file = (saving->table_file + 1) % SVB_LIVE_TABLES;
    }
    return rv;
}

static apr_status_t write_table(const svb_live *live, apr_time_t now)
{
    /* The clock may have been set back. */
    if (now < table.begun) {
        table.begun = now - TABLE_EVERY;
        table.writer = NULL;
    }
    if (!is_ours(now)) {
        return APR_SUCCESS;
    }
    if (!table.writer && now - table.begun >= TABLE_EVERY) {
        begin_table(live, now);
    }
    return table.writer ? go_on(now) : APR_SUCCESS;
}

/* --------------------------------------------------------------------- both */

/* Once when it begins to fail, and once when it is over. */
static void tell(server_rec *s, apr_status_t rv)
{
    static apr_status_t told;

    if (rv != APR_SUCCESS && !told) {
        ap_log_error(
            APLOG_MARK, APLOG_ERR, rv, s,
            SVB_LOGNO(0086) "state cannot be saved: a crash would lose "
                            "what is said and learned from now on");
    }
    else if (rv == APR_SUCCESS && told) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                     SVB_LOGNO(0087) "state is saved again");
    }
    told = rv;
}

void svb_autosave_tick(server_rec *s)
{
    static apr_status_t of_table; /* until one could be written to its end */
    const svb_live *live = svb_live_files();
    apr_time_t now = apr_time_now();
    int was_open = table.writer != NULL;
    apr_status_t rv, rv_table;

    if (!live) {
        return;
    }
    rv = svb_autosave_words();
    svb_segments_shared()->saving.watched = now;
    rv_table = write_table(live, now);
    if (rv_table != APR_SUCCESS || (was_open && !table.writer)) {
        of_table = rv_table;
    }
    tell(s, rv != APR_SUCCESS ? rv : of_table);
}

void svb_autosave_stop(void)
{
    svb_shared *shared = svb_segments_shared();
    apr_int64_t process = table.process;

    table.writer = NULL;
    if (process) {
        atomic_compare_exchange_strong(&shared->saving.process, &process, 0);
    }
}

void svb_autosave_said(server_rec *s)
{
    apr_interval_time_t since =
        apr_time_now() - svb_segments_shared()->saving.watched;

    if (since < 0 || since > WATCHED_EVERY) {
        tell(s, svb_autosave_words());
    }
}
