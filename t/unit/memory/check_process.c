/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * process: one process is not taken for another that has its pid.
 */
#include "memory/process.h"
#include "workers.h"

static apr_int64_t child_number(pid_t *pid)
{
    apr_int64_t *number = share(sizeof(*number));

    *pid = fork();
    if (*pid == 0) {
        *number = svb_process_self();
        atomic_fetch_add(&board->ready, 1);
        for (;;) {
            pause();
        }
    }
    ck_assert_int_gt(*pid, 0);
    while (!atomic_load(&board->ready)) {
        usleep(100);
    }
    return *number;
}

START_TEST(alive_and_dead)
{
    apr_int64_t self = svb_process_self(), child;
    pid_t pid;

    child = child_number(&pid);
    ck_assert_int_gt(self, 0);
    ck_assert_int_eq(svb_process_self(), self);
    ck_assert_int_ne(child, self);
    ck_assert(svb_process_is_alive(self));
    ck_assert(svb_process_is_alive(child));
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert(!svb_process_is_alive(child));
}
END_TEST

/* The pid is in use, but by somebody who began at another time. */
START_TEST(same_pid_again)
{
    apr_int64_t self = svb_process_self();

    ck_assert(!svb_process_is_alive(self ^ (apr_int64_t)1 << 32));
    ck_assert(!svb_process_is_alive(self + ((apr_int64_t)5 << 32)));
}
END_TEST

/* Where nobody tells when processes began: one of the same group is meant, and a
 * daemon that has got the pid since is not. */
START_TEST(without_a_beginning)
{
    pid_t pid;
    apr_int64_t child = child_number(&pid) & 0x7fffffff;

    ck_assert(svb_process_is_alive(child));
    ck_assert_int_eq(setpgid(pid, pid), 0);
    ck_assert(!svb_process_is_alive(child));
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert(!svb_process_is_alive(child));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("process");
    TCase *tc = tcase_create("process");

    tcase_add_checked_fixture(tc, workers_setup, NULL);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, alive_and_dead);
    tcase_add_test(tc, same_pid_again);
    tcase_add_test(tc, without_a_beginning);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(suite()));
}
