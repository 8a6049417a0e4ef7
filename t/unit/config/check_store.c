/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The line of ServoySharedStore, files of secrets, and which stores are the same. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#include "config/store.h"

/* Reads a line as httpd would take it apart. */
static const char *parse(const char *text, svb_store_line *line)
{
    char **argv;
    int argc = 0;

    apr_tokenize_to_argv(text, &argv, pool);
    while (argv[argc]) {
        argc++;
    }
    return svb_store_parse(pool, argc, argv, line);
}

static const struct {
    const char *text, *url, *host;
    int port, db;
} places[] = {
    {"redis://10.0.0.5:6379/0", "redis://10.0.0.5:6379/0", "10.0.0.5", 6379, 0},
    {"redis://10.0.0.5", "redis://10.0.0.5:6379/0", "10.0.0.5", 6379, 0},
    {"redis://store/", "redis://store:6379/0", "store", 6379, 0},
    {"REDIS://store.example.com:1/7", "redis://store.example.com:1/7",
     "store.example.com", 1, 7},
    {"redis://[::1]:65535/9999", "redis://[::1]:65535/9999", "::1", 65535,
     9999},
    {"redis://[2001:db8::1]", "redis://[2001:db8::1]:6379/0", "2001:db8::1",
     6379, 0},
    {"rediss://store:7000/3", "rediss://store:7000/3", "store", 7000, 3},
    {"redis:store", "redis://store:6379/0", "store", 6379, 0},
    {"redis:10.0.0.5:7", "redis://10.0.0.5:7/0", "10.0.0.5", 7, 0},
    {"redis:[::1]:7", "redis://[::1]:7/0", "::1", 7, 0},
};

START_TEST(a_place)
{
    svb_store_line line;
    const char *error = parse(places[_i].text, &line);

    ck_assert_msg(!error, "%s", error);
    ck_assert_int_eq(line.on, 1);
    ck_assert_str_eq(line.url, places[_i].url);
    ck_assert_str_eq(line.address.host, places[_i].host);
    ck_assert_int_eq(line.address.port, places[_i].port);
    ck_assert_int_eq(line.address.db, places[_i].db);
    ck_assert_int_eq(line.address.tls, !strncmp(line.url, "rediss", 6));
    ck_assert_ptr_null(line.address.path);
    ck_assert_str_eq(line.name, "servoy");
    ck_assert_int_eq(line.address.timeout, 100000);
}
END_TEST

START_TEST(a_socket)
{
    svb_store_line line;

    ck_assert_ptr_null(parse("unix:/run/redis/redis.sock", &line));
    ck_assert_str_eq(line.url, "unix:/run/redis/redis.sock");
    ck_assert_str_eq(line.address.path, "/run/redis/redis.sock");
    ck_assert_ptr_null(line.address.host);
}
END_TEST

START_TEST(off)
{
    svb_store_line line;

    ck_assert_ptr_null(parse("Off", &line));
    ck_assert_int_eq(line.on, 0);
}
END_TEST

START_TEST(options)
{
    svb_store_line line;

    ck_assert_ptr_null(parse("rediss://a user=svb passwordfile=/p Name=prod.1 "
                             "timeout=250ms cafile=/ca certfile=/c keyfile=/k",
                             &line));
    ck_assert_str_eq(line.address.user, "svb");
    ck_assert_str_eq(line.password_file, "/p");
    ck_assert_ptr_null(line.address.password);
    ck_assert_str_eq(line.name, "prod.1");
    ck_assert_int_eq(line.address.timeout, 250000);
    ck_assert_str_eq(line.address.ca_file, "/ca");
    ck_assert_str_eq(line.address.cert_file, "/c");
    ck_assert_str_eq(line.address.key_file, "/k");
}
END_TEST

static const struct {
    const char *text;
    int usec;
} timeouts[] = {
    {"10ms", 10000},
    {"1000ms", 1000000},
    {"1s", 1000000},
    {"1", 1000000},
    {"100MS", 100000},
    {"9ms", -1},
    {"1001ms", -1},
    {"2s", -1},
    {"0", -1},
    {"", -1},
    {"ms", -1},
    {"-10ms", -1},
    {"10 ms", -1},
    {"100us", -1},
    {"1min", -1},
    {"0.1s", -1},
    {"99999999999999999999ms", -1},
};

