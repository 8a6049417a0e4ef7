/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * The values of directives: what may stand there, and what is said of anything
 * else.
 *
 * What is told to an administrator names the directive, the value and what is
 * allowed. The functions that return text return NULL for a good value, else
 * what is wrong, from cmd->pool.
 *
 * For while the configuration is read, when there is one thread.
 */
#ifndef SVB_CONFIG_MOD_VALUES_H
#define SVB_CONFIG_MOD_VALUES_H

#include "mod_log.h"

/** A number that was not given. */
#define SVB_UNSET (-1)

#define SVB_NAME_ALLOWED                                                       \
    "expected 1 to 63 letters, digits, dots, hyphens and underscores"

/** The error text for a value. @param allowed what was expected */
const char *svb_values_bad(cmd_parms *cmd, const char *value,
                           const char *allowed);

/** The same for a value that is none of some words, with the one that was probably
 *  meant. @param words what is allowed; ends with NULL */
const char *svb_values_bad_word(cmd_parms *cmd, const char *value,
                                const char *const words[], const char *allowed);

/**
 * Does a directive about a balancer stand where it can be about one: in a <Proxy>?
 * @return NULL, or where it belongs
 */
const char *svb_values_in_balancer(cmd_parms *cmd);

/** Does a directive about the server as a whole stand outside all sections?
 *  @return NULL, or where it belongs */
const char *svb_values_in_server(cmd_parms *cmd);

/** Does a directive about the manager stand in a section of a place?
 *  @return NULL, or where it belongs */
const char *svb_values_in_location(cmd_parms *cmd);

/** Is it a name that needs no quoting in cookies, headers, labels and links? */
int svb_values_is_name(const char *text);

/** May it be a route: stand in a cookie's value, as a session id does? */
int svb_values_is_route(const char *text);

/** Is it a token, as the name of a cookie is? */
int svb_values_is_token(const char *text);

/** A whole number in decimal digits.
 *  @param least the smallest allowed, 0 or above @param most the largest
 *  @param number set to it
 *  @return whether it is one */
int svb_values_number(const char *text, apr_int64_t least, apr_int64_t most,
                      int *number);

/** On or Off. @param flag set to 1 or 0 */
const char *svb_values_flag(cmd_parms *cmd, const char *arg, int *flag);

/** A time in httpd's units. @param zero_too whether it may be 0 */
const char *svb_values_time(cmd_parms *cmd, const char *arg, int zero_too,
                            apr_interval_time_t *time);

/** The place in a list of words, in any case.
 *  @param words ends with NULL
 *  @return its index, or -1 */
int svb_values_word(const char *arg, const char *const words[]);

/** A number of bytes above zero, with K or M for units.
 *  @param whole what the error text quotes @param most the largest allowed */
const char *svb_values_bytes(cmd_parms *cmd, const char *whole, const char *arg,
                             int most, int *bytes);

#endif /* SVB_CONFIG_MOD_VALUES_H */
