/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What names of hosts tell by themselves: whether two are those of two machines, or one
 * is an address. Nobody is asked: what the DNS says may be another thing tomorrow.
 *
 * Pure: no state, no locks, no allocation; any thread, any phase.
 */
#ifndef SVB_CONFIG_HOSTS_H
#define SVB_CONFIG_HOSTS_H

/**
 * @param a a name or an address; IPv6 with brackets or without
 * @param b another
 * @return 1 where both are names that differ, or both addresses of one family that
 *         do. Not where one may well be the other: a name and an address, a loopback
 *         and anything, a name and the same with its domain
 */
int svb_hosts_differ(const char *a, const char *b);

/**
 * Is it one that the DNS has no say in: an address as it is usually written, localhost,
 * or something.localhost?
 * @param name a name or an address; IPv6 with brackets or without
 */
int svb_hosts_is_literal(const char *name);

#endif /* SVB_CONFIG_HOSTS_H */