START_TEST(a_timeout)
{
    svb_store_line line;
    char *argv[] = {"redis://a",
                    apr_pstrcat(pool, "timeout=", timeouts[_i].text, NULL)};
    const char *error = svb_store_parse(pool, 2, argv, &line);

    ck_assert_int_eq(error ? -1 : (int)line.address.timeout, timeouts[_i].usec);
    ck_assert(!error || strstr(error, "from 10ms to 1s"));
}
END_TEST

static const struct {
    const char *text, *why;
} refused[] = {
    {"\"\"", "expected redis://"},
    {"on", "expected redis://"},
    {"store:6379", "expected redis://"},
    {"http://store", "expected redis://"},
    {"/run/redis.sock", "expected redis://"},
    {"memcache:store:11211", "memcached keeps no log"},
    {"memcached://store", "memcached keeps no log"},
    {"shmcb:/x(1)", "keeps no log"},
    {"valkey://store", "for Valkey say redis://"},
    {"redis://svb:geheim@store",
     "\"redis://...@store\" is not allowed here: say "
     "user= and passwordfile="},
    {"redis://:geheim@store/1", "passwordfile="},
    {"redis://svb@store", "user= and passwordfile="},
    {"redis://:ge@heim@store", "\"redis://...@store\""},
    {"redis://", "the host is"},
    {"redis:", "the host is"},
    {"redis:///3", "the host is"},
    {"redis://:6379", "the host is"},
    {"redis://a_b*", "the host is"},
    {"redis://::1", "in brackets"},
    {"redis://::1:6379", "in brackets"},
    {"redis://[::1", "in brackets"},
    {"redis://[", "in brackets"},
    {"redis://[]", "in brackets"},
    {"redis://[::1]6379", "in brackets"},
    {"redis://[store]", "in brackets"},
    {"redis://[10.0.0.5]", "in brackets"},
    {"redis://a:0", "1 to 65535"},
    {"redis://a:65536", "1 to 65535"},
    {"redis://a:", "1 to 65535"},
    {"redis://a:x", "1 to 65535"},
    {"redis://a:-1", "1 to 65535"},
    {"redis://a:99999999999", "1 to 65535"},
    {"redis:a:6379/1", "1 to 65535"},
    {"redis://a/x", "number of a database"},
    {"redis://a/-1", "number of a database"},
    {"redis://a/1/2", "number of a database"},
    {"redis://a/10000", "number of a database"},
    {"redis://a?db=1", "key=value behind the URL"},
    {"redis://a#1", "key=value behind the URL"},
    {"redis://caf\xc3\xa9", "ASCII"},
    {"unix:run/redis.sock", "the whole path"},
    {"unix:", "the whole path"},
    {"unix://host/path", NULL}, /* a path with two slashes, as any */
    {"off redis://a", "nothing stands behind off"},
    {"redis://a name=", "1 to 63 letters"},
    {"redis://a name=a/b", "1 to 63 letters"},
    {"redis://a name={a}", "1 to 63 letters"},
    {"redis://a user= passwordfile=/p", "name of a user"},
    {"redis://a user=svb", "user= needs passwordfile="},
    {"redis://a passwordfile=", "path of a file"},
    {"redis://a password=geheim",
     "password= is not allowed here: a password is"},
    {"redis://a name=a name=b",
     "\"name=b\" is not allowed here: that is said twice"},
    {"redis://a db=1", "expected user=, passwordfile="},
    {"redis://a name", "expected user=, passwordfile="},
    {"redis://a =x", "expected user=, passwordfile="},
    {"redis://a cafile=/ca", "are for rediss://"},
    {"unix:/a certfile=/c keyfile=/k", "are for rediss://"},
    {"rediss://a certfile=/c", "go together"},
};

