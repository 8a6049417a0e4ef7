/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "course/mod_windows.h"

#include <signal.h>
#include <stdatomic.h>

#include <ap_mpm.h>
#include <apr_file_io.h>
#include <apr_thread_proc.h>
#include <http_core.h>
#include <http_protocol.h>

#include "course/frames.h"
#include "memory/mod_segments.h"

#define LOOK_EVERY apr_time_from_msec(100)

/* How many looks a WebSocket that was asked to end may take for it. */
#define LOOKS_ASKED 3

/* A close frame of a server's, 1001: going away. */
#define GOODBYE "\x88\x02\x03\xe9"

enum { FREE, TAKEN, OPEN, BUSY, ASKED, CUT };

#define CACHE_LINE 64

/* The owner writes what is not atomic before OPEN; the watcher reads it in BUSY. */
typedef struct {
    _Atomic int state __attribute__((aligned(CACHE_LINE)));
    _Atomic int node;
    _Atomic apr_uint64_t closes; /* the node's word when the request was sent */
    apr_socket_t *socket;        /* the client's */
    int can_ask;                 /* frames are known: step 1 makes sense */
    int looks;                   /* the watcher's, since it has asked */
} slot;

/* What the request knows of its own. */
struct svb_window {
    slot *slot;
    request_rec *r;
    svb_frames frames;
    int has_said;          /* goodbye */
    ap_filter_t *out, *in; /* in their chains, or NULL */
};

static ap_filter_rec_t *out_filter, *in_filter;

/* This child's, since svb_windows_start(). */
static slot *slots;
static int slots_n;
static apr_thread_t *watcher;
static apr_file_t *stop_in, *stop_out;

static apr_uint64_t closes_of(int node)
{
    return svb_records_get(svb_segments_records(), node, SVB_WORD_CLOSES);
}

/* ------------------------------------------------------ the watcher's thread */

static int is_closed(slot *s)
{
    return atomic_load(&s->closes) != closes_of(atomic_load(&s->node));
}

/* The slot is BUSY. @return the state to leave it in */
static int end(slot *s, int was)
{
    if (was == OPEN && s->can_ask) {
        s->looks = 0;
        apr_socket_shutdown(s->socket, APR_SHUTDOWN_READ);
        return ASKED;
    }
    apr_socket_shutdown(s->socket, APR_SHUTDOWN_READWRITE);
    return CUT;
}

static void look(slot *s)
{
    int was = atomic_load(&s->state), seen = was;

    if (!((was == OPEN && is_closed(s))
          || (was == ASKED && ++s->looks >= LOOKS_ASKED))
        || !atomic_compare_exchange_strong(&s->state, &seen, BUSY)) {
        return;
    }
    /* It may be another's by now, which has opened in between. */
    atomic_store(&s->state, is_closed(s) ? end(s, was) : was);
}

static void *APR_THREAD_FUNC watch(apr_thread_t *thread, void *dummy)
{
    char c;

    (void)thread, (void)dummy;
    while (APR_STATUS_IS_TIMEUP(apr_file_getc(&c, stop_in))) {
        for (int i = 0; i < slots_n; i++) {
            look(&slots[i]);
        }
    }
    return NULL;
}

/* In prefork this may run in a signal handler. */
static apr_status_t stop(void *dummy)
{
    apr_status_t rv;

    (void)dummy;
    apr_file_putc('\0', stop_out);
    return apr_thread_join(&rv, watcher);
}

