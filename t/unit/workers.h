/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Several processes that do the same at the same time, in memory that they share.
 */
#ifndef WORKERS_H
#define WORKERS_H

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

/** How many there are; a test may want another number. */
#ifndef WORKERS
#define WORKERS 4
#endif

/** How many results each worker has room for. */
#define RESULTS 2048

/** Where the processes of a test meet and leave results. */
static struct {
    _Atomic int ready, go;
    int results[WORKERS][RESULTS];
} * board;

/** Memory that forked processes share, all zero. */
static inline void *share(apr_size_t size)
{
    void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert(mem != MAP_FAILED);
    return mem;
}

/** Begin a test: a pool and an empty board. */
static inline void workers_setup(void)
{
    pool_setup();
    board = share(sizeof(*board));
}

static inline int alive(apr_int64_t pid)
{
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

/** Run the body in a process of its own. */
static inline pid_t spawn(void (*body)(int), int worker)
{
    pid_t pid = fork();

    if (pid == 0) {
        body(worker);
        _exit(0);
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

/** Run the body in all workers at the same time. */
static inline void at_once(void (*body)(int))
{
    pid_t pids[WORKERS];
    int status;

    for (int i = 0; i < WORKERS; i++) {
        pids[i] = spawn(body, i);
    }
    while (atomic_load(&board->ready) < WORKERS) {
        usleep(100);
    }
    atomic_store(&board->go, 1);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

/** Run the body in all workers, again and again, until each of them is killed, wherever
 *  it is just then. @param look before each of them is */
static inline void killed_at_work(void (*body)(int), void (*look)(void))
{
    pid_t pids[WORKERS];

    atomic_store(&board->ready, 0);
    atomic_store(&board->go, 1);
    for (int i = 0; i < WORKERS; i++) {
        pids[i] = spawn(body, i);
    }
    while (atomic_load(&board->ready) < WORKERS) {
        usleep(100);
    }
    for (int i = 0; i < WORKERS; i++) {
        look();
        kill(pids[i], SIGKILL);
        ck_assert_int_eq(waitpid(pids[i], NULL, 0), pids[i]);
    }
}

/** In a body: begin when all are here. */
static inline void wait_for_all(void)
{
    atomic_fetch_add(&board->ready, 1);
    while (!atomic_load(&board->go)) {
    }
}

#endif /* WORKERS_H */
