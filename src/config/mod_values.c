/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_values.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>

#include "config/closest.h"
#include "memory/names.h"

const char *svb_values_bad(cmd_parms *cmd, const char *value,
                           const char *allowed)
{
    return apr_psprintf(cmd->pool, "%s: \"%s\" is not allowed here: %s",
                        cmd->cmd->name, value, allowed);
}

const char *svb_values_bad_word(cmd_parms *cmd, const char *value,
                                const char *const words[], const char *allowed)
{
    const char *meant = svb_closest(value, words);

    return apr_pstrcat(cmd->pool, svb_values_bad(cmd, value, allowed),
                       meant ? "; did you mean \"" : "", meant,
                       meant ? "\"?" : "", NULL);
}

static const char *belongs(cmd_parms *cmd, const char *place)
{
    return apr_pstrcat(cmd->pool, cmd->cmd->name,
                       " is not allowed here: ", place, NULL);
}

/* Only <Proxy> lets in what has PROXY_CONF. */
const char *svb_values_in_balancer(cmd_parms *cmd)
{
    return cmd->override & PROXY_CONF
               ? NULL
               : belongs(cmd, "it is about one balancer, and belongs into its "
                              "<Proxy \"balancer://...\">");
}

/* What concerns the server as a whole cannot differ between virtual hosts. */
const char *svb_values_in_server(cmd_parms *cmd)
{
    return !ap_check_cmd_context(cmd, GLOBAL_ONLY)
               ? NULL
               : belongs(cmd, "it is about the server as a whole, and belongs "
                              "outside of all sections");
}

const char *svb_values_in_location(cmd_parms *cmd)
{
    return cmd->path && !(cmd->override & PROXY_CONF)
               ? NULL
               : belongs(cmd, "it is about the manager, and belongs into the "
                              "<Location> that has SetHandler servoy-manager");
}

/* Names that appear in cookies, headers, labels and page links: no byte that
 * needs quoting in any of them. */
int svb_values_is_name(const char *text)
{
    const char *c;

    for (c = text; *c; c++) {
        if (!apr_isalnum(*c) && !strchr("._-", *c)) {
            return 0;
        }
    }
    return c > text && c - text <= SVB_NAME_MAX;
}

/* What may stand in a cookie's value, as a session id with its route does. */
int svb_values_is_route(const char *text)
{
    const char *c;

    for (c = text; *c; c++) {
        if (!apr_isgraph(*c) || strchr("\",;\\*", *c)) {
            return 0;
        }
    }
    return c > text && c - text <= SVB_NAME_MAX;
}

int svb_values_is_token(const char *text)
{
    const char *c;

    for (c = text; *c; c++) {
        if (!apr_isgraph(*c) || strchr("()<>@,;:\\\"/[]?={}", *c)) {
            return 0;
        }
    }
    return c > text;
}

int svb_values_number(const char *text, apr_int64_t least, apr_int64_t most,
                      int *number)
{
    char *end;
    apr_int64_t n = apr_strtoi64(text, &end, 10);

    if (!apr_isdigit(*text) || *end || n < least || n > most) {
        return 0;
    }
    *number = (int)n;
    return 1;
}

const char *svb_values_flag(cmd_parms *cmd, const char *arg, int *flag)
{
    if (!ap_cstr_casecmp(arg, "on")) {
        *flag = 1;
    }
    else if (!ap_cstr_casecmp(arg, "off")) {
        *flag = 0;
    }
    else {
        return svb_values_bad(cmd, arg, "expected On or Off");
    }
    return NULL;
}

const char *svb_values_time(cmd_parms *cmd, const char *arg, int zero_too,
                            apr_interval_time_t *time)
{
    const char *unit = arg + strspn(arg, "0123456789");

    if (unit == arg || unit[strspn(unit, "himsecnour")]
        || ap_timeout_parameter_parse(arg, time, "s") != APR_SUCCESS
        || (*time == 0 && !zero_too)) {
        return svb_values_bad(
            cmd, arg,
            zero_too ? "expected a time such as 30, 30s, 15min or 8h"
                     : "expected a time above zero, such as 30, 30s, "
                       "15min or 8h");
    }
    return NULL;
}

int svb_values_word(const char *arg, const char *const words[])
{
    for (int i = 0; words[i]; i++) {
        if (!ap_cstr_casecmp(arg, words[i])) {
            return i;
        }
    }
    return -1;
}

const char *svb_values_bytes(cmd_parms *cmd, const char *whole, const char *arg,
                             int most, int *bytes)
{
    apr_int64_t n;
    char *unit;

    n = apr_strtoi64(arg, &unit, 10);
    if (n > most || n < 0) {
        n = 0;
    }
    if (*unit && ap_strchr_c("kKmM", *unit)) {
        n *= *unit == 'k' || *unit == 'K' ? 1024 : 1024 * 1024;
        unit++;
    }
    if (!apr_isdigit(*arg) || *unit || n < 1 || n > most) {
        return svb_values_bad(
            cmd, whole,
            apr_psprintf(cmd->pool,
                         "expected a number of bytes from 1 to %d, such as "
                         "65536, 512K or 2M",
                         most));
    }
    *bytes = (int)n;
    return NULL;
}
