/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/store.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "config/closest.h"
#include "memory/names.h"

#define PORT 6379
#define DB_MAX 9999
#define TIMEOUT (100 * 1000)
#define NAME "servoy"
#define SECRET_MAX 1024

#define URLS                                                                   \
    "expected redis://host:port/db, rediss://host:port/db, unix:/path or off"

static int starts(const char *text, const char *with)
{
    return !strncasecmp(text, with, strlen(with));
}

static const char *bad(apr_pool_t *p, const char *word, const char *why)
{
    return apr_psprintf(p, "\"%s\" is not allowed here: %s", word, why);
}

/* ------------------------------------------------------------------ numbers */

/* Digits and nothing else, from least to most; -1: not so. */
static int number(const char *text, int least, int most)
{
    apr_size_t len = strlen(text);
    int n = len > 0 && len <= 6 && strspn(text, "0123456789") == len
                ? atoi(text)
                : -1;

    return n >= least && n <= most ? n : -1;
}

/* "100ms", "1s", "1": a time, in microseconds; -1: none that is allowed. */
static apr_interval_time_t timeout_of(const char *text)
{
    apr_size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits;
    apr_interval_time_t n =
        digits > 0 && digits <= 6 ? atoi(text) : SVB_STORE_TIMEOUT_MAX;

    if (!strcasecmp(unit, "ms")) {
        n *= 1000;
    }
    else if (!*unit || !strcasecmp(unit, "s")) {
        n *= APR_USEC_PER_SEC;
    }
    else {
        return -1;
    }
    return n >= SVB_STORE_TIMEOUT_MIN && n <= SVB_STORE_TIMEOUT_MAX ? n : -1;
}

static int is_name(const char *text)
{
    apr_size_t len = strlen(text);

    return len > 0 && len <= SVB_NAME_MAX
           && strspn(text,
                     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                     "0123456789._-")
                  == len;
}

/* ---------------------------------------------------------------------- URL */

static const char *read_port(apr_pool_t *p, const char *text,
                             svb_store_line *line)
{
    line->address.port = number(text, 1, 65535);
    return line->address.port > 0
               ? NULL
               : bad(p, text, "the port is a number from 1 to 65535");
}

static const char *read_host(apr_pool_t *p, const char *text,
                             svb_store_line *line)
{
    const char *host = text;
    struct in6_addr address;
    apr_size_t len = strlen(text);

    if (*text == '[') {
        host = apr_pstrmemdup(p, text + 1, len > 1 ? len - 2 : 0);
        if (inet_pton(AF_INET6, host, &address) != 1) {
            return bad(p, text, "in brackets stands an IPv6 address");
        }
    }
    else if (!len || len > 253
             || strspn(text, "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")
                    != len) {
        return bad(p, text,
                   "the host is a name, an IPv4 address, or an IPv6 "
                   "address in brackets");
    }
    line->address.host = host;
    return NULL;
}

/* host[:port], with what stands in brackets in one piece. */
static const char *read_authority(apr_pool_t *p, const char *text,
                                  svb_store_line *line)
{
    const char *end = *text == '[' ? strchr(text, ']') : strchr(text, ':');
    const char *error;

    if (*text == '[') {
        if (!end || (end[1] && end[1] != ':')) {
            return bad(p, text,
                       "an IPv6 address stands in brackets, and behind "
                       "them only a port");
        }
        end++;
    }
    else if (end && strchr(end + 1, ':')) {
        return bad(p, text, "an IPv6 address stands in brackets");
    }
    else if (!end) {
        end = text + strlen(text);
    }
    error =
        read_host(p, apr_pstrmemdup(p, text, (apr_size_t)(end - text)), line);
    if (!error && *end == ':') {
        error = read_port(p, end + 1, line);
    }
    return error;
}

/* host[:port][/db] */
static const char *read_tcp(apr_pool_t *p, const char *text,
                            svb_store_line *line)
{
    const char *slash = strchr(text, '/');
    const char *error = read_authority(
        p, slash ? apr_pstrmemdup(p, text, (apr_size_t)(slash - text)) : text,
        line);

    if (!error && slash && slash[1]) {
        line->address.db = number(slash + 1, 0, DB_MAX);
        if (line->address.db < 0) {
            error = bad(p, slash + 1,
                        "behind the / stands the number of a "
                        "database, from 0 to 9999");
        }
    }
    if (!error) {
        line->url = apr_psprintf(
            p,
            strchr(line->address.host, ':') ? "%s://[%s]:%d/%d"
                                            : "%s://%s:%d/%d",
            line->address.tls ? "rediss" : "redis", line->address.host,
            line->address.port, line->address.db);
    }
    return error;
}

