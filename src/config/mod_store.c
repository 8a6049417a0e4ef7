/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "config/mod_store.h"

#include <ap_provider.h>
#include <apr_network_io.h>
#include <apr_strings.h>
#include <http_core.h>

#include "config/mod_values.h"

/* What the configuration has said so far. */
typedef struct said {
    svb_store_line line;
    const char *password;
    const char *key_file; /* NULL: none was named */
    unsigned char key[SVB_STORE_KEY];
    const char *front_end; /* NULL: the host's name */
} said_t;

static said_t *said;

/* What is in use, from post_config on. */
static const svb_store *in_use;

static const svb_store nothing = {
    .url = "", .name = "", .prefix = "", .front_end = ""};

/* The next reading of the configuration begins with nothing. */
static apr_status_t forget(void *dummy)
{
    (void)dummy;
    said = NULL;
    in_use = NULL;
    return APR_SUCCESS;
}

/* @return what has been said, to add to; NULL: not in this place, see err */
static said_t *said_for(cmd_parms *cmd, const char **err)
{
    *err = svb_values_in_server(cmd);
    if (*err) {
        return NULL;
    }
    if (!said) {
        said = apr_pcalloc(cmd->pool, sizeof(*said));
        apr_pool_cleanup_register(cmd->pool, NULL, forget,
                                  apr_pool_cleanup_null);
    }
    return said;
}

static const char *told(cmd_parms *cmd, const char *error)
{
    return error ? apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, error)
                 : NULL;
}

/* ------------------------------------------------------------ the directives */

/* Relative paths are below ServerRoot. */
static const char *absolute(cmd_parms *cmd, const char *path)
{
    const char *whole = path ? ap_server_root_relative(cmd->pool, path) : NULL;

    return whole ? whole : path;
}

/* Those that TLS needs are read by whoever makes connections; but whether they can be
 * is seen here. */
static const char *check_tls_files(cmd_parms *cmd,
                                   svb_exchange_address *address)
{
    const char **files[] = {&address->ca_file, &address->cert_file};
    const char *error = NULL;

    for (apr_size_t i = 0; i < 2 && !error; i++) {
        *files[i] = absolute(cmd, *files[i]);
        error =
            *files[i] ? svb_store_check_file(cmd->pool, *files[i], NULL) : NULL;
    }
    address->key_file = absolute(cmd, address->key_file);
    if (!error && address->key_file) {
        error = svb_store_check_file(cmd->pool, address->key_file, "a key");
    }
    return error;
}

const char *svb_store_set(cmd_parms *cmd, void *dummy, int argc,
                          char *const argv[])
{
    const char *err;
    said_t *store = said_for(cmd, &err);

    (void)dummy;
    if (err) {
        return err;
    }
    store->password = NULL;
    err = svb_store_parse(cmd->pool, argc, argv, &store->line);
    if (!err && store->line.password_file) {
        err = svb_store_read_password(cmd->pool,
                                      absolute(cmd, store->line.password_file),
                                      &store->password);
    }
    if (!err) {
        err = check_tls_files(cmd, &store->line.address);
    }
    return told(cmd, err);
}

const char *svb_store_set_key(cmd_parms *cmd, void *dummy, const char *arg)
{
    const char *err;
    said_t *store = said_for(cmd, &err);

    (void)dummy;
    if (err) {
        return err;
    }
    if (!*arg) {
        return svb_values_bad(cmd, arg, "expected the path of a file");
    }
    store->key_file = absolute(cmd, arg);
    return told(cmd,
                svb_store_read_key(cmd->pool, store->key_file, store->key));
}

const char *svb_store_set_front_end(cmd_parms *cmd, void *dummy,
                                    const char *arg)
{
    const char *err;
    said_t *store = said_for(cmd, &err);

    (void)dummy;
    if (err) {
        return err;
    }
    store->front_end = arg;
    return svb_values_is_name(arg) ? NULL
                                   : svb_values_bad(cmd, arg, SVB_NAME_ALLOWED);
}

/* -------------------------------------------------------- what they come to */

static const char *host_name(apr_pool_t *p)
{
    char name[APRMAXHOSTLEN + 1];

    return apr_gethostname(name, sizeof(name), p) == APR_SUCCESS
               ? apr_pstrdup(p, name)
               : "";
}

static svb_store *configured(apr_pool_t *p)
{
    svb_store *store = apr_pmemdup(p, &nothing, sizeof(*store));

    store->front_end = said && said->front_end ? said->front_end : host_name(p);
    if (said && said->line.on) {
        store->on = 1;
        store->url = said->line.url;
        store->address = said->line.address;
        store->address.password = said->password;
        store->name = said->line.name;
        store->prefix = apr_pstrcat(p, "svb:{", store->name, "}", NULL);
        memcpy(store->key, said->key, sizeof(store->key));
    }
    return store;
}

const svb_exchange_provider *svb_store_provider(void)
{
    return ap_lookup_provider(SVB_EXCHANGE_GROUP, SVB_EXCHANGE_REDIS,
                              SVB_EXCHANGE_VERSION);
}

/* Of a store that is to be used. */
static const char *wrong_with(apr_pool_t *p, const svb_store *store)
{
    const svb_exchange_provider *provider = svb_store_provider();
    const char *error;

    if (!provider) {
        return "needs mod_servoy_redis: LoadModule servoy_redis_module "
               "modules/mod_servoy_redis.so";
    }
    error = provider->check(&store->address, p);
    if (error) {
        return error;
    }
    if (!said->key_file) {
        return "needs ServoySharedKey: a file with the key that all front ends "
               "of this store have in common (openssl rand -hex 16)";
    }
    if (!svb_values_is_name(store->front_end)) {
        return apr_psprintf(
            p,
            "needs ServoyFrontEnd, since the name of this host "
            "(\"%s\") cannot be a front end's: " SVB_NAME_ALLOWED,
            store->front_end);
    }
    return NULL;
}

const char *svb_store_wrong(apr_pool_t *p)
{
    const svb_store *store = configured(p);
    const char *error = store->on ? wrong_with(p, store) : NULL;

    return error
               ? apr_psprintf(p, "ServoySharedStore %s: %s", store->url, error)
               : NULL;
}

int svb_store_key_is_idle(void)
{
    return said && said->key_file && !said->line.on;
}

/* ----------------------------------------------------------------- restarts */

static const char *shown(const svb_store *store, apr_pool_t *p)
{
    return store->on ? apr_psprintf(p, "%s, name=%s, ServoyFrontEnd %s",
                                    store->url, store->name, store->front_end)
                     : "off";
}

/* What the server was started with is remembered with the process, which no restart
 * ends. */
void svb_store_use(server_rec *main_server)
{
    const char *userdata = "servoy_balancer-store-" MOD_SERVOY_BALANCER_VERSION;
    apr_pool_t *p = main_server->process->pconf;
    apr_pool_t *process = main_server->process->pool;
    svb_store *wanted = configured(p);
    void *kept = NULL;

    if (!said) {
        apr_pool_cleanup_register(p, NULL, forget, apr_pool_cleanup_null);
    }
    in_use = wanted;
    apr_pool_userdata_get(&kept, userdata, process);
    if (!kept) {
        apr_pool_userdata_set(svb_store_copy(wanted, process), userdata, NULL,
                              process);
    }
    else if (!svb_store_same(wanted, kept)) {
        in_use = kept;
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, main_server,
            SVB_LOGNO(0122) "another shared store, key or name takes a "
                            "stop and start: it stays as it was (%s)",
            shown(kept, p));
    }
}

const svb_store *svb_store_get(void)
{
    return in_use ? in_use : &nothing;
}
