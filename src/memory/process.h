/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Telling processes apart, over time: a number that one process has and no other
 * before or after it, though the system gives the same pid again.
 *
 * Where /proc tells when a process began, that is part of the number. Elsewhere a
 * process counts as the one that is meant when it has its pid and is of the same
 * process group as the caller, as all children of a server are.
 *
 * No state, no locks, no allocation; any thread, any phase.
 */
#ifndef SVB_MEMORY_PROCESS_H
#define SVB_MEMORY_PROCESS_H

#include <apr.h>

/** @return the calling process's number, above zero; costs a look into /proc */
apr_int64_t svb_process_self(void);

/**
 * @param process from svb_process_self() of some process of this machine
 * @return whether that process is there
 */
int svb_process_is_alive(apr_int64_t process);

#endif /* SVB_MEMORY_PROCESS_H */
