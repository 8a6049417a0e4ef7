/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The page's address, read: where on the page somebody is (page/place.h). What is not
 * well-formed or unknown is left out: an address is no order, and somebody who follows
 * an old link shall see the page.
 *
 * Pure: any phase, no locks.
 */
#ifndef SVB_MANAGER_ADDRESS_H
#define SVB_MANAGER_ADDRESS_H

#include <apr_pools.h>

#include "page/place.h"

/** @param p owns the texts @param query the address's, or NULL @param place is
 *  overwritten */
void svb_address_read(apr_pool_t *p, const char *query, svb_place *place);

#endif /* SVB_MANAGER_ADDRESS_H */
