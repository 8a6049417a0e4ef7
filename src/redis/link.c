/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "redis/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <apr_strings.h>

#include "redis/advice.h"
#include "redis/tls.h"

struct svb_link {
    svb_exchange_address to;
    const char *shown;     /* where it leads to, for texts */
    svb_tls *tls;          /* what connections need for TLS, or NULL */
    redisContext *context; /* NULL: not connected */
    svb_reply_room room;
    int unsent;       /* is something in hiredis' buffer? */
    apr_size_t heard; /* bytes, in this round */
    int turn;         /* which of the addresses to begin with */
    apr_pool_t *pool; /* of the round */
    apr_time_t began, deadline;
};

/* ------------------------------------------------------------------- texts */

static const char *failed(svb_link *link, const char *what)
{
    const char *text = apr_psprintf(link->pool, "%s: %s", link->shown, what);

    svb_link_close(link);
    return text ? text : "no memory";
}

static const char *failed_at(svb_link *link, const char *where, int error)
{
    char text[128];

    return failed(link, apr_psprintf(link->pool, "%s: %s", where,
                                     apr_strerror(APR_FROM_OS_ERROR(error),
                                                  text, sizeof(text))));
}

/* What hiredis says has gone wrong. */
static const char *failed_there(svb_link *link, const char *command)
{
    const char *what = link->context->errstr;

    if (link->context->err == REDIS_ERR_EOF) {
        what = "the connection was closed";
    }
    return failed(link, apr_psprintf(link->pool, "%s: %s", command, what));
}

const char *svb_link_refuse(svb_link *link, const char *command,
                            const char *what)
{
    return failed(
        link, apr_psprintf(
                  link->pool,
                  "the answer to %s %s: is it Redis 6.2 or later, or Valkey?",
                  command, what));
}

/* -------------------------------------------------------------------- clock */

static apr_time_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return apr_time_from_sec(time.tv_sec) + time.tv_nsec / 1000;
}

apr_interval_time_t svb_link_took(const svb_link *link)
{
    return now() - link->began;
}

int svb_link_heard(const svb_link *link)
{
    return link->heard > 0;
}

static const char *too_late(svb_link *link, const char *command)
{
    return failed(link, apr_psprintf(link->pool, "%s: no answer within %d ms",
                                     command, (int)(link->to.timeout / 1000)));
}

/* Until the connection is ready for one of the events, or the deadline. */
static const char *wait_for(svb_link *link, const char *command, short events)
{
    struct pollfd one = {.fd = link->context->fd, .events = events};

    for (;;) {
        apr_interval_time_t left = link->deadline - now();
        int n = left > 0 ? poll(&one, 1, (int)((left + 999) / 1000)) : 0;

        if (n > 0) {
            return NULL;
        }
        if (n < 0 && errno != EINTR) {
            return failed_at(link, command, errno);
        }
        if (left <= 0) {
            return too_late(link, command);
        }
    }
}

/* ------------------------------------------------------------------ talking */

const char *svb_link_say(svb_link *link, int n, const char **args,
                         const apr_size_t *lens)
{
    if (redisAppendCommandArgv(link->context, n, args, lens) != REDIS_OK) {
        return failed_there(link, args[0]);
    }
    link->unsent = 1;
    return NULL;
}

static const char *send_some(svb_link *link, const char *command)
{
    int done = 0;

    if (link->unsent) {
        if (redisBufferWrite(link->context, &done) != REDIS_OK) {
            return failed_there(link, command);
        }
        link->unsent = !done;
    }
    return NULL;
}

/* Read what is there. @param some set to whether there was anything */
static const char *read_some(svb_link *link, const char *command, int *some)
{
    const redisReader *reader = link->context->reader;
    apr_size_t before = reader->len;

    if (redisBufferRead(link->context) != REDIS_OK) {
        return failed_there(link, command);
    }
    *some = reader->len > before;
    link->heard += reader->len - before;
    if (link->heard > SVB_LINK_MAX) {
        return svb_link_refuse(link, command, "is larger than 16 MB");
    }
    return NULL;
}

