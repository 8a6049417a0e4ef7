/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The door: with ServoyStart redirect, a client that begins is sent to its node's
 * direct URL for good. A launch without the Smart Client, as it were.
 *
 * Answered is a GET that ServoyStartMatch takes for a beginning, unless an id that comes
 * with it names a node: whoever has a session here is proxied as ever. So is who is
 * elected onto a node without a direct URL.
 */
#ifndef SVB_LAUNCH_MOD_DOOR_H
#define SVB_LAUNCH_MOD_DOOR_H

#include "launch/mod_direct.h"

/**
 * Answer a request that is no launch, if it begins a client. In the handler of
 * launches, in the request's own thread.
 * @param balancer where the request goes, with ServoyStart redirect
 * @param t        has its path; the rest is filled in
 * @return the status for the handler to return; DECLINED: it is proxied
 */
int svb_door_answer(request_rec *r, svb_balancer *balancer,
                    svb_direct_target *t);

#endif /* SVB_LAUNCH_MOD_DOOR_H */
