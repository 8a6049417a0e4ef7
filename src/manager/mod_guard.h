/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Whether what asks for an action is an administrator's own doing: whether actions are
 * allowed here at all, and whether it was our page, or a program, that has sent the form.
 *
 * Access control lets in whoever sits at the right machine, or knows the password. What
 * it cannot tell is whether that person wants it: a page of somebody else's in the same
 * browser can send forms anywhere, from where "Require local" lets them in, and the
 * browser adds the password. Against that stand, each by itself:
 *
 * THE HOST that the request was sent to (Host; HTTP/2's :authority). A page at
 * http://evil.example can have that name lead to this server a moment later (DNS
 * rebinding); to the browser, page and manager are then of one origin, so the page may
 * read all answers, nonce included. But the request still says evil.example. So it has to
 * be
 *   - a name that the virtual host was given: ServerName, ServerAlias, wildcards included,
 *     but not one that is nothing but wildcards; or
 *   - an address, or localhost. A page there is one that was served by that very address:
 *     no DNS comes between. This is what scripts on this machine use. It need not be an
 *     address of ours: port forwarding and translation may have changed it on the way; or
 *   - none (HTTP/1.0): no browser sends that.
 * The port plays no part in this: the name's owner owns all ports.
 *
 * THE ORIGIN of the page that sends it, where the browser says so (no page can lie about
 * that, or hold it back from a POST; programs have none). Its host has to be the very one
 * that the request was sent to, or a name of the virtual host: behind a proxy that puts
 * another name in Host, which needs a ServerAlias then. X-Forwarded-Host plays no part: a
 * proxy fills in what it was asked for, evil.example as well. The scheme plays no part,
 * since TLS may end in front of us. The port has to be that of Host; where Host has none,
 * the usual one of the origin's scheme: browsers write the same into both. It may be
 * another one where the host is, too, by its alias. "null" is nobody's, so it is foreign.
 *
 * SEC-FETCH-SITE, which browsers send where TLS is, or on this machine: same-origin, or
 * none (the address bar); then the port need not be that of Host, for some proxies leave
 * it out. Also same-site is refused: that is the page of another port, or of a neighbour
 * in the domain, and none of ours.
 *
 * THE NONCE (manager/nonce.h), which other origins' pages cannot read.
 *
 * A GET changes nothing. Where its host is a foreign one it is told what there is to see
 * but gets no nonce and no buttons.
 *
 * Refusals are told of in the log once a minute and kind, all processes together, with
 * the number of those in between: whoever may ask may not fill the disk.
 */
#ifndef SVB_MANAGER_MOD_GUARD_H
#define SVB_MANAGER_MOD_GUARD_H

#include <httpd.h>

/** Before anything is answered: headers by which browsers keep the answer, whatever it
 *  is, from pages of others, in frames and otherwise. */
void svb_guard_fence(request_rec *r);

/** Is ServoyManagerActions on where the request is for? */
int svb_guard_may_act(request_rec *r);

/** Does the browser say that a page of ours has it ask, or that nobody has; or does it
 *  say nothing? */
int svb_guard_is_of_ours(request_rec *r);

/** May the answer to this GET have what it takes to act? Where not, that is logged. */
int svb_guard_may_offer(request_rec *r);

/** @return what is wrong with whoever sends this POST, for people, with its newline; or
 *          NULL. Logged */
const char *svb_guard_stranger(request_rec *r);

/** @return the nonce for a form that is shown now; from the request's pool */
const char *svb_guard_nonce(request_rec *r);

/** Is this a nonce that a form of ours has? If not, that is logged. */
int svb_guard_is_nonce(request_rec *r, const char *given);

#endif /* SVB_MANAGER_MOD_GUARD_H */
