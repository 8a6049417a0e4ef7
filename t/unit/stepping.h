/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * A child process that goes through a call one machine instruction at a time, under
 * ptrace:
 *
 *     pid = traced();
 *     if (pid == 0) {
 *         raise(SIGSTOP);
 *         the_call();
 *         raise(SIGSTOP);
 *         _exit(0);
 *     }
 *     if (stopped(pid)) {
 *         while (step(pid)) {
 *             look at what it has done so far
 *         }
 *     }
 */
#ifndef STEPPING_H
#define STEPPING_H

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

/** Fork. @return the child's pid, 0 in it */
static inline pid_t traced(void)
{
    pid_t pid = fork();

    if (pid == 0 && ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
        _exit(2);
    }
    return pid;
}

/** Wait until it has stopped for the first time; 0 where ptrace is not to be had. */
static inline int stopped(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSTOPPED(status);
}

/** Let it go on to its end. */
static inline void finish(pid_t pid)
{
    int status;

    do {
        ptrace(PTRACE_CONT, pid, NULL, NULL);
        REQUIRE(waitpid(pid, &status, 0) == pid);
    } while (WIFSTOPPED(status));
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/** One instruction; 0 when the call has returned. */
static inline int step(pid_t pid)
{
    int status;

    if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0) {
        return 0;
    }
    REQUIRE(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
    if (WSTOPSIG(status) == SIGTRAP) {
        return 1;
    }
    finish(pid);
    return 0;
}

#endif /* STEPPING_H */