/* One step: what can be sent and read now; else wait until more can be. Whoever
 * sends a byte now and then gets no more time than others. */
static const char *go_on(svb_link *link, const char *command)
{
    int some = 0;
    const char *error = send_some(link, command);

    if (!error && now() >= link->deadline) {
        error = too_late(link, command);
    }
    if (!error) {
        error = read_some(link, command, &some);
    }
    if (!error && !some) {
        int sends = link->unsent && !svb_tls_wants_to_read(link->tls);

        error =
            wait_for(link, command, (short)(sends ? POLLIN | POLLOUT : POLLIN));
    }
    return error;
}

const char *svb_link_hear(svb_link *link, const char *command,
                          svb_reply **reply)
{
    const char *error = NULL;
    void *found = NULL;

    *reply = NULL;
    while (!error) {
        redisReader *reader = link->context->reader;

        if (redisReaderGetReply(reader, &found) != REDIS_OK) {
            return svb_link_refuse(
                link, command,
                apr_psprintf(link->pool, "makes no sense (%s)",
                             link->room.left > 0 ? reader->errstr
                                                 : "too many parts"));
        }
        if (found) {
            break;
        }
        error = go_on(link, command);
    }
    *reply = found;
    if (!error && (*reply)->type == SVB_REPLY_ERROR) {
        error = failed(link, svb_advice(command, (*reply)->text, (*reply)->len,
                                        link->pool));
    }
    return error;
}

const char *svb_link_end(svb_link *link)
{
    const redisReader *reader = link->context->reader;

    return reader->len > reader->pos ? svb_link_refuse(link, "the last command",
                                                       "is not the last one")
                                     : NULL;
}

/* --------------------------------------------------------------- connecting */

/* What hiredis has begun: wait for it. */
static const char *connected(svb_link *link)
{
    const char *error;
    int result = 0;
    socklen_t size = sizeof(result);

    if (!link->context) {
        return failed(link, "cannot connect: no memory");
    }
    if (link->context->err) {
        return failed_there(link, "cannot connect");
    }
    (void)fcntl(link->context->fd, F_SETFD, FD_CLOEXEC);
    error = wait_for(link, "cannot connect", POLLOUT);
    if (!error
        && getsockopt(link->context->fd, SOL_SOCKET, SO_ERROR, &result, &size)
               < 0) {
        result = errno;
    }
    if (!error && result) {
        error = failed_at(link, "cannot connect", result);
    }
    return error;
}

static const char *connect_to(svb_link *link, const apr_sockaddr_t *address)
{
    char text[128];

    if (apr_sockaddr_ip_getbuf(text, sizeof(text), (apr_sockaddr_t *)address)
        != APR_SUCCESS) {
        return failed(link, "cannot connect: no such kind of address");
    }
    link->shown =
        apr_psprintf(link->pool, strchr(text, ':') ? "[%s]:%d" : "%s:%d", text,
                     link->to.port);
    link->context = redisConnectNonBlock(text, link->to.port);
    return connected(link);
}

/* To one after the other, as long as there is time: a name may stand for several, of
 * which some are not there. The next round begins with the next. */
static const char *connect_to_any(svb_link *link,
                                  const apr_sockaddr_t *addresses)
{
    const apr_sockaddr_t *address;
    const char *error = NULL;
    int n = 0, turn;

    for (address = addresses; address; address = address->next) {
        n++;
    }
    if (!n) {
        return failed(link, "no address is known for that name (so far)");
    }
    turn = link->turn++;
    for (int i = 0; i < n && (i == 0 || (error && now() < link->deadline));
         i++) {
        address = addresses;
        for (int skip = (turn + i) % n; skip > 0; skip--) {
            address = address->next;
        }
        error = connect_to(link, address);
    }
    if (!error) {
        link->turn = turn; /* that one is good */
    }
    return error;
}