static const char *read_path(apr_pool_t *p, const char *path,
                             svb_store_line *line)
{
    struct sockaddr_un address;

    if (*path != '/') {
        return bad(p, path, "behind unix: stands the whole path of a socket");
    }
    if (strlen(path) >= sizeof(address.sun_path)) {
        return bad(p, path, "the path of a socket has at most 107 bytes");
    }
    line->address.path = path;
    line->address.port = 0;
    line->url = apr_pstrcat(p, "unix:", path, NULL);
    return NULL;
}

/* What others than we would take for a store. */
static const char *other_scheme(apr_pool_t *p, const char *url)
{
    const char *colon = strchr(url, ':');
    const char *scheme =
        colon ? apr_pstrmemdup(p, url, (apr_size_t)(colon - url)) : url;

    if (!strcasecmp(scheme, "memcache") || !strcasecmp(scheme, "memcached")) {
        return bad(p, scheme,
                   "memcached keeps no log that other front ends could "
                   "read: use Redis or Valkey, redis://host:port/db");
    }
    if (!strcasecmp(scheme, "shmcb") || !strcasecmp(scheme, "dbm")
        || !strcasecmp(scheme, "dc")) {
        return bad(p, scheme,
                   "it keeps no log that other front ends could read: "
                   "use Redis or Valkey, redis://host:port/db");
    }
    if (!strcasecmp(scheme, "valkey") || !strcasecmp(scheme, "valkeys")) {
        return bad(p, scheme, "for Valkey say redis:// as well, or rediss://");
    }
    return bad(p, scheme, URLS);
}

static const char *read_url(apr_pool_t *p, const char *url,
                            svb_store_line *line)
{
    if (strchr(url, '@')) {
        /* Not even in a message. */
        const char *scheme = apr_pstrmemdup(p, url, strcspn(url, ":@"));

        return apr_psprintf(
            p,
            "\"%s://...@%s\" is not allowed here: say user= and "
            "passwordfile= behind the URL; a password is kept in "
            "a file of its own",
            scheme, strrchr(url, '@') + 1);
    }
    for (const char *c = url; *c; c++) {
        if (!apr_isgraph(*c) || (*c & 0x80)) {
            return bad(p, url, "a URL has no blanks and nothing but ASCII");
        }
    }
    if (strpbrk(url, "?#")) {
        return bad(p, url, "all else is said by key=value behind the URL");
    }
    if (starts(url, "unix:")) {
        return read_path(p, url + strlen("unix:"), line);
    }
    line->address.tls = starts(url, "rediss:");
    if (starts(url, "redis://") || starts(url, "rediss://")) {
        return read_tcp(p, strstr(url, "://") + 3, line);
    }
    if (starts(url, "redis:")) {
        const char *error = read_authority(p, url + strlen("redis:"), line);

        return error ? error : read_tcp(p, url + strlen("redis:"), line);
    }
    return other_scheme(p, url);
}

/* ---------------------------------------------------------------- key=value */

static const char *set_name(apr_pool_t *p, const char *word, const char *value,
                            svb_store_line *line)
{
    line->name = value;
    return is_name(value) ? NULL
                          : bad(p, word,
                                "expected 1 to 63 letters, digits, dots, "
                                "hyphens and underscores");
}

static const char *set_timeout(apr_pool_t *p, const char *word,
                               const char *value, svb_store_line *line)
{
    line->address.timeout = timeout_of(value);
    return line->address.timeout > 0
               ? NULL
               : bad(p, word, "expected a time from 10ms to 1s");
}

static const char *set_user(apr_pool_t *p, const char *word, const char *value,
                            svb_store_line *line)
{
    line->address.user = value;
    return *value ? NULL : bad(p, word, "expected the name of a user");
}

/* Those that name a file. */
static const char *set_file(apr_pool_t *p, const char *word, const char *value,
                            const char **field)
{
    *field = value;
    return *value ? NULL : bad(p, word, "expected the path of a file");
}

