/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Whether what asks for an action is an administrator's own doing: whether actions are
 * allowed here at all, and whether the form was ours.
 */
#ifndef SVB_MANAGER_MOD_GUARD_H
#define SVB_MANAGER_MOD_GUARD_H

#include <httpd.h>

/** Is ServoyManagerActions on where the request is for? */
int svb_guard_may_act(request_rec *r);

/** Is this the nonce that a form of ours has? Takes as long for a wrong one as for the
 *  right one. */
int svb_guard_is_nonce(const char *given);

#endif /* SVB_MANAGER_MOD_GUARD_H */