START_TEST(not_allowed)
{
    svb_store_line line;
    const char *error = parse(refused[_i].text, &line);

    if (!refused[_i].why) {
        ck_assert_ptr_null(error);
        return;
    }
    ck_assert_msg(error != NULL, "%s is taken", refused[_i].text);
    ck_assert_msg(strstr(error, refused[_i].why) != NULL, "%s", error);
    ck_assert_msg(!strstr(error, "geheim") && !strstr(error, "heim@"),
                  "tells a password: %s", error);
}
END_TEST

START_TEST(long_ones)
{
    svb_store_line line;
    char *text = apr_palloc(pool, 400);

    memset(text, 'a', 400);
    memcpy(text, "unix:/", 6);
    text[5 + 107] = '\0';
    ck_assert_ptr_null(parse(text, &line));
    text[5 + 107] = 'a';
    text[5 + 108] = '\0';
    ck_assert(strstr(parse(text, &line), "107 bytes"));
    memset(text, 'a', 399);
    memcpy(text, "redis://", 8);
    text[399] = '\0';
    ck_assert(strstr(parse(text, &line), "the host is"));
}
END_TEST

/* -------------------------------------------------------------------- files */

static char path[] = "/tmp/check_store.XXXXXX";

static void file_setup(void)
{
    pool_setup();
    ck_assert_int_ge(mkstemp(path), 0);
}

static void file_teardown(void)
{
    unlink(path);
    strcpy(path + strlen(path) - 6, "XXXXXX");
    pool_teardown();
}

