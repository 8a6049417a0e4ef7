/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "memory/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The pid is below the time of its beginning, of which the lower bits will do: in
 * ticks of 10 ms they come again after 248 days. */
#define START_SHIFT 32
#define START_MASK 0x7fffffffu

/* The 22nd word of /proc/PID/stat, and where the words begin whose number is
 * certain: the second one, in parentheses, may hold anything. */
#define FIRST_WORD 3
#define START_WORD 22

/* When a process began, in the system's ticks; 0 where nobody tells. */
static unsigned started(pid_t pid)
{
    char path[32], text[1024], *at;
    ssize_t len;
    int fd;

    snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
        return 0;
    }
    len = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (len <= 0) {
        return 0;
    }
    text[len] = '\0';
    at = strrchr(text, ')');
    for (int word = FIRST_WORD - 1; at && word < START_WORD; word++) {
        at = strchr(at + 1, ' ');
    }
    return at ? (unsigned)strtoull(at, NULL, 10) & START_MASK : 0;
}

apr_int64_t svb_process_self(void)
{
    pid_t pid = getpid();

    return (apr_int64_t)started(pid) << START_SHIFT | pid;
}

int svb_process_is_alive(apr_int64_t process)
{
    pid_t pid = (pid_t)(process & 0x7fffffff);
    unsigned then = (unsigned)(process >> START_SHIFT), now;

    if (kill(pid, 0) != 0 && errno == ESRCH) {
        return 0;
    }
    now = started(pid);
    return then && now ? then == now : getpgid(pid) == getpgrp();
}
