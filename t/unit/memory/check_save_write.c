/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * svb_save: whatever happens while a file is written, the one before it stays; and
 * one that cannot be used is set aside.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "saved.h"

static void look_at_temp(void)
{
    struct stat st;

    ck_assert_int_eq(lstat(temp, &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, 3);
}

START_TEST(mode)
{
    world w = new_world(10);
    struct stat st;

    add_nodes(&w, 1);
    add_clients(&w, 1, 1);
    spew((const unsigned char *)"old", 3);
    chmod(path, 0666);
    umask(0);
    hook = look_at_temp;
    save(&w);
    ck_assert_ptr_null(hook);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(left_by_a_crash)
{
    world w = new_world(10);
    const char *victim = apr_pstrcat(pool, folder, "/victim", NULL);
    struct stat st;
    int fd;

    fd = open(temp, O_WRONLY | O_CREAT, 0666);
    ck_assert_int_eq(write(fd, "half a file", 11), 11);
    close(fd);
    save(&w);
    load(&w);
    /* a link is not followed, whether it leads anywhere or not */
    fd = open(victim, O_WRONLY | O_CREAT, 0644);
    close(fd);
    ck_assert_int_eq(symlink(victim, temp), 0);
    save(&w);
    load(&w);
    ck_assert_int_eq(stat(victim, &st), 0);
    ck_assert_int_eq(st.st_size, 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0644);
    unlink(victim);
    ck_assert_int_eq(symlink(victim, temp), 0);
    save(&w);
    ck_assert(!exists(victim));
    /* a folder is left alone */
    mkdir(temp, 0700);
    ck_assert(save_at(&w, t0) != APR_SUCCESS);
    ck_assert_str_eq(error, "cannot be saved: its temporary file cannot be "
                            "created");
    ck_assert(exists(temp));
    rmdir(temp);
    load(&w);
}
END_TEST

START_TEST(no_folder)
{
    world w = new_world(10);

    path = apr_pstrcat(pool, folder, "/none/clients", NULL);
    ck_assert(APR_STATUS_IS_ENOENT(save_at(&w, t0)));
    ck_assert(APR_STATUS_IS_ENOENT(load_at(&w, t0)));
}
END_TEST

/* ------- where there is no room */

/* The file system takes no more than so many bytes. */
START_TEST(full_disk)
{
    world a = new_world(100), b = new_world(10000), c;
    struct rlimit limit, low;
    const rlim_t size = HEADER + 3 * NODE + 5000 * CLIENT + TRAILER;
    apr_size_t len, was;
    unsigned char *before;

    add_nodes(&a, 2);
    add_clients(&a, 2, 3);
    save(&a);
    before = slurp(&was);
    add_nodes(&b, 3);
    add_clients(&b, 3, 5000);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    for (rlim_t room = 0; room < size; room += 8000) {
        apr_status_t rv;

        low = limit;
        low.rlim_cur = size - 1 - room;
        setrlimit(RLIMIT_FSIZE, &low);
        rv = save_at(&b, t0);
        setrlimit(RLIMIT_FSIZE, &limit);
        ck_assert_msg(rv != APR_SUCCESS, "%d too few", (int)room);
        ck_assert_str_eq(error, "cannot be saved: its temporary file cannot "
                                "be written");
        ck_assert(!exists(temp));
        ck_assert_mem_eq(slurp(&len), before, was);
        ck_assert_uint_eq(len, was);
    }
    save(&b);
    slurp(&len);
    ck_assert_uint_eq(len, size);
    c = new_world(10000);
    load(&c);
    ck_assert_uint_eq(result.clients, 5000);
}
END_TEST

static int calls_left;
static struct rlimit unlimited;

static void make_room(void)
{
    if (--calls_left > 0) {
        hook = make_room;
    }
    else {
        setrlimit(RLIMIT_FSIZE, &unlimited);
    }
}

static void take_room(void)
{
    struct rlimit low = unlimited;

    low.rlim_cur = 10000;
    setrlimit(RLIMIT_FSIZE, &low);
    hook = make_room;
}

/* One block cannot be written, those after it could. */
START_TEST(full_for_a_while)
{
    world w = new_world(10000);

    add_nodes(&w, 3);
    add_clients(&w, 3, 5000);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &unlimited);
    calls_left = 2000;
    hook = take_room;
    ck_assert(save_at(&w, t0) != APR_SUCCESS);
    setrlimit(RLIMIT_FSIZE, &unlimited);
    ck_assert(!exists(temp) && !exists(path));
    calls_left = 2000;
    hook = make_room;
    save(&w);
    ck_assert_int_eq(calls_left, 0);
}
END_TEST

/* ------- a slice at a time */

static int open_live(void)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    return fd;
}

