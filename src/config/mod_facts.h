/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What is known about a node: the keys of ServoyNode and their values.
 *
 * Of one line, those that it does not give are NULL or SVB_UNSET, and url still
 * has its placeholders; config/mod_model.h puts lines, templates and defaults
 * together.
 *
 * No state, no locks; usable from any thread, with a pool of the caller's own.
 */
#ifndef SVB_CONFIG_MOD_FACTS_H
#define SVB_CONFIG_MOD_FACTS_H

#include "config/mod_values.h"

/** probe=: what is asked whether a node that launches are redirected to is
 *  there, when nothing else has told of late. */
typedef enum svb_probe_mode {
    SVB_PROBE_MEMBERS, /**< its members: CPing for ajp, a connection for others */
    SVB_PROBE_URL,     /**< a connection to its direct URL as well */
    SVB_PROBE_OFF
} svb_probe_mode;

typedef struct svb_facts {
    const char *url;   /**< direct URL, without trailing slash; or NULL */
    const char *group; /**< nodes that share sessions; or NULL */
    int maxclients;    /**< 0 is no limit */
    int probe;         /**< svb_probe_mode */
} svb_facts;

/** Nothing is given. */
extern const svb_facts svb_facts_unset;

/** What holds where nothing was said. */
extern const svb_facts svb_facts_defaults;

/**
 * Read one key=value. While the configuration is read.
 * @param cmd   the directive, for messages; text is from its pool or is arg's
 * @param facts gets the value
 * @param arg   the text; must live as long as facts
 * @return NULL, or what is wrong
 */
const char *svb_facts_read(cmd_parms *cmd, svb_facts *facts, const char *arg);

/** @return the first key that both give, each with a value of its own; or NULL */
const char *svb_facts_conflict(const svb_facts *a, const svb_facts *b);

/** @return whether all keys have the same value, or are not given by either */
int svb_facts_equal(const svb_facts *a, const svb_facts *b);

/** Take what is not given from others. */
void svb_facts_complete(svb_facts *facts, const svb_facts *others);

/** @return facts that are all given, in words; from p */
const char *svb_facts_text(apr_pool_t *p, const svb_facts *facts);

#endif /* SVB_CONFIG_MOD_FACTS_H */