static const char *set_password_file(apr_pool_t *p, const char *word,
                                     const char *value, svb_store_line *line)
{
    return set_file(p, word, value, &line->password_file);
}

static const char *set_ca_file(apr_pool_t *p, const char *word,
                               const char *value, svb_store_line *line)
{
    return set_file(p, word, value, &line->address.ca_file);
}

static const char *set_cert_file(apr_pool_t *p, const char *word,
                                 const char *value, svb_store_line *line)
{
    return set_file(p, word, value, &line->address.cert_file);
}

static const char *set_key_file(apr_pool_t *p, const char *word,
                                const char *value, svb_store_line *line)
{
    return set_file(p, word, value, &line->address.key_file);
}

static const struct {
    const char *name;
    const char *(*set)(apr_pool_t *p, const char *word, const char *value,
                       svb_store_line *line);
} keys[] = {
    {"user", set_user},        {"passwordfile", set_password_file},
    {"name", set_name},        {"timeout", set_timeout},
    {"cafile", set_ca_file},   {"certfile", set_cert_file},
    {"keyfile", set_key_file},
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static const char *unknown_option(apr_pool_t *p, const char *word,
                                  apr_size_t len)
{
    const char *names[N_KEYS + 1] = {NULL};
    const char *meant;

    for (apr_size_t i = 0; i < N_KEYS; i++) {
        names[i] = keys[i].name;
    }
    meant = svb_closest(apr_pstrmemdup(p, word, len), names);
    return apr_pstrcat(
        p,
        bad(p, word,
            "expected user=, passwordfile=, name=, timeout=, cafile=, "
            "certfile= or keyfile="),
        meant ? "; did you mean " : "", meant, meant ? "=?" : "", NULL);
}

static const char *read_option(apr_pool_t *p, const char *word, char *given,
                               svb_store_line *line)
{
    apr_size_t len = strcspn(word, "=");

    for (apr_size_t i = 0; i < N_KEYS; i++) {
        if (word[len] && strlen(keys[i].name) == len
            && !strncasecmp(word, keys[i].name, len)) {
            return given[i]++ ? bad(p, word, "that is said twice")
                              : keys[i].set(p, word, word + len + 1, line);
        }
    }
    if (starts(word, "password=")) {
        return "password= is not allowed here: a password is kept in a file of "
               "its own, passwordfile=";
    }
    return unknown_option(p, word, len);
}

/* What goes with what. */
static const char *check_line(const svb_store_line *line)
{
    const svb_exchange_address *address = &line->address;

    if (address->user && !line->password_file) {
        return "user= needs passwordfile=";
    }
    if (!address->tls
        && (address->ca_file || address->cert_file || address->key_file)) {
        return "cafile=, certfile= and keyfile= are for rediss://";
    }
    if (!address->cert_file != !address->key_file) {
        return "certfile= and keyfile= go together";
    }
    return NULL;
}

const char *svb_store_parse(apr_pool_t *p, int argc, char *const argv[],
                            svb_store_line *line)
{
    char given[N_KEYS] = {0};
    const char *error;

    memset(line, 0, sizeof(*line));
    line->name = NAME;
    line->address.port = PORT;
    line->address.timeout = TIMEOUT;
    if (argc < 1 || !*argv[0]) {
        return "\"\" is not allowed here: " URLS;
    }
    if (!strcasecmp(argv[0], "off")) {
        return argc > 1 ? bad(p, argv[1], "nothing stands behind off") : NULL;
    }
    line->on = 1;
    error = read_url(p, argv[0], line);
    for (int i = 1; i < argc && !error; i++) {
        error = read_option(p, argv[i], given, line);
    }
    return error ? error : check_line(line);
}

/* -------------------------------------------------------------------- files */

static const char *not_read(apr_pool_t *p, const char *path, apr_status_t rv)
{
    char text[128];

    return apr_psprintf(p, "%s: cannot be read: %s", path,
                        apr_strerror(rv, text, sizeof(text)));
}

/* Open it. @param info set to what it is */
static const char *open_file(apr_pool_t *p, const char *path, apr_file_t **file,
                             apr_finfo_t *info)
{
    apr_status_t rv = apr_file_open(
        file, path, APR_FOPEN_READ | APR_FOPEN_BINARY, APR_FPROT_OS_DEFAULT, p);

    memset(info, 0, sizeof(*info));
    if (rv == APR_SUCCESS) {
        rv = apr_file_info_get(info, APR_FINFO_TYPE | APR_FINFO_PROT, *file);
    }
    if (rv != APR_SUCCESS) {
        return not_read(p, path, rv);
    }
    return info->filetype == APR_REG
               ? NULL
               : apr_psprintf(p, "%s: is not a file", path);
}

static const char *check_mode(apr_pool_t *p, const char *path, const char *what,
                              const apr_finfo_t *info)
{
    return info->protection
                   & (APR_FPROT_GREAD | APR_FPROT_GWRITE | APR_FPROT_WREAD
                      | APR_FPROT_WWRITE)
               ? apr_psprintf(
                   p,
                   "%s: others than its owner may read or change %s: "
                   "chmod 600 it",
                   path, what)
               : NULL;
}

const char *svb_store_check_file(apr_pool_t *p, const char *path,
                                 const char *what)
{
    apr_file_t *file;
    apr_finfo_t info;
    const char *error = open_file(p, path, &file, &info);

    return error || !what ? error : check_mode(p, path, what, &info);
}

/* The one line of a file, without its end. */
static const char *read_secret(apr_pool_t *p, const char *path,
                               const char *what, char **text)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_size_t len = 0;
    apr_status_t rv;
    const char *error = open_file(p, path, &file, &info);

    if (!error) {
        error = check_mode(p, path, what, &info);
    }
    if (error) {
        return error;
    }
    *text = apr_pcalloc(p, SECRET_MAX + 2);
    rv = apr_file_read_full(file, *text, SECRET_MAX + 1, &len);
    apr_file_close(file);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv)) {
        return not_read(p, path, rv);
    }
    if (len && (*text)[len - 1] == '\n') {
        (*text)[--len] = '\0';
    }
    if (len && (*text)[len - 1] == '\r') {
        (*text)[--len] = '\0';
    }
    return len > 0 && len <= SECRET_MAX && strlen(*text) == len
                   && !strpbrk(*text, "\r\n")
               ? NULL
               : apr_psprintf(
                   p, "%s: should hold %s, in one line and nothing else", path,
                   what);
}