/* Signals are for the threads of the MPM. */
static apr_status_t create_watcher(apr_pool_t *p)
{
    apr_status_t rv;
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rv = apr_thread_create(&watcher, NULL, watch, NULL, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rv;
}

void svb_windows_start(apr_pool_t *pchild, server_rec *s)
{
    char *mem;
    apr_status_t rv = ap_mpm_query(AP_MPMQ_MAX_THREADS, &slots_n);

    /* One request of a thread at a time; and one that ends when the next begins. */
    slots_n = 2 * (rv == APR_SUCCESS && slots_n > 0 ? slots_n : 1);
    mem = apr_pcalloc(pchild, (apr_size_t)slots_n * sizeof(slot) + CACHE_LINE);
    slots = (slot *)(mem + (CACHE_LINE - (apr_uintptr_t)mem % CACHE_LINE));
    rv = apr_file_pipe_create_ex(&stop_in, &stop_out, APR_WRITE_BLOCK, pchild);
    if (rv == APR_SUCCESS) {
        rv = apr_file_pipe_timeout_set(stop_in, LOOK_EVERY);
    }
    if (rv == APR_SUCCESS) {
        rv = create_watcher(pchild);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(
            APLOG_MARK, APLOG_ERR, rv, s,
            SVB_LOGNO(0067) "no thread to watch over WebSockets: those "
                            "of this child cannot be closed");
        return;
    }
    apr_pool_pre_cleanup_register(pchild, NULL, stop);
}

/* ---------------------------------------------------------- the slot's owner */

static slot *take_slot(void)
{
    static _Atomic unsigned next;
    unsigned begin = atomic_fetch_add(&next, 1);

    for (int i = 0; i < slots_n; i++) {
        slot *s = &slots[(begin + (unsigned)i) % (unsigned)slots_n];
        int seen = FREE;

        if (atomic_load(&s->state) == FREE
            && atomic_compare_exchange_strong(&s->state, &seen, TAKEN)) {
            return s;
        }
    }
    return NULL;
}

static int settled(slot *s)
{
    int now;

    while ((now = atomic_load(&s->state)) == BUSY) {
        apr_thread_yield();
    }
    return now;
}

/* @return the state that it had */
static int free_slot(slot *s)
{
    int was;

    do {
        was = settled(s);
    } while (!atomic_compare_exchange_weak(&s->state, &was, FREE));
    return was;
}

static void open_slot(svb_window *w)
{
    const char *protocol = apr_table_get(w->r->headers_in, "Upgrade");

    w->slot->socket = ap_get_conn_socket(w->r->connection);
    w->slot->can_ask = w->r->status == HTTP_SWITCHING_PROTOCOLS
                       && !ap_cstr_casecmp(protocol, "websocket");
    if (w->slot->can_ask) {
        w->in =
            ap_add_input_filter_handle(in_filter, w, w->r, w->r->connection);
    }
    atomic_store(&w->slot->state, OPEN);
}

/* mod_proxy_http says so by the status; mod_proxy_wstunnel sends on what comes, to
 * the connection itself. */
static int is_tunnel(const request_rec *r)
{
    return r->status == HTTP_SWITCHING_PROTOCOLS
           || r->output_filters->frec->ftype >= AP_FTYPE_CONNECTION;
}

static void remove_out(svb_window *w)
{
    if (w->out) {
        ap_remove_output_filter(w->out);
        w->out = NULL;
    }
}

void svb_windows_expected(svb_request *req, request_rec *r)
{
    const svb_member *member = req->choice.member;
    svb_window *w = req->window;
    apr_uint64_t closes;

    if (!member || member->node < 0 || r->connection->master
        || !apr_table_get(r->headers_in, "Upgrade")) {
        return;
    }
    if (!w) {
        w = req->window = apr_pcalloc(r->pool, sizeof(*w));
        w->r = r;
    }
    if (!w->slot && !(w->slot = take_slot())) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      SVB_LOGNO(0068) "more WebSockets than threads: this one "
                                      "cannot be closed");
        return;
    }
    /* Whoever closes a node disables it before. Where that came after the node was
     * chosen, this one is to be closed as well. */
    closes = closes_of(member->node);
    if (member->worker->s->status
        & (PROXY_WORKER_DISABLED | PROXY_WORKER_STOPPED)) {
        closes--;
    }
    atomic_store(&w->slot->node, member->node);
    atomic_store(&w->slot->closes, closes);
    if (!w->out) {
        w->out = ap_add_output_filter_handle(out_filter, w, r, r->connection);
    }
}

static void tell(const svb_window *w, int node)
{
    ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, w->r->server,
                 SVB_LOGNO(0066) "fleet %s, node %s: a WebSocket was closed",
                 svb_records_name(svb_segments_records(), node),
                 svb_records_route(svb_segments_records(), node));
}