/* Written in so many steps, into a file that was longer before. */
static void in_steps(unsigned steps, unsigned clients)
{
    world a = new_world(2 * clients + 10), b = new_world(2 * clients + 10);
    apr_size_t buckets = svb_clients_buckets(a.clients);
    svb_save_facts facts = facts_at(t0);
    svb_save_writer *w;
    int fd = open_live();

    add_nodes(&a, 3);
    add_clients(&a, 3, clients);
    w = svb_save_begin(fd, a.records, a.clients, NULL, &facts, pool);
    /* a node that comes too late, and its client */
    svb_records_add(a.records, "servoy", "late");
    for (unsigned i = 0; i <= steps; i++) {
        ck_assert_int_eq(svb_save_step(w, buckets * i / (steps + 1), t0), 0);
    }
    /* what fits in a block is not in the file yet */
    ck_assert(clients < 1000 || read_at(NULL, t0) != APR_SUCCESS);
    ck_assert_int_eq(svb_save_end(w, t0), 0);
    load(&b);
    ck_assert_uint_eq(result.nodes, 3);
    ck_assert_uint_eq(assert_clients(&a, &b), clients);
    close(fd);
    end_world(&a);
    end_world(&b);
}

START_TEST(slices)
{
    in_steps(0, 3);
    in_steps(100, 300000);
    in_steps(7, 5000);
    in_steps(10, 3);
}
END_TEST

START_TEST(slices_on_a_full_disk)
{
    world w = new_world(10000);
    svb_save_facts facts = facts_at(t0);
    struct rlimit limit, low;
    svb_save_writer *writer;
    int fd = open_live();

    add_nodes(&w, 3);
    add_clients(&w, 3, 5000);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    low = limit;
    low.rlim_cur = 20000;
    setrlimit(RLIMIT_FSIZE, &low);
    writer = svb_save_begin(fd, w.records, w.clients, NULL, &facts, pool);
    ck_assert(svb_save_step(writer, svb_clients_buckets(w.clients), t0) != 0);
    ck_assert(svb_save_end(writer, t0) != 0);
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert(read_at(NULL, t0) != APR_SUCCESS);
    close(fd);
}
END_TEST

/* ------- two writers, and a killed one */

static world *second;

static void save_second(void)
{
    ck_assert_int_eq(save_at(second, t0), APR_SUCCESS);
}

static void steal_temp(void)
{
    int fd;

    unlink(temp);
    fd = open(temp, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(write(fd, "theirs", 6), 6);
    close(fd);
}

/* Two processes write at once. */
START_TEST(two_writers)
{
    world a = new_world(4000), b = new_world(10), c = new_world(10);
    struct stat st;

    add_nodes(&a, 2);
    add_clients(&a, 2, 2000);
    add_nodes(&b, 1);
    second = &b;
    hook = save_second;
    ck_assert_int_eq(save_at(&a, t0), APR_EBUSY);
    ck_assert_str_eq(error, "is being saved by another process too");
    ck_assert(!exists(temp));
    load(&c);
    ck_assert_uint_eq(result.nodes, 1);
    /* the other one has not finished */
    hook = steal_temp;
    ck_assert_int_eq(save_at(&a, t0), APR_EBUSY);
    ck_assert_int_eq(stat(temp, &st), 0);
    ck_assert_int_eq(st.st_size, 6);
    load(&c);
}
END_TEST

START_TEST(killed)
{
    world a = new_world(60000), b;

    add_nodes(&a, 2);
    add_clients(&a, 2, 30000);
    save(&a);
    srand(1);
    for (int i = 0; i < 20; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            for (;;) {
                save_at(&a, t0);
            }
        }
        usleep(500 + (unsigned)rand() % 20000);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        b = new_world(60000);
        load(&b);
        ck_assert_uint_eq(result.clients, 30000);
        end_world(&b);
    }
    save(&a);
}
END_TEST

/* ------- setting aside */

START_TEST(set_aside)
{
    const char *first = apr_pstrcat(pool, path, ".bad-20261130005320", NULL);
    const char *to = NULL;
    apr_size_t len;
    world w;

    ck_assert(
        APR_STATUS_IS_ENOENT(svb_save_file_set_aside(path, t0, pool, &to)));
    ck_assert_ptr_null(to);
    spew((const unsigned char *)"one", 3);
    ck_assert_int_eq(svb_save_file_set_aside(path, t0, pool, &to), APR_SUCCESS);
    ck_assert_str_eq(to, first);
    ck_assert(!exists(path));
    mkdir(path, 0700);
    ck_assert_int_eq(svb_save_file_set_aside(path, t0, pool, &to), APR_SUCCESS);
    ck_assert_str_eq(to, apr_pstrcat(pool, first, "-2", NULL));
    ck_assert_int_eq(rmdir(to), 0);
    ck_assert_int_eq(symlink("nowhere", to), 0);
    small_file(&w, &len);
    ck_assert_int_eq(svb_save_file_set_aside(path, t0, pool, &to), APR_SUCCESS);
    ck_assert_str_eq(to, apr_pstrcat(pool, first, "-3", NULL));
    path = apr_pstrdup(pool, to);
    load(&w);
    unlink(apr_pstrcat(pool, first, "-2", NULL));
    path = apr_pstrdup(pool, first);
    ck_assert_mem_eq(slurp(&len), "one", 3);
    unlink(to);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, mode);
    tcase_add_test(tc, left_by_a_crash);
    tcase_add_test(tc, no_folder);
    tcase_add_test(tc, full_disk);
    tcase_add_test(tc, full_for_a_while);
    tcase_add_test(tc, slices);
    tcase_add_test(tc, slices_on_a_full_disk);
    tcase_add_test(tc, two_writers);
    tcase_add_test(tc, killed);
    tcase_add_test(tc, set_aside);
}

int main(void)
{
    return run_saved("save_write", add_tests);
}
