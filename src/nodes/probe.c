/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "nodes/probe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <apr_poll.h>
#include <apr_portable.h>

/* So that descriptors do not run out, however many are asked. */
#define AT_ONCE 256

#define PACKET_LEN 5

static const char cping[PACKET_LEN] = {0x12, 0x34, 0, 1, 10};
static const char cpong[PACKET_LEN] = {'A', 'B', 0, 1, 9};

/* One of those that are being asked just now. */
typedef struct {
    svb_probe *probe;
    apr_socket_t *socket; /* NULL: it is over */
    apr_pollfd_t poll;
    char answer[PACKET_LEN];
    apr_size_t len; /* of the answer so far */
} asking;

/* Of all errors, only a refusal says for sure that nobody is there. Those that
 * come from our own side say nothing. */
static svb_reach reach_of(apr_status_t rv)
{
    if (rv == APR_SUCCESS) {
        return SVB_REACH_OK;
    }
    if (APR_STATUS_IS_ECONNREFUSED(rv)) {
        return SVB_REACH_REFUSED;
    }
    return APR_STATUS_IS_ECONNRESET(rv) || APR_STATUS_IS_ETIMEDOUT(rv)
                   || APR_STATUS_IS_EHOSTUNREACH(rv)
                   || APR_STATUS_IS_ENETUNREACH(rv) || APR_STATUS_IS_EOF(rv)
                   || rv == EPIPE
               ? SVB_REACH_SILENT
               : SVB_REACH_UNKNOWN;
}

static void end(asking *a, apr_pollset_t *set, svb_reach reach)
{
    a->probe->reach = reach;
    if (a->poll.desc.s) {
        apr_pollset_remove(set, &a->poll);
    }
    if (a->socket) {
        apr_socket_close(a->socket);
        a->socket = NULL;
    }
}

static void await(asking *a, apr_pollset_t *set, apr_int16_t event)
{
    if (a->poll.desc.s) {
        apr_pollset_remove(set, &a->poll);
    }
    a->poll.desc_type = APR_POLL_SOCKET;
    a->poll.desc.s = a->socket;
    a->poll.reqevents = event;
    a->poll.client_data = a;
    if (apr_pollset_add(set, &a->poll) != APR_SUCCESS) {
        a->poll.desc.s = NULL;
        end(a, set, SVB_REACH_UNKNOWN);
    }
}

/* There is a connection. */
static void connected(asking *a, apr_pollset_t *set)
{
    apr_size_t len = PACKET_LEN;
    apr_status_t rv;

    if (!a->probe->is_ajp) {
        end(a, set, SVB_REACH_OK);
        return;
    }
    rv = apr_socket_send(a->socket, cping, &len);
    if (rv != APR_SUCCESS || len < PACKET_LEN) {
        end(a, set, rv == APR_SUCCESS ? SVB_REACH_UNKNOWN : reach_of(rv));
        return;
    }
    await(a, set, APR_POLLIN);
}

static void begin(asking *a, apr_pollset_t *set, apr_pool_t *p)
{
    const apr_sockaddr_t *addr = a->probe->addr;
    apr_status_t rv = apr_socket_create(&a->socket, addr->family, SOCK_STREAM,
                                        APR_PROTO_TCP, p);

    if (rv != APR_SUCCESS) {
        a->socket = NULL;
        end(a, set, SVB_REACH_UNKNOWN);
        return;
    }
    apr_socket_opt_set(a->socket, APR_SO_NONBLOCK, 1);
    apr_socket_timeout_set(a->socket, 0);
    rv = apr_socket_connect(a->socket, a->probe->addr);
    if (rv == APR_SUCCESS) {
        connected(a, set);
    }
    else if (APR_STATUS_IS_EINPROGRESS(rv)) {
        await(a, set, APR_POLLOUT);
    }
    else {
        end(a, set, reach_of(rv));
    }
}

/* What came of connecting: APR tells only by connecting once more, which does
 * not say how the first try ended. */
static apr_status_t connect_error(apr_socket_t *socket)
{
    apr_os_sock_t fd;
    int error = 0;
    socklen_t len = sizeof(error);

    if (apr_os_sock_get(&fd, socket) != APR_SUCCESS
        || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0) {
        return errno;
    }
    return error;
}

svb_reach svb_probe_pong(const char *answer, apr_size_t len)
{
    apr_size_t n = len < PACKET_LEN ? len : PACKET_LEN;

    if (memcmp(answer, cpong, n)) {
        return SVB_REACH_SILENT; /* whoever it is, it speaks no AJP */
    }
    return len < PACKET_LEN ? SVB_REACH_UNKNOWN : SVB_REACH_OK;
}

static void receive(asking *a, apr_pollset_t *set)
{
    svb_reach reach;
    apr_size_t len = PACKET_LEN - a->len;
    apr_status_t rv = apr_socket_recv(a->socket, a->answer + a->len, &len);

    if (APR_STATUS_IS_EAGAIN(rv)) {
        return;
    }
    if (rv != APR_SUCCESS) {
        end(a, set, reach_of(rv));
        return;
    }
    a->len += len;
    reach = svb_probe_pong(a->answer, a->len);
    if (reach != SVB_REACH_UNKNOWN) {
        end(a, set, reach);
    }
}

static void proceed(asking *a, apr_pollset_t *set)
{
    apr_status_t rv;

    if (a->poll.reqevents == APR_POLLIN) {
        receive(a, set);
        return;
    }
    rv = connect_error(a->socket);
    if (rv == APR_SUCCESS) {
        connected(a, set);
    }
    else {
        end(a, set, reach_of(rv));
    }
}

/* How many are still being asked. */
static int open_ones(const asking *all, int n)
{
    int open = 0;

    for (int i = 0; i < n; i++) {
        open += all[i].socket != NULL;
    }
    return open;
}

static void run_some(apr_pool_t *p, svb_probe *probes, int n,
                     apr_interval_time_t timeout)
{
    asking *all = apr_pcalloc(p, sizeof(*all) * (apr_size_t)n);
    apr_time_t deadline = apr_time_now() + timeout, left;
    const apr_pollfd_t *ready;
    apr_pollset_t *set;
    apr_int32_t found;
    for (int i = 0; i < n; i++) {
        probes[i].reach = SVB_REACH_UNKNOWN;
        all[i].probe = &probes[i];
    }
    if (apr_pollset_create(&set, (apr_uint32_t)n, p, 0) != APR_SUCCESS) {
        return;
    }
    for (int i = 0; i < n; i++) {
        begin(&all[i], set, p);
    }
    while (open_ones(all, n) && (left = deadline - apr_time_now()) > 0) {
        if (apr_pollset_poll(set, left, &found, &ready) == APR_SUCCESS) {
            for (int i = 0; i < found; i++) {
                proceed(ready[i].client_data, set);
            }
        }
    }
    for (int i = 0; i < n; i++) {
        if (all[i].socket) {
            end(&all[i], set, SVB_REACH_SILENT);
        }
    }
    apr_pollset_destroy(set);
}

void svb_probe_run(apr_pool_t *p, svb_probe *probes, int n,
                   apr_interval_time_t timeout)
{
    for (int i = 0; i < n; i += AT_ONCE) {
        run_some(p, probes + i, n - i < AT_ONCE ? n - i : AT_ONCE, timeout);
    }
}