static const char *ask(svb_link *link, int n, const char **args)
{
    apr_size_t lens[3];
    const char *error;
    svb_reply *reply = NULL;

    for (int i = 0; i < n; i++) {
        lens[i] = strlen(args[i]);
    }
    error = svb_link_say(link, n, args, lens);
    if (!error) {
        error = svb_link_hear(link, args[0], &reply);
    }
    if (!error && reply && reply->type != SVB_REPLY_STATUS) {
        error = svb_link_refuse(link, args[0], "is not OK");
    }
    return error;
}

/* Before anything else is said: nothing shall get into another's database. */
static const char *introduce(svb_link *link)
{
    const char *with_user[] = {"AUTH", link->to.user, link->to.password};
    const char *without[] = {"AUTH", link->to.password};
    const char *select[] = {"SELECT", apr_itoa(link->pool, link->to.db)};
    const char *error = NULL;

    if (link->to.password) {
        error = link->to.user ? ask(link, 3, with_user) : ask(link, 2, without);
    }
    if (!error && link->to.db) {
        error = ask(link, 2, select);
    }
    return error;
}

static const char *secure(svb_link *link)
{
    const char *error = NULL;
    int events = 0;

    if (!link->tls) {
        return NULL;
    }
    while (!error
           && (error = svb_tls_go_on(link->tls, link->context, link->to.host,
                                     &events, link->pool))
                  == NULL
           && events) {
        error = wait_for(link, "TLS", (short)events);
        if (error) {
            return error;
        }
    }
    return error ? failed(link, error) : NULL;
}

static const char *connect_now(svb_link *link, const apr_sockaddr_t *addresses)
{
    const char *error;

    if (link->to.path) {
        link->shown = link->to.path;
        link->context = redisConnectUnixNonBlock(link->to.path);
        error = connected(link);
    }
    else {
        link->shown = link->to.host;
        error = connect_to_any(link, addresses);
    }
    if (!error) {
        error = secure(link);
    }
    if (!error && link->context) {
        svb_reply_use(link->context->reader, &link->room);
        error = introduce(link);
    }
    return error;
}

const char *svb_link_begin(svb_link *link, const apr_sockaddr_t *addresses,
                           apr_pool_t *p)
{
    link->began = now();
    link->deadline = link->began + link->to.timeout;
    link->pool = p;
    link->room.pool = p;
    link->room.left = SVB_REPLY_OBJECTS;
    link->heard = 0;
    if (link->context) {
        /* The text was of the pool of the round that has connected. */
        link->shown = link->to.path ? link->to.path : link->to.host;
        return NULL;
    }
    return connect_now(link, addresses);
}

/* ------------------------------------------------------------- its lifetime */

void svb_link_close(svb_link *link)
{
    svb_tls_forget(link->tls);
    if (link->context) {
        redisFree(link->context);
        link->context = NULL;
    }
    link->unsent = 0;
}

static apr_status_t close_with_pool(void *data)
{
    svb_link_close(data);
    return APR_SUCCESS;
}

svb_link *svb_link_create(const svb_exchange_address *address, apr_pool_t *p)
{
    svb_link *link = apr_pcalloc(p, sizeof(*link));

    link->to = *address;
    link->to.host = apr_pstrdup(p, address->host);
    link->to.path = apr_pstrdup(p, address->path);
    link->to.user = apr_pstrdup(p, address->user);
    link->to.password = apr_pstrdup(p, address->password);
    link->tls = address->tls ? svb_tls_create(address, p) : NULL;
    apr_pool_cleanup_register(p, link, close_with_pool, apr_pool_cleanup_null);
    return link;
}

const char *svb_link_check(const svb_exchange_address *address, apr_pool_t *p)
{
    return address->tls ? svb_tls_check(address, p) : NULL;
}
