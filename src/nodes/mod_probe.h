/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Are the nodes there? A launch that is redirected leads the client away from
 * us, so no failed request ever tells that its node is dead: somebody has to
 * ask, about once a second. Whom and where: mod_targets.
 *
 * A node's ajp members are asked with a CPing or, where it has none, its other
 * members with a connection; they count as a whole: one that answers is enough.
 * One that is refused is found dead at once; one that is silent, or hangs, for
 * three quarters of a second twice in a row. So a death is known within five
 * seconds: one in which it may still be vouched for, one and a half in which others
 * are waited for, a quarter until the next round, one and a half of its own
 * silence. A host whose name is not resolved (mod_addresses) cannot be asked, which
 * says nothing.
 *
 * A node that was found dead gets no launches, and new clients only when nobody
 * else can take them. Requests of its clients still go to it: their sessions are
 * there if it lives, and mod_proxy finds out if it does not. Its clients are
 * forgotten only when every member that could serve them has refused.
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