static void hold(const char *text, size_t len, mode_t mode)
{
    FILE *out = fopen(path, "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(text, 1, len, out), len);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
}

#define HEX "000102030405060708090a0b0c0D0E0F"

static const struct {
    const char *text;
    int good;
} key_files[] = {
    {HEX, 1},
    {HEX "\n", 1},
    {HEX "\r\n", 1},
    {HEX "\n\n", 0},
    {" " HEX, 0},
    {HEX " ", 0},
    {HEX "0", 0},
    {"000102030405060708090a0b0c0D0E0", 0},
    {"000102030405060708090a0b0c0D0E0g", 0},
    {"", 0},
    {"\n", 0},
};

START_TEST(a_key)
{
    unsigned char key[SVB_STORE_KEY];
    const char *error;

    hold(key_files[_i].text, strlen(key_files[_i].text), 0600);
    error = svb_store_read_key(pool, path, key);
    ck_assert_int_eq(!error, key_files[_i].good);
    if (error) {
        ck_assert_msg(strstr(error, path) && strstr(error, "should hold a key"),
                      "%s", error);
        return;
    }
    for (int i = 0; i < SVB_STORE_KEY; i++) {
        ck_assert_int_eq(key[i], i);
    }
}
END_TEST

static const struct {
    const char *text;
    size_t len;
    const char *password; /* NULL: refused */
} password_files[] = {
    {"geheim\n", 7, "geheim"},
    {"ge heim\r\n", 9, "ge heim"},
    {"\xc3\xa9", 2, "\xc3\xa9"},
    {"", 0, NULL},
    {"\n", 1, NULL},
    {"a\nb\n", 4, NULL},
    {"a\0b", 3, NULL},
};

START_TEST(a_password)
{
    const char *password, *error;

    hold(password_files[_i].text, password_files[_i].len, 0400);
    error = svb_store_read_password(pool, path, &password);
    ck_assert_int_eq(!error, password_files[_i].password != NULL);
    if (!error) {
        ck_assert_str_eq(password, password_files[_i].password);
    }
    else {
        ck_assert(strstr(error, "should hold a password"));
    }
}
END_TEST

START_TEST(a_long_password)
{
    char *text = apr_palloc(pool, 5000);
    const char *password;

    memset(text, 'x', 5000);
    hold(text, 1024, 0600);
    ck_assert_ptr_null(svb_store_read_password(pool, path, &password));
    hold(text, 1025, 0600);
    ck_assert_ptr_nonnull(svb_store_read_password(pool, path, &password));
    hold(text, 5000, 0600);
    ck_assert_ptr_nonnull(svb_store_read_password(pool, path, &password));
}
END_TEST

START_TEST(whom_a_file_is_open_to)
{
    static const mode_t too_open[] = {0640, 0604, 0620, 0602, 0644, 0666, 0777};
    unsigned char key[SVB_STORE_KEY];

    for (int i = 0; i < COUNT(too_open); i++) {
        hold(HEX, strlen(HEX), too_open[i]);
        ck_assert(strstr(svb_store_read_key(pool, path, key), "chmod 600"));
        ck_assert(
            strstr(svb_store_check_file(pool, path, "a key"), "chmod 600"));
        ck_assert_ptr_null(svb_store_check_file(pool, path, NULL));
    }
    hold(HEX, strlen(HEX), 0700);
    ck_assert_ptr_null(svb_store_read_key(pool, path, key));
}
END_TEST

START_TEST(no_file)
{
    unsigned char key[SVB_STORE_KEY];

    ck_assert(strstr(svb_store_read_key(pool, "/nowhere/key", key),
                     "/nowhere/key: cannot be read: "));
    ck_assert(
        strstr(svb_store_read_key(pool, "/tmp", key), "/tmp: is not a file"));
}
END_TEST

/* ------------------------------------------------------------------- stores */

static svb_store store(void)
{
    return (svb_store){
        .on = 1,
        .url = "redis://a:1/0",
        .address = {.host = "a", .port = 1, .password = "x", .timeout = 1},
        .name = "n",
        .prefix = "svb:{n}",
        .key = "0123456789abcde",
        .front_end = "fe1",
    };
}

START_TEST(the_same)
{
    svb_store a = store(), b = store();

    ck_assert(svb_store_same(&a, &b));
    b.address.password = "y";
    b.address.user = "z";
    b.address.timeout = 2;
    ck_assert_msg(svb_store_same(&a, &b), "how it is reached may change");
    b = store();
    b.url = "redis://b:1/0";
    ck_assert(!svb_store_same(&a, &b));
    b = store();
    b.name = "m";
    ck_assert(!svb_store_same(&a, &b));
    b = store();
    b.front_end = "fe2";
    ck_assert(!svb_store_same(&a, &b));
    b = store();
    b.key[15] = 1;
    ck_assert(!svb_store_same(&a, &b));
    b = store();
    b.on = 0;
    ck_assert(!svb_store_same(&a, &b));
    a.on = 0;
    a.front_end = "fe3";
    ck_assert_msg(svb_store_same(&a, &b), "nobody's name");
}
END_TEST

START_TEST(a_copy)
{
    svb_store a = store();
    apr_pool_t *other;
    svb_store *copy;

    apr_pool_create(&other, NULL);
    copy = svb_store_copy(&a, other);
    ck_assert(svb_store_same(&a, copy));
    ck_assert_str_eq(copy->address.password, "x");
    ck_assert_ptr_ne(copy->url, a.url);
    ck_assert_ptr_null(copy->address.path);
    apr_pool_destroy(other);
}
END_TEST

static Suite *store_suite(void)
{
    Suite *s = suite_create("svb_store");
    TCase *tc = tcase_create("line"), *files = tcase_create("files");

    tcase_add_checked_fixture(tc, pool_setup, pool_teardown);
    tcase_add_loop_test(tc, a_place, 0, COUNT(places));
    tcase_add_test(tc, a_socket);
    tcase_add_test(tc, off);
    tcase_add_test(tc, options);
    tcase_add_loop_test(tc, a_timeout, 0, COUNT(timeouts));
    tcase_add_loop_test(tc, not_allowed, 0, COUNT(refused));
    tcase_add_test(tc, long_ones);
    tcase_add_test(tc, the_same);
    tcase_add_test(tc, a_copy);
    suite_add_tcase(s, tc);
    tcase_add_checked_fixture(files, file_setup, file_teardown);
    tcase_add_loop_test(files, a_key, 0, COUNT(key_files));
    tcase_add_loop_test(files, a_password, 0, COUNT(password_files));
    tcase_add_test(files, a_long_password);
    tcase_add_test(files, whom_a_file_is_open_to);
    tcase_add_test(files, no_file);
    suite_add_tcase(s, files);
    return s;
}

int main(void)
{
    return unit_run(srunner_create(store_suite()));
}
