/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What the configuration comes to: the servoy balancers, their settings with
 * the defaults filled in, the fleets they form, and what is known about each
 * node. Built by reading only, from mod_proxy's configuration and ours, in the
 * check_config hook (to find what is wrong) and again in post_config (to use).
 *
 * mod_proxy gives each virtual host its own copy of a balancer, with the same
 * array of members. Each copy is an svb_balancer of its own, for its settings
 * may differ; what counts members counts each array once.
 *
 * The model does not change after post_config and is read without locks.
 */
#ifndef SVB_CONFIG_MOD_MODEL_H
#define SVB_CONFIG_MOD_MODEL_H

#include <apr_hash.h>
#include <mod_proxy.h>

#include "config/mod_directives.h"
#include "config/mod_sections.h"

typedef struct svb_fleet svb_fleet;

/** A balancer with lbmethod=servoy, as one server has it. */
typedef struct svb_balancer {
    const char *name; /**< "balancer://servoy" */
    apr_size_t name_len;
    proxy_balancer *proxy;
    server_rec *server;
    svb_section set; /**< its sections merged, with the defaults filled in */
    svb_fleet *fleet;
    void *members; /**< of nodes/mod_members.h */
} svb_balancer;

/** The nodes that serve the same users. */
struct svb_fleet {
    const char *name;
    apr_uint64_t salt;             /**< tells its clients' ids from others' */
    apr_array_header_t *balancers; /**< of svb_balancer * */
    apr_hash_t *lines;             /**< route -> svb_node_line *, merged */
};

/** Something wrong with the configuration. */
typedef struct svb_problem {
    int level; /**< APLOG_ERR: no start; APLOG_WARNING */
    server_rec *server;
    const char *text; /**< with its SVB log id */
} svb_problem;

typedef struct svb_model {
    apr_pool_t *pool;
    server_rec *main_server;
    const svb_server *server;
    apr_array_header_t *balancers; /**< of svb_balancer *, all servers' */
    apr_array_header_t *fleets;    /**< of svb_fleet *, by first use */
    apr_array_header_t *problems;  /**< of svb_problem */
    apr_hash_t *by_proxy;          /**< proxy_balancer * -> svb_balancer * */
} svb_model;

/**
 * Read the configuration of all servers.
 * @param p           pool of the model
 * @param main_server the main server
 * @return the model; look at its problems
 */
svb_model *svb_model_build(apr_pool_t *p, server_rec *main_server);

/** Add a problem: level, server, format. */
void svb_model_problem(svb_model *model, int level, server_rec *s,
                       const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** @return the member as it may have been written, from the model's pool */
const char *svb_model_member_text(const svb_model *model, proxy_worker *worker);

/** @return the i-th of a balancer's members */
proxy_worker *svb_model_worker(const svb_balancer *balancer, int i);

/** @return the svb_balancer of this copy of a balancer, or NULL: not servoy */
svb_balancer *svb_model_balancer(const svb_model *model,
                                 const proxy_balancer *balancer);

/**
 * Was this array of members seen in an earlier element of the list?
 * @param list of svb_balancer *
 * @param i    index of the balancer in question
 */
int svb_model_repeats(const apr_array_header_t *list, int i);

/**
 * What is known about the node behind a member: its own ServoyNode line,
 * wherever in the fleet it stands, else the balancer's template.
 * @param p pool of the strings in facts
 * @return NULL, or what is wrong with the expanded url
 */
const char *svb_model_facts(apr_pool_t *p, const svb_balancer *balancer,
                            const proxy_worker *worker, svb_facts *facts);

/**
 * Give copies of a servoy balancer in virtual hosts their method back, which
 * mod_proxy loses there. Before mod_proxy_balancer's post_config.
 */
void svb_model_mend_lbmethod(server_rec *main_server);

#endif /* SVB_CONFIG_MOD_MODEL_H */
