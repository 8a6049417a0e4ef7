/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Where the page comes from that has a browser send something: its Origin header, which
 * no page can set or leave out of a POST.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_MANAGER_ORIGIN_H
#define SVB_MANAGER_ORIGIN_H

#include <apr_pools.h>

typedef struct svb_origin {
    const char *host; /**< in lower case, without brackets and final dot */
    unsigned port;    /**< its scheme's own where none is written */
    unsigned usual;   /**< its scheme's own */
} svb_origin;

/**
 * Read one: "https://servoy.example.com", "http://[::1]:8080".
 * @param p      for the host
 * @param text   the header's value
 * @param origin filled in upon success
 * @return 0 where it is none that a page served by http or https can have: "null" (a
 *         file, a sandbox), several, other schemes, anything with a path or a user
 */
int svb_origin_read(apr_pool_t *p, const char *text, svb_origin *origin);

/**
 * Is it the same place as the host that the request was sent to, as far as the port
 * tells? A browser writes the same port into Host and Origin, or leaves it out of both
 * where it is the scheme's own. Which scheme that is only the browser knows: behind a
 * proxy that ends TLS the request comes by http.
 * @param port of the Host header, or 0: it names none
 */
int svb_origin_has_port(const svb_origin *origin, unsigned port);

#endif /* SVB_MANAGER_ORIGIN_H */
