/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A call to the client table, one machine instruction at a time: scenarios, and a
 * child process that goes through one under ptrace.
 */
#ifndef STEPS_H
#define STEPS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "memory/clients.h"
#include "stepping.h"

#define SEC(n) apr_time_from_sec(n)
#define ALL ((apr_size_t)-1)
#define CAPACITY 16 /* eight buckets, thirty-two slots */
#define NODES 3

static const apr_time_t t0 = SEC(1796000000);
static const unsigned char secret[SVB_CLIENTS_SECRET] = "0123456789abcde";

/* The shared memory, and a copy of it to look at. */
typedef struct {
    void *records_mem, *table_mem;
    svb_records *records;
    svb_clients *table;
} world;

static world real, copy;
static int nodes[NODES];

static inline apr_interval_time_t timeout(void *baton, int node, svb_kind kind)
{
    (void)baton;
    (void)node;
    return kind == SVB_KIND_PENDING ? SEC(60) : SEC(1800);
}

static inline void make_world(world *w)
{
    apr_size_t table_size = svb_clients_size(CAPACITY);

    w->records_mem = mmap(NULL, svb_records_size(), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    w->table_mem = mmap(NULL, table_size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(w->records_mem != MAP_FAILED && w->table_mem != MAP_FAILED);
    svb_records_open(&w->records, w->records_mem, pool);
    svb_clients_open(&w->table, w->table_mem, CAPACITY, secret, w->records,
                     pool);
    svb_clients_set_timeout(w->table, timeout, NULL);
}

static inline void setup(void)
{
    pool_setup();
    make_world(&real);
    make_world(&copy);
    for (int i = 0; i < NODES; i++) {
        char route[] = {'n', (char)('0' + i), 0};

        nodes[i] = svb_records_add(real.records, "servoy", route);
    }
}

/* Clients far apart from one another, as hashes are. */
static inline apr_uint64_t id_of(unsigned n)
{
    return svb_clients_id(real.table, (const char *)&n, sizeof(n));
}

static inline int where(world *w, apr_uint64_t id, apr_time_t now)
{
    svb_client client;

    return svb_clients_find(w->table, id, now, &client) ? client.node : -1;
}

/* ---------------------------------------------------- the calls to interrupt */

/* Client 1 is the one it is about, 2 its new id; those from 100 on stand by. */
typedef struct {
    const char *name;
    unsigned bystanders; /* 24 fit easily, with 60 the table is full */
    int known;           /* client 1 is on node 0 at the beginning */
    void (*call)(world *w, apr_time_t now);
} scenario;

static inline void call_put(world *w, apr_time_t now)
{
    svb_clients_put(w->table, id_of(1), nodes[1], SVB_KIND_WEB, now);
}

static inline void call_touch(world *w, apr_time_t now)
{
    svb_clients_touch(w->table, id_of(1), now + SEC(1));
}

static inline void call_remove(world *w, apr_time_t now)
{
    (void)now;
    svb_clients_remove(w->table, id_of(1), t0);
}

static inline void call_rename(world *w, apr_time_t now)
{
    svb_clients_rename(w->table, id_of(1), id_of(2), nodes[0], SVB_KIND_WEB,
                       now);
}

static inline void call_sweep(world *w, apr_time_t now)
{
    svb_clients_sweep(w->table, svb_clients_buckets(w->table) - 2, now);
}

static inline void call_window(world *w, apr_time_t now)
{
    svb_clients_window(w->table, id_of(1), nodes[0], now);
}

static inline void call_remember(world *w, apr_time_t now)
{
    svb_clients_remember(w->table, id_of(1), now);
}

static const scenario scenarios[] = {
    {"a new client", 24, 0, call_put},
    {"a new client in a full table", 60, 0, call_put},
    {"a client that moves", 24, 1, call_put},
    {"a client that is seen", 24, 1, call_touch},
    {"a client that goes", 24, 1, call_remove},
    {"a client that is renamed", 24, 1, call_rename},
    {"a client that is renamed in a full table", 60, 1, call_rename},
    {"a client that opens a window", 24, 1, call_window},
    {"a window that nobody knows", 24, 0, call_window},
    {"a client that is remembered", 24, 1, call_remember},
    {"a sweep", 24, 1, call_sweep},
};

/* The table at the beginning of a scenario. */
static inline void prepare(const scenario *s)
{
    memset(real.table_mem, 0, svb_clients_size(CAPACITY));
    for (int i = 0; i < NODES; i++) {
        svb_records_next_epoch(real.records, nodes[i]);
    }
    for (unsigned i = 0; i < s->bystanders; i++) {
        svb_clients_put(real.table, id_of(100 + i), nodes[i % 2], SVB_KIND_WEB,
                        t0);
    }
    if (s->known) {
        svb_clients_put(real.table, id_of(1), nodes[0], SVB_KIND_WEB, t0);
    }
    if (s->call == call_sweep) {
        /* Something to do for it: dead clients and a wrong count. */
        for (unsigned i = 0; i < 5; i++) {
            svb_clients_put(real.table, id_of(i + 300), nodes[2], SVB_KIND_WEB,
                            t0 - SEC(3600));
        }
        svb_records_clients_add(real.records, nodes[0],
                                svb_records_epoch(real.records, nodes[0]),
                                SVB_KIND_WEB, 3);
    }
}

/* ------------------------------------------------------------------ stepping */

/* Start a child that stops right before the call and after it, or return -1 where
 * ptrace is not to be had. */
static inline pid_t start(const scenario *s)
{
    pid_t pid = traced();

    if (pid == 0) {
        if (s->call == call_sweep) {
            /* Begin and end of a pass look at every node; leave them out. */
            svb_clients_sweep(real.table, 1, t0);
        }
        raise(SIGSTOP);
        s->call(&real, t0);
        raise(SIGSTOP);
        _exit(0);
    }
    return stopped(pid) ? pid : -1;
}

#endif /* STEPS_H */