const char *svb_store_read_password(apr_pool_t *p, const char *path,
                                    const char **password)
{
    char *text = NULL;
    const char *error = read_secret(p, path, "a password", &text);

    *password = text;
    return error;
}

static int hex_value(char c)
{
    return apr_isdigit(c) ? c - '0' : apr_tolower(c) - 'a' + 10;
}

const char *svb_store_read_key(apr_pool_t *p, const char *path,
                               unsigned char key[SVB_STORE_KEY])
{
    const char *const what = "a key";
    char *text = NULL;
    const char *error = read_secret(p, path, what, &text);
    apr_size_t digits = (apr_size_t)2 * SVB_STORE_KEY;

    if (error) {
        return error;
    }
    if (strlen(text) != digits
        || strspn(text, "0123456789abcdefABCDEF") != digits) {
        return apr_psprintf(
            p,
            "%s: should hold a key: 32 hex digits, as openssl rand "
            "-hex 16 prints them, and nothing else",
            path);
    }
    for (int i = 0; i < SVB_STORE_KEY; i++) {
        key[i] = (unsigned char)(hex_value(text[2 * i]) * 16
                                 + hex_value(text[2 * i + 1]));
    }
    return NULL;
}

/* ------------------------------------------------------------------- stores */

int svb_store_same(const svb_store *a, const svb_store *b)
{
    return a->on == b->on
           && (!a->on
               || (!strcmp(a->url, b->url) && !strcmp(a->name, b->name)
                   && !strcmp(a->front_end, b->front_end)
                   && !memcmp(a->key, b->key, SVB_STORE_KEY)));
}

svb_store *svb_store_copy(const svb_store *store, apr_pool_t *p)
{
    svb_store *copy = apr_pmemdup(p, store, sizeof(*copy));
    const char **texts[] = {
        &copy->url,
        &copy->address.host,
        &copy->address.path,
        &copy->address.user,
        &copy->address.password,
        &copy->address.ca_file,
        &copy->address.cert_file,
        &copy->address.key_file,
        &copy->name,
        &copy->prefix,
        &copy->front_end,
    };

    for (apr_size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i] = apr_pstrdup(p, *texts[i]);
    }
    return copy;
}