void svb_windows_ended(svb_request *req)
{
    svb_window *w = req->window;
    int node, was;

    if (!w || !w->slot) {
        return;
    }
    remove_out(w);
    if (w->in) {
        ap_remove_input_filter(w->in);
        w->in = NULL;
    }
    node = atomic_load(&w->slot->node);
    was = free_slot(w->slot);
    w->slot = NULL;
    if (was == ASKED || was == CUT) {
        tell(w, node);
    }
}

/* ------------------------------------------------------------------ filters */

/* Of a filter that was removed from the connection's chain, the request's own chains
 * still know, so that it may be called once more: without a slot it does nothing. What
 * ends the request and its svb_window comes only then. */

static void read_frames(svb_window *w, apr_bucket_brigade *bb)
{
    for (apr_bucket *b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t len;

        if (!APR_BUCKET_IS_METADATA(b)
            && apr_bucket_read(b, &data, &len, APR_BLOCK_READ) == APR_SUCCESS) {
            svb_frames_read(&w->frames, data, len);
        }
    }
}

/* Nothing follows a close frame. */
static void drop_data(apr_bucket_brigade *bb)
{
    apr_bucket *next;

    for (apr_bucket *b = APR_BRIGADE_FIRST(bb); b != APR_BRIGADE_SENTINEL(bb);
         b = next) {
        next = APR_BUCKET_NEXT(b);
        if (!APR_BUCKET_IS_METADATA(b)) {
            apr_bucket_delete(b);
        }
    }
}

/* Between two frames, and unless the client has not even taken what was sent before. */
static void say_goodbye(svb_window *w)
{
    conn_rec *c = w->r->connection;
    apr_bucket_brigade *bb;

    if (w->has_said || !svb_frames_between(&w->frames)
        || c->data_in_output_filters) {
        return;
    }
    w->has_said = 1;
    bb = apr_brigade_create(w->r->pool, c->bucket_alloc);
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_immortal_create(GOODBYE,
                                                           sizeof(GOODBYE) - 1,
                                                           c->bucket_alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_flush_create(c->bucket_alloc));
    (void)ap_pass_brigade(w->out->next, bb);
}

static apr_status_t pass_to_client(svb_window *w, ap_filter_t *f,
                                   apr_bucket_brigade *bb)
{
    int opens = atomic_load(&w->slot->state) == TAKEN;
    apr_status_t rv;

    if (w->has_said) {
        drop_data(bb);
        return ap_pass_brigade(f->next, bb);
    }
    read_frames(w, bb);
    rv = ap_pass_brigade(f->next, bb);
    if (opens) {
        open_slot(w);
    }
    else if (settled(w->slot) == ASKED) {
        say_goodbye(w);
    }
    return rv;
}

/* All that goes to the client, from the first byte of the answer. */
static apr_status_t on_output(ap_filter_t *f, apr_bucket_brigade *bb)
{
    svb_window *w = f->ctx;

    if (w->slot && w->out == f) {
        if (is_tunnel(w->r)) {
            return pass_to_client(w, f, bb);
        }
        if (!ap_is_HTTP_INFO(w->r->status)) {
            remove_out(w);
        }
    }
    return ap_pass_brigade(f->next, bb);
}

/* What the client has sent before is still read, and goes to the node. */
static apr_status_t on_input(ap_filter_t *f, apr_bucket_brigade *bb,
                             ap_input_mode_t mode, apr_read_type_e block,
                             apr_off_t readbytes)
{
    svb_window *w = f->ctx;

    if (w->slot && settled(w->slot) == ASKED) {
        say_goodbye(w);
    }
    return ap_get_brigade(f->next, bb, mode, block, readbytes);
}

void svb_windows_register(apr_pool_t *p)
{
    (void)p;
    out_filter = ap_register_output_filter("SERVOY_WINDOW_OUT", on_output, NULL,
                                           AP_FTYPE_CONNECTION);
    in_filter = ap_register_input_filter("SERVOY_WINDOW_IN", on_input, NULL,
                                         AP_FTYPE_CONNECTION);
}
