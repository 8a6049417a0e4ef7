/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What administrators do to nodes.
 *
 * An action is carried out on mod_proxy's own words about each member of the
 * node, in shared memory, so that it holds in all processes at once and is seen
 * in mod_proxy's balancer-manager as well. It is also noted in the node's word
 * in svb_records, from where it is done again after a restart, when mod_proxy
 * starts from its configuration. What is changed elsewhere later, say in the
 * balancer-manager, is what counts: the watchdog drops from the word what no
 * member shows any more.
 *
 * Maintenance is ours alone; mod_proxy has no such thing. Set by an action, it
 * lasts until the node is enabled; found out from a node's answers, it lasts
 * for a while (course/mod_retry.h).
 *
 * No function takes a lock: mod_proxy changes these words without one, too.
 */
#ifndef SVB_NODES_MOD_ADMIN_H
#define SVB_NODES_MOD_ADMIN_H

#include "nodes/mod_members.h"
#include "nodes/action.h"

/**
 * Carry out an action on all members of a node in all balancers of its fleet. Any
 * thread, after svb_admin_apply().
 * @param action a well-formed one
 * @param who    "admin from 10.0.0.7": kept as the reason of the node's state
 * @return the node's index, or -1 when there is no such fleet or node
 */
int svb_admin_act(const svb_model *model, const svb_action *action,
                  const char *who);

/**
 * Do what an administrator has said at another front end. Any thread, after
 * svb_admin_apply().
 * @param word SVB_WORD_ADMIN as it is there
 * @param who  what is kept there as the reason: "drained by admin from 10.0.0.7"
 */
void svb_admin_obey(const svb_model *model, int node, apr_uint64_t word,
                    const char *who);

/** Likewise: forget the node's clients, or close their windows. */
void svb_admin_forget(int node);
void svb_admin_close(int node);

/** Do to all members what their nodes' words say; in post_config, in the parent,
 *  after mod_proxy_balancer's. */
void svb_admin_apply(const svb_model *model);

/** Drop from the nodes' words what was undone elsewhere; from the watchdog. */
void svb_admin_reconcile(const svb_model *model);

/** Has an action taken the node out, and not given it back yet? Any thread. */
int svb_admin_has_word(int node);

/** Has an administrator put the node in maintenance? Any thread. */
int svb_admin_in_maintenance(int node);

#endif /* SVB_NODES_MOD_ADMIN_H */
