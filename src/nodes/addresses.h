/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The addresses that host names stand for, in shared memory: looked up by one
 * process, which may have to wait for that, and used by all, who never wait.
 *
 * A host has a place, found by open addressing on a hash of its name and claimed
 * by compare-and-swap. A place has room for two answers of the resolver: the
 * present one, and one that is being written. So who is killed while it writes
 * leaves what was there. A look-up that has failed does not change what is known,
 * and is not repeated for a while.
 *
 * No function takes a lock or logs. All are safe in any thread of any process, in
 * any phase after svb_addresses_open(); but of one host, one thread at a time may
 * call svb_addresses_put().
 */
#ifndef SVB_NODES_ADDRESSES_H
#define SVB_NODES_ADDRESSES_H

#include <apr_network_io.h>
#include <apr_time.h>

/** How many hosts there is room for, and addresses of each; others are ignored. */
#define SVB_ADDRESSES_HOSTS 4096
#define SVB_ADDRESSES_EACH 4

/** How long an answer is good for; when to ask again where there was none. */
#define SVB_ADDRESSES_GOOD_FOR apr_time_from_sec(60)
#define SVB_ADDRESSES_RETRY apr_time_from_sec(30)

/** Process-local handle on them. */
typedef struct svb_addresses svb_addresses;

/** @return bytes of shared memory that they take */
apr_size_t svb_addresses_size(void);

/**
 * Make a handle.
 * @param addresses the new handle, from p
 * @param mem       svb_addresses_size() bytes, 64-byte aligned, all zero when new
 * @param p         pool of the handle; mem must outlive it
 */
void svb_addresses_open(svb_addresses **addresses, void *mem, apr_pool_t *p);

/** @return the host's place, from 0 to SVB_ADDRESSES_HOSTS - 1, or -1: all are
 *          taken */
int svb_addresses_place(svb_addresses *addresses, const char *host);

/** Is it time to look the host up? */
int svb_addresses_is_due(svb_addresses *addresses, int place, apr_time_t now);

/**
 * The host was looked up.
 * @param found what was found, or NULL: nothing
 */
void svb_addresses_put(svb_addresses *addresses, int place,
                       const apr_sockaddr_t *found, apr_time_t now);

/**
 * The addresses of a host, without looking anything up.
 * @param host its name, or an address as text, which is its own answer
 * @param port the port to put into them
 * @return all of them, linked by their next, from p; NULL: not known (so far)
 */
apr_sockaddr_t *svb_addresses_get(svb_addresses *addresses, const char *host,
                                  apr_port_t port, apr_pool_t *p);

/** Is the host an address as text, for which there is nothing to look up? */
int svb_addresses_is_literal(const char *host);

#endif /* SVB_NODES_ADDRESSES_H */
