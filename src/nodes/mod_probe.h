/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Are the nodes there? A node that nobody uses just now, or whose clients were sent
 * to it directly, is not known to be dead by any request: somebody has to ask. Whom
 * and where: mod_targets. What follows from the answers: condition.h.
 *
 * Each member is asked by itself: ajp members with a CPing, others with a connection.
 * A round begins every quarter of a second, since a node can be killed and be there
 * again within one; who is silent for three quarters of a second is asked twice. So a
 * death is known within half a second, or within two where others
 * keep silent meanwhile. Where a member answers again, mod_proxy's error is taken from
 * it, as a health check would. A host whose name is not resolved (mod_addresses)
 * cannot be asked, which says nothing.
 */
#ifndef SVB_NODES_MOD_PROBE_H
#define SVB_NODES_MOD_PROBE_H

#include "nodes/mod_members.h"

/**
 * Ask all that need to be asked, and note what they say. From a watchdog of its
 * own, since it waits for answers, but for nothing else; takes no lock.
 * @param p for the duration of the call
 */
void svb_probe_round(const svb_model *model, apr_pool_t *p);

/**
 * Ask these nodes alone, at once: there is reason to think that they are not what they
 * were. Likewise from a watchdog of its own.
 */
void svb_probe_nodes(const svb_model *model, const int *nodes, int n,
                     apr_pool_t *p);

/**
 * A launch is about to be sent to this node: is it there? Asks it, and waits for
 * that, where there was no round for a while (the process that makes them has just
 * been killed, or the server has just started), and otherwise goes by the last
 * round. Notes what it finds. In a request's thread; takes no lock.
 * @param must_ask there is reason to think that it is not: ask now
 * @param p        from a request
 * @return whether it is there, as far as anybody can tell
 */
int svb_probe_finds(const svb_balancer *balancer, const svb_member *member,
                    int must_ask, apr_pool_t *p);

#endif /* SVB_NODES_MOD_PROBE_H */
