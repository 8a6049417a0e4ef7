/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Are the nodes there? A launch that is redirected leads the client away from
 * us, so no failed request ever tells that its node is dead: somebody has to
 * ask.
 *
 * Asked is, about once a second, each node that launches are redirected to: its
 * ajp members with a CPing or, where it has none, its other members with a
 * connection; but not if within this second it has answered a request or passed a
 * health check of mod_proxy_hcheck. With ServoyNode probe=url its direct URL is
 * asked as well, whatever its members have answered. One that is refused is found
 * dead at once; one that is silent, or hangs, for three quarters of a second twice
 * in a row. So a death is known within five seconds: one in which it may still be
 * vouched for, one and a half in which others are waited for, a quarter until the
 * next round, one and a half of its own silence.
 *
 * A node that was found dead gets no launches, and new clients only when nobody
 * else can take them. Requests of its clients still go to it: their sessions are
 * there if it lives, and mod_proxy finds out if it does not.
 */
#ifndef SVB_NODES_MOD_PROBE_H
#define SVB_NODES_MOD_PROBE_H

#include "nodes/mod_members.h"

/**
 * Ask all that need to be asked, and note what they say. From a watchdog of its
 * own, since it waits for answers.
 * @param p for the duration of the call
 */
void svb_probe_round(const svb_model *model, apr_pool_t *p);

/**
 * A launch is about to be sent to this node: is it there? Asks it where there
 * was no round for a while (the process that makes them has just been killed, or
 * the server has just started), and otherwise goes by the last round. Notes what
 * it finds.
 * @param p from a request
 * @return whether it is there, as far as anybody can tell
 */
int svb_probe_finds(const svb_balancer *balancer, const svb_member *member,
                    apr_pool_t *p);

#endif /* SVB_NODES_MOD_PROBE_H */
